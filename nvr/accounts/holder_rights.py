"""What each holder of grants may do, as when they ask: a token no more than its role and its user, a program no more
than programs may.

Invariant: what is said here of somebody is what the guard would let through for them at that moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from nvr.access.model import ALWAYS, Grant
from nvr.access.roles import BUILT_IN, RANGED, AccessAction
from nvr.access.snapshot import AccessSnapshot, Rights
from nvr.accounts import rows as accounts
from storage.intervals import Interval

__all__ = ["CameraAccess", "rights_of_holders", "who_may"]


@dataclass(frozen=True, slots=True)
class CameraAccess:
    """Who may do something with a camera: what, and by which grants."""

    holder: str
    actions: tuple[AccessAction, ...]
    grants: tuple[Grant, ...]


def rights_of_holders(
    conn: sqlite3.Connection, snapshot: AccessSnapshot, holders: Iterable[str], now_us: int
) -> dict[str, Rights]:
    """The rights of each of these, by their ids; of a group what it gives to its members."""
    tokens = {f"token-{token.id}": token for token in accounts.tokens(conn)}
    found = {}
    for holder in holders:
        token = tokens.get(holder)
        if token is None:
            found[holder] = Rights(snapshot, holder, now_us)
            continue
        is_over = token.ends_us is not None and token.ends_us <= now_us
        most = frozenset[AccessAction]() if is_over else BUILT_IN[token.role]
        found[holder] = Rights(
            snapshot, token.user_id or holder, now_us, most, holder if token.limited and token.user_id else None
        )
    return found


def who_may(conn: sqlite3.Connection, snapshot: AccessSnapshot, camera: str, now_us: int) -> list[CameraAccess]:
    """All who may do something with a camera now."""
    able = [holder for holder in snapshot.holders() if snapshot.grants_on(holder, camera)]
    found = []
    for holder, rights in rights_of_holders(conn, snapshot, able, now_us).items():
        actions, grants = [], dict[str, Grant]()
        for action in sorted(frozenset().union(*(grant.actions for grant in snapshot.grants_on(holder, camera)))):
            # Who is given live view alone may play back nothing yet.
            is_past = action in RANGED and action not in (AccessAction.LIVE, AccessAction.STATUS)
            decision = rights.on(camera, action, Interval(ALWAYS.start_us, now_us) if is_past else None)
            if decision.allowed:
                actions.append(action)
                grants |= {grant.id: grant for grant in decision.grants}
        if actions:
            found.append(CameraAccess(holder, tuple(actions), tuple(grants.values())))
    return found
