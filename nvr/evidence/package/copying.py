"""Copies recorded fragments into one sealed MP4: each segment is read once, hashed against what was recorded, and
written on.

Of the recorded bytes only numbers in fragment headers change: ``tfdt`` (decode times are rebased to the server's clock,
counted from the file's beginning) and the sequence in ``mfhd``; and times in the file's header
(``storage.format.dating``). Sample bytes are copied as they are. Memory is a few blocks, whatever the length.

Invariants: a file that gets its name is whole, sealed and on the disk. A segment that ends too early makes no file.
What one thread hands to another is an immutable ``bytes`` that nobody can write to again, however slow the other is;
how many wait is bounded by the queue alone.
"""

from __future__ import annotations

import contextlib
import os
import queue
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nvr.evidence.package.hashed_files import HashedOutput, SegmentDigest
from nvr.evidence.package.parts import PackagePart
from nvr.evidence.package.plan import FilePlan
from nvr.evidence.package.rebasing import Rebase, beginning_us, patch
from nvr.evidence.seal.errors import SourceChanged
from nvr.evidence.seal.oeff import ExportUnit, make_meta
from nvr.evidence.seal.signing import Signer
from nvr.playback.errors import PlaybackError
from nvr.playback.index_cache import IndexCache, OpenSegment
from storage.disk.reading import EndsEarlyError
from storage.format.boxes import BoxError, Track
from storage.format.dating import dated
from storage.sentences import Sentence, sentence_of

__all__ = ["CopiedPart", "SealedFile", "write_sealed"]

# Small enough that what was read is still in the processor's cache when it is hashed and written.
_BLOCK_BYTES: Final = 1 << 20
# How many blocks may wait between the reading and the writing thread: more would gain nothing.
_AHEAD_BLOCKS: Final = 4
_READ_AHEAD_BYTES: Final = 4 << 20
_FORGET_BYTES: Final = 32 << 20

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class CopiedPart:
    """One segment's share of a file: its bytes ``[begin, end)`` there, the running CRC-32 of the file up to ``end``,
    and how the segment's own bytes compare with what was recorded. ``matches`` is None if there is no hash to compare
    with: it was still being written."""

    part: PackagePart
    begin: int
    end: int
    crc32: int
    recorded_sha256: str | None
    read_sha256: str
    matches: bool | None


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A finished file. ``zero_us``: the UTC time of its media time zero."""

    name: str
    size: int
    sha256: str
    crc32: int
    zero_us: int
    parts: tuple[CopiedPart, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole fragments, read; or the end of a segment, with what its bytes hash to, or an error. ``data`` can't change
    any more: the reader keeps no way to it, so a writer may take its time."""

    data: bytes
    fragments: Sequence[tuple[int, int]]
    ended: tuple[str | None, str, bool | None] | None = None
    error: BaseException | None = None


def _reading(opened: OpenSegment, part: PackagePart, blocks: queue.Queue[_Block], stop: threading.Event) -> None:
    """A thread: reads all of a segment in order, hashes it, and hands on the fragments that are wanted."""

    def put(block: _Block) -> bool:
        while not stop.is_set():
            try:
                blocks.put(block, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    try:
        digest = SegmentDigest(opened)
        forgotten = 0
        for offset, size, fragments in _blocks(opened, part):
            # The disk reads on while this is hashed.
            opened.data.will_need(offset + size, _READ_AHEAD_BYTES)
            data = opened.data.read_at(offset, size)
            digest.update(data)
            if offset - forgotten >= _FORGET_BYTES:
                # The system need not keep what is read once. Told of pages that just came in, it would wait for every
                # processor.
                opened.data.forget(forgotten, offset - forgotten)
                forgotten = offset
            if fragments and not put(_Block(data, fragments)):
                return
            if stop.is_set():
                return
        opened.data.forget(0, opened.file.size)
        put(_Block(b"", (), ended=digest.finish()))
    except BaseException as error:
        put(_Block(b"", (), error=error))


def _advise(fd: int, offset: int, count: int, advice: int) -> None:
    with contextlib.suppress(OSError):
        os.posix_fadvise(fd, offset, count, advice)


def _blocks(opened: OpenSegment, part: PackagePart) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """(offset, size, fragments within as (offset, size)) of all of the file in order; wanted fragments are never
    split."""
    size = opened.file.size if opened.file.tail is not None else part.end

    def plain(begin: int, end: int) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        for at in range(begin, end, _BLOCK_BYTES):
            yield at, min(_BLOCK_BYTES, end - at), []

    yield from plain(0, part.begin)
    begin, inside = part.begin, []
    for offset, length in opened.file.index.fragments[part.first : part.last].tolist():
        inside.append((offset - begin, length))
        end = offset + length
        if end - begin >= _BLOCK_BYTES:
            yield begin, end - begin, inside
            begin, inside = end, []
    if inside:
        yield begin, part.end - begin, inside
    yield from plain(part.end, size)


def write_sealed(
    path: Path,
    plan: FilePlan,
    cache: IndexCache,
    signer: Signer,
    unit: Callable[[Sequence[Track]], ExportUnit],
    *,
    progress: Progress = lambda _: None,
    remark: str = "",
) -> SealedFile:
    """Writes the file at ``path``. ``unit`` tells what to say of its tracks; ``progress`` is told of every few
    megabytes, and may raise to end it.

    Raises:
        SourceChanged: footage could not be read to the end.
        OSError: the disk does not take it.
    """
    out = HashedOutput(path.with_name(f"{path.name}.part"))
    try:
        out.write(dated(plan.init.data, plan.start_us, plan.end_us))
        zero_us: int | None = None
        tracks: Sequence[Track] = ()
        copied: list[CopiedPart] = []
        sequence = 0
        for part in plan.parts:
            try:
                opened = cache.open(part.piece.segment)
            except PlaybackError as error:
                raise SourceChanged(sentence_of(error)) from error
            try:
                if zero_us is None:
                    zero_us, tracks = beginning_us(opened, part), opened.file.tracks
                done, sequence = _copy(opened, part, out, zero_us, sequence, progress)
                copied.append(done)
            finally:
                opened.close()
        assert zero_us is not None
        sealed = _seal(out, plan, signer, unit(tracks), tracks[0].track_id, zero_us, remark)
        os.fsync(out.fd)
        _advise(out.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        out.close()
        out.path.rename(path)
    except BaseException:
        out.close()
        out.path.unlink(missing_ok=True)
        raise
    return SealedFile(path.name, out.size, sealed[0], sealed[1], zero_us, tuple(copied))


def _copy(
    opened: OpenSegment, part: PackagePart, out: HashedOutput, zero_us: int, sequence: int, progress: Progress
) -> tuple[CopiedPart, int]:
    rows = opened.file.index.fragments
    if len(rows) < part.last or (int(rows[part.first, 0]), int(rows[part.last - 1].sum())) != (part.begin, part.end):
        raise SourceChanged(
            Sentence("{file} is not what it was when the export was planned", file=opened.segment.relative_path)
        )
    rebase = Rebase(opened, zero_us)
    blocks: queue.Queue[_Block] = queue.Queue(_AHEAD_BLOCKS)
    stop = threading.Event()
    reader = threading.Thread(target=_reading, args=(opened, part, blocks, stop), name="export-read", daemon=True)
    begin = out.size
    reader.start()
    try:
        while True:
            block = blocks.get()
            if block.error is not None:
                if isinstance(block.error, EndsEarlyError):
                    raise SourceChanged(
                        Sentence(
                            "{file} ends at byte {at}, earlier than it did",
                            file=opened.segment.relative_path,
                            at=block.error.at,
                        )
                    ) from block.error
                if isinstance(block.error, OSError):
                    reason = block.error.strerror or type(block.error).__name__
                    raise SourceChanged(
                        Sentence("{file} can't be read: {reason}", file=opened.segment.relative_path, reason=reason)
                    ) from block.error
                raise block.error
            if block.ended is not None:
                break
            # This thread's own copy: what was read stays what it was.
            data = bytearray(block.data)
            view = memoryview(data)
            try:
                for offset, length in block.fragments:
                    sequence += 1
                    patch(view, offset, offset + length, sequence, rebase)
            except (BoxError, struct.error) as error:
                raise SourceChanged(
                    Sentence("{file} is damaged: {why}", file=opened.segment.relative_path, why=str(error))
                ) from error
            out.write(data)
            progress(len(data))
    finally:
        stop.set()
        reader.join()
    recorded, read, matches = block.ended
    return CopiedPart(part, begin, out.size, out.crc, recorded, read, matches), sequence


def _seal(
    out: HashedOutput, plan: FilePlan, signer: Signer, unit: ExportUnit, track_id: int, zero_us: int, remark: str
) -> tuple[str, int]:
    """Adds the ``meta``, signs, and puts the signature in; returns SHA-256 and CRC-32 of the whole file."""
    certificate = signer.certificate
    meta, at = make_meta(unit, track_id, zero_us, certificate.der, certificate.signature_bytes, remark)
    to_sign, whole, crc = out.sha.copy(), out.sha.copy(), out.crc
    to_sign.update(meta)
    signature = signer.sign(to_sign.digest())
    if len(signature) != certificate.signature_bytes:
        raise ValueError("the signature has not the length of its key")
    signed = meta[:at] + signature + meta[at + len(signature) :]
    whole.update(signed)
    out.write(signed)
    return whole.hexdigest(), zlib.crc32(signed, crc)
