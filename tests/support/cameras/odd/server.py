"""OddCameras: any number of odd cameras on one port, each under a path of its own, with a journal of what was sent.

Invariant: what a journal lists was handed to a client's connection, in this order.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from nvr.demo.rtsp import AccessUnit, Auth, DemoRequest, Hooks, Response, RtspServer, Stream
from nvr.demo.rtsp.auth import LoginVerdict
from nvr.demo.rtsp.connection import DemoConnection
from tests.support.cameras.clips import ClipTrack
from tests.support.cameras.odd.camera import Camera, Shot
from tests.support.cameras.odd.rtp import Rtp

__all__ = ["Journal", "OddCameras", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame that was sent. `true_us` is when what it shows happened, `at_us` when it was handed to the connection;
    both wall clock. `damaged`: what can't be decoded for what was lost of it."""

    number: int
    connection: int
    true_us: int
    at_us: int
    keyframe: bool
    hash: str
    damaged: bool


class Journal:
    """What one camera was asked and sent."""

    def __init__(self, camera: type[Camera]) -> None:
        self.camera = camera
        self.began_us = 0
        self.requests: list[tuple[int, DemoRequest]] = []
        self.sounds = 0
        self._sent: list[Sent] = []
        self._lock = threading.Lock()

    def add(self, entry: Sent) -> None:
        with self._lock:
            self._sent.append(entry)

    def sent(self) -> list[Sent]:
        """Every frame sent so far, of all connections in the order of sending."""
        with self._lock:
            return list(self._sent)

    def asked(self, method: str) -> int:
        """How often."""
        return sum(request.method == method for _, request in self.requests)


@dataclass(frozen=True, slots=True)
class _Numbered(AccessUnit):
    number: int = 0
    hash: str = ""


class _Film:
    """When the film of a camera began: at the first PLAY."""

    def __init__(self, camera: type[Camera], journal: Journal) -> None:
        self.camera = camera
        self.journal = journal
        self.began_s: float | None = None

    def begin(self) -> float:
        """The loop's time at which it began."""
        if self.began_s is None:
            now_s = asyncio.get_running_loop().time()
            self.began_s = now_s - self.camera.begins_at_s
            self.journal.began_us = time.time_ns() // 1000 - round(self.camera.begins_at_s * 1e6)
        return self.began_s


class _Video(Stream):
    def __init__(self, film: _Film, track: ClipTrack) -> None:
        super().__init__(track.codec, track.clock_rate, track.parameter_sets)
        self._film = film
        self._units = track.units

    async def subscribe(self, on_overrun: Callable[[], None]) -> AsyncIterator[AccessUnit]:
        loop = asyncio.get_running_loop()
        began_s = self._film.begin()
        joined_s = loop.time() - began_s
        group: list[Shot] = []
        for shot in self._film.camera.film():
            unit = self._units[shot.number % len(self._units)]
            if shot.due_s < joined_s - 1e-3:
                if self._film.camera.prebuffer:
                    group = [shot] if unit.keyframe else [*group, shot]
                continue
            for cached in group:
                yield self._numbered(cached)
            group = []
            if (wait_s := began_s + shot.due_s - loop.time()) > 0:
                await asyncio.sleep(wait_s)  # sleep: the camera's frame rate
            yield self._numbered(shot)

    def _numbered(self, shot: Shot) -> AccessUnit:
        unit = self._units[shot.number % len(self._units)]
        true_us = self._film.journal.began_us + round(shot.true_s * 1e6)
        return _Numbered(shot.pts, unit.payload, unit.keyframe, true_us, shot.number, unit.hash)


class _Sound(Stream):
    def __init__(self, film: _Film, track: ClipTrack, duration_s: float) -> None:
        super().__init__(track.codec, track.clock_rate, track.parameter_sets, channels=track.channels)
        self._film = film
        self._track = track
        self._duration_s = duration_s

    async def subscribe(self, on_overrun: Callable[[], None]) -> AsyncIterator[AccessUnit]:
        loop = asyncio.get_running_loop()
        began_s = self._film.begin()
        joined_s = loop.time() - began_s
        units, number = self._track.units, 0
        while True:
            rounds, index = divmod(number, len(units))
            due_s = units[index].due_s + rounds * self._duration_s
            pts = units[index].pts + round(rounds * self._duration_s * self.clock_rate)
            if due_s >= joined_s - 1e-3:
                if (wait_s := began_s + due_s - loop.time()) > 0:
                    await asyncio.sleep(wait_s)  # sleep: the track's rate
                wall_us = self._film.journal.began_us + round(due_s * 1e6)
                yield _Numbered(pts, units[index].payload, True, wall_us, number)
            number += 1


class OddCameras:
    """An RTSP server whose mounts are cameras: `cameras` by the name that is their path. Start and stop it on one event
    loop, or with `running`."""

    def __init__(self, cameras: Mapping[str, type[Camera]], *, port: int = 0) -> None:
        self.cameras = dict(cameras)
        self.journals = {name: Journal(camera) for name, camera in cameras.items()}
        mounts: dict[str, list[Stream]] = {}
        for name, camera in cameras.items():
            film, made = _Film(camera, self.journals[name]), camera.clip()
            sound = [_Sound(film, track, made.duration_s) for track in made.tracks[1:]]
            mounts[f"/{name}"] = [_Video(film, made.video), *sound]
        self.server = RtspServer(mounts, port=port, hooks=_OddHooks(self))

    def url(self, name: str) -> str:
        """The address that a recorder is given."""
        return self.cameras[name].url(self.server.url(f"/{name}"))

    async def start(self) -> str:
        await self.server.open()
        return self.server.url("/")

    async def stop(self) -> None:
        await self.server.release()


class _OddHooks(Hooks):
    """Applies the habits and writes the journals."""

    def __init__(self, owner: OddCameras) -> None:
        self._owner = owner
        self._sessions: dict[int, Camera] = {}
        self._names: dict[int, str] = {}
        self._auth: dict[str, Auth] = {
            name: auth for name, camera in owner.cameras.items() if (auth := camera.auth()) is not None
        }

    def _session(self, connection: DemoConnection, request: DemoRequest) -> Camera | None:
        """The camera of a connection, known from its first request on."""
        if (found := self._sessions.get(connection.number)) is not None:
            return found
        name = urlsplit(request.url).path.strip("/").partition("/")[0]
        if (camera := self._owner.cameras.get(name)) is None:
            return None
        self._names[connection.number] = name
        made = self._sessions[connection.number] = camera(connection, f"/{name}")
        return made

    def _journal(self, connection: DemoConnection) -> Journal:
        return self._owner.journals[self._names[connection.number]]

    async def asked(self, connection: DemoConnection, request: DemoRequest) -> DemoRequest:
        session = self._session(connection, request)
        if session is None:
            return request
        self._journal(connection).requests.append((time.time_ns() // 1000, request))
        return session.asked(request)

    async def answering(self, connection: DemoConnection, request: DemoRequest, response: Response) -> Response | bytes:
        session = self._session(connection, request)
        if session is None:
            return response
        auth = self._auth.get(self._names[connection.number])
        if auth is not None and request.method != "OPTIONS":
            verdict = auth.judge(request)
            if verdict is not LoginVerdict.ACCEPTED:
                response = Response(401, auth.challenges(stale=verdict is LoginVerdict.STALE))
        if request.method == "DESCRIBE" and response.status == 200:
            response = replace(response, body=session.describe(response.body.decode()).encode())
        answer = session.answer(request, response)
        if request.method == "PLAY" and isinstance(answer, Response) and answer.status == 200:
            session.playing = True
        return answer

    async def sending(
        self, connection: DemoConnection, track: int, unit: AccessUnit, packets: list[bytes]
    ) -> list[bytes]:
        session = self._sessions[connection.number]
        assert isinstance(unit, _Numbered)
        if track != 0:
            parsed = [Rtp.parse(packet) for packet in packets]
            numbers = [int.from_bytes(packet[2:4]) for packet in packets]
            for packet, number in zip(parsed, numbers, strict=True):
                packet.sequence = number
            return [packet.encode(packet.sequence or 0) for packet in session.sound(unit.number, parsed)]
        first = Rtp.parse(packets[0])
        if session.sequence is None:
            session.sequence = int.from_bytes(packets[0][2:4])
        payloads = session.payloads(unit.number, session.nals(unit.number, unit.payload))
        made = [replace(first, payload=payload, marker=n == len(payloads)) for n, payload in enumerate(payloads, 1)]
        encoded = []
        for packet in session.packets(unit.number, made):
            if packet.sequence is None:
                encoded.append(packet.encode(session.sequence))
                session.sequence = (session.sequence + 1) & 0xFFFF
            else:
                encoded.append(packet.encode(packet.sequence))
        return encoded

    async def writing(self, connection: DemoConnection, track: int, unit: AccessUnit, data: list[bytes]) -> list[bytes]:
        session = self._sessions[connection.number]
        assert isinstance(unit, _Numbered)
        if data and data[0][1] & 1 and data[0][5] == 200:
            report = session.report(data[0][4:])
            data[:1] = [data[0][:2] + len(report).to_bytes(2) + report] if report else []
        if track != 0:
            return await session.wire_sound(unit.number, data)
        return await session.wire(unit.number, data)

    def sent(self, connection: DemoConnection, track: int, unit: AccessUnit) -> None:
        journal = self._journal(connection)
        if track != 0:
            journal.sounds += 1
            return
        assert isinstance(unit, _Numbered)
        damaged = unit.number in self._sessions[connection.number].spoiled
        at_us = time.time_ns() // 1000
        journal.add(Sent(unit.number, connection.number, unit.wall_us, at_us, unit.keyframe, unit.hash, damaged))
