"""The catalogue's part of adopting a segment: its row closed or removed, and what is missing explained.

Invariant: idempotent, and in the caller's transaction: the file is what it is to be before (``adopt``).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from storage.catalogue import facts, segments
from storage.catalogue.segments import Init, Key
from storage.causes import Cause
from storage.disk.roots import Root
from storage.format.boxes import BoxError
from storage.recovery.adopt import Brought, Loss

if TYPE_CHECKING:
    from storage.format.segment_file import SegmentFile

__all__ = ["insert_brought"]


def insert_brought(conn: sqlite3.Connection, root: Root, brought: Brought, loss: Loss | None) -> None:
    """Enters what ``bring`` made into the catalogue; where it holds less than was believed, ``loss`` says why."""
    key = brought.key
    if brought.frames and brought.found is not None:
        _insert_segment(
            conn,
            root,
            brought.found,
            brought.init,
            end_us=brought.end_us,
            frames=brought.frames,
            size=brought.size,
            sha256=brought.sha256,
            loss=loss,
        )
        return
    if brought.found is None:
        known = segments.within_millisecond(conn, key)
        key = key if known is None else known
    segments.discard(conn, key)
    _explain(conn, key.camera, key.start_us, loss or _unexplained(key))


def _insert_segment(
    conn: sqlite3.Connection,
    root: Root,
    found: SegmentFile,
    init: bytes,
    *,
    end_us: int,
    frames: int,
    size: int,
    sha256: str | None,
    loss: Loss | None = None,
) -> None:
    """Enters a closed file into the catalogue, whether its row is growing, closed or absent. Its camera must be known.

    Raises:
        BoxError: the catalogue does not know its camera.
    """
    head = found.head
    key = Key(head.camera, head.start_us, head.node, head.epoch)
    if conn.execute("SELECT 1 FROM camera WHERE id = ?", (key.camera,)).fetchone() is None:
        raise BoxError(f"belongs to camera {key.camera}, which the catalogue does not know")
    conn.execute("INSERT INTO node (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (key.node,))
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
    believed = segments.get(conn, key)
    segments.finish(
        conn,
        key,
        end_us=end_us,
        media_end=found.index.media_end,
        frames=frames,
        bytes_=size,
        sha256=sha256,
        found=found.index.holes,
    )
    loss = loss or _unexplained(key)
    _explain(conn, key.camera, end_us, loss)
    if believed is not None and believed.growing:
        # A hole in what is lost has a fact that reaches less far.
        facts.fill(conn, key.camera, end_us, believed.end_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)


def _unexplained(key: Key) -> Loss:
    return Loss(Cause.RECORDER_CRASHED, {"reason": "its end was not written"}, key.node, key.epoch)


def _explain(conn: sqlite3.Connection, camera: str, from_us: int, loss: Loss) -> None:
    facts.reach_back(conn, camera, from_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
