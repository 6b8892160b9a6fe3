"""Who administers everything: at least one person does, always, and where somebody did by a password, somebody does.

Counted are people who do so until it is revoked, by a grant of their own or by a group that somebody here put them
into: what an identity provider says of groups may end with the provider, and so may every login by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from nvr.access.errors import LastAdministrator
from nvr.access.roles import Role
from storage.sentences import Sentence

__all__ = ["administrators", "somebody_administers"]


def administrators(conn: sqlite3.Connection, *, by_password: bool = False) -> frozenset[str]:
    """Their ids; with ``by_password``, of those alone who have a password here."""
    query = (
        "WITH standing (holder) AS (SELECT holder FROM access_grant WHERE role = ? AND revoked_us IS NULL"
        " AND cameras = '*' AND footage = 'all' AND until_us IS NULL)"
        " SELECT u.id FROM user u WHERE u.removed_us IS NULL AND substr(u.id, 1, 5) = 'user-' AND (u.id IN standing"
        " OR EXISTS (SELECT 1 FROM group_member m WHERE m.user = u.id AND m.provider = ''"
        " AND m.user_group IN standing))"
    )
    if by_password:
        query += " AND u.password <> ''"
    return frozenset(str(row[0]) for row in conn.execute(query, (Role.ADMIN,)))


@contextmanager
def somebody_administers(conn: sqlite3.Connection) -> Iterator[None]:
    """Around a change that takes rights away, within its transaction.

    Raises:
        LastAdministrator: nobody would administer everything any more, or nobody who can log in without a provider:
            the change must not be.
    """
    before, before_by_password = administrators(conn), administrators(conn, by_password=True)
    yield
    if before and not administrators(conn):
        raise LastAdministrator(Sentence("nobody would be an administrator any more: make another one first"))
    if before_by_password and not administrators(conn, by_password=True):
        raise LastAdministrator(
            Sentence(
                "no administrator would have a password any more, and an identity provider may fail:"
                " give one a password first (nvr users password NAME)"
            )
        )
