"""Coverage: what was recorded of a camera in a range, what was not, and why.

Invariant: spans and gaps partition ``[start_us, min(end_us, as_of_us))`` exactly.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.catalogue import segments
from storage.catalogue.facts import Fact
from storage.catalogue.segments import Segment
from storage.causes import Cause, CauseClass, class_of
from storage.coverage.clock_steps import ClockStep, clock_steps
from storage.coverage.fleet import FleetBatch, read_batch, told_until
from storage.coverage.original_causes import Attribution, attribute
from storage.intervals import Interval, clip, merge, subtract

__all__ = ["Coverage", "Gap", "Piece", "coverage", "known_until", "pieces", "read_one", "resolve"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A maximal interval without footage and with one cause, cut to the range asked for. ``open``: it reaches ``as_of``
    and may go on. ``fact`` is what it was derived from; None only if the cause is ``unknown``. ``beside`` is what else
    was true, where people's decision is the cause."""

    start_us: int
    end_us: int
    cause: Cause
    open: bool
    fact: Fact | None
    beside: Attribution | None = None

    @property
    def detail(self) -> Mapping[str, Any]:
        """The fact's detail, and what stays beside it."""
        own = self.fact.detail if self.fact is not None else {}
        return own if self.beside is None else {**own, **self.beside.detail()}

    @property
    def cause_class(self) -> CauseClass:
        """Who has to act on it."""
        return class_of(self.cause, self.fact.detail if self.fact is not None else {})


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer for one camera. ``clock_steps``: when the server's clock was set; set back, it leaves no gap, but a
    time that was recorded twice. What lies after ``as_of_us`` is neither footage nor gap: it is not known yet."""

    camera: str
    start_us: int
    end_us: int
    as_of_us: int
    spans: Sequence[Interval]
    gaps: Sequence[Gap]
    clock_steps: Sequence[ClockStep] = ()

    @property
    def recorded_us(self) -> int:
        """Microseconds of footage."""
        return sum(b - a for a, b in self.spans)

    @property
    def missing_us(self) -> int:
        """Microseconds of gaps."""
        return sum(gap.end_us - gap.start_us for gap in self.gaps)

    @property
    def not_known_us(self) -> int:
        """Microseconds of which nothing is known yet. Recorded, missing and these are together what was asked for,
        always."""
        return self.end_us - self.as_of_us


def coverage(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, now_us: int) -> Coverage:
    """Coverage of ``[start_us, end_us)`` as known at ``now_us``: that of a fleet of one.

    Raises:
        KeyError: there never was such a camera.
        ValueError: the range is empty or reversed.
    """
    batch = read_one(conn, camera, start_us, end_us, now_us=now_us)
    as_of_us = max(start_us, min(end_us, int(batch.as_of_us[0])))
    if as_of_us == start_us:
        return Coverage(camera, start_us, end_us, as_of_us, (), ())
    known, caused = batch.of_one()
    gaps = [
        Gap(part.start_us, part.end_us, part.cause, is_open, known[part.fact] if part.fact >= 0 else None, beside)
        for part, is_open, beside in zip(caused, batch.open.tolist(), attribute(caused, known), strict=True)
    ]
    spans = subtract(start_us, as_of_us, [Interval(gap.start_us, gap.end_us) for gap in gaps])
    return Coverage(
        camera, start_us, end_us, as_of_us, spans, gaps, tuple(clock_steps(conn, camera, start_us, as_of_us))
    )


def read_one(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, now_us: int) -> FleetBatch:
    """The same as columns, for many gaps. Raises as ``coverage``."""
    if end_us <= start_us:
        raise ValueError("the range is empty: end must be after start")
    return read_batch(conn, [(_key(conn, camera), camera)], start_us, end_us, now_us=now_us, with_detail=True)


def _key(conn: sqlite3.Connection, camera: str) -> int:
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    return int(row[0])


def known_until(conn: sqlite3.Connection, camera: str, now_us: int) -> int:
    """Until when the story of a camera is told. While it records, the end of its last fragment: what the camera sends
    now is neither lost nor on disk yet. Otherwise the recorder's open fact holds until now. Nothing is told of what is
    being written and not listed yet.

    Raises:
        KeyError: there never was such a camera.
    """
    return told_until(conn, [(_key(conn, camera), camera)], now_us)[0]


@dataclass(frozen=True, slots=True)
class Piece:
    """The part ``[start_us, end_us)`` of a segment that is to be shown: where segments overlap, one wins; where it has
    a hole, it shows nothing."""

    segment: Segment
    start_us: int
    end_us: int


def resolve(found: Iterable[Segment], start_us: int, end_us: int) -> list[Piece]:
    """Which segment shows which part of ``[start_us, end_us)``: pieces by time, none overlapping, together the
    segments' union.

    The higher epoch wins, then the node of lesser name, then the run that began later, as a whole: a clock that was set
    back leads through the same time again. Where a segment has a hole, it shows nothing.
    """
    by_start = sorted((s for s in found if s.end_us > s.key.start_us), key=lambda s: s.key.start_us)
    if all(before.end_us <= after.key.start_us for before, after in itertools.pairwise(by_start)):
        # Nearly always: nothing overlaps.
        return [Piece(s, *part) for s in by_start for part in clip(s.footage, start_us, end_us)]
    pieces: list[Piece] = []
    covered: list[Interval] = []
    order = sorted(by_start, key=lambda s: (-s.key.epoch, s.key.node, -s.run_seq, -s.run_start_us, -s.key.start_us))
    for segment in order:
        own = clip(segment.footage, start_us, end_us)
        for part in own:
            pieces += [Piece(segment, *left) for left in subtract(*part, covered)]
        covered = merge([*covered, *own])
    return sorted(pieces, key=lambda piece: piece.start_us)


def pieces(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[Piece]:
    """What to show of ``[start_us, end_us)``: see ``resolve``."""
    return resolve(segments.between(conn, camera, start_us, end_us), start_us, end_us)
