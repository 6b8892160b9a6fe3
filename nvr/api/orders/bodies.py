"""Orders, windows and schedules as they are asked for and answered."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection

import msgspec

from nvr.api.cameras.choosing import Choice
from nvr.api.http.errors import ApiError
from nvr.api.http.times import format_time, parse_time
from nvr.orders import model as directives
from nvr.orders.model import Directive, DirectiveKind, DirectiveState, Revocation, state_of
from storage.sentences import Sentence

__all__ = [
    "DirectiveBody",
    "NewOrder",
    "NewRevocation",
    "RevocationBody",
    "body_of",
    "known",
    "no_directive",
    "optional_time",
    "seen_body",
]


class NewOrder(Choice, forbid_unknown_fields=True, kw_only=True):
    """An order. ``start``: absent is the moment of confirmation; it may lie in the past. ``attachment``: SHA-256 of an
    uploaded file. ``plan_hash``: of the dry run that is confirmed."""

    letter: str
    reason: str
    approver: str
    letter_date: str | None = None
    start: str | None = None
    end: str | None = None
    expected_end: str | None = None
    local_copy_until: str | None = None
    attachment: str | None = None
    attachment_name: str | None = None
    plan_hash: str | None = None


class NewRevocation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The end of a directive, now or at ``start``; of ``cameras`` or ``where``, or of all that are left."""

    reason: str
    letter: str | None = None
    letter_date: str | None = None
    approver: str | None = None
    start: str | None = None
    cameras: list[str] | None = None
    where: str | None = None


class RevocationBody(msgspec.Struct):
    """A revocation; ``cameras``: of how many."""

    id: str
    reason: str
    letter: str | None
    letter_date: str | None
    approver: str | None
    start: str
    cameras: int
    entered_by: str
    entered: str


class DirectiveMemberBody(msgspec.Struct):
    """A camera under a directive; ``revocation``: the id of the one that ended it."""

    camera: str
    revocation: str | None


class DirectiveBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order, window or schedule. ``overdue``: in force past its expected end. ``cameras``: how many;
    ``left``: of how many it has not been revoked. ``members`` only where one is asked for."""

    id: str
    kind: DirectiveKind
    state: DirectiveState
    reason: str
    start: str
    end: str | None
    selection: str
    cameras: int
    left: int
    entered_by: str
    entered: str
    letter: str | None = None
    letter_date: str | None = None
    approver: str | None = None
    expected_end: str | None = None
    overdue: bool = False
    local_copy_until: str | None = None
    hours: str | None = None
    zone: str | None = None
    attachment: str | None = None
    attachment_name: str | None = None
    revocations: list[RevocationBody]
    members: list[DirectiveMemberBody] | msgspec.UnsetType = msgspec.UNSET


def optional_time(name: str, text: str | None) -> int | None:
    """The time, if one is given."""
    return parse_time(name, text) if text else None


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _revocation(found: Revocation) -> RevocationBody:
    return RevocationBody(
        found.id,
        found.reason,
        found.letter,
        found.letter_date,
        found.approver,
        format_time(found.start_us),
        found.cameras,
        found.entered_by,
        format_time(found.entered_us),
    )


def body_of(conn: sqlite3.Connection, found: Directive, *, now_us: int, members: bool = False) -> DirectiveBody:
    """A directive as it is answered."""
    ended = directives.revocations(conn, found.id)
    state = state_of(found, ended, now_us)
    body = DirectiveBody(
        id=found.id,
        kind=found.kind,
        state=state,
        reason=found.reason,
        start=format_time(found.start_us),
        end=_time(found.end_us),
        selection=found.selection,
        cameras=found.cameras,
        left=found.left,
        entered_by=found.entered_by,
        entered=format_time(found.entered_us),
        letter=found.letter,
        letter_date=found.letter_date,
        approver=found.approver,
        expected_end=_time(found.expected_end_us),
        overdue=state is DirectiveState.IN_FORCE
        and found.expected_end_us is not None
        and found.expected_end_us <= now_us,
        local_copy_until=_time(found.local_copy_until_us),
        hours=found.hours,
        zone=found.zone,
        attachment=found.attachment,
        attachment_name=found.attachment_name,
        revocations=[_revocation(each) for each in ended],
    )
    if members:
        body.members = [DirectiveMemberBody(m.camera, m.revocation) for m in directives.cameras_of(conn, found.id)]
    return body


def seen_body(
    conn: sqlite3.Connection, found: Directive, among: Collection[str] | None, *, now_us: int, members: bool = False
) -> DirectiveBody | None:
    """As ``body_of``, to who sees the cameras ``among``, or (None) all: as if it were about these alone; None if it is
    about none of them. How it was chosen, its file and who signed for it may tell of others."""
    body = body_of(conn, found, now_us=now_us, members=members)
    if among is None:
        return body
    mine = [member for member in directives.cameras_of(conn, found.id) if member.camera in among]
    if not mine:
        return None
    body.cameras, body.left = len(mine), sum(member.revocation is None for member in mine)
    body.selection, body.attachment, body.attachment_name = "", None, None
    counts = Counter(member.revocation for member in mine)
    body.revocations = [each for each in body.revocations if counts[each.id]]
    for each in body.revocations:
        each.cameras = counts[each.id]
    if members:
        body.members = [DirectiveMemberBody(m.camera, m.revocation) for m in mine]
    return body


def known(conn: sqlite3.Connection, id_: str, kind: DirectiveKind) -> Directive:
    """The directive of this id and kind.

    Raises:
        ApiError: ``directive_not_found``.
    """
    found = directives.find(conn, id_)
    if found is None or found.kind is not kind:
        raise no_directive(id_, kind)
    return found


def no_directive(id_: str, kind: DirectiveKind) -> ApiError:
    """The error of an id that none of this kind has."""
    return ApiError("directive_not_found", Sentence("there is no {kind} {id!r}", kind=kind, id=id_))
