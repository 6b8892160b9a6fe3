"""Who can have grants: users, groups of them, and tokens that are nobody's in particular."""

from __future__ import annotations

import sqlite3

from nvr.access.errors import NoSuchHolder
from storage.sentences import Sentence

__all__ = ["find_holder", "names"]


def find_holder(conn: sqlite3.Connection, text: str) -> str:
    """The id of who is meant: by a user's name, or by the id of a user, a group or a token; ``group:NAME`` a group.

    Raises:
        NoSuchHolder: there is nobody of this name or id.
    """
    row = conn.execute(
        "SELECT id FROM user WHERE (name = ?1 OR id = ?1) AND removed_us IS NULL"
        " UNION SELECT id FROM user_group WHERE ?1 IN (id, 'group:' || name) AND removed_us IS NULL"
        " UNION SELECT 'token-' || id FROM token WHERE ?1 IN (id, 'token-' || id) AND removed_us IS NULL"
        " AND (user IS NULL OR limited = 1)",
        (text,),
    ).fetchone()
    if row is None:
        raise NoSuchHolder(Sentence("there is no user {name!r}", name=text))
    return str(row[0])


def names(conn: sqlite3.Connection) -> dict[str, str]:
    """What they are called, by their ids."""
    found = {str(row[0]): str(row[1]) for row in conn.execute("SELECT id, name FROM user WHERE removed_us IS NULL")}
    tokens = conn.execute("SELECT id, name FROM token WHERE (user IS NULL OR limited = 1) AND removed_us IS NULL")
    groups = conn.execute("SELECT id, name FROM user_group WHERE removed_us IS NULL")
    found |= {str(row[0]): f"group:{row[1]}" for row in groups}
    return found | {f"token-{row[0]}": f"token {row[1]}" for row in tokens}
