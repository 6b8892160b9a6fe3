"""How fast what is being sent ends with the right to it: many clips that are loaded slowly from a server in a process
of its own, one grant of many revoked. ``python -m tests.bench.bench_revocation [streams] [users]``"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from nvr.api.server import bind
from nvr.playback.clip.clip import Clip
from storage.catalogue.database import Database
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.support.grants import bearer, give, revoke

__all__ = ["measure"]

PIECE_BYTES: Final = 600
PAUSE_S: Final = 0.5
# After the revocation the others are looked at for so long.
WATCH_S: Final = 5.0


def serve(catalogue: str, now_us: int) -> None:
    """The server, whose clips are sent as over slow lines: in a process of its own."""
    import uvicorn

    async def chunks(self: Clip, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        end = self.size if last is None else last + 1
        for at in range(first, end, PIECE_BYTES):
            yield self.read(at, min(at + PIECE_BYTES, end) - 1)
            await asyncio.sleep(PAUSE_S)

    Clip.chunks = chunks  # type: ignore[method-assign]
    app = create_app(ApiSettings(catalogue=catalogue, node="n1"), now_us=lambda: now_us)
    sockets = bind("127.0.0.1", 0)
    print(sockets[0].getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", backlog=4096)).run(sockets=sockets)


class Stream:
    """A clip that is being loaded. ``ended_s``: when it broke off."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.began = asyncio.Event()
        self.ended_s: float | None = None

    async def load(self, port: int, path: str, headers: dict[str, str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:80]
        self.began.set()
        while await reader.read(1 << 16):
            pass
        self.ended_s = time.monotonic()
        writer.close()


async def load_all(db: Database, port: int, path: str, streams: int, users: int, now_us: int) -> dict[str, float]:
    grants, headers = [], []
    for number in range(users):
        grants.append(give(db, f"user{number}", Role.INVESTIGATOR, "*", at_us=START_US))
        headers.append(bearer(db, grants[-1].holder, Role.INVESTIGATOR, at_us=START_US))
    every = [Stream(number % users) for number in range(streams)]
    slots = asyncio.Semaphore(32)

    async def begin(stream: Stream) -> asyncio.Task[None]:
        async with slots:
            task = asyncio.create_task(stream.load(port, path, headers[stream.user]))
            waiting = asyncio.create_task(stream.began.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if task.done():
                task.result()
            return task

    began_s = time.monotonic()
    tasks = await asyncio.gather(*(begin(stream) for stream in every))
    open_s = time.monotonic() - began_s
    await asyncio.sleep(2.0)
    early = sum(stream.ended_s is not None for stream in every)
    revoked_s = time.monotonic()
    await asyncio.to_thread(revoke, db, grants[0], at_us=now_us)
    await asyncio.sleep(WATCH_S)
    mine = [stream for stream in every if stream.user == 0]
    ended = sorted(stream.ended_s - revoked_s for stream in mine if stream.ended_s is not None)
    others = sum(stream.ended_s is not None for stream in every if stream.user != 0)
    for task in tasks:
        task.cancel()
    return {
        "streams": streams,
        "opened in s": open_s,
        "ended before": early,
        "of the grant": len(mine),
        "of those ended": len(ended),
        "first after s": ended[0] if ended else float("nan"),
        "last after s": ended[-1] if ended else float("nan"),
        "others ended": others,
    }


def measure(streams: int = 1000, users: int = 20) -> dict[str, float]:
    """Figures of one run."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else soft, hard))
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Path(folder))
        run = studio.record(encode("h264", 300), START_US, segment_s=60.0)
        now_us = run.end_us + 10_000_000
        start, end = format_time(run.start_us), format_time(run.end_us)
        path = f"/api/cameras/{CAMERA}/clip.mp4?start={start}&end={end}"
        words = [sys.executable, "-m", "tests.bench.bench_revocation", "serve", str(studio.database.path), str(now_us)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            return asyncio.run(load_all(studio.database, port, path, streams, users, now_us))
        finally:
            process.kill()
            process.wait()
            studio.database.close()


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
        return
    for name, value in measure(*map(int, sys.argv[1:3])).items():
        print(f"{name:16} {value:8.2f}")


if __name__ == "__main__":
    main()
