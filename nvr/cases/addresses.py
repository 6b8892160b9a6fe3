"""Addresses with a secret in them, by which a player that can't send a header watches one camera: live, or one range.

Only the secret's SHA-256 is kept. Invariant: an address shows nothing unless its time is not over, nobody has revoked
it, and who made it is still there (the same user, not another of the name; the same token); it may do what they may do
at that moment. That is looked at each time.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nvr.access.roles import Role
from nvr.cases.errors import AddressError
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.sentences import Sentence

__all__ = [
    "LONGEST_US",
    "MOST",
    "MOST_KEPT_OF_ONE",
    "MOST_OF_ONE",
    "SHORTEST_US",
    "Address",
    "AddressState",
    "Maker",
    "find",
    "list_all",
    "make",
    "of_secret",
    "revoke",
    "used",
]

SHORTEST_US: Final = 60 * 1_000_000
LONGEST_US: Final = 86_400 * 1_000_000
MOST_OF_ONE: Final = 50
MOST: Final = 1_000
MOST_KEPT_OF_ONE: Final = 5_000
"""With those that are over, which are kept for a month: a hundred and fifty a day."""
"""So many may be good at once: of one maker, and of all."""

_KEPT_US: Final = 31 * 86_400 * 1_000_000
_SECRET_BYTES: Final = 32
# Longer than any secret of ours; hashing more is work for nothing.
_LONGEST_TEXT: Final = 200


class AddressState(StrEnum):
    """Whether an address shows anything. ``ENDED``: who made it is not there any more."""

    VALID = "valid"
    OVER = "over"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Maker:
    """Whose rights an address carries: those of a user, or of a ``token`` (its id). Whose it is, ``actor.person``
    says."""

    actor: Actor
    token: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """An address of ``camera``, for ``[start_us, end_us)`` or (None) live, good until ``until_us``. It may do what the
    grants of ``made_by_id`` say and, made by a token, no more than ``role``, the token's, and than the grants of
    ``within``, its own, if it is bound to some. ``state`` is as of when it was read."""

    id: str
    camera: str
    start_us: int | None
    end_us: int | None
    made_by: str
    made_by_id: str | None
    made_us: int
    until_us: int
    revoked_us: int | None
    revoked_by: str | None
    used_us: int | None
    role: Role | None
    within: str | None
    state: AddressState

    @property
    def live(self) -> bool:
        """Whether it shows what is, not what was."""
        return self.start_us is None

    def is_of(self, maker: Maker) -> bool:
        """Whether they made it, themselves or by a token of theirs."""
        return self.made_by_id == maker.actor.person


# Of a token its user's role is there as well: it may do no more than they may, and ends with them.
_FROM: Final = """FROM address a JOIN camera c ON c.key = a.camera
LEFT JOIN token t ON t.id = a.token AND t.removed_us IS NULL AND (t.ends_us IS NULL OR t.ends_us > :now)
LEFT JOIN user u ON u.id = iif(a.token IS NULL, a.made_by_id, t.user) AND u.removed_us IS NULL"""
_STATE: Final = """CASE WHEN a.revoked_us IS NOT NULL THEN 'revoked'
WHEN iif(a.token IS NULL, u.id, t.id) IS NULL OR (t.user IS NOT NULL AND u.id IS NULL) THEN 'ended'
WHEN a.until_us <= :now OR a.made_us > :now THEN 'over' ELSE 'valid' END"""
_SELECT: Final = f"""SELECT a.id, c.id AS camera, a.start_us, a.end_us, a.made_by, a.made_by_id, a.made_us,
a.until_us, a.revoked_us, a.revoked_by, a.used_us,
t.role, iif(t.limited = 1 AND t.user IS NOT NULL, 'token-' || t.id, NULL) AS within, {_STATE} AS state {_FROM}"""


def _address(row: sqlite3.Row) -> Address:
    values = dict(row)
    role, state = values.pop("role"), AddressState(values.pop("state"))
    return Address(**values, role=None if role is None else Role(role), state=state)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def make(
    conn: sqlite3.Connection,
    camera: str,
    *,
    start_us: int | None,
    end_us: int | None,
    until_us: int,
    maker: Maker,
    now_us: int,
) -> tuple[Address, str]:
    """An address of a camera, and its secret: this once. Forgets those that ended a month ago.

    Raises:
        KeyError: there is no such camera.
        AddressError: ``invalid_address`` (a time that can't be) or ``too_many_addresses``.
    """
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    if not SHORTEST_US <= until_us - now_us <= LONGEST_US:
        raise AddressError(
            "invalid_address", Sentence("an address is good for a minute at least and a day at most, from now on")
        )
    conn.execute("DELETE FROM address WHERE until_us <= ?", (now_us - _KEPT_US,))
    # Only those that may be good: of a month's others there may be many, and others wait for the lock.
    query = f"{_SELECT} WHERE a.until_us > :now AND a.revoked_us IS NULL"
    rows = conn.execute(query, {"now": now_us}).fetchall()
    good = [found for found in map(_address, rows) if found.state is AddressState.VALID]
    if len(good) >= MOST or sum(found.is_of(maker) for found in good) >= MOST_OF_ONE:
        raise AddressError(
            "too_many_addresses",
            Sentence(
                "{most_of_one} addresses of one maker, {most} in all, are good at once: revoke some",
                most_of_one=MOST_OF_ONE,
                most=MOST,
            ),
        )
    (made_by_them,) = conn.execute(
        "SELECT count(*) FROM address WHERE made_by_id = ?", (maker.actor.person,)
    ).fetchone()
    if made_by_them >= MOST_KEPT_OF_ONE:
        raise AddressError(
            "too_many_addresses",
            Sentence("{most} addresses of one maker were made within a month: use one for longer", most=made_by_them),
        )
    query = "SELECT name, created_us FROM user WHERE id = ? AND removed_us IS NULL"
    user = (None, None) if maker.token is not None else conn.execute(query, (maker.actor.person,)).fetchone()
    if user is None:
        raise AddressError("invalid_address", Sentence("who makes it is not there any more"))
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(_SECRET_BYTES)
    conn.execute(
        "INSERT INTO address (id, secret, camera, start_us, end_us, made_by, made_by_id, user, user_since_us, token,"
        " made_us, until_us, rev)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (id_, _hash(secret), row["key"], start_us, end_us, maker.actor.name, maker.actor.person,
         *user, maker.token, now_us, until_us, next_rev(conn)),
    )  # fmt: skip
    detail = {"address": id_, "start_us": start_us, "end_us": end_us, "until_us": until_us}
    audit.append(conn, "address_made", camera=camera, detail=detail)
    made = find(conn, id_, now_us)
    assert made is not None
    return made, secret


def find(conn: sqlite3.Connection, id_: str, now_us: int) -> Address | None:
    """The address of this id."""
    row = conn.execute(f"{_SELECT} WHERE a.id = :id", {"id": id_, "now": now_us}).fetchone()
    return None if row is None else _address(row)


def of_secret(conn: sqlite3.Connection, secret: str, now_us: int) -> Address | None:
    """The address with this secret, whatever its state."""
    if len(secret) > _LONGEST_TEXT:
        return None
    row = conn.execute(f"{_SELECT} WHERE a.secret = :secret", {"secret": _hash(secret), "now": now_us}).fetchone()
    return None if row is None else _address(row)


def list_all(conn: sqlite3.Connection, now_us: int) -> list[Address]:
    """All addresses, the latest first."""
    return [_address(row) for row in conn.execute(f"{_SELECT} ORDER BY a.made_us DESC, a.id", {"now": now_us})]


def revoke(conn: sqlite3.Connection, id_: str, *, by: Actor, now_us: int) -> Address:
    """It shows nothing from now on. Doing it again changes nothing.

    Raises:
        KeyError: there is no such address.
    """
    address = find(conn, id_, now_us)
    if address is None:
        raise KeyError(id_)
    if address.revoked_us is None:
        conn.execute(
            "UPDATE address SET revoked_us = ?, revoked_by = ?, revoked_by_id = ?, rev = ? WHERE id = ?",
            (now_us, by.name, by.person, next_rev(conn), id_),
        )
        audit.append(
            conn, "address_revoked", camera=address.camera, detail={"address": id_, "made_by": address.made_by}
        )
    revoked = find(conn, id_, now_us)
    assert revoked is not None
    return revoked


def used(conn: sqlite3.Connection, id_: str, *, now_us: int) -> None:
    """Notes a use, of those that the audit log has."""
    conn.execute("UPDATE address SET used_us = ?, rev = ? WHERE id = ?", (now_us, next_rev(conn), id_))
