"""What an order would do, before it is confirmed: cameras, coverage lost, holds and cases touched, bandwidth saved.
Changes nothing.

The plan's hash is of what would be entered: whatever of it changes between the dry run and the confirmation (a label, a
camera, a date) makes it another plan.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from nvr.cases import cases, requests
from nvr.cases.cases import Case
from nvr.cases.requests import RequestState
from nvr.network import capacity as planning
from nvr.network import figures as network
from nvr.network.capacity import NoBitrateError, Rates
from nvr.orders.model import Draft
from storage.causes import Cause
from storage.intervals import Interval, clip, merge, subtract
from storage.retention import holds
from storage.retention.holds import Hold

__all__ = ["Impact", "impact", "missing", "plan_hash"]


@dataclass(frozen=True, slots=True)
class Impact:
    """``lost_us``: camera-time from now to the expected (or certain) end that would have been recorded by what is
    decided so far; None without such an end. ``disabled_before``: how many of the cameras another order disables
    already at the start. ``recording``: how many record now. ``sent``: what those send that are not disabled before;
    None: it is known of none. ``saved_bits``: what all would send in ``lost_us``; None: as ``lost_us``, or not known.
    """

    cameras: Sequence[str]
    until_us: int | None
    lost_us: int | None
    disabled_before: int
    other_directives: Sequence[str]
    holds: Sequence[Hold]
    cases: Sequence[Case]
    recording: int
    sent: Rates | None
    unknown: int
    saved_bits: float | None


def missing(conn: sqlite3.Connection, cameras: Collection[str], *, among: Collection[str] | None = None) -> list[str]:
    """Which of these ids no camera that is recorded has, of those of ``among``; None: of all."""
    known = {row[0] for row in conn.execute("SELECT id FROM camera WHERE removed_us IS NULL")}
    known = known if among is None else known & set(among)
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
        "SELECT c.id, f.start_us, f.end_us, f.detail FROM fact f JOIN camera c ON c.key = f.camera"
        " WHERE f.layer = 'order'"
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
    lost: dict[str, int] | None = None
    if until_us is not None:
        lost = {
            id_: sum(b - a for a, b in subtract(from_us, until_us, merge(clip(off.get(id_, ()), from_us, until_us))))
            for id_ in chosen
            if until_us > from_us
        }
    known = network.known_rates(conn, now_us=now_us)
    touched = [
        hold
        for hold in holds.list_all(conn)
        if hold.released_us is None
        and hold.camera in chosen
        and hold.end_us > draft.start_us
        and (until_us is None or hold.start_us < until_us)
    ]
    states = conn.execute("SELECT c.id FROM status s JOIN camera c ON c.key = s.camera WHERE s.state = 'recording'")
    sending = chosen - disabled_before
    try:
        sent: Rates | None = planning.rates(sending, known)
    except NoBitrateError:
        sent = None
    return Impact(
        sorted(chosen),
        until_us,
        None if lost is None else sum(lost.values()),
        len(disabled_before),
        sorted(others),
        touched,
        _cases(conn, chosen, draft.start_us, until_us),
        sum(row[0] in chosen for row in states),
        sent,
        len(sending - known.keys()),
        None if lost is None else _saved(lost, known),
    )


def _saved(lost: Mapping[str, int], known: Mapping[str, float]) -> float | None:
    """Bits that are not sent in these microseconds; None: nobody knows."""
    losing = [camera for camera, lost_us in lost.items() if lost_us]
    if not losing:
        return 0.0
    try:
        sent = planning.each(losing, known)
    except NoBitrateError:
        return None
    return sum(sent[camera] * lost[camera] for camera in losing) / 1e6


def _cases(conn: sqlite3.Connection, cameras: Collection[str], start_us: int, until_us: int | None) -> list[Case]:
    """Open cases with a request, not turned down, for a time of one of the cameras that the order takes."""
    return [
        case
        for case in cases.list_all(conn)
        if case.closed_us is None
        and any(
            request.state in (RequestState.ASKED, RequestState.APPROVED)
            and not set(request.cameras).isdisjoint(cameras)
            and request.end_us > start_us
            and (until_us is None or request.start_us < until_us)
            for request in requests.of_case(conn, case.id)
        )
    ]
