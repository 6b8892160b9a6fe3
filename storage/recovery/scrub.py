"""Reading footage again in the background: does each closed segment still hold the bytes that were recorded?

Disks forget without saying so; whoever finds it out first should not be a court. Invariant: nothing here changes a
file. The catalogue gets the hash of a segment that has none (entered from its file alone), and only once the file's own
tail has vouched for its bytes; and a segment whose file is gone is a gap from then on, with the cause ``missing``,
unless the same file is on another root: then the catalogue, restored from before it moved, is put right.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import Root, is_mounted
from storage.recovery.comparing import ListedSegment, altered, rows, still_listed, unreadable
from storage.recovery.pacing import BackgroundPace, PaceStopped
from storage.recovery.relocating import find_elsewhere
from storage.retention import holds
from storage.tiers import LOCAL, Tier
from storage.times import iso

__all__ = ["Scrubbed", "scrub"]

log = logging.getLogger(__name__)

_META_KEY: Final = "scrubbed"
_GONE: Final = "is missing"
# A place is remembered this often, so that a pass of weeks goes on where a restart ended it.
_REMEMBER_S: Final = 10.0


@dataclass(slots=True)
class Scrubbed:
    """What a pass found. ``whole`` says that it came to the end of the catalogue; ``filled`` counts hashes entered for
    rows that had none; ``bad`` are files whose bytes, size or presence are not the catalogue's, each with the reason.
    """

    segments: int = 0
    bytes: int = 0
    filled: int = 0
    whole: bool = False
    bad: list[tuple[Path, str]] = field(default_factory=list)


def scrub(
    database: Database, roots: Sequence[Root], bytes_per_s: int, stop: threading.Event, tier: Tier = LOCAL
) -> Scrubbed:
    """One pass over all closed segments on ``roots``, or the rest of the one that was stopped; reads at most
    ``bytes_per_s``. Ends early when ``stop`` is set. What is wrong is logged and returned; nothing is repaired. A file
    that is gone is entered as ``missing``.

    ``database`` need not be durable: a lost place or hash is found again.
    """
    done, pace = Scrubbed(), BackgroundPace(bytes_per_s, stop)
    remembered = time.monotonic()
    mounted = {root.id for root in roots}
    place = _place(database)
    for row in rows(database, place):
        if stop.is_set():
            _remember(database, place)
            return done
        if row.bytes is not None and row.root in mounted:
            try:
                reason = _look(database, tier, row, done, pace)
            except PaceStopped:
                _remember(database, place)
                return done
            if reason is not None and not is_mounted(Root(row.root, row.root_path)):
                # Its disk went away meanwhile: that says nothing about the file, and is told elsewhere.
                mounted.discard(row.root)
            elif reason is not None and still_listed(database, row):
                try:
                    if reason == _GONE and find_elsewhere(database, tier, row, roots, pace):
                        place = row.place
                        continue
                except PaceStopped:
                    _remember(database, place)
                    return done
                log.error("%s: %s", row.path(), reason)
                done.bad.append((row.path(), reason))
                if reason == _GONE:
                    _enter_missing(database, tier, row)
        place = row.place
        if time.monotonic() - remembered >= _REMEMBER_S:
            _remember(database, place)
            remembered = time.monotonic()
    _remember(database, None)
    done.whole = True
    return done


def _look(database: Database, tier: Tier, row: ListedSegment, done: Scrubbed, pace: BackgroundPace) -> str | None:
    """What is wrong with a file; None if nothing is."""
    try:
        file = tier.open(row.path())
    except FileNotFoundError:
        return _GONE
    except OSError as error:
        return unreadable(error)
    try:
        size = file.size()
        if size != row.bytes:
            return f"has {size} bytes, the catalogue says {row.bytes}"
        found, reason = altered(file, size, row.sha256, pace)
    except OSError as error:
        return unreadable(error)
    finally:
        file.close()
    if reason is not None:
        return reason
    if row.sha256 is None:
        _fill(database, row, found)
        done.filled += 1
    done.segments += 1
    done.bytes += size
    return None


def _enter_missing(database: Database, tier: Tier, row: ListedSegment) -> None:
    """What the segment held is no longer footage, and its cause is ``missing``. One under a legal hold stays listed:
    the fence can't tell this from a deletion, and somebody must look."""
    key = Key(row.camera, row.start_us, row.node, row.epoch)
    with database.write() as conn:
        segment = segments.get(conn, key)
        if segment is None or segment.growing or segment.root != row.root:
            return
        try:
            if tier.stat(row.path()) is not None:
                return
        except OSError:
            # The disk does not say that it is gone.
            return
        if holds.keeps(conn, key.camera, key.start_us, segment.end_us):
            log.error("%s: a legal hold is on it, so the catalogue goes on listing it", row.path())
            return
        segments.discard(conn, key)
        if segment.end_us > key.start_us:
            detail = {"segments": 1, "bytes": segment.bytes, "noticed": iso(time.time_ns() // 1000)}
            for a, b in segment.footage:
                facts.insert(conn, key.camera, Cause.MISSING, a, b, detail, node=key.node, epoch=key.epoch)
                detail = {**detail, "segments": 0, "bytes": 0}


def _fill(database: Database, row: ListedSegment, sha256: str) -> None:
    with database.write() as conn:
        conn.execute(
            "UPDATE segment SET sha256 = ? WHERE camera = ? AND start_us = ? AND node = ? AND epoch = ?"
            " AND sha256 IS NULL AND bytes = ?",
            (sha256, *row.place, row.bytes),
        )


def _place(database: Database) -> tuple[int, int, int, int]:
    with database.read() as conn:
        row = conn.execute("SELECT value FROM meta WHERE key = ?", (_META_KEY,)).fetchone()
    if row is None:
        return (-1, -1, -1, -1)
    camera, start_us, node, epoch = map(int, str(row[0]).split())
    return camera, start_us, node, epoch


def _remember(database: Database, place: tuple[int, int, int, int] | None) -> None:
    """Keeps where a pass got to; None: it came to the end."""
    with database.write() as conn:
        _keep(conn, place)


def _keep(conn: sqlite3.Connection, place: tuple[int, int, int, int] | None) -> None:
    if place is None:
        conn.execute("DELETE FROM meta WHERE key = ?", (_META_KEY,))
    else:
        text = " ".join(map(str, place))
        conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_META_KEY, text))
