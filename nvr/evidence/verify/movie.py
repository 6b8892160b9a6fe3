"""One sealed MP4, read once from front to end: its structure, its hashes, its signatures.

Invariant: a file that is not exactly ``ftyp moov (moof mdat)+ meta`` (with harmless boxes in between) has a problem,
and every byte of it was hashed all the same, so that a caller who knows what it was can say where it changed.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.oeff import LARGEST_META_BYTES, Meta, parse_meta, signed_view
from nvr.evidence.seal.signing import Certificate, read_certificate
from nvr.evidence.verify.report import FindingKind
from storage.format.boxes import BoxError, Track, children, header, parse_init, parse_moof

__all__ = ["MovieResult", "Trouble", "check_movie"]

# Small enough that the C library gives the same memory again and again, instead of fresh pages that must be cleared
# first.
_CHUNK_BYTES: Final = 64 << 10
_LARGEST_INIT_BYTES: Final = 4 << 20
_LARGEST_MOOF_BYTES: Final = 4 << 20
# Pictures, sound, data about them. Samples that take all their values from defaults cost a file no bytes: a fragment of
# thousands of tracks could declare more than any memory holds.
_MOST_TRACKS: Final = 16
_HARMLESS: Final = frozenset({b"free", b"skip", b"sidx", b"styp", b"prft", b"emsg", b"uuid"})

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and at which byte."""

    kind: FindingKind
    at: int
    code: str
    detail: str = ""


@dataclass(slots=True)
class MovieResult:
    """What was found. ``crcs`` are the running CRC-32s at the boundaries asked for. ``first_sha256`` and ``first_size``
    are of the file as it was before it was counter-signed; None if there is no seal to tell."""

    size: int = 0
    sha256: str = ""
    crc32: int = 0
    crcs: dict[int, int] = field(default_factory=dict)
    init_sha256: str | None = None
    tracks: Sequence[Track] = ()
    meta: Meta | None = None
    first_sha256: str | None = None
    first_size: int | None = None
    certificates: list[Certificate] = field(default_factory=list)
    trouble: Trouble | None = None


class _Stop(Exception):
    def __init__(self, kind: FindingKind, at: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.trouble = Trouble(kind, at, code, detail)


class _Stream:
    """The file's bytes in order, hashed as they are read."""

    def __init__(self, file: BinaryIO, size: int, boundaries: Sequence[int], progress: Progress) -> None:
        self._file, self.size, self._progress = file, size, progress
        self._marks = sorted(set(boundaries))
        self.at = 0
        self.sha = hashlib.sha256()
        self.crc = 0
        self.crcs: dict[int, int] = {}

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer only at the file's end."""
        parts = []
        while count:
            data = self._file.read(min(count, _CHUNK_BYTES))
            if not data:
                break
            parts.append(data)
            self._feed(data)
            count -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, count: int) -> int:
        """Passes over bytes, which are hashed; returns how many there were."""
        done = 0
        while done < count:
            data = self._file.read(min(count - done, _CHUNK_BYTES))
            if not data:
                break
            self._feed(data)
            done += len(data)
        return done

    def _feed(self, data: bytes) -> None:
        self.sha.update(data)
        view, begin = memoryview(data), self.at
        while self._marks and self._marks[0] <= begin + len(view):
            cut = max(self._marks.pop(0) - begin, 0)
            self.crc = zlib.crc32(view[:cut], self.crc)
            begin, view = begin + cut, view[cut:]
            self.crcs[begin] = self.crc
        self.crc = zlib.crc32(view, self.crc)
        self.at += len(data)
        self._progress(len(data))


def check_movie(
    file: BinaryIO, size: int, *, boundaries: Sequence[int] = (), progress: Progress = lambda _: None
) -> MovieResult:
    """Checks the MP4 of ``size`` bytes that ``file`` reads from its beginning on."""
    stream = _Stream(file, size, boundaries, progress)
    result = MovieResult()
    try:
        _walk(stream, result)
    except _Stop as stop:
        result.trouble = stop.trouble
    stream.skip(size - stream.at)
    result.size, result.sha256, result.crc32, result.crcs = stream.at, stream.sha.hexdigest(), stream.crc, stream.crcs
    return result


def _walk(stream: _Stream, result: MovieResult) -> None:
    init = b""
    expected = b"ftyp"
    fragments = 0
    while True:
        start = stream.at
        if start == stream.size:
            raise _Stop(FindingKind.MALFORMED, start, "no_seal")
        before = stream.sha.copy()
        head, kind, end = _header(stream)
        if kind == b"meta" and expected == b"moof" and fragments:
            _check_seal(stream, result, start, head, end, before)
            return
        if kind == expected == b"ftyp":
            init = head + _whole(stream, end, _LARGEST_INIT_BYTES)
            expected = b"moov"
        elif kind == expected == b"moov":
            init += head + _whole(stream, end, _LARGEST_INIT_BYTES)
            try:
                result.tracks = parse_init(init)
            except BoxError as error:
                raise _Stop(FindingKind.MALFORMED, start, "bad_structure", str(error)) from None
            if len(result.tracks) > _MOST_TRACKS:
                raise _Stop(FindingKind.MALFORMED, start, "bad_structure", f"it declares {len(result.tracks)} tracks")
            result.init_sha256 = hashlib.sha256(init).hexdigest()
            expected = b"moof"
        elif kind == expected == b"moof":
            moof = head + _whole(stream, end, _LARGEST_MOOF_BYTES)
            _, after, mdat_end = _header(stream)
            if after != b"mdat":
                raise _Stop(
                    FindingKind.MALFORMED, stream.at, "bad_structure", f"moof is followed by {after!r}, not by its mdat"
                )
            fragments += 1
            _check_fragment(result, moof, start, mdat_end, fragments)
            stream.skip(mdat_end - stream.at)
        elif kind in _HARMLESS and expected == b"moof":
            stream.skip(end - stream.at)
        elif kind == b"mdat" and expected == b"moof" and not fragments:
            raise _Stop(FindingKind.UNSUPPORTED, start, "not_fragmented")
        else:
            raise _Stop(
                FindingKind.MALFORMED, start, "bad_structure", f"{kind!r} stands where {expected.decode()} should"
            )


def _header(stream: _Stream) -> tuple[bytes, bytes, int]:
    """A box's header bytes, its type and where it ends; which is inside the file."""
    start = stream.at
    head = stream.take(8)
    if len(head) < 8:
        raise _Stop(FindingKind.MALFORMED, start, "cut_off")
    size, kind = struct.unpack(">I4s", head)
    if size == 1:
        head += stream.take(8)
        if len(head) < 16:
            raise _Stop(FindingKind.MALFORMED, start, "cut_off")
        size = struct.unpack_from(">Q", head, 8)[0]
    if size < len(head):
        raise _Stop(FindingKind.MALFORMED, start, "bad_structure", f"a box declares {size} bytes")
    if start + size > stream.size:
        raise _Stop(FindingKind.MALFORMED, start, "cut_off")
    return head, kind, start + size


def _whole(stream: _Stream, end: int, most: int) -> bytes:
    if end - stream.at > most:
        raise _Stop(FindingKind.MALFORMED, stream.at, "bad_structure", f"a header box declares {end - stream.at} bytes")
    data = stream.take(end - stream.at)
    if stream.at < end:
        raise _Stop(FindingKind.MALFORMED, stream.at, "cut_off")
    return data


def _check_fragment(result: MovieResult, moof: bytes, start: int, end: int, number: int) -> None:
    try:
        outer = header(moof, 0, len(moof))
        parts = 0 if outer is None else sum(box.kind == b"traf" for box in children(moof, outer.payload, outer.end))
        if parts > len(result.tracks):
            raise BoxError(f"a fragment has {parts} parts, and there are {len(result.tracks)} tracks")
        fragment = parse_moof(moof)
    except BoxError as error:
        raise _Stop(FindingKind.MALFORMED, start, "bad_structure", str(error)) from None
    if fragment.sequence != number:
        # Exports number their fragments from 1: one of another number was never put here by a sound exporter.
        detail = f"fragment {number} has the number {fragment.sequence}"
        raise _Stop(FindingKind.MALFORMED, start, "bad_structure", detail)
    kinds = {track.track_id: track.kind for track in result.tracks}
    for part in fragment.tracks:
        inside = len(moof) <= part.data_offset and part.data_offset + part.size <= end - start
        if part.track_id not in kinds or not inside:
            raise _Stop(FindingKind.MALFORMED, start, "bad_structure", "a fragment has samples that are not its own")
        if number == 1 and kinds[part.track_id] == "video" and part.count and not part.samples[0, 3]:
            raise _Stop(FindingKind.MALFORMED, start, "bad_structure", "the footage does not begin with a keyframe")


def _check_seal(stream: _Stream, result: MovieResult, start: int, head: bytes, end: int, before: hashlib._Hash) -> None:
    """``before`` is the hash of everything in front of the ``meta`` that begins at ``start``."""
    meta = head + _whole(stream, end, LARGEST_META_BYTES)
    if stream.at < stream.size:
        code = "fragment_index" if stream.take(8)[4:] == b"mfra" else "trailing"
        raise _Stop(FindingKind.UNSUPPORTED if code == "fragment_index" else FindingKind.MALFORMED, end, code)
    try:
        found = parse_meta(meta)
    except (BoxError, struct.error) as error:
        raise _Stop(FindingKind.MALFORMED, start, "bad_seal", str(error)) from None
    result.meta = found
    if sorted(source.track_id for source in found.unit.sources) != sorted(t.track_id for t in result.tracks):
        raise _Stop(FindingKind.MALFORMED, start, "bad_seal", "it does not describe the tracks of the file")
    first = before.copy()
    first.update(signed_view(meta, found, 0, zeroed=False))
    result.first_sha256 = first.hexdigest()
    result.first_size = start + found.signatures[0].end
    for number, signature in enumerate(found.signatures):
        at = start + signature.start
        if signature.algorithm is not None:
            raise _Stop(FindingKind.UNSUPPORTED, at, "algorithm")
        try:
            certificate = read_certificate(signature.certificate)
        except KeyProblem as error:
            raise _Stop(FindingKind.MALFORMED, at, "bad_certificate", str(error)) from None
        if certificate.der != signature.certificate:
            raise _Stop(FindingKind.MALFORMED, at, "bad_certificate", "it is not plain DER")
        digest = before.copy()
        digest.update(signed_view(meta, found, number))
        begin, stop = signature.signature
        if not certificate.verifies(digest.digest(), meta[begin:stop]):
            raise _Stop(FindingKind.MODIFIED, at, "seal_broken", f"{number + 1}")
        result.certificates.append(certificate)
