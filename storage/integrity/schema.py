"""Whether the catalogue's schema is the one that its migrations make: tables, indexes, and the triggers that keep
holds, log and ids.

A trigger that is not there any more refuses nothing and says nothing. Invariant: this only ever reports.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Final

from storage.catalogue.migrations import STEPS, run

__all__ = ["differences"]

_QUERY: Final = (
    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'"
    " AND tbl_name NOT GLOB '_sqlite_*'"
)


def _schema(conn: sqlite3.Connection) -> dict[tuple[str, str], str]:
    # Without the spaces, which say nothing.
    return {(str(kind), str(name)): " ".join(str(sql).split()) for kind, name, sql in conn.execute(_QUERY)}


@cache
def _expected() -> dict[tuple[str, str], str]:
    with sqlite3.connect(":memory:") as conn:
        for step in STEPS:
            run(conn, step.SQL)
        found = _schema(conn)
    conn.close()
    return found


def differences(conn: sqlite3.Connection) -> list[str]:
    """In words, what of the schema is not as the migrations make it; of a catalogue that is up to date."""
    expected = _expected()
    try:
        found = _schema(conn)
    except sqlite3.Error as error:
        return [f"the schema can't be read: {error}"]
    told = [f"{kind} {name} is not there" for kind, name in expected if (kind, name) not in found]
    told += [
        f"{kind} {name} is not as this program makes it"
        for (kind, name), sql in expected.items()
        if found.get((kind, name), sql) != sql
    ]
    return sorted(told) + sorted(
        f"{kind} {name} is none of this program's" for kind, name in found if (kind, name) not in expected
    )
