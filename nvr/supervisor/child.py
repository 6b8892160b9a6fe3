"""A child process and its talk of JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nvr.supervisor.patience import Patience

__all__ = ["STOP_S", "Child"]

log = logging.getLogger(__name__)

STOP_S: Final = 12.0
"""So long a child may take to end, seconds."""


class Child:
    """One run of a child process ``python -m module``. ``first`` is its first line on stdin; secrets travel there and
    nowhere else. None: it waits for it until ``begin``. ``on_line`` hears what it says. ``environment``: instead of
    this process's."""

    def __init__(
        self,
        name: str,
        module: str,
        first: dict[str, Any] | None,
        *,
        on_line: Callable[[dict[str, Any]], None],
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._module = module
        self._first = first
        self.on_line = on_line
        self._pass_fds = tuple(pass_fds)
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self.patience = Patience()
        self.started = time.monotonic()

    async def start(self) -> None:
        """Starts the process."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            # What lies in the folder that the server was started in is not its code.
            "-P",
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=self._pass_fds,
            env=self._environment,
            # A Ctrl-C is for the supervisor, which then ends its children in order.
            start_new_session=True,
        )
        self.started = time.monotonic()
        if self._first is not None:
            await self.send(self._first)
        self._listener = asyncio.create_task(self._listen(), name=f"listen-{self.name}")

    async def begin(self, name: str, first: dict[str, Any]) -> None:
        """Gives a process that waits its first line, and its name."""
        self.name, self.started = name, time.monotonic()
        self.patience.begins()
        await self.send(first)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process's id."""
        return self._process.pid if self._process is not None else None

    async def send(self, line: dict[str, Any]) -> None:
        """Sends a line; to a child that is gone, nothing."""
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            await self._process.stdin.drain()

    async def _listen(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for text in self._process.stdout:
            self.patience.heard()
            try:
                line = json.loads(text)
            except ValueError:
                log.warning("%s said something that is not JSON", self.name)
                continue
            self.on_line(line)

    async def ended(self) -> int:
        """Waits for the process to end; returns its exit code, negative for a signal."""
        assert self._process is not None
        code = await self._process.wait()
        if self._listener is not None:
            await self._listener
        return code

    def kill(self) -> None:
        """Ends the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self, within_s: float = STOP_S) -> None:
        """Asks the process to end, and ends it if it does not within its time."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            log.error("%s did not end within %.0f s and is killed", self.name, within_s)
            self.kill()
            await self._process.wait()
