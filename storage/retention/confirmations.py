"""Rows of the brake (``storage.retention.brake``): confirmed rules and floors, what went lately, what waits for a
person, the last trusted reading of the clock."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.retention.brake import Amount, Moment
from storage.retention.policies import Policy

__all__ = [
    "CLOCK",
    "Confirmed",
    "WaitingDeletion",
    "accept_unsynchronised",
    "accepts_unsynchronised",
    "anchor",
    "confirm",
    "confirm_floor",
    "confirm_rules",
    "details",
    "footage",
    "forget_if_restored",
    "forget_space",
    "gone_for_space",
    "gone_unconfirmed",
    "last_footage_us",
    "lately",
    "load",
    "set_anchor",
    "set_waiting",
    "space_lately",
    "waiting",
]

CLOCK: Final = "clock"
"""The cause of what waits because the clock is in doubt."""

_ANCHOR: Final = "trusted_moment"
_FREE_RUNNING: Final = "clock_accepted_unsynchronised"
_HOUR_US: Final = 3_600_000_000
# A catalogue that was locked for long has files that it does not know yet; those reach no further than a little after
# its last heartbeat.
_RESTORED_US: Final = 600_000_000
_WINDOW_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was confirmed: rules by camera, floors in bytes by root."""

    rules: Mapping[str, Policy]
    floors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WaitingDeletion:
    """Deletions that wait, by their cause, since ``since_us``; ``confirmed_by``: who has confirmed it, until the next
    pass carries it out."""

    cause: str
    since_us: int
    detail: Mapping[str, Any]
    confirmed_by: str | None


def load(conn: sqlite3.Connection) -> Confirmed:
    """All that is confirmed."""
    rules = {
        row["id"]: Policy(row["max_age_us"], row["max_bytes"], row["min_age_us"])
        for row in conn.execute("SELECT c.id, r.* FROM confirmed_rules r JOIN camera c ON c.key = r.camera")
    }
    floors = dict(
        conn.execute("SELECT r.id, f.floor_bytes FROM confirmed_floor f JOIN root r ON r.key = f.root").fetchall()
    )
    return Confirmed(rules, floors)


def confirm_rules(conn: sqlite3.Connection, rules: Mapping[str, Policy], *, now_us: int) -> None:
    """These cameras' rules are confirmed."""
    conn.executemany(
        "INSERT OR REPLACE INTO confirmed_rules (camera, max_age_us, max_bytes, min_age_us, at_us)"
        " SELECT key, ?, ?, ?, ? FROM camera WHERE id = ?",
        [(p.max_age_us, p.max_bytes, p.min_age_us, now_us, camera) for camera, p in rules.items()],
    )


def confirm_floor(conn: sqlite3.Connection, root: str, floor_bytes: int, *, now_us: int) -> None:
    """This root's floor is confirmed."""
    conn.execute(
        "INSERT OR REPLACE INTO confirmed_floor (root, floor_bytes, at_us) SELECT key, ?, ? FROM root WHERE id = ?",
        (floor_bytes, now_us, root),
    )


def _count(conn: sqlite3.Connection, what: str, subject: int, amount: Amount, now_us: int) -> None:
    conn.execute(
        "INSERT INTO pruned_lately (hour, what, subject, us, bytes) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET us = us + excluded.us, bytes = bytes + excluded.bytes",
        (now_us // _HOUR_US, what, subject, amount.us, amount.bytes),
    )
    conn.execute("DELETE FROM pruned_lately WHERE hour < ?", (now_us // _HOUR_US - _WINDOW_HOURS,))


def forget_if_restored(conn: sqlite3.Connection, alive_us: int | None) -> bool:
    """Forgets what was confirmed if footage goes on long after the server last ran by this catalogue (``alive_us``): it
    is a backup that was put back, and what people have decided since is not in it. Says whether."""
    newest_us = last_footage_us(conn)
    if alive_us is None or newest_us is None or newest_us - alive_us <= _RESTORED_US:
        return False
    conn.execute("DELETE FROM confirmed_rules")
    conn.execute("DELETE FROM confirmed_floor")
    return True


def gone_unconfirmed(conn: sqlite3.Connection, gone: Mapping[str, Amount], *, now_us: int) -> None:
    """So much went by rules that nobody has confirmed."""
    for camera, amount in gone.items():
        key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()[0]
        _count(conn, "unconfirmed", key, amount, now_us)


def gone_for_space(conn: sqlite3.Connection, root: str, amount: Amount, *, now_us: int) -> None:
    """So much went for free space of this root."""
    key = conn.execute("SELECT key FROM root WHERE id = ?", (root,)).fetchone()[0]
    _count(conn, "space", key, amount, now_us)


def lately(conn: sqlite3.Connection, *, now_us: int) -> dict[str, Amount]:
    """What went by unconfirmed rules in the last 24 hours, by camera."""
    rows = conn.execute(
        "SELECT c.id, sum(p.us), sum(p.bytes) FROM pruned_lately p JOIN camera c ON c.key = p.subject"
        " WHERE p.what = 'unconfirmed' AND p.hour >= ? GROUP BY c.id",
        (now_us // _HOUR_US - _WINDOW_HOURS,),
    )
    return {row[0]: Amount(row[1], row[2]) for row in rows}


def space_lately(conn: sqlite3.Connection, root: str, *, now_us: int) -> int:
    """Bytes that went for free space of this root in the last 24 hours."""
    row = conn.execute(
        "SELECT coalesce(sum(p.bytes), 0) FROM pruned_lately p JOIN root r ON r.key = p.subject"
        " WHERE p.what = 'space' AND r.id = ? AND p.hour >= ?",
        (root, now_us // _HOUR_US - _WINDOW_HOURS),
    ).fetchone()
    return int(row[0])


def forget_space(conn: sqlite3.Connection, root: str) -> None:
    """What went for free space of this root was explained by a person, and counts no more."""
    conn.execute(
        "DELETE FROM pruned_lately WHERE what = 'space' AND subject = (SELECT key FROM root WHERE id = ?)", (root,)
    )


def footage(conn: sqlite3.Connection) -> dict[str, Amount]:
    """The closed footage of every camera that has any."""
    rows = conn.execute(
        "SELECT c.id, sum(s.end_us - s.start_us), sum(s.bytes) FROM span s JOIN camera c ON c.key = s.camera"
        " GROUP BY s.camera"
    )
    return {row[0]: Amount(row[1], row[2]) for row in rows}


def last_footage_us(conn: sqlite3.Connection) -> int | None:
    """When the newest closed footage of the fleet ends."""
    row = conn.execute("SELECT max(end_us) FROM span").fetchone()
    return None if row[0] is None else int(row[0])


def waiting(conn: sqlite3.Connection) -> list[WaitingDeletion]:
    """What waits, by cause."""
    rows = conn.execute("SELECT cause, since_us, detail, confirmed_by FROM waiting_deletion ORDER BY cause")
    return [WaitingDeletion(row[0], row[1], json.loads(row[2]), row[3]) for row in rows]


def set_waiting(conn: sqlite3.Connection, causes: Mapping[str, Mapping[str, Any]], *, now_us: int) -> None:
    """These causes wait, with these details, and no others. What has been confirmed and waits no longer goes too."""
    known = {row.cause: row for row in waiting(conn)}
    conn.executemany(
        "DELETE FROM waiting_deletion WHERE cause = ?", [(cause,) for cause in known.keys() - causes.keys()]
    )
    for cause, detail in causes.items():
        if cause not in known or dict(known[cause].detail) != dict(detail):
            conn.execute(
                "INSERT INTO waiting_deletion (cause, since_us, detail) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET detail = excluded.detail",
                (cause, now_us, json.dumps(dict(detail))),
            )


def confirm(conn: sqlite3.Connection, cause: str, *, by: Actor, now_us: int) -> None:
    """A person confirms a cause: what waits for it goes with the next pass.

    Raises:
        KeyError: nothing waits for this cause.
    """
    changed = conn.execute(
        "UPDATE waiting_deletion SET confirmed_us = ?, confirmed_by = ?, confirmed_by_id = ? WHERE cause = ?",
        (now_us, by.name, by.person, cause),
    )
    if not changed.rowcount:
        raise KeyError(cause)
    audit.append(conn, "deletion_confirmed", detail={"cause": cause})


def _meta(conn: sqlite3.Connection, key: str) -> Any:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row[0])


def _set_meta(conn: sqlite3.Connection, key: str, value: Any) -> None:
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value)))


def anchor(conn: sqlite3.Connection) -> Moment | None:
    """The last reading of the clocks that was trusted; None in a catalogue that never had one."""
    found = _meta(conn, _ANCHOR)
    return None if found is None else Moment(**found)


def set_anchor(conn: sqlite3.Connection, now: Moment) -> None:
    """This reading is trusted."""
    _set_meta(conn, _ANCHOR, asdict(now))


def accepts_unsynchronised(conn: sqlite3.Connection) -> bool:
    """Whether a person has said that the clock is right although nothing synchronises it."""
    return bool(_meta(conn, _FREE_RUNNING))


def accept_unsynchronised(conn: sqlite3.Connection, accepted: bool) -> None:
    """So it is said, or, once it was synchronised again, said no more."""
    if accepts_unsynchronised(conn) != accepted:
        _set_meta(conn, _FREE_RUNNING, accepted)


def details(found: Iterable[tuple[str, int, int, int]]) -> dict[str, Any]:
    """What waits, for people: ``found`` has camera, start, end and bytes of each segment."""
    rows = list(found)
    return {
        "cameras": len({row[0] for row in rows}),
        "segments": len(rows),
        "hours": round(sum(row[2] - row[1] for row in rows) / 3.6e9, 1),
        "bytes": sum(row[3] for row in rows),
        "oldest_us": min((row[1] for row in rows), default=None),
    }
