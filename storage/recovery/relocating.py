"""A file that lies on another root than the catalogue says: moved, and then the catalogue was restored from before.

Invariant: only the very bytes that were recorded are taken for the segment.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.disk.roots import Root, is_mounted
from storage.recovery import copied_files
from storage.recovery.comparing import ListedSegment, altered
from storage.tiers import Tier

__all__ = ["find_elsewhere"]

log: Final = logging.getLogger(__name__)


def find_elsewhere(
    database: Database, tier: Tier, row: ListedSegment, roots: Sequence[Root], read: Callable[[int], None]
) -> bool:
    """Looks for a closed segment whose file is gone on the other roots, and has the catalogue name the one it finds.
    Says whether it found one. ``read`` is told the bytes of each chunk that is read, and may wait or raise."""
    for root in roots:
        if root.id == row.root or row.bytes is None or not is_mounted(root):
            continue
        path = replace(row, root_path=root.path).path()
        try:
            state = tier.stat(path)
            if state is None or state.size != row.bytes:
                continue
            file = tier.open(path)
            try:
                _, reason = altered(file, row.bytes, row.sha256, read)
            finally:
                file.close()
        except OSError as error:
            log.error("%s can't be looked at: %s", path, error)
            continue
        if reason is not None:
            log.error("%s: %s", path, reason)
            continue
        with database.write() as conn:
            segment = segments.get(conn, Key(row.camera, row.start_us, row.node, row.epoch))
            moved = segment is not None and segment.root == row.root
            if moved and segment is not None:
                copied_files.move(conn, segment, root.id, now_us=time.time_ns() // 1000)
        if moved:
            log.warning("%s is on %s: the catalogue is put right", row.path(), root.path)
        return moved
    return False
