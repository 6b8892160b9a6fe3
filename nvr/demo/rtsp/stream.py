"""Streams of access units: what a camera publishes and what each client of the server reads.

Invariant: a subscription yields every unit published since it began, in order, or ends with its overrun callback.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "h265", "aac", "pcmu", "pcma"]

# Units a client may be behind before it is disconnected: about ten seconds of video. Memory is bounded per client.
QUEUE_LIMIT_UNITS = 256


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture or audio frame.

    `pts` is in ticks of the stream's clock rate (it may start anywhere and may be negative; only differences count on
    the wire). `payload` holds a picture's NAL units in order, without start codes, or the one frame of an audio codec
    (AAC without ADTS). `wall_us` is when it was captured: microseconds, UTC, Unix epoch.
    """

    pts: int
    payload: tuple[bytes, ...]
    keyframe: bool
    wall_us: int


class Stream(ABC):
    """One elementary stream that clients can subscribe to.

    `parameter_sets` is what the session description announces: VPS/SPS/PPS of video, the AudioSpecificConfig of AAC;
    it may be empty, then a client must find them in-band.
    """

    def __init__(
        self, codec: Codec, clock_rate: int, parameter_sets: tuple[bytes, ...] = (), *, channels: int = 1
    ) -> None:
        self.codec: Codec = codec
        self.clock_rate = clock_rate
        self.parameter_sets = parameter_sets
        self.channels = channels

    @property
    def is_video(self) -> bool:
        return self.codec in ("h264", "h265")

    @abstractmethod
    def subscribe(self, on_overrun: Callable[[], None]) -> AsyncIterator[AccessUnit]:
        """Units from now on. `on_overrun` is called, once, when the reader has fallen too far behind to be served."""


class Subscription(AsyncIterator[AccessUnit]):
    """A bounded queue between a live stream and one client."""

    def __init__(self, stream: "LiveStream", on_overrun: Callable[[], None]) -> None:
        self._stream = stream
        self._on_overrun = on_overrun
        self._queue: deque[AccessUnit] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, unit: AccessUnit) -> None:
        if self._ended:
            return
        if len(self._queue) >= QUEUE_LIMIT_UNITS:
            self.end()
            self._queue.clear()
            self._on_overrun()
            return
        self._queue.append(unit)
        self._wake.set()

    def end(self) -> None:
        """No more units: what is queued is still yielded."""
        self._ended = True
        self._stream.unsubscribe(self)
        self._wake.set()

    async def aclose(self) -> None:
        """Stop reading (the counterpart of an async generator's method, so that both kinds are closed alike)."""
        self._queue.clear()
        self.end()

    async def __anext__(self) -> AccessUnit:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()


class LiveStream(Stream):
    """A stream with one publisher and any number of readers, all on one event loop.

    With `burst` a new reader first gets everything since the last keyframe at once, as some cameras and relays do;
    without it a reader that comes in the middle of a group of pictures gets the rest of it, undecodable, like most.
    """

    def __init__(
        self,
        codec: Codec,
        clock_rate: int,
        parameter_sets: tuple[bytes, ...] = (),
        *,
        channels: int = 1,
        burst: bool = False,
    ) -> None:
        super().__init__(codec, clock_rate, parameter_sets, channels=channels)
        self._burst = burst
        self._group: list[AccessUnit] = []
        self._readers: set[Subscription] = set()

    def publish(self, unit: AccessUnit) -> None:
        """Hand a unit to every reader; never blocks."""
        if self._burst:
            # A keyframe that never comes must not grow the cache without end.
            if unit.keyframe or len(self._group) >= QUEUE_LIMIT_UNITS - 1:
                self._group.clear()
            if unit.keyframe or self._group:
                self._group.append(unit)
        for reader in tuple(self._readers):
            reader.put(unit)

    def subscribe(self, on_overrun: Callable[[], None]) -> Subscription:
        reader = Subscription(self, on_overrun)
        for unit in self._group:
            reader.put(unit)
        self._readers.add(reader)
        return reader

    def unsubscribe(self, reader: Subscription) -> None:
        self._readers.discard(reader)

    def end(self) -> None:
        """End every reader's stream and forget the cached group."""
        self._group.clear()
        for reader in tuple(self._readers):
            reader.end()
