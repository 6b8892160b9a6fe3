"""``python -m nvr.devices.events``: kept by the supervisor as long as ``[events]`` wants any, configured by JSON lines
on stdin; asks each device of a camera that is chosen for its events, and keeps them as marks. Ends by SIGTERM, with
stdin, or when nothing is wanted any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from nvr import core_dumps, niceness
from nvr import log as logs
from nvr.cameras import marks
from nvr.devices.events.choosing import EventSource, chosen, set_state, state_of
from nvr.devices.events.folding import FoldedMark, merged
from nvr.devices.events.settings import EventSettings
from nvr.devices.events.watcher import DeviceWatcher
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.errors import CatalogueError
from storage.sentences import Sentence

log = logging.getLogger(__name__)

_LOOK_S: Final = 10.0
_WRITE_S: Final = 1.0
# What waits to be written while the catalogue can't be: the oldest of it goes first.
_MOST_WAITING: Final = 50_000
_ENDS_S: Final = 4.0


class EventProcess:
    """All devices that are asked."""

    def __init__(self, settings: EventSettings) -> None:
        self.settings = settings
        # An event that a power loss takes is no loss.
        self._db = Database(Path(settings.catalogue), durable=False)
        self._tasks: dict[str, tuple[EventSource, asyncio.Task[None]]] = {}
        self._marks: dict[str, tuple[str, FoldedMark]] = {}
        self._states: dict[str, tuple[str, int, Sentence | None]] = {}
        self._turn_s = 0.0

    async def run(self) -> None:
        """Until nothing is wanted any more, or it is cancelled."""
        LEDGER.open(self._db)
        writing = asyncio.create_task(self._write_on())
        known: tuple[object, ...] | None = None
        try:
            await asyncio.to_thread(self._close_old)
            while self.settings.kinds:
                try:
                    known = await self._follow(known)
                except (sqlite3.Error, CatalogueError) as error:
                    log.error("which devices are to be asked for events can't be read, will try again: %s", error)
                await asyncio.sleep(_LOOK_S)
        finally:
            writing.cancel()
            tasks = [task for _, task in self._tasks.values()]
            for task in tasks:
                task.cancel()
            if tasks:
                # Devices are told that it is over: many have room for three subscriptions.
                await asyncio.wait(tasks, timeout=_ENDS_S)
            with contextlib.suppress(sqlite3.Error, CatalogueError):
                await self._flush()
                await asyncio.to_thread(self._close_old)
            await asyncio.to_thread(LEDGER.close)
            await asyncio.to_thread(self._db.close)

    def _close_old(self) -> None:
        with self._db.write() as conn:
            marks.close_all(conn)
            conn.execute("DELETE FROM event_source")

    async def _follow(self, known: tuple[object, ...] | None) -> tuple[object, ...]:
        """Asks those that are to be asked now, and no others."""
        kinds = self.settings.kinds

        def read() -> tuple[tuple[object, ...], dict[str, EventSource] | None]:
            with self._db.read() as conn:
                state = state_of(conn, kinds)
                return state, None if state == known else chosen(conn, kinds)

        state, found = await asyncio.to_thread(read)
        if found is None:
            return state
        for id_, (source, task) in list(self._tasks.items()):
            if found.get(id_) != source:
                task.cancel()
                del self._tasks[id_]
                self._states[id_] = ("", 0, None)
        for id_, source in found.items():
            if id_ not in self._tasks:
                watcher = DeviceWatcher(
                    source,
                    on_marks=self._keep,
                    on_state=lambda state, why, id_=id_: self._note(id_, state, why),  # type: ignore[misc]
                    turn=self._turn,
                )
                self._tasks[id_] = source, asyncio.create_task(self._watched(id_, watcher))
        log.info("%d devices are asked for events", len(self._tasks))
        return state

    async def _watched(self, device: str, watcher: DeviceWatcher) -> None:
        try:
            await watcher.run()
        except Exception:
            log.exception("asking device %s for events failed: report this, with these lines", device)

    async def _turn(self) -> None:
        now_s = time.monotonic()
        self._turn_s = max(now_s, self._turn_s + 1 / self.settings.rate)
        await asyncio.sleep(self._turn_s - now_s)

    def _keep(self, camera: str, changed: Sequence[FoldedMark]) -> None:
        for mark in changed:
            before = self._marks.pop(mark.id, None)
            one = mark if before is None else merged([before[1], mark])[0]
            self._marks[mark.id] = camera, one
        while len(self._marks) > _MOST_WAITING:
            # The catalogue can't be written to, which is said each second.
            self._marks.pop(next(iter(self._marks)))

    def _note(self, device: str, state: str, why: Sentence | None) -> None:
        self._states[device] = state, time.time_ns() // 1000, why

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_S)
            try:
                await self._flush()
            except (sqlite3.Error, CatalogueError) as error:
                log.error("%d marks can't be written, will try again: %s", len(self._marks), error)

    async def _flush(self) -> None:
        """Writes what waits; what can't be written waits on."""
        waiting, self._marks = self._marks, {}
        states, self._states = self._states, {}
        try:
            await asyncio.to_thread(self._write, list(waiting.items()), list(states.items()))
        except BaseException:
            later, self._marks = self._marks, waiting
            for camera, mark in later.values():
                self._keep(camera, [mark])
            self._states = {**states, **self._states}
            raise

    def _write(
        self,
        waiting: Sequence[tuple[str, tuple[str, FoldedMark]]],
        states: Sequence[tuple[str, tuple[str, int, Sentence | None]]],
    ) -> None:
        now_us = time.time_ns() // 1000

        def write_mark(conn: sqlite3.Connection, one: tuple[str, tuple[str, FoldedMark]]) -> None:
            id_, (camera, mark) = one
            marks.put(
                conn, id_, camera, mark.kind, mark.start_us, mark.end_us,
                is_on=mark.is_on, count=mark.count, detail=mark.detail, now_us=now_us,
            )  # fmt: skip

        def write_state(conn: sqlite3.Connection, one: tuple[str, tuple[str, int, Sentence | None]]) -> None:
            device, (state, at_us, why) = one
            set_state(conn, device, state, at_us, why)

        in_slices(self._db, waiting, write_mark)
        in_slices(self._db, states, write_state)


def main() -> None:
    core_dumps.forbid()
    # Below recording, and below whatever people wait for.
    niceness.lower(7)
    # A connection a device.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_run())


async def _run() -> None:
    loop = asyncio.get_running_loop()
    # The first line too: what reads a line of a pipe by itself may take the next ones along.
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = msgspec.json.decode(await reader.readline(), type=EventSettings)
    logs.setup("events", settings.log_level)
    process = EventProcess(settings)
    work = asyncio.create_task(process.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)

    async def listen() -> None:
        while line := await reader.readline():
            process.settings = msgspec.json.decode(line, type=EventSettings)
        work.cancel()

    listening = asyncio.create_task(listen())
    with contextlib.suppress(asyncio.CancelledError):
        await work
    listening.cancel()


if __name__ == "__main__":
    main()
