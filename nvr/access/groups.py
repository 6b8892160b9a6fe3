"""Groups of users: the rows. Invariants: a group's grants are those of its members, at each moment; what a provider
says of somebody's groups replaces what it said before, and touches nothing that somebody here said."""

from __future__ import annotations

import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from nvr.access import rows
from nvr.access.administrators import somebody_administers
from nvr.access.errors import InvalidGrant, NoSuchHolder
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line

__all__ = [
    "GroupMember",
    "UserGroup",
    "add_member",
    "create_group",
    "find_group",
    "groups",
    "members_by_user",
    "remove_group",
    "remove_member",
    "set_members_of_provider",
]


@dataclass(frozen=True, slots=True)
class GroupMember:
    """``user``: an id; ``provider``: whose login said that they are in it, empty: somebody here did."""

    user: str
    name: str
    provider: str


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A group and who is in it."""

    id: str
    name: str
    made_us: int
    made_by: str
    members: tuple[GroupMember, ...] = ()


def groups(conn: sqlite3.Connection) -> list[UserGroup]:
    """All, by name."""
    members: defaultdict[str, list[GroupMember]] = defaultdict(list)
    query = (
        "SELECT m.user_group, m.user, u.name, m.provider FROM group_member m JOIN user u ON u.id = m.user"
        " WHERE u.removed_us IS NULL ORDER BY u.name, m.provider"
    )
    for row in conn.execute(query):
        members[row[0]].append(GroupMember(row[1], row[2], row[3]))
    found = conn.execute("SELECT id, name, made_us, made_by FROM user_group WHERE removed_us IS NULL ORDER BY name")
    return [UserGroup(row[0], row[1], row[2], row[3], tuple(members[row[0]])) for row in found]


def find_group(conn: sqlite3.Connection, text: str) -> UserGroup:
    """The group of this name or id.

    Raises:
        NoSuchHolder: there is none.
    """
    found = next((one for one in groups(conn) if text in (one.id, one.name)), None)
    if found is None:
        raise NoSuchHolder(Sentence("there is no group {name!r}", name=text))
    return found


def members_by_user(conn: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """The groups of each user, by their ids."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    query = (
        "SELECT m.user, m.user_group FROM group_member m JOIN user_group g ON g.id = m.user_group"
        " JOIN user u ON u.id = m.user WHERE g.removed_us IS NULL AND u.removed_us IS NULL"
    )
    for user, group in conn.execute(query):
        found[str(user)].add(str(group))
    return {user: frozenset(own) for user, own in found.items()}


def create_group(conn: sqlite3.Connection, name: str, *, by: Actor, at_us: int) -> UserGroup:
    """Makes a group, which may do nothing until it is given something.

    Raises:
        InvalidGrant: the name can't be, or is taken.
    """
    try:
        name = one_line(Sentence("the group's name"), name, longest=63)
    except TextError as error:
        raise InvalidGrant(sentence_of(error)) from None
    if any(name == one.name for one in groups(conn)):
        raise InvalidGrant(Sentence("there is a group {name!r} already", name=name))
    id_ = f"group-{secrets.token_hex(8)}"
    conn.execute(
        "INSERT INTO user_group (id, name, made_us, made_by, made_by_id) VALUES (?,?,?,?,?)",
        (id_, name, at_us, by.name, by.person),
    )
    audit.append(conn, "group_made", detail={"group": id_, "name": name})
    return find_group(conn, id_)


def remove_group(conn: sqlite3.Connection, text: str, *, by: Actor, at_us: int) -> None:
    """Removes a group, with its grants.

    Raises:
        NoSuchHolder: there is none.
        LastAdministrator: nobody would be an administrator any more.
    """
    group = find_group(conn, text)
    with somebody_administers(conn):
        conn.execute("UPDATE user_group SET removed_us = ? WHERE id = ?", (at_us, group.id))
        conn.execute("DELETE FROM group_member WHERE user_group = ?", (group.id,))
        rows.revoke_grants_of(conn, group.id, by=by, at_us=at_us)
    audit.append(conn, "group_removed", detail={"group": group.id, "name": group.name})


def add_member(conn: sqlite3.Connection, text: str, user: str, *, at_us: int, provider: str = "") -> None:
    """Puts the user of this id into a group.

    Raises:
        NoSuchHolder: there is no such group.
    """
    group = find_group(conn, text)
    added = conn.execute(
        "INSERT OR IGNORE INTO group_member (user_group, user, provider, since_us) VALUES (?,?,?,?)",
        (group.id, user, provider, at_us),
    )
    if added.rowcount:
        _told(conn, "member_added", group.id, group.name, user, provider)


def remove_member(conn: sqlite3.Connection, text: str, user: str) -> None:
    """Takes the user of this id out of a group, whoever put them in. Whom a provider put in, it puts in again at their
    next login.

    Raises:
        NoSuchHolder: there is no such group, or they are not in it.
        LastAdministrator: nobody would be an administrator any more.
    """
    group = find_group(conn, text)
    with somebody_administers(conn):
        ended = conn.execute("DELETE FROM group_member WHERE user_group = ? AND user = ?", (group.id, user)).rowcount
    if not ended:
        raise NoSuchHolder(Sentence("they are not in the group {name!r}", name=group.name))
    _told(conn, "member_removed", group.id, group.name, user, "")


def set_members_of_provider(
    conn: sqlite3.Connection, user: str, names: Collection[str], *, provider: str, by: Actor, at_us: int
) -> None:
    """What a provider says of the user of this id: they are in the groups of these names, which are made where there
    are none, and by its word in no others."""
    # One question for all: a login must not become slower with the groups that there are.
    query = (
        "SELECT g.name, g.id, m.user FROM user_group g LEFT JOIN group_member m ON m.user_group = g.id AND m.user = ?"
        " AND m.provider = ? WHERE g.removed_us IS NULL"
    )
    known: dict[str, str] = {}
    has: set[str] = set()
    for name, id_, member in conn.execute(query, (user, provider)):
        known[name] = id_
        if member is not None:
            has.add(name)
    for name in sorted(has - set(names)):
        conn.execute(
            "DELETE FROM group_member WHERE user_group = ? AND user = ? AND provider = ?", (known[name], user, provider)
        )
        _told(conn, "member_removed", known[name], name, user, provider)
    for name in sorted(set(names) - has):
        group = known.get(name) or create_group(conn, name, by=by, at_us=at_us).id
        conn.execute(
            "INSERT INTO group_member (user_group, user, provider, since_us) VALUES (?,?,?,?)",
            (group, user, provider, at_us),
        )
        _told(conn, "member_added", group, name, user, provider)


def _name(conn: sqlite3.Connection, user: str) -> str:
    row = conn.execute("SELECT name FROM user WHERE id = ?", (user,)).fetchone()
    return "" if row is None else str(row[0])


def _told(conn: sqlite3.Connection, action: str, group: str, name: str, user: str, provider: str) -> None:
    told = {"provider": provider} if provider else {}
    audit.append(conn, action, detail={"group": group, "name": name, "user": _name(conn, user), "id": user, **told})
