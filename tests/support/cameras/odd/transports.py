"""More habits of sessions: UDP with its faults, groups, connections that are cut."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import replace
from typing import Any, ClassVar

from nvr.demo.rtsp import DemoRequest, HangUp, Response
from tests.support.cameras.odd.camera import Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.losses import GAP, Losing
from tests.support.cameras.odd.rtp import Rtp
from tests.support.cameras.odd.sessions import UdpOnly

_UDP: dict[str, Any] = {"transport": "udp"}


@habit("udp-lossy", "over UDP, every 5 s a packet of a frame is lost", seen="every network under load", right=GAP)
class UdpLossy(UdpOnly, Losing):
    settings: ClassVar[dict[str, Any]] = _UDP
    limit = 400

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, 0, 1) if number % 50 == 33 else packets


@habit(
    "udp-reordered",
    "over UDP, two packets of a frame change places once a second, and one comes twice",
    seen="networks with several ways (bonding, mesh)",
)
class UdpReordered(UdpOnly):
    settings: ClassVar[dict[str, Any]] = _UDP
    limit = 400

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        packets = [packet for packet in data if not packet[1] & 1]
        if len(packets) > 2 and self.once_a_second(number):
            data = [packets[1], packets[0], packets[1], *packets[2:]]
        return await super().wire(number, data)


@habit(
    "udp-to-a-group",
    "SETUP is answered 461 unless it asks for multicast; frames go to a group",
    seen="encoders of IPTV, Axis and Bosch with multicast only",
    right="the default settings find the group",
)
class UdpToAGroup(UdpOnly):
    group: ClassVar[str] = "239.192.77.7"

    def asked(self, request: DemoRequest) -> DemoRequest:
        if request.method != "SETUP":
            return request
        if "multicast" in request.headers.get("transport", "").lower():
            self.to = 1
        return replace(request, headers={**request.headers, "transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and response.status == 200:
            if self.to is None:
                self.connection.tracks.clear()
                return Response(461)
            self.to = free_port()
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            transport = f"RTP/AVP;multicast;destination={self.group};port={self.to}-{self.to + 1};ttl=1"
            kept = [(name, value) for name, value in response.headers if name != "Transport"]
            response.headers = [("Transport", transport), *kept]
        return response

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        assert self._socket is not None and self.to is not None
        for frame in data:
            self._socket.sendto(frame[4:], (self.group, self.to + (frame[1] & 1)))
        return []


def free_port() -> int:
    """An even port that nobody has, and the next one neither."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        ):
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if port % 2 == 0 and port < 65_000:
                try:
                    second.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
                return port


@habit(
    "udp-without-server-ports",
    "over UDP, the answer to SETUP names neither the camera's ports nor anything else but ours, behind an SSRC",
    seen="Retina #120: ssrc before the ports",
)
class UdpWithoutServerPorts(UdpOnly):
    settings: ClassVar[dict[str, Any]] = _UDP

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        answer = super().answer(request, response)
        if isinstance(answer, Response) and request.method == "SETUP" and answer.status == 200:
            transport = f"RTP/AVP;ssrc=0154F4F5;unicast;client_port={self.to}-{(self.to or 0) + 1}"
            answer.headers = [(name, transport if name == "Transport" else value) for name, value in answer.headers]
        return answer


@habit(
    "resets-every-8-s",
    "the connection is reset 8 s after PLAY",
    seen="firewalls with a short memory; cameras that crash",
    right="reconnected at once; only what was not sent is missing",
)
class ResetsEvery8s(Camera):
    reconnects = True
    # What lay in the kernel's buffers when the reset came is gone.
    may_lose = 20
    count = 0

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        self.count += 1
        return packets

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if self.count == 80:
            sock = self.connection.writer.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.abort()
            raise HangUp
        return data


@habit(
    "teardown-by-camera",
    "8 s after PLAY the camera itself sends TEARDOWN and nothing more; the connection stays",
    seen="recorders that end a channel (Hikvision at replay)",
    right="reconnected at once; only what was not sent is missing",
)
class TeardownByCamera(Camera):
    reconnects = True
    count = 0

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        self.count += 1
        return packets

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if self.count == 80:
            self.connection.writer.write(b"".join(data) + b"TEARDOWN * RTSP/1.0\r\nCSeq: 5\r\n\r\n")
            await asyncio.Event().wait()
        return data


@habit(
    "transport-in-capitals",
    'the answer to SETUP is RTP/AVP/TCP;UNICAST;INTERLEAVED=0-1;MODE="PLAY";SSRC=…, with blanks',
    seen="parameters are case-insensitive to some (Victure, MediaMTX #762)",
)
class TransportInCapitals(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP":
            response.headers = [
                (
                    name,
                    re.sub("ssrc=", 'MODE="PLAY"; ssrc=', value).upper().replace(";", " ; ")
                    if name == "Transport"
                    else value,
                )
                for name, value in response.headers
            ]
        return response
