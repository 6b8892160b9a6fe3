"""Reading footage again at leisure: does each closed segment still hold the bytes that were recorded?

Disks forget without saying so; whoever finds it out first should not be a court. Invariant: nothing here changes a
file. The catalogue gets the hash of a segment that has none (entered from its file alone), and only once the file's own
tail has vouched for its bytes; and a segment whose file is gone is a gap from then on, with the cause ``missing``.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import Root, is_mounted
from storage.format.boxes import BoxError
from storage.format.layout import segment_path
from storage.format.segment_file import read as read_segment
from storage.retention import holds
from storage.tiers import LOCAL, Tier
from storage.tiers.base import OpenFile
from storage.times import iso

__all__ = ["ScrubRow", "Scrubbed", "altered", "hashed", "rows", "scrub", "still_listed", "unreadable"]

log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 1 << 20
_PAGE: Final = 1_000
_META_KEY: Final = "scrubbed"
_GONE: Final = "is missing"
# A place is remembered this often, so that a pass of weeks goes on where a restart ended it.
_REMEMBER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ScrubRow:
    """A segment as the catalogue lists it. ``place`` is its key in the order of the table; ``bytes`` is None while it
    grows."""

    place: tuple[int, int, int, int]
    camera: str
    start_us: int
    node: str
    epoch: int
    root: str
    root_path: Path
    bytes: int | None
    sha256: str | None

    def path(self, *, growing: bool = False) -> Path:
        """Its file, as it is named while it grows or afterwards."""
        return self.root_path / segment_path(self.camera, self.start_us, self.epoch, self.node, growing=growing)


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


def rows(
    database: Database, after: tuple[int, int, int, int] = (-1, -1, -1, -1), *, page: int = _PAGE
) -> Iterator[ScrubRow]:
    """Every segment behind ``after``, page by page: a long read transaction would keep the catalogue's log from being
    cleared."""
    while True:
        with database.read() as conn:
            found = conn.execute(
                "SELECT s.camera, s.start_us, s.node, s.epoch, c.id, n.id, r.id, r.path, s.end_us, s.bytes, s.sha256"
                " FROM (SELECT * FROM segment WHERE (camera, start_us, node, epoch) > (?, ?, ?, ?)"
                "  ORDER BY camera, start_us, node, epoch LIMIT ?) s"
                " JOIN camera c ON c.key = s.camera JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root"
                " ORDER BY s.camera, s.start_us, s.node, s.epoch",
                (*after, page),
            ).fetchall()
        for row in found:
            place = (row[0], row[1], row[2], row[3])
            size = None if row[8] is None else int(row[9] or 0)
            yield ScrubRow(place, row[4], row[1], row[5], row[3], row[6], Path(row[7]), size, row[10])
        if not found:
            return
        after = (found[-1][0], found[-1][1], found[-1][2], found[-1][3])


def still_listed(database: Database, row: ScrubRow) -> bool:
    """Whether the catalogue still lists the segment: if not, it has just been deleted."""
    with database.read() as conn:
        query = "SELECT 1 FROM segment WHERE camera = ? AND start_us = ? AND node = ? AND epoch = ?"
        return conn.execute(query, row.place).fetchone() is not None


def hashed(
    file: OpenFile, size: int, *, split: int | None = None, read: Callable[[int], None] | None = None
) -> tuple[str, str, str]:
    """SHA-256 of the first ``size`` bytes of an open file, of its first ``split`` bytes, and of those after. ``read``
    is told the bytes of each chunk and may wait, or raise to end it. What was read does not stay in memory: it would
    displace what people are watching.

    Raises:
        OSError: the disk could not give the bytes, or the file became shorter.
    """
    digest, at = hashlib.sha256(), 0
    head = digest.copy() if split == 0 else None
    rest = hashlib.sha256()
    while at < size:
        most = min(_CHUNK_BYTES, size - at)
        if head is None and split is not None:
            most = min(most, split - at)
        data = file.read_at(at, most)
        digest.update(data)
        if head is not None:
            rest.update(data)
        file.forget(at, most)
        at += most
        # The disk reads on while this waits, or is hashed.
        file.will_need(at, min(_CHUNK_BYTES, size - at))
        if at == split:
            head = digest.copy()
        if read is not None:
            read(len(data))
    return digest.hexdigest(), (head or digest).hexdigest(), rest.hexdigest()


class _Stopped(Exception):
    """The pass was told to end."""


class _Pace:
    """Keeps reading at or below a rate, and notices at once that it is to stop."""

    def __init__(self, bytes_per_s: int, stop: threading.Event) -> None:
        self._bytes_per_s = bytes_per_s
        self._stop = stop
        self._due = time.monotonic()

    def __call__(self, count: int) -> None:
        # Time that a slow disk took is not caught up with: the rate is a limit, not an aim.
        self._due = max(self._due, time.monotonic() - 1.0) + count / self._bytes_per_s
        if self._stop.wait(max(0.0, self._due - time.monotonic())):
            raise _Stopped


def scrub(
    database: Database, roots: Sequence[Root], bytes_per_s: int, stop: threading.Event, tier: Tier = LOCAL
) -> Scrubbed:
    """One pass over all closed segments on ``roots``, or the rest of the one that was stopped; reads at most
    ``bytes_per_s``. Ends early when ``stop`` is set. What is wrong is logged and returned; nothing is repaired. A file
    that is gone is entered as ``missing``.

    ``database`` need not be durable: a lost place or hash is found again.
    """
    done, pace = Scrubbed(), _Pace(bytes_per_s, stop)
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
            except _Stopped:
                _remember(database, place)
                return done
            if reason is not None and not is_mounted(Root(row.root, row.root_path)):
                # Its disk went away meanwhile: that says nothing about the file, and is told elsewhere.
                mounted.discard(row.root)
            elif reason is not None and still_listed(database, row):
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


def _look(database: Database, tier: Tier, row: ScrubRow, done: Scrubbed, pace: _Pace) -> str | None:
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


def _enter_missing(database: Database, tier: Tier, row: ScrubRow) -> None:
    """What the segment held is no longer footage, and its cause is ``missing``. One under a legal hold stays listed:
    the fence can't tell this from a deletion, and somebody must look."""
    key = Key(row.camera, row.start_us, row.node, row.epoch)
    with database.write() as conn:
        segment = segments.get(conn, key)
        if segment is None or segment.growing:
            return
        try:
            if tier.look(row.path()) is not None:
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


def unreadable(error: OSError) -> str:
    """A file that could not be read, in words; what to do is the disk's matter."""
    return f"can't be read: {error.strerror}"


def altered(
    file: OpenFile, size: int, sha256: str | None, read: Callable[[int], None] | None = None
) -> tuple[str, str | None]:
    """Reads all ``size`` bytes of a segment; returns their SHA-256, and what is wrong with them, if anything. Where the
    catalogue has no hash, the file's own tail vouches for what is before it. ``read`` as for ``hashed``.

    Raises:
        OSError: the disk could not give the bytes.
    """
    if sha256 is not None:
        whole, *_ = hashed(file, size, read=read)
        return whole, None if whole == sha256 else "its bytes are not those that were recorded (SHA-256 differs)"
    try:
        found = read_segment(file)
    except BoxError as error:
        return "", f"is damaged: {error}"
    if found.tail is None:
        return "", "its end was lost, so nothing vouches for its bytes"
    whole, content, end = hashed(file, size, split=found.whole_bytes, read=read)
    # Nothing vouches for the tail itself: what is entered as the file's hash is read twice.
    if end != hashlib.sha256(file.read_at(found.whole_bytes, size - found.whole_bytes)).hexdigest():
        return "", "its end could not be read twice alike"
    same = content == found.tail.content_sha256
    return whole, None if same else "its bytes are not those that its own tail speaks of (SHA-256 differs)"


def _fill(database: Database, row: ScrubRow, sha256: str) -> None:
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
