"""Habits of sessions and connections: how they end, how many there may be, transports that are refused, passwords that
are wrong."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from nvr.demo.rtsp import Auth, DemoRequest, HangUp, Response
from tests.support.cameras.odd.camera import Camera, Shot
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp, interleaved


@habit(
    "udp-only",
    "SETUP for TCP is answered 461, for UDP 200",
    seen="VLC as a server, GStreamer with protocols=UDP, old encoders",
    right="the default settings find the transport, and remember it",
)
class UdpOnly(Camera):
    sources = ("auto",)
    limit = 1_000
    to: int | None = None
    _socket: socket.socket | None = None

    def asked(self, request: DemoRequest) -> DemoRequest:
        if request.method != "SETUP":
            return request
        if (found := re.search(r"client_port=(\d+)", request.headers.get("transport", ""))) is None:
            return request
        self.to = int(found[1])
        headers = {**request.headers, "transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        return replace(request, headers=headers)

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and response.status == 200:
            if self.to is None:
                self.connection.tracks.clear()
                return Response(461)
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 0))
            own = self._socket.getsockname()[1]
            transport = f"RTP/AVP;unicast;client_port={self.to}-{self.to + 1};server_port={own}-{own + 1}"
            kept = [(name, value) for name, value in response.headers if name != "Transport"]
            response.headers = [("Transport", transport), *kept]
        return response

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        assert self._socket is not None and self.to is not None
        for frame in data:
            self._socket.sendto(frame[4:], ("127.0.0.1", self.to + (frame[1] & 1)))
        return []


@habit(
    "mute-over-tcp",
    "over TCP all is answered 200 and nothing ever comes; over UDP it plays",
    seen="cameras that Hikvision's and others' users are advised to read over UDP (webrtc-streamer #174)",
    right="the default settings find the transport, and remember it",
)
class MuteOverTcp(UdpOnly):
    settings: ClassVar[dict[str, Any]] = {"stall_timeout": "3s"}

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and self.to is None:
            return response
        return super().answer(request, response)

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if self.to is None:
            raise NotSentError
        return await super().wire(number, data)


class NotSentError(HangUp):
    """Nothing more is sent on this connection."""


@habit(
    "last-frame-without-marker",
    "after 6 s, again and again: the last frame has no marker, then come an RTCP BYE and the end",
    seen="live555 as a server",
    right="the last frame is recorded too",
)
class LastFrameWithoutMarker(Camera):
    reconnects = True
    length = 60

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.count = 0

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        self.count += 1
        if self.count > self.length:
            raise HangUp
        if self.count == self.length:
            packets[-1].marker = False
        return packets

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if self.count == self.length:
            track = self.connection.tracks[0]
            ssrc = track.packetiser.ssrc
            report = struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 0x83AA7E80, 0, 0, number, number)
            bye = struct.pack("!BBHI", 0x81, 203, 1, ssrc)
            return [*data, interleaved(track.channel + 1, report + bye)]
        return data


@habit(
    "closes-every-8-s",
    "the camera closes the connection 8 s after PLAY",
    seen="bridges and cloud cameras that end sessions after a while",
    right="reconnected at once; only what was not sent is missing",
)
class ClosesEvery8s(Camera):
    reconnects = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.count = 0

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        self.count += 1
        if self.count > 80:
            raise HangUp
        return packets


@habit(
    "one-session",
    "a second session is refused with 453 while one is open, and for 2 s after its end",
    seen=(
        "WIWACAM 4K (unifi-cam-proxy #340), Hikvision at replay (webrtc-streamer #174), an action camera (actioncam #1)"
    ),
    right="the session is ended before another is begun",
)
class OneSession(Camera):
    _open: ClassVar[dict[tuple[int, str], tuple[int, float]]] = {}

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        key = (id(self.connection.server), self.path)
        if request.method == "SETUP":
            owner, until = self._open.get(key, (self.connection.number, 0.0))
            if owner != self.connection.number and time.monotonic() < until:
                return Response(453)
            self._open[key] = (self.connection.number, float("inf"))
        if request.method == "TEARDOWN":
            self._open[key] = (self.connection.number, time.monotonic() + 2)
        return response


@habit(
    "goes-silent",
    "after 7 s nothing more comes, the connection stays; the next one plays",
    seen="cameras whose encoder hangs (Retina #3 has delays of 10 to 30 s)",
    right="stalled for stall_timeout, then reconnected",
)
class GoesSilent(Camera):
    reconnects = True
    settings: ClassVar[dict[str, Any]] = {"stall_timeout": "3s"}
    _first: ClassVar[set[tuple[int, str]]] = set()
    count = 0

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        self.count += 1
        return packets

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        key = (id(self.connection.server), self.path)
        if self.count > 70 and key not in self._first:
            self._first.add(key)
            await asyncio.Event().wait()
        return data


@habit(
    "slow-start",
    "the first frame comes 4 s after the answer to PLAY",
    seen="battery cameras that wake up",
)
class SlowStart(Camera):
    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            yield replace(shot, true_s=shot.true_s + 4, due_s=shot.due_s + 4, pts=shot.pts + 4 * 90_000)


@habit(
    "wrong-password",
    "every request is answered 401 with a fresh challenge; after 7 wrong logins the address is locked",
    seen="Hikvision's illegal login lock (CamioCam #34, evercam #91, pi-nvr #11), Dahua (rroller #729)",
    right="at most two logins, then nothing until a person acts; the cause is unauthorized",
)
class WrongPassword(Camera):
    plays = False
    settings: ClassVar[dict[str, Any]] = {"username": "admin", "password": "other"}

    @classmethod
    def auth(cls) -> Auth | None:
        return Auth("admin", "right")
