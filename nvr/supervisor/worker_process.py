"""One recorder worker as the supervisor knows it: its process, what it was told, and whose work it died in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nvr.config import Config
from nvr.recorder.assignments import Leaving, Line, Order, lines, stop_s
from nvr.recorder.loop.crash_slots import SIZE, culprit
from nvr.supervisor.child import Child
from storage.catalogue.node import Lock

if TYPE_CHECKING:
    from nvr.supervisor.prepare import Prepared

__all__ = ["WorkerProcess", "recorder_environment"]

# Pictures come after pauses in which all caches went cold, the processor's of addresses too: large pages make them
# cheaper (docs/design/recording.md). C libraries that don't know the words leave it at that.
_GLIBC: Final = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"


def recorder_environment(mine: Mapping[str, str]) -> dict[str, str]:
    """What a worker's process is started with: ``mine``, and how it is to take its memory, unless that is said
    there."""
    said = mine.get("GLIBC_TUNABLES", "")
    return {**mine, "GLIBC_TUNABLES": said if said.startswith(_GLIBC) else f"{_GLIBC}:{said}".rstrip(":")}


class WorkerProcess:
    """A worker's process: started first, when it reads its code, and begun when it is to record. ``lock``: of the
    places that it records to, which it holds too. ``epochs`` are those it was ever told; ``told`` is what it does
    now."""

    def __init__(
        self, config: Config, lock: Lock, on_line: Callable[[dict[str, Any]], None] = lambda line: None
    ) -> None:
        self._config = config
        self.sent: dict[str, Order] = {}
        self.epochs: set[int] = set()
        self._slots_fd = os.memfd_create("nvr-slots")
        self._fault_fd = os.memfd_create("nvr-fault")
        os.ftruncate(self._slots_fd, SIZE)
        fds = [*lock.fds, self._slots_fd, self._fault_fd]
        environment = recorder_environment(os.environ)
        self.child = Child(
            "a spare recorder", "nvr.recorder", None, on_line=on_line, pass_fds=fds, environment=environment
        )
        self._sending = asyncio.Lock()

    async def begin(self, prepared: Prepared, name: str, secrets: list[str]) -> None:
        """It is the worker of this name from now on."""
        storage = self._config.storage
        first: dict[str, Any] = {
            "name": name,
            "log_level": self._config.server.log_level,
            "secrets": secrets,
            "settings": {
                "catalogue": str(storage.catalogue),
                "roots": [[root.id, str(root.path)] for root in prepared.roots.opened],
                "node": prepared.node,
                "segment_duration_us": storage.segment_duration_us,
                "segment_bytes": storage.segment_bytes,
                "sync_interval_us": storage.sync_interval_us,
                "slots_fd": self._slots_fd,
                "fault_fd": self._fault_fd,
            },
        }
        await self.child.begin(name, first)

    async def send_assignments(self, wanted: Mapping[str, Order], why: Mapping[str, Leaving | None]) -> None:
        """Makes the worker do what is wanted; sends it only what is new."""
        async with self._sending:
            for line in lines(self.sent, wanted, why):
                self.epochs.update(order.epoch for order in line.orders.values())
                await self._send(line)
            self.sent = dict(wanted)

    async def send_roots(self, roots: list[tuple[str, str]]) -> None:
        """Sends the roots that there are now."""
        async with self._sending:
            await self._send(Line(roots=roots))

    async def _send(self, line: Line) -> None:
        await self.child.send(json.loads(msgspec.json.encode(line)))

    async def ended(self) -> tuple[int, str | None, str, bool]:
        """Waits for its end: exit code, the camera in whose work it crashed, what it wrote of that, and whether that
        camera is certain."""
        code = await self.child.ended()
        try:
            return code, *culprit(self._slots_fd, self._fault_fd)
        finally:
            self.forget()

    def forget(self) -> None:
        """Closes what it shared with the process."""
        for fd in (self._slots_fd, self._fault_fd):
            with contextlib.suppress(OSError):
                os.close(fd)

    async def stop(self) -> None:
        """Ends it, within its time."""
        await self.child.stop(stop_s(len(self.sent)) + 4.0)
