"""The nodes of a fleet of several machines, as this one saw them last. Who sees writes it; API and commands read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass

__all__ = ["KeptFleet", "KeptNode", "keep_nodes", "read_fleet"]

_COLUMNS = "id, site, standing, health, cameras, capacity_bps, offered_bps, alive_us, offset_us, version"


@dataclass(frozen=True, slots=True)
class KeptNode:
    """A node. ``standing``: member, draining or left; ``health``: alive, dead, or unknown (not watched for long
    enough); ``offered_bps``: what its cameras send together; ``alive_us``: until when it has recorded, by its own
    clock, which is ``offset_us`` off the coordinator's."""

    id: str
    site: str
    standing: str
    health: str
    cameras: int
    capacity_bps: int | None
    offered_bps: int
    alive_us: int | None
    offset_us: int | None
    version: str


@dataclass(frozen=True, slots=True)
class KeptFleet:
    """``asked_us``: when the coordinator last answered; ``trouble``: why it does not, or what else is wrong; None:
    nothing. ``nobodys``: cameras that no node records."""

    asked_us: int | None
    trouble: str | None
    nobodys: int
    nodes: Sequence[KeptNode]


def keep_nodes(
    conn: sqlite3.Connection, nodes: Sequence[KeptNode], *, asked_us: int | None, trouble: str | None
) -> None:
    """Keeps these nodes and no others. ``asked_us`` None: as it was."""
    conn.execute(
        "INSERT INTO fleet_seen (one, epoch, asked_us, trouble) VALUES (1, 0, :asked, :trouble)"
        " ON CONFLICT (one) DO UPDATE SET asked_us = coalesce(:asked, asked_us), trouble = :trouble",
        {"asked": asked_us, "trouble": trouble},
    )
    kept = {row[0] for row in conn.execute("SELECT id FROM fleet_node")}
    conn.executemany("DELETE FROM fleet_node WHERE id = ?", [(id_,) for id_ in kept - {node.id for node in nodes}])
    conn.executemany(
        f"INSERT OR REPLACE INTO fleet_node ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, nodes)
    )


def read_fleet(conn: sqlite3.Connection) -> KeptFleet | None:
    """What this node saw last; None: it never was in a fleet."""
    seen = conn.execute("SELECT asked_us, trouble FROM fleet_seen").fetchone()
    if seen is None:
        return None
    nobodys = conn.execute("SELECT count(*) FROM fleet_assignment WHERE cause = 'no_capacity'").fetchone()[0]
    nodes = [KeptNode(*row) for row in conn.execute(f"SELECT {_COLUMNS} FROM fleet_node ORDER BY id")]
    return KeptFleet(seen[0], seen[1], nobodys, nodes)
