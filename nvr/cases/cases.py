"""Cases: what an investigator's requests for footage belong to, by number and legal basis."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

from nvr.cases.errors import CaseError
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, look_of, many_lines, one_line

__all__ = ["Case", "checked_text", "close", "find", "list_all", "open_case"]

_LONGEST_LINE = 500


@dataclass(frozen=True, slots=True)
class Case:
    """A case. ``closed_us`` is set when it takes no more requests."""

    id: str
    number: str
    legal_basis: str
    title: str
    opened_by: str
    opened_us: int
    closed_us: int | None
    closed_by: str | None
    close_reason: str | None
    opened_by_id: str | None = None


def checked_text(name: Sentence, text: str, *, may_be_empty: bool = False) -> str:
    """What a person wrote in a case, of several lines.

    Raises:
        CaseError: ``invalid_case``.
    """
    try:
        return many_lines(name, text, may_be_empty=may_be_empty)
    except TextError as error:
        raise CaseError("invalid_case", sentence_of(error)) from None


def _line(name: Sentence, text: str, *, may_be_empty: bool = False) -> str:
    try:
        return one_line(name, text, longest=_LONGEST_LINE, may_be_empty=may_be_empty)
    except TextError as error:
        raise CaseError("invalid_case", sentence_of(error)) from None


def open_case(conn: sqlite3.Connection, *, number: str, legal_basis: str, title: str, by: Actor, now_us: int) -> Case:
    """Opens a case.

    Raises:
        CaseError: ``invalid_case``, or ``case_exists``: there is one of this number.
    """
    case = Case(
        secrets.token_hex(6),
        _line(Sentence("the case number"), number),
        checked_text(Sentence("the legal basis"), legal_basis),
        _line(Sentence("the title"), title, may_be_empty=True),
        by.name,
        now_us,
        None,
        None,
        None,
        by.person,
    )
    if (same := _looks_like(conn, case.number)) is not None:
        raise CaseError("case_exists", Sentence("there is a case of the number {number} already", number=same))
    conn.execute(
        "INSERT INTO legal_case (id, number, legal_basis, title, opened_by, opened_by_id, opened_us, rev)"
        " VALUES (?,?,?,?,?,?,?,?)",
        (case.id, case.number, case.legal_basis, case.title, by.name, by.person, now_us, next_rev(conn)),
    )
    audit.append(conn, "case_opened", detail={"case": case.id, "number": case.number, "legal_basis": case.legal_basis})
    return case


def _looks_like(conn: sqlite3.Connection, number: str) -> str | None:
    """The number of a case that nobody could tell from this one."""
    look = look_of(number)
    # Only what is not ASCII may look like a text that it is not.
    rows = conn.execute(
        "SELECT number FROM legal_case WHERE number = ? COLLATE NOCASE OR number GLOB '*[^ -~]*' OR number GLOB '*  *'",
        (look,),
    )
    return next((other for (other,) in rows if look_of(other) == look), None)


_CASE = (
    "SELECT id, number, legal_basis, title, opened_by, opened_us, closed_us, closed_by, close_reason, opened_by_id"
    " FROM legal_case"
)


def find(conn: sqlite3.Connection, id_: str) -> Case | None:
    """The case of this id."""
    row = conn.execute(f"{_CASE} WHERE id = ?", (id_,)).fetchone()
    return None if row is None else Case(*row)


def list_all(conn: sqlite3.Connection) -> list[Case]:
    """All cases, open ones first, the latest first."""
    return [Case(*row) for row in conn.execute(f"{_CASE} ORDER BY closed_us IS NOT NULL, opened_us DESC, id")]


def close(conn: sqlite3.Connection, id_: str, *, reason: str, release: bool, by: Actor, now_us: int) -> Case:
    """Closes a case. With ``release`` its holds are to end too, by ``requests.release_holds`` after this, or after a
    crash by whoever calls that next; otherwise they stay, for somebody to release.

    Raises:
        KeyError: there is no such case.
        CaseError: ``invalid_case`` (no reason), ``case_closed``, or ``case_undecided``: requests wait for a decision.
    """
    case = find(conn, id_)
    if case is None:
        raise KeyError(id_)
    reason = checked_text(Sentence("the reason"), reason)
    if case.closed_us is not None:
        raise CaseError("case_closed", Sentence("the case was closed by {closed_by}", closed_by=case.closed_by))
    if conn.execute("SELECT 1 FROM request WHERE legal_case = ? AND state = 'asked'", (id_,)).fetchone():
        raise CaseError(
            "case_undecided",
            Sentence("requests of the case wait for a decision: approve, refuse or withdraw them first"),
        )
    conn.execute(
        "UPDATE legal_case SET closed_us = ?, closed_by = ?, closed_by_id = ?, close_reason = ?, releasing = ?, rev = ?"
        " WHERE id = ?",
        (now_us, by.name, by.person, reason, int(release), next_rev(conn), id_),
    )
    audit.append(conn, "case_closed", detail={"case": id_, "number": case.number, "reason": reason, "release": release})
    closed = find(conn, id_)
    assert closed is not None
    return closed
