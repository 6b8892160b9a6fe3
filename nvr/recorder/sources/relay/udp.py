"""Packets of one track that a camera sends over UDP, to us alone or to a group (RFC 2326 C, RFC 3550 11).

Invariant: only packets of the addresses that the camera named, or was reached at, are taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

from nvr.recorder.sources.rtp.errors import ProtocolError, TransportError

__all__ = ["Datagrams", "multicast", "unicast"]

# Keyframes come faster than they are read; the kernel's usual room is 200 kB.
_ROOM_BYTES: Final = 4 << 20
_TRIES: Final = 64
_PORTS: Final = {
    name: re.compile(rf"(?:^|;)\s*{name}\s*=\s*(\d{{1,5}})(?:\s*-\s*(\d{{1,5}}))?", re.IGNORECASE)
    for name in ("server_port", "port")
}
_ADDRESSES: Final = {
    name: re.compile(rf"(?:^|;)\s*{name}\s*=\s*\"?([0-9a-fA-F:.]+)", re.IGNORECASE)
    for name in ("source", "destination")
}
# Python has names for these from 3.12 on (ip(7)).
_IP_ADD_SOURCE_MEMBERSHIP: Final = 39
_SOURCE_SPECIFIC: Final = ipaddress.ip_network("232.0.0.0/8")
_EMPTY_RTP: Final = b"\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
_EMPTY_REPORT: Final = b"\x80\xc9\x00\x01\x00\x00\x00\x00"

Handler = Callable[[memoryview], None]


class Datagrams:
    """The two sockets of a track, RTP and RTCP. ``handle`` says who gets what comes; ``strangers`` counts packets of
    others."""

    def __init__(self, sockets: tuple[socket.socket, socket.socket], camera: str) -> None:
        self._sockets = sockets
        self._from = {_plain(camera)}
        self._any = False
        self._to: tuple[str, int] | None = None
        self._transports: list[asyncio.DatagramTransport] = []
        self.strangers = 0

    @property
    def ports(self) -> tuple[int, int]:
        """Ours."""
        first, second = (made.getsockname()[1] for made in self._sockets)
        return first, second

    def answered(self, transport: str, camera: str) -> None:
        """The camera's answer to SETUP: where its packets come from, and where reports go."""
        if source := _address(transport, "source"):
            self._from.add(source)
        found = _PORTS["server_port"].search(transport)
        if found is not None and 0 < (port := int(found[2] or int(found[1]) + 1)) < 65_536:
            self._to = _address(transport, "source") or camera, port
            self._open_the_way(int(found[1]))

    def _open_the_way(self, rtp_port: int) -> None:
        """A first packet out lets those of the camera in, where a firewall or an address translation is between."""
        assert self._to is not None
        for made, port, packet in zip(self._sockets, (rtp_port, self._to[1]), (_EMPTY_RTP, _EMPTY_REPORT), strict=True):
            with contextlib.suppress(OSError, OverflowError):
                made.sendto(packet, (self._to[0], port))

    def any_sender(self) -> None:
        """A group of which the camera names no sender: whoever sends to it is taken."""
        self._any = True

    async def handle(self, rtp: Handler, rtcp: Handler, settle: Callable[[], None]) -> None:
        """From now on packets go there; ``settle`` follows each."""
        for made, handler in zip(self._sockets, (rtp, rtcp), strict=True):
            self._transports.append(await _received(made, _Receiver(self, handler, settle)))

    def is_from_camera(self, address: str) -> bool:
        """Whether a packet from there is the camera's."""
        if self._any or _plain(address) in self._from:
            return True
        self.strangers += 1
        return False

    def report(self, data: bytes) -> None:
        """Sends a report to the camera."""
        if self._to is not None and len(self._transports) == 2:
            self._transports[1].sendto(data, self._to)

    def close(self) -> None:
        """No more."""
        for transport in self._transports:
            transport.close()
        if not self._transports:
            for made in self._sockets:
                made.close()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, owner: Datagrams, handler: Handler, settle: Callable[[], None]) -> None:
        self._owner = owner
        self._handler = handler
        self._settle = settle

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if self._owner.is_from_camera(str(addr[0])):
            self._handler(memoryview(data))
            self._settle()

    def error_received(self, exc: Exception) -> None:
        """The camera's ports may be closed to reports: no reason to end."""


async def _received(made: socket.socket, receiver: _Receiver) -> asyncio.DatagramTransport:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: receiver, sock=made)
    return transport


def unicast(local: str, camera: str) -> Datagrams:
    """Two sockets on neighbouring ports, the first one even (RFC 3550 11).

    Raises:
        TransportError: there are none left.
    """
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    for _ in range(_TRIES):
        first = _socket(family)
        try:
            first.bind((local, 0))
            port = first.getsockname()[1]
            if port % 2 == 0 and port < 65_535:
                second = _socket(family)
                try:
                    second.bind((local, port + 1))
                    return Datagrams((first, second), camera)
                except OSError:
                    second.close()
            first.close()
        except OSError as error:
            first.close()
            raise TransportError(f"no port for UDP: {error.strerror}") from None
    raise TransportError("no two neighbouring ports for UDP are free")


def multicast(local: str, camera: str, transport: str) -> Datagrams:
    """Two sockets of the group that the camera's answer to SETUP names, on the interface that the camera is reached by.

    Raises:
        ProtocolError: it names no group.
        TransportError: this machine can't join it.
    """
    group, found = _address(transport, "destination"), _PORTS["port"].search(transport)
    if group is None or found is None or not ipaddress.ip_address(group).is_multicast:
        raise ProtocolError("the camera sends to a group and does not say to which")
    first = int(found[1])
    ports = (first, int(found[2]) if found[2] else first + 1)
    if not all(0 < port < 65_536 for port in ports):
        raise ProtocolError("the camera named impossible ports")
    source = _address(transport, "source")
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            sockets.append(_joined(group, port, local, source))  # noqa: PERF401 - those made so far are closed
    except OSError as error:
        for made in sockets:
            made.close()
        raise TransportError(f"this machine can't join the group {group}: {error.strerror}") from None
    datagrams = Datagrams((sockets[0], sockets[1]), camera)
    if source is None:
        datagrams.any_sender()
    return datagrams


def _joined(group: str, port: int, local: str, source: str | None) -> socket.socket:
    v6 = ":" in group
    made = _socket(socket.AF_INET6 if v6 else socket.AF_INET)
    try:
        # Other cameras, and other programs, may listen to the same port; bound to the group each gets its own alone.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((group, port))
        if v6:
            made.setsockopt(
                socket.IPPROTO_IPV6,
                socket.IPV6_JOIN_GROUP,
                socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", 0),
            )
        elif source is not None and ":" not in source and ipaddress.ip_address(group) in _SOURCE_SPECIFIC:
            request = b"".join(socket.inet_aton(address) for address in (group, local, source))
            made.setsockopt(socket.IPPROTO_IP, _IP_ADD_SOURCE_MEMBERSHIP, request)
        else:
            made.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(local)
            )
    except BaseException:
        made.close()
        raise
    return made


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM_BYTES)
    return made


def _address(transport: str, name: str) -> str | None:
    """The address that the answer names, if it is one."""
    found = _ADDRESSES[name].search(transport)
    try:
        return None if found is None else _plain(str(ipaddress.ip_address(found[1])))
    except ValueError:
        return None


def _plain(address: str) -> str:
    """Without zone, and IPv4 as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = cast("ipaddress.IPv4Address | None", getattr(parsed, "ipv4_mapped", None))
    return str(mapped or parsed)
