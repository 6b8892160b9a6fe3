"""Segments whose files lie on two roots for a moment, since they move.

Invariant: the segment's row names a whole file at every moment. A row here says that the file on its root may go unless
the segment's row names that root; it is there before the file is, and goes after it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from storage.catalogue.holes import KEY
from storage.catalogue.segments import Key, Segment
from storage.format.layout import segment_path

__all__ = ["CopiedFile", "expect", "list_all", "move", "settle"]


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file that may go. ``elsewhere``: where the segment's row says that its file is; None: here, or the segment is
    gone. ``is_named``: the row names this very file. ``bytes``: of the segment, as far as it has a row."""

    key: Key
    root: str
    root_path: Path
    is_named: bool
    elsewhere: Path | None
    bytes: int | None

    @property
    def relative_path(self) -> PurePosixPath:
        """Its path below any root."""
        return segment_path(self.key.camera, self.key.start_us, self.key.epoch, self.key.node, growing=False)

    @property
    def path(self) -> Path:
        """The file."""
        return self.root_path / self.relative_path


def _values(key: Key, root: str) -> dict[str, object]:
    return {"camera": key.camera, "start_us": key.start_us, "node": key.node, "epoch": key.epoch, "root": root}


def expect(conn: sqlite3.Connection, key: Key, root: str, *, now_us: int) -> None:
    """A file of the segment will be on this root."""
    conn.execute(
        "INSERT OR IGNORE INTO copied_file (camera, start_us, node, epoch, root, since_us) VALUES"
        " ((SELECT key FROM camera WHERE id = :camera), :start_us, (SELECT key FROM node WHERE id = :node), :epoch,"
        " (SELECT key FROM root WHERE id = :root), :now_us)",
        {**_values(key, root), "now_us": now_us},
    )


def move(conn: sqlite3.Connection, segment: Segment, root: str, *, now_us: int) -> bool:
    """The segment's file is the one on this root from now on, and that on its old root may go. False: the segment is
    gone, or is not as it was."""
    expect(conn, segment.key, segment.root, now_us=now_us)
    moved = conn.execute(
        f"UPDATE segment SET root = (SELECT key FROM root WHERE id = :root) WHERE {KEY} AND end_us IS NOT NULL"
        " AND root = (SELECT key FROM root WHERE id = :old) AND bytes = :bytes AND sha256 IS :sha256",
        {**_values(segment.key, root), "old": segment.root, "bytes": segment.bytes, "sha256": segment.sha256},
    )
    if not moved.rowcount:
        settle(conn, segment.key, segment.root)
        return False
    settle(conn, segment.key, root)
    return True


def settle(conn: sqlite3.Connection, key: Key, root: str) -> None:
    """There is no file to go on this root."""
    conn.execute(
        f"DELETE FROM copied_file WHERE {KEY} AND root = (SELECT key FROM root WHERE id = :root)", _values(key, root)
    )


def list_all(conn: sqlite3.Connection) -> list[CopiedFile]:
    """Files that may go. A copy runs at a time for each root, so there are few."""
    rows = conn.execute(
        "SELECT c.id, f.start_us, n.id, f.epoch, r.id, r.path, s.root IS f.root, at.path, s.bytes FROM copied_file f"
        " JOIN camera c ON c.key = f.camera JOIN node n ON n.key = f.node JOIN root r ON r.key = f.root"
        " LEFT JOIN segment s ON (s.camera, s.start_us, s.node, s.epoch) = (f.camera, f.start_us, f.node, f.epoch)"
        " LEFT JOIN root at ON at.key = s.root"
    )
    return [
        CopiedFile(
            Key(row[0], row[1], row[2], row[3]),
            row[4],
            Path(row[5]),
            bool(row[6]),
            None if row[6] or row[7] is None else Path(row[7]),
            row[8],
        )
        for row in rows
    ]
