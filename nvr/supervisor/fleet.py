"""The recorder workers and the cameras: what happens when a worker dies. What each has is in the ``Book``, their
processes are in ``Workers``."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from nvr.backoff import Backoff
from nvr.config import CameraSettings, Config
from nvr.orders import in_force
from nvr.orders.carrying_out import carry_out
from nvr.orders.register import extend_schedules
from nvr.supervisor.apart import Apart
from nvr.supervisor.assignments import Book
from nvr.supervisor.balancing import HeldCameras
from nvr.supervisor.moves import ALONE_S, MOVE_S, Moves
from nvr.supervisor.prepare import Prepared, now_us
from nvr.supervisor.worker_process import WorkerProcess
from nvr.supervisor.workers import Workers
from storage.disk.roots import Root
from storage.errors import CatalogueError, StorageError

__all__ = ["Fleet"]

log = logging.getLogger(__name__)

_WELL_AFTER_S: Final = 30.0
_WAITS: Final = Backoff(0.5, 10.0)
# So many deaths in a row are of what a camera sent, which is kept apart by then: nobody else waits for that.
_AT_ONCE: Final = 2
_BALANCE_S: Final = 60.0
# A decision that a command entered, or one that begins now, is seen within this time.
_LOOK_S: Final = 1.0
_TELL_EVERY_US: Final = 3600 * 1_000_000
_MOST_MOVES: Final = 8


class Fleet:
    """All workers. Numbers up to the configured count share the cameras that are read by ourselves; of the higher ones
    some feed FFmpeg with few cameras each, and some hold a single camera that is kept apart. ``on_beat`` is called
    whenever a worker says that it lives; ``spares`` are as for ``Workers``."""

    def __init__(
        self,
        config: Config,
        prepared: Prepared,
        *,
        balance_s: float = _BALANCE_S,
        move_s: float = MOVE_S,
        alone_s: float = ALONE_S,
        on_beat: Callable[[], None] = lambda: None,
        spares: Iterable[WorkerProcess] = (),
    ) -> None:
        self._prepared = prepared
        self._on_beat = on_beat
        self._balance_s = balance_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._assigning = asyncio.Lock()
        self._stopping = False
        database = prepared.database
        self._book = Book(database, range(1, config.server.worker_count + 1))
        self.workers = Workers(config, prepared, self._book, self._heard, spares)
        self._ready = 0
        self._all_ready = asyncio.Event()
        self.moves = Moves(
            database, self._book, self.workers, self._assigning, self._start_missing, self._keep_task, move_s, alone_s
        )
        self._apart = Apart(database, self._book, self.workers, self._assigning, self._keep_task)

    async def start(self) -> None:
        """Starts every worker and gives each its cameras."""
        async with self._assigning:
            await self._apart.load()
            await self._load()
            await self._start_missing()
        self._apart.begin()
        self._keep_task(self.workers.watch(), "watch-recorders")
        self._keep_task(self._balance(), "balance")

    def _keep_task(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s ended, report this, with these lines: %s", task.get_name(), error, exc_info=error)

    async def begun(self) -> None:
        """Returns when each worker has its cameras and asks them."""
        await self._all_ready.wait()

    def _heard(self, line: dict[str, Any]) -> None:
        self._on_beat()
        if line.get("event") == "ready":
            self._ready += 1
            if self._ready >= len(self._book.numbers):
                self._all_ready.set()
        if "camera" in line and not self._stopping:
            self.moves.heard(line)

    # Cameras ---------------------------------------------------------------------------------------------------------

    async def assign(self) -> None:
        """Reads the cameras again and tells each worker what is new; what did not change is not touched."""
        async with self._assigning:
            await self._load()
            await self._start_missing()
            await self.workers.send_all_assignments()
            self._book.leaving = {}
            for number in [n for n in self.workers.processes if n not in self._book.numbers and not self._used(n)]:
                # Its only cameras were removed, or are others' now.
                self._keep_task(self.workers.processes[number].stop(), f"stop-recorder-{number}")

    async def _load(self) -> None:
        await self._book.load()
        await self._apart.release()
        self._book.unused()

    def _used(self, number: int) -> bool:
        return number in self._book.feeding or bool(self._book.mine(number))

    async def _start_missing(self) -> None:
        """Starts the workers that the book has and that do not run."""
        missing = [n for n in [*self._book.numbers, *sorted(self._book.feeding)] if n not in self.workers.processes]
        await asyncio.gather(*(self.workers.spawn(number) for number in missing))
        for number in missing:
            self._keep_task(self._keep(number), f"keep-recorder-{number}")

    async def follow_decisions(self) -> None:
        """Never ends: reassigns cameras whenever an order or a schedule begins or ends, or somebody else than the API
        changed a camera."""
        told_us = 0
        known: tuple[int, int] | None = None
        changes_us: int | None = None
        while True:
            at_us = now_us()
            try:
                if not told_us <= at_us < told_us + _TELL_EVERY_US:
                    await asyncio.to_thread(self._extend_schedules, at_us)
                    told_us = at_us
                # What a crash of whoever entered a decision left.
                await asyncio.to_thread(carry_out, self._prepared.database)
                found, next_us = await asyncio.to_thread(self._look, at_us)
                # At the first look, what was loaded at the start may be a second old.
                if found != known or (changes_us is not None and at_us >= changes_us):
                    await self.assign()
                known, changes_us = found, next_us
            except (sqlite3.Error, CatalogueError) as error:
                log.error("decisions can't be looked up, will try again: %s", error)
            wait_s = _LOOK_S if changes_us is None else min(_LOOK_S, max(0.0, (changes_us - now_us()) / 1e6))
            await asyncio.sleep(wait_s)

    def _look(self, at_us: int) -> tuple[tuple[int, int], int | None]:
        with self._prepared.database.read() as conn:
            return in_force.version(conn), in_force.next_change_us(conn, at_us)

    def _extend_schedules(self, at_us: int) -> None:
        with self._prepared.database.write() as conn:
            extend_schedules(conn, node_id=self._prepared.node, now_us=at_us)

    def hold(self, held: HeldCameras) -> None:
        """Of a fleet of several machines these cameras are this one's, from the next ``assign`` on."""
        self._book.held = held

    def known(self) -> tuple[Mapping[str, CameraSettings], Mapping[str, int]]:
        """All cameras that are known here, whoever records them, and the measured bitrates of those that are recorded
        here, bits per second."""
        return self._book.known, self._book.bitrates

    def pause(self, cameras: Iterable[str]) -> None:
        """These cameras, and no others, do not record for want of space, from the next ``assign`` on."""
        self._book.paused = frozenset(cameras)

    async def _balance(self) -> None:
        """Moves cameras from a worker that carries clearly more than the others."""
        while True:
            await asyncio.sleep(self._balance_s)
            try:
                await self.assign()
            except (sqlite3.Error, CatalogueError) as error:
                log.error("the cameras' bitrates can't be read: %s", error)
                continue
            await self.moves.move(self._book.planned(_MOST_MOVES))

    async def add_root(self, root: Root) -> None:
        """A footage root came, or came back."""
        async with self._assigning:
            await self.workers.add_root(root)

    # Workers that end ------------------------------------------------------------------------------------------------

    async def _keep(self, number: int) -> None:
        """Starts a worker that ended again, at once the first two times; its cameras' gap says ``recorder_crashed``."""
        in_a_row = 0
        while True:
            worker = self.workers.processes[number]
            code, culprit, text, certain = await worker.ended()
            if self._stopping:
                return
            if number not in self._book.numbers and not self._used(number):
                del self.workers.processes[number]
                return
            log.error("recorder-%d ended with code %d: its cameras are taken up again", number, code)
            if text:
                log.error("recorder-%d, at work for camera %s: %s", number, culprit, text.strip())
            async with self._assigning:
                well = time.monotonic() - worker.child.started > _WELL_AFTER_S
                in_a_row = 0 if well else in_a_row + 1
                # It opens its catalogue and its disks while what the dead one left is taken over.
                ready = asyncio.create_task(self.workers.begin(number)) if in_a_row <= _AT_ONCE else None
                await self._buried(number, code, culprit)
                if culprit is not None and await self._apart.accuse(culprit, text, certain=certain):
                    # What it died of stays away from now on.
                    in_a_row = 0
                if in_a_row > _AT_ONCE:
                    await asyncio.sleep(_WAITS.after(in_a_row - _AT_ONCE))
                if ready is None:
                    if self._stopping:
                        return
                    ready = asyncio.create_task(self.workers.begin(number))
                await ready
                if self._stopping:
                    return
                await self.workers.send_assignments(number)

    async def _buried(self, number: int, code: int, culprit: str | None) -> None:
        """``_bury``, until the catalogue and the disks let it: a worker's cameras must not wait for a restart because
        of one failure."""
        while not self._stopping:
            try:
                await self._bury(number, code, culprit)
            except (sqlite3.Error, OSError, StorageError) as error:
                log.error("recorder-%d: what it left can't be taken over yet: %s", number, error)
                await asyncio.sleep(1.0)
            else:
                return

    async def _bury(self, number: int, code: int, culprit: str | None) -> None:
        """Takes over what a dead worker left: its files are adopted, its cameras get a new epoch. Cameras on the move
        stay with the other one."""
        for id_, moving in list(self._book.moving.items()):
            if moving.move.target == number:
                # Of a change of source it is not known what came of it: it may be tried again.
                await self.moves.abandon(id_)
            elif moving.move.source == number and not moving.alone:
                # The target tries already, and now it is the only one.
                self._book.hand_over(id_)
                moving.alone = True
                if moving.reading is None:
                    del self._book.moving[id_]
                await self.workers.send_assignments(moving.move.target)
        mine = self._book.mine(number)
        detail: dict[str, Any] = {"worker": number, "code": code}
        if culprit is not None:
            detail["at_work_for"] = culprit
        epoch = await self._book.next_epoch()
        # Before adoption goes on in the background: whoever wants to write waits for it.
        await self._book.grant(mine)
        await asyncio.to_thread(self.workers.adopt, number, mine, detail, epoch)

    async def stop(self) -> None:
        """Ends every worker; all at once, each within its time."""
        self._stopping = True
        self._apart.stop()
        await self.workers.stop()
        for task in list(self._tasks):
            task.cancel()
