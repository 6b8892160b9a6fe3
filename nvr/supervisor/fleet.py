"""The recorder workers' processes: what happens when one dies, and cameras that change their worker. What each has is in the ``Book``.

Invariant: no camera is given to a worker before the segments of its dead one are adopted.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from nvr.config import Config
from nvr.supervisor.book import Book, Moving
from nvr.supervisor.prepare import Prepared, now_us
from nvr.supervisor.quarantine import Accusations, Confinement
from nvr.supervisor.shares import Move
from nvr.supervisor.worker_process import WorkerProcess
from storage import in_force
from storage.adopt import Loss
from storage.causes import Cause
from storage.directing import tell_schedules
from storage.errors import CatalogueError, StorageError
from storage.reconcile import reconcile, take_up
from storage.roots import Root

__all__ = ["Fleet"]

log = logging.getLogger(__name__)

# A worker beats every second. One that is silent for this long hangs; after that the next one has longer, as it may be the machine.
_SILENT_S: Final = 15
_LONGEST_SILENCE_S: Final = 60
_WELL_AFTER_S: Final = 30.0
_LAST_WAIT_S: Final = 10.0
_BALANCE_S: Final = 60.0
# A decision that a command entered, or one that begins now, is seen within this time.
_LOOK_S: Final = 1.0
_TELL_EVERY_US: Final = 3600 * 1_000_000
_MOST_MOVES: Final = 8
# Until then the new worker of a camera that moves must have footage, or the old one gives it up first: some cameras allow one session.
_MOVE_S: Final = 15.0
_MOST_CONFINED: Final = 8


class Fleet:
    """All workers. Numbers up to the configured count share the cameras; higher ones hold a single camera that is kept apart."""

    def __init__(
        self, config: Config, prepared: Prepared, *, balance_s: float = _BALANCE_S, move_s: float = _MOVE_S
    ) -> None:
        self._config = config
        self._prepared = prepared
        self._balance_s = balance_s
        self._move_s = move_s
        self._workers: dict[int, WorkerProcess] = {}
        self._book = Book(prepared.database, range(1, config.server.worker_count + 1))
        self._last_number = config.server.worker_count
        self._accusations = Accusations()
        self._trying = asyncio.Semaphore(_MOST_CONFINED)
        self._silence_s = _SILENT_S
        self._tasks: set[asyncio.Task[None]] = set()
        self._assigning = asyncio.Lock()
        self._stopping = False

    async def start(self) -> None:
        """Starts every worker and gives each its cameras."""
        await self._book.load()
        await asyncio.gather(*(self._spawn(number) for number in self._book.numbers))
        for number in self._book.numbers:
            self._keep_task(self._keep(number), f"keep-recorder-{number}")
        self._keep_task(self._watch(), "watch-recorders")
        self._keep_task(self._balance(), "balance")

    def _keep_task(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s ended because of: %s", task.get_name(), error, exc_info=error)

    # Cameras ---------------------------------------------------------------------------------------------------------

    async def assign(self) -> None:
        """Reads the cameras again and tells each worker what is new; what did not change is not touched."""
        async with self._assigning:
            await self._book.load()
            await self._tell_all()
            for number in [n for n in self._workers if n not in self._book.numbers and not self._book.mine(n)]:
                # Its only camera was removed.
                self._keep_task(self._workers[number].stop(), f"stop-recorder-{number}")

    async def follow_decisions(self) -> None:
        """Never ends: assigns anew whenever an order or a schedule begins or ends, or somebody else than the API changed a camera."""
        told_us = 0
        known: tuple[int, int] | None = None
        changes_us: int | None = None
        while True:
            at_us = now_us()
            try:
                if not told_us <= at_us < told_us + _TELL_EVERY_US:
                    await asyncio.to_thread(self._tell_schedules, at_us)
                    told_us = at_us
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

    def _tell_schedules(self, at_us: int) -> None:
        with self._prepared.database.write() as conn:
            tell_schedules(conn, node_id=self._prepared.node, now_us=at_us)

    def pause(self, cameras: Iterable[str]) -> None:
        """These cameras, and no others, do not record for want of space, from the next ``assign`` on."""
        self._book.paused = frozenset(cameras)

    async def _tell_all(self, why: Mapping[str, str | None] | None = None) -> None:
        await asyncio.gather(*(self._tell(number, why) for number in list(self._workers)))

    async def _tell(self, number: int, why: Mapping[str, str | None] | None = None) -> None:
        await self._workers[number].tell(self._book.orders(number), why or {})

    # Workers ---------------------------------------------------------------------------------------------------------

    async def _spawn(self, number: int) -> None:
        worker = WorkerProcess(f"recorder-{number}", self._config, self._prepared, self._book.secrets, self._on_line)
        self._workers[number] = worker
        await worker.child.start()
        await self._tell(number)

    def _on_line(self, line: dict[str, Any]) -> None:
        moving = self._book.moving.get(line.get("camera", ""))
        if line.get("event") == "recording" and moving is not None and moving.epoch == line["epoch"]:
            moving.recording.set()

    async def _keep(self, number: int) -> None:
        """Starts a worker that ended again, at once the first time; its cameras' gap says ``recorder_crashed``."""
        wait_s = 0.0
        while True:
            worker = self._workers[number]
            code, culprit, text = await worker.ended()
            if self._stopping:
                return
            log.error("recorder-%d ended with code %d: its cameras are taken up again", number, code)
            if text:
                log.error("recorder-%d, at work for camera %s: %s", number, culprit, text.strip())
            async with self._assigning:
                await self._buried(number, code, culprit)
                well = time.monotonic() - worker.child.started > _WELL_AFTER_S
                wait_s = 0.0 if well else min(max(2 * wait_s, 0.5), _LAST_WAIT_S)
                if culprit is not None and self._accuse(culprit):
                    # What it died of stays away from now on.
                    wait_s = 0.0
                if wait_s > 0.5:
                    await asyncio.sleep(wait_s)
                if not self._stopping:
                    await self._spawn(number)

    async def _buried(self, number: int, code: int, culprit: str | None) -> None:
        """``_bury``, until the catalogue and the disks let it: a worker's cameras must not wait for a restart because of one failure."""
        while not self._stopping:
            try:
                await self._bury(number, code, culprit)
            except (sqlite3.Error, OSError, StorageError) as error:
                log.error("recorder-%d: what it left can't be taken over yet: %s", number, error)
                await asyncio.sleep(_LAST_WAIT_S / 10)
            else:
                return

    async def _bury(self, number: int, code: int, culprit: str | None) -> None:
        """Takes over what a dead worker left: its files are adopted, its cameras get a new epoch. Cameras on the move stay with the other one."""
        for id_, moving in list(self._book.moving.items()):
            if moving.move.source == number:
                # The target tries already, and now it is the only one.
                self._book.settle(id_)
                await self._tell(moving.move.target)
            elif moving.move.target == number:
                del self._book.moving[id_]
        mine = self._book.mine(number)
        detail: dict[str, Any] = {"worker": number, "code": code}
        if culprit is not None:
            detail["at_work_for"] = culprit
        await asyncio.to_thread(self._adopt, number, mine, detail, await self._book.next_epoch())
        await self._book.grant(mine)

    def _adopt(self, number: int, mine: list[str], detail: dict[str, Any], epoch: int) -> None:
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
        )
        # Of cameras that were on the move, or have moved while a disk was away, it holds some too.
        loss = Loss(Cause.RECORDER_CRASHED, detail, self._prepared.node, epoch)
        for root in self._prepared.roots.opened:
            self._take_up(root, loss)
        log.info(
            "recorder-%d: %d segments adopted, %d bytes cut off, %d left to adopt while recording",
            number,
            report.adopted,
            report.cut_bytes,
            report.later,
        )

    def _living(self) -> set[int]:
        return {epoch for worker in self._workers.values() if worker.child.running for epoch in worker.epochs}

    def _take_up(self, root: Root, loss: Loss) -> int:
        return take_up(
            self._prepared.database,
            root,
            self._prepared.backlog,
            node=self._prepared.node,
            living=self._living(),
            loss=loss,
            now_us=now_us(),
        )

    async def add_root(self, root: Root) -> None:
        """A footage root came, or came back: what dead recorders left there is adopted from now on, and the workers use it."""
        async with self._assigning:
            epoch = await self._book.next_epoch()
            detail = {"error": "its disk was away", "root": str(root.path)}
            loss = Loss(Cause.DISK_ERROR, detail, self._prepared.node, epoch)
            left = await asyncio.to_thread(self._take_up, root, loss)
            log.warning("footage root %s is back, with %d unfinished segments to adopt", root.path, left)
            await asyncio.gather(*(w.tell_roots([(root.id, str(root.path))]) for w in self._workers.values()))

    async def _watch(self) -> None:
        """Ends a worker that hangs. Silence is counted in turns of this loop: while this process itself was held up nobody was heard."""
        while True:
            await asyncio.sleep(1.0)
            for worker in self._workers.values():
                child = worker.child
                child.silent_ticks += 1
                if child.silent_ticks > self._silence_s and child.running:
                    log.error("%s has been silent for %d s and is killed", child.name, self._silence_s)
                    self._silence_s = min(2 * self._silence_s, _LONGEST_SILENCE_S)
                    child.silent_ticks = 0
                    child.kill()

    async def stop(self) -> None:
        """Ends every worker; all at once, each within its time."""
        self._stopping = True
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
        for task in list(self._tasks):
            task.cancel()

    # Balance ---------------------------------------------------------------------------------------------------------

    async def _balance(self) -> None:
        """Moves cameras from a worker that carries clearly more than the others."""
        while True:
            await asyncio.sleep(self._balance_s)
            try:
                async with self._assigning:
                    await self._book.load()
            except (sqlite3.Error, CatalogueError) as error:
                log.error("the cameras' bitrates can't be read: %s", error)
                continue
            await self.move(self._book.planned(_MOST_MOVES))

    async def move(self, planned: Sequence[Move]) -> None:
        """Moves cameras to other workers: the new one begins before the old one ends, where the camera allows that. Those that have changed their
        worker meanwhile, or are on the move, stay."""
        async with self._assigning:
            todo = [
                m for m in planned if self._book.shares.get(m.camera) == m.source and m.camera not in self._book.moving
            ]
            if not todo:
                return
            epoch = await self._book.next_epoch()
            until = time.monotonic() + self._move_s
            for move in todo:
                log.info("camera %s moves from recorder-%d to recorder-%d", move.camera, move.source, move.target)
                self._book.moving[move.camera] = Moving(move, epoch, until)
            await self._tell_all()
        await asyncio.gather(*(self._finish(move.camera) for move in todo))

    async def _finish(self, id_: str) -> None:
        """The source gives the camera up as soon as the target records it; if that can't, it gives it up first."""
        moving = self._book.moving.get(id_)
        if moving is None:
            return
        try:
            await asyncio.wait_for(moving.recording.wait(), max(0.0, moving.until - time.monotonic()))
            reason = None
        except TimeoutError:
            log.warning("camera %s allows no second session: it moves with a short gap", id_)
            reason = "moved to another worker"
        async with self._assigning:
            if self._book.moving.get(id_) is not moving:
                return
            self._book.settle(id_)
            await self._tell(moving.move.source, {id_: reason})
            await self._tell(moving.move.target)

    # Quarantine ------------------------------------------------------------------------------------------------------

    def _accuse(self, id_: str) -> bool:
        """A worker died at work for this camera. Says whether it is kept apart from now on."""
        if id_ not in self._book.cameras or id_ in self._book.confined:
            return False
        crashes = self._accusations.accuse(id_, time.monotonic())
        if not self._accusations.suffices(id_):
            return False
        log.critical("camera %s crashed its recorder %d times: it is kept apart", id_, crashes)
        self._book.moving.pop(id_, None)
        self._book.confined[id_] = Confinement(id_, crashes)
        self._last_number += 1
        work = self._try(self._book.confined[id_], self._book.shares[id_], self._last_number)
        self._keep_task(work, f"confined-{id_}")
        return True

    async def _try(self, confined: Confinement, home: int, number: int) -> None:
        """Records a camera in a process of its own, again and again, with growing waits. In between its old worker says why it does not."""
        id_ = confined.camera
        while not self._stopping and id_ in self._book.cameras:
            await asyncio.sleep(confined.wait_s)
            async with self._trying:
                async with self._assigning:
                    if id_ not in self._book.cameras or self._stopping:
                        break
                    confined.waiting = False
                    self._book.shares[id_] = number
                    await self._book.grant([id_])
                    await self._tell(home, {id_: None})
                    await self._spawn(number)
                worker = self._workers[number]
                code, _, text = await worker.ended()
                if self._stopping:
                    return
                async with self._assigning:
                    del self._workers[number]
                    if id_ not in self._book.cameras:
                        break
                    log.error(
                        "recorder-%d, of camera %s alone, ended with code %d: %s", number, id_, code, text.strip()
                    )
                    confined.crashed(time.monotonic() - worker.child.started)
                    detail = {**confined.detail, "worker": number, "code": code}
                    await asyncio.to_thread(self._adopt, number, [id_], detail, await self._book.next_epoch())
                    confined.waiting = True
                    self._book.shares[id_] = home
                    await self._book.grant([id_])
                    await self._tell(home)
        self._book.confined.pop(id_, None)
