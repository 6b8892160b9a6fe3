"""Cameras that change their worker: because the load is uneven, or because another source is to read them.

A move makes before it breaks: the target records before the source ends, where the camera allows two sessions. A change
of source is a trial: a camera that the other source can't record either goes back. Invariant: a camera's source
changes, or is tried to change, at most once in ``CHANGE_US``.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from nvr.recorder.assignments import Leaving
from nvr.recorder.sources.reading import CHANGE_US, Reading, by_settings, settings_digest
from nvr.sources import SOURCES, fallback
from nvr.supervisor.assignments import Book
from nvr.supervisor.balancing import Move
from nvr.supervisor.moving import Moving
from nvr.supervisor.prepare import now_us
from nvr.supervisor.workers import Workers
from storage.catalogue import status
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.errors import CatalogueError

__all__ = ["ALONE_S", "MOVE_S", "Moves"]

log = logging.getLogger(__name__)

MOVE_S: Final = 15.0
"""Until then the new worker of a camera that moves must have footage, or the old one gives it up first: some cameras
allow one session."""
ALONE_S: Final = 40.0
"""So long another source may take once it has a camera alone: two attempts, over one transport each, and a keyframe."""
# Cameras that send nothing are many when a switch is broken: of those few are tried at a time.
_MOST_SILENT: Final = 4
_MOVED: Final[Leaving] = (Cause.OVERLOAD.value, {"reason": "moved to another worker"})


class Moves:
    """``assigning`` is held while the book is changed; ``start_missing`` starts workers that the book has and that do
    not run; ``keep_task`` runs what goes on beside everything else."""

    def __init__(
        self,
        database: Database,
        book: Book,
        workers: Workers,
        assigning: asyncio.Lock,
        start_missing: Callable[[], Awaitable[None]],
        keep_task: Callable[[Coroutine[Any, Any, None], str], None],
        move_s: float = MOVE_S,
        alone_s: float = ALONE_S,
    ) -> None:
        self._database = database
        self._book = book
        self._workers = workers
        self._assigning = assigning
        self._start_missing = start_missing
        self._keep_task = keep_task
        self._move_s = move_s
        self._alone_s = alone_s
        self._silent = 0

    # What workers say ------------------------------------------------------------------------------------------------

    def heard(self, line: dict[str, Any]) -> None:
        """A worker's line about a camera; one of an epoch that is over is ignored."""
        event, id_, epoch = line.get("event"), line.get("camera", ""), line.get("epoch")
        moving = self._book.moving.get(id_)
        is_target = moving is not None and moving.epoch == epoch
        if not is_target and self._book.epochs.get(id_) != epoch:
            return
        if event == "recording" and moving is not None and is_target:
            moving.recording = True
            moving.news.set()
        elif event == "failed" and moving is not None and is_target:
            moving.failure = line["cause"]
        elif event == "unreadable":
            if moving is not None and is_target:
                moving.unreadable = True
                moving.news.set()
            elif moving is None:
                self._unreadable(id_, line["reason"], line["transport"], is_silent=line["silent"])
        elif event == "read":
            if moving is not None and is_target:
                moving.recording = True
                moving.news.set()
                if moving.reading is not None:
                    moving.reading = Reading(source=moving.reading.source, transport=line["transport"], worked=True)
            elif SOURCES[self._book.reading(id_).source].tries_transports:
                self._read(id_, line["transport"])
        elif event == "described":
            if moving is None:
                self._described(id_, line["sdp"])
            elif is_target:
                moving.sdp = line["sdp"]

    def _may_change(self, id_: str) -> bool:
        row = self._book.row(id_)
        is_free = id_ in self._book.cameras and id_ not in self._book.confined and id_ not in self._book.moving
        # A clock that was set back must not forbid it for longer than that.
        return is_free and (row is None or not 0 <= now_us() - row.changed_us < CHANGE_US)

    def _unreadable(self, id_: str, reason: str, transport: str, *, is_silent: bool) -> None:
        if not self._may_change(id_) or (is_silent and self._silent >= _MOST_SILENT):
            return
        reading = Reading(source=fallback(self._book.reading(id_).source).name, transport=transport)
        self._keep_task(self.change(id_, reading, reason, is_silent=is_silent), f"change-{id_}")

    def _read(self, id_: str, transport: str) -> None:
        """It is read over this transport."""
        row, source = self._book.row(id_), self._book.reading(id_).source
        reading = Reading(source=source, transport=transport, worked=True)
        if row is None and transport == by_settings(self._book.cameras[id_]).transport:
            return
        sdp, changed_us = (row.sdp, row.changed_us) if row is not None else (None, 0)
        log.info("camera %s: read over %s from now on", id_, transport.upper())
        self._keep_task(
            self._remember(id_, reading, sdp, f"footage came over {transport}", changed_us), f"remember-{id_}"
        )

    def _described(self, id_: str, sdp: str) -> None:
        row = self._book.row(id_)
        if row is None or row.source == by_settings(self._book.cameras[id_]).source or row.sdp == sdp:
            return
        if row.sdp is None:
            reading = Reading(source=row.source, transport=row.transport, worked=True)
            self._keep_task(self._remember(id_, reading, sdp, row.reason, row.changed_us), f"remember-{id_}")
        elif self._may_change(id_):
            usual = by_settings(self._book.cameras[id_])
            self._keep_task(self.change(id_, usual, "it describes itself otherwise", sdp=sdp), f"change-{id_}")

    async def _remember(self, id_: str, reading: Reading, sdp: str | None, reason: str, changed_us: int) -> None:
        try:
            await self._book.remember(id_, reading=reading, sdp=sdp, reason=reason, changed_us=changed_us)
        except (sqlite3.Error, CatalogueError) as error:
            log.error("camera %s: how it is read can't be kept: %s", id_, error)

    # Moves -----------------------------------------------------------------------------------------------------------

    async def move(self, planned: Sequence[Move]) -> None:
        """Moves cameras to other workers. Those that have changed their worker meanwhile, or are on the move, stay."""
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
            await self._workers.send_all_assignments()
        await asyncio.gather(*(self._finish(move.camera) for move in todo))

    async def _finish(self, id_: str) -> None:
        """The source gives the camera up as soon as the target records it; if that can't, it gives it up first."""
        moving = self._book.moving.get(id_)
        if moving is None:
            return
        await self._wait(moving, moving.until - time.monotonic())
        if not moving.recording:
            log.warning("camera %s allows no second session: it moves with a short gap", id_)
        async with self._assigning:
            if self._book.moving.get(id_) is moving:
                await self._settle(id_, None if moving.recording else _MOVED)

    async def _settle(self, id_: str, leaving: Leaving | None) -> None:
        self._book.hand_over(id_)
        move = self._book.moving.pop(id_).move
        await self._workers.send_assignments(move.source, {id_: leaving})
        await self._workers.send_assignments(move.target)

    async def _wait(self, moving: Moving, wait_s: float) -> None:
        """Until the target records the camera, or says that it can't, or the time is up."""
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                await moving.news.wait()
        except TimeoutError:
            pass

    # Changes of source -----------------------------------------------------------------------------------------------

    async def change(
        self, id_: str, reading: Reading, reason: str, *, sdp: str | None = None, is_silent: bool = False
    ) -> None:
        """Has another source read a camera, for this reason, and keeps to that if it can. ``sdp``: digest of the
        description it has now, if known."""
        self._silent += is_silent
        try:
            await self._change(id_, reading, reason, sdp)
        finally:
            self._silent -= is_silent

    async def _change(self, id_: str, reading: Reading, reason: str, sdp: str | None) -> None:
        async with self._assigning:
            if not self._may_change(id_):
                return
            settings = settings_digest(self._book.cameras[id_])
            move = Move(id_, self._book.shares[id_], self._book.room(reading.source))
            until = time.monotonic() + self._move_s
            moving = Moving(move, await self._book.next_epoch(), until, reading, settings, sdp)
            log.info("camera %s: %s; %s tries it", id_, reason, SOURCES[reading.source].title)
            self._book.moving[id_] = moving
            await self._start_missing()
            await self._workers.send_assignments(move.target)
        await self._wait(moving, self._move_s)
        if not moving.recording and not moving.unreadable and await self._alone(id_, moving, reason):
            await self._wait(moving, self._alone_s)
        async with self._assigning:
            if self._book.moving.get(id_) is not moving:
                return
            if moving.recording:
                await self._keep_to(id_, moving, reason)
            else:
                await self._give_back(id_, moving, reason)

    async def _alone(self, id_: str, moving: Moving, reason: str) -> bool:
        """The source ends first, since the camera may allow one session only. Not if it records and the target failed
        with something else."""
        async with self._assigning:
            if self._book.moving.get(id_) is not moving:
                return False
            records = await asyncio.to_thread(self._records, id_)
            if records and moving.failure not in (Cause.REJECTED, Cause.UNREACHABLE, Cause.ENDED, None):
                return False
            moving.alone = True
            self._book.hand_over(id_)
            leaving = (Cause.OVERLOAD.value, {"reason": f"read otherwise: {reason}"}) if records else None
            await self._workers.send_assignments(moving.move.source, {id_: leaving})
            await self._workers.send_assignments(moving.move.target)
        return True

    def _records(self, id_: str) -> bool:
        with self._database.read() as conn:
            found = status.find(conn, id_)
        return found is not None and found.state == "recording"

    async def _keep_to(self, id_: str, moving: Moving, reason: str) -> None:
        reading = moving.reading
        assert reading is not None
        log.warning("camera %s is read by %s from now on, since %s", id_, SOURCES[reading.source].title, reason)
        await self._remember(id_, reading, moving.sdp, reason, now_us())
        if moving.alone:
            del self._book.moving[id_]
            await self._workers.send_assignments(moving.move.target)
        else:
            await self._settle(id_, None)

    async def _give_back(self, id_: str, moving: Moving, reason: str) -> None:
        """The camera is its source's again, or still."""
        reading = moving.reading
        assert reading is not None
        row = self._book.row(id_)
        was = (
            Reading(source=row.source, transport=row.transport)
            if row is not None
            else by_settings(self._book.cameras[id_])
        )
        tried, again = SOURCES[reading.source].title, SOURCES[was.source].title
        log.warning("camera %s: %s does not record it either; %s goes on trying", id_, tried, again)
        await self._remember(id_, was, moving.sdp or (row.sdp if row is not None else None), reason, now_us())
        await self.abandon(id_)

    async def abandon(self, id_: str) -> None:
        """A change comes to nothing: the camera is its source's alone. ``assigning`` must be held."""
        moving = self._book.moving.pop(id_)
        if moving.alone:
            self._book.shares[id_] = moving.move.source
            await self._book.grant([id_])
            await self._start_missing()
            await self._workers.send_assignments(moving.move.target, {id_: None})
            await self._workers.send_assignments(moving.move.source)
        else:
            await self._workers.send_assignments(moving.move.target, {id_: None})
