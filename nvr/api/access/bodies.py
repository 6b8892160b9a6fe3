"""Grants as they are asked for and answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from nvr.access.errors import AccessError
from nvr.access.giving import WantedGrant
from nvr.access.holders import find_holder
from nvr.access.model import ALL_FOOTAGE, FootageKind, Grant, GrantedFootage
from nvr.access.roles import AccessAction
from nvr.api.http.errors import ApiError
from nvr.api.http.times import format_time, parse_time
from storage.sentences import Sentence, sentence_of

__all__ = [
    "FootageBody",
    "GrantBody",
    "NewGrant",
    "footage_of",
    "grant_body",
    "refused",
    "wanted_of",
]


class FootageBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which footage a grant is for: ``all``, ``live`` (nothing that is past), the ``last`` seconds before now
    (``last_s``), or a fixed ``range`` (``start``, ``end``)."""

    kind: FootageKind = FootageKind.ALL
    last_s: float | None = None
    start: str | None = None
    end: str | None = None


class NewGrant(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A grant to give. ``holder``: a user's name, or the id of a user or of a token that is nobody's in particular.
    ``gives``: a role, built in or of one's own. ``cameras``: a label query as of orders; ``*`` for all. ``start``:
    absent: now; ``until``: absent: until it is revoked."""

    holder: str
    gives: str
    cameras: str
    reason: str
    footage: FootageBody = msgspec.field(default_factory=FootageBody)
    start: str | None = None
    until: str | None = None
    sees_closed: bool = False


class GrantBody(msgspec.Struct, kw_only=True):
    """A grant. ``holder``: an id, ``holder_name`` for people (null: not there any more). ``actions``: what ``gives``
    stands for now. ``in_force``: as of now. ``request``: the approved request that it stands for."""

    id: str
    holder: str
    holder_name: str | None
    gives: str
    actions: list[AccessAction]
    cameras: str
    footage: FootageBody
    sees_closed: bool
    start: str
    until: str | None
    reason: str
    request: str | None
    made: str
    made_by: str
    revoked: str | None
    revoked_by: str | None
    in_force: bool


def refused(error: AccessError) -> ApiError:
    """As it is answered."""
    return ApiError(error.code, sentence_of(error))


def footage_of(body: FootageBody) -> GrantedFootage:
    """The footage.

    Raises:
        ApiError: ``invalid_grant``, or what is wrong with a time.
    """
    if body.kind is FootageKind.LAST:
        if body.last_s is None or not 0 < body.last_s <= 1e9:
            raise ApiError("invalid_grant", Sentence("say how much footage before now, as in 7d"))
        return GrantedFootage(FootageKind.LAST, last_us=round(body.last_s * 1_000_000))
    if body.kind is FootageKind.RANGE:
        start_us, end_us = parse_time("start", body.start), parse_time("end", body.end)
        return GrantedFootage(FootageKind.RANGE, start_us=start_us, end_us=end_us)
    return ALL_FOOTAGE if body.kind is FootageKind.ALL else GrantedFootage(body.kind)


def wanted_of(conn: sqlite3.Connection, data: NewGrant) -> WantedGrant:
    """The grant that is asked for.

    Raises:
        NoSuchHolder: there is nobody of this name or id.
        ApiError: ``invalid_grant``, or what is wrong with a time.
    """
    return WantedGrant(
        find_holder(conn, data.holder),
        data.gives,
        data.cameras,
        data.reason,
        footage_of(data.footage),
        None if data.start is None else parse_time("start", data.start),
        None if data.until is None else parse_time("until", data.until),
        data.sees_closed,
    )


def _footage_body(footage: GrantedFootage) -> FootageBody:
    if footage.kind is FootageKind.LAST:
        return FootageBody(footage.kind, last_s=footage.last_us / 1_000_000)
    if footage.kind is FootageKind.RANGE:
        return FootageBody(footage.kind, start=format_time(footage.start_us), end=format_time(footage.end_us))
    return FootageBody(footage.kind)


def grant_body(grant: Grant, names: Mapping[str, str], now_us: int) -> GrantBody:
    """A grant as it is answered."""
    return GrantBody(
        id=grant.id,
        holder=grant.holder,
        holder_name=names.get(grant.holder),
        gives=grant.role,
        actions=sorted(grant.actions),
        cameras=grant.cameras.text or "*",
        footage=_footage_body(grant.footage),
        sees_closed=grant.sees_closed,
        start=format_time(grant.from_us),
        until=None if grant.until_us is None else format_time(grant.until_us),
        reason=grant.reason,
        request=grant.request,
        made=format_time(grant.made_us),
        made_by=grant.made_by,
        revoked=None if grant.revoked_us is None else format_time(grant.revoked_us),
        revoked_by=grant.revoked_by,
        in_force=grant.holds_at(now_us),
    )
