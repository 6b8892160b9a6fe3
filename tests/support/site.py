"""The real application over real HTTP, on footage that a test made: what other people's players are pointed at."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
import uvicorn

from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from tests.playback.footage import CAMERA, START_US, Studio
from tests.support.people import create_token
from tests.support.waiting import until

__all__ = ["Site", "served"]


@dataclass(frozen=True)
class Site:
    """A running API: ``base`` is its address, ``token`` an investigator's."""

    base: str
    token: str

    def address(self, start_us: int, end_us: int) -> str:
        """An address by which a player that can't log in watches this range."""
        body = {"start": format_time(start_us), "end": format_time(end_us)}
        answer = httpx.post(
            f"{self.base}/api/cameras/{CAMERA}/addresses", json=body, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 201, answer.text
        return self.base + str(answer.json()["path"])


def _beside(app: Any, pages: Mapping[str, tuple[bytes, str]]) -> Any:
    """The application, with some pages of the test's own."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        page = pages.get(scope.get("path", "")) if scope["type"] == "http" else None
        if page is None:
            await app(scope, receive, send)
            return
        data, size = page[0], len(page[0])
        headers = [(b"content-type", page[1].encode()), (b"accept-ranges", b"bytes")]
        # A browser seeks in files by ranges.
        asked = re.fullmatch(rb"bytes=(\d+)-(\d*)", dict(scope["headers"]).get(b"range", b""))
        if asked is not None:
            first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
            data = data[first : last + 1]
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
        headers.append((b"content-length", b"%d" % len(data)))
        await send({"type": "http.response.start", "status": 200 if asked is None else 206, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    return answer


@contextmanager
def served(studio: Studio, pages: Mapping[str, tuple[bytes, str]] = MappingProxyType({})) -> Iterator[Site]:
    """Serves the footage until the end of the block, and ``pages`` by path: contents and type. It is half a minute
    after the last of it."""
    token = create_token(studio.database, "players", Role.INVESTIGATOR, at_us=START_US)
    with studio.database.read() as conn:
        (end_us,) = conn.execute("SELECT max(end_us) FROM segment").fetchone()
    began_s = time.monotonic()

    def now_us() -> int:
        return int(end_us) + 30_000_000 + round((time.monotonic() - began_s) * 1e6)

    app = _beside(create_app(ApiSettings(catalogue=str(studio.database.path), node="n1"), now_us=now_us), pages)
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    until(lambda: server.started or not thread.is_alive(), "the application to listen")
    try:
        yield Site(f"http://127.0.0.1:{sock.getsockname()[1]}", token)
    finally:
        server.should_exit = True
        thread.join(60)
        sock.close()
