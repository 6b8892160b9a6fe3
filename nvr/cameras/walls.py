"""Walls that people keep: cameras that are looked at together, under a name, for oneself, for a role or for everyone.

Invariant: a wall gives nobody a camera: who opens it sees of its cameras what they may see.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final

from storage.catalogue import audit
from storage.catalogue.actors import Actor

__all__ = ["EVERYONE", "MOST_CAMERAS", "MOST_OF_ONE", "PLACES", "SavedWall", "delete_wall", "find_wall", "save_wall",
           "walls_for"]  # fmt: skip

EVERYONE: Final = "everyone"
PLACES: Final = (1, 4, 9, 16)
MOST_CAMERAS: Final = 64
MOST_OF_ONE: Final = 100


@dataclass(frozen=True, slots=True)
class SavedWall:
    """``shared``: empty for its owner alone, ``everyone``, or the name of a role. ``owner``: an id."""

    id: str
    name: str
    cameras: tuple[str, ...]
    places: int
    shared: str
    owner: str
    owner_name: str
    changed_us: int


def _wall(row: sqlite3.Row) -> SavedWall:
    return SavedWall(
        row["id"],
        row["name"],
        tuple(json.loads(row["cameras"])),
        row["places"],
        row["shared"],
        row["owner"],
        row["owner_name"],
        row["changed_us"],
    )


def find_wall(conn: sqlite3.Connection, wall: str) -> SavedWall | None:
    """The wall of this id."""
    row = conn.execute("SELECT * FROM wall WHERE id = ?", (wall,)).fetchone()
    return None if row is None else _wall(row)


def walls_for(conn: sqlite3.Connection, owner: str, role: str) -> list[SavedWall]:
    """Somebody's own, and those that are shared with their role or with everyone; by name."""
    rows = conn.execute(
        "SELECT * FROM wall WHERE owner = ? OR shared IN (?, ?) ORDER BY name, id", (owner, EVERYONE, role)
    )
    return [_wall(row) for row in rows]


def save_wall(
    conn: sqlite3.Connection,
    *,
    wall: str | None,
    name: str,
    cameras: tuple[str, ...],
    places: int,
    shared: str,
    by: Actor,
    at_us: int,
) -> SavedWall:
    """Keeps a wall: a new one, or with ``wall`` in the place of the one of this id, which is to be there.

    Raises:
        ValueError: they keep as many as one may.
    """
    if wall is None:
        count = conn.execute("SELECT count(*) FROM wall WHERE owner = ?", (by.person,)).fetchone()[0]
        if count >= MOST_OF_ONE:
            raise ValueError(f"{count} walls")
        id_ = secrets.token_hex(6)
        values = (name, json.dumps(cameras), places, shared, at_us, id_, by.person, by.name)
        conn.execute(
            "INSERT INTO wall (name, cameras, places, shared, changed_us, id, owner, owner_name)"
            " VALUES (?,?,?,?,?,?,?,?)",
            values,
        )
    else:
        id_ = wall
        conn.execute(
            "UPDATE wall SET name=?, cameras=?, places=?, shared=?, changed_us=? WHERE id=?",
            (name, json.dumps(cameras), places, shared, at_us, id_),
        )
    audit.append(conn, "wall_saved", detail={"wall": id_, "name": name, "cameras": len(cameras), "shared": shared})
    found = find_wall(conn, id_)
    assert found is not None
    return found


def delete_wall(conn: sqlite3.Connection, wall: SavedWall) -> None:
    """Keeps it no more."""
    conn.execute("DELETE FROM wall WHERE id = ?", (wall.id,))
    audit.append(conn, "wall_deleted", detail={"wall": wall.id, "name": wall.name})
