"""A line between a camera and its recorder that delays what the camera sends, each piece by another time: in order, as
TCP does. It keeps what it did."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

__all__ = ["Delaying"]

_CHUNK: int = 1 << 20


@dataclass
class Delaying:
    """Delays by up to ``most_s``, evenly spread. ``delays_s``: of each piece that was sent on, in order; at the rate of
    a test's cameras a piece is a frame."""

    url: str
    most_s: float
    seed: int = 1
    delays_s: list[tuple[float, float]] = field(default_factory=list)

    async def start(self) -> str:
        """Listens; the camera's URL through this line."""
        self._random = random.Random(self.seed)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._tasks: set[asyncio.Task[None]] = set()
        port = self._server.sockets[0].getsockname()[1]
        return f"rtsp://127.0.0.1:{port}{urlsplit(self.url).path}"

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def jitter_s(self, since_s: float = 0.0) -> float:
        """What RFC 3550 makes of it: how much the way of a piece differed from that of the one before, on the mean.
        ``since_s``: by the monotonic clock."""
        ways = [way for at, way in self.delays_s if at >= since_s]
        steps = [abs(b - a) for a, b in pairwise(ways)]
        return sum(steps) / len(steps)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.url)
        theirs, ours = await asyncio.open_connection(address.hostname, address.port, limit=_CHUNK)
        for task in (asyncio.create_task(self._pass(reader, ours)), asyncio.create_task(self._delay(theirs, writer))):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                writer.write(data)
        writer.close()

    async def _delay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(self._send(queue, writer))
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                queue.put_nowait((time.monotonic(), data))
        queue.put_nowait((0.0, b""))
        await sending

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            came_s, data = await queue.get()
            if not data:
                writer.close()
                return
            # What overtakes nothing: a piece behind a late one is as late.
            due_s = came_s + self._random.uniform(0, self.most_s)
            if (wait_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)  # sleep: the line delays
            with contextlib.suppress(ConnectionError):
                writer.write(data)
            now_s = time.monotonic()
            self.delays_s.append((now_s, now_s - came_s))
