"""What an order would do, before it is confirmed: cameras, coverage lost, holds and cases touched, bandwidth saved. Changes nothing.

The plan's hash is of what would be entered: whatever of it changes between the dry run and the confirmation (a label, a camera, a date)
makes it another plan.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from storage import cases, holds
from storage.cases import Case, State
from storage.causes import Cause
from storage.directives import Draft
from storage.holds import Hold
from storage.intervals import Interval, clip, merge, subtract

__all__ = ["Impact", "impact", "missing", "plan_hash"]


@dataclass(frozen=True, slots=True)
class Impact:
    """``lost_us``: camera-time from now to the expected (or certain) end that would have been recorded by what is decided so far; None
    without such an end. ``disabled_before``: how many of the cameras another decision disables already at the start. ``bitrate_bps``: the sum over the
    ``measured`` cameras that record now."""

    cameras: Sequence[str]
    until_us: int | None
    lost_us: int | None
    disabled_before: int
    other_directives: Sequence[str]
    holds: Sequence[Hold]
    cases: Sequence[Case]
    recording: int
    measured: int
    bitrate_bps: int


def missing(conn: sqlite3.Connection, cameras: Collection[str]) -> list[str]:
    """Which of these ids no camera that is recorded has."""
    known = {row[0] for row in conn.execute("SELECT id FROM camera WHERE removed_us IS NULL")}
    return sorted(set(cameras) - known)


def plan_hash(draft: Draft, cameras: Collection[str], *, start_is_now: bool) -> str:
    """SHA-256 of what would be entered, hexadecimal. A start that is the moment of confirmation is no part of it."""
    fields = asdict(draft)
    if start_is_now:
        fields["start_us"] = None
    text = json.dumps([fields, sorted(set(cameras))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def impact(conn: sqlite3.Connection, draft: Draft, cameras: Collection[str], *, now_us: int) -> Impact:
    """The impact of a directive on these cameras."""
    chosen = set(cameras)
    from_us = max(draft.start_us, now_us)
    until_us = draft.end_us or draft.expected_end_us
    off: dict[str, list[Interval]] = {}
    others: set[str] = set()
    disabled_before: set[str] = set()
    rows = conn.execute(
        "SELECT c.id, f.start_us, f.end_us, f.detail FROM fact f JOIN camera c ON c.key = f.camera WHERE f.layer = 'order'"
        " AND f.cause IN (?, ?) AND (f.end_us IS NULL OR f.end_us > ?)",
        (Cause.DISABLED, Cause.SCHEDULE, from_us),
    )
    far_us = until_us if until_us is not None else from_us + 1
    for id_, start_us, end_us, text in rows:
        if id_ not in chosen or start_us >= max(far_us, from_us + 1):
            continue
        off.setdefault(id_, []).append(Interval(start_us, far_us if end_us is None else end_us))
        detail = json.loads(text)
        if "order" in detail:
            others.add(detail["order"])
            if start_us <= from_us:
                disabled_before.add(id_)
    lost_us = None
    if until_us is not None:
        lost_us = sum(
            sum(b - a for a, b in subtract(from_us, until_us, merge(clip(off.get(id_, ()), from_us, until_us))))
            for id_ in chosen
            if until_us > from_us
        )
    touched = [
        hold
        for hold in holds.every(conn)
        if hold.released_us is None
        and hold.camera in chosen
        and hold.end_us > draft.start_us
        and (until_us is None or hold.start_us < until_us)
    ]
    states = conn.execute(
        "SELECT c.id, s.state, s.bitrate_bps FROM status s JOIN camera c ON c.key = s.camera WHERE s.state = 'recording'"
    ).fetchall()
    recording = [row for row in states if row["id"] in chosen]
    measured = [int(row["bitrate_bps"]) for row in recording if row["bitrate_bps"]]
    return Impact(
        sorted(chosen),
        until_us,
        lost_us,
        len(disabled_before),
        sorted(others),
        touched,
        _cases(conn, chosen, draft.start_us, until_us),
        len(recording),
        len(measured),
        sum(measured),
    )


def _cases(conn: sqlite3.Connection, cameras: Collection[str], start_us: int, until_us: int | None) -> list[Case]:
    """Open cases with a request, not turned down, for a time of one of the cameras that the order takes."""
    return [
        case
        for case in cases.every(conn)
        if case.closed_us is None
        and any(
            request.state in (State.ASKED, State.APPROVED)
            and not set(request.cameras).isdisjoint(cameras)
            and request.end_us > start_us
            and (until_us is None or request.start_us < until_us)
            for request in cases.requests(conn, case.id)
        )
    ]
