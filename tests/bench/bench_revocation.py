"""How fast what is being sent ends with the right to it: one grant of many revoked, and all others go on.

``python -m tests.bench.bench_revocation [streams] [users] [cameras]`` (``make bench-revocation``): first the real
server records cameras that write down what they send, and live view of them is open in so many connections; then clips
are loaded slowly, from a server in a process of its own. Exit code 1 if a stream of the revoked grant lasted over a
second, another one ended or stood still, or a recorded frame is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from nvr.api.server import bind
from nvr.playback.clip.clip import Clip
from storage.catalogue.database import Database
from tests.bench.load.trial import LOW, trial
from tests.bench.load.verify import Verdict
from tests.bench.machine import describe
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.support.grants import bearer, give, revoke

__all__ = ["measure", "measure_live"]

PIECE_BYTES: Final = 600
PAUSE_S: Final = 0.5
# After the revocation the others are looked at for so long.
WATCH_S: Final = 5.0
# So much is recorded before anybody watches.
WARM_S: Final = 5.0
MOST_S: Final = 1.0


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
    """What is being loaded. ``ended_s``: when it broke off; ``heard_s``: when bytes came last."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.began = asyncio.Event()
        self.ended_s: float | None = None
        self.heard_s = 0.0

    async def load(self, port: int, path: str, headers: dict[str, str]) -> None:
        """From an address of the user's own: a server bounds the connections of each."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.1.{1 + self.user}", 0))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:80]
        with contextlib.suppress(ConnectionError):
            while await reader.read(1 << 16):
                self.heard_s = time.monotonic()
                self.began.set()
        self.ended_s = time.monotonic()
        writer.close()


async def load_all(
    db: Database, port: int, paths: Sequence[str], streams: int, users: int, at_us: int, now_us: int
) -> dict[str, float]:
    """Opens the streams, by turns of these paths, revokes the first user's grant, and watches."""
    grants, headers = [], []
    for number in range(users):
        grants.append(give(db, f"user{number}", Role.INVESTIGATOR, "*", at_us=at_us))
        headers.append(bearer(db, grants[-1].holder, Role.INVESTIGATOR, at_us=at_us))
    every = [Stream(number % users) for number in range(streams)]
    slots = asyncio.Semaphore(32)

    async def begin(number: int, stream: Stream) -> asyncio.Task[None]:
        async with slots:
            task = asyncio.create_task(stream.load(port, paths[number % len(paths)], headers[stream.user]))
            waiting = asyncio.create_task(stream.began.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if task.done():
                task.result()
            return task

    began_s = time.monotonic()
    tasks = await asyncio.gather(*(begin(number, stream) for number, stream in enumerate(every)))
    open_s = time.monotonic() - began_s
    await asyncio.sleep(2.0)
    early = sum(stream.ended_s is not None for stream in every)
    revoked_s = time.monotonic()
    await asyncio.to_thread(revoke, db, grants[0], at_us=now_us)
    await asyncio.sleep(WATCH_S)
    mine = [stream for stream in every if stream.user == 0]
    ended = sorted(stream.ended_s - revoked_s for stream in mine if stream.ended_s is not None)
    others = [stream for stream in every if stream.user != 0]
    quiet_s = time.monotonic() - WATCH_S / 2
    found = {
        "streams": streams,
        "opened in s": open_s,
        "ended before": early,
        "of the grant": len(mine),
        "of those ended": len(ended),
        "first after s": ended[0] if ended else float("nan"),
        "last after s": ended[-1] if ended else float("nan"),
        "others ended": sum(stream.ended_s is not None for stream in others),
        "others quiet": sum(stream.heard_s < quiet_s for stream in others),
    }
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


def is_good(found: Mapping[str, float]) -> bool:
    """Whether all that had to end did within a second, and nothing else."""
    return (
        found["of those ended"] == found["of the grant"]
        and found["last after s"] <= MOST_S
        and not (found["ended before"] or found["others ended"] or found["others quiet"])
    )


def measure_live(streams: int = 1000, users: int = 20, cameras: int = 20) -> tuple[dict[str, float], Verdict]:
    """Live view of cameras that a real server records, and what it recorded meanwhile."""
    _raise_descriptors()
    with trial(None, cameras, LOW) as run:
        run.until_playing(cameras, 60)
        time.sleep(WARM_S)
        db = Database(run.server.catalogue)
        paths = [f"/api/live?camera=cam-{number}&seconds=900" for number in range(cameras)]
        now_us = time.time_ns() // 1000
        found = asyncio.run(load_all(db, run.server.port, paths, streams, users, now_us, now_us))
        db.close()
        run.stop()
        return found, run.verdict()


def _raise_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else soft, hard))


def measure(streams: int = 1000, users: int = 20) -> dict[str, float]:
    """Clips that are loaded slowly."""
    _raise_descriptors()
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
            return asyncio.run(load_all(studio.database, port, [path], streams, users, START_US, now_us))
        finally:
            process.kill()
            process.wait()
            studio.database.close()


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
        return
    print(describe())
    numbers = [int(word) for word in sys.argv[1:4]]
    live, verdict = measure_live(*numbers)
    print(f"\nlive view, beside recording: {verdict}")
    for name, value in live.items():
        print(f"{name:16} {value:8.2f}")
    clips = measure(*numbers[:2])
    print("\nclips")
    for name, value in clips.items():
        print(f"{name:16} {value:8.2f}")
    sys.exit(not (verdict.good and is_good(live) and is_good(clips)))


if __name__ == "__main__":
    main()
