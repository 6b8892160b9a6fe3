"""Who asks the process that moves cameras (``python -m nvr.devices.ptz``), and who may at a moment.

Invariant: if that process ends while a camera moves, another one is begun to stop it; if this process ends, that one
stops what moves, and ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from nvr.devices.ptz.leases import PtzLeases
from nvr.devices.ptz.settings import PtzSettings
from nvr.devices.ptz.steps import DEAD_MAN_S
from storage.sentences import Sentence, restored

__all__ = ["PtzDesk", "PtzFailed"]

log = logging.getLogger(__name__)

_LONGEST_S: Final = 15.0
_ENDS_S: Final = 7.0
# A camera was told to move so lately that it may still do.
_MAY_MOVE_S: Final = 3.0


class PtzFailed(Exception):
    """The camera did not do it; the message says why."""


class PtzDesk:
    """One for the API. ``on_dead_man`` is called in the event loop with the camera that was stopped."""

    def __init__(self, catalogue: str, log_level: Callable[[], str], on_dead_man: Callable[[str], object]) -> None:
        self.leases = PtzLeases()
        self._catalogue = catalogue
        self._log_level = log_level
        self._on_dead_man = on_dead_man
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        # Who moves which camera, and when they last said so.
        self._movers: dict[str, tuple[str, float]] = {}
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    async def ask(self, camera: str, do: str, **more: Any) -> Any:
        """What the process answers; it is begun if there is none.

        Raises:
            PtzFailed: the camera did not do it.
        """
        child = await self._running()
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = msgspec.json.encode({"n": number, "do": do, "camera": camera, **more}) + b"\n"
        try:
            assert child.stdin is not None
            child.stdin.write(line)
            async with asyncio.timeout(_LONGEST_S):
                return await answer
        except OSError:
            raise PtzFailed(Sentence("the process that moves cameras ended; try again")) from None
        except TimeoutError:
            raise PtzFailed(Sentence("the camera does not answer")) from None
        finally:
            self._waiting.pop(number, None)

    async def _running(self) -> subprocess.Popen[bytes]:
        async with self._starting:
            if self._closing:
                raise PtzFailed(Sentence("the server is being stopped"))
            if self._child is None or self._child.poll() is not None:
                settings = PtzSettings(catalogue=self._catalogue, log_level=self._log_level())
                self._child = await asyncio.to_thread(_begin, msgspec.json.encode(settings))
                loop = asyncio.get_running_loop()
                threading.Thread(target=self._follow, args=(self._child, loop), name="ptz", daemon=True).start()
            return self._child

    def _follow(self, child: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        assert child.stdout is not None
        # The loop may be over.
        with contextlib.suppress(RuntimeError):
            for line in child.stdout:
                loop.call_soon_threadsafe(self._take, msgspec.json.decode(line))
            child.wait()
            loop.call_soon_threadsafe(self._ended, child)

    def _take(self, line: dict[str, Any]) -> None:
        if "dead_man" in line:
            self._on_dead_man(line["dead_man"])
            return
        answer = self._waiting.get(line["n"])
        if answer is None or answer.done():
            return
        if "error" in line:
            answer.set_exception(PtzFailed(restored(line["error"])))
        else:
            answer.set_result(line["ok"])

    def _ended(self, child: subprocess.Popen[bytes]) -> None:
        if child is not self._child:
            return
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(PtzFailed(Sentence("the process that moves cameras ended; try again")))
        if self._closing:
            return
        now_s = time.monotonic()
        moving = [camera for camera, (_, at_s) in self._movers.items() if now_s - at_s < _MAY_MOVE_S]
        if moving:
            log.error("the process that moves cameras ended with code %s; they are stopped by another", child.poll())
        for camera in moving:
            task = asyncio.create_task(self._stop(camera))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _stop(self, camera: str) -> None:
        try:
            await self.ask(camera, "stop")
        except PtzFailed as error:
            log.error("%s may still move: %s", camera, error)

    def begins(self, camera: str, person: str) -> bool:
        """Notes that somebody moves a camera; says whether they did not do so until now."""
        before = self._movers.get(camera)
        now_s = time.monotonic()
        self._movers[camera] = person, now_s
        return before is None or before[0] != person or now_s - before[1] >= DEAD_MAN_S

    def is_moving(self, camera: str) -> bool:
        """Whether somebody moves a camera now."""
        found = self._movers.get(camera)
        return found is not None and time.monotonic() - found[1] < DEAD_MAN_S

    def halted(self, camera: str) -> None:
        """The camera was told to stop."""
        self._movers.pop(camera, None)

    async def close(self) -> None:
        """Ends the process, which stops what moves."""
        self._closing = True
        child = self._child
        if child is None or child.stdin is None:
            return
        with contextlib.suppress(OSError):
            child.stdin.close()
        await asyncio.to_thread(_wait, child)


def _begin(first: bytes) -> subprocess.Popen[bytes]:
    # Not by the loop: uvloop forks, and what Python cleans up in the fork may wait for a lock that a thread had.
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "nvr.devices.ptz"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert child.stdin is not None
    child.stdin.write(first + b"\n")
    return child


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(_ENDS_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
