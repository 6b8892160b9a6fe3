"""A segment as the catalogue lists it, and whether its file holds the bytes that were recorded: for the scrub and for
``nvr check``.

Nothing here changes a file or the catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.format.boxes import BoxError
from storage.format.layout import segment_path
from storage.format.segment_file import read as read_segment
from storage.tiers.base import OpenFile

__all__ = ["ListedSegment", "altered", "hashed", "rows", "still_listed", "unreadable"]

_CHUNK_BYTES: Final = 1 << 20
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class ListedSegment:
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


def rows(
    database: Database, after: tuple[int, int, int, int] = (-1, -1, -1, -1), *, page: int = _PAGE
) -> Iterator[ListedSegment]:
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
            yield ListedSegment(place, row[4], row[1], row[5], row[3], row[6], Path(row[7]), size, row[10])
        if not found:
            return
        after = (found[-1][0], found[-1][1], found[-1][2], found[-1][3])


def still_listed(database: Database, row: ListedSegment) -> bool:
    """Whether the catalogue still lists the segment there: if not, it has just been deleted, or has moved."""
    with database.read() as conn:
        query = (
            "SELECT 1 FROM segment s JOIN root r ON r.key = s.root"
            " WHERE s.camera = ? AND s.start_us = ? AND s.node = ? AND s.epoch = ? AND r.id = ?"
        )
        return conn.execute(query, (*row.place, row.root)).fetchone() is not None


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
