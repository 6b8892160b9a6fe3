"""Accounts that nobody used for so long that they are over, where a setting says so.

Invariant: of administrators of everything the one who came in last never expires, nor of those with a password the one
who did, so that somebody can let others in.
"""

from __future__ import annotations

import sqlite3

from nvr.access.administrators import administrators
from nvr.accounts import rows as accounts
from nvr.accounts.errors import AccountExpired, NoSuchAccount
from nvr.accounts.rows import User
from storage.catalogue import audit
from storage.catalogue.database import Database
from storage.sentences import Sentence
from storage.times import iso

__all__ = ["check_used", "is_expired", "renew_user", "used_us"]


def used_us(user: User) -> int:
    """When they last came in, or were added."""
    return max(user.created_us, user.seen_us or 0)


def is_expired(conn: sqlite3.Connection, user: User, *, after_us: int | None, at_us: int) -> bool:
    """Whether an account is over that nobody used for ``after_us``; None: none ever is."""
    if after_us is None or at_us - used_us(user) < after_us:
        return False
    for admins in (administrators(conn), administrators(conn, by_password=True)):
        theirs = [one for one in accounts.users(conn) if one.id in admins]
        if theirs and user.id == max(theirs, key=lambda one: (used_us(one), one.id)).id:
            return False
    return True


def check_used(conn: sqlite3.Connection, user: User, *, after_us: int | None, at_us: int) -> None:
    """Lets somebody in whose account is not over.

    Raises:
        AccountExpired: nobody used it for so long.
    """
    if is_expired(conn, user, after_us=after_us, at_us=at_us):
        raise AccountExpired(
            Sentence(
                "nobody has used the account {name!r} since {last}, so it is over: an administrator lets it go on",
                name=user.name,
                last=iso(used_us(user)),
            )
        )


def renew_user(db: Database, name: str, *, at_us: int) -> None:
    """Lets an account go on, whether or not it is over.

    Raises:
        NoSuchAccount: there is no such user.
    """
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        accounts.touch_user(conn, user.id, at_us=at_us)
        audit.append(conn, "user_renewed", detail={"user": name, "id": user.id})
