"""What comparing the audit log, the schema and the holds has found last: for alerts, which look here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Wrong", "put", "wrong"]

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Wrong:
    """``what`` (``audit``, ``schema``, ``holds``) is not as it should be, since it was first found so."""

    what: str
    since_us: int
    faults: tuple[str, ...]


def put(conn: sqlite3.Connection, what: str, faults: Sequence[str], *, now_us: int) -> None:
    """Keeps what a comparison has found; nothing wrong ends what was."""
    since_us = now_us if faults else None
    conn.execute(
        "INSERT INTO integrity (what, checked_us, since_us, faults) VALUES (:what, :now, :since, :faults)"
        " ON CONFLICT (what) DO UPDATE SET"
        " checked_us = :now, since_us = iif(:since IS NULL, NULL, coalesce(since_us, :since)), faults = :faults",
        {
            "what": what,
            "now": now_us,
            "since": since_us,
            "faults": json.dumps(list(faults[:_MOST]), ensure_ascii=False),
        },
    )


def wrong(conn: sqlite3.Connection) -> list[Wrong]:
    """What is not as it should be."""
    rows = conn.execute("SELECT what, since_us, faults FROM integrity WHERE since_us IS NOT NULL ORDER BY what")
    return [Wrong(row["what"], row["since_us"], tuple(json.loads(row["faults"]))) for row in rows]
