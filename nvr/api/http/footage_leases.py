"""Leases of footage that is being sent: taken when it begins, renewed while it goes on, off the event loop, and at most
once a minute each."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from nvr.api.http.errors import ApiError
from nvr.api.http.pools import Pool
from storage.catalogue.database import Database
from storage.intervals import Interval
from storage.retention import leases

__all__ = ["Leases"]

log = logging.getLogger(__name__)

_LASTS_US: Final = 15 * 60 * 1_000_000
_RENEWED_AFTER_S: Final = 60.0
# More at once are renewed more often, never less.
_MOST: Final = 10_000


class Leases:
    """One for the whole application."""

    def __init__(self, database: Database, now_us: Callable[[], int], pool: Pool, *, most: int = _MOST) -> None:
        self._most = most
        self._pool = pool
        self._database = database
        self._now_us = now_us
        # Those that were taken longest ago first.
        self._taken: dict[tuple[str, Interval], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._taken) + len(self._tasks)

    def take(self, camera: str, footage: Interval) -> None:
        """Says that this range of a camera is being read. Returns at once."""
        now_s = time.monotonic()
        if now_s - self._taken.get((camera, footage), -_RENEWED_AFTER_S) < _RENEWED_AFTER_S:
            return
        self._taken.pop((camera, footage), None)
        self._taken[camera, footage] = now_s
        while len(self._taken) > self._most or now_s - next(iter(self._taken.values())) >= _RENEWED_AFTER_S:
            del self._taken[next(iter(self._taken))]
        task = asyncio.create_task(self._entered(camera, footage))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _entered(self, camera: str, footage: Interval) -> None:
        try:
            await self._pool.run(self._write, camera, footage)
        except ApiError as error:
            log.warning("camera %s: no lease of what is being read: %s", camera, error)

    def _write(self, camera: str, footage: Interval) -> None:
        now_us = self._now_us()
        try:
            with self._database.write() as conn:
                leases.take(conn, camera, *footage, now_us=now_us, until_us=now_us + _LASTS_US)
        except sqlite3.Error as error:
            # What is being sent has its files open; only a later request might find them gone.
            log.warning("camera %s: no lease of what is being read: %s", camera, error)

    async def settled(self) -> None:
        """When all that were taken are written."""
        await asyncio.gather(*self._tasks)
