"""The recorder workers: which camera each has, and what happens when one dies.

Invariant: no camera is given to a worker before the segments of its last one are adopted, or left to the backlog.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Iterable
from typing import Any, Final

from nvr import log as logs
from nvr.config import Camera, Config, to_wire
from nvr.supervisor.child import Child
from nvr.supervisor.prepare import Prepared, now_us
from nvr.supervisor.provision import from_row
from nvr.supervisor.shares import share
from storage import cameras, in_force, node
from storage.causes import Cause
from storage.directing import tell_schedules
from storage.errors import CatalogueError
from storage.in_force import InForce
from storage.reconcile import reconcile

__all__ = ["Fleet"]

log = logging.getLogger(__name__)

# A worker beats every second. One that is silent for this long hangs.
_SILENT_S: Final = 15.0
_WELL_AFTER_S: Final = 30.0
_LAST_WAIT_S: Final = 10.0
# A decision that a command entered, or one that begins now, is seen within this time.
_LOOK_S: Final = 1.0


_TELL_EVERY_US: Final = 3600 * 1_000_000

# What a recorder does not need: a change of it must not cost the camera's connection.
_NOT_RECORDING: Final = ("name", "labels", "priority", "max_age_us", "min_age_us", "max_bytes")


def _for_recorder(camera: Camera) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in wire.items() if key not in _NOT_RECORDING}


class Fleet:
    """All workers."""

    def __init__(self, config: Config, prepared: Prepared) -> None:
        self._config = config
        self._prepared = prepared
        self._children: dict[int, Child] = {}
        self._shares: dict[str, int] = {}
        self._cameras: dict[str, Camera] = {}
        self._numbers = list(range(1, config.server.worker_count + 1))
        self._tasks: list[asyncio.Task[None]] = []
        self._assigning = asyncio.Lock()
        self._stopping = False
        self._paused: frozenset[str] = frozenset()
        self._off: dict[str, InForce] = {}

    async def start(self) -> None:
        """Starts every worker and gives each its cameras."""
        self._load()
        for number in self._numbers:
            await self._spawn(number)
            self._tasks.append(asyncio.create_task(self._keep(number), name=f"keep-recorder-{number}"))
        self._tasks.append(asyncio.create_task(self._watch(), name="watch-recorders"))

    def _load(self) -> None:
        with self._prepared.database.read() as conn:
            self._cameras = {row.id: from_row(row) for row in cameras.every(conn)}
            self._off = in_force.off(conn, now_us())
        logs.learn_secrets(c.password.reveal() for c in self._cameras.values() if c.password is not None)
        self._shares = share(self._cameras.keys(), self._numbers, self._shares)

    def _mine(self, number: int) -> list[str]:
        return [id_ for id_, worker in self._shares.items() if worker == number]

    async def assign(self) -> None:
        """Reads the cameras again and tells each worker which are its own; what did not change is not touched."""
        async with self._assigning:
            self._load()
            for number in list(self._children):
                await self._tell(number)

    def pause(self, cameras: Iterable[str]) -> None:
        """These cameras, and no others, do not record for want of space, from the next ``assign`` on."""
        self._paused = frozenset(cameras)

    async def follow_decisions(self) -> None:
        """Never ends: assigns anew whenever an order or a schedule begins or ends, or somebody else than the API changed a camera."""
        told_us = 0
        known: tuple[int, int] | None = None
        changes_us: int | None = None
        while True:
            at_us = now_us()
            try:
                if not told_us <= at_us < told_us + _TELL_EVERY_US:
                    await asyncio.to_thread(self._tell_schedules, at_us)
                    told_us = at_us
                found, next_us = await asyncio.to_thread(self._look, at_us)
                # At the first look, what was loaded at the start may be a second old.
                if found != known or (changes_us is not None and at_us >= changes_us):
                    await self.assign()
                known, changes_us = found, next_us
            except (sqlite3.Error, CatalogueError) as error:
                log.error("decisions can't be looked up, will try again: %s", error)
            wait_s = _LOOK_S if changes_us is None else min(_LOOK_S, max(0.0, (changes_us - now_us()) / 1e6))
            await asyncio.sleep(wait_s)

    def _look(self, at_us: int) -> tuple[tuple[int, int], int | None]:
        with self._prepared.database.read() as conn:
            return in_force.version(conn), in_force.next_change_us(conn, at_us)

    def _tell_schedules(self, at_us: int) -> None:
        with self._prepared.database.write() as conn:
            tell_schedules(conn, node_id=self._prepared.node, now_us=at_us)

    def _why_stopped(self, camera: str) -> tuple[str, dict[str, Any]] | None:
        """Cause and detail of a camera that is not to be recorded now. People's decisions come before the want of space."""
        if (decided := self._off.get(camera)) is not None:
            return decided.cause.value, dict(decided.detail)
        if camera in self._paused:
            return Cause.DISK_FULL.value, {"reason": "stopped by the server"}
        return None

    async def _tell(self, number: int) -> None:
        why = {id_: self._why_stopped(id_) for id_ in self._mine(number)}
        await self._children[number].tell(
            {
                "cameras": [_for_recorder(self._cameras[id_]) for id_, stopped in why.items() if stopped is None],
                "stopped": {id_: stopped for id_, stopped in why.items() if stopped is not None},
            }
        )

    async def _spawn(self, number: int) -> None:
        with self._prepared.database.write() as conn:
            epoch = node.next_epoch(conn)
        storage = self._config.storage
        first: dict[str, Any] = {
            "name": f"recorder-{number}",
            "log_level": self._config.server.log_level,
            "secrets": [c.password.reveal() for c in self._cameras.values() if c.password is not None],
            "settings": {
                "catalogue": str(storage.catalogue),
                "roots": [[root.id, str(root.path)] for root in self._prepared.roots],
                "node": self._prepared.node,
                "epoch": epoch,
                "segment_duration_us": storage.segment_duration_us,
                "segment_bytes": storage.segment_bytes,
                "sync_interval_us": storage.sync_interval_us,
            },
        }
        child = Child(
            f"recorder-{number}",
            "nvr.recorder",
            first,
            on_line=lambda line: None,
            pass_fds=self._prepared.lock.fds,
        )
        self._children[number] = child
        await child.start()
        await self._tell(number)

    async def _keep(self, number: int) -> None:
        """Starts a worker that ended again, at once the first time; its cameras' gap says ``recorder_crashed``."""
        wait_s = 0.0
        while True:
            child = self._children[number]
            code = await child.ended()
            if self._stopping:
                return
            log.error("recorder-%d ended with code %d: its cameras are taken up again", number, code)
            async with self._assigning:
                await asyncio.to_thread(self._adopt, number, code)
                well = time.monotonic() - child.started > _WELL_AFTER_S
                wait_s = 0.0 if well else min(max(2 * wait_s, 0.5), _LAST_WAIT_S)
                if wait_s > 0.5:
                    await asyncio.sleep(wait_s)
                await self._spawn(number)

    def _adopt(self, number: int, code: int) -> None:
        with self._prepared.database.write() as conn:
            epoch = node.next_epoch(conn)
        at_us = now_us()
        report = reconcile(
            self._prepared.database,
            self._prepared.roots,
            node=self._prepared.node,
            epoch=epoch,
            cause=Cause.RECORDER_CRASHED,
            detail={"worker": number, "code": code},
            alive_us=at_us,
            now_us=at_us,
            only=self._mine(number),
            backlog=self._prepared.backlog,
        )
        log.info(
            "recorder-%d: %d segments adopted, %d bytes cut off, %d left to adopt while recording",
            number,
            report.adopted,
            report.cut_bytes,
            report.later,
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for child in self._children.values():
                if time.monotonic() - child.heard > _SILENT_S:
                    log.error("%s has been silent for %.0f s and is killed", child.name, _SILENT_S)
                    child.heard = time.monotonic()
                    child.kill()

    async def stop(self) -> None:
        """Ends every worker; all at once, each within its time."""
        self._stopping = True
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        for task in self._tasks:
            task.cancel()
