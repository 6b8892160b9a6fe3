"""Users and API tokens: the rows.

Secrets come in as hashes and are kept as nothing else; making and checking them is for the caller. Invariants: a row of
a user or a token is never deleted, so that its id never comes again; a session, a token and the grants of a user end
with them; what somebody may do is in their grants (``nvr.access``) alone, and a token may do no more than its user.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from nvr.access import rows as grants
from nvr.access.roles import BUILT_IN, Role
from nvr.accounts.factor_rows import forget_factors
from storage.catalogue.actors import Actor, of_token, of_user
from storage.sentences import Sentence

__all__ = [
    "USER_COLUMNS",
    "Role",
    "Token",
    "User",
    "add_token",
    "add_user",
    "find_token",
    "find_user",
    "has_token",
    "password_hash",
    "remove_token",
    "remove_user",
    "set_password_hash",
    "tokens",
    "touch_token",
    "touch_user",
    "user_of",
    "user_of_id",
    "users",
]


@dataclass(frozen=True, slots=True)
class User:
    """A person who can log in. ``role``: the built-in role that they have over every camera and all footage, until it
    is revoked; the one that says most, None if there is none. ``made_by``: the name of who added them, and
    ``made_by_id`` their id, None if that is not known. ``must_change``: their password was made for them; with it they
    may do nothing but set another. ``seen_us``: their last login, or use of a token of theirs; None if there was
    none."""

    id: str
    name: str
    role: Role | None
    created_us: int
    made_by: str | None = None
    must_change: bool = False
    seen_us: int | None = None
    made_by_id: str | None = None

    @property
    def actor(self) -> Actor:
        """Who acts when they do."""
        return of_user(self.id, self.name)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, known by its ``id``; the bearer text itself is not kept. ``role``: what it may do at most; and no
    more than its user, if it has one; ``limited``: nor than the grants that it holds itself. ``made_by``: the name of
    who made it, None if that is not known. ``ends_us``: None if it does not by itself; ``last_address``: from where it
    was last used."""

    id: str
    name: str
    role: Role
    created_us: int
    last_used_us: int | None
    user_id: str | None
    user_name: str | None
    made_by: str | None
    ends_us: int | None = None
    last_address: str = ""
    limited: bool = False

    @property
    def actor(self) -> Actor:
        """Who acts when it is used."""
        return of_token(self.id, self.name, self.user_id, self.user_name)


def add_user(
    conn: sqlite3.Connection,
    *,
    id_: str,
    name: str,
    password_hash: str,
    role: Role | None,
    by: Actor,
    at_us: int,
    must_change: bool = False,
) -> None:
    """Adds a user, made by somebody, with a role over every camera and all footage, or (None) without any grant.

    Raises:
        ValueError: there is one of this name.
    """
    if find_user(conn, name) is not None:
        raise ValueError(Sentence("there is a user {name!r} already", name=name))
    conn.execute(
        "INSERT INTO user (id, name, password, created_us, made_by, made_by_id, must_change) VALUES (?,?,?,?,?,?,?)",
        (id_, name, password_hash, at_us, by.name, by.person, must_change),
    )
    if role is not None:
        _grant(conn, id_, role, by, at_us)


def _grant(conn: sqlite3.Connection, holder: str, role: Role, by: Actor, at_us: int) -> None:
    reason = f"the role {role}"
    grants.insert_grant(conn, holder=holder, role=role, cameras="*", by=by, at_us=at_us, from_us=0, reason=reason)


# Of a holder's grants those that make them what their role says: every camera, all footage, until somebody revokes it.
_STANDING = (
    "SELECT group_concat(role) FROM access_grant WHERE holder = {holder} AND revoked_us IS NULL AND cameras = '*'"
    " AND footage = 'all' AND until_us IS NULL"
)
USER_COLUMNS = (
    f"u.id, u.name, ({_STANDING.format(holder='u.id')}) AS roles, u.created_us, u.made_by, u.must_change, u.seen_us,"
    " u.made_by_id"
)
_USER = f"SELECT {USER_COLUMNS} FROM user u WHERE u.removed_us IS NULL"


def user_of(row: sqlite3.Row) -> User:
    """The user of a row of ``USER_COLUMNS``."""
    known = [Role(name) for name in (row["roles"] or "").split(",") if name in BUILT_IN]
    role = max(known, key=lambda role: len(BUILT_IN[role]), default=None)
    return User(
        row["id"], row["name"], role, row["created_us"], row["made_by"], bool(row["must_change"]), row["seen_us"],
        row["made_by_id"],
    )  # fmt: skip


def find_user(conn: sqlite3.Connection, name: str) -> User | None:
    """The user who has this name now."""
    row = conn.execute(f"{_USER} AND u.name = ?", (name,)).fetchone()
    return None if row is None else user_of(row)


def user_of_id(conn: sqlite3.Connection, id_: str) -> User | None:
    """The user of this id, if they are still one."""
    row = conn.execute(f"{_USER} AND u.id = ?", (id_,)).fetchone()
    return None if row is None else user_of(row)


def users(conn: sqlite3.Connection) -> list[User]:
    """All users by name, but for those who were removed."""
    return [user_of(row) for row in conn.execute(f"{_USER} ORDER BY u.name")]


def password_hash(conn: sqlite3.Connection, id_: str) -> str | None:
    """The hash of a user's password; None if there is no such user (any more)."""
    row = conn.execute("SELECT password FROM user WHERE id = ? AND removed_us IS NULL", (id_,)).fetchone()
    return None if row is None else str(row[0])


def set_password_hash(conn: sqlite3.Connection, id_: str, new: str, *, must_change: bool) -> bool:
    """Replaces the hash of a user's password; says whether there is such a user."""
    query = "UPDATE user SET password = ?, must_change = ? WHERE id = ? AND removed_us IS NULL"
    return conn.execute(query, (new, must_change, id_)).rowcount > 0


def touch_user(conn: sqlite3.Connection, id_: str, *, at_us: int) -> None:
    """A user logged in, a token of theirs was used, or an account that nobody used is to go on."""
    conn.execute("UPDATE user SET seen_us = max(coalesce(seen_us, 0), ?) WHERE id = ?", (at_us, id_))


def remove_user(conn: sqlite3.Connection, id_: str, *, by: Actor, at_us: int) -> list[str]:
    """Removes a user with their sessions, factors, tokens and grants; returns the tokens' ids. The row stays, without
    its password."""
    for table in ("session", "group_member", "federated_login", "screen_code"):
        conn.execute(f"DELETE FROM {table} WHERE user = ?", (id_,))
    forget_factors(conn, id_)
    ended = [str(row[0]) for row in conn.execute("SELECT id FROM token WHERE user = ? AND removed_us IS NULL", (id_,))]
    for token in ended:
        remove_token(conn, token, by=by, at_us=at_us)
    grants.revoke_grants_of(conn, id_, by=by, at_us=at_us)
    conn.execute("UPDATE user SET removed_us = ?, password = '' WHERE id = ? AND removed_us IS NULL", (at_us, id_))
    return ended


def add_token(
    conn: sqlite3.Connection,
    *,
    id_: str,
    hash_: str,
    name: str,
    role: Role,
    user: str | None,
    by: Actor,
    at_us: int,
    ends_us: int | None = None,
    limited: bool = False,
) -> bool:
    """Adds an API token of the user of this id, or of nobody in particular; False if there is no such user (any
    more)."""
    added = conn.execute(
        "INSERT INTO token (id, hash, name, role, created_us, user, made_by, made_by_id, ends_us, limited)"
        " SELECT ?,?,?,?,?,?,?,?,?,?"
        " WHERE ? IS NULL OR EXISTS (SELECT 1 FROM user WHERE id = ? AND removed_us IS NULL)",
        (id_, hash_, name, role, at_us, user, by.name, by.person, ends_us, limited, user, user),
    )
    if user is None and not limited:
        _grant(conn, f"token-{id_}", role, by, at_us)
    return added.rowcount > 0


def _token(row: sqlite3.Row) -> Token:
    return Token(
        row["id"],
        row["name"],
        Role(row["role"]),
        row["created_us"],
        row["last_used_us"],
        row["user"],
        row["user_name"],
        row["made_by"],
        row["ends_us"],
        row["last_address"] or "",
        bool(row["limited"]),
    )


# A user's removal removes their tokens; one that was forgotten there would still not be found.
_TOKENS = (
    "SELECT t.id, t.name, t.role, t.created_us, t.last_used_us, t.user, u.name AS user_name, t.made_by,"
    " t.ends_us, t.last_address, t.limited"
    " FROM token t LEFT JOIN user u ON u.id = t.user"
    " WHERE t.removed_us IS NULL AND (t.user IS NULL OR u.removed_us IS NULL)"
)


def find_token(conn: sqlite3.Connection, hash_: str) -> Token | None:
    """The token whose text has this hash."""
    row = conn.execute(f"{_TOKENS} AND t.hash = ?", (hash_,)).fetchone()
    return None if row is None else _token(row)


def has_token(conn: sqlite3.Connection, id_: str, *, now_us: int) -> bool:
    """Whether there is a token of this id that has not ended, its user included."""
    query = f"{_TOKENS} AND t.id = ? AND (t.ends_us IS NULL OR t.ends_us > ?)"
    return conn.execute(query, (id_, now_us)).fetchone() is not None


def tokens(conn: sqlite3.Connection) -> list[Token]:
    """All tokens, oldest first, but for those that were removed."""
    return [_token(row) for row in conn.execute(f"{_TOKENS} ORDER BY t.created_us, t.id")]


def touch_token(conn: sqlite3.Connection, id_: str, *, at_us: int, address: str = "") -> None:
    """A token was used, from this address."""
    query = "UPDATE token SET last_used_us = max(coalesce(last_used_us, 0), ?), last_address = ? WHERE id = ?"
    conn.execute(query, (at_us, address, id_))


def remove_token(conn: sqlite3.Connection, id_: str, *, by: Actor, at_us: int) -> bool:
    """Removes a token; says whether there was one. The row stays, without its hash."""
    grants.revoke_grants_of(conn, f"token-{id_}", by=by, at_us=at_us)
    query = "UPDATE token SET removed_us = ?, hash = NULL WHERE id = ? AND removed_us IS NULL"
    return conn.execute(query, (at_us, id_)).rowcount > 0
