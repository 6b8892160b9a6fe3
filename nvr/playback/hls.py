"""Playlists of recorded footage: HLS over the segments' own bytes, nothing copied.

Positions in the playlist are wall clock minus its start: each gap is exactly one ``GAP`` entry as long as the gap. The playlist begins at the
keyframe at or before what was asked for; every entry says its time. Invariant: the entries' durations add up to the time from the first
entry's date to the end, to the microsecond.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from nvr.playback.errors import NoFootage
from nvr.playback.grouping import group
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from storage import coverage
from storage.coverage import Piece
from storage.database import Database
from storage.index import FragmentRow
from storage.segment_file import SegmentFile

__all__ = ["Entry", "date", "entries", "media_uri", "recorded_playlist", "render"]

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


def media_uri(start_us: int, epoch: int, node: str) -> str:
    """A segment's address, relative to its camera's playlists. It stays the same when the file closes."""
    return f"segments/{start_us}-{epoch}-{node}.mp4"


def date(at_us: int) -> str:
    """ISO 8601 in UTC to the millisecond, which is what players read."""
    return (
        datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_us // 1000 % 1000:03d}Z"
    )


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
    rows = _rows(file.index.rows(), times.ticks_at(piece.start_us), times.ticks_at(piece.end_us), is_first=is_first)
    if not rows:
        return []
    key = segment.key
    uri = media_uri(key.start_us, key.epoch, key.node)
    run = (segment.run_start_us, key.epoch, key.node)
    groups = group(rows, segment.timescale)
    whole = file.index.rows()[-1] is rows[-1] or rows[-1].end >= file.index.media_end
    last_us = times.wall_us(file.index.media_end if whole else rows[-1].end)
    ends = [times.wall_us(following.start) for following in groups[1:]] + [last_us]
    return [
        Entry(times.wall_us(g.start), end_us, uri, g.offset, g.size, segment.init, run)
        for g, end_us in zip(groups, ends, strict=True)
        if end_us > times.wall_us(g.start)
    ]


def _rows(rows: Sequence[FragmentRow], start: int, end: int, *, is_first: bool) -> list[FragmentRow]:
    """The fragments that show ``[start, end)`` ticks. The window's first piece begins at the keyframe before; a later one that begins
    within a group of pictures (another recorder's footage ends there) begins at the next keyframe, not to show a time twice."""
    inside = [row for row in rows if row.start < end]
    syncs = [number for number, row in enumerate(inside) if row.sync]
    if not syncs:
        return []
    before = [number for number in syncs if inside[number].start <= start]
    after = [number for number in syncs if inside[number].start >= start]
    if is_first or not after:
        first = before[-1] if before else syncs[0]
    else:
        first = after[0]
    return inside[first:]


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
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date(entry.start_us)}")
        lines.append(f"#EXTINF:{(entry.end_us - entry.start_us) / 1e6:.6f},")
        if entry.uri is None:
            lines += ["#EXT-X-GAP", "gap"]
        else:
            lines += [f"#EXT-X-BYTERANGE:{entry.size}@{entry.offset}", entry.uri]
        before = entry
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _map(init: str) -> str:
    return f'#EXT-X-MAP:URI="/api/inits/{init}.mp4"'
