"""The frame shown at a moment, as JPEG. Costs at most one group of pictures, decoded by one thread."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from nvr.playback.errors import FootageDamaged, NoFootage
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.playback.mapping import TimeMap
from nvr.playback.reading import read_exactly
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.coverage import one_camera
from storage.coverage.one_camera import Piece
from storage.sentences import Sentence

if TYPE_CHECKING:
    # What decodes pictures is large, and most who know this module show none.
    from PIL import Image

__all__ = [
    "MOST_PIXELS",
    "Decoder",
    "ShownFrame",
    "Snapshot",
    "decoded_picture",
    "picture_of",
    "shown_frame",
    "snapshot",
]

Decoder = Callable[[bytes, int, int | None, bytes], tuple[bytes, tuple[int, int]]]
"""Of a file, a presentation time in it, a width or None, and EXIF: a JPEG and its size. Raises ``LookupError``."""

_QUALITY: Final = 85
_LEAST_WIDTH: Final = 16
# A keyframe that never came again: rather no picture than a server that reads gigabytes for one.
_MOST_BYTES: Final = 256 << 20
MOST_PIXELS: Final = 1 << 26
"""Of a picture that is decoded: twice those of 8K. A camera may declare 268 million, which is 2 GB to whoever looks."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture and the time from which it was shown, in microseconds. Sizes in pixels."""

    jpeg: bytes
    frame_time_us: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame as it was recorded, and what it takes to decode it: it is shown from ``time_us`` on, at ``pts`` in
    ``data``, a file of the init and the fragments it needs. ``sha256`` is that of its own sample, hexadecimal: a clip
    and an export have the same bytes."""

    segment: Key
    time_us: int
    pts: int
    data: bytes
    sha256: str


def shown_frame(
    database: Database, cache: IndexCache, camera: str, at_us: int, *, keyframe: bool = False
) -> ShownFrame:
    """The last frame with ``wall(p) <= at_us`` of the footage that covers ``at_us``; with ``keyframe`` the last
    keyframe. Nothing is decoded.

    Raises:
        NoFootage: nothing was recorded at that moment.
        FootageGone: its file is no longer there, or (``FootageDamaged``) can't be read.
    """
    with database.read() as conn:
        pieces = one_camera.pieces(conn, camera, at_us, at_us + 1)
        init = segments.init(conn, pieces[0].segment.init) if pieces else None
    if not pieces:
        raise NoFootage(camera, at_us, at_us + 1)
    if init is not None and init.width * init.height > MOST_PIXELS:
        why = Sentence("its picture has more than {most} pixels", most=MOST_PIXELS)
        raise FootageDamaged(pieces[0].segment.key, why)
    opened = cache.open(pieces[0].segment)
    try:
        return _frame(opened, pieces[0], camera, at_us, keyframe=keyframe)
    finally:
        opened.close()


def snapshot(
    database: Database,
    cache: IndexCache,
    camera: str,
    at_us: int,
    *,
    width: int | None = None,
    keyframe: bool = False,
    decode: Decoder | None = None,
) -> Snapshot:
    """What ``shown_frame`` finds, at most ``width`` pixels wide (never enlarged). ``decode``: who makes the JPEG of it,
    unless that is done here.

    Raises:
        NoFootage: nothing was recorded at that moment.
        FootageGone: its file is no longer there, or (``FootageDamaged``) can't be decoded.
    """
    found = shown_frame(database, cache, camera, at_us, keyframe=keyframe)
    with _decoding(found):
        exif = exif_of(camera, found.time_us).tobytes()
        jpeg, size = (decode or decoded_picture)(found.data, found.pts, width, exif)
    return Snapshot(jpeg, found.time_us, *size)


def picture_of(found: ShownFrame) -> Image.Image:
    """Its picture, whole.

    Raises:
        FootageDamaged: it can't be decoded.
    """
    with _decoding(found):
        return _decoded(found.data, found.pts, None)


@contextmanager
def _decoding(found: ShownFrame) -> Iterator[None]:
    import av.error

    try:
        yield
    except (av.error.FFmpegError, LookupError) as error:
        why = Sentence("its picture can't be decoded ({error})", error=type(error).__name__)
        raise FootageDamaged(found.segment, why) from error


def exif_of(camera: str, at_us: int) -> Image.Exif:
    """What a picture says of itself once it is a file among others: its camera, and when it was, in UTC to the
    microsecond (Exif 2.31)."""
    from PIL import ExifTags, Image

    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = camera
    exif[ExifTags.Base.Software] = "nvr"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: f"{at:%Y:%m:%d %H:%M:%S}",
            ExifTags.Base.SubsecTimeOriginal: f"{at_us % 1_000_000:06d}",
            ExifTags.Base.OffsetTimeOriginal: "+00:00",
        }
    )
    return exif


def _frame(opened: OpenSegment, piece: Piece, camera: str, at_us: int, *, keyframe: bool) -> ShownFrame:
    video = opened.file.index.video
    pts = video.decode_times + video.offsets
    # One tick is more than a microsecond: the last frame not after is the last before the first tick after.
    shown = np.flatnonzero(pts < TimeMap.of(piece.segment).ticks_at(at_us + 1))
    if not len(shown):
        raise NoFootage(camera, at_us, at_us + 1)
    target = int(shown[np.argmax(pts[shown])])
    keys = np.flatnonzero(video.sync[: target + 1] & (pts[: target + 1] <= pts[target]))
    if keyframe and len(keys):
        target = int(keys[-1])
    first, last = (
        int(np.searchsorted(video.fragments[:, 1], sample, "right")) - 1
        for sample in (int(keys[-1]) if len(keys) else 0, target)
    )
    rows = opened.file.index.fragments[video.fragments[first, 0] : video.fragments[last, 0] + 1]
    begin, end = int(rows[0, 0]), int(rows[-1].sum())
    if end - begin > _MOST_BYTES:
        why = Sentence("its keyframes are more than {most} bytes apart", most=_MOST_BYTES)
        raise FootageDamaged(opened.segment.key, why)
    init = read_exactly(opened, 0, opened.file.init_bytes)
    data = init + read_exactly(opened, begin, end - begin)
    sample = len(init) + int(video.byte_offsets[target]) - begin
    return ShownFrame(
        opened.segment.key,
        TimeMap.of(piece.segment).wall_us(int(pts[target])),
        # In the file times count from its own beginning.
        int(pts[target]) - opened.file.head.media_base,
        data,
        hashlib.sha256(memoryview(data)[sample : sample + int(video.sizes[target])]).hexdigest(),
    )


def decoded_picture(data: bytes, pts: int, width: int | None, exif: bytes) -> tuple[bytes, tuple[int, int]]:
    """The frame of this presentation time, as JPEG, and its size. Raises ``LookupError`` if it does not come out."""
    image = _decoded(data, pts, width)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, exif=exif)
    return file.getvalue(), image.size


def _decoded(data: bytes, pts: int, width: int | None) -> Image.Image:
    import av
    from PIL import Image

    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        # What it declares within the stream counts too.
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        for frame in container.decode(stream):
            if frame.pts != pts:
                continue
            wide, high = frame.width, frame.height
            if width is not None and width < wide:
                # Even sizes: chroma has half the resolution.
                small = max(width, _LEAST_WIDTH) // 2 * 2
                wide, high = small, max(high * small // wide // 2 * 2, 2)
            return Image.fromarray(frame.to_ndarray(format="rgb24", width=wide, height=high))
    raise LookupError("frame not found")
