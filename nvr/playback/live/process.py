"""The process that reads streams which are only watched: begun when the first is wanted, begun again if it dies, ended
when none has been wanted for a while. For one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable
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
        self._child: asyncio.subprocess.Process | None = None
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
        child = self._child
        if child is not None and child.stdin is not None and not child.stdin.is_closing():
            child.stdin.write(json.dumps(what).encode() + b"\n")

    async def _run(self) -> None:
        while self._wanted:
            child = self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "nvr.recorder.watching",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
            )  # fmt: skip
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(self._first).encode() + b"\n")
            for settings in list(self._wanted.values()):
                self._tell({"open": settings})
            reading = asyncio.create_task(self._read(child.stdout))
            idling = asyncio.create_task(self._idle())
            try:
                await asyncio.wait({reading, idling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._child = None
                for task in (reading, idling):
                    task.cancel()
                await asyncio.gather(reading, idling, return_exceptions=True)
                await asyncio.shield(_ended(child))
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


async def _ended(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _END_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
