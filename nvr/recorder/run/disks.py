"""The footage disks of a worker, and which one a new segment goes to.

A thread a disk looks at it, since a disk that hangs must stop neither the event loop nor the looks at the others.
Invariant: no segment is begun on a disk that is away, read-only, silent or to be emptied while another one is well.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.disk.draining import is_draining
from storage.disk.files import FILES, Files
from storage.disk.roots import is_mounted
from storage.writing.disk_writer import DiskWriter

__all__ = ["Disks"]

log = logging.getLogger(__name__)

_LOOK_INTERVAL_S: Final = 2.0
# A look that takes longer than this is a disk that hangs.
_SILENT_S: Final = 15.0
_FIRST_LOOK_S: Final = 1.0
_AVOID_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Look:
    usable: bool
    free_bytes: int
    at: float


class Disks:
    """Chooses the disk with the most free space among those that are there and did not fail lately."""

    def __init__(self, writers: Sequence[DiskWriter], files: Files = FILES) -> None:
        self.writers = tuple(writers)
        self._files = files
        self._looks: dict[DiskWriter, _Look] = {}
        self._failed: dict[DiskWriter, float] = {}
        self._ending = threading.Event()

    def start(self) -> None:
        """Starts the writers, and looking at their disks."""
        for writer in self.writers:
            self._start(writer)

    def add(self, writer: DiskWriter) -> None:
        """One more disk, from now on."""
        self._start(writer)
        self.writers = (*self.writers, writer)

    def end_looking(self) -> None:
        """Ends the looks; the writers have their own end."""
        self._ending.set()

    def choose(self) -> DiskWriter:
        """The disk for the next segment. If all failed lately, the one whose failure is longest ago: it may be well
        again."""
        writers = self.writers
        if len(writers) == 1:
            return writers[0]
        now = time.monotonic()
        there = [writer for writer in writers if self._is_there(writer, now)] or list(writers)
        well = [writer for writer in there if now - self._failed.get(writer, -_AVOID_S) >= _AVOID_S]
        if not well:
            return min(there, key=lambda writer: self._failed[writer])
        return max(well, key=lambda writer: self._looks[writer].free_bytes if writer in self._looks else 0)

    def failed(self, writer: DiskWriter) -> None:
        """This disk refused a write."""
        self._failed[writer] = time.monotonic()

    def _is_there(self, writer: DiskWriter, now: float) -> bool:
        look = self._looks.get(writer)
        return look is None or (look.usable and now - look.at < _SILENT_S)

    def _start(self, writer: DiskWriter) -> None:
        writer.start()
        looked = threading.Event()
        thread = threading.Thread(target=self._follow, args=(writer, looked), name=f"look-{writer.root.id[:4]}")
        thread.daemon = True
        thread.start()
        # The first segments should know where there is room; a disk that hangs is not waited for.
        looked.wait(_FIRST_LOOK_S)

    def _follow(self, writer: DiskWriter, looked: threading.Event) -> None:
        while not self._ending.is_set():
            self._look(writer)
            looked.set()
            self._ending.wait(_LOOK_INTERVAL_S)

    def _look(self, writer: DiskWriter) -> None:
        root, before = writer.root, self._looks.get(writer)
        usable, free_bytes = False, -1
        try:
            usable = is_mounted(root) and os.access(root.path, os.W_OK | os.X_OK) and not is_draining(root.path)
            free_bytes = self._files.usage(root.path)[0]
        except OSError as error:
            log.debug("footage root %s can't be asked for its free space: %s", root.path, error)
            usable = False
        if before is not None and before.usable is not usable:
            if usable:
                self._failed.pop(writer, None)
            why = "back" if usable else "away, or to be emptied: new segments go elsewhere"
            log.warning("footage root %s is %s", root.path, why)
        self._looks[writer] = _Look(usable, free_bytes, time.monotonic())
