"""How far the emptying of a root is: kept in the catalogue for whoever asks."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Final

__all__ = ["DrainState", "forget_drain", "note_drain", "read_drain"]

_PREFIX: Final = "drain:"


@dataclass(frozen=True, slots=True)
class DrainState:
    """``is_empty``: nothing is there any more. ``left``: segments that can't be moved. ``has_room``: the other disks
    can take what is there. ``growing``: segments that are still being recorded there."""

    is_empty: bool
    left: int
    has_room: bool
    growing: int


def note_drain(conn: sqlite3.Connection, root: str, state: DrainState) -> None:
    """So far it is. In a write transaction."""
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_PREFIX + root, json.dumps(asdict(state))))


def forget_drain(conn: sqlite3.Connection, root: str) -> None:
    """The root is emptied no longer. In a write transaction."""
    conn.execute("DELETE FROM meta WHERE key = ?", (_PREFIX + root,))


def read_drain(conn: sqlite3.Connection, root: str) -> DrainState | None:
    """How far it is; None: nobody has looked yet."""
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (_PREFIX + root,)).fetchone()
    return None if row is None else DrainState(**json.loads(row[0]))
