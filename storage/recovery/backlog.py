"""Unfinished segments of dead recorders that a start did not wait for: adopted while the cameras record again.

Until then each is a growing row, its footage can be watched, and its catalogue entry reaches as far as it was known to.
Invariants: only segments given to it are touched, so a running recorder's never are; what the disk refuses stays, and
is tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.disk.files import FILES, Files
from storage.disk.roots import Root, is_mounted
from storage.recovery.adopt import Loss
from storage.recovery.take_in import IntakeReport, TakingIn, close_row_without_file, end_run, files_of, may_hold_footage

__all__ = ["Backlog"]

log = logging.getLogger(__name__)

_RETRY_S: Final = 10.0
# What a recorder left that has just died waits until its cameras are connected again: reading whole files takes a
# processor, and they need it.
_AFTER_CRASH_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class _Item:
    root: Root
    row: Segment
    loss: Loss


class Backlog:
    """A queue and a thread for each root, so that a slow disk keeps no other waiting."""

    def __init__(self, database: Database, files: Files = FILES) -> None:
        self._database = database
        self._files = files
        self._queues: dict[str, deque[_Item]] = {}
        self._keys: set[Key] = set()
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._running = False
        self._stop = threading.Event()
        self.report = IntakeReport()

    def add(self, root: Root, row: Segment, loss: Loss) -> None:
        """Leaves a growing segment to be adopted later. ``loss`` says why it has no end."""
        with self._lock:
            if row.key not in self._keys:
                self._keys.add(row.key)
                self._queues.setdefault(root.id, deque()).append(_Item(root, row, loss))
                if self._running:
                    self._work(root.id, _AFTER_CRASH_S)

    def keys(self) -> set[Key]:
        """What is not adopted yet."""
        with self._lock:
            return set(self._keys)

    def start(self) -> None:
        """Begins, each root on its own thread."""
        with self._lock:
            self._running = True
            for root in self._queues:
                self._work(root, 0.0)

    def stop(self, timeout_s: float) -> bool:
        """Ends after the files at hand; says whether in time. What is left is the next start's."""
        self._stop.set()
        deadline = time.monotonic() + timeout_s
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads.values())

    def _work(self, root: str, wait_s: float) -> None:
        if root not in self._threads:
            thread = threading.Thread(target=self._run, args=(root, wait_s), name=f"adopt-{root[:4]}", daemon=True)
            self._threads[root] = thread
            thread.start()

    def _run(self, root: str, wait_s: float) -> None:
        while not self._stop.wait(wait_s):
            began = time.monotonic()
            settled = self.settle_one(root)
            if settled is None:
                with self._lock:
                    if not self._queues[root]:
                        del self._threads[root]
                        return
                continue
            # Half of the disk's time is the recorders', who write to it.
            wait_s = time.monotonic() - began if settled else _RETRY_S

    def settle_one(self, root: str) -> bool | None:
        """Adopts the first segment of a root's queue, or closes its row if there is nothing to adopt. False if the disk
        or the catalogue refused: it is the last of the queue then. None if the queue is empty."""
        with self._lock:
            queue = self._queues.get(root)
            if not queue:
                return None
            item = queue.popleft()
        try:
            settled = self._settle(item)
        except Exception as error:
            # Whatever it is, the other segments must not wait for it.
            log.warning("%s can't be adopted yet: %s", item.row.path, error)
            settled = False
        with self._lock:
            if settled:
                self._keys.discard(item.row.key)
            else:
                queue.append(item)
        if settled and not queue:
            log.info("%s: no unfinished segment is left, %d were adopted", item.root.path, self.report.adopted)
        return settled

    def _settle(self, item: _Item) -> bool:
        if not is_mounted(item.root):
            return False
        row, loss = item.row, item.loss
        taking = TakingIn(self._database, self._files, item.root, loss, self.report, batch=1)
        if False in [taking.take(path) for path in files_of(row, self._files)]:
            return False
        taking.flush()
        with self._database.read() as conn:
            grows = (found := segments.get(conn, row.key)) is not None and found.growing
        if grows and may_hold_footage(row, self._files):
            return False
        with self._database.write() as conn:
            if grows:
                self.report.missing += close_row_without_file(conn, row, time.time_ns() // 1000, loss)
            end_run(conn, Key(row.key.camera, row.run_start_us, row.key.node, row.key.epoch), loss)
        return True
