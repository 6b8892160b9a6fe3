"""Simulated devices on addresses of this machine: HTTP, WS-Discovery and the greeting of an RTSP server, in one event
loop.

Invariant: a device is answered for at its own address alone; `swap` changes who is where without a gap.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import cast

from .device import Answer, OnvifDevice

__all__ = ["OnvifServer"]

_SLOW_S = 2.0
_REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: "OnvifServer", address: str) -> None:
        self._server = server
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        device = self._server.devices.get(self._address)
        answer = device.probe_match(data) if device is not None else None
        if answer is not None:
            self._transport.sendto(answer, addr)


class OnvifServer:
    """Serves devices, each at its address, at one HTTP port and (0: not) one RTSP and one discovery port."""

    def __init__(
        self, devices: Iterable[OnvifDevice], *, http_port: int, rtsp_port: int = 0, discovery_port: int = 0
    ) -> None:
        self.devices = {device.address: device for device in devices}
        self.http_port = http_port
        self.rtsp_port = rtsp_port
        self.discovery_port = discovery_port
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.BaseTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        for device in self.devices.values():
            device.http_port = http_port
            device.rtsp_port = rtsp_port or device.rtsp_port

    async def start(self) -> None:
        """Listens at every device's address."""
        loop = asyncio.get_running_loop()
        for address in self.devices:
            self._servers.append(
                await asyncio.start_server(
                    lambda reader, writer, at=address: self._track(self._http(at, reader, writer)),
                    address,
                    self.http_port,
                )
            )
            if self.rtsp_port:
                self._servers.append(await asyncio.start_server(self._rtsp, address, self.rtsp_port))
            if self.discovery_port:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda at=address: _Udp(self, at),  # type: ignore[misc]
                    local_addr=(address, self.discovery_port),
                )
                self._transports.append(transport)

    async def stop(self) -> None:
        """Ends it all."""
        for server in self._servers:
            server.close()
        for transport in self._transports:
            transport.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def move(self, moved: Sequence[tuple[str, str]]) -> None:
        """Puts devices at other addresses, all at once: pairs of where one is and where it goes. An address that
        nobody goes to is left empty, but still listened at."""
        before = dict(self.devices)
        for old, _ in moved:
            self.devices.pop(old)
        for old, new in moved:
            device = before[old]
            device.address = new
            self.devices[new] = device

    async def _track(self, work: object) -> None:
        task = asyncio.current_task()
        assert task is not None and asyncio.iscoroutine(work)
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await work
        finally:
            self._tasks.discard(task)

    async def _rtsp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            number = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"cseq:")), b"CSeq: 1")
            writer.write(b"RTSP/1.0 200 OK\r\n" + number + b"\r\nPublic: OPTIONS, DESCRIBE\r\nServer: Rtsp/2.0\r\n\r\n")
            await writer.drain()
        writer.close()

    async def _http(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._request(address, reader, writer):
                    pass
        finally:
            writer.close()

    async def _request(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        device = self.devices.get(address)
        if device is None:
            return False
        path = head[0].split(" ")[1]
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if "silent" in device.quirks:
            await reader.read()
            return False
        if device.events is not None:
            await device.events.ready(path, body)
        answer = device.answer(path, headers, body)
        if "ptz_hangs" in device.quirks and device.asked[-1] == "ContinuousMove":
            await reader.read()
            return False
        if "slow" in device.quirks:
            await asyncio.sleep(_SLOW_S)  # sleep: the device is slow
        return await _write(writer, answer, device.quirks)


async def _write(writer: asyncio.StreamWriter, answer: Answer, quirks: frozenset[str]) -> bool:
    body = answer.body
    lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}", "Content-Type: application/soap+xml; charset=utf-8"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    goes_on = not quirks & {"no_length", "closes", "xml_cut"}
    if "xml_endless" in quirks:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body[:300])
        # As long as anybody reads.
        while not writer.is_closing():
            writer.write(b"<tt:x/>" * 10_000)
            await writer.drain()
        return False
    if "chunked" in quirks:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif "no_length" not in quirks:
        lines.append(f"Content-Length: {len(body)}")
    if "closes" in quirks:
        lines.append("Connection: close")
    if "xml_cut" in quirks:
        body = body[: len(body) // 2]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    return goes_on
