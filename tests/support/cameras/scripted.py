"""ScriptedCamera: serves a known clip, misbehaves as told, and keeps a journal of every frame it sent.

Invariant: what the journal lists was handed to the client's connection, unchanged and in this order. The last entries
of a client may not have reached it when its connection broke.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from nvr.demo.rtsp import AccessUnit, Auth, DemoRequest, HangUp, Hooks, Response, RtspServer, Stream
from nvr.demo.rtsp.connection import DemoConnection

from .clips import Clip, ClipTrack
from .faults import Faults
from .frames import frame_hash, nals_hash


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame that was sent: to which client (counted from 0), of which track, its index in the clip and its hash.

    `index` goes on counting when a clip is repeated. `at_us` is the wall clock: microseconds, UTC, Unix epoch.
    """

    client: int
    track: int
    index: int
    pts: int
    keyframe: bool
    hash: str
    at_us: int


class Journal:
    """What was sent, by any thread to be read and waited for."""

    def __init__(self) -> None:
        self._entries: list[Sent] = []
        self._changed = threading.Condition()

    def add(self, entry: Sent) -> None:
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def entries(self, *, client: int | None = None, track: int | None = 0) -> list[Sent]:
        """Entries of one client (None: all) and one track (None: all), in the order of sending."""
        with self._changed:
            return [e for e in self._entries if client in (None, e.client) and track in (None, e.track)]

    def wait(self, count: int, *, timeout_s: float = 60.0, client: int | None = None, track: int | None = 0) -> None:
        """Wait until that many were sent; AssertionError when it takes too long."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.entries(client=client, track=track)) >= count, timeout_s)
        assert reached, f"only {len(self.entries(client=client, track=track))} of {count} frames sent in {timeout_s} s"


class ScriptedCamera:
    """An RTSP camera that plays `clip`.

    Every client gets the clip from its beginning, `speed` times as fast as filmed; with `shared` all watch the one
    film that began with the first of them. `at_end`: "close" ends the connection, "stall" keeps it and says nothing
    more, "repeat" goes on from the clip's beginning with continuous timestamps. The first `burst_s` seconds of media
    come at once, as from a camera that sends what it had cached.

    Start and stop it on one event loop, or with `running` from synchronous code.
    """

    def __init__(
        self,
        clip: Clip,
        *,
        speed: float = 1.0,
        shared: bool = False,
        at_end: str = "close",
        burst_s: float = 0.0,
        auth: Auth | None = None,
        faults: Faults | None = None,
        path: str = "/stream",
        port: int = 0,
        session_timeout_s: float = 60.0,
        enforce_timeout: bool = False,
        aggregate: bool = False,
    ) -> None:
        self.clip = clip
        # May be replaced while it runs: what it does wrong from then on.
        self.faults = faults or Faults()
        self.journal = Journal()
        self.requests: list[DemoRequest] = []
        self.path = path
        self._film = _Film(clip, speed, shared, at_end, burst_s)
        streams: list[Stream] = [_ScriptedStream(track, self._film) for track in clip.tracks]
        self.server = RtspServer(
            {path: streams},
            port=port,
            auth=auth,
            session_timeout_s=session_timeout_s,
            enforce_timeout=enforce_timeout,
            aggregate=aggregate,
            hooks=_ScriptHooks(self),
        )

    @property
    def url(self) -> str:
        return self.server.url(self.path)

    async def start(self) -> str:
        """Listen; the camera's URL."""
        await self.server.open()
        return self.url

    async def go_away(self) -> None:
        """Drop all clients and refuse new ones, until `start` is called again."""
        await self.server.close()

    async def stop(self) -> None:
        await self.server.release()


class _Film:
    """When each frame of a clip is sent."""

    def __init__(self, clip: Clip, speed: float, shared: bool, at_end: str, burst_s: float) -> None:
        self.duration_s = clip.duration_s
        self.speed = speed
        self.shared = shared
        self.at_end = at_end
        self.burst_s = burst_s
        self._began: float | None = None

    def begin(self) -> float:
        """The loop time at which the film that a new client watches began."""
        now = asyncio.get_running_loop().time()
        if self._began is None or not self.shared:
            self._began = now
        return self._began


class _ScriptedStream(Stream):
    def __init__(self, track: ClipTrack, film: _Film) -> None:
        super().__init__(track.codec, track.clock_rate, track.parameter_sets, channels=track.channels)
        self._track = track
        self._film = film

    async def subscribe(self, on_overrun: Callable[[], None]) -> AsyncIterator[AccessUnit]:
        loop = asyncio.get_running_loop()
        film, units = self._film, self._track.units
        joined = loop.time()
        began = film.begin()
        began_us = time.time_ns() // 1000 - round((joined - began) * 1e6)
        index = 0
        while film.at_end == "repeat" or index < len(units):
            rounds, number = divmod(index, len(units))
            unit = units[number]
            media_s = unit.due_s + rounds * film.duration_s
            due = began + max(0.0, media_s - film.burst_s) / film.speed
            index += 1
            # A client that comes late to a shared film has missed what was due before.
            if due < joined - 1e-3:
                continue
            if due > loop.time():
                await asyncio.sleep(due - loop.time())  # sleep: the camera's frame rate
            else:
                # Late, on a busy machine: the other tracks are as late, and a camera sends all of them by turns.
                await asyncio.sleep(0)
            pts = unit.pts + round(rounds * film.duration_s * self.clock_rate)
            wall_us = began_us + round((media_s - film.burst_s) / film.speed * 1e6)
            yield Numbered(pts, unit.payload, unit.keyframe, wall_us, index - 1)
        if film.at_end == "stall":
            await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Numbered(AccessUnit):
    """An access unit that knows its place in the clip."""

    index: int = 0


class _ScriptHooks(Hooks):
    """Applies the faults and writes the journal."""

    def __init__(self, camera: ScriptedCamera) -> None:
        self._camera = camera

    @property
    def _faults(self) -> Faults:
        return self._camera.faults

    async def connected(self, connection: DemoConnection) -> None:
        if self._faults.mute:
            await connection.reader.read(-1)
            raise HangUp
        if self._faults.garbage is not None:
            connection.writer.write(self._faults.garbage)
            await connection.writer.drain()
            await connection.reader.read(-1)
            raise HangUp

    async def answering(self, connection: DemoConnection, request: DemoRequest, response: Response) -> Response | bytes:
        self._camera.requests.append(request)
        return await self._faults.answer(request, response)

    async def sending(
        self, connection: DemoConnection, track: int, unit: AccessUnit, packets: list[bytes]
    ) -> list[bytes]:
        position = unit.index if isinstance(unit, Numbered) else 0
        return await self._faults.send(track, position, packets)

    def sent(self, connection: DemoConnection, track: int, unit: AccessUnit) -> None:
        codec = self._camera.clip.tracks[track].codec
        video = codec in ("h264", "h265")
        digest = nals_hash(codec, unit.payload) if video else frame_hash(codec, unit.payload[0])
        index = unit.index if isinstance(unit, Numbered) else 0
        at_us = time.time_ns() // 1000
        self._camera.journal.add(Sent(connection.number, track, index, unit.pts, unit.keyframe, digest, at_us))
