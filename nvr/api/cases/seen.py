"""Which cases and requests are there for somebody, and what an approved request gives them.

Invariant: a request of a camera outside of somebody's grants is not there for them, unless it is their own; nor is a
case in which there is none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import AccessAction, Role
from nvr.access.rows import described, insert_grant
from nvr.access.snapshot import Sight
from nvr.api.http.auth import Principal
from nvr.api.http.errors import ApiError
from nvr.cases import cases, requests
from nvr.cases.cases import Case
from nvr.cases.requests import Request
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.sentences import Sentence

__all__ = [
    "find_case",
    "give_disclosure",
    "is_seen",
    "is_there",
    "may_close",
    "names_of",
    "no_case",
    "no_request",
    "sight_of",
]


def is_seen(made: Request, who: Principal, seen: Sight) -> bool:
    """Whether a request is there for somebody: their own, or one of cameras of which they may ask or approve all."""
    return seen.everything or made.requester_id == who.actor.person or all(c in seen for c in made.cameras)


def sight_of(who: Principal) -> Sight:
    """The cameras of which somebody may ask for footage, or approve that."""
    return who.rights.cameras(AccessAction.REQUEST, AccessAction.APPROVE)


def find_case(conn: sqlite3.Connection, id_: str, who: Principal) -> Case:
    """The case of this id, if it is there for whoever asks: one that they opened, or in which there is a request that
    they may see.

    Raises:
        ApiError: ``case_not_found``.
    """
    known = cases.find(conn, id_)
    if known is None or not is_there(conn, known, who):
        raise no_case(id_)
    return known


def is_there(conn: sqlite3.Connection, case: Case, who: Principal) -> bool:
    """Whether a case is there for somebody."""
    seen = sight_of(who)
    if seen.everything or case.opened_by_id == who.actor.person:
        return True
    return any(is_seen(made, who, seen) for made in requests.of_case(conn, case.id))


def may_close(conn: sqlite3.Connection, case: Case, who: Principal) -> bool:
    """Whether somebody may close a case: who opened it, or sees each of its requests."""
    seen = sight_of(who)
    return case.opened_by_id == who.actor.person or all(
        is_seen(made, who, seen) for made in requests.of_case(conn, case.id)
    )


def names_of(conn: sqlite3.Connection, cameras: Collection[str]) -> dict[str, str]:
    """What cameras are called, removed ones too; those that nobody named are not in it."""
    wanted = json.dumps(sorted(cameras))
    rows = conn.execute("SELECT id, name FROM camera WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
    return {str(id_): str(name) for id_, name in rows if name}


def no_case(id_: str) -> ApiError:
    """The error of an id that no case has."""
    return ApiError("case_not_found", Sentence("there is no case {id!r}", id=id_))


def give_disclosure(conn: sqlite3.Connection, approved: Request, *, by: Actor, now_us: int, until_us: int) -> None:
    """An approved request is a grant: exactly its cameras and its range, to exactly who asked, and it ends by
    itself. Who that was is not known of requests older than ids."""
    if approved.requester_id is None:
        return
    made = insert_grant(
        conn,
        holder=approved.requester_id,
        role=Role.DISCLOSURE,
        cameras=f"id={'|'.join(approved.cameras)}",
        footage=GrantedFootage(FootageKind.RANGE, start_us=approved.start_us, end_us=approved.end_us),
        by=by,
        at_us=now_us,
        until_us=until_us,
        reason=approved.purpose,
        request=approved.id,
    )
    audit.append(conn, "grant_given", detail=described(made))


def no_request(id_: str) -> ApiError:
    """The error of an id that no request has."""
    return ApiError("request_not_found", Sentence("there is no request {id!r}", id=id_))
