"""Giving and revoking grants: who may give what.

Invariants: nobody gives what they have not themselves, nor for longer; the last administrator keeps their grant. What a
delegate gives is bound to their own cameras by their own query, as labels are at each moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nvr.access import rows
from nvr.access.administrators import somebody_administers
from nvr.access.errors import BeyondOwnGrants, InvalidGrant, NoSuchGrant
from nvr.access.model import ALL_FOOTAGE, FootageKind, Grant, GrantedFootage
from nvr.access.roles import AccessAction
from nvr.access.snapshot import Rights
from storage.catalogue import audit, selection
from storage.catalogue.actors import Actor
from storage.sentences import Sentence, sentence_of

__all__ = ["WantedGrant", "give", "is_within", "narrowed", "take_back"]


@dataclass(frozen=True, slots=True)
class WantedGrant:
    """A grant to be given. ``cameras``: a label query; ``until_us``: None for as long as nobody revokes it."""

    holder: str
    role: str
    cameras: str
    reason: str
    footage: GrantedFootage = ALL_FOOTAGE
    from_us: int | None = None
    until_us: int | None = None
    sees_closed: bool = False


def narrowed(wanted: WantedGrant, giver: Rights, known: Mapping[str, frozenset[AccessAction]]) -> WantedGrant:
    """The grant as its giver may give it: of somebody who administers some cameras, of those alone, and no longer than
    they do themselves. Pure.

    Raises:
        InvalidGrant: there is no such role, or the query can't be read.
        BeyondOwnGrants: they have not themselves what they would give.
    """
    actions = known.get(wanted.role)
    if actions is None:
        raise InvalidGrant(
            Sentence("there is no role {text!r}; use {roles}", text=wanted.role, roles=", ".join(sorted(known)))
        )
    own = [grant for grant in giver.grants if AccessAction.PEOPLE in grant.actions]
    able = [grant for grant in own if actions <= grant.actions and _covers(grant, wanted)]
    if not able:
        raise BeyondOwnGrants(
            Sentence(
                "nobody gives more than they have themselves: {role} is more than your own grants", role=wanted.role
            )
        )
    # The widest first: by that, the least is taken off.
    best = min(able, key=lambda grant: (len(grant.cameras.terms), grant.until_us is not None))
    text = wanted.cameras.strip()
    if best.cameras.terms and text not in ("", "*", best.cameras.text):
        text = f"{best.cameras.text},{text}"
    elif best.cameras.terms:
        text = best.cameras.text
    ends = [end for end in (best.until_us, wanted.until_us) if end is not None]
    return replace(wanted, cameras=text or "*", until_us=min(ends, default=None))


def _covers(own: Grant, wanted: WantedGrant) -> bool:
    """Whether the footage that is wanted is within a grant's."""
    # Who administers everything names who sees what is closed; nobody else passes it on but who has it.
    if wanted.sees_closed and not (own.sees_closed or own.is_of_all):
        return False
    a, b = own.footage, wanted.footage
    if a.kind is FootageKind.ALL:
        return True
    if a.kind is FootageKind.RANGE:
        return b.kind is FootageKind.RANGE and a.start_us <= b.start_us and b.end_us <= a.end_us
    if b.kind is FootageKind.LIVE:
        return True
    return a.kind is FootageKind.LAST and b.kind is FootageKind.LAST and b.last_us <= a.last_us


def is_within(grant: Grant, rights: Rights) -> bool:
    """Whether somebody who administers people may see and revoke a grant: one that they might have given."""
    own = [mine for mine in rights.grants if AccessAction.PEOPLE in mine.actions]
    return any(
        mine.is_of_all or (bool(mine.cameras.terms) and set(mine.cameras.terms) <= set(grant.cameras.terms))
        for mine in own
    )


def give(conn: sqlite3.Connection, wanted: WantedGrant, *, by: Actor, at_us: int, giver: Rights | None = None) -> Grant:
    """Gives a grant; ``giver`` None: whoever has the server's shell, who may give anything.

    Raises:
        InvalidGrant: it can't be as it is wanted.
        BeyondOwnGrants: as ``narrowed``.
        NoSuchGrant: there is nobody to give it to.
    """
    if not _is_there(conn, wanted.holder):
        raise NoSuchGrant(Sentence("there is nobody to give it to"))
    try:
        selection.parse(wanted.cameras, longest=rows.LONGEST_QUERY)
    except selection.SelectionError as error:
        raise InvalidGrant(sentence_of(error)) from None
    if giver is not None:
        wanted = narrowed(wanted, giver, rows.roles(conn))
    made = rows.insert_grant(
        conn,
        holder=wanted.holder,
        role=wanted.role,
        cameras=wanted.cameras,
        footage=wanted.footage,
        from_us=wanted.from_us,
        until_us=wanted.until_us,
        sees_closed=wanted.sees_closed,
        reason=wanted.reason,
        by=by,
        at_us=at_us,
    )
    audit.append(conn, "grant_given", detail=rows.described(made))
    return made


def _is_there(conn: sqlite3.Connection, holder: str) -> bool:
    query = (
        "SELECT 1 FROM user WHERE id = ?1 AND removed_us IS NULL"
        " UNION SELECT 1 FROM user_group WHERE id = ?1 AND removed_us IS NULL"
        " UNION SELECT 1 FROM token WHERE 'token-' || id = ?1 AND removed_us IS NULL AND (user IS NULL OR limited = 1)"
    )
    return conn.execute(query, (holder,)).fetchone() is not None


def take_back(
    conn: sqlite3.Connection,
    id_: str,
    *,
    by: Actor,
    at_us: int,
    reason: str = "",
    giver: Rights | None = None,
) -> Grant:
    """Revokes a grant. ``giver``: as of ``give``.

    Raises:
        NoSuchGrant: there is none, it was revoked, or it is not theirs to revoke.
        LastAdministrator: nobody would be an administrator without it.
    """
    known = rows.find_grant(conn, id_)
    if known is None or (giver is not None and not is_within(known, giver)):
        raise NoSuchGrant(Sentence("there is no grant {id!r}, or it was revoked", id=id_))
    with somebody_administers(conn):
        return rows.revoke_grant(conn, id_, by=by, at_us=at_us, reason=reason)
