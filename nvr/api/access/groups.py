"""Routes of groups: list them, make one, who is in it."""

from __future__ import annotations

import sqlite3

import msgspec
from litestar.params import FromPath, JSONBody

from nvr.access import groups
from nvr.access.groups import UserGroup
from nvr.accounts import rows
from nvr.api.http.auth import principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from storage.sentences import Sentence

__all__ = ["ROUTES"]


class GroupMemberBody(msgspec.Struct):
    """Somebody in a group. ``provider``: whose login said so; empty: somebody here did."""

    user: str
    provider: str


class GroupBody(msgspec.Struct):
    """A group; grants are given to ``id``, or to ``group:`` and its name."""

    id: str
    name: str
    made: str
    made_by: str
    members: list[GroupMemberBody]


class Groups(msgspec.Struct):
    """All groups, by name."""

    groups: list[GroupBody]


class NewGroup(msgspec.Struct, forbid_unknown_fields=True):
    """A group to make."""

    name: str


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to be in it: a user's name."""

    user: str


def _body(group: UserGroup) -> GroupBody:
    members = [GroupMemberBody(one.name, one.provider) for one in group.members]
    return GroupBody(group.id, group.name, format_time(group.made_us), group.made_by, members)


def _user(conn: sqlite3.Connection, name: str) -> str:
    user = rows.find_user(conn, name)
    if user is None:
        raise ApiError("account_not_found", Sentence("there is no user {name!r}", name=name))
    return user.id


@get("/api/groups", action="people", scope="fleet", summary="All groups, and who is in them", answer=Groups)
def list_groups(services: Injected) -> Groups:
    """By name."""
    with services.db.read() as conn:
        return Groups([_body(group) for group in groups.groups(conn)])


@post(
    "/api/groups",
    action="people",
    scope="fleet",
    summary="Make a group: what it is given, its members may do",
    errors=["invalid_request", "invalid_grant"],
    answer=GroupBody,
)
def make_group(request: ApiRequest, services: Injected, data: JSONBody[NewGroup]) -> GroupBody:
    """It may do nothing yet."""
    with services.db.write() as conn:
        made = groups.create_group(conn, data.name, by=principal_of(request).actor, at_us=services.now_us())
    return _body(made)


@delete(
    "/api/groups/{group:str}",
    action="people",
    scope="fleet",
    summary="Remove a group, with its grants",
    errors=["account_not_found", "last_admin"],
)
def remove_group(request: ApiRequest, services: Injected, group: FromPath[str]) -> None:
    """By its id or name."""
    with services.db.write() as conn:
        groups.remove_group(conn, group, by=principal_of(request).actor, at_us=services.now_us())


@post(
    "/api/groups/{group:str}/members",
    action="people",
    scope="fleet",
    summary="Put a user into a group",
    errors=["invalid_request", "account_not_found"],
    status=204,
)
def add_member(services: Injected, group: FromPath[str], data: JSONBody[NewMember]) -> None:
    """They may do what it may from now on."""
    with services.db.write() as conn:
        groups.add_member(conn, group, _user(conn, data.user), at_us=services.now_us())


@delete(
    "/api/groups/{group:str}/members/{user:str}",
    action="people",
    scope="fleet",
    summary="Take a user out of a group",
    errors=["account_not_found", "last_admin"],
)
def remove_member(services: Injected, group: FromPath[str], user: FromPath[str]) -> None:
    """What it may do is not theirs any more, within a second. Whom a provider put in, it takes out."""
    with services.db.write() as conn:
        groups.remove_member(conn, group, _user(conn, user))


ROUTES: list[object] = [list_groups, make_group, remove_group, add_member, remove_member]
