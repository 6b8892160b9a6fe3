"""Decode times as players of a playlist need them: going on from file to file and from run to run.

In a file they count from its own beginning, so that it opens anywhere as what it is. Players that pass over
``EXT-X-DISCONTINUITY``, as FFmpeg does, lose footage where time falls back. So a playlist says in the names of its
segments when its time zero is, and these numbers, nothing else, are changed in what is read for it. Invariant: no byte
moves, so that ranges of the file are ranges of what is served.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from nvr.playback.errors import FootageDamaged
from nvr.playback.index_cache import OpenSegment
from nvr.playback.reading import read_exactly
from storage.format.boxes import BoxError, children, header
from storage.format.sample_index import SegmentIndex
from storage.sentences import Sentence

__all__ = ["begins_us", "counted_from"]

# Most headers of fragments are shorter.
_MOOF_BYTES: Final = 2 << 10


def begins_us(index: SegmentIndex, fragment: int) -> int:
    """The earliest decode time from this fragment on, of any track: microseconds since the run began, by its media
    time."""
    found = []
    for track in index.tracks:
        rows = track.fragments
        at = int(np.searchsorted(rows[:, 0], fragment))
        if at < len(rows):
            found.append(int(rows[at, 4]) * 1_000_000 // track.track.timescale)
    return min(found, default=0)


def counted_from(zero_us: int, opened: OpenSegment, first: int, data: bytes) -> bytes:
    """Bytes of the file from ``first`` on, with decode times that count from ``zero_us``: a run's media time zero is
    when it began.

    Raises:
        FootageDamaged: they are not the fragments that the index says.
    """
    rows, last = opened.file.index.fragments, first + len(data)
    begin = max(int(np.searchsorted(rows[:, 0], first, "right")) - 1, 0)
    end = int(np.searchsorted(rows[:, 0], last))
    if begin >= end:
        return data
    since_us = opened.segment.run_start_us - zero_us
    added = {
        track.track_id: opened.file.bases.get(track.track_id, 0) + since_us * track.timescale // 1_000_000
        for track in opened.file.tracks
    }
    changed = bytearray(data)
    for offset, size in rows[begin:end].tolist():
        try:
            for at, value in _decode_times(opened, offset, size, first, data, added):
                low, high = max(at, first), min(at + len(value), last)
                if low < high:
                    changed[low - first : high - first] = value[low - at : high - at]
        except (BoxError, struct.error, KeyError) as error:
            why = Sentence("its fragment at byte {offset}: {error}", offset=offset, error=str(error))
            raise FootageDamaged(opened.segment.key, why) from error
    return bytes(changed)


def _decode_times(
    opened: OpenSegment, offset: int, size: int, first: int, data: bytes, added: Mapping[int, int]
) -> Iterator[tuple[int, bytes]]:
    """Where in the file the decode times of a fragment stand, and what they become."""
    count = min(size, _MOOF_BYTES)
    is_here = first <= offset and offset + count <= first + len(data)
    head = data[offset - first : offset - first + count] if is_here else read_exactly(opened, offset, count)
    moof = header(head, 0, len(head))
    if moof is None or moof.kind != b"moof" or moof.end > size:
        raise BoxError("no moof")
    if moof.end > len(head):
        head = read_exactly(opened, offset, moof.end)
    for traf in children(head, moof.payload, moof.end):
        if traf.kind != b"traf":
            continue
        more = 0
        for box in children(head, traf.payload, traf.end):
            if box.kind == b"tfhd":
                more = added[struct.unpack_from(">I", head, box.payload + 4)[0]]
            elif box.kind == b"tfdt":
                if head[box.payload] != 1:
                    raise BoxError("a decode time of 32 bits")
                time = struct.unpack_from(">Q", head, box.payload + 4)[0]
                yield offset + box.payload + 4, struct.pack(">Q", max(time + more, 0))
