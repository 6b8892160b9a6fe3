"""Segments whose writing failed: what is whole of them is adopted while the process lives, and what is missing gets its
cause.

Called from the disk's writing thread alone. Invariant: where the recorder believes there is footage there is some, or a
gap with the disk's cause.
"""

from __future__ import annotations

import errno
import logging
import time
from collections import deque
from pathlib import Path
from typing import Final

from storage.catalogue import facts
from storage.causes import Cause
from storage.disk.files import Files
from storage.disk.reading import exists
from storage.disk.roots import Root, is_mounted
from storage.errors import SyncError
from storage.format.layout import name_while_growing, segment_path
from storage.format.segment_file import Head
from storage.recovery.adopt import Loss, bring, described
from storage.recovery.adopted_rows import insert_brought
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.open_segment import SegmentHandle

__all__ = ["Salvage", "disk_cause", "paths"]

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 10.0


def disk_cause(error: OSError) -> Cause:
    """Which cause a disk's error is."""
    return Cause.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Cause.DISK_ERROR


def paths(root: Root, head: Head) -> tuple[Path, Path]:
    """A segment's file while it grows, and for good."""
    final = root.path / segment_path(head.camera, head.start_us, head.epoch, head.node, growing=False)
    return final.with_name(name_while_growing(final.name)), final


class Salvage:
    """The broken segments of one root. Those that can't be closed yet are tried again every ten seconds: their footage
    must not wait for a restart."""

    def __init__(self, root: Root, catalogue: CatalogueWriter, files: Files) -> None:
        self._root = root
        self._catalogue = catalogue
        self._files = files
        self._broken: deque[tuple[float, SegmentHandle]] = deque()

    def add(self, handle: SegmentHandle) -> None:
        """This segment's descriptor is closed, and its ``error`` set."""
        self._broken.append((time.monotonic(), handle))

    def poll(self, now_s: float | None = None) -> None:
        """Tries one segment, if one is due at ``now_s``, monotonic."""
        now_s = time.monotonic() if now_s is None else now_s
        if not self._broken or self._broken[0][0] > now_s:
            return
        _, handle = self._broken.popleft()
        try:
            self._bring(handle)
            handle.be_done()
        except Exception as error:
            log.warning("camera %s: a segment can't be closed yet: %s", handle.head.camera, error)
            if isinstance(error, SyncError):
                handle.trusted_bytes = handle.writer.synced_bytes if handle.writer is not None else 0
            self._broken.append((now_s + _INTERVAL_S, handle))

    def _bring(self, handle: SegmentHandle) -> None:
        """The file's steps are done here, the catalogue is told by its own thread: other segments must not
        wait for it."""
        root, head = self._root, handle.head
        part, final = paths(root, head)
        believed_us, loss = handle.written_until_us, self._loss(handle)
        try:
            brought = bring(self._files, root, part, end_us=believed_us, trusted_bytes=handle.trusted_bytes)
        except FileNotFoundError:
            is_there = exists(final, self._files)
            if is_there is None:
                raise
            if not is_there:
                if not is_mounted(root):
                    raise OSError(errno.ENODEV, "its disk is away", str(root.path)) from None
                log.error("camera %s: %s is gone before it could be closed", head.camera, part)
                return
            # Only the sync of its folder had failed.
            self._files.sync_folder(final.parent)
            brought = described(self._files, final, root)
        self._catalogue.put(lambda conn: insert_brought(conn, root, brought, loss))
        self.explain(handle, brought.end_us if brought.frames else head.start_us, believed_us)
        if not brought.frames:
            self._files.unlink(part)

    def explain(self, handle: SegmentHandle, start_us: int, end_us: int) -> None:
        """Says why there is no footage where the recorder believes there is some."""
        loss, camera = self._loss(handle), handle.head.camera
        if start_us < end_us:
            self._catalogue.put(
                lambda conn: facts.fill(
                    conn, camera, start_us, end_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch
                )
            )

    def _loss(self, handle: SegmentHandle) -> Loss:
        error = handle.error or OSError(errno.EIO, "lost")
        detail = {"error": error.strerror or str(error), "root": str(self._root.path)}
        return Loss(disk_cause(error), detail, handle.head.node, handle.head.epoch)
