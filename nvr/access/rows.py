"""Grants and roles as rows. Invariants: a grant is revoked and given anew, never changed or deleted; each step is an
entry of the audit log, in its transaction."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from nvr.access.errors import InvalidGrant, NoSuchGrant
from nvr.access.model import ALL_FOOTAGE, FootageKind, Grant, GrantedFootage
from nvr.access.roles import BUILT_IN, AccessAction, parse_actions
from storage.catalogue import audit, selection
from storage.catalogue.actors import Actor
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines, one_line

__all__ = [
    "described",
    "every_grant",
    "find_grant",
    "insert_grant",
    "remove_role",
    "revision",
    "revoke_grant",
    "revoke_grants_of",
    "roles",
    "save_role",
]

_COLUMNS: Final = (
    "id, holder, role, cameras, footage, last_us, start_us, end_us, sees_closed, from_us, until_us, reason, request,"
    " made_us, made_by, made_by_id, revoked_us, revoked_by"
)


def revision(conn: sqlite3.Connection) -> int:
    """Rises with everything that rights depend on: as long as it is the same, so are they, but for the time."""
    return int(conn.execute("SELECT value FROM meta WHERE key = 'access_rev'").fetchone()[0])


def roles(conn: sqlite3.Connection) -> dict[str, frozenset[AccessAction]]:
    """Each role's actions, by its name. An action that this program does not know gives nothing."""
    known = set(AccessAction)
    own = {
        str(row["name"]): parse_actions(set(json.loads(row["actions"])) & known)
        for row in conn.execute("SELECT name, actions FROM access_role WHERE removed_us IS NULL")
    }
    return {**own, **BUILT_IN}


def save_role(conn: sqlite3.Connection, name: str, actions: Iterable[AccessAction], *, by: Actor, at_us: int) -> None:
    """Makes a role of one's own, or changes what it may do: for all who have it.

    Raises:
        InvalidGrant: the name is none, or that of a built-in role, or there is nothing that it may do.
    """
    name = _line(Sentence("the role's name"), name, 63)
    wanted = sorted(set(actions))
    if name in BUILT_IN:
        raise InvalidGrant(Sentence("the role {name} is built in: give yours another name", name=name))
    if not wanted:
        raise InvalidGrant(Sentence("the role {name} may do nothing: name what it may do", name=name))
    conn.execute(
        "INSERT INTO access_role (name, actions, made_us, made_by, made_by_id) VALUES (?,?,?,?,?)"
        " ON CONFLICT (name) DO UPDATE SET actions = excluded.actions, removed_us = NULL",
        (name, json.dumps(wanted), at_us, by.name, by.person),
    )
    audit.append(conn, "role_saved", detail={"role": name, "actions": wanted})


def remove_role(conn: sqlite3.Connection, name: str, *, at_us: int) -> None:
    """Removes a role of one's own: grants of it give nothing any more.

    Raises:
        NoSuchGrant: there is none.
    """
    query = "UPDATE access_role SET removed_us = ? WHERE name = ? AND removed_us IS NULL"
    if not conn.execute(query, (at_us, name)).rowcount:
        raise NoSuchGrant(Sentence("there is no role {name!r} of your own", name=name))
    audit.append(conn, "role_removed", detail={"role": name})


def _line(what: Sentence, text: str, longest: int = 200) -> str:
    try:
        return one_line(what, text, longest=longest)
    except TextError as error:
        raise InvalidGrant(sentence_of(error)) from None


def insert_grant(
    conn: sqlite3.Connection,
    *,
    holder: str,
    role: str,
    cameras: str,
    by: Actor,
    at_us: int,
    reason: str,
    footage: GrantedFootage = ALL_FOOTAGE,
    from_us: int | None = None,
    until_us: int | None = None,
    sees_closed: bool = False,
    request: str | None = None,
) -> Grant:
    """Inserts a grant, without an entry in the audit log: for what has one of its own. ``cameras``: a label query;
    ``from_us``: None for at once.

    Raises:
        InvalidGrant: there is no such role, the query can't be read, or the times or the reason can't be.
    """
    from_us = at_us if from_us is None else from_us
    if role not in roles(conn):
        raise InvalidGrant(
            Sentence("there is no role {text!r}; use {roles}", text=role, roles=", ".join(sorted(roles(conn))))
        )
    try:
        query = selection.parse(cameras, longest=LONGEST_QUERY)
        reason = many_lines(Sentence("the reason"), reason)
    except (selection.SelectionError, TextError) as error:
        raise InvalidGrant(sentence_of(error)) from None
    if until_us is not None and until_us <= max(from_us, at_us):
        raise InvalidGrant(Sentence("the grant would end before it begins, or before now"))
    if footage.kind is FootageKind.RANGE and footage.end_us <= footage.start_us:
        raise InvalidGrant(Sentence("the range of the footage is empty: end must be after start"))
    if footage.kind is FootageKind.LAST and footage.last_us <= 0:
        raise InvalidGrant(Sentence("say how much footage before now, as in 7d"))
    id_ = f"grant-{secrets.token_hex(6)}"
    is_last, is_range = footage.kind is FootageKind.LAST, footage.kind is FootageKind.RANGE
    conn.execute(
        "INSERT INTO access_grant (id, holder, role, cameras, footage, last_us, start_us, end_us, sees_closed, from_us,"
        " until_us, reason, request, made_us, made_by, made_by_id) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (id_, holder, role, query.text or "*", footage.kind, footage.last_us if is_last else None,
         footage.start_us if is_range else None, footage.end_us if is_range else None, int(sees_closed), from_us,
         until_us, reason, request, at_us, by.name, by.person),
    )  # fmt: skip
    made = find_grant(conn, id_)
    assert made is not None
    return made


LONGEST_QUERY: Final = 1 << 16
"""Of a grant's query: a request may name 500 cameras, each by 63 letters."""


def described(grant: Grant) -> dict[str, object]:
    """A grant as the audit log keeps it."""
    footage = grant.footage
    found = {
        "grant": grant.id,
        "holder": grant.holder,
        "role": grant.role,
        "cameras": grant.cameras.text[:1000],
        "footage": str(footage.kind),
        "last_us": footage.last_us or None,
        "start_us": footage.start_us or None,
        "end_us": footage.end_us or None,
        "sees_closed": grant.sees_closed or None,
        "from_us": grant.from_us,
        "until_us": grant.until_us,
        "reason": grant.reason,
        "request": grant.request,
    }
    return {name: value for name, value in found.items() if value is not None}


def _grant(row: sqlite3.Row, known: Mapping[str, frozenset[AccessAction]]) -> Grant:
    kind = FootageKind(row["footage"])
    return Grant(
        row["id"],
        row["holder"],
        row["role"],
        known.get(row["role"], frozenset()),
        selection.parse(row["cameras"], longest=LONGEST_QUERY),
        ALL_FOOTAGE
        if kind is FootageKind.ALL
        else GrantedFootage(kind, row["last_us"] or 0, row["start_us"] or 0, row["end_us"] or 0),
        row["from_us"],
        row["until_us"],
        row["reason"],
        bool(row["sees_closed"]),
        row["request"],
        row["made_us"],
        row["made_by"],
        row["made_by_id"] or "",
        row["revoked_us"],
        row["revoked_by"],
    )


def find_grant(conn: sqlite3.Connection, id_: str) -> Grant | None:
    """The grant of this id, whether or not it is in force."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM access_grant WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _grant(row, roles(conn))


def every_grant(conn: sqlite3.Connection, *, revoked: bool = False) -> list[Grant]:
    """All grants, the first given first; with ``revoked``, those that were revoked too."""
    known = roles(conn)
    where = "" if revoked else "WHERE revoked_us IS NULL"
    rows = conn.execute(f"SELECT {_COLUMNS} FROM access_grant {where} ORDER BY made_us, id")
    return [_grant(row, known) for row in rows]


def revoke_grant(conn: sqlite3.Connection, id_: str, *, by: Actor, at_us: int, reason: str = "") -> Grant:
    """It gives nothing from now on.

    Raises:
        NoSuchGrant: there is none, or it was revoked.
    """
    query = (
        "UPDATE access_grant SET revoked_us = ?, revoked_by = ?, revoked_by_id = ? WHERE id = ? AND revoked_us IS NULL"
    )
    if not conn.execute(query, (at_us, by.name, by.person, id_)).rowcount:
        raise NoSuchGrant(Sentence("there is no grant {id!r}, or it was revoked", id=id_))
    revoked = find_grant(conn, id_)
    assert revoked is not None
    told = {"reason": reason} if reason else {}
    audit.append(conn, "grant_revoked", detail={"grant": id_, "holder": revoked.holder, "role": revoked.role, **told})
    return revoked


def revoke_grants_of(conn: sqlite3.Connection, holder: str, *, by: Actor, at_us: int) -> list[str]:
    """All of a holder's end with them; returns their ids."""
    ended = [str(row[0]) for row in conn.execute(
        "UPDATE access_grant SET revoked_us = ?, revoked_by = ?, revoked_by_id = ?"
        " WHERE holder = ? AND revoked_us IS NULL RETURNING id",
        (at_us, by.name, by.person, holder),
    )]  # fmt: skip
    return sorted(ended)
