"""Entering and revoking directives, and the facts that come of them.

A directive and its revocations are only ever added. Every effect on a camera is a fact of layer ``order``, written when
the directive is entered (a schedule's, some days ahead; of many cameras by ``nvr.orders.carrying_out``, slice by
slice), so what counts for any moment is what was in force then.
Invariant: a fact that has begun is cut short by a revocation, never removed; one that has not begun goes.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from nvr.orders import weekly_hours as hours
from nvr.orders.carrying_out import queue, refuse_while_waiting
from nvr.orders.model import (
    Directive,
    DirectiveError,
    DirectiveKind,
    Draft,
    Revocation,
    check,
    find,
    is_date,
    revocations,
    wrong_texts,
)
from storage.catalogue import audit, node
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.intervals import DAY_US
from storage.sentences import Sentence, joined, listed
from storage.times import iso

__all__ = ["add", "extend_schedules", "revoke"]

# How far ahead a schedule's facts are written. A server that is down for longer writes the rest when it starts.
_AHEAD_US: Final = 8 * DAY_US
_FOREVER_US: Final = 1 << 62
# A schedule that begins so little before now begins now.
_ON_THE_WAY_US: Final = 300_000_000


def add(
    conn: sqlite3.Connection, draft: Draft, cameras: Collection[str], *, node_id: str, by: Actor, now_us: int
) -> Directive:
    """Adds a directive for these cameras; it takes effect at its start, by itself.

    Raises:
        DirectiveError: see ``check``; or it has no cameras, its attachment is not there, or a schedule would change the
            past.
        KeyError: there never was a camera of this id.
    """
    check(draft)
    if not cameras:
        raise DirectiveError(Sentence("cameras: it has none; see which labels the cameras have"))
    if draft.kind is DirectiveKind.SCHEDULE and draft.start_us < now_us:
        if draft.start_us < now_us - _ON_THE_WAY_US:
            raise DirectiveError(Sentence("start: a schedule can't begin in the past: it was not in force then"))
        # "Now", as whoever asks had it: another clock, and the time that the question took.
        draft = replace(draft, start_us=now_us)
    found = conn.execute("SELECT 1 FROM attachment WHERE sha256 = ?", (draft.attachment,)).fetchone()
    if draft.attachment is not None and found is None:
        raise DirectiveError(Sentence("attachment: there is no such file; upload it first"))
    id_, epoch = secrets.token_hex(6), node.next_epoch(conn)
    conn.execute(
        "INSERT INTO directive (id, kind, reason, letter, letter_date, approver, start_us, end_us, expected_end_us,"
        " local_copy_until_us, hours, zone, selection, attachment, attachment_name, epoch, told_until_us, entered_by,"
        " entered_by_id, entered_us, rev) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            id_,
            draft.kind,
            draft.reason.strip(),
            draft.letter,
            draft.letter_date,
            draft.approver,
            draft.start_us,
            draft.end_us,
            draft.expected_end_us,
            draft.local_copy_until_us,
            draft.hours,
            draft.zone,
            draft.selection,
            draft.attachment,
            draft.attachment_name,
            epoch,
            draft.start_us if draft.kind is DirectiveKind.SCHEDULE else None,
            by.name,
            by.person,
            now_us,
            next_rev(conn),
        ),
    )
    ids = sorted(set(cameras))
    keys = _keys(conn, ids)
    entered = find(conn, id_)
    assert entered is not None
    if draft.kind is DirectiveKind.SCHEDULE:
        _queue_schedule(conn, entered, draft.start_us, keys, node_id=node_id, now_us=now_us)
    else:
        _queue(conn, entered, keys, [(draft.start_us, draft.end_us)], node_id=node_id)
    told = {"cameras": len(ids), "selection": entered.selection, "start": iso(entered.start_us)}
    audit.append(conn, f"{entered.kind}_entered", detail={**_detail(entered), **told})
    return replace(entered, cameras=len(ids), left=len(ids))


def _keys(conn: sqlite3.Connection, ids: Sequence[str]) -> list[int]:
    """Of cameras, in the order of their ids.

    Raises:
        KeyError: there never was a camera of this id.
    """
    rows = conn.execute(
        "SELECT camera.id, camera.key FROM json_each(?) JOIN camera ON camera.id = json_each.value", (json.dumps(ids),)
    )
    keys: dict[str, int] = dict(rows.fetchall())
    return [keys[id_] for id_ in ids]


def _detail(directive: Directive) -> dict[str, Any]:
    """What a gap says of the decision."""
    detail: dict[str, Any] = {directive.kind.value: directive.id, "reason": directive.reason}
    for name in ("letter", "letter_date", "approver", "hours", "zone"):
        if (value := getattr(directive, name)) is not None:
            detail[name] = value
    for name in ("expected_end", "local_copy_until"):
        if (at_us := getattr(directive, f"{name}_us")) is not None:
            detail[name] = iso(at_us)
    if directive.entered_us > directive.start_us:
        # What was said afterwards must be seen to have been.
        detail["entered"] = iso(directive.entered_us)
    return detail


def _queue(
    conn: sqlite3.Connection,
    directive: Directive,
    keys: Sequence[int],
    times: Sequence[tuple[int, int | None]],
    *,
    node_id: str,
) -> None:
    queue(conn, directive.id, keys, times, kind=directive.kind, node=node_id, detail=json.dumps(_detail(directive)))


def _queue_schedule(
    conn: sqlite3.Connection, schedule: Directive, from_us: int, keys: Sequence[int], *, node_id: str, now_us: int
) -> None:
    """Queues a schedule's facts from ``from_us`` until some days from now."""
    until_us = max(from_us, now_us) + _AHEAD_US
    if schedule.end_us is not None:
        until_us = min(until_us, schedule.end_us)
    until_us = max(until_us, from_us)
    off = hours.parse(schedule.hours or "").outside(from_us, until_us, schedule.zone or "UTC")
    _queue(conn, schedule, keys, off, node_id=node_id)
    conn.execute(
        "UPDATE directive SET told_until_us = ?, rev = ? WHERE id = ?", (until_us, next_rev(conn), schedule.id)
    )


def extend_schedules(conn: sqlite3.Connection, *, node_id: str, now_us: int) -> int:
    """Queues further facts of every schedule whose facts reach less than a week ahead; returns how many
    were."""
    rows = conn.execute(
        "SELECT id, told_until_us FROM directive"
        " WHERE kind = 'schedule' AND told_until_us < ? AND told_until_us < coalesce(end_us, ?)"
        " AND id IN (SELECT directive FROM directive_camera WHERE revocation IS NULL)",
        (now_us + _AHEAD_US - DAY_US, _FOREVER_US),
    ).fetchall()
    for row in rows:
        schedule = find(conn, row["id"])
        assert schedule is not None
        _queue_schedule(conn, schedule, row["told_until_us"], _left(conn, schedule.id), node_id=node_id, now_us=now_us)
    return len(rows)


def _left(conn: sqlite3.Connection, directive: str) -> list[int]:
    """The keys of the cameras of which it was not revoked."""
    rows = conn.execute(
        "SELECT camera FROM directive_camera WHERE directive = ? AND revocation IS NULL ORDER BY camera", (directive,)
    )
    return [row[0] for row in rows]


def revoke(
    conn: sqlite3.Connection,
    id_: str,
    *,
    reason: str,
    by: Actor,
    now_us: int,
    start_us: int | None = None,
    cameras: Collection[str] | None = None,
    letter: str | None = None,
    letter_date: str | None = None,
    approver: str | None = None,
) -> Revocation:
    """Ends a directive from ``start_us`` (None: now) on, for these cameras or for all that are left.

    Raises:
        KeyError: there is no such directive.
        DirectiveError: nothing is left of it, a camera is not under it, the reason is missing, or the time is past.
    """
    directive = find(conn, id_)
    if directive is None:
        raise KeyError(id_)
    start_us = now_us if start_us is None else start_us
    refuse_while_waiting(conn, id_)
    left = set(_left(conn, id_))
    if not reason.strip():
        raise DirectiveError(Sentence("reason: a revocation needs one"))
    if wrong := wrong_texts({"reason": reason, "letter": letter, "approver": approver}):
        raise DirectiveError(joined(wrong))
    if letter_date is not None and not is_date(letter_date):
        raise DirectiveError(Sentence("letter_date: write it as 2026-10-06"))
    if start_us < now_us:
        raise DirectiveError(
            Sentence("start: a revocation can't take effect in the past: the cameras were off until now")
        )
    if directive.end_us is not None and directive.end_us <= start_us:
        raise DirectiveError(Sentence("it is over by then: there is nothing to revoke"))
    keys = sorted(left)
    left_out: list[str] = []
    if cameras is not None:
        known = dict(
            conn.execute(
                "SELECT camera.id, camera.key FROM json_each(?) JOIN camera ON camera.id = json_each.value",
                (json.dumps(sorted(set(cameras))),),
            ).fetchall()
        )
        left_out = sorted(id_ for id_ in set(cameras) if known.get(id_) not in left)
        keys = sorted(known[id_] for id_ in set(cameras).difference(left_out))
    if left_out:
        raise DirectiveError(
            Sentence("cameras: not under it, or revoked before: {cameras}", cameras=listed(left_out, 10))
        )
    if not keys:
        raise DirectiveError(
            Sentence("it was revoked for all its cameras before")
            if cameras is None
            else Sentence("cameras: none are named")
        )
    revocation = secrets.token_hex(6)
    conn.execute(
        "INSERT INTO revocation (id, directive, reason, letter, letter_date, approver, start_us, entered_by,"
        " entered_by_id, entered_us) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (revocation, id_, reason.strip(), letter, letter_date, approver, start_us, by.name, by.person, now_us),
    )
    conn.execute("UPDATE directive SET rev = ? WHERE id = ?", (next_rev(conn), id_))
    queue(conn, id_, keys, [(start_us, None)], kind=directive.kind, node=None, revocation=revocation)
    told = {"revocation": revocation, "reason": reason.strip(), "letter": letter, "start": iso(start_us)}
    some = {"some": sorted(cameras)[:50]} if cameras is not None else {}
    audit.append(
        conn,
        f"{directive.kind}_revoked",
        detail={directive.kind.value: id_, **told, "cameras": len(keys), **some},
    )
    found = next(each for each in revocations(conn, id_) if each.id == revocation)
    return replace(found, cameras=len(keys))
