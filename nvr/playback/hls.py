"""Playlists of recorded footage: HLS over the segments' own bytes, nothing copied.

Positions in the playlist are wall clock minus its start: each gap is exactly one ``GAP`` entry as long as the gap. The playlist begins at the
keyframe at or before what was asked for; every entry says its time. Invariant: the entries' durations add up to the time from the first
entry's date to the end, to the microsecond.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nvr.playback.errors import NoFootage
from nvr.playback.groups import Fragments, fragments, group_starts
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from nvr.playback.names import GAP_URI, date_time, init_uri, seconds, segment_uri
from storage import coverage
from storage.coverage import Piece
from storage.database import Database
from storage.segment_file import SegmentFile

__all__ = ["Entry", "entries", "recorded_playlist", "render"]

# What lies between two runs on one connection is less than this: the entry before is stretched over it. A GAP entry costs a player about a
# second.
_SLIVER_US: Final = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: ``[start_us, end_us)`` of footage, or of a gap if ``uri`` is None. ``run`` tells entries of different runs apart."""

    start_us: int
    end_us: int
    uri: str | None = None
    offset: int = 0
    size: int = 0
    init: str = ""
    run: tuple[int, int, str] | None = None


def recorded_playlist(database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int) -> str:
    """The playlist of ``[start_us, end_us)``; the caller has cut ``end_us`` to what is known.

    Raises:
        NoFootage: nothing of it was recorded.
        FootageGone: a file is no longer there, or damaged.
    """
    with database.read() as conn:
        pieces = coverage.pieces(conn, camera, start_us, end_us)
    found = entries([(piece, cache.get(piece.segment)) for piece in pieces], start_us, end_us)
    if not any(entry.uri for entry in found):
        raise NoFootage(camera, start_us, end_us)
    return render(found)


def entries(pieces: Iterable[tuple[Piece, SegmentFile]], start_us: int, end_us: int) -> list[Entry]:
    """The entries that show the pieces, with gaps before, between and after them. Pure."""
    found: list[Entry] = []
    for number, (piece, file) in enumerate(pieces):
        for entry in _of_piece(piece, file, is_first=number == 0):
            at_us = found[-1].end_us if found else start_us
            if found and found[-1].uri is not None and entry.start_us - at_us < _SLIVER_US:
                # Also where the pieces overlap: the higher epoch's footage begins where it begins.
                found[-1] = replace(found[-1], end_us=max(entry.start_us, found[-1].start_us + 1))
            elif entry.start_us > at_us:
                found.append(Entry(at_us, entry.start_us))
            found.append(entry)
    if found and end_us - found[-1].end_us >= _SLIVER_US:
        found.append(Entry(found[-1].end_us, end_us))
    return found


def _of_piece(piece: Piece, file: SegmentFile, *, is_first: bool) -> list[Entry]:
    segment = piece.segment
    times = TimeMap.of(segment)
    found = fragments(file.index)
    uri, key = segment_uri(segment.key), segment.key
    run = (segment.run_start_us, key.epoch, key.node)
    made: list[Entry] = []
    for first, last in _shown(found, group_starts(found, segment.timescale), times, piece, is_first=is_first):
        offset = int(found.offsets[first])
        is_end = last + 1 == len(found.offsets)
        end = file.index.media_end if is_end else int(found.starts[last + 1])
        a, b = times.wall_us(int(found.starts[first])), times.wall_us(end)
        if b > a:
            made.append(Entry(a, b, uri, offset, found.offset_after(last) - offset, segment.init, run))
    return made


def _shown(
    found: Fragments, starts: Sequence[int], times: TimeMap, piece: Piece, *, is_first: bool
) -> list[tuple[int, int]]:
    """First and last fragment of each group that shows the piece. The window's first piece begins with the group that holds its start; a
    later one that begins within a group (another recorder's footage ends there) begins with the next, not to show a time twice."""
    begin, end = times.ticks_at(piece.start_us), times.ticks_at(piece.end_us)
    shown: list[tuple[int, int]] = []
    for first, following in itertools.pairwise([*starts, len(found.offsets)]):
        if found.starts[first] >= end:
            break
        is_before = following < len(found.offsets) and found.starts[following] <= begin
        if is_before or (not is_first and found.starts[first] < begin):
            continue
        shown.append((first, first + int(np.searchsorted(found.starts[first:following], end)) - 1))
    return shown


def render(found: Sequence[Entry]) -> str:
    """The playlist's text."""
    longest_us = max(entry.end_us - entry.start_us for entry in found)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest_us / 1e6))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    first = next((entry for entry in found if entry.uri is not None), None)
    init = first.init if first is not None else ""
    if init:
        lines.append(_map(init))
    before: Entry | None = None
    for entry in found:
        if before is not None and entry.run != before.run:
            lines.append("#EXT-X-DISCONTINUITY")
            if entry.uri is not None:
                # Named anew at each run, also if it is the same: a player that seeks here starts with it.
                lines.append(_map(entry.init))
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(entry.start_us)}")
        lines.append(f"#EXTINF:{seconds(entry.end_us - entry.start_us)},")
        if entry.uri is None:
            lines += ["#EXT-X-GAP", GAP_URI]
        else:
            lines += [f"#EXT-X-BYTERANGE:{entry.size}@{entry.offset}", entry.uri]
        before = entry
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _map(init: str) -> str:
    return f'#EXT-X-MAP:URI="{init_uri(init)}"'
