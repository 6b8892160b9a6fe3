"""``python -m nvr.recorder.watching``: streams that are watched, not recorded. A process of its own, so that recording
never feels them; it ends when its stdin is closed. The first line is the path of the catalogue, so that refused logins
count in the ledger that recorders share; then come those of ``nvr.sources.watched``."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nvr import core_dumps
from nvr import log as logs
from nvr.config import CameraSettings
from nvr.recorder.sources.av import quiet_ffmpeg
from nvr.recorder.sources.rtsp.ledger import LEDGER
from nvr.recorder.watching.stream import WatchedStream
from storage.catalogue.database import Database

# What waits to be read: seconds of a hundred streams.
_MOST_WAITING_BYTES: Final = 64 << 20


class _Out:
    """Writes messages to stdout in a thread; if nobody reads, what is newest is dropped."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._there = threading.Condition()
        threading.Thread(target=self._write, name="out", daemon=True).start()

    def say(self, message: bytes) -> None:
        with self._there:
            if self._bytes + len(message) > _MOST_WAITING_BYTES:
                return
            self._waiting.append(message)
            self._bytes += len(message)
            self._there.notify()

    def _write(self) -> None:
        while True:
            with self._there:
                self._there.wait_for(lambda: self._waiting)
                message = self._waiting.popleft()
                self._bytes -= len(message)
            try:
                view = memoryview(message)
                while view:
                    view = view[os.write(1, view) :]
            except OSError:
                os._exit(0)


def main() -> None:
    core_dumps.forbid()
    # Not a byte more than the line: the rest is the event loop's.
    first = json.loads(io.FileIO(0, closefd=False).readline())
    logs.setup(first["name"], first["log_level"], ())
    LEDGER.open(Database(Path(first["catalogue"])))
    quiet_ffmpeg()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_serve(_Out().say))
    os._exit(0)


async def _serve(say: Callable[[bytes], None]) -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    streams: dict[str, WatchedStream] = {}
    ending: set[asyncio.Task[None]] = set()

    async def replace(old: WatchedStream, new: WatchedStream) -> None:
        await old.stop()
        if streams.get(new.camera.id) is new:
            new.start()

    def close(camera: str) -> None:
        if (stream := streams.pop(camera, None)) is not None:
            task = loop.create_task(stream.stop())
            ending.add(task)
            task.add_done_callback(ending.discard)

    while line := await reader.readline():
        told: dict[str, Any] = json.loads(line)
        if "open" in told:
            camera = CameraSettings.model_validate(told["open"])
            logs.learn_secrets(camera.secrets)
            old, new = streams.get(camera.id), WatchedStream(camera, say)
            streams[camera.id] = new
            if old is None:
                new.start()
            else:
                task = loop.create_task(replace(old, new))
                ending.add(task)
                task.add_done_callback(ending.discard)
        else:
            close(told["close"])
    for id_ in list(streams):
        close(id_)
    if ending:
        await asyncio.wait(ending, timeout=5.0)


main()
