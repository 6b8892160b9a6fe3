"""The picture that was to be seen at a time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import av
import numpy as np

from nvr.playback.errors import FootageDamaged, NoFootage
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from nvr.playback.media import read_exactly
from storage import coverage, segments
from storage.database import Database

__all__ = ["Snapshot", "snapshot"]

_QUALITY: Final = 85


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A JPEG, and when the picture began to be shown."""

    jpeg: bytes
    frame_us: int


def snapshot(database: Database, cache: IndexCache, camera: str, at_us: int, width: int | None = None) -> Snapshot:
    """The picture shown at ``at_us``: the last whose time is not after it. ``width`` in pixels, if it is to be made smaller. Costs the decoding
    of at most one group of pictures.

    Raises:
        NoFootage: nothing was recorded then.
        FootageGone: its file is no longer there, or (``FootageDamaged``) can't be decoded.
    """
    with database.read() as conn:
        pieces = coverage.pieces(conn, camera, at_us, at_us + 1)
        init = segments.init(conn, pieces[0].segment.init) if pieces else None
    if not pieces or init is None:
        raise NoFootage(camera, at_us, at_us + 1)
    segment = pieces[0].segment
    opened = cache.open(segment)
    try:
        times = TimeMap.of(opened.segment)
        video = opened.file.index.video
        shown = video.decode_times + video.samples[:, 2]
        inside = np.flatnonzero(shown < times.ticks_at(at_us + 1))
        if not len(inside):
            raise NoFootage(camera, at_us, at_us + 1)
        target = int(inside[np.argmax(shown[inside])])
        sync = int(np.flatnonzero(video.samples[: target + 1, 3])[-1])
        first, last = (
            int(np.searchsorted(video.fragments[:, 1], number, side="right")) - 1 for number in (sync, target)
        )
        offset = int(opened.file.index.fragments[video.fragments[first, 0], 0])
        end = int(opened.file.index.fragments[video.fragments[last, 0]].sum())
        data = init.data + read_exactly(opened, offset, end - offset)
        jpeg = _decode(data, int(shown[target]), width)
        if jpeg is None:
            raise FootageDamaged(segment.key, "its picture can't be decoded")
        return Snapshot(jpeg, times.wall_us(int(shown[target])))
    finally:
        opened.close()


def _decode(data: bytes, pts: int, width: int | None) -> bytes | None:
    """The picture of this presentation time, or the last one before it that can be decoded."""
    best: av.VideoFrame | None = None
    try:
        with av.open(io.BytesIO(data), format="mp4") as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            for frame in container.decode(stream):
                if frame.pts is not None and frame.pts <= pts:
                    best = frame
                if frame.pts is not None and frame.pts >= pts:
                    break
    except av.FFmpegError:
        # What came before the damage is still the picture that a player would show.
        if best is None:
            return None
    if best is None:
        return None
    image = best.to_image()
    if width is not None and width < image.width:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
