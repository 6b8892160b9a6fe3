"""Asking many addresses whether a device is there: WS-Discovery to each address, TCP connections, and the greeting of
RTSP. Nothing here logs in.

Invariant: never more a second, nor more at once, than is given; an answer counts only from an address that was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from nvr.devices.onvif.reading import read_endpoint
from nvr.devices.onvif.xml_reader import XmlError, read_xml

__all__ = ["DISCOVERY_PORT", "ProbeMatch", "open_ports", "probe_all", "speaks_rtsp"]

DISCOVERY_PORT: Final = 3702
# After the last probe: a device may wait half a second, and a line takes its time.
_LINGER_S: Final = 1.5
_TICK_S: Final = 0.02
_CONNECT_S: Final = 1.0
_MOST_ANSWER_BYTES: Final = 8192

_PROBE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
    "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>{message}</a:MessageID>"
    "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body><d:Probe>"
    "<d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
)


@dataclass(frozen=True, slots=True)
class ProbeMatch:
    """What a device answered: its UUID, and port and path of its device service; 0 and empty: it did not say."""

    uuid: str
    port: int
    path: str


def read_match(data: bytes, message: str) -> ProbeMatch | None:
    """The device in an answer to the probe of this id; None if it is none."""
    if len(data) > _MOST_ANSWER_BYTES or b"ProbeMatch" not in data:
        return None
    try:
        root = read_xml(data)
    except XmlError:
        return None
    relates = root.anywhere("RelatesTo")
    match = root.anywhere("ProbeMatch")
    if match is None or relates is None or relates.text.strip() != message:
        return None
    endpoint = match.find("EndpointReference")
    found = read_endpoint(endpoint) if endpoint is not None else ""
    for text in match.said("XAddrs").split():
        try:
            parts = urlsplit(text)
            if parts.scheme == "http" and parts.path.startswith("/"):
                return ProbeMatch(found, parts.port or 80, parts.path)
        except ValueError:
            continue
    return ProbeMatch(found, 0, "")


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, message: str, asked: set[str]) -> None:
        self._message = message
        self._asked = asked
        self.found: dict[str, ProbeMatch] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] in self._asked and (match := read_match(data, self._message)) is not None:
            self.found[addr[0]] = match

    def error_received(self, exc: Exception) -> None:
        # Nobody listens at one of the addresses.
        pass


async def _paced(count: int, rate: float, began_s: float) -> None:
    """Waits until so many may have been sent."""
    ahead_s = count / rate - (time.monotonic() - began_s)
    if ahead_s > _TICK_S:
        await asyncio.sleep(ahead_s)


async def probe_all(addresses: Sequence[str], *, rate: float, port: int = DISCOVERY_PORT) -> dict[str, ProbeMatch]:
    """Who of these answers WS-Discovery, by address; asked once each, ``rate`` a second."""
    message = f"urn:uuid:{uuid.uuid4()}"
    text = _PROBE.format(message=message).encode()
    found: dict[str, ProbeMatch] = {}
    loop = asyncio.get_running_loop()
    for family in (socket.AF_INET, socket.AF_INET6):
        own = [address for address in addresses if (":" in address) == (family == socket.AF_INET6)]
        if not own:
            continue
        try:
            transport, listener = await loop.create_datagram_endpoint(
                lambda own=own: _Listener(message, set(own)),  # type: ignore[misc]
                family=family,
            )
        except OSError:
            # This machine has no such addresses.
            continue
        try:
            own_socket = transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            began_s = time.monotonic()
            for count, address in enumerate(own):
                await _paced(count, rate, began_s)
                transport.sendto(text, (address, port))
            await asyncio.sleep(_LINGER_S)
        finally:
            transport.close()
        found |= listener.found
    return found


async def open_ports(
    wanted: Iterable[tuple[str, int]], *, rate: float, at_once: int, connect_s: float = _CONNECT_S
) -> set[tuple[str, int]]:
    """Which of these addresses and ports take a TCP connection; ``rate`` a second, ``at_once`` at the same time."""
    loop = asyncio.get_running_loop()
    found: set[tuple[str, int]] = set()
    free = asyncio.Semaphore(at_once)

    async def ask(address: str, port: int) -> None:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            async with asyncio.timeout(connect_s):
                await loop.sock_connect(made, (address, port))
            found.add((address, port))
        except (OSError, TimeoutError):
            pass
        finally:
            made.close()
            free.release()

    began_s = time.monotonic()
    count = 0
    async with asyncio.TaskGroup() as group:
        for address, port in wanted:
            await _paced(count, rate, began_s)
            await free.acquire()
            count += 1
            group.create_task(ask(address, port))
    return found


async def speaks_rtsp(address: str, port: int, *, within_s: float = 3.0) -> bool:
    """Whether an RTSP server answers there."""
    host = f"[{address}]" if ":" in address else address
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(f"OPTIONS rtsp://{host}:{port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            return (await reader.readexactly(5)) == b"RTSP/"
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        if writer is not None:
            writer.close()
