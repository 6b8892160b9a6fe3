"""Sessions: the rows. Secrets come in as hashes and are kept as nothing else. Invariant: a session of a user ends with
them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from nvr.accounts.factor_rows import HAS_FACTOR
from nvr.accounts.rows import USER_COLUMNS, User, user_of

__all__ = [
    "Session",
    "add_session",
    "end_session",
    "end_session_by_id",
    "end_sessions_of",
    "end_waiting",
    "extend_session",
    "find_session",
    "find_session_by_id",
    "forget_expired_sessions",
    "forget_oldest_sessions",
    "prove_session",
    "sessions_of",
]


@dataclass(frozen=True, slots=True)
class Session:
    """A login. It is valid until ``expires_us``. ``id`` is for lists; ``seen_us``: its last use, to the minute, and
    ``address`` where that came from; ``agent``: what the browser called itself. ``waits``: a second factor is still to
    be given, and it is good for nothing else. ``way``: by what it was begun, ``password``, ``passkey`` or the id of a
    provider. ``proved_us``: when whoever has it last proved who they are, and ``factor_us`` by a second factor; None:
    not. ``has_factor``: whether its user has one. ``provider_session``: what the
    provider by which they came calls it."""

    user: User
    created_us: int
    expires_us: int
    id: str = ""
    seen_us: int | None = None
    address: str = ""
    agent: str = ""
    waits: bool = False
    way: str = "password"
    proved_us: int | None = None
    factor_us: int | None = None
    has_factor: bool = False
    provider_session: str | None = None


def add_session(
    conn: sqlite3.Connection,
    *,
    hash_: str,
    id_: str,
    user: str,
    at_us: int,
    expires_us: int,
    address: str = "",
    agent: str = "",
    waits: bool = False,
    way: str = "password",
    proved_us: int | None = None,
    factor_us: int | None = None,
    provider_session: str | None = None,
) -> bool:
    """The user of this id logged in; False if there is none (any more)."""
    added = conn.execute(
        "INSERT INTO session (hash, id, user, created_us, expires_us, seen_us, address, agent, waits, way,"
        " proved_us, factor_us, provider_session) SELECT ?, ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM user WHERE id = ?"
        " AND removed_us IS NULL",
        (
            hash_,
            id_,
            at_us,
            expires_us,
            at_us,
            address,
            agent,
            waits,
            way,
            proved_us,
            factor_us,
            provider_session,
            user,
        ),
    )  # fmt: skip
    return added.rowcount > 0


_SESSION = (
    f"SELECT {USER_COLUMNS}, s.created_us AS began_us, s.expires_us, s.id AS session_id, s.seen_us, s.address, s.agent,"
    f" s.waits, s.way, s.proved_us, s.factor_us, s.provider_session,"
    f" {HAS_FACTOR} AS has_factor"
    " FROM session s JOIN user u ON u.id = s.user WHERE u.removed_us IS NULL"
)


def _session(row: sqlite3.Row) -> Session:
    return Session(
        user_of(row), row["began_us"], row["expires_us"], row["session_id"] or "", row["seen_us"], row["address"] or "",
        row["agent"] or "", bool(row["waits"]), row["way"], row["proved_us"], row["factor_us"],
        bool(row["has_factor"]), row["provider_session"],
    )  # fmt: skip


def sessions_of(conn: sqlite3.Connection, user: str, *, now_us: int) -> list[Session]:
    """The sessions of the user of this id that are not over, the one that began last first."""
    rows = conn.execute(f"{_SESSION} AND s.user = ? AND s.expires_us > ? ORDER BY s.created_us DESC", (user, now_us))
    return [_session(row) for row in rows]


def find_session_by_id(conn: sqlite3.Connection, id_: str) -> Session | None:
    """The session of this id, expired or not."""
    row = conn.execute(f"{_SESSION} AND s.id = ?", (id_,)).fetchone()
    return None if row is None else _session(row)


def end_session_by_id(conn: sqlite3.Connection, id_: str) -> None:
    """Ends the session of this id."""
    conn.execute("DELETE FROM session WHERE id = ?", (id_,))


def find_session(conn: sqlite3.Connection, hash_: str) -> Session | None:
    """The session of this hash, expired or not."""
    row = conn.execute(f"{_SESSION} AND s.hash = ?", (hash_,)).fetchone()
    return None if row is None else _session(row)


def extend_session(conn: sqlite3.Connection, hash_: str, *, expires_us: int, seen_us: int, address: str) -> None:
    """A session was used: lets it live longer, never shorter."""
    query = "UPDATE session SET expires_us = max(expires_us, ?), seen_us = ?, address = ? WHERE hash = ?"
    conn.execute(query, (expires_us, seen_us, address, hash_))


def prove_session(conn: sqlite3.Connection, hash_: str, *, at_us: int, by_factor: bool) -> None:
    """Whoever has a session proved anew who they are."""
    query = "UPDATE session SET proved_us = ?1, factor_us = iif(?2, ?1, factor_us) WHERE hash = ?3 AND waits = 0"
    conn.execute(query, (at_us, by_factor, hash_))


def end_waiting(conn: sqlite3.Connection, hash_: str) -> bool:
    """Ends a session that waits for a second factor; False if there is none."""
    return conn.execute("DELETE FROM session WHERE hash = ? AND waits = 1", (hash_,)).rowcount > 0


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
