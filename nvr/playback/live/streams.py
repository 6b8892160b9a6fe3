"""Which cameras are watched now, and by what: one channel a camera and stream, however many watch it, open for some
seconds after the last one left, so that a page that is opened anew finds it running.

For one event loop. Invariant: a camera has at most one connection for watching.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from nvr.playback.index_cache import IndexCache
from nvr.playback.live.channel import LiveChannel, LiveFragment, LiveViewer
from nvr.playback.live.process import WatchingProcess
from nvr.playback.live.recorded import follow_recorded
from nvr.playback.live.wire import LiveInit, NoPicture
from nvr.sources.watched import Watched
from storage.catalogue.database import Database

__all__ = ["LiveStreams", "WatchedCamera"]

_LINGER_S: Final = 8.0


def _wall_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class WatchedCamera:
    """``settings``: of its stream for watching, with their secrets; None: what is recorded of it is watched."""

    camera: str
    settings: dict[str, Any] | None


class LiveStreams:
    """One for the whole application. ``close`` at the end."""

    def __init__(
        self,
        database: Database,
        cache: IndexCache,
        *,
        log_level: str = "info",
        linger_s: float = _LINGER_S,
        wall_us: Callable[[], int] = _wall_us,
    ) -> None:
        self._database = database
        self._cache = cache
        self._linger_s = linger_s
        self._wall_us = wall_us
        self._live: dict[str, tuple[LiveChannel, dict[str, Any]]] = {}
        self._main: dict[str, tuple[LiveChannel, asyncio.Task[None]]] = {}
        self._lingering: dict[tuple[str, bool], asyncio.TimerHandle] = {}
        first = {"catalogue": str(database.path), "name": "watching", "log_level": log_level}
        self._process = WatchingProcess(first, self._heard, self._died)

    @contextmanager
    def watching(self, viewer: LiveViewer, cameras: Sequence[WatchedCamera]) -> Iterator[None]:
        """While this lasts the viewer has these cameras, numbered as they are here."""
        joined: list[tuple[LiveChannel, int, tuple[str, bool]]] = []
        try:
            for tile, one in enumerate(cameras):
                channel = self._channel(one)
                channel.join(viewer, tile)
                joined.append((channel, tile, (one.camera, one.settings is not None)))
            yield
        finally:
            for channel, tile, key in joined:
                channel.leave(viewer, tile)
                if not len(channel):
                    self._linger(key)

    def _channel(self, one: WatchedCamera) -> LiveChannel:
        key = one.camera, one.settings is not None
        if (handle := self._lingering.pop(key, None)) is not None:
            handle.cancel()
        if one.settings is None:
            found = self._main.get(one.camera)
            if found is None or found[1].done():
                channel = LiveChannel() if found is None else found[0]
                follow = follow_recorded(self._database, self._cache, one.camera, channel, self._wall_us)
                found = channel, asyncio.create_task(follow, name=f"live-{one.camera}")
                self._main[one.camera] = found
            return found[0]
        known = self._live.get(one.camera)
        if known is None or known[1] != one.settings:
            # The old connection is closed before another is made.
            channel = LiveChannel() if known is None else known[0]
            self._live[one.camera] = known = channel, one.settings
            self._process.open(one.camera, one.settings)
        return known[0]

    def _linger(self, key: tuple[str, bool]) -> None:
        if key not in self._lingering:
            loop = asyncio.get_running_loop()
            self._lingering[key] = loop.call_later(self._linger_s, self._left, key)

    def _left(self, key: tuple[str, bool]) -> None:
        self._lingering.pop(key, None)
        camera, is_live = key
        if is_live:
            if (known := self._live.get(camera)) is not None and not len(known[0]):
                del self._live[camera]
                self._process.close(camera)
        elif (found := self._main.get(camera)) is not None and not len(found[0]):
            del self._main[camera]
            found[1].cancel()

    def _heard(self, what: Watched, data: bytes) -> None:
        known = self._live.get(what.camera)
        if known is None:
            return
        channel = known[0]
        if what.kind == "init":
            channel.begin(LiveInit("live", what.codec, None, what.width, what.height), data)
        elif what.kind == "fragment":
            channel.add(LiveFragment(what.start_us, what.start_us + what.duration_us, what.sync, data))
        else:
            channel.away(NoPicture(what.cause or None, what.error))

    def _died(self) -> None:
        for channel, _ in self._live.values():
            channel.away(NoPicture(None, ""))

    async def close(self) -> None:
        """Ends all watching."""
        for handle in self._lingering.values():
            handle.cancel()
        tasks = [task for _, task in self._main.values()]
        for task in tasks:
            task.cancel()
        self._live.clear()
        await self._process.end()
        await asyncio.gather(*tasks, return_exceptions=True)
