"""Faults that citizens report of public cameras: lines that stand beside the camera's own history.

They are what strangers say: shown as that, and nothing is done by them. Invariants: nothing of who reported is kept;
the table has a bound, of each camera and in all; what is said again within an hour is counted, not kept again.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage.catalogue.cameras import key_of
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines

__all__ = ["LONGEST_NOTE", "CitizenReport", "FaultKind", "ReportError", "between", "report"]

LONGEST_NOTE: Final = 300
MOST_OF_CAMERA: Final = 200
MOST: Final = 20_000
_SAME_US: Final = 3600 * 1_000_000
_KEPT_US: Final = 180 * 86_400 * 1_000_000


class FaultKind(StrEnum):
    """What a citizen says is wrong."""

    DARK = "dark"
    DAMAGED = "damaged"
    BLOCKED = "blocked"
    ELSEWHERE = "elsewhere"
    OTHER = "other"


class ReportError(ValueError):
    """It can't be reported like this; the message says why."""


@dataclass(frozen=True, slots=True)
class CitizenReport:
    """``count`` people, or one so often, said ``kind`` of a camera from ``first_us`` to ``last_us``."""

    id: str
    kind: FaultKind
    first_us: int
    last_us: int
    count: int
    note: str


def report(conn: sqlite3.Connection, camera: str, kind: FaultKind, note: str, *, now_us: int) -> None:
    """Keeps what was reported.

    Raises:
        KeyError: there never was such a camera.
        ReportError: the note is too long, or has characters that are not seen.
    """
    key = key_of(conn, camera)
    try:
        text = many_lines(Sentence("the note"), note, may_be_empty=True)
    except TextError as error:
        raise ReportError(sentence_of(error)) from None
    if len(text) > LONGEST_NOTE:
        raise ReportError(Sentence("a report has at most {most} characters", most=LONGEST_NOTE))
    same = conn.execute(
        "UPDATE citizen_report SET last_us = ?, count = count + 1, note = CASE note WHEN '' THEN ? ELSE note END"
        " WHERE camera = ? AND kind = ? AND last_us > ?",
        (now_us, text, key, kind, now_us - _SAME_US),
    )
    if same.rowcount:
        return
    conn.execute("DELETE FROM citizen_report WHERE last_us < ?", (now_us - _KEPT_US,))
    # The oldest make room.
    conn.execute(
        "DELETE FROM citizen_report WHERE id IN (SELECT id FROM citizen_report WHERE camera = ?"
        " ORDER BY last_us DESC LIMIT -1 OFFSET ?)",
        (key, MOST_OF_CAMERA - 1),
    )
    conn.execute(
        "DELETE FROM citizen_report WHERE id IN"
        " (SELECT id FROM citizen_report ORDER BY last_us DESC LIMIT -1 OFFSET ?)",
        (MOST - 1,),
    )
    conn.execute(
        "INSERT INTO citizen_report (id, camera, kind, first_us, last_us, count, note) VALUES (?, ?, ?, ?, ?, 1, ?)",
        (secrets.token_hex(8), key, kind, now_us, now_us, text),
    )


def between(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[CitizenReport]:
    """Those that touch ``[start_us, end_us)``, by time."""
    rows = conn.execute(
        "SELECT r.id, r.kind, r.first_us, r.last_us, r.count, r.note FROM citizen_report r"
        " JOIN camera c ON c.key = r.camera WHERE c.id = ? AND r.last_us >= ? AND r.first_us < ? ORDER BY r.first_us",
        (camera, start_us, end_us),
    )
    return [CitizenReport(row[0], FaultKind(row[1]), *row[2:]) for row in rows]
