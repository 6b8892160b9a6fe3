"""The fleet's tables, and the statements that both kinds of coordinator have in common.

``?`` stands for a value; PostgreSQL's driver gets ``%s`` instead. Times are microseconds, UTC, Unix epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from nvr.fleet.errors import FleetError
from nvr.fleet.model import Assignment, FleetNode, Offer, Transfer

__all__ = [
    "ADVANCE",
    "ASSIGN",
    "BEAT",
    "CLAIM",
    "CONFIRM",
    "CONFIRMED",
    "EPOCH",
    "JOIN",
    "OFFER",
    "OFFERED",
    "OFFERS",
    "SEEN_ASSIGNMENTS",
    "SEEN_NODES",
    "STANDING",
    "TABLES",
    "VERSION",
    "WITHDRAW",
    "assignments_of",
    "check_version",
    "nodes_of",
    "offer_rows",
    "offers_of",
    "transfer_row",
]

VERSION: Final = 1
"""Of these tables; nodes of another one are told so."""
TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS fleet (  -- one row
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  version    INTEGER NOT NULL,
  epoch      BIGINT NOT NULL,            -- the last that was given
  rev        BIGINT NOT NULL,            -- rises with every change of an assignment
  offers_rev BIGINT NOT NULL             -- rises with every change of an offer
)""",
    """CREATE TABLE IF NOT EXISTS node (
  id           TEXT PRIMARY KEY,
  site         TEXT NOT NULL,
  capacity_bps BIGINT,                   -- NULL: as much as it is given
  standing     TEXT NOT NULL CHECK (standing IN ('member', 'draining', 'left')),
  incarnation  TEXT NOT NULL,            -- of its server's start
  beat         BIGINT NOT NULL,
  alive_us     BIGINT,                   -- until when it has recorded, by its own clock
  offset_us    BIGINT,                   -- of its clock against this database's
  version      TEXT NOT NULL,            -- of its nvr
  is_able      BOOLEAN NOT NULL          -- it has a disk to record to
)""",
    """CREATE TABLE IF NOT EXISTS offer (  -- cameras that a node knows and could record
  node        TEXT NOT NULL REFERENCES node (id),
  camera      TEXT NOT NULL,
  bitrate_bps BIGINT NOT NULL,
  priority    INTEGER NOT NULL,
  failover    TEXT NOT NULL,
  site        TEXT NOT NULL,             -- where the camera stands
  PRIMARY KEY (node, camera)
)""",
    """CREATE TABLE IF NOT EXISTS assignment (
  camera      TEXT PRIMARY KEY,
  node        TEXT REFERENCES node (id), -- NULL: nobody
  epoch       BIGINT NOT NULL,
  cause       TEXT NOT NULL,
  previous    TEXT,                      -- who had it before
  lost_us     BIGINT,                    -- until when that one is known to have recorded, if it was lost
  has_footage BOOLEAN NOT NULL
)""",
    "INSERT INTO fleet (one, version, epoch, rev, offers_rev) VALUES (1, 1, 0, 0, 0) ON CONFLICT (one) DO NOTHING",
)
EPOCH: Final = "SELECT version, epoch, rev, offers_rev FROM fleet WHERE one = 1"
ADVANCE: Final = "UPDATE fleet SET epoch = epoch + 1, rev = rev + 1 WHERE one = 1 AND epoch = ? RETURNING epoch"
OFFERED: Final = "UPDATE fleet SET offers_rev = offers_rev + 1 WHERE one = 1"
JOIN: Final = (
    "INSERT INTO node (id, site, capacity_bps, standing, incarnation, beat, version, is_able)"
    " VALUES (?, ?, ?, 'member', '', 0, '', TRUE) ON CONFLICT (id)"
    " DO UPDATE SET site = excluded.site, capacity_bps = excluded.capacity_bps, standing = 'member'"
)
STANDING: Final = "UPDATE node SET standing = ? WHERE id = ? RETURNING id"
CLAIM: Final = "UPDATE node SET incarnation = ?, beat = beat + 1 WHERE id = ? AND standing <> 'left' RETURNING id"
BEAT: Final = (
    "UPDATE node SET beat = beat + 1, alive_us = ?, offset_us = ?, version = ?, is_able = ?"
    " WHERE id = ? AND incarnation = ? AND standing <> 'left' RETURNING id"
)
OFFERS: Final = "SELECT node, camera, bitrate_bps, priority, failover, site FROM offer"
OFFER: Final = (
    "INSERT INTO offer (node, camera, bitrate_bps, priority, failover, site) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (node, camera) DO UPDATE SET bitrate_bps = excluded.bitrate_bps, priority = excluded.priority,"
    " failover = excluded.failover, site = excluded.site"
)
WITHDRAW: Final = "DELETE FROM offer WHERE node = ? AND camera = ?"
SEEN_NODES: Final = (
    "SELECT id, site, capacity_bps, standing, incarnation, beat, alive_us, offset_us, version, is_able FROM node"
)
SEEN_ASSIGNMENTS: Final = "SELECT camera, node, epoch, cause, previous, lost_us, has_footage FROM assignment"
ASSIGN: Final = (
    "INSERT INTO assignment (camera, node, cause, previous, lost_us, epoch, has_footage)"
    " VALUES (?, ?, ?, ?, ?, ?, FALSE) ON CONFLICT (camera) DO UPDATE SET node = excluded.node, cause = excluded.cause,"
    " previous = excluded.previous, lost_us = excluded.lost_us, epoch = excluded.epoch, has_footage = FALSE"
    " WHERE assignment.epoch < excluded.epoch"
)
CONFIRMED: Final = "UPDATE fleet SET rev = rev + 1 WHERE one = 1"
CONFIRM: Final = "UPDATE assignment SET has_footage = TRUE WHERE camera = ? AND node = ? AND epoch = ?"


def check_version(version: int) -> None:
    """Of the tables that were found.

    Raises:
        FleetError: another version of nvr made them.
    """
    if version != VERSION:
        raise FleetError(
            f"the fleet's tables are of version {version}, and this nvr knows version {VERSION}: upgrade what is older"
        )


def nodes_of(rows: Iterable[Sequence[Any]]) -> dict[str, FleetNode]:
    """Of ``SEEN_NODES``."""
    return {
        id_: FleetNode(
            id_, site, capacity_bps, standing, (incarnation, beat), alive_us, offset_us, version, bool(is_able)
        )
        for id_, site, capacity_bps, standing, incarnation, beat, alive_us, offset_us, version, is_able in rows
    }


def assignments_of(rows: Iterable[Sequence[Any]]) -> dict[str, Assignment]:
    """Of ``SEEN_ASSIGNMENTS``."""
    return {row[0]: Assignment(row[1], row[2], row[3], row[4], row[5], bool(row[6])) for row in rows}


def offers_of(rows: Iterable[Sequence[Any]]) -> dict[str, dict[str, Offer]]:
    """Of ``OFFERS``."""
    found: dict[str, dict[str, Offer]] = {}
    for node, camera, *values in rows:
        found.setdefault(node, {})[camera] = Offer(*values)
    return found


def offer_rows(node: str, offers: Iterable[tuple[str, Offer]]) -> list[tuple[Any, ...]]:
    """For ``OFFER``."""
    return [(node, id_, each.bitrate_bps, each.priority, each.failover, each.site) for id_, each in offers]


def transfer_row(transfer: Transfer, epoch: int) -> tuple[Any, ...]:
    """For ``ASSIGN``."""
    return (transfer.camera, transfer.node, transfer.cause, transfer.previous, transfer.lost_us, epoch)
