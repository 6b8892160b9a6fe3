"""The recorder workers' processes: starting them, telling them what is new, and taking over what a dead one left.

Invariant: no camera is given to a worker before the segments of its dead one are adopted, or left to the backlog with a
cause from their known end on.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nvr.config import Config
from nvr.recorder.assignments import Leaving
from nvr.supervisor.assignments import Book
from nvr.supervisor.patience import SILENT_S, longer
from nvr.supervisor.prepare import Prepared, now_us
from nvr.supervisor.worker_process import WorkerProcess
from storage.causes import Cause
from storage.disk.roots import Root
from storage.recovery.adopt import Loss
from storage.recovery.at_start import queue_unfinished, reconcile
from storage.writing import at_risk

__all__ = ["Workers"]

log = logging.getLogger(__name__)


class Workers:
    """``processes`` by their numbers; a number may get another process. ``on_line`` hears what they say. ``spares``
    were started before there was anything for them to do."""

    def __init__(
        self,
        config: Config,
        prepared: Prepared,
        book: Book,
        on_line: Callable[[dict[str, Any]], None],
        spares: Iterable[WorkerProcess] = (),
    ) -> None:
        self._config = config
        self._prepared = prepared
        self._book = book
        self._on_line = on_line
        self.processes: dict[int, WorkerProcess] = {}
        self._spares = list(spares)
        self._stopping = False
        self._silence_s = SILENT_S
        # What a dead worker had not synced was not forgotten yet.
        self._left = False

    async def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self._config, self._prepared.lock, self._on_line)
        await worker.child.start()
        return worker

    async def begin(self, number: int) -> None:
        """Starts the process of this number, or takes a spare one. It has no cameras until it is told."""
        spare: WorkerProcess | None = None
        while self._spares and spare is None:
            spare = self._spares.pop(0)
            if not spare.child.running:
                spare.forget()
                spare = None
        worker = self.processes[number] = spare or await self._start()
        worker.child.on_line = self._on_line
        if self._stopping:
            await worker.stop()
        else:
            await worker.begin(self._prepared, f"recorder-{number}", self._book.secrets)

    async def spawn(self, number: int) -> None:
        """``begin``, and gives it its cameras."""
        await self.begin(number)
        await self.send_assignments(number)

    async def keep_spare(self) -> None:
        """Starts a process ahead of need, if there are workers that feed FFmpeg: to start one takes most of a second,
        and longer on a busy machine, which an abort in FFmpeg would cost all cameras of its worker. Without such
        workers it is not worth its memory."""
        if self._book.feeding and not self._spares and not self._stopping:
            self._spares.append(await self._start())

    async def send_assignments(self, number: int, why: Mapping[str, Leaving | None] | None = None) -> None:
        """Sends a worker what is new. ``why`` cameras leave it that were not removed; None: another worker records them
        already."""
        worker = self.processes.get(number)
        if worker is not None:
            await worker.send_assignments(self._book.orders(number), {**self._book.leaving, **(why or {})})

    async def send_all_assignments(self) -> None:
        """Sends every worker what is new."""
        await asyncio.gather(*(self.send_assignments(number) for number in list(self.processes)))

    async def stop(self) -> None:
        """Ends every worker; all at once, each within its time."""
        self._stopping = True
        await asyncio.gather(*(worker.stop() for worker in [*self.processes.values(), *self._spares]))

    async def watch(self) -> None:
        """Never ends: kills a worker that hangs."""
        before = time.monotonic()
        forgetting: asyncio.Task[bool] | None = None
        while True:
            await asyncio.sleep(1.0)
            await self.keep_spare()
            now = time.monotonic()
            for worker in self.processes.values():
                child = worker.child
                child.patience.silence_s = self._silence_s
                if child.patience.turn(child.pid, now - before) and child.running:
                    log.error("%s has been silent for %d s and is killed", child.name, child.patience.passed_s)
                    self._silence_s = longer(self._silence_s)
                    child.patience.begins()
                    child.kill()
            before = now
            # Beside all this: of a slow disk it takes seconds, in which there would be no spare one.
            if forgetting is not None and forgetting.done():
                self._left, forgetting = self._left or not forgetting.result(), None
            elif forgetting is None and self._left and not self._prepared.backlog.keys():
                self._left = False
                forgetting = asyncio.create_task(asyncio.to_thread(self._forget_dead))

    def _forget_dead(self) -> bool:
        """All that dead workers left is adopted, and synced with that: else it would seem to grow older for a minute,
        and people would be told of it. False: not yet. Blocks."""
        try:
            with self._prepared.database.write() as conn:
                at_risk.keep_only(conn, self._alive())
        except sqlite3.Error as error:
            log.error("what dead recorders left still counts as lost by a power cut, will try again: %s", error)
            return False
        return True

    # What dead ones left ---------------------------------------------------------------------------------------------

    def adopt(self, number: int, mine: list[str], detail: dict[str, Any], epoch: int) -> None:
        """Adopts the segments that the dead process of this number left, of its cameras ``mine``. Blocks."""
        at_us = now_us()
        report = reconcile(
            self._prepared.database,
            self._prepared.roots.opened,
            node=self._prepared.node,
            epoch=epoch,
            cause=Cause.RECORDER_CRASHED,
            detail=detail,
            alive_us=at_us,
            now_us=at_us,
            only=mine,
            backlog=self._prepared.backlog,
            # Every file is read as a whole: that waits, and its cameras don't.
            patience_s=0.0,
        )
        # Of cameras that were on the move, or have moved while a disk was away, it holds some too.
        loss = Loss(Cause.RECORDER_CRASHED, detail, self._prepared.node, epoch)
        for root in self._prepared.roots.opened:
            self._queue_unfinished(root, loss)
        self._left = True
        log.info(
            "recorder-%d: %d segments adopted, %d bytes cut off, %d left to adopt while recording",
            number,
            report.adopted,
            report.cut_bytes,
            report.later,
        )

    def _alive(self) -> set[int]:
        """The process ids of all workers that run."""
        every = [worker.child for worker in [*self.processes.values(), *self._spares]]
        return {child.pid for child in every if child.running and child.pid is not None}

    def _living(self) -> set[int]:
        return {epoch for worker in self.processes.values() if worker.child.running for epoch in worker.epochs}

    def _queue_unfinished(self, root: Root, loss: Loss) -> int:
        return queue_unfinished(
            self._prepared.database,
            root,
            self._prepared.backlog,
            node=self._prepared.node,
            living=self._living(),
            loss=loss,
            now_us=now_us(),
        )

    async def add_root(self, root: Root) -> None:
        """A footage root came, or came back: what dead recorders left there is adopted from now on, and the workers use
        it."""
        epoch = await self._book.next_epoch()
        detail = {"error": "its disk was away", "root": str(root.path)}
        loss = Loss(Cause.DISK_ERROR, detail, self._prepared.node, epoch)
        left = await asyncio.to_thread(self._queue_unfinished, root, loss)
        log.warning("footage root %s is in use, with %d unfinished segments to adopt", root.path, left)
        await asyncio.gather(*(w.send_roots([(root.id, str(root.path))]) for w in self.processes.values()))
