"""Second factors and recovery codes: the rows. Invariants: a factor that is not confirmed counts as none; a time step,
and a recovery code, is taken once, whoever asks at the same moment."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "HAS_FACTOR",
    "Factor",
    "FactorKind",
    "add_factor",
    "add_recovery_codes",
    "confirm_factor",
    "count_recovery_codes",
    "factor_of_credential",
    "factors_of",
    "forget_factor",
    "forget_factors",
    "sealed_of",
    "take_count",
    "take_recovery_code",
    "take_step",
]


class FactorKind(StrEnum):
    """``TOTP``: codes of six digits that change every half minute; ``PASSKEY``: a key in a device (WebAuthn)."""

    TOTP = "totp"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Factor:
    """What the user of this id proves who they are with. ``confirmed_us``: None while it is being set up. Of a passkey
    ``credential`` and ``public_key`` in base64url, and what it counted at its last use."""

    id: str
    user: str
    kind: FactorKind
    name: str
    made_us: int
    confirmed_us: int | None = None
    used_us: int | None = None
    credential: str | None = None
    public_key: str | None = None
    counter: int | None = None


HAS_FACTOR: Final = "EXISTS (SELECT 1 FROM factor f WHERE f.user = u.id AND f.confirmed_us IS NOT NULL)"
"""SQL: whether the user ``u`` has a second factor."""

_SELECT: Final = (
    "SELECT id, user, kind, name, made_us, confirmed_us, used_us, credential, public_key, counter FROM factor"
)


def _factor(row: sqlite3.Row) -> Factor:
    return Factor(
        row["id"], row["user"], FactorKind(row["kind"]), row["name"], row["made_us"], row["confirmed_us"],
        row["used_us"], row["credential"], row["public_key"], row["counter"],
    )  # fmt: skip


def factors_of(conn: sqlite3.Connection, user: str, *, being_set_up: bool = False) -> list[Factor]:
    """Those of the user of this id, the first made first; with ``being_set_up``, those that count as none too."""
    more = "" if being_set_up else "AND confirmed_us IS NOT NULL"
    return [_factor(row) for row in conn.execute(f"{_SELECT} WHERE user = ? {more} ORDER BY made_us, id", (user,))]


def factor_of_credential(conn: sqlite3.Connection, credential: str) -> Factor | None:
    """The passkey of this id, of a user who is there."""
    row = conn.execute(
        f"{_SELECT} WHERE credential = ? AND confirmed_us IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM user u WHERE u.id = factor.user AND u.removed_us IS NULL)",
        (credential,),
    ).fetchone()
    return None if row is None else _factor(row)


def sealed_of(conn: sqlite3.Connection, id_: str) -> str:
    """The seed of a TOTP, sealed."""
    return str(conn.execute("SELECT sealed FROM factor WHERE id = ?", (id_,)).fetchone()[0])


def add_factor(conn: sqlite3.Connection, factor: Factor, *, sealed: str = "{}") -> None:
    """Adds one.

    Raises:
        sqlite3.IntegrityError: there is a passkey of this id.
    """
    conn.execute(
        "INSERT INTO factor (id, user, kind, name, made_us, confirmed_us, sealed, credential, public_key, counter)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        (factor.id, factor.user, factor.kind, factor.name, factor.made_us, factor.confirmed_us, sealed,
         factor.credential, factor.public_key, factor.counter),
    )  # fmt: skip


def confirm_factor(conn: sqlite3.Connection, id_: str, *, at_us: int) -> None:
    """It counts from now on."""
    conn.execute("UPDATE factor SET confirmed_us = ? WHERE id = ? AND confirmed_us IS NULL", (at_us, id_))


def take_step(conn: sqlite3.Connection, id_: str, step: int, *, at_us: int) -> bool:
    """Takes the code of a time step; False if it, or a later one, was taken before."""
    query = "UPDATE factor SET step = ?1, used_us = ?2 WHERE id = ?3 AND (step IS NULL OR step < ?1)"
    return conn.execute(query, (step, at_us, id_)).rowcount > 0


def take_count(conn: sqlite3.Connection, id_: str, counter: int, *, at_us: int) -> bool:
    """Keeps what a passkey counted; False if another use was as far: then there are two of it. 0: it does not count."""
    query = (
        "UPDATE factor SET counter = ?1, used_us = ?2 WHERE id = ?3"
        " AND (counter < ?1 OR (counter = 0 AND ?1 = 0))"
    )  # fmt: skip
    return conn.execute(query, (counter, at_us, id_)).rowcount > 0


def forget_factor(conn: sqlite3.Connection, id_: str) -> None:
    """Removes one, with its seed or key."""
    conn.execute("DELETE FROM factor WHERE id = ?", (id_,))


def forget_factors(conn: sqlite3.Connection, user: str) -> int:
    """Removes all of the user of this id, with their recovery codes; returns how many factors there were."""
    conn.execute("DELETE FROM recovery_code WHERE user = ?", (user,))
    return conn.execute("DELETE FROM factor WHERE user = ?", (user,)).rowcount


def add_recovery_codes(conn: sqlite3.Connection, user: str, hashes: list[str], *, at_us: int) -> None:
    """Replaces the codes of the user of this id."""
    conn.execute("DELETE FROM recovery_code WHERE user = ?", (user,))
    conn.executemany(
        "INSERT INTO recovery_code (hash, user, made_us) VALUES (?,?,?)", [(one, user, at_us) for one in hashes]
    )


def take_recovery_code(conn: sqlite3.Connection, user: str, hash_: str) -> bool:
    """Takes a code; False if it is none of theirs, or was taken before."""
    return conn.execute("DELETE FROM recovery_code WHERE hash = ? AND user = ?", (hash_, user)).rowcount > 0


def count_recovery_codes(conn: sqlite3.Connection, user: str) -> int:
    """How many are left."""
    return int(conn.execute("SELECT count(*) FROM recovery_code WHERE user = ?", (user,)).fetchone()[0])
