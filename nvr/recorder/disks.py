"""The footage disks of a worker, and which one a new segment goes to."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from storage.disk_writer import DiskWriter
from storage.files import FILES, Files

__all__ = ["Disks"]

log = logging.getLogger(__name__)

_LOOK_INTERVAL_S: Final = 10.0
_AVOID_S: Final = 30.0


class Disks:
    """Chooses the disk with the most free space among those that did not fail lately."""

    def __init__(self, writers: Sequence[DiskWriter], files: Files = FILES) -> None:
        self.writers = tuple(writers)
        self._files = files
        self._free: dict[DiskWriter, int] = {}
        self._looked = 0.0
        self._failed: dict[DiskWriter, float] = {}

    def choose(self) -> DiskWriter:
        """The disk for the next segment. If all failed lately, the one whose failure is longest ago: it may be well again."""
        if len(self.writers) == 1:
            return self.writers[0]
        now = time.monotonic()
        if now - self._looked > _LOOK_INTERVAL_S:
            self._looked = now
            for writer in self.writers:
                try:
                    self._free[writer] = self._files.usage(writer.root.path)[0]
                except OSError as error:
                    log.error("footage root %s can't be asked for its free space: %s", writer.root.path, error)
                    self._free[writer] = -1
        well = [w for w in self.writers if now - self._failed.get(w, -_AVOID_S) >= _AVOID_S]
        if not well:
            return min(self.writers, key=lambda w: self._failed[w])
        return max(well, key=lambda w: self._free.get(w, 0))

    def failed(self, writer: DiskWriter) -> None:
        """This disk refused a write."""
        self._failed[writer] = time.monotonic()
