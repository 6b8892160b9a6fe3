"""Grants as they are asked for and answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from nvr.access.errors import AccessError
from nvr.access.giving import WantedGrant
from nvr.access.holders import find_holder
from nvr.access.model import Grant
from nvr.access.roles import AccessAction
from nvr.api.http.errors import ApiError
from nvr.api.http.footage_words import FootageBody, footage_body, footage_of
from nvr.api.http.times import format_time, parse_time
from storage.sentences import sentence_of

__all__ = [
    "GrantBody",
    "NewGrant",
    "grant_body",
    "refused",
    "wanted_of",
]


class NewGrant(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A grant to give. ``holder``: a user's name, ``group:`` and a group's, or the id of one of them or of a token that
    holds grants. ``gives``: a role, built in or of one's own. ``cameras``: a label query as of orders; ``*`` for all.
    ``start``: absent: now; ``until``: absent: until it is revoked."""

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


def grant_body(grant: Grant, names: Mapping[str, str], now_us: int) -> GrantBody:
    """A grant as it is answered."""
    return GrantBody(
        id=grant.id,
        holder=grant.holder,
        holder_name=names.get(grant.holder),
        gives=grant.role,
        actions=sorted(grant.actions),
        cameras=grant.cameras.text or "*",
        footage=footage_body(grant.footage),
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
