"""Runs that recorded one wall time: which is shown, and what is not.

A clock that is set back leads through the same time again: two runs of one recorder then lie over one another, and both
are footage. Invariants: ``whole`` and ``lanes`` leave nothing out; what ``not_shown`` returns and what is shown are
together all that was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from storage.catalogue.segments import Key, Segment
from storage.coverage.one_camera import Piece, resolve
from storage.format.layout import NODE_ID
from storage.intervals import Interval, clip, merge, subtract

__all__ = [
    "NotShown",
    "lanes",
    "not_shown",
    "parse_run",
    "run_name",
    "run_of",
    "shown",
    "whole",
]

_NAME: Final = re.compile(rf"(\d{{1,18}})-(\d{{1,18}})-({NODE_ID})", re.ASCII)


def run_of(segment: Segment) -> Key:
    """The run that a segment is of."""
    return Key(segment.key.camera, segment.run_start_us, segment.key.node, segment.key.epoch)


def run_name(run: Key) -> str:
    """A run as addresses and names name it; ``parse_run`` is the inverse."""
    return f"{run.start_us}-{run.epoch}-{run.node}"


def parse_run(camera: str, name: str) -> Key | None:
    """The run of this camera that a name names, or None if it names none."""
    match = _NAME.fullmatch(name)
    return None if match is None else Key(camera, int(match[1]), match[3], int(match[2]))


def _by_run(found: Iterable[Segment]) -> list[list[Segment]]:
    """The segments, run by run, the newest run first."""
    runs: dict[Key, list[Segment]] = {}
    for segment in found:
        runs.setdefault(run_of(segment), []).append(segment)
    return sorted(runs.values(), key=lambda own: (own[0].run_seq, own[0].run_start_us), reverse=True)


def whole(found: Iterable[Segment], start_us: int, end_us: int) -> list[list[Piece]]:
    """Of each run, by its start, all that it recorded of ``[start_us, end_us)``, whatever else was recorded then. Holes
    of a segment are not cut out."""
    runs = []
    for own in _by_run(found):
        parts = [
            Piece(segment, max(segment.key.start_us, start_us), min(segment.end_us, end_us))
            for segment in sorted(own, key=lambda s: s.key.start_us)
            if segment.end_us > max(segment.key.start_us, start_us) and segment.key.start_us < end_us
        ]
        if parts:
            runs.append(parts)
    return sorted(runs, key=lambda parts: (parts[0].start_us, parts[0].segment.run_seq))


def lanes(found: Sequence[Segment], start_us: int, end_us: int) -> list[list[Piece]]:
    """As few lists of pieces as show all runs of one recorder whole: a single one, that of ``resolve``, unless its
    clock was set back. The newest runs come first."""
    filled: list[list[Segment]] = []
    for own in _by_run(found):
        recorder = own[0].key.node, own[0].key.epoch
        extent = merge(Interval(s.key.start_us, s.end_us) for s in own)
        for lane in filled:
            theirs = [Interval(s.key.start_us, s.end_us) for s in lane if (s.key.node, s.key.epoch) == recorder]
            if not any(clip(extent, *other) for other in theirs):
                lane += own
                break
        else:
            filled.append(list(own))
    found_pieces = [resolve(lane, start_us, end_us) for lane in filled]
    return [pieces for pieces in found_pieces if pieces]


def shown(found: Sequence[Segment], start_us: int, end_us: int, runs: Collection[Key] | None = None) -> list[Piece]:
    """What to show of ``[start_us, end_us)``: see ``resolve``. With ``runs``, of these runs alone. A player begins at
    keyframes: what it really shows, clips and playlists tell."""
    return resolve(found if runs is None else [s for s in found if run_of(s) in runs], start_us, end_us)


@dataclass(frozen=True, slots=True)
class NotShown:
    """Footage ``[start_us, end_us)`` of a run in whose place that of another is shown."""

    run: Key
    start_us: int
    end_us: int


def not_shown(found: Iterable[Segment], pieces: Iterable[Piece], start_us: int, end_us: int) -> list[NotShown]:
    """The footage of ``[start_us, end_us)`` that is not among the ``pieces`` shown, by time."""
    by_segment: dict[Key, list[Interval]] = {}
    for piece in pieces:
        by_segment.setdefault(piece.segment.key, []).append(Interval(piece.start_us, piece.end_us))
    hidden: dict[Key, list[Interval]] = {}
    for segment in found:
        taken = merge(by_segment.get(segment.key, ()))
        for part in clip(segment.footage, start_us, end_us):
            hidden.setdefault(run_of(segment), []).extend(subtract(*part, taken))
    parts = [NotShown(run, *interval) for run, intervals in hidden.items() for interval in merge(intervals)]
    return sorted(parts, key=lambda part: (part.start_us, part.run.start_us))
