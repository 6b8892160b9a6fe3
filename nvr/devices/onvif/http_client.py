"""One HTTP connection to a device, on h11: requests one after the other, each answered in time or an error.

Nothing is followed: a redirect is an answer like others, so that no login ever goes anywhere but to the address that
was asked. Invariant: an answer has at most ``MOST_BYTES``, and takes at most ``answer_s`` in all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import h11

from nvr.devices.onvif.xml_reader import MOST_BYTES

__all__ = ["HttpAnswer", "HttpConnection", "HttpError"]

_READ_BYTES: Final = 64 << 10
_TYPE: Final = "application/soap+xml; charset=utf-8"


class HttpError(Exception):
    """There is no answer; the message says why. ``connected``: whether there was a connection at all; ``was_idle``:
    whether the device had closed it before anything was asked, so that the question may be put again."""

    def __init__(self, message: str, *, connected: bool = True, was_idle: bool = False) -> None:
        super().__init__(message)
        self.connected = connected
        self.was_idle = was_idle


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Names of ``headers`` are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def every(self, name: str) -> list[str]:
        """All headers of this name."""
        return [value for key, value in self.headers if key == name]


class HttpConnection:
    """To one address and port; connects when it is first used, and again when the device has closed it."""

    def __init__(self, address: str, port: int, *, connect_s: float = 3.0, answer_s: float = 5.0) -> None:
        self.address = address
        self.port = port
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def post(self, path: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> HttpAnswer:
        """Sends a message and reads the answer.

        Raises:
            HttpError: there is none.
        """
        was_open = self._writer is not None
        try:
            return await self._exchange(path, body, headers)
        except _ClosedError:
            self.close()
            raise HttpError("the device closed the connection without an answer", was_idle=was_open) from None

    async def _exchange(self, path: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> HttpAnswer:
        try:
            if self._writer is None:
                await self._connect()
            async with asyncio.timeout(self._answer_s):
                return await self._asked(path, body, headers)
        except TimeoutError:
            self.close()
            raise HttpError(f"no answer within {self._answer_s:g} s") from None
        except h11.RemoteProtocolError as error:
            self.close()
            raise HttpError(f"the answer is no HTTP: {error}") from None
        except h11.LocalProtocolError as error:
            self.close()
            raise HttpError(f"this can't be asked: {error}") from None
        except OSError as error:
            self.close()
            if isinstance(error, ConnectionError):
                raise _ClosedError from None
            raise HttpError(str(error.strerror or error)) from None

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._connect_s):
                self._reader, self._writer = await asyncio.open_connection(self.address, self.port, limit=_READ_BYTES)
        except TimeoutError:
            raise HttpError(f"no connection within {self._connect_s:g} s", connected=False) from None
        except OSError as error:
            raise HttpError(f"no connection: {error.strerror or error}", connected=False) from None
        self._http = h11.Connection(h11.CLIENT)

    async def _asked(self, path: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> HttpAnswer:
        assert self._reader is not None and self._writer is not None
        host = f"[{self.address}]" if ":" in self.address else self.address
        every = [
            ("Host", host if self.port == 80 else f"{host}:{self.port}"),
            ("Content-Type", _TYPE),
            ("Content-Length", str(len(body))),
            *headers,
        ]
        made = [h11.Request(method="POST", target=path, headers=every), h11.Data(data=body), h11.EndOfMessage()]
        self._writer.write(b"".join(self._http.send(event) or b"" for event in made))
        head: h11.Response | None = None
        parts: list[bytes] = []
        size = 0
        is_over = False
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(_READ_BYTES)
                if not data and head is None and self._http.trailing_data[0] == b"":
                    raise _ClosedError
                is_over |= not data
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > MOST_BYTES:
                    raise h11.RemoteProtocolError(f"it has more than {MOST_BYTES} bytes")
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                break
        if head is None:
            raise _ClosedError
        if not is_over and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        return HttpAnswer(head.status_code, told, b"".join(parts))

    def close(self) -> None:
        """Ends the connection; the next question makes another."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class _ClosedError(Exception):
    """The device closed the connection before it answered."""
