"""Users, their sessions, and API tokens: the rows.

Secrets come in as hashes and are kept as nothing else; making and checking them is for the caller. Invariants: a row of
a user or a token is never deleted, so that its id never comes again; a session or a token of a user ends with them; a
token may do no more than its user.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from storage.catalogue.actors import Actor, of_token, of_user

__all__ = [
    "Role",
    "Session",
    "Token",
    "User",
    "add_session",
    "add_token",
    "add_user",
    "count_admins",
    "end_session",
    "end_sessions_of",
    "extend_session",
    "find_session",
    "find_token",
    "find_user",
    "forget_expired_sessions",
    "forget_oldest_sessions",
    "password_hash",
    "remove_token",
    "remove_user",
    "set_password_hash",
    "tokens",
    "touch_token",
    "users",
]


class Role(StrEnum):
    """What someone may do. Each role may do all that the ones before it may."""

    VIEWER = "viewer"
    INVESTIGATOR = "investigator"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class User:
    """A person who can log in. ``made_by``: the name of who added them, None if that is not known. ``must_change``:
    their password was made for them; with it they may do nothing but set another."""

    id: str
    name: str
    role: Role
    created_us: int
    made_by: str | None = None
    must_change: bool = False

    @property
    def actor(self) -> Actor:
        """Who acts when they do."""
        return of_user(self.id, self.name)


@dataclass(frozen=True, slots=True)
class Session:
    """A login. It is valid until ``expires_us``; ``role`` is the one its user has now."""

    user: User
    created_us: int
    expires_us: int

    @property
    def role(self) -> Role:
        """What it may do."""
        return self.user.role


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, known by its ``id``; the bearer text itself is not kept. ``role`` is no more than that of its user,
    if it has one. ``made_by``: the name of who made it, None if that is not known."""

    id: str
    name: str
    role: Role
    created_us: int
    last_used_us: int | None
    user_id: str | None
    user_name: str | None
    made_by: str | None

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
    role: Role,
    by: Actor,
    at_us: int,
    must_change: bool = False,
) -> None:
    """Adds a user, made by somebody.

    Raises:
        ValueError: there is one of this name.
    """
    if find_user(conn, name) is not None:
        raise ValueError(f"user {name!r} exists already")
    conn.execute(
        "INSERT INTO user (id, name, password, role, created_us, made_by, made_by_id, must_change)"
        " VALUES (?,?,?,?,?,?,?,?)",
        (id_, name, password_hash, role, at_us, by.name, by.person, must_change),
    )


_USER = "SELECT id, name, role, created_us, made_by, must_change FROM user WHERE removed_us IS NULL"


def _user(row: sqlite3.Row) -> User:
    return User(row["id"], row["name"], Role(row["role"]), row["created_us"], row["made_by"], bool(row["must_change"]))


def find_user(conn: sqlite3.Connection, name: str) -> User | None:
    """The user who has this name now."""
    row = conn.execute(f"{_USER} AND name = ?", (name,)).fetchone()
    return None if row is None else _user(row)


def users(conn: sqlite3.Connection) -> list[User]:
    """All users by name, but for those who were removed."""
    return [_user(row) for row in conn.execute(f"{_USER} ORDER BY name")]


def count_admins(conn: sqlite3.Connection) -> int:
    """How many users are administrators."""
    query = "SELECT count(*) FROM user WHERE role = ? AND removed_us IS NULL"
    return int(conn.execute(query, (Role.ADMIN,)).fetchone()[0])


def password_hash(conn: sqlite3.Connection, id_: str) -> str | None:
    """The hash of a user's password; None if there is no such user (any more)."""
    row = conn.execute("SELECT password FROM user WHERE id = ? AND removed_us IS NULL", (id_,)).fetchone()
    return None if row is None else str(row[0])


def set_password_hash(conn: sqlite3.Connection, id_: str, new: str, *, must_change: bool) -> bool:
    """Replaces the hash of a user's password; says whether there is such a user."""
    query = "UPDATE user SET password = ?, must_change = ? WHERE id = ? AND removed_us IS NULL"
    return conn.execute(query, (new, must_change, id_)).rowcount > 0


def remove_user(conn: sqlite3.Connection, id_: str, *, at_us: int) -> list[str]:
    """Removes a user with their sessions and tokens; returns the tokens' ids. The row stays, without its password."""
    conn.execute("DELETE FROM session WHERE user = ?", (id_,))
    ended = [str(row[0]) for row in conn.execute("SELECT id FROM token WHERE user = ? AND removed_us IS NULL", (id_,))]
    for token in ended:
        remove_token(conn, token, at_us=at_us)
    conn.execute("UPDATE user SET removed_us = ?, password = '' WHERE id = ? AND removed_us IS NULL", (at_us, id_))
    return ended


def add_session(conn: sqlite3.Connection, *, hash_: str, user: str, at_us: int, expires_us: int) -> bool:
    """The user of this id logged in; False if there is none (any more)."""
    added = conn.execute(
        "INSERT INTO session (hash, user, created_us, expires_us)"
        " SELECT ?, id, ?, ? FROM user WHERE id = ? AND removed_us IS NULL",
        (hash_, at_us, expires_us, user),
    )
    return added.rowcount > 0


def find_session(conn: sqlite3.Connection, hash_: str) -> Session | None:
    """The session of this hash, expired or not."""
    row = conn.execute(
        "SELECT u.id, u.name, u.role, u.created_us, u.made_by, u.must_change, s.created_us AS began_us, s.expires_us"
        " FROM session s"
        " JOIN user u ON u.id = s.user WHERE s.hash = ? AND u.removed_us IS NULL",
        (hash_,),
    ).fetchone()
    return None if row is None else Session(_user(row), row["began_us"], row["expires_us"])


def extend_session(conn: sqlite3.Connection, hash_: str, *, expires_us: int) -> None:
    """Lets a session live longer; never shorter."""
    conn.execute("UPDATE session SET expires_us = max(expires_us, ?) WHERE hash = ?", (expires_us, hash_))


def end_session(conn: sqlite3.Connection, hash_: str) -> None:
    """A user logged out."""
    conn.execute("DELETE FROM session WHERE hash = ?", (hash_,))


def end_sessions_of(conn: sqlite3.Connection, user: str, *, keep: str | None = None) -> None:
    """Ends the sessions of the user of this id, but for the one with the hash ``keep``."""
    conn.execute("DELETE FROM session WHERE user = ? AND hash IS NOT ?", (user, keep))


def forget_oldest_sessions(conn: sqlite3.Connection, user: str, *, keep: int) -> None:
    """Ends all sessions of the user of this id but for the ``keep`` that last the longest."""
    conn.execute(
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE user = ?"
        " ORDER BY expires_us DESC, created_us DESC LIMIT -1 OFFSET ?)",
        (user, keep),
    )


def forget_expired_sessions(conn: sqlite3.Connection, *, now_us: int) -> None:
    """Removes sessions that are over."""
    conn.execute("DELETE FROM session WHERE expires_us <= ?", (now_us,))


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
) -> bool:
    """Adds an API token of the user of this id, or of nobody in particular; False if there is no such user (any
    more)."""
    added = conn.execute(
        "INSERT INTO token (id, hash, name, role, created_us, user, made_by, made_by_id) SELECT ?,?,?,?,?,?,?,?"
        " WHERE ? IS NULL OR EXISTS (SELECT 1 FROM user WHERE id = ? AND removed_us IS NULL)",
        (id_, hash_, name, role, at_us, user, by.name, by.person, user, user),
    )
    return added.rowcount > 0


def _token(row: sqlite3.Row) -> Token:
    role = Role(row["role"])
    if row["user_role"] is not None and not Role(row["user_role"]).allows(role):
        role = Role(row["user_role"])
    return Token(
        row["id"],
        row["name"],
        role,
        row["created_us"],
        row["last_used_us"],
        row["user"],
        row["user_name"],
        row["made_by"],
    )


# A user's removal removes their tokens; one that was forgotten there would still not be found.
_TOKENS = (
    "SELECT t.id, t.name, t.role, t.created_us, t.last_used_us, t.user, u.name AS user_name, u.role AS user_role,"
    " t.made_by"
    " FROM token t LEFT JOIN user u ON u.id = t.user"
    " WHERE t.removed_us IS NULL AND (t.user IS NULL OR u.removed_us IS NULL)"
)


def find_token(conn: sqlite3.Connection, hash_: str) -> Token | None:
    """The token whose text has this hash."""
    row = conn.execute(f"{_TOKENS} AND t.hash = ?", (hash_,)).fetchone()
    return None if row is None else _token(row)


def tokens(conn: sqlite3.Connection) -> list[Token]:
    """All tokens, oldest first, but for those that were removed."""
    return [_token(row) for row in conn.execute(f"{_TOKENS} ORDER BY t.created_us, t.id")]


def touch_token(conn: sqlite3.Connection, id_: str, *, at_us: int) -> None:
    """A token was used."""
    conn.execute("UPDATE token SET last_used_us = max(coalesce(last_used_us, 0), ?) WHERE id = ?", (at_us, id_))


def remove_token(conn: sqlite3.Connection, id_: str, *, at_us: int) -> bool:
    """Removes a token; says whether there was one. The row stays, without its hash."""
    query = "UPDATE token SET removed_us = ?, hash = NULL WHERE id = ? AND removed_us IS NULL"
    return conn.execute(query, (at_us, id_)).rowcount > 0
