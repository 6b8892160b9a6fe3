"""Live view: low-latency HLS over the growing segment file. One watcher a camera, shared by all who watch it, at rest
when nobody does.

``EXT-X-PRELOAD-HINT`` says where the next part will begin. Its size is not known before it is written, so nothing
answers a fetch of it early: a blocked reload tells of a part as soon as it is there, one short request later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from nvr.playback.errors import LiveTooFarAhead, NotLive
from nvr.playback.hls.camera_watch import PATIENCE_S, CameraWatch
from nvr.playback.hls.names import INIT_FOLDER
from nvr.playback.index_cache import IndexCache
from storage.catalogue import status
from storage.catalogue.database import Database
from storage.coverage.runs import NotShown
from storage.errors import CatalogueError

__all__ = ["Live"]

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
# Of a camera whose recorder is quick: so often the size of its file is asked, and so often at most in a row.
_QUICK_POLL_S: Final = 0.03
_QUICK_POLLS: Final = 10
# Recorders are told again and again who is watched, and for how long that counts.
_TOLD_S: Final = 2.0
_TOLD_US: Final = 6_000_000
# So much longer while nobody waits for what comes next.
_UNHURRIED_S: Final = 0.4
# How long after the last request a camera still counts as watched: a few reloads.
_LINGER_S: Final = 15.0


def _wall_us() -> int:
    return time.time_ns() // 1000


class Live:
    """Live playlists of all cameras. For one event loop; ``close`` at its end. ``quick``: for so many cameras at most
    recorders are asked to be quick."""

    def __init__(
        self,
        database: Database,
        cache: IndexCache,
        *,
        init_folder: str = INIT_FOLDER,
        wall_us: Callable[[], int] = _wall_us,
        linger_s: float = _LINGER_S,
        quick: int = 0,
    ) -> None:
        self._most_quick = quick
        self._told: frozenset[str] = frozenset()
        self._telling: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        self._database = database
        self._cache = cache
        self._init_folder = init_folder
        self._wall_us = wall_us
        self._linger_s = linger_s
        self._watched: dict[str, _Watched] = {}

    async def playlist(
        self,
        camera: str,
        *,
        msn: int | None = None,
        part: int | None = None,
        breaks: bool = True,
        quick: bool = False,
    ) -> str:
        """The live playlist of a camera; ``breaks`` as of ``LiveWindow.text``. ``quick``: who watches is worth a quick
        recorder, if there are not too many already.

        With ``msn`` (and ``part``), as a player's ``_HLS_msn`` and ``_HLS_part`` ask,
        it is held back until it has that segment (that part), for at most three target durations; then it is answered
        as it is.

        Raises:
            NotLive: the camera is not being recorded.
            LiveTooFarAhead: ``msn`` can't be the next segment or the one after.
        """
        one = self._watched.get(camera)
        if one is None or one.task.done():
            watch = one.watch if one is not None else CameraWatch(self._database, self._cache, camera, self._wall_us)
            watch.restart()
            one = _Watched(watch, self._linger_s)
            # Of what nobody watches any more only what may be shown again is kept.
            self._watched = {name: other for name, other in self._watched.items() if other.is_of_use}
            self._watched[camera] = one
        if quick:
            one.quick_s = time.monotonic()
            if camera not in self._told and len(self._told) < self._most_quick:
                self._more.set()
                if self._telling is None or self._telling.done():
                    self._telling = asyncio.create_task(self._tell(), name="live-quick")
        return await one.playlist(msn, part, self._init_folder, breaks)

    def not_shown(self, camera: str) -> list[NotShown]:
        """What the last playlist of a camera does not show, since another run, the newest, recorded the same time."""
        one = self._watched.get(camera)
        return [] if one is None else sorted(one.watch.hidden.values(), key=lambda part: part.start_us)

    def __len__(self) -> int:
        return len(self._watched)

    @property
    def watched(self) -> frozenset[str]:
        """The cameras that are being polled."""
        return frozenset(camera for camera, one in self._watched.items() if not one.task.done())

    def _quick(self) -> frozenset[str]:
        """The cameras whose recorders are to be quick: who came first stays."""
        since_s = time.monotonic() - self._linger_s
        wanted = [camera for camera, one in self._watched.items() if one.quick_s >= since_s and not one.task.done()]
        wanted.sort(key=lambda camera: camera not in self._told)
        return frozenset(wanted[: self._most_quick])

    async def _tell(self) -> None:
        """Says whom recorders are to be quick for, as long as there is anybody."""
        while True:
            said = self._quick()
            for camera, one in self._watched.items():
                one.is_quick = camera in said
            try:
                await asyncio.to_thread(self._put, said)
            except (sqlite3.Error, CatalogueError) as error:
                log.warning("recorders can't be told who watches: %s", error)
            self._told = said
            if not said:
                return
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TOLD_S):
                    await self._more.wait()

    def _put(self, said: frozenset[str]) -> None:
        now_us = time.time_ns() // 1000
        with self._database.write() as conn:
            status.put_watched(conn, said, until_us=now_us + _TOLD_US, now_us=now_us)

    async def close(self) -> None:
        """Ends all watching."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        for one in self._watched.values():
            one.task.cancel()
        await asyncio.gather(*(one.task for one in self._watched.values()), return_exceptions=True)
        self._watched.clear()


class _Watched:
    """The task that polls for one camera, and those who wait for it."""

    def __init__(self, watch: CameraWatch, linger_s: float) -> None:
        self.watch = watch
        self._linger_s = linger_s
        self._changed = asyncio.Condition()
        self._asked_s = time.monotonic()
        self._waiting = 0
        self._hurry = asyncio.Event()
        self._polled = False
        self._failed: Exception | None = None
        # When somebody last asked for whom the recorder is to be quick, and whether it is.
        self.quick_s = float("-inf")
        self.is_quick = False
        self.task = asyncio.create_task(self._run(), name=f"live-{watch.camera}")

    @property
    def is_of_use(self) -> bool:
        """Whether its window would be shown to who asks now."""
        return not self.task.done() or time.monotonic() - self._asked_s < self._linger_s + 2 * PATIENCE_S

    async def _run(self) -> None:
        try:
            while self._waiting or time.monotonic() - self._asked_s < self._linger_s:
                news, not_live = await asyncio.to_thread(self.watch.poll)
                if self.watch.take(news, not_live) or not self._polled:
                    self._polled = True
                    async with self._changed:
                        self._changed.notify_all()
                await self._pause()
                if not self._waiting:
                    # Players that reload by the clock are not waiting for a part: each poll is a turn of a thread.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_UNHURRIED_S):
                            await self._hurry.wait()
                self._hurry.clear()
        except Exception as error:
            # Whoever waits must hear of it; the next request tries anew.
            self._failed = error
            async with self._changed:
                self._changed.notify_all()
        finally:
            self.watch.close()

    async def _pause(self) -> None:
        """Until it is worth a poll."""
        if not self.is_quick:
            await asyncio.sleep(_POLL_S)
            return
        for _ in range(_QUICK_POLLS):
            # A poll is a turn of a thread and reads the file; how long that is by now is known at once.
            await asyncio.sleep(_QUICK_POLL_S)
            if self.watch.has_grown:
                return

    async def playlist(self, msn: int | None, part: int | None, init_folder: str, breaks: bool) -> str:
        window = self.watch.window

        def is_ready() -> bool:
            if self._failed is not None or (self._polled and self.watch.not_live is not None):
                return True
            if not self._polled or not window.segments:
                return False
            return msn is None or window.has(msn, part) or msn > window.last[0] + 2

        self._asked_s = time.monotonic()
        self._waiting += 1
        self._hurry.set()
        try:
            async with self._changed:
                with contextlib.suppress(TimeoutError):
                    # Answered as it is, then: the player asks again.
                    async with asyncio.timeout(3 * window.target_s):
                        await self._changed.wait_for(is_ready)
        finally:
            self._waiting -= 1
            self._asked_s = time.monotonic()
        if self._failed is not None:
            raise self._failed
        if self.watch.not_live is not None:
            raise self.watch.not_live
        if not window.segments:
            raise NotLive(self.watch.camera, None, None)
        if msn is not None and msn > window.last[0] + 2:
            raise LiveTooFarAhead(msn, window.last[0])
        return window.text(init_folder, breaks=breaks)
