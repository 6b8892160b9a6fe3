"""One camera's pictures for all who watch it now: what a new viewer needs to begin at once, and who gets what comes.

For one event loop. Invariant: a viewer that is too slow loses whole stretches up to a keyframe, never a fragment in
between, and holds up nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from nvr.playback.live.wire import LiveInit, NoPicture, away_message, fragment_message, init_message, ping

__all__ = ["LiveChannel", "LiveFragment", "LiveViewer"]

# Since the last keyframe: ten seconds of 4 Mbit/s. What is more has no keyframe for very long.
_MOST_TAIL_BYTES: Final = 8 << 20
# That waits for one viewer, of all cameras.
_MOST_WAITING_BYTES: Final = 12 << 20
_PING_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class LiveFragment:
    """``moof`` and ``mdat``, shown ``[start_us, end_us)``; ``sync``: it begins with a keyframe."""

    start_us: int
    end_us: int
    sync: bool
    data: bytes


class LiveViewer:
    """Somebody who watches several cameras at once, by their numbers."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._there = asyncio.Event()
        # Cameras of which nothing is wanted before the next keyframe.
        self._behind: set[int] = set()
        self.dropped = 0
        """Fragments that it did not get, since it was too slow."""

    def put(self, tile: int, message: bytes, *, sync: bool = False, droppable: bool = False) -> None:
        """Something came of a camera."""
        if droppable:
            if sync:
                self._behind.discard(tile)
            if tile in self._behind or self._bytes + len(message) > _MOST_WAITING_BYTES:
                self._behind.add(tile)
                self.dropped += 1
                return
        self._waiting.append(message)
        self._bytes += len(message)
        self._there.set()

    async def take(self, most_s: float = _PING_S) -> bytes:
        """What has come since; waits for it, ``most_s`` at most."""
        if not self._waiting:
            self._there.clear()
            try:
                await asyncio.wait_for(self._there.wait(), min(most_s, _PING_S))
            except TimeoutError:
                return ping()
        found = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return found


class LiveChannel:
    """Of one camera's one stream."""

    def __init__(self) -> None:
        self._init: tuple[LiveInit, bytes] | None = None
        self._tail: list[LiveFragment] = []
        self._tail_bytes = 0
        self._away: NoPicture | None = None
        self._viewers: dict[tuple[LiveViewer, int], None] = {}

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, viewer: LiveViewer, tile: int) -> None:
        """The viewer has all since the last keyframe at once, and then what comes."""
        self._viewers[viewer, tile] = None
        if self._init is not None:
            viewer.put(tile, init_message(tile, *self._init))
        for fragment in self._tail:
            self._give(viewer, tile, fragment)
        if self._away is not None:
            viewer.put(tile, away_message(tile, self._away))

    def leave(self, viewer: LiveViewer, tile: int) -> None:
        """The viewer is gone."""
        self._viewers.pop((viewer, tile), None)

    def begin(self, init: LiveInit, data: bytes) -> None:
        """What comes is decoded by this from now on."""
        self._init, self._tail, self._tail_bytes = (init, data), [], 0
        for viewer, tile in self._viewers:
            viewer.put(tile, init_message(tile, init, data))

    def add(self, fragment: LiveFragment) -> None:
        """A fragment came."""
        if fragment.sync:
            self._tail, self._tail_bytes = [], 0
        elif not self._tail and self._tail_bytes == 0:
            # A picture begins with a keyframe.
            return
        self._away = None
        if self._tail_bytes + len(fragment.data) <= _MOST_TAIL_BYTES:
            self._tail.append(fragment)
        else:
            self._tail = []
        self._tail_bytes += len(fragment.data)
        for viewer, tile in self._viewers:
            self._give(viewer, tile, fragment)

    def away(self, why: NoPicture) -> None:
        """No picture comes; what there was stays on the screen with why."""
        self._tail, self._tail_bytes = [], 0
        if why == self._away:
            return
        self._away = why
        for viewer, tile in self._viewers:
            viewer.put(tile, away_message(tile, why))

    @staticmethod
    def _give(viewer: LiveViewer, tile: int, fragment: LiveFragment) -> None:
        message = fragment_message(tile, fragment.start_us, fragment.end_us, fragment.data)
        viewer.put(tile, message, sync=fragment.sync, droppable=True)
