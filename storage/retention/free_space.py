"""How much room footage disks have now."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from storage.disk.files import FILES, Files
from storage.disk.roots import Root, is_mounted
from storage.retention.plan import Disk

__all__ = ["disks"]

log = logging.getLogger(__name__)


def disks(roots: Sequence[Root], floor_bytes: int, floor_fraction: float, files: Files = FILES) -> list[Disk]:
    """The roots' disks as they are now. The floor is the larger of bytes and fraction of the disk. A root whose disk is
    away is left out: the free space below its mount point says nothing of it."""
    found = []
    for root in roots:
        try:
            if not is_mounted(root):
                continue
            free, total = files.usage(root.path)
        except OSError as error:
            log.error("footage root %s can't be asked for its free space: %s", root.path, error)
            continue
        if total <= 0:
            # A network disk that is just coming or going. Believed, it would be short of its whole floor.
            log.error("footage root %s is said to have no space at all: not believed", root.path)
            continue
        found.append(Disk(root.id, free, max(floor_bytes, int(total * floor_fraction)), total))
    return found
