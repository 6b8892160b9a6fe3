"""Live pictures cut into parts that any cache may keep, so that thousands watch a camera for what one costs: an HLS
playlist of the last seconds, and parts of two seconds that never change.

For one event loop. Invariant: what came while nobody was allowed to see it is never shown later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final, Protocol

from nvr.playback.live.channel import LiveViewer
from nvr.playback.live.cutter import PartCutter
from nvr.playback.live.streams import WatchedCamera

__all__ = ["LiveParts", "LiveSource", "TooManyLive"]

_MOST_CAMERAS: Final = 48
_LINGER_S: Final = 12.0
_LOOK_S: Final = 1.0
# For the first part to come: the distance of two keyframes and a connection.
_PATIENCE_S: Final = 8.0


class TooManyLive(Exception):
    """So many cameras are shown live already that no other can be."""


class LiveSource(Protocol):
    """What gives viewers their cameras, as ``LiveStreams`` does."""

    def watching(self, viewer: LiveViewer, cameras: Sequence[WatchedCamera]) -> AbstractContextManager[None]:
        """While this lasts the viewer has these cameras."""


@dataclass
class _Shown:
    cutter: PartCutter
    joined: ExitStack
    allowed: Callable[[], Awaitable[bool]]
    generation: int
    asked_s: float


class LiveParts:
    """One for the whole application. ``close`` at the end."""

    def __init__(self, streams: LiveSource, *, linger_s: float = _LINGER_S) -> None:
        self._streams = streams
        self._linger_s = linger_s
        self._shown: dict[str, _Shown] = {}
        self._task: asyncio.Task[None] | None = None
        self._generation = 0

    @property
    def cameras(self) -> frozenset[str]:
        """Those that are read now."""
        return frozenset(self._shown)

    def forget(self) -> None:
        """What has come of any camera may not be shown any more: a view was cut. From any thread."""
        self._generation += 1

    async def playlist(
        self, camera: str, watched: Callable[[], Awaitable[WatchedCamera]], allowed: Callable[[], Awaitable[bool]]
    ) -> str | None:
        """The playlist of a camera; the first waits for something to come. None: nothing does, or nothing without
        sound. ``watched``: what is to be read, asked once; ``allowed``: whether that may go on, asked each second.

        Raises:
            TooManyLive: so many are shown that this one can't be.
        """
        found = self._of(camera)
        if found is None:
            what = await watched()
            # Another may have come meanwhile.
            found = self._of(camera) or self._open(camera, what, allowed)
        found.asked_s = time.monotonic()
        cutter, until_s = found.cutter, time.monotonic() + _PATIENCE_S
        while not cutter.parts and not cutter.has_sound and (left_s := until_s - time.monotonic()) > 0:
            cutter.came.clear()
            try:
                await asyncio.wait_for(cutter.came.wait(), left_s)
            except TimeoutError:
                break
        if self._of(camera) is not found or not cutter.parts or cutter.has_sound:
            return None
        return cutter.text()

    def bytes_of(self, camera: str, name: str) -> bytes | None:
        """A part or an init that a playlist of this camera names, if it is still here."""
        found = self._of(camera)
        return None if found is None else found.cutter.bytes_of(name)

    def _of(self, camera: str) -> _Shown | None:
        found = self._shown.get(camera)
        if found is not None and found.generation != self._generation:
            self.drop(camera)
            return None
        return found

    def _open(self, camera: str, what: WatchedCamera, allowed: Callable[[], Awaitable[bool]]) -> _Shown:
        if len(self._shown) >= _MOST_CAMERAS:
            raise TooManyLive
        cutter, joined = PartCutter(), ExitStack()
        joined.enter_context(self._streams.watching(cutter, [what]))
        found = self._shown[camera] = _Shown(cutter, joined, allowed, self._generation, time.monotonic())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="live-parts")
        return found

    def drop(self, camera: str) -> None:
        """Reads it no more, and shows nothing of what came."""
        if (found := self._shown.pop(camera, None)) is not None:
            found.joined.close()

    async def _look(self) -> None:
        """Ends what nobody asks for, and what may not go on."""
        while self._shown:
            await asyncio.sleep(_LOOK_S)
            for camera, one in list(self._shown.items()):
                idle = time.monotonic() - one.asked_s > self._linger_s or one.generation != self._generation
                if idle or not await one.allowed():
                    self.drop(camera)

    async def close(self) -> None:
        """Ends all."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for camera in list(self._shown):
            self.drop(camera)
