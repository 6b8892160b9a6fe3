"""Comparing files with the catalogue. Only ever reports: nothing here writes, renames or removes anything.

A segment's file may lawfully come, change its name or go while this runs, since recorders and retention go on: what looks wrong is looked at again,
by the catalogue's word of then, before it is reported.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from storage import segments
from storage.database import Database
from storage.layout import parse
from storage.roots import IDENTITY_FILE, Root
from storage.segments import Key, Segment

__all__ = ["Finding", "Kind", "check"]

_PAGE = 2_000
_CHUNK_BYTES = 1 << 20


class Kind(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown_segment"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and in words."""

    kind: Kind
    path: Path
    text: str


def check(database: Database, roots: Sequence[Root], *, hashes: bool) -> Iterator[Finding | int]:
    """Compares; yields findings, and in between the number of files looked at so far, for progress. With ``hashes`` every byte is read."""
    seen = 0
    for segment in _closed(database):
        if segment.root not in {root.id for root in roots}:
            # Its disk is not here; that is told once, by whoever opened the roots.
            continue
        seen += 1
        finding = _compare(segment, hashes)
        if finding is not None and _still_so(database, segment):
            yield finding
        if seen % 200 == 0:
            yield seen
    for root in roots:
        for path in _files(root.path):
            seen += 1
            finding = _of_file(database, root, path)
            if finding is not None:
                yield finding
            if seen % 200 == 0:
                yield seen
    yield seen


def _closed(database: Database) -> Iterator[Segment]:
    """Every closed segment, page by page: a long read transaction would keep the catalogue's log from being cleared."""
    after = (-1, -1, -1, -1)
    while True:
        with database.read() as conn:
            keys = conn.execute(
                "SELECT camera, start_us, node, epoch FROM segment WHERE (camera, start_us, node, epoch) > (?, ?, ?, ?)"
                " AND end_us IS NOT NULL ORDER BY camera, start_us, node, epoch LIMIT ?",
                (*after, _PAGE),
            ).fetchall()
            page = [segments.get(conn, _key(conn, row)) for row in keys]
        yield from (segment for segment in page if segment is not None)
        if not keys:
            return
        after = tuple(keys[-1])


def _key(conn: sqlite3.Connection, row: sqlite3.Row) -> Key:
    camera, node = conn.execute(
        "SELECT (SELECT id FROM camera WHERE key = ?), (SELECT id FROM node WHERE key = ?)",
        (row["camera"], row["node"]),
    ).fetchone()
    return Key(camera, row["start_us"], node, row["epoch"])


def _compare(segment: Segment, hashes: bool) -> Finding | None:
    path = segment.path
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Finding(Kind.MISSING, path, "the catalogue lists it, but it is not there")
    except OSError as error:
        return Finding(Kind.UNREADABLE, path, f"can't be read: {error.strerror}")
    try:
        size = os.fstat(fd).st_size
        if size != segment.bytes:
            return Finding(Kind.SIZE, path, f"has {size} bytes, the catalogue says {segment.bytes}")
        if hashes and segment.sha256 is not None:
            digest = hashlib.sha256()
            while data := os.read(fd, _CHUNK_BYTES):
                digest.update(data)
            if digest.hexdigest() != segment.sha256:
                return Finding(Kind.HASH, path, "its bytes are not those that were recorded (SHA-256 differs)")
    except OSError as error:
        return Finding(Kind.UNREADABLE, path, f"can't be read: {error.strerror}")
    finally:
        os.close(fd)
    return None


def _still_so(database: Database, segment: Segment) -> bool:
    """Whether the catalogue still lists the segment: if not, it has just been pruned."""
    with database.read() as conn:
        return segments.get(conn, segment.key) is not None


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name != IDENTITY_FILE:
                yield Path(folder, name)


def _of_file(database: Database, root: Root, path: Path) -> Finding | None:
    name = parse(path.relative_to(root.path).as_posix())
    if name is None:
        return Finding(Kind.FOREIGN, path, "is not a segment of this server")
    with database.read() as conn:
        row = conn.execute(
            "SELECT 1 FROM segment WHERE camera = (SELECT key FROM camera WHERE id = :camera) AND start_us >= :a"
            " AND start_us < :a + 1000 AND epoch = :epoch AND node = (SELECT key FROM node WHERE id = :node)"
            " UNION ALL SELECT 1 FROM garbage WHERE camera = (SELECT key FROM camera WHERE id = :camera) AND start_us >= :a"
            " AND start_us < :a + 1000 AND epoch = :epoch AND node = (SELECT key FROM node WHERE id = :node)",
            {"camera": name.camera, "a": name.start_ms * 1000, "epoch": name.epoch, "node": name.node},
        ).fetchone()
    if row is not None or not path.exists():
        return None
    return Finding(
        Kind.UNKNOWN, path, "is a segment that the catalogue does not list; the next start takes in recent ones"
    )
