"""A hostile network: clients that hold on, flood and send nonsense, viewers who merely watch, and a camera that answers
with anything.

``python -m tests.bench.load.hostile``: the clients, in a process of their own, until stdin closes; told port and token
by a JSON line on stdin, prints what it did as a JSON line at its end. ``HostileCamera`` is a thread of whoever uses it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["HealthWatch", "HostileCamera"]

_ENTRY: Final = re.compile(r"(?:#EXT-X-BYTERANGE:(\d+)@(\d+)\n)(?:#[^\n]*\n)*([^#\n]+)")
_BODIES: Final = (
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b"9" * 100_000,
    b'{"username":"\\u001b[2J","password":"' + b"x" * 60_000,
)


class Clients:
    """All of them. Attackers come from 127.0.0.2 and 127.0.0.3, viewers from 127.0.0.1."""

    def __init__(self, port: int, token: str, cameras: int) -> None:
        self._port = port
        self._token = token
        self._cameras = cameras
        self.counts: Counter[str] = Counter()

    async def run(self, until: Awaitable[Any]) -> None:
        """All at once, until the awaitable is done."""
        many: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (600, self.slow_head),
            (100, self.slow_body),
            (20, self.slow_reader),
            (10, self.login),
            (4, self.nonsense),
            (60, self.viewer),
            (20, self.clip),
        ]
        tasks = [asyncio.create_task(self._again(turn)) for count, turn in many for _ in range(count)]
        await until
        for task in tasks:
            task.cancel()

    async def _again(self, turn: Callable[[], Awaitable[None]]) -> None:
        name = turn.__name__
        await asyncio.sleep(random.random() * 5)
        while True:
            self.counts[name] += 1
            try:
                await turn()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.counts[f"{name}: ended"] += 1
            await asyncio.sleep(random.random())

    async def _connect(self, source: str = "127.0.0.2") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0))

    async def slow_head(self) -> None:
        """A byte of a header now and then."""
        _, writer = await self._connect()
        with contextlib.closing(writer):
            writer.write(b"GET / HTTP/1.1\r\nX: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(2)

    async def slow_body(self) -> None:
        """A byte of a body now and then."""
        _, writer = await self._connect("127.0.0.3")
        with contextlib.closing(writer):
            writer.write(b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)

    async def slow_reader(self) -> None:
        """Asks again and again on one connection, and reads nothing."""
        _, writer = await self._connect("127.0.0.3")
        with contextlib.closing(writer):
            request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode()
            writer.write(request * 50)
            await asyncio.sleep(200)

    async def login(self) -> None:
        """Guesses."""
        body = json.dumps({"username": f"admin{random.randrange(50)}", "password": "guess"}).encode()
        status, _ = await self._ask("POST", "/api/login", body=body, source="127.0.0.3")
        self.counts[f"login: {status}"] += 1

    async def nonsense(self) -> None:
        """Bodies that are nested, numbers that are long, and no HTTP at all."""
        if random.random() < 0.3:
            reader, writer = await self._connect("127.0.0.3")
            with contextlib.closing(writer):
                writer.write(os.urandom(300) + b"\r\n\r\n")
                await asyncio.wait_for(reader.read(1000), 30)
            return
        path = random.choice(("/api/login", "/api/links/open"))
        status, _ = await self._ask("POST", path, body=random.choice(_BODIES), source="127.0.0.3")
        self.counts[f"nonsense: {status}"] += 1

    async def viewer(self) -> None:
        """Watches a camera live for a while, as a player without low latency does."""
        camera = f"cam-{random.randrange(self._cameras)}"
        seen = ""
        for _ in range(20):
            status, text = await self._ask("GET", f"/api/cameras/{camera}/live.m3u8")
            self.counts[f"viewer: {status}"] += 1
            entries = _ENTRY.findall(text.decode("utf-8", "replace"))
            if entries and str(entries[-1]) != seen:
                size, offset, uri = entries[-1]
                seen = str(entries[-1])
                piece = {"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"}
                url = uri if uri.startswith("/") else f"/api/cameras/{camera}/{uri}"
                status, _ = await self._ask("GET", url, headers=piece)
                self.counts[f"viewer's piece: {status}"] += 1
            await asyncio.sleep(2)

    async def clip(self) -> None:
        """Loads a clip of the last minutes."""
        end = time.time() - 20
        at = [datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for s in (end - 40, end)]
        camera = f"cam-{random.randrange(self._cameras)}"
        status, _ = await self._ask("GET", f"/api/cameras/{camera}/clip.mp4?start={at[0]}&end={at[1]}")
        self.counts[f"clip: {status}"] += 1
        await asyncio.sleep(10)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> tuple[int, bytes]:
        reader, writer = await self._connect(source)
        with contextlib.closing(writer):
            lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
            if source == "127.0.0.1":
                lines.append(f"Authorization: Bearer {self._token}")
            if body:
                lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            answer = await asyncio.wait_for(reader.read(-1), 60)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head[9:12] or b"0"), rest


class HealthWatch:
    """A stranger asks for the health every half second, each time by a new connection, from a thread that does nothing
    else: among the attackers it would measure how late they are themselves. ``took_s`` and ``statuses``, in order;
    ``late_s``: how late the thread itself was woken, at most."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.took_s: list[float] = []
        self.slowest = (0.0, 0.0, 0.0)
        """When, in seconds since it began, how long connecting took, and how long the answer after that."""
        self._began_s = time.monotonic()
        self.statuses: list[int] = []
        self.late_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._ended.is_set():
            began = time.monotonic()
            self.late_s = max(self.late_s, began - due_s)
            self.statuses.append(self._ask())
            self.took_s.append(time.monotonic() - began)
            due_s = time.monotonic() + 0.5
            self._ended.wait(0.5)

    def _ask(self) -> int:
        began, connected = time.monotonic(), 0.0
        try:
            with socket.create_connection(("127.0.0.1", self._port), 60, source_address=("127.0.0.4", 0)) as sock:
                connected = time.monotonic()
                sock.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                answer = b""
                while data := sock.recv(65536):
                    answer += data
        except OSError:
            return 0
        if time.monotonic() - began > sum(self.slowest[1:]):
            self.slowest = (began - self._began_s, connected - began, time.monotonic() - connected)
        return int(answer[9:12] or b"0")

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
        self._thread.join(60)


class HostileCamera:
    """Answers whatever is asked with something of everything: the login that it was sent, controls, no end, nothing."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), name="hostile-camera", daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with (
            contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError),
            contextlib.closing(writer),
        ):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                sequence = (re.search(rb"(?i)cseq: *(\d+)", request) or [b"", b"1"])[1]
                login = re.search(rb"(?i)authorization: *([^\r\n]+)", request)
                said = login[1] if login else base64.b64encode(b"root:hunter22")
                start = b"RTSP/1.0 %b\r\nCSeq: " + sequence + b"\r\n"
                match self.asked % 5:
                    case 0:
                        writer.write(
                            start.replace(b"%b", b"401 " + said) + b'WWW-Authenticate: Basic realm="x"\r\n\r\n'
                        )
                    case 1:
                        writer.write(
                            start.replace(b"%b", b"200 OK")
                            + b"Content-Length: 99999999999999999999\r\n\r\n"
                            + b"x" * 100_000
                        )
                    case 2:
                        writer.write(start.replace(b"%b", b"453 \x1b[2J\x07 forged") + b"\r\n")
                    case 3:
                        writer.write(start.replace(b"%b", b"200 OK") + b"X: " + b"y" * 5_000_000)
                    case _:
                        await asyncio.sleep(5)
                        return
                await writer.drain()


async def main() -> None:
    """The clients, until stdin closes."""
    loop = asyncio.get_running_loop()
    told = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    clients = Clients(**told)
    await clients.run(loop.run_in_executor(None, sys.stdin.readline))
    print(json.dumps({"counts": clients.counts}), flush=True)
    # Connections that are held open by hundreds are not ended one by one.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
