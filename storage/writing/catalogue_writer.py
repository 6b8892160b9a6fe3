"""Writes a recorder's news into the catalogue, on its own thread, in batches: recording never waits for the catalogue.

Invariants: operations take effect in the order given, each exactly once; no transaction goes on for longer than
``_HELD_S``, one operation and the statuses, since all other processes wait for it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from storage.catalogue import segments, status
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.catalogue.status import Status
from storage.errors import CatalogueError
from storage.format.boxes import Hole
from storage.writing import at_risk
from storage.writing.at_risk import Risk

__all__ = ["CatalogueWriter", "Grown", "Operation"]

log = logging.getLogger(__name__)

Operation = Callable[[sqlite3.Connection], None]
Grown = tuple[Key, int, tuple[Hole, ...]]
Progress = tuple[Status | None, Sequence[Grown]]

# About a hundred bytes each. A catalogue that is out of reach for so long that these fill up is rebuilt from files at
# the next start.
_MOST_WAITING: Final = 500_000
_BATCH: Final = 2_000
_RETRY_S: Final = 1.0
# In a worker that is busy each statement waits for Python's lock, so that thousands took seconds, and other processes'
# patience. What is left over goes into the next transaction; before that others get their turn, who ask again after a
# tenth of a second at the latest (SQLite's busy handler).
_HELD_S: Final = 0.25
_OTHERS_S: Final = 0.12
# Operations that follow others so closely go together: a transaction costs as much as ten of them. Whoever comes after
# a pause, as with few cameras, does not wait.
_APART_S: Final = 0.1


# Extended result codes have their primary code in the low byte.
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def _may_pass(error: Exception) -> bool:
    """Whether the catalogue, not the operation, is at fault: locked for long, disk full, I/O error, not
    to be opened."""
    if isinstance(error, CatalogueError):
        return True
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _PASSING


class CatalogueWriter:
    """The catalogue thread of one process."""

    def __init__(self, database: Database, *, status_interval_s: float = 1.0) -> None:
        self.database = database
        self._interval_s = status_interval_s
        self._operations: deque[Operation] = deque()
        # By camera.
        self._progress: dict[str, Progress] = {}
        self._risks: tuple[list[tuple[str, Risk]], int] | None = None
        # The lock itself costs a fraction of what it does by way of the condition.
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._closing = False
        # What is put meanwhile need not wake the thread, and until when.
        self._is_gathering = False
        self._gathers_until_s = 0.0
        self._deadline: float | None = None
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="catalogue", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, operation: Operation) -> None:
        """Queues an operation; never blocks."""
        with self._lock:
            if len(self._operations) >= _MOST_WAITING:
                self._operations.popleft()
                self.dropped += 1
                if self.dropped == 1:
                    log.error(
                        "the catalogue has not answered for so long that news for it are dropped; footage goes on"
                    )
            self._operations.append(operation)
            if not self._is_gathering:
                self._wake.notify()

    def put_status(self, new: Status, grown: Sequence[Grown] = ()) -> None:
        """Sets a camera's status, and how far its growing segments reach and with which holes; only the latest is
        written."""
        with self._lock:
            self._progress[new.camera] = (new, grown)

    def put_grown(self, camera: str, grown: Sequence[Grown]) -> None:
        """The same without a status: there is no news but that."""
        with self._lock:
            before = self._progress.get(camera)
            self._progress[camera] = (before[0] if before is not None else None, grown)

    def put_risks(self, risks: Sequence[tuple[str, Risk]], at_us: int) -> None:
        """Sets what a power cut would cost now, by root; only the latest is written."""
        with self._lock:
            self._risks = list(risks), at_us

    def close(self, timeout_s: float) -> bool:
        """Writes what is queued and ends the thread; says whether all was written in time."""
        with self._lock:
            self._closing = True
            self._deadline = time.monotonic() + timeout_s
            self._wake.notify()
        self._thread.join(timeout_s + 1)
        return not self._thread.is_alive() and not self._operations

    def _run(self) -> None:
        next_status = 0.0
        while True:
            with self._lock:
                if not self._operations and not self._closing:
                    self._wake.wait(max(0.05, next_status - time.monotonic()))
                self._gather()
                batch = [self._operations.popleft() for _ in range(min(len(self._operations), _BATCH))]
                progress: dict[str, Progress] = {}
                if time.monotonic() >= next_status or self._closing:
                    progress, self._progress = self._progress, {}
                    if self._risks is not None:
                        (risks, at_us), self._risks = self._risks, None
                        batch.append(partial(at_risk.put, process=os.getpid(), risks=risks, at_us=at_us))
                    next_status = time.monotonic() + self._interval_s
                finished = self._closing and not self._operations
            written = not (batch or progress) or self._write(batch, progress)
            if finished and ((written and not self._operations) or self._expired()):
                return

    def _gather(self) -> None:
        """Lets operations come together, under the lock."""
        left_s = self._gathers_until_s - time.monotonic()
        if left_s > 0 and self._operations and not self._closing:
            self._is_gathering = True
            try:
                self._wake.wait(left_s)
            finally:
                self._is_gathering = False
        if self._operations:
            self._gathers_until_s = time.monotonic() + _APART_S

    def _expired(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _write(self, batch: list[Operation], progress: dict[str, Progress]) -> bool:
        done = 0
        try:
            with self.database.write() as conn:
                until_s = time.monotonic() + _HELD_S
                for operation in batch:
                    operation(conn)
                    done += 1
                    if time.monotonic() >= until_s:
                        break
                status.put(conn, [new for new, _ in progress.values() if new is not None])
                segments.all_grown(conn, [one for _, grown in progress.values() for one in grown])
        except Exception as error:
            if _may_pass(error):
                # The batch goes back to the front, in order.
                log.error("catalogue can't be written, will try again: %s", error)
                self._give_back(batch, progress)
                time.sleep(_RETRY_S)
                return False
            if len(batch) + len(progress) <= 1:
                log.exception("the catalogue refused an operation, the files still tell; report this, with these lines")
                return True
            return self._write_singly(batch, progress)
        if done < len(batch):
            self._give_back(batch[done:], {})
            time.sleep(_OTHERS_S)
        return True

    def _write_singly(self, batch: list[Operation], progress: dict[str, Progress]) -> bool:
        """One operation is at fault: finds it by writing each alone. Where the catalogue does not answer, everything
        from there on goes back, so that the order stays."""
        for done, operation in enumerate(batch, 1):
            if not self._write([operation], {}):
                rest = batch[done:]
                with self._lock:
                    first = self._operations.popleft()
                    self._operations.extendleft(reversed(rest))
                    self._operations.appendleft(first)
                self._give_back([], progress)
                return False
        for camera, one in progress.items():
            self._write([], {camera: one})
        return True

    def _give_back(self, batch: list[Operation], progress: dict[str, Progress]) -> None:
        with self._lock:
            self._operations.extendleft(reversed(batch))
            for camera, old in progress.items():
                status_, grown = self._progress.get(camera, old)
                self._progress[camera] = (status_ if status_ is not None else old[0], grown)
