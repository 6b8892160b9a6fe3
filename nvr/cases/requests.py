"""Requests for footage, made in cases and decided by a person.

A request places its holds in the transaction that makes it: what was asked for can't be pruned while somebody decides.
Invariant: every camera of a request has a hold over the request's range, released only by a person with a reason.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from nvr.cases import cases
from nvr.cases.cases import checked_text
from nvr.cases.errors import CaseError
from storage.catalogue import audit
from storage.catalogue.actors import Actor, is_person
from storage.catalogue.database import Database, next_rev
from storage.catalogue.slices import in_slices
from storage.retention import holds
from storage.sentences import Sentence

__all__ = [
    "Request",
    "RequestState",
    "ask",
    "decide",
    "find",
    "link_export",
    "may_be_second",
    "of_case",
    "release_holds",
]


_MOST_CAMERAS = 500


class RequestState(StrEnum):
    """What became of a request."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Request:
    """``[start_us, end_us)`` of ``cameras``, asked for in the case ``case``. ``holds`` keep it, one a camera in the
    same order; ``export`` is the export made of it once it was approved. ``requested_entry`` and ``decided_entry`` are
    the audit log's entries of these steps, as ``number:hash``; None of a request that is older than they are.
    ``requester_id`` and ``decided_by_id`` are whom to compare (``Actor.person``); None where that is not known."""

    id: str
    case: str
    start_us: int
    end_us: int
    purpose: str
    state: RequestState
    requester: str
    requester_id: str | None
    requested_us: int
    decided_by: str | None
    decided_by_id: str | None
    decided_us: int | None
    decision: str | None
    export: str | None
    requested_entry: str | None
    decided_entry: str | None
    cameras: tuple[str, ...]
    holds: tuple[str, ...]


def release_holds(database: Database, *, closed_before_us: int) -> None:
    """Ends the holds of cases that were closed with them before a time, for the same reason; request by request, since
    each may have hundreds. What a crash leaves is held still, until this is called again; several may at once."""
    with database.read() as conn:
        rows = conn.execute(
            "SELECT id, number, closed_by, closed_by_id, closed_us, close_reason FROM legal_case"
            " WHERE releasing = 1 AND closed_us < ? ORDER BY closed_us, id",
            (closed_before_us,),
        ).fetchall()
        made = [(row, of_case(conn, row["id"])) for row in rows]
    act = audit.current()
    # Part of the entry of the closing; those of somebody else's are no act of whoever is here.
    with audit.acting(act if act is not None and act.entered else None):
        for row, asked in made:
            _release_of(database, row, asked)


def _release_of(database: Database, closed: sqlite3.Row, asked: Sequence[Request]) -> None:
    by = Actor(closed["closed_by_id"], closed["closed_by"])
    reason = f"case {closed['number']} closed: {closed['close_reason']}"
    in_slices(database, asked, lambda conn, one: _release(conn, one, reason, by, closed["closed_us"]), most=1)
    with database.write() as conn:
        conn.execute("UPDATE legal_case SET releasing = 0, rev = ? WHERE id = ?", (next_rev(conn), closed["id"]))


def _release(conn: sqlite3.Connection, asked: Request, reason: str, by: Actor, now_us: int) -> None:
    holds.release_each(conn, asked.holds, reason=reason, by=by, now_us=now_us)


def ask(
    conn: sqlite3.Connection,
    case: str,
    cameras: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    purpose: str,
    by: Actor,
    now_us: int,
) -> Request:
    """Asks for footage in a case, and holds it from now on.

    Raises:
        KeyError: there is no such case.
        CaseError: ``invalid_case``, ``case_closed``, or ``camera_not_found``.
    """
    known = cases.find(conn, case)
    if known is None:
        raise KeyError(case)
    if known.closed_us is not None:
        raise CaseError("case_closed", Sentence("case {number} is closed", number=known.number))
    purpose = checked_text(Sentence("the purpose"), purpose)
    wanted = list(dict.fromkeys(cameras))
    if not 1 <= len(wanted) <= _MOST_CAMERAS:
        raise CaseError("invalid_case", Sentence("a request names from 1 to {most} cameras", most=_MOST_CAMERAS))
    if end_us <= start_us:
        raise CaseError("invalid_case", Sentence("the range is empty: end must be after start"))
    id_ = secrets.token_hex(6)
    conn.execute(
        "INSERT INTO request (id, legal_case, start_us, end_us, purpose, state, requester, requester_id, requested_us,"
        " rev)"
        " VALUES (?,?,?,?,?,'asked',?,?,?,?)",
        (id_, case, start_us, end_us, purpose, by.name, by.person, now_us, next_rev(conn)),
    )
    reason = f"case {known.number}: {purpose}"
    try:
        placed = holds.place_each(conn, wanted, start_us, end_us, reason=reason, by=by, now_us=now_us)
    except KeyError as error:
        raise CaseError("camera_not_found", Sentence("there is no camera {camera!r}", camera=error.args[0])) from None
    conn.executemany(
        "INSERT INTO request_camera VALUES (?, (SELECT key FROM camera WHERE id = ?), ?)",
        [(id_, hold.camera, hold.id) for hold in placed],
    )
    detail = {
        "request": id_,
        "case": case,
        "cameras": wanted,
        "start_us": start_us,
        "end_us": end_us,
        "purpose": purpose,
    }
    entry = audit.append(conn, "request_made", detail=detail)
    conn.execute("UPDATE request SET requested_entry = ? WHERE id = ?", (str(entry), id_))
    made = find(conn, id_)
    assert made is not None
    return made


def decide(
    conn: sqlite3.Connection,
    id_: str,
    state: RequestState,
    *,
    reason: str,
    by: Actor,
    now_us: int,
    second_person: bool,
    release: bool = False,
) -> Request:
    """Approves, refuses or withdraws a request. ``second_person``: another person than who asked must approve, and both
    must be known. ``release``: its holds end too; otherwise they stay, since who was refused may ask again.

    Raises:
        KeyError: there is no such request.
        CaseError: ``request_decided``, ``second_person_needed``, ``not_your_request``, or ``invalid_case`` (no reason
            for a refusal).
    """
    asked = find(conn, id_)
    if asked is None:
        raise KeyError(id_)
    if asked.state is not RequestState.ASKED:
        raise CaseError(
            "request_decided",
            Sentence("the request was {state} by {decided_by}", state=asked.state, decided_by=asked.decided_by),
        )
    reason = checked_text(Sentence("the reason"), reason, may_be_empty=state is RequestState.APPROVED)
    if state is RequestState.APPROVED and second_person:
        _check_second(asked, by)
    if state is RequestState.WITHDRAWN and by.person != asked.requester_id:
        raise CaseError("not_your_request", Sentence("only who asked can withdraw; others refuse"))
    conn.execute(
        "UPDATE request SET state = ?, decided_by = ?, decided_by_id = ?, decided_us = ?, decision = ?, rev = ?"
        " WHERE id = ?",
        (state, by.name, by.person, now_us, reason, next_rev(conn), id_),
    )
    detail = {"request": id_, "case": asked.case, "reason": reason, "release": release}
    entry = audit.append(conn, f"request_{state}", detail=detail)
    conn.execute("UPDATE request SET decided_entry = ? WHERE id = ?", (str(entry), id_))
    if release and state is not RequestState.APPROVED:
        _release(conn, asked, f"request {state}: {reason}", by, now_us)
    decided = find(conn, id_)
    assert decided is not None
    return decided


def may_be_second(asked: Request, by: Actor) -> bool:
    """Whether two known persons would stand behind request and approval, if this one approved it."""
    return by.is_person and is_person(asked.requester_id) and by.person != asked.requester_id


def _check_second(asked: Request, by: Actor) -> None:
    """Raises ``CaseError`` ``second_person_needed`` unless two known persons stand behind request and approval."""
    if by.person == asked.requester_id:
        raise CaseError(
            "second_person_needed", Sentence("somebody else than who asked must approve; a token counts as its user")
        )
    if not by.is_person:
        raise CaseError(
            "second_person_needed",
            Sentence("{name} belongs to no user, and may be who asked: log in to approve", name=by.name),
        )
    if not is_person(asked.requester_id):
        raise CaseError(
            "second_person_needed",
            Sentence(
                "who asked is not known: {requester} belongs to no user, and may be you; a user must ask again",
                requester=asked.requester,
            ),
        )


def link_export(conn: sqlite3.Connection, id_: str, export: str) -> None:
    """Says which export was made of an approved request."""
    conn.execute("UPDATE request SET export = ?, rev = ? WHERE id = ?", (export, next_rev(conn), id_))


_REQUEST = (
    "SELECT id, legal_case, start_us, end_us, purpose, state, requester, requester_id, requested_us, decided_by,"
    " decided_by_id,"
    " decided_us, decision, export, requested_entry, decided_entry FROM request"
)


def _request(conn: sqlite3.Connection, row: sqlite3.Row) -> Request:
    pairs = conn.execute(
        "SELECT c.id, r.hold FROM request_camera r JOIN camera c ON c.key = r.camera WHERE r.request = ? ORDER BY c.id",
        (row["id"],),
    ).fetchall()
    return Request(
        row["id"],
        row["legal_case"],
        row["start_us"],
        row["end_us"],
        row["purpose"],
        RequestState(row["state"]),
        row["requester"],
        row["requester_id"],
        row["requested_us"],
        row["decided_by"],
        row["decided_by_id"],
        row["decided_us"],
        row["decision"],
        row["export"],
        row["requested_entry"],
        row["decided_entry"],
        tuple(pair[0] for pair in pairs),
        tuple(pair[1] for pair in pairs),
    )


def find(conn: sqlite3.Connection, id_: str) -> Request | None:
    """The request of this id."""
    row = conn.execute(f"{_REQUEST} WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _request(conn, row)


def of_case(conn: sqlite3.Connection, case: str) -> list[Request]:
    """The requests of a case, the latest first."""
    rows = conn.execute(f"{_REQUEST} WHERE legal_case = ? ORDER BY requested_us DESC, id", (case,)).fetchall()
    return [_request(conn, row) for row in rows]
