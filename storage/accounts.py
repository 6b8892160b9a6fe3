"""Users, their sessions, and API tokens: the rows.

Secrets come in as hashes and are kept as nothing else; making and checking them is for the caller. Invariant: a session belongs to a
user that exists (removing a user removes their sessions).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

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
    """A person who can log in."""

    name: str
    role: Role
    created_us: int


@dataclass(frozen=True, slots=True)
class Session:
    """A login. It is valid until ``expires_us``; ``role`` is the one its user has now."""

    user: str
    role: Role
    created_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, known by its ``id``; the bearer text itself is not kept."""

    id: str
    name: str
    role: Role
    created_us: int
    last_used_us: int | None


def add_user(conn: sqlite3.Connection, *, name: str, password_hash: str, role: Role, at_us: int) -> None:
    """Adds a user.

    Raises:
        ValueError: there is one of this name.
    """
    if find_user(conn, name) is not None:
        raise ValueError(f"user {name!r} exists already")
    conn.execute(
        "INSERT INTO user (name, password, role, created_us) VALUES (?,?,?,?)", (name, password_hash, role, at_us)
    )


def _user(row: sqlite3.Row) -> User:
    return User(row["name"], Role(row["role"]), row["created_us"])


def find_user(conn: sqlite3.Connection, name: str) -> User | None:
    """The user of this name."""
    row = conn.execute("SELECT name, role, created_us FROM user WHERE name = ?", (name,)).fetchone()
    return None if row is None else _user(row)


def users(conn: sqlite3.Connection) -> list[User]:
    """All users by name."""
    return [_user(row) for row in conn.execute("SELECT name, role, created_us FROM user ORDER BY name")]


def count_admins(conn: sqlite3.Connection) -> int:
    """How many users are administrators."""
    return int(conn.execute("SELECT count(*) FROM user WHERE role = ?", (Role.ADMIN,)).fetchone()[0])


def password_hash(conn: sqlite3.Connection, name: str) -> str | None:
    """The hash of a user's password; None if there is no such user."""
    row = conn.execute("SELECT password FROM user WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def set_password_hash(conn: sqlite3.Connection, name: str, new: str) -> bool:
    """Replaces the hash of a user's password; says whether there is such a user."""
    return conn.execute("UPDATE user SET password = ? WHERE name = ?", (new, name)).rowcount > 0


def remove_user(conn: sqlite3.Connection, name: str) -> bool:
    """Removes a user and their sessions; says whether there was one."""
    return conn.execute("DELETE FROM user WHERE name = ?", (name,)).rowcount > 0


def add_session(conn: sqlite3.Connection, *, hash_: str, user: str, at_us: int, expires_us: int) -> None:
    """A user logged in."""
    conn.execute(
        "INSERT INTO session (hash, user, created_us, expires_us) VALUES (?,?,?,?)", (hash_, user, at_us, expires_us)
    )


def find_session(conn: sqlite3.Connection, hash_: str) -> Session | None:
    """The session of this hash, expired or not."""
    row = conn.execute(
        "SELECT s.user, u.role, s.created_us, s.expires_us FROM session s JOIN user u ON u.name = s.user WHERE s.hash = ?",
        (hash_,),
    ).fetchone()
    return None if row is None else Session(row["user"], Role(row["role"]), row["created_us"], row["expires_us"])


def extend_session(conn: sqlite3.Connection, hash_: str, *, expires_us: int) -> None:
    """Lets a session live longer; never shorter."""
    conn.execute("UPDATE session SET expires_us = max(expires_us, ?) WHERE hash = ?", (expires_us, hash_))


def end_session(conn: sqlite3.Connection, hash_: str) -> None:
    """A user logged out."""
    conn.execute("DELETE FROM session WHERE hash = ?", (hash_,))


def end_sessions_of(conn: sqlite3.Connection, user: str, *, keep: str | None = None) -> None:
    """Ends a user's sessions, but for the one with the hash ``keep``."""
    conn.execute("DELETE FROM session WHERE user = ? AND hash IS NOT ?", (user, keep))


def forget_expired_sessions(conn: sqlite3.Connection, *, now_us: int) -> None:
    """Removes sessions that are over."""
    conn.execute("DELETE FROM session WHERE expires_us <= ?", (now_us,))


def add_token(conn: sqlite3.Connection, *, id_: str, hash_: str, name: str, role: Role, at_us: int) -> None:
    """Adds an API token."""
    conn.execute(
        "INSERT INTO token (id, hash, name, role, created_us) VALUES (?,?,?,?,?)", (id_, hash_, name, role, at_us)
    )


def _token(row: sqlite3.Row) -> Token:
    return Token(row["id"], row["name"], Role(row["role"]), row["created_us"], row["last_used_us"])


_TOKEN = "SELECT id, name, role, created_us, last_used_us FROM token"  # noqa: S105 - a query, no secret


def find_token(conn: sqlite3.Connection, hash_: str) -> Token | None:
    """The token whose text has this hash."""
    row = conn.execute(f"{_TOKEN} WHERE hash = ?", (hash_,)).fetchone()
    return None if row is None else _token(row)


def tokens(conn: sqlite3.Connection) -> list[Token]:
    """All tokens, oldest first."""
    return [_token(row) for row in conn.execute(f"{_TOKEN} ORDER BY created_us, id")]


def touch_token(conn: sqlite3.Connection, id_: str, *, at_us: int) -> None:
    """A token was used."""
    conn.execute("UPDATE token SET last_used_us = max(coalesce(last_used_us, 0), ?) WHERE id = ?", (at_us, id_))


def remove_token(conn: sqlite3.Connection, id_: str) -> bool:
    """Removes a token; says whether there was one."""
    return conn.execute("DELETE FROM token WHERE id = ?", (id_,)).rowcount > 0
