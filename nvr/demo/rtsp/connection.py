"""One client's connection: its RTSP session and the tasks that send its streams.

Invariant: whatever goes wrong here ends this connection only.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import sdp
from .auth import LoginVerdict
from .hooks import HangUp
from .message import DemoRequest, Interleaved, MessageError, Response, read_message
from .rtp import Packetiser, interleaved
from .stream import AccessUnit, Stream

if TYPE_CHECKING:
    from .server import RtspServer

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
# How long PLAY waits for the first unit of each stream, whose number and timestamp belong in RTP-Info.
_FIRST_UNIT_WAIT_S = 0.5
# How long a client may take to close after we have said that nothing more comes.
_LINGER_S = 1.0


@dataclass
class DemoTrack:
    """A stream that a client has set up."""

    index: int
    stream: Stream
    packetiser: Packetiser
    channel: int
    url: str
    units: AsyncIterator[AccessUnit] | None = None
    # The unit that PLAY waited for, or still waits for.
    first: "asyncio.Future[AccessUnit | None] | None" = None
    report_due_s: float = field(default=0.0)


class DemoConnection:
    """A client, from its TCP connection to its last packet. `number` counts the server's connections from 0."""

    def __init__(
        self, server: "RtspServer", number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.number = number
        self.reader = reader
        self.writer = writer
        self.tracks: dict[int, DemoTrack] = {}
        self.rtcp_received = 0
        self._session = secrets.token_hex(4)
        self._path: str | None = None
        self._senders: list[asyncio.Task[None]] = []
        self._is_ending = False

    async def run(self) -> None:
        """Serve the client until either side ends the connection."""
        try:
            await self.server.hooks.connected(self)
            await self._read()
        except (HangUp, MessageError, ConnectionError, TimeoutError):
            pass
        finally:
            await self._stop_senders()
            self.writer.close()
            # close() flushes, so it would wait without end for a client that does not read.
            asyncio.get_running_loop().call_later(_LINGER_S, self.abort)

    def abort(self) -> None:
        """Drop the client at once."""
        self.writer.transport.abort()

    async def _read(self) -> None:
        timeout_s = self.server.session_timeout_s if self.server.enforce_timeout else None
        while True:
            async with asyncio.timeout(timeout_s):
                message = await read_message(self.reader)
            match message:
                case None:
                    return
                case Interleaved():
                    self.rtcp_received += 1
                case DemoRequest():
                    if self._is_ending:
                        continue
                    message = await self.server.hooks.asked(self, message)
                    response = await self._answer(message)
                    answer = await self.server.hooks.answering(self, message, response)
                    data = answer if isinstance(answer, bytes) else answer.encode(message.headers.get("cseq", "0"))
                    self.writer.write(data)
                    await self.writer.drain()
                    if message.method == "PLAY" and isinstance(answer, Response) and answer.status == 200:
                        self._start_senders()
                    if message.method == "TEARDOWN":
                        return

    # Requests -------------------------------------------------------------------------------------------------------

    async def _answer(self, request: DemoRequest) -> Response:
        auth = self.server.auth
        if auth is not None and request.method != "OPTIONS":
            verdict = auth.judge(request)
            if verdict is not LoginVerdict.ACCEPTED:
                return Response(401, auth.challenges(stale=verdict is LoginVerdict.STALE))
        match request.method:
            case "OPTIONS":
                return Response(200, [("Public", _METHODS)])
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return self._setup(request)
            case "PLAY" | "PAUSE" | "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN":
                given = request.headers.get("session", "").partition(";")[0].strip()
                if (given or request.method in ("PLAY", "PAUSE")) and (given != self._session or not self.tracks):
                    return Response(454)
                if request.method == "PLAY":
                    return await self._play()
                if request.method == "PAUSE":
                    await self._stop_senders()
                return Response(200, [("Session", self._session)])
        return Response(501)

    def _describe(self, request: DemoRequest) -> Response:
        path = urlsplit(request.url).path.rstrip("/")
        streams = self.server.mounts.get(path)
        if streams is None:
            return Response(404)
        body = sdp.describe(streams, self.server.name, self.server.session_id, self.server.host)
        base = request.url.partition("?")[0].rstrip("/") + "/"
        return Response(200, [("Content-Base", base), ("Content-Type", "application/sdp")], body.encode())

    def _setup(self, request: DemoRequest) -> Response:
        path, _, control = urlsplit(request.url).path.rstrip("/").rpartition("/")
        # A client may put the query of its URL between the path and the control.
        control = control or urlsplit(request.url).query.rpartition("/")[2]
        streams = self.server.mounts.get(path)
        index = next((i for i in range(len(streams or ())) if sdp.control(i) == control), None)
        if streams is None or index is None or self._path not in (None, path):
            return Response(404)
        if self._senders:
            return Response(455)
        channel = _interleaved_channel(request.headers.get("transport", ""), 2 * index)
        if channel is None:
            return Response(461)
        stream = streams[index]
        packetiser = Packetiser(
            stream.codec,
            sdp.payload_type(stream, index),
            stream.clock_rate,
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(16),
            timestamp_base=secrets.randbits(32),
            aggregate=self.server.aggregate,
        )
        self._path = path
        self.tracks[index] = DemoTrack(index, stream, packetiser, channel, request.url)
        transport = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc={packetiser.ssrc:08X}"
        session = f"{self._session};timeout={self.server.session_timeout_s:g}"
        return Response(200, [("Transport", transport), ("Session", session)])

    async def _play(self) -> Response:
        """Subscribe to every stream; RTP-Info tells the client where each begins."""
        waiting = []
        for track in self.tracks.values():
            if track.units is None:
                track.units = track.stream.subscribe(self.abort)
                track.first = asyncio.ensure_future(_first(track.units))
                waiting.append(track.first)
        if waiting:
            await asyncio.wait(waiting, timeout=_FIRST_UNIT_WAIT_S)
        info = []
        for track in self.tracks.values():
            entry = f"url={track.url};seq={track.packetiser.sequence}"
            first = track.first.result() if track.first is not None and track.first.done() else None
            info.append(entry if first is None else f"{entry};rtptime={track.packetiser.timestamp(first.pts)}")
        return Response(200, [("Session", self._session), ("Range", "npt=now-"), ("RTP-Info", ",".join(info))])

    # Streams --------------------------------------------------------------------------------------------------------

    def _start_senders(self) -> None:
        if not self._senders:
            self._senders = [asyncio.create_task(self._send(track)) for track in self.tracks.values()]
            self._senders.append(asyncio.create_task(self._finish(tuple(self._senders))))

    async def _stop_senders(self) -> None:
        tasks: list[asyncio.Future[None]] = list(self._senders)
        self._senders.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for track in self.tracks.values():
            if track.first is not None:
                track.first.cancel()
                await asyncio.gather(track.first, return_exceptions=True)
            if track.units is not None and hasattr(track.units, "aclose"):
                await track.units.aclose()
            track.units = track.first = None

    async def _send(self, track: DemoTrack) -> None:
        """Send a stream's units until it ends."""
        if track.first is None or track.units is None:
            return
        hooks = self.server.hooks
        unit = await track.first
        track.first = None
        while unit is not None:
            packets = await hooks.sending(self, track.index, unit, track.packetiser.packets(unit))
            data = [interleaved(track.channel, packet) for packet in packets]
            if (now_s := time.monotonic()) >= track.report_due_s:
                # Before the first packet and then every few seconds: clients align streams by these reports.
                track.report_due_s = now_s + self.server.report_interval_s
                report = track.packetiser.sender_report(unit, time.time_ns() // 1000)
                data.insert(0, interleaved(track.channel + 1, report))
            self.writer.write(b"".join(await hooks.writing(self, track.index, unit, data)))
            hooks.sent(self, track.index, unit)
            await self.writer.drain()
            unit = await _first(track.units)

    async def _finish(self, senders: tuple[asyncio.Task[None], ...]) -> None:
        """When every stream has ended, or one has failed, end the connection."""
        done, _ = await asyncio.wait(senders, return_when=asyncio.FIRST_EXCEPTION)
        errors = [error for task in done if not task.cancelled() and (error := task.exception()) is not None]
        for error in errors:
            if isinstance(error, Exception) and not isinstance(error, (HangUp, ConnectionError)):
                self.server.failed(error)
        if all(isinstance(error, HangUp) for error in errors):
            # Half-close and let the client read to the end: a plain close may reset what is still under way.
            self._is_ending = True
            with contextlib.suppress(OSError):
                self.writer.write_eof()
            await asyncio.sleep(_LINGER_S)
        self.abort()


async def _first(units: AsyncIterator[AccessUnit]) -> AccessUnit | None:
    return await anext(units, None)


def _interleaved_channel(transport: str, default: int) -> int | None:
    """The RTP channel of the first TCP-interleaved transport a client offers; None when it offers none."""
    for offer in transport.split(","):
        parts = [part.strip() for part in offer.split(";")]
        if parts[0].upper() == "RTP/AVP/TCP":
            channels = next((part[12:] for part in parts if part.startswith("interleaved=")), str(default))
            first = channels.partition("-")[0]
            return int(first) if first.isdecimal() and int(first) < 255 else default
    return None
