"""Cameras whose data crashed their recorder: each in a process of its own, tried again and again (``quarantine``
decides, this acts)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from nvr.recorder.sources.reading import settings_digest
from nvr.supervisor.assignments import Book
from nvr.supervisor.prepare import now_us
from nvr.supervisor.quarantine import Accusations, Confinement
from nvr.supervisor.workers import Workers
from storage.catalogue import quarantine
from storage.catalogue.database import Database

__all__ = ["Apart"]

log = logging.getLogger(__name__)

# So many are in their first seconds at a time: most crash again at once, and each start is most of a second of a core.
_MOST_STARTING: Final = 8
_SETTLED_S: Final = 10.0


class Apart:
    """``keep_task`` runs what goes on beside everything else; ``assigning`` is held while the book is changed."""

    def __init__(
        self,
        database: Database,
        book: Book,
        workers: Workers,
        assigning: asyncio.Lock,
        keep_task: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._database = database
        self._book = book
        self._workers = workers
        self._assigning = assigning
        self._keep_task = keep_task
        self._accusations = Accusations()
        self._starting = asyncio.Semaphore(_MOST_STARTING)
        self._stopping = False

    async def load(self) -> None:
        """Those of before the start, before any worker is started."""
        found = await asyncio.to_thread(self._read)
        for id_, row in found.items():
            log.warning("camera %s crashed its recorder %d times before the start: it stays apart", id_, row.crashes)
            self._book.confined[id_] = Confinement(id_, row.settings, row.crashes)

    def _read(self) -> dict[str, quarantine.Quarantined]:
        with self._database.read() as conn:
            return quarantine.list_all(conn)

    def begin(self) -> None:
        """Starts the workers of those that were loaded, at once."""
        for confined in self._book.confined.values():
            self._begin(confined, wait=False)

    def _begin(self, confined: Confinement, *, wait: bool) -> None:
        self._keep_task(self._record(confined, self._book.new_number(), wait=wait), f"confined-{confined.camera}")

    async def accuse(self, id_: str, text: str, *, certain: bool) -> bool:
        """A worker died at work for this camera. Says whether it is kept apart from now on."""
        if id_ not in self._book.cameras or id_ in self._book.confined:
            return False
        crashes = self._accusations.accuse(id_, time.monotonic(), certain=certain)
        if not self._accusations.suffices(id_):
            return False
        log.critical("camera %s crashed its recorder: it is kept apart from now on", id_)
        self._book.moving.pop(id_, None)
        confined = Confinement(id_, settings_digest(self._book.cameras[id_]), crashes)
        self._book.confined[id_] = confined
        # In the meantime a worker that shares cameras says why it is not recorded.
        home = self._book.shares[id_] = self._home(id_)
        await self._remember(confined, text)
        await self._workers.send_assignments(home)
        self._begin(confined, wait=True)
        return True

    def _home(self, id_: str) -> int:
        numbers = self._book.numbers
        home = self._book.shares.get(id_)
        return home if home in numbers else numbers[0]

    async def _remember(self, confined: Confinement, text: str) -> None:
        await asyncio.to_thread(self._put, confined, text)

    def _put(self, confined: Confinement, text: str) -> None:
        with self._database.write() as conn:
            quarantine.insert(
                conn, confined.camera, confined.settings, confined.crashes, now_us(), text.partition("\n")[0]
            )

    async def release(self) -> None:
        """Forgets those whose settings have changed, after the book was loaded: they are recorded beside others
        again."""
        released, self._book.released = self._book.released, set()
        for id_ in released:
            log.warning("camera %s has other settings now: it is recorded beside others again", id_)
            self._accusations.forget(id_)
            await asyncio.to_thread(self._forget, id_)

    def _forget(self, id_: str) -> None:
        with self._database.write() as conn:
            quarantine.release(conn, id_)

    def _here(self, confined: Confinement) -> bool:
        return self._book.confined.get(confined.camera) is confined and confined.camera in self._book.cameras

    async def _record(self, confined: Confinement, number: int, *, wait: bool) -> None:
        """Records a camera in a process of its own, again and again, with growing waits. In between another worker says
        why it is not."""
        id_ = confined.camera
        while not self._stopping and self._here(confined):
            if wait:
                await asyncio.sleep(confined.wait_s)
            wait = True
            async with self._starting:
                async with self._assigning:
                    if not self._here(confined) or self._stopping:
                        break
                    confined.waiting = False
                    home, self._book.shares[id_] = self._book.shares[id_], number
                    await self._book.grant([id_])
                    await self._workers.send_assignments(home, {id_: None})
                    await self._workers.spawn(number)
                worker = self._workers.processes[number]
                ending = asyncio.ensure_future(worker.ended())
                await asyncio.wait({ending}, timeout=_SETTLED_S)
            code, _, text, _ = await ending
            if self._stopping:
                return
            async with self._assigning:
                del self._workers.processes[number]
                if not self._here(confined):
                    break
                log.error("recorder-%d, of camera %s alone, ended with code %d: %s", number, id_, code, text.strip())
                confined.crashed(time.monotonic() - worker.child.started)
                detail = {**confined.detail, "worker": number, "code": code}
                epoch = await self._book.next_epoch()
                await asyncio.to_thread(self._workers.adopt, number, [id_], detail, epoch)
                await self._remember(confined, text)
                confined.waiting = True
                home = self._book.shares[id_] = self._book.numbers[0]
                await self._book.grant([id_])
                await self._workers.send_assignments(home)

    def stop(self) -> None:
        """No more attempts."""
        self._stopping = True
