"""Adopting a segment that its writer did not close: cut off what is not whole, add the tail, give it its final name, enter it.

Idempotent: killed at any step and begun again, it ends the same. Invariant: no whole fragment is ever cut off.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from storage import facts, segments
from storage.boxes import BoxError
from storage.database import Database
from storage.files import Files
from storage.layout import segment_path
from storage.roots import Root
from storage.segment_file import SegmentFile, Tail, read_fd, tail_box
from storage.segments import Init, Key

__all__ = ["Adopted", "adopt", "enter_closed"]

log = logging.getLogger(__name__)

# Bytes read at once when an adopted file is hashed.
_CHUNK_BYTES = 1 << 20
# A run's clock leaves its media time by no more than this within a segment (500 ppm of it); more means that bytes were lost.
_CLOCK_DRIFT_US = 400_000


@dataclass(frozen=True, slots=True)
class Adopted:
    """A segment that was brought in, and how many bytes of a broken fragment were cut off. ``end_us`` is None if it held no footage and
    was removed."""

    key: Key
    end_us: int | None
    cut_bytes: int


def adopt(database: Database, files: Files, root: Root, part: Path, *, end_us: int | None = None) -> Adopted:
    """Adopts the ``.part`` file at ``part``. ``end_us`` is when its footage ended by the run's clock, if that is still known.

    Raises:
        BoxError: it is not a segment of ours; it is left alone.
        OSError: the disk refused a step; it stays a ``.part`` file.
    """
    fd = files.open_existing(part)
    try:
        found = read_fd(fd)
        key = Key(found.head.camera, found.head.start_us, found.head.node, found.head.epoch)
        init = _pread(fd, 0, found.init_bytes)
        frames = len(found.index.video.samples)
        cut_bytes = 0
        if end_us is None or found.tail is not None or abs(end_us - found.end_us) > _CLOCK_DRIFT_US:
            end_us = found.end_us
        if frames and found.tail is None:
            cut_bytes = found.size - found.whole_bytes
            files.truncate(fd, found.whole_bytes)
            content = _sha256(fd, found.whole_bytes)
            tail = Tail(end_us, found.index.media_end, frames, "adopted", content.hexdigest())
            box = tail_box(tail, found.index)
            files.write_all(fd, [box])
            files.sync(fd)
            content.update(box)
            size, digest = found.whole_bytes + len(box), content.hexdigest()
        elif frames:
            size, digest = found.size, _sha256(fd, found.size).hexdigest()
    finally:
        files.close(fd)
    if not frames:
        files.unlink(part)
        files.sync_folder(part.parent)
        with database.write() as conn:
            segments.discard(conn, key)
        return Adopted(key, None, found.size)
    final = root.path / segment_path(key.camera, key.start_us, key.epoch, key.node, growing=False)
    files.rename(part, final)
    files.sync_folder(final.parent)
    enter_closed(database, root, found, init, end_us=end_us, frames=frames, size=size, sha256=digest)
    return Adopted(key, end_us, cut_bytes)


def enter_closed(
    database: Database,
    root: Root,
    found: SegmentFile,
    init: bytes,
    *,
    end_us: int,
    frames: int,
    size: int,
    sha256: str | None,
) -> None:
    """Enters a closed file into the catalogue, whether its row is growing, closed or absent. Its camera and node must be known.

    Raises:
        BoxError: the catalogue does not know its camera.
    """
    head = found.head
    key = Key(head.camera, head.start_us, head.node, head.epoch)
    with database.write() as conn:
        if conn.execute("SELECT 1 FROM camera WHERE id = ?", (key.camera,)).fetchone() is None:
            raise BoxError(f"belongs to camera {key.camera}, which the catalogue does not know")
        conn.execute("INSERT OR IGNORE INTO node (id) VALUES (?)", (key.node,))
        new = Init.of(init, found.tracks)
        segments.put_init(conn, new)
        segments.begin_run(conn, Key(key.camera, head.run_start_us, key.node, key.epoch))
        segments.begin(
            conn,
            key,
            root=root.id,
            init=new.id,
            run_start_us=head.run_start_us,
            timescale=head.timescale,
            media_start=head.media_start,
        )
        segments.finish(
            conn, key, end_us=end_us, media_end=found.index.media_end, frames=frames, bytes_=size, sha256=sha256
        )
        facts.reach_back(conn, key.camera, end_us)


def _pread(fd: int, offset: int, size: int) -> bytes:
    return os.pread(fd, size, offset)


def _sha256(fd: int, size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    at = 0
    while at < size:
        data = _pread(fd, at, min(_CHUNK_BYTES, size - at))
        if not data:
            break
        digest.update(data)
        at += len(data)
    return digest
