"""Decode times of a recorded segment made those of an exported file: counted from its beginning, by the server's
clock. Pure."""

from __future__ import annotations

import struct

from nvr.evidence.package.parts import PackagePart
from nvr.playback.index_cache import OpenSegment
from nvr.playback.mapping import TimeMap
from storage.format.boxes import BoxError, children, header

__all__ = ["Rebase", "beginning_us", "patch"]


class Rebase:
    """Turns decode times of a segment into those of the file.

    Raises:
        BoxError: the track is not declared.
    """

    def __init__(self, opened: OpenSegment, zero_us: int) -> None:
        self._clock = TimeMap.of(opened.segment)
        self._video_scale = opened.segment.timescale
        self._scale = {track.track_id: track.timescale for track in opened.file.tracks}
        self._bases = opened.file.bases
        self._zero_us = zero_us

    def __call__(self, track_id: int, decode_time: int) -> int:
        try:
            scale = self._scale[track_id]
        except KeyError:
            raise BoxError(f"track {track_id} is not declared") from None
        clock = self._clock
        # In the file decode times count from its own beginning.
        decode_time += self._bases.get(track_id, 0)
        # wall = start + (t * video_scale / scale - media_start) * us / ticks, in exact integers, then to the nearest
        # tick.
        above = (decode_time * self._video_scale - clock.media_start * scale) * clock.us
        below = scale * clock.ticks
        wall = (clock.start_us - self._zero_us) * below + above
        return max((2 * wall * scale + below * 1_000_000) // (2 * below * 1_000_000), 0)


def beginning_us(opened: OpenSegment, part: PackagePart) -> int:
    """When the file's first sample in decode order is due: nothing in it has a time before."""
    clock, index = TimeMap.of(opened.segment), opened.file.index
    earliest = []
    for track in index.tracks:
        rows = track.fragments[(track.fragments[:, 0] >= part.first) & (track.fragments[:, 0] < part.last)]
        if len(rows):
            ticks = int(rows[0, 4]) * opened.segment.timescale
            earliest.append(clock.wall_us(ticks // track.track.timescale))
    return min(earliest)


def patch(data: memoryview, at: int, end: int, sequence: int, rebase: Rebase) -> None:
    """Sets sequence and decode times of the fragment whose ``moof`` begins at ``at``.

    Raises:
        BoxError: none begins there, or its decode times can't be set in place.
    """
    moof = header(data, at, end)
    if moof is None or moof.kind != b"moof" or moof.end > end:
        raise BoxError("a fragment does not begin with a whole moof")
    for box in children(data, moof.payload, moof.end):
        if box.kind == b"mfhd":
            struct.pack_into(">I", data, box.payload + 4, sequence & 0xFFFFFFFF)
        elif box.kind == b"traf":
            track_id = 0
            for inner in children(data, box.payload, box.end):
                if inner.kind == b"tfhd":
                    track_id = struct.unpack_from(">I", data, inner.payload + 4)[0]
                elif inner.kind == b"tfdt":
                    if data[inner.payload] != 1:
                        raise BoxError("a decode time has 32 bits: it can't be rebased in place")
                    old = struct.unpack_from(">Q", data, inner.payload + 4)[0]
                    struct.pack_into(">Q", data, inner.payload + 4, rebase(track_id, old))
