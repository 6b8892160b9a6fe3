"""The process that reads streams which are only watched: begun when the first is wanted, begun again if it dies, ended
when none has been wanted for a while. For one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from nvr.sources.watched import HEAD, Watched, length_of

__all__ = ["WatchingProcess"]

log = logging.getLogger(__name__)

_IDLE_S: Final = 60.0
_AGAIN_S: Final = 2.0
_END_S: Final = 5.0


class WatchingProcess:
    """``first``: the first line that it is told; ``heard`` takes what it says, ``died`` is called where it ended by
    itself. What is wanted is opened again then."""

    def __init__(
        self, first: dict[str, Any], heard: Callable[[Watched, bytes], None], died: Callable[[], None]
    ) -> None:
        self._first = first
        self._heard = heard
        self._died = died
        self._wanted: dict[str, dict[str, Any]] = {}
        self._stdin: asyncio.WriteTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def open(self, camera: str, settings: dict[str, Any]) -> None:
        """Reads a camera by these settings from now on."""
        self._wanted[camera] = settings
        self._tell({"open": settings})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="watching")
        self._changed.set()

    def close(self, camera: str) -> None:
        """Reads it no more."""
        if self._wanted.pop(camera, None) is not None:
            self._tell({"close": camera})
            self._changed.set()

    async def end(self) -> None:
        """Ends the process."""
        self._wanted.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _tell(self, what: dict[str, Any]) -> None:
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(json.dumps(what).encode() + b"\n")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wanted:
            # Not by the loop: uvloop forks, and what Python cleans up in the fork may wait for a lock that a thread had
            # (a connection of SQLite's), for ever, and the loop with it.
            try:
                child = await asyncio.to_thread(_begin)
            except OSError as error:
                log.error("the process that reads streams for watching can't be begun, will try again: %s", error)
                self._died()
                await asyncio.sleep(_AGAIN_S)
                continue
            assert child.stdin is not None and child.stdout is not None
            stdout = asyncio.StreamReader(limit=1 << 20)
            protocol = asyncio.StreamReaderProtocol(stdout)
            taken, _ = await loop.connect_read_pipe(partial(_itself, protocol), child.stdout)
            given, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, child.stdin)
            self._stdin = given
            self._tell(self._first)
            for settings in list(self._wanted.values()):
                self._tell({"open": settings})
            reading = asyncio.create_task(self._read(stdout))
            idling = asyncio.create_task(self._idle())
            try:
                await asyncio.wait({reading, idling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._stdin = None
                given.close()
                for task in (reading, idling):
                    task.cancel()
                await asyncio.gather(reading, idling, return_exceptions=True)
                await asyncio.shield(asyncio.to_thread(_end, child))
                taken.close()
            if self._wanted:
                log.warning("the process that reads streams for watching ended (%s): another begins", child.returncode)
                self._died()
                await asyncio.sleep(_AGAIN_S)

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                told, size = length_of(await stdout.readexactly(HEAD.size))
                what = msgspec.json.decode(await stdout.readexactly(told), type=Watched)
                data = await stdout.readexactly(size)
                if what.camera in self._wanted:
                    self._heard(what, data)

    async def _idle(self) -> None:
        """Returns when nothing has been wanted for a while."""
        while True:
            self._changed.clear()
            if self._wanted:
                await self._changed.wait()
                continue
            try:
                await asyncio.wait_for(self._changed.wait(), _IDLE_S)
            except TimeoutError:
                return


def _itself(protocol: asyncio.StreamReaderProtocol) -> asyncio.StreamReaderProtocol:
    return protocol


def _begin() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "nvr.recorder.watching"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Its stdin is closed: it ends, or is ended."""
    try:
        child.wait(_END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
