"""Whose account somebody administers.

Invariant: who administers some cameras administers those whom they added and who have nothing by anybody else: an
account that may do more than they may is never theirs, nor is it there for them.
"""

from __future__ import annotations

import sqlite3

from nvr.access.giving import is_within
from nvr.access.roles import AccessAction
from nvr.access.snapshot import AccessSnapshot
from nvr.accounts import rows
from nvr.accounts.rows import User
from nvr.api.http.auth import Principal
from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["administers", "user_of"]


def administers(conn: sqlite3.Connection, who: Principal, user: User) -> bool:
    """Whether a user's account is for somebody to administer."""
    if who.rights.everywhere(AccessAction.PEOPLE):
        return True
    if AccessAction.PEOPLE not in who.rights.actions or user.made_by_id != who.actor.person:
        return False
    return all(is_within(grant, who.rights) for grant in AccessSnapshot.read(conn).grants(user.id))


def user_of(conn: sqlite3.Connection, who: Principal, name: str) -> User:
    """The user of this name, if they are for who asks to administer.

    Raises:
        ApiError: ``account_not_found``.
    """
    user = rows.find_user(conn, name)
    if user is None or not administers(conn, who, user):
        raise ApiError("account_not_found", Sentence("there is no user {name!r}", name=name))
    return user
