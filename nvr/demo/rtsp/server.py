"""The listening side: ports, mounts and the connections of one camera."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType

from .auth import Auth
from .connection import DemoConnection
from .hooks import Hooks
from .stream import Stream

_log = logging.getLogger(__name__)


class RtspServer:
    """Serves `mounts` (path, beginning with "/", to the streams of a presentation) on `host:port`.

    The port stays reserved for this server's whole life, also between `close()` and the next `open()`: then
    connections are refused, as by a camera that has rebooted, and no other program can take the port. Port 0 picks one.

    Use as an asynchronous context manager, or call `open`, `close` and at last `release`.
    """

    def __init__(
        self,
        mounts: Mapping[str, Sequence[Stream]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "camera",
        auth: Auth | None = None,
        hooks: Hooks | None = None,
        session_timeout_s: float = 60.0,
        enforce_timeout: bool = False,
        report_interval_s: float = 5.0,
        aggregate: bool = False,
    ) -> None:
        self.mounts = dict(mounts)
        self.host = host
        self.name = name
        self.auth = auth
        self.hooks = hooks or Hooks()
        self.session_timeout_s = session_timeout_s
        self.enforce_timeout = enforce_timeout
        self.report_interval_s = report_interval_s
        self.aggregate = aggregate
        self.session_id = secrets.randbits(31)
        self.connections: set[DemoConnection] = set()
        self.accepted = 0
        self.listening = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        # Bound but never listening: holds the number while nobody listens, and the kernel answers with a reset.
        self._reserved = _bind(host, port)
        self.port: int = self._reserved.getsockname()[1]

    def url(self, path: str) -> str:
        """The address of a mount, without credentials."""
        return f"rtsp://{self.host}:{self.port}{path}"

    async def idle(self) -> None:
        """Wait until the connections there are now have ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self) -> None:
        """Listen. Raises OSError when the port can't be had."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=_bind(self.host, self.port))
            self.listening.set()

    async def close(self) -> None:
        """Refuse connections from now on and drop those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.listening.clear()
        for connection in tuple(self.connections):
            connection.abort()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def release(self) -> None:
        """Close for good and give the port back."""
        await self.close()
        self._reserved.close()

    async def __aenter__(self) -> "RtspServer":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    def failed(self, error: Exception) -> None:
        """A connection ended by an error of ours, not the client's."""
        _log.error("sending failed", exc_info=error)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = DemoConnection(self, self.accepted, reader, writer)
        self.accepted += 1
        self.connections.add(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: DemoConnection) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await connection.run()
        except Exception as error:
            self.failed(error)
        finally:
            self.connections.discard(connection)


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
