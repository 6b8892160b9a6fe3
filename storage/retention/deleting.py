"""Deleting footage in an order that never lies: ledger and garbage row in one transaction → unlink → sync folder →
garbage row closed.

Killed anywhere, the next sweep finishes. Invariant: a file goes only after the ledger says that it went, and why.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import Root, is_mounted
from storage.format.layout import segment_path
from storage.retention import holds
from storage.tiers import LOCAL, Tier

__all__ = ["discard", "sweep"]

log = logging.getLogger(__name__)


def discard(
    conn: sqlite3.Connection, keys: Sequence[Key], *, cause: Cause, detail: Mapping[str, Any], now_us: int
) -> int:
    """Moves closed segments into the garbage and enters the ledger; returns their bytes. Those that are gone, grow or
    are held are passed over."""
    freed = 0
    for key in keys:
        segment = segments.get(conn, key)
        if segment is None or segment.growing:
            continue
        if holds.keeps(conn, key.camera, key.start_us, segment.end_us):
            # The trigger would refuse it, and the whole transaction with it.
            log.warning("camera %s: a legal hold keeps the segment of %d; not deleted", key.camera, key.start_us)
            continue
        segments.discard(conn, key)
        conn.execute(
            "INSERT OR REPLACE INTO garbage (camera, start_us, node, epoch, root, bytes, since_us) VALUES"
            " ((SELECT key FROM camera WHERE id = ?), ?, (SELECT key FROM node WHERE id = ?), ?,"
            " (SELECT key FROM root WHERE id = ?), ?, ?)",
            (key.camera, key.start_us, key.node, key.epoch, segment.root, segment.bytes, now_us),
        )
        for number, (a, b) in enumerate(segment.footage):
            # What its holes never held was not deleted: they keep their causes.
            facts.forget_footage(
                conn,
                key.camera,
                a,
                b,
                cause,
                detail,
                node=key.node,
                epoch=key.epoch,
                segments=0 if number else 1,
                bytes_=0 if number else segment.bytes,
            )
        freed += segment.bytes
    return freed


def sweep(database: Database, tier: Tier = LOCAL, *, most: int = 1_000) -> int:
    """Deletes the files of garbage rows, ``most`` at a time until none is left; returns how many rows were closed. A
    file that can't be deleted keeps its row and is tried again at the next sweep."""
    closed = 0
    after = (-1, -1, -1, -1)
    mounted: dict[str, bool] = {}
    while True:
        with database.read() as conn:
            rows = conn.execute(
                "SELECT g.camera AS ck, g.start_us, g.node AS nk, g.epoch, c.id AS camera, n.id AS node,"
                " r.path, r.id AS root FROM garbage g"
                " JOIN camera c ON c.key = g.camera JOIN node n ON n.key = g.node JOIN root r ON r.key = g.root"
                " WHERE (g.camera, g.start_us, g.node, g.epoch) > (?, ?, ?, ?)"
                " ORDER BY g.camera, g.start_us, g.node, g.epoch LIMIT ?",
                (*after, most),
            ).fetchall()
        if not rows:
            return closed
        after = (rows[-1]["ck"], rows[-1]["start_us"], rows[-1]["nk"], rows[-1]["epoch"])
        places: dict[Path, dict[Path, tuple[int, int, int, int]]] = defaultdict(dict)
        for row in rows:
            root = Path(row["path"])
            if row["root"] not in mounted:
                # On an empty mount point every file looks deleted; on another disk it would be another's.
                mounted[row["root"]] = is_mounted(Root(row["root"], root))
            if mounted[row["root"]]:
                path = segment_path(row["camera"], row["start_us"], row["epoch"], row["node"], growing=False)
                places[root][root / path] = (row["ck"], row["start_us"], row["nk"], row["epoch"])
        done = [known[path] for root, known in places.items() for path in tier.delete(root, list(known))]
        with database.write() as conn:
            conn.executemany("DELETE FROM garbage WHERE camera = ? AND start_us = ? AND node = ? AND epoch = ?", done)
        closed += len(done)
