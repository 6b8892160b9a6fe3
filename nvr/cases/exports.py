"""Exports that the server makes: their queue, what became of them, and the holds that keep their footage meanwhile.

States: ``queued`` → ``running`` → ``done`` → ``expired``; ``failed`` and ``cancelled`` end one too. Invariant: an
export that is running has a hold over each of its cameras' range, one that is queued is being given them; one that has
ended has none of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from storage.catalogue import audit
from storage.catalogue.actors import SERVER_ACTOR, Actor
from storage.catalogue.database import next_rev
from storage.retention import holds
from storage.sentences import Sentence, kept, restored

__all__ = [
    "MOST_ATTEMPTS",
    "CheckOutcome",
    "Export",
    "ExportState",
    "begin",
    "bytes_kept",
    "cancel",
    "checked",
    "count_open",
    "expire",
    "fail",
    "find",
    "finish",
    "list_all",
    "overdue",
    "progress",
    "put_back",
    "queued",
    "release",
    "wait",
]

MOST_ATTEMPTS: Final = 5
"""An export that was begun so often and never ended is what ends the process that makes it."""


class ExportState(StrEnum):
    """How far an export is. ``EXPIRED``: its package is deleted."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CheckOutcome(StrEnum):
    """What reading a package back has found. ``PARTLY``: it verifies, but some of the footage is no longer recorded
    here, so that it can't be compared."""

    GOOD = "good"
    PARTLY = "partly"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Export:
    """A job. ``files``: name, bytes and CRC-32 of each file of the package, in the order of its archive. ``begins_us``:
    when it is expected to begin, if its range is not over yet. ``check_outcome``: what reading its package back has
    found; None if it never was. ``owner_id``: the person whom it is for; None if
    that is not known."""

    id: str
    state: ExportState
    request: Mapping[str, Any]
    requested_by: str
    owner_id: str | None
    requested_us: int
    holds: tuple[str, ...]
    attempts: int
    started_us: int | None
    ended_us: int | None
    total_bytes: int | None
    done_bytes: int
    reason: Sentence | None
    folder: str | None
    files: tuple[tuple[str, int, int], ...]
    warnings: tuple[Sentence, ...]
    begins_us: int | None
    checked_us: int | None
    check_outcome: CheckOutcome | None
    check_details: tuple[Sentence, ...]

    @property
    def is_held(self) -> bool:
        """Whether the footage of each of its cameras was held for it."""
        return len(self.holds) >= len(self.request["cameras"])

    @property
    def is_open(self) -> bool:
        """Whether it is still to be made."""
        return self.state in ("queued", "running")


_SELECT = """SELECT id, state, request, requested_by, owner_id, requested_us, holds, attempts,
started_us, ended_us, total_bytes, done_bytes, reason, folder, files, warnings,
begins_us, checked_us, check_outcome, check_details FROM export"""


def _export(row: sqlite3.Row) -> Export:
    values = dict(row)
    for name in ("request", "holds", "files", "warnings", "check_details"):
        values[name] = json.loads(values[name])
    values["holds"] = tuple(values["holds"])
    for name in ("warnings", "check_details"):
        values[name] = tuple(restored(text) for text in values[name])
    values["reason"] = None if values["reason"] is None else restored(values["reason"])
    values["files"] = tuple((name, size, crc) for name, size, crc in values["files"])
    values["state"] = ExportState(values["state"])
    if values["check_outcome"] is not None:
        values["check_outcome"] = CheckOutcome(values["check_outcome"])
    return Export(**values)


def release(conn: sqlite3.Connection, ids: Iterable[str], by: Actor, reason: str, now_us: int) -> None:
    """Releases those of the holds that still hold."""
    holds.release_each(conn, list(ids), reason=reason, by=by, now_us=now_us)


def find(conn: sqlite3.Connection, id_: str) -> Export | None:
    """The export of this id."""
    row = conn.execute(f"{_SELECT} WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _export(row)


def list_all(conn: sqlite3.Connection, limit: int = 500) -> list[Export]:
    """The latest exports, the latest first."""
    return [_export(row) for row in conn.execute(f"{_SELECT} ORDER BY requested_us DESC, id LIMIT ?", (limit,))]


def count_open(conn: sqlite3.Connection) -> int:
    """How many are still to be made."""
    return int(conn.execute("SELECT count(*) FROM export WHERE state IN ('queued', 'running')").fetchone()[0])


def queued(conn: sqlite3.Connection) -> list[Export]:
    """Those that wait, the longest waiting first."""
    return [_export(row) for row in conn.execute(f"{_SELECT} WHERE state = 'queued' ORDER BY requested_us, id")]


def bytes_kept(conn: sqlite3.Connection) -> int:
    """Bytes of the packages that are finished and still there."""
    rows = conn.execute(f"{_SELECT} WHERE state = 'done'")
    return sum(size for row in rows for _, size, _ in _export(row).files)


def overdue(conn: sqlite3.Connection, before_us: int) -> list[Export]:
    """Finished ones that ended before a time."""
    return [_export(row) for row in conn.execute(f"{_SELECT} WHERE state = 'done' AND ended_us < ?", (before_us,))]


def _set(conn: sqlite3.Connection, id_: str, was: str, /, **values: Any) -> bool:
    """Sets columns of an export that is in this state; whether it was."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    done = conn.execute(
        f"UPDATE export SET {columns}, rev = :rev WHERE id = :id AND state = :was",
        {**values, "rev": next_rev(conn), "id": id_, "was": was},
    )
    return done.rowcount > 0


def begin(conn: sqlite3.Connection, id_: str, total_bytes: int, now_us: int) -> bool:
    """A queued export is being made from now on; False if it no longer waits."""
    conn.execute("UPDATE export SET attempts = attempts + 1 WHERE id = ?", (id_,))
    return _set(
        conn, id_, "queued", state="running", started_us=now_us, total_bytes=total_bytes, done_bytes=0, reason=None,
        begins_us=None,
    )  # fmt: skip


def wait(conn: sqlite3.Connection, id_: str, reason: Sentence | None, begins_us: int | None = None) -> None:
    """Says why a queued one is not begun; and when it is expected to be, if its range is not over yet."""
    conn.execute(
        "UPDATE export SET reason = :reason, begins_us = :begins, rev = :rev WHERE id = :id AND state = 'queued'"
        " AND (reason IS NOT :reason OR begins_us IS NOT :begins)",
        {"reason": None if reason is None else kept(reason), "begins": begins_us, "id": id_, "rev": next_rev(conn)},
    )


def checked(
    conn: sqlite3.Connection, id_: str, outcome: str, details: Sequence[Sentence], *, now_us: int, audited: bool = True
) -> bool:
    """Keeps what reading an export's package back has found; False if there is no such export."""
    done = conn.execute(
        "UPDATE export SET checked_us = ?, check_outcome = ?, check_details = ?, rev = ? WHERE id = ?",
        (now_us, outcome, json.dumps([*map(kept, details)], ensure_ascii=False), next_rev(conn), id_),
    )
    if done.rowcount and audited:
        audit.append(
            conn, "export_checked", detail={"export": id_, "outcome": outcome, "details": [*map(str, details)]}
        )
    return done.rowcount > 0


def progress(conn: sqlite3.Connection, id_: str, done_bytes: int) -> bool:
    """How far a running one is; False if it is no longer wanted."""
    return (
        conn.execute("UPDATE export SET done_bytes = ? WHERE id = ? AND state = 'running'", (done_bytes, id_)).rowcount
        > 0
    )


def put_back(conn: sqlite3.Connection, id_: str | None = None) -> None:
    """What was running when its process ended waits again: one, or all."""
    conn.execute("UPDATE export SET state = 'queued' WHERE state = 'running' AND id = coalesce(?, id)", (id_,))


def _end(conn: sqlite3.Connection, id_: str, now_us: int, by: Actor = SERVER_ACTOR) -> None:
    ended = find(conn, id_)
    if ended is not None:
        release(conn, ended.holds, by, f"export {id_} {ended.state}", now_us)


def finish(
    conn: sqlite3.Connection,
    id_: str,
    *,
    folder: str,
    files: Sequence[tuple[str, int, int]],
    warnings: Sequence[Sentence],
    now_us: int,
) -> bool:
    """A running export is done, its package having been read back and found good; False if it was cancelled
    meanwhile."""
    is_done = _set(
        conn, id_, "running", state="done", ended_us=now_us, folder=folder, files=json.dumps(list(files)),
        warnings=json.dumps([kept(warning) for warning in warnings]),
    )  # fmt: skip
    if is_done:
        conn.execute("UPDATE export SET done_bytes = total_bytes WHERE id = ?", (id_,))
        checked(conn, id_, "good", (), now_us=now_us, audited=False)
        audit.append(conn, "export_done", detail={"export": id_, "bytes": sum(size for _, size, _ in files)})
        _end(conn, id_, now_us)
    return is_done


def fail(conn: sqlite3.Connection, id_: str, reason: Sentence, now_us: int) -> None:
    """An open export can't be made."""
    text = kept(reason)
    if any(_set(conn, id_, state, state="failed", ended_us=now_us, reason=text) for state in ("queued", "running")):
        audit.append(conn, "export_failed", detail={"export": id_, "reason": str(reason)})
        _end(conn, id_, now_us)


def cancel(conn: sqlite3.Connection, id_: str, *, by: Actor, now_us: int) -> bool:
    """Somebody does not want it any more; False if it has ended."""
    reason = kept(Sentence("cancelled by {name}", name=by.name))
    for state in ("queued", "running"):
        if _set(conn, id_, state, state="cancelled", ended_us=now_us, reason=reason):
            audit.append(conn, "export_cancelled", detail={"export": id_})
            _end(conn, id_, now_us, by)
            return True
    return False


def expire(conn: sqlite3.Connection, id_: str) -> None:
    """A finished package's files are being deleted."""
    if _set(conn, id_, "done", state="expired"):
        audit.append(conn, "export_expired", detail={"export": id_})
