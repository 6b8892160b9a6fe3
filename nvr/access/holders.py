"""Who can have grants: users, and tokens that are nobody's in particular."""

from __future__ import annotations

import sqlite3

from nvr.access.errors import NoSuchHolder
from storage.sentences import Sentence

__all__ = ["find_holder", "names"]


def find_holder(conn: sqlite3.Connection, text: str) -> str:
    """The id of who is meant: by a user's name, or by the id of a user or of a token.

    Raises:
        NoSuchHolder: there is nobody of this name or id.
    """
    row = conn.execute(
        "SELECT id FROM user WHERE (name = ?1 OR id = ?1) AND removed_us IS NULL"
        " UNION SELECT 'token-' || id FROM token WHERE ?1 IN (id, 'token-' || id) AND removed_us IS NULL"
        " AND user IS NULL",
        (text,),
    ).fetchone()
    if row is None:
        raise NoSuchHolder(Sentence("there is no user {name!r}", name=text))
    return str(row[0])


def names(conn: sqlite3.Connection) -> dict[str, str]:
    """What they are called, by their ids."""
    found = {str(row[0]): str(row[1]) for row in conn.execute("SELECT id, name FROM user WHERE removed_us IS NULL")}
    tokens = conn.execute("SELECT id, name FROM token WHERE user IS NULL AND removed_us IS NULL")
    return found | {f"token-{row[0]}": f"token {row[1]}" for row in tokens}
