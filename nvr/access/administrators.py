"""Who administers everything: at least one person does, always.

Counted are people who do so until it is revoked, by a grant of their own or by a group that somebody here put them
into: what an identity provider says of groups may end with the provider.
"""

from __future__ import annotations

import sqlite3

from nvr.access.errors import LastAdministrator
from nvr.access.roles import Role
from storage.sentences import Sentence

__all__ = ["administrators", "check_somebody_is"]


def administrators(conn: sqlite3.Connection) -> frozenset[str]:
    """Their ids."""
    query = (
        "WITH standing (holder) AS (SELECT holder FROM access_grant WHERE role = ? AND revoked_us IS NULL"
        " AND cameras = '*' AND footage = 'all' AND until_us IS NULL)"
        " SELECT u.id FROM user u WHERE u.removed_us IS NULL AND substr(u.id, 1, 5) = 'user-' AND (u.id IN standing"
        " OR EXISTS (SELECT 1 FROM group_member m WHERE m.user = u.id AND m.provider = ''"
        " AND m.user_group IN standing))"
    )
    return frozenset(str(row[0]) for row in conn.execute(query, (Role.ADMIN,)))


def check_somebody_is(conn: sqlite3.Connection, before: frozenset[str]) -> None:
    """Within the transaction of a change that takes rights away; ``before``: who administered everything before it.

    Raises:
        LastAdministrator: nobody does any more: the change must not be.
    """
    if before and not administrators(conn):
        raise LastAdministrator(Sentence("nobody would be an administrator any more: make another one first"))
