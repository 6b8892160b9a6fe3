"""Compares the footage of a package, byte by byte, with the recorded segments that it was copied from.

Of a recorded fragment only the values of ``tfdt`` and ``mfhd`` may differ, of a header its times. Invariant: what is
counted as compared was the same in every other byte.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from nvr.evidence.package.archive import Archive
from nvr.evidence.package.manifest import MANIFEST_NAME
from nvr.evidence.seal.times import parse_iso
from nvr.evidence.verify import VerificationReport
from nvr.evidence.verify.sources import ArchiveSource, FolderSource, PackageSource
from nvr.playback.errors import FootageDamaged, FootageGone
from nvr.playback.index_cache import OpenSegment
from storage.catalogue.segments import Key
from storage.format.boxes import BoxError, children, header
from storage.format.dating import undated
from storage.sentences import Sentence, sentence_of
from storage.tiers.base import OpenFile

__all__ = ["Compared", "Find", "compare"]

# Small enough that the C library gives the same memory again and again, instead of fresh pages that must be cleared
# first.
_CHUNK_BYTES: Final = 64 << 10
# Enough for most headers of fragments; a longer one is read again.
_HEAD_BYTES: Final = 4 << 10
_LARGEST_HEADER_BYTES: Final = 4 << 20


Find = Callable[[Key], OpenSegment]
"""Opens a recorded segment. Raises ``FootageGone`` if it is no longer there."""


class _Segment(msgspec.Struct):
    start: str
    node: str
    epoch: int
    source_bytes: tuple[int, int]
    file_bytes: tuple[int, int]


class _File(msgspec.Struct):
    name: str
    kind: str
    camera: str = ""
    segments: list[_Segment] = []


class _Manifest(msgspec.Struct):
    id: str
    files: list[_File]


class _Differs(Exception):
    pass


class _UnreadError(Exception):
    pass


class _Ended(Exception):
    pass


@dataclass(slots=True)
class Compared:
    """``unread``: why ``unread_segments`` of those in ``gone`` can't be read here, in words."""

    bytes: int = 0
    gone: int = 0
    unread_segments: int = 0
    wrong: list[Sentence] = field(default_factory=list)
    unread: list[Sentence] = field(default_factory=list)

    def add_unread(self, count: int, why: Sentence) -> None:
        """So many segments can't be compared."""
        self.gone += count
        self.unread_segments += count
        self.unread.append(why)


def compare(target: Path, find: Find, ending: threading.Event) -> Compared:
    """Compares the package at ``target``, a folder or a ZIP, with what ``find`` opens, until the end or ``ending``. Of
    what is no package it says nothing: verification does.

    Raises:
        OSError: the package, or a recorded file, can't be read.
    """
    found = Compared()
    with _source(target) as source:
        if source is None or MANIFEST_NAME not in source.sizes:
            # Verification says what is wrong.
            return found
        with source.open(MANIFEST_NAME) as file:
            data = b"".join(iter(lambda: file.read(_CHUNK_BYTES), b""))
        try:
            manifest = msgspec.json.decode(data, type=_Manifest)
        except (msgspec.DecodeError, RecursionError):
            return found
        try:
            for listed in manifest.files:
                if listed.kind == "video" and listed.name in source.sizes:
                    _compare_file(source, listed, find, found, ending)
        except _Ended:
            pass
    return found


@contextmanager
def _source(target: Path) -> Iterator[PackageSource | None]:
    if target.is_dir():
        yield FolderSource(target, VerificationReport(str(target), "directory", False))
        return
    with target.open("rb") as file:
        try:
            archive: PackageSource | None = ArchiveSource(Archive.of_file(file))
        except ValueError:
            archive = None
        yield archive


def _compare_file(source: PackageSource, listed: _File, find: Find, found: Compared, ending: threading.Event) -> None:
    if not listed.segments or source.sizes[listed.name] < listed.segments[0].file_bytes[0]:
        # Verification says what is wrong.
        return
    with source.open(listed.name) as exported:
        head = _take(exported, min(listed.segments[0].file_bytes[0], _LARGEST_HEADER_BYTES))
        at = len(head)
        for number, segment in enumerate(listed.segments):
            begin, end = segment.file_bytes
            where = Sentence("{file}, footage from {start}", file=listed.name, start=segment.start)
            if end - begin != segment.source_bytes[1] - segment.source_bytes[0] or begin < at:
                found.wrong.append(
                    Sentence(
                        "{where}: the manifest names bytes {recorded} of it as bytes {exported}",
                        where=where,
                        recorded="{}-{}".format(*segment.source_bytes),
                        exported="{}-{}".format(*segment.file_bytes),
                    )
                )
                return
            try:
                _skip(exported, begin - at)
                at = begin
                opened = find(Key(listed.camera, parse_iso(segment.start), segment.node, segment.epoch))
            except FootageDamaged as error:
                # Which says nothing of what was exported.
                found.add_unread(
                    1, Sentence("{where}: it can't be compared: {why}", where=where, why=sentence_of(error))
                )
                continue
            except FootageGone:
                found.gone += 1
                continue
            except (_Differs, ValueError) as error:
                found.wrong.append(Sentence("{where}: {what}", where=where, what=sentence_of(error)))
                return
            try:
                # Of the footage, not of the package: that is told to whoever asked, as an ``OSError``.
                if undated(_recorded(opened.data, 0, len(head))) != undated(head):
                    raise _Differs(Sentence("the file's header is not that of what was recorded"))
                _compare_part(opened.data, segment.source_bytes, exported, ending)
            except (_Differs, BoxError, struct.error) as error:
                found.wrong.append(Sentence("{where}: {what}", where=where, what=sentence_of(error)))
                # Where the next segment's begins is not certain any more.
                return
            except _UnreadError as error:
                left = len(listed.segments) - number
                why = Sentence(
                    "{where}: it can't be compared, nor what follows in the file: {why}",
                    where=where,
                    why=sentence_of(error),
                )
                found.add_unread(left, why)
                return
            finally:
                opened.close()
            at = end
            found.bytes += end - begin


def _skip(file: BinaryIO, count: int) -> None:
    while count:
        count -= len(_take(file, min(count, _CHUNK_BYTES)))


def _take(file: BinaryIO, count: int) -> bytes:
    """Exactly the next bytes of the exported file."""
    data = file.read(count)
    while len(data) < count:
        more = file.read(count - len(data))
        if not more:
            raise _Differs(Sentence("the exported file ends before it"))
        data += more
    return data


def _recorded(data: OpenFile, offset: int, count: int) -> bytes:
    """Bytes of the recorded file."""
    try:
        return data.read_at(offset, count)
    except OSError as error:
        raise _UnreadError(Sentence("{path} can't be read: {why}", path=str(data.path), why=error.strerror)) from error


def _compare_part(data: OpenFile, source_bytes: tuple[int, int], exported: BinaryIO, ending: threading.Event) -> None:
    """Compares the boxes ``[begin, end)`` of the recorded file with the next bytes of the exported one."""
    at, end = source_bytes
    while at < end:
        if ending.is_set():
            raise _Ended
        head = _recorded(data, at, min(_HEAD_BYTES, end - at))
        box = header(head, 0, len(head))
        if box is None or at + box.end > end:
            raise _Differs(
                Sentence("byte {at} of the recorded file does not begin a box that ends within what was copied", at=at)
            )
        if box.kind == b"moof":
            if box.end > len(head):
                head = _recorded(data, at, box.end)
            recorded, copied = head[: box.end], _take(exported, box.end)
            if recorded != copied and _settled(recorded) != _settled(copied):
                raise _Differs(Sentence("the header of the fragment at byte {at} of the recorded file differs", at=at))
        else:
            done = 0
            while done < box.end:
                size = min(_CHUNK_BYTES, box.end - done)
                if _recorded(data, at + done, size) != _take(exported, size):
                    raise _Differs(
                        Sentence(
                            "bytes {first} to {last} of the recorded file differ",
                            first=at + done,
                            last=at + done + size,
                        )
                    )
                done += size
                if ending.is_set():
                    raise _Ended
        at += box.end


def _settled(moof: bytes) -> bytes:
    """A fragment's header without what may be set anew."""
    data = bytearray(moof)
    outer = header(moof, 0, len(moof))
    if outer is None or outer.kind != b"moof" or outer.end != len(moof):
        raise _Differs(Sentence("a fragment of the exported file does not begin with its header"))
    for box in children(moof, outer.payload, outer.end):
        if box.kind == b"mfhd":
            data[box.payload + 4 : box.end] = bytes(box.end - box.payload - 4)
        elif box.kind == b"traf":
            for inner in children(moof, box.payload, box.end):
                if inner.kind == b"tfdt":
                    data[inner.payload + 4 : inner.end] = bytes(inner.end - inner.payload - 4)
    return bytes(data)
