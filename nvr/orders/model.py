"""Directives: what people decided about recording. Orders disable cameras, windows announce maintenance, schedules say
when to record.

What they are, and reading them; ``nvr.orders.register`` enters and revokes them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from nvr.orders import weekly_hours as hours
from storage.causes import Cause
from storage.sentences import Sentence, joined, sentence_of
from storage.texts import LINES, TextError, many_lines, one_line

__all__ = [
    "Directive",
    "DirectiveError",
    "DirectiveKind",
    "DirectiveMember",
    "DirectiveState",
    "Draft",
    "Revocation",
    "cameras_of",
    "check",
    "find",
    "is_date",
    "list_all",
    "revocations",
    "state_of",
    "wrong_texts",
]


class DirectiveState(StrEnum):
    """Whether a directive is in force."""

    PLANNED = "planned"
    IN_FORCE = "in_force"
    ENDED = "ended"


class DirectiveKind(StrEnum):
    """What a directive is."""

    ORDER = "order"
    MAINTENANCE = "maintenance"
    SCHEDULE = "schedule"

    @property
    def cause(self) -> Cause:
        """The cause of the gaps it explains."""
        return _CAUSES[self]


_CAUSES = {
    DirectiveKind.ORDER: Cause.DISABLED,
    DirectiveKind.MAINTENANCE: Cause.MAINTENANCE,
    DirectiveKind.SCHEDULE: Cause.SCHEDULE,
}


class DirectiveError(ValueError):
    """A directive can't be entered or revoked like this; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A directive to be entered. Which fields a kind has: see the table's columns in the schema."""

    kind: DirectiveKind
    reason: str
    start_us: int
    end_us: int | None = None
    letter: str | None = None
    letter_date: str | None = None
    approver: str | None = None
    expected_end_us: int | None = None
    local_copy_until_us: int | None = None
    hours: str | None = None
    zone: str | None = None
    selection: str = ""
    attachment: str | None = None
    attachment_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive(Draft):
    """A directive in the catalogue. ``cameras``: how many it has; ``left``: of how many it has not been revoked."""

    id: str
    epoch: int
    entered_by: str
    entered_us: int
    cameras: int
    left: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of a directive for all cameras that were left, or for some. ``directive`` links back."""

    id: str
    directive: str
    reason: str
    letter: str | None
    letter_date: str | None
    approver: str | None
    start_us: int
    entered_by: str
    entered_us: int
    cameras: int


@dataclass(frozen=True, slots=True)
class DirectiveMember:
    """A camera under a directive; ``revocation`` is the id of the one that ended it for this camera."""

    camera: str
    revocation: str | None


def check(draft: Draft, *, signed: bool = True) -> None:
    """Refuses what can't be a directive. Pure. Not ``signed``: a dry run before there is a letter, which may still lack
    its number, its reason and who signed it.

    Raises:
        DirectiveError: all that is wrong.
    """
    wrong: list[Sentence] = []
    if signed and not draft.reason.strip():
        wrong.append(Sentence("reason: say why"))
    if signed and draft.kind is DirectiveKind.ORDER:
        if not (draft.letter or "").strip():
            wrong.append(Sentence("letter: the letter's number is missing"))
        if not (draft.approver or "").strip():
            wrong.append(Sentence("approver: who signed is missing"))
    wrong += wrong_texts(draft)
    if draft.letter_date is not None and not is_date(draft.letter_date):
        wrong.append(Sentence("letter_date: write it as 2026-10-06"))
    if draft.end_us is not None and draft.end_us <= draft.start_us:
        wrong.append(Sentence("end: must be after start"))
    if draft.kind is DirectiveKind.MAINTENANCE and draft.end_us is None:
        wrong.append(Sentence("end: a maintenance window needs one"))
    if draft.expected_end_us is not None and draft.expected_end_us <= draft.start_us:
        wrong.append(Sentence("expected_end: must be after start"))
    if draft.kind is DirectiveKind.SCHEDULE:
        try:
            # What is too long for a line is said above, and not looked through.
            hours.parse((draft.hours or "")[:LINES])
        except hours.HoursError as error:
            wrong.append(Sentence("hours: {error}", error=sentence_of(error)))
        if not draft.zone:
            wrong.append(Sentence("zone: the zone of the hours is missing"))
    if wrong:
        raise DirectiveError(joined(wrong))


def wrong_texts(draft: Draft | Mapping[str, str | None]) -> list[Sentence]:
    """What is wrong with the texts of a directive or a revocation: one line each, but for the reason."""
    values = draft if isinstance(draft, Mapping) else {name: getattr(draft, name) for name in (*_LINES, "reason")}
    found: list[Sentence] = []
    for name, text in values.items():
        if text is None:
            continue
        check = many_lines if name == "reason" else one_line
        try:
            check(f"{name}:", text, longest=LINES, may_be_empty=True)
        except TextError as error:
            found.append(sentence_of(error))
    return found


_LINES: Final = ("letter", "letter_date", "approver", "hours", "zone", "selection", "attachment_name")


def is_date(text: str) -> bool:
    """Whether the text is a date, written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_SELECT: Final = """SELECT d.id, d.kind, d.reason, d.letter, d.letter_date, d.approver, d.start_us, d.end_us,
d.expected_end_us, d.local_copy_until_us, d.hours, d.zone, d.selection, d.attachment, d.attachment_name,
d.epoch, d.entered_by, d.entered_us,
(SELECT count(*) FROM directive_camera m WHERE m.directive = d.id) AS cameras,
(SELECT count(*) FROM directive_camera m WHERE m.directive = d.id AND m.revocation IS NULL) AS left FROM directive d"""


def _directive(row: sqlite3.Row) -> Directive:
    return Directive(**{**dict(row), "kind": DirectiveKind(row["kind"])})


def find(conn: sqlite3.Connection, id_: str) -> Directive | None:
    """The directive of this id."""
    row = conn.execute(f"{_SELECT} WHERE d.id = ?", (id_,)).fetchone()
    return None if row is None else _directive(row)


def list_all(conn: sqlite3.Connection, kinds: Collection[DirectiveKind] = tuple(DirectiveKind)) -> list[Directive]:
    """All directives of these kinds, the latest first."""
    rows = conn.execute(f"{_SELECT} ORDER BY d.entered_us DESC, d.id")
    return [_directive(row) for row in rows if row["kind"] in kinds]


def cameras_of(conn: sqlite3.Connection, id_: str) -> list[DirectiveMember]:
    """The cameras under a directive, by id, also those of which it was revoked."""
    rows = conn.execute(
        "SELECT c.id, m.revocation FROM directive_camera m JOIN camera c ON c.key = m.camera WHERE m.directive = ?"
        " ORDER BY c.id",
        (id_,),
    )
    return [DirectiveMember(*row) for row in rows]


def revocations(conn: sqlite3.Connection, id_: str) -> list[Revocation]:
    """The revocations of a directive, the earliest first."""
    rows = conn.execute(
        "SELECT r.id, r.directive, r.reason, r.letter, r.letter_date, r.approver, r.start_us, r.entered_by,"
        " r.entered_us,"
        " (SELECT count(*) FROM directive_camera m WHERE m.directive = r.directive AND m.revocation = r.id)"
        " FROM revocation r"
        " WHERE r.directive = ? ORDER BY r.entered_us, r.id",
        (id_,),
    )
    return [Revocation(*row) for row in rows]


def state_of(directive: Directive, ended: Collection[Revocation], at_us: int) -> DirectiveState:
    """Whether it is in force at a time. Pure."""
    if at_us < directive.start_us:
        is_left = directive.left or any(r.start_us > directive.start_us for r in ended)
        return DirectiveState.PLANNED if is_left else DirectiveState.ENDED
    if directive.end_us is not None and directive.end_us <= at_us:
        return DirectiveState.ENDED
    is_left = directive.left or any(r.start_us > at_us for r in ended)
    return DirectiveState.IN_FORCE if is_left else DirectiveState.ENDED
