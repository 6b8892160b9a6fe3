"""Playlists of recorded footage: HLS over the segments' own bytes, nothing copied.

Positions in the playlist are wall clock minus its start: each gap between footage is exactly one ``GAP`` entry as long
as the gap. It begins and ends with footage: there are players that never get over a gap in front. Holes of a segment
are none here: the last frame is shown on over them, as the recorded bytes say, and a GAP entry would count that time
twice. The playlist begins at the keyframe at or before what was asked for, or at the first one after it; every entry
says its time. Invariant: the entries' durations add up to the time from the first entry's date to the end of the last,
to the microsecond; and decode times in what the entries name are positions in the playlist, to 15 ms, so that time goes
on over gaps and runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nvr.playback.errors import NoFootage
from nvr.playback.groups import Fragments, group_starts
from nvr.playback.hls.names import GAP_BYTES, GAP_URI, date_time, map_tag, seconds, segment_uri
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from nvr.playback.shown import DRIFT_US, keyframe_before, shown_footage, zero_for
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.coverage import runs
from storage.coverage.one_camera import Piece
from storage.coverage.runs import NotShown
from storage.format.segment_file import SegmentFile
from storage.intervals import Interval

__all__ = ["Playlist", "PlaylistEntry", "recorded_playlist", "render"]

# What lies between two runs on one connection is less than this: the entry before is stretched over it. A GAP entry
# costs a player about a second.
_SLIVER_US: Final = 100_000


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One entry: ``[start_us, end_us)`` of footage, or of a gap if ``uri`` is None. ``run`` tells entries of different
    runs apart."""

    start_us: int
    end_us: int
    uri: str | None = None
    offset: int = 0
    size: int = 0
    init: str = ""
    init_bytes: int = 0
    run: tuple[int, int, str] | None = None


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist's text, and the footage of its range that it does not show, since another run recorded the same
    time."""

    text: str
    hidden: tuple[NotShown, ...]


def recorded_playlist(
    database: Database,
    cache: IndexCache,
    camera: str,
    start_us: int,
    end_us: int,
    *,
    only: Collection[Key] | None = None,
    within: Sequence[Interval] | None = None,
) -> Playlist:
    """The playlist of ``[start_us, end_us)``, with ``only`` of these runs alone; the caller has cut ``end_us`` to what
    is known. ``within``: of the footage of these times alone, sorted and disjoint, each from the keyframe at or before
    it on; the rest is a gap. A segment whose file is gone or damaged is a gap in it: one lost file must not hide a day.

    Raises:
        NoFootage: nothing of it was recorded.
        FootageGone: all of its files are gone or damaged.
    """
    footage = shown_footage(database, cache, camera, start_us, end_us, only=only, within=within)
    found = _entries(footage.pieces, footage.files, footage.known)
    if not any(entry.uri for entry in found):
        raise NoFootage(camera, start_us, end_us)
    # What is lost is a gap, whichever run it is asked of; also at the end, where nothing would tell of it.
    until_us = max((piece.end_us for piece in footage.gone), default=0)
    if until_us > found[-1].end_us:
        found.append(PlaylistEntry(found[-1].end_us, until_us))
    hidden = runs.not_shown(footage.recorded, [*footage.pieces, *footage.gone], start_us, end_us)
    if within is not None:
        hidden = [part for part in hidden if any(a <= part.start_us and part.end_us <= b for a, b in within)]
    return Playlist(render(found), tuple(hidden))


def _entries(
    pieces: Iterable[Piece], files: Mapping[Key, SegmentFile], known: Mapping[Key, Fragments]
) -> list[PlaylistEntry]:
    """The entries that show the pieces, each of which but the first begins at a keyframe, with gaps between them.
    Pure."""
    found: list[PlaylistEntry] = []
    run: tuple[int, int, str] | None = None
    zero_us = 0
    for piece in pieces:
        key = piece.segment.key
        for entry in _of_piece(piece, known[key], files[key]):
            at_us = found[-1].end_us if found else entry.start_us
            if found and entry.start_us - at_us < _SLIVER_US:
                # Also where the pieces overlap: the higher epoch's footage begins where it begins.
                found[-1] = replace(found[-1], end_us=max(entry.start_us, found[-1].start_us + 1))
            elif entry.start_us > at_us:
                found.append(PlaylistEntry(at_us, entry.start_us))
            begin_us = found[0].start_us if found else entry.start_us
            exact_us = zero_for(piece, files[key], entry.offset, entry.start_us - begin_us)
            if entry.run != run or abs(exact_us - zero_us) > DRIFT_US:
                run, zero_us = entry.run, exact_us
            found.append(replace(entry, uri=segment_uri(key, zero_us)))
    return found


def _of_piece(piece: Piece, found: Fragments, file: SegmentFile) -> list[PlaylistEntry]:
    segment = piece.segment
    times = TimeMap.of(segment)
    key = segment.key
    run = (segment.run_start_us, key.epoch, key.node)
    made: list[PlaylistEntry] = []
    for first, last in _shown(found, group_starts(found, segment.timescale), times, piece):
        offset = int(found.offsets[first])
        end = file.index.media_end if last + 1 == len(found.offsets) else int(found.starts[last + 1])
        a, b = times.wall_us(int(found.starts[first])), times.wall_us(end)
        if b > a:
            made.append(
                PlaylistEntry(a, b, "", offset, found.offset_after(last) - offset, segment.init, file.init_bytes, run)
            )
    return made


def _shown(found: Fragments, starts: Sequence[int], times: TimeMap, piece: Piece) -> list[tuple[int, int]]:
    """First and last fragment of each group that shows the piece, from the keyframe at or before its start on."""
    end = times.ticks_at(piece.end_us)
    key, _ = keyframe_before(piece, found)
    begins = [key, *(start for start in starts if start > key)]
    return [
        (first, first + int(np.searchsorted(found.starts[first:following], end)) - 1)
        for first, following in itertools.pairwise([*begins, len(found.offsets)])
        if found.starts[first] < end
    ]


def render(found: Sequence[PlaylistEntry]) -> str:
    """The playlist's text."""
    longest_us = max(entry.end_us - entry.start_us for entry in found)
    lines = [
        "#EXTM3U",
        # EXT-X-GAP came with version 8.
        "#EXT-X-VERSION:8",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest_us / 1e6))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    init = ""
    for entry in found:
        if entry.uri is not None and entry.init != init:
            # Time goes on over gaps and from run to run, so that only other parameters are a discontinuity: VLC plays
            # nothing after one.
            if init:
                lines.append("#EXT-X-DISCONTINUITY")
            init = entry.init
            lines.append(map_tag(init, entry.init_bytes))
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(entry.start_us)}")
        lines.append(f"#EXTINF:{seconds(entry.end_us - entry.start_us)},")
        if entry.uri is None:
            # FFmpeg and VLC know no gaps: they fetch it, by its range.
            lines += ["#EXT-X-GAP", f"#EXT-X-BYTERANGE:{len(GAP_BYTES)}@0", GAP_URI]
        else:
            lines += [f"#EXT-X-BYTERANGE:{entry.size}@{entry.offset}", entry.uri]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])
