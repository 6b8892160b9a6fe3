"""A segment's file: ``init | head | fragments | tail`` (docs/design/architecture.md).

Head and tail are ``uuid`` boxes, which players ignore. They hold what the catalogue knows of the segment, so that it
can be rebuilt from files alone. Invariant: what ``read`` returns describes only bytes that are whole in the file.
"""

from __future__ import annotations

import contextlib
import functools
import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from storage.format.boxes import BoxError, Track, children, header, parse_init
from storage.format.dating import dated, undated
from storage.format.index_builder import IndexBuilder, scan
from storage.format.layout import is_camera_id, is_node_id

if TYPE_CHECKING:
    from storage.format.sample_index import SegmentIndex

__all__ = [
    "Head",
    "SegmentFile",
    "Tail",
    "bases",
    "beginning",
    "head_box",
    "init_of",
    "read",
    "tail_box",
]

_Read = Callable[[int, int], bytes]

_HEAD_UUID = bytes.fromhex("6e76722d686561648f1c4b52a9d07e31")
_TAIL_UUID = bytes.fromhex("6e76722d7461696c8f1c4b52a9d07e31")
_TAIL_END = struct.Struct(
    ">I4s"
)  # size of the whole tail box, then a mark, as its last 8 bytes: found from the file's end
_TAIL_MARK = b"nvrt"
_VERSION = 1
# An init is about a kilobyte; parameter sets can't make it a megabyte.
_LARGEST_INIT_BYTES = 1 << 20
_LARGEST_TAIL_BYTES = 64 << 20
# Enough for init and head.
_BEGIN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """Written first. ``media_start`` is the presentation time of the first video sample in ticks of ``timescale``, in
    the run's time; it was ``start_us`` by the server's clock. Decode times in the file count from the run's
    ``media_base``, so that players show the file as long as it is; of older files that is 0: theirs count from the
    run's beginning."""

    camera: str
    node: str
    epoch: int
    run_start_us: int
    start_us: int
    media_start: int
    timescale: int
    media_base: int = 0


@dataclass(frozen=True, slots=True)
class Tail:
    """Written last. ``content_sha256`` is over every byte before the tail; ``reason`` says why the segment ended."""

    end_us: int
    media_end: int
    frames: int
    reason: str
    content_sha256: str


_Described = TypeVar("_Described", Head, Tail)


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """What a file says of itself, its index in the run's time. ``tail`` is None if the file was not closed;
    ``whole_bytes`` is where its last whole fragment (or its head) ends; ``init_bytes`` the length of ``ftyp`` +
    ``moov`` at its start."""

    head: Head
    tail: Tail | None
    tracks: tuple[Track, ...]
    index: SegmentIndex
    init_bytes: int
    whole_bytes: int
    size: int

    @property
    def bases(self) -> dict[int, int]:
        """What is to be added to the decode times of each track in the file, in its ticks, so that they are the run's;
        empty: nothing."""
        return bases(self.head.media_base, self.head.timescale, self.tracks)

    @property
    def end_us(self) -> int:
        """When the footage ends by the server's clock: the tail's word, or media time since the start."""
        if self.tail is not None:
            return self.tail.end_us
        ticks = max(self.index.media_end - self.head.media_start, 0)
        return self.head.start_us + ticks * 1_000_000 // self.head.timescale


def _uuid_box(uuid: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s16s", 24 + len(payload), b"uuid", uuid) + payload


def bases(media_base: int, timescale: int, tracks: tuple[Track, ...]) -> dict[int, int]:
    """``media_base``, in ticks of the video's ``timescale``, in those of each track; empty if it is 0."""
    if not media_base:
        return {}
    return {track.track_id: media_base * track.timescale // timescale for track in tracks}


def beginning(init: bytes, head: Head) -> bytes:
    """What a segment's file begins with: its init, with the time at which it begins, and its head."""
    return dated(init, head.start_us, head.start_us) + head_box(head)


class Readable(Protocol):
    """A file that is open. Its reads give exactly the bytes asked for, or raise."""

    def size(self) -> int:
        """Its bytes."""

    def read_at(self, offset: int, count: int) -> bytes:
        """These bytes."""


def init_of(file: Readable, found: SegmentFile) -> bytes:
    """The init of an open file as it is shared: without the time that only this file begins at. Raises as the file's
    reads."""
    return undated(file.read_at(0, found.init_bytes))


def head_box(head: Head) -> bytes:
    """The head as a box."""
    return _uuid_box(_HEAD_UUID, json.dumps({"version": _VERSION, **asdict(head)}).encode())


def tail_box(tail: Tail, index: bytes) -> bytes:
    """The tail as a box. ``index``: as ``encode`` gives it."""
    text = json.dumps({"version": _VERSION, **asdict(tail)}).encode()
    size = 24 + 4 + len(text) + len(index) + _TAIL_END.size
    return _uuid_box(_TAIL_UUID, struct.pack(">I", len(text)) + text + index + _TAIL_END.pack(size, _TAIL_MARK))


def _fields(text: bytes, kind: str) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BoxError(f"damaged {kind}: {error}") from None
    if not isinstance(fields, dict) or fields.pop("version", None) != _VERSION:
        raise BoxError(f"{kind} of a version that this server does not know")
    return fields


def _checked(made: _Described, kind: str) -> _Described:
    """The head or tail, if its values are of the declared types and can be times and counts at all."""
    for name in made.__dataclass_fields__:
        value = getattr(made, name)
        if made.__dataclass_fields__[name].type == "str":
            good = isinstance(value, str)
        else:
            good = type(value) is int and 0 <= value < 1 << 62
            # A picture may be shown before the decode time that its run began with.
            good = good or (name in ("media_start", "media_end") and type(value) is int and -(1 << 62) < value < 0)
        if not good:
            raise BoxError(f"damaged {kind}: {name} is {value!r:.40}")
    return made


def read(file: Readable, *, trust_tail: bool = True, trusted_bytes: int | None = None) -> SegmentFile:
    """Reads a segment's head, tail and index; scans its fragments if it has no whole tail. With ``trust_tail`` false,
    or with only the first ``trusted_bytes`` to be trusted, it is scanned as if it had no tail.

    Raises:
        BoxError: not a segment of ours, or damaged before its first fragment.
        OSError: it can't be read, or became shorter meanwhile. That is not the same: what could not be read may be in
            order.
    """
    size = file.size()
    if trusted_bytes is not None:
        size, trust_tail = min(size, trusted_bytes), False
    try:
        return _read(file, size, trust_tail)
    except struct.error as error:
        raise BoxError(f"damaged: {error}") from None


def _read(file: Readable, size: int, trust_tail: bool) -> SegmentFile:
    begin = file.read_at(0, min(_BEGIN_BYTES, size))

    def pread(offset: int, count: int) -> bytes:
        # A day's clip opens hundreds of files: what their beginnings say comes with one read each.
        return begin[offset : offset + count] if offset + count <= len(begin) else file.read_at(offset, count)

    init_bytes = 0
    while True:
        box_head = pread(init_bytes, min(16, size - init_bytes))
        box = header(box_head, 0, len(box_head))
        if box is None or init_bytes + box.end > size:
            raise BoxError("cut off before its first fragment")
        if box.kind not in (b"ftyp", b"moov"):
            break
        init_bytes += box.end
        if init_bytes > _LARGEST_INIT_BYTES:
            raise BoxError(f"its init is larger than {_LARGEST_INIT_BYTES} bytes")
    if box.kind != b"uuid" or box.end > _LARGEST_INIT_BYTES:
        raise BoxError("has no head: not a segment of this product")
    tracks = _parse_init(undated(pread(0, init_bytes)))
    payload = pread(init_bytes + 8, box.end - 8)
    if payload[:16] != _HEAD_UUID:
        raise BoxError("has no head: not a segment of this product")
    try:
        head = _checked(Head(**_fields(payload[16:], "head")), "head")  # type: ignore[arg-type]
    except TypeError as error:
        raise BoxError(f"damaged head: {error}") from None
    if not head.timescale or not is_camera_id(head.camera) or not is_node_id(head.node):
        raise BoxError("damaged head: no such camera, node or timescale can be")
    if sum(track.kind == "video" for track in tracks) != 1:
        raise BoxError("does not have exactly one video track")
    first = init_bytes + box.end
    closed = _read_tail(pread, size, tracks) if trust_tail else None
    if closed is not None and closed[1].end_offset <= closed[2]:
        tail, index, start = closed
        return SegmentFile(head, tail, tracks, index, init_bytes, start, size)
    builder = IndexBuilder(tracks, bases(head.media_base, head.timescale, tracks))
    whole = _scan_whole(pread, first, size, builder)
    return SegmentFile(head, None, tracks, builder.build(), init_bytes, whole, size)


# All segments of a run have the same, and most runs of a camera.
_parse_init = functools.lru_cache(maxsize=256)(parse_init)


def _scan_whole(pread: _Read, first: int, size: int, builder: IndexBuilder) -> int:
    """Scans as far as there are whole fragments: after a power loss the rest of the file may be anything, zeros
    included."""
    # Damage ends the footage, but what was added before it is whole.
    with contextlib.suppress(BoxError):
        scan(pread, first, size, builder)
    return max(first, builder.build().end_offset)


def _read_tail(pread: _Read, size: int, tracks: tuple[Track, ...]) -> tuple[Tail, SegmentIndex, int] | None:
    length, mark = _TAIL_END.unpack(pread(size - _TAIL_END.size, _TAIL_END.size)) if size > 64 else (0, b"")
    if mark != _TAIL_MARK or not 40 <= length <= min(size, _LARGEST_TAIL_BYTES):
        return None
    # Who only writes has no use for it.
    from storage.format.sample_index_codec import decode

    data = pread(size - length, length)
    try:
        box = next(children(data, 0, length), None)
        if box is None or box.kind != b"uuid" or data[8:24] != _TAIL_UUID:
            return None
        text_length = struct.unpack_from(">I", data, 24)[0]
        tail = _checked(Tail(**_fields(data[28 : 28 + text_length], "tail")), "tail")  # type: ignore[arg-type]
        return tail, decode(data[28 + text_length : -_TAIL_END.size], tracks), size - length
    except (BoxError, TypeError):
        # A tail that power loss left half on the disk must not cost the fragments before it: they are scanned.
        return None
