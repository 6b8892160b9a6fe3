"""Which worker has which camera, under which epoch, and what each worker is therefore to be told.

Invariants: every camera has exactly one worker, and one more while it moves; whenever a camera gets a recorder, whatever for, it gets a new epoch
(``grant``), so that of two the later one counts.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nvr import log as logs
from nvr.config import Camera, to_wire
from nvr.recorder.orders import Order
from nvr.supervisor.provision import from_row
from nvr.supervisor.quarantine import Confinement
from nvr.supervisor.shares import Move, moves, share, weight
from storage import cameras, in_force, node, status
from storage.causes import Cause
from storage.database import Database
from storage.in_force import InForce

__all__ = ["Book", "Moving"]

# What a recorder does not need: a change of it must not cost the camera's connection.
_NOT_RECORDING: Final = ("name", "labels", "priority", "max_age_us", "min_age_us", "max_bytes")


def _for_recorder(camera: Camera) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in wire.items() if key not in _NOT_RECORDING}


@dataclass(slots=True)
class Moving:
    """A camera that two workers have: the source records it until the target does, or until ``until`` (monotonic seconds)."""

    move: Move
    epoch: int
    until: float
    recording: asyncio.Event = field(default_factory=asyncio.Event)


class Book:
    """``numbers`` are the workers that share cameras; others hold a single one, which is ``confined``."""

    def __init__(self, database: Database, numbers: Sequence[int]) -> None:
        self._database = database
        self.numbers = list(numbers)
        self.cameras: dict[str, Camera] = {}
        self.shares: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        self.moving: dict[str, Moving] = {}
        self.confined: dict[str, Confinement] = {}
        self.paused: frozenset[str] = frozenset()
        self.off: dict[str, InForce] = {}
        self._wires: dict[str, tuple[int, dict[str, Any]]] = {}
        self._bitrates: dict[str, int] = {}
        self._recording: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Reads the cameras; those without a worker get one, and an epoch."""
        found, rates, self.off = await asyncio.to_thread(self._read)
        self.cameras = found
        self._recording = frozenset(rates)
        self._bitrates = {id_: bps for id_, bps in (self._bitrates | rates).items() if id_ in found}
        self.moving = {id_: moving for id_, moving in self.moving.items() if id_ in found}
        logs.learn_secrets(self.secrets)
        apart = {id_: self.shares[id_] for id_ in self.confined if id_ in found and id_ in self.shares}
        weights = {id_: value for id_, value in self._weights().items() if id_ not in apart}
        self.shares = share(weights, self.numbers, self.shares) | apart
        self.epochs = {id_: epoch for id_, epoch in self.epochs.items() if id_ in self.shares}
        await self.grant(id_ for id_ in self.shares if id_ not in self.epochs)

    def _read(self) -> tuple[dict[str, Camera], dict[str, int], dict[str, InForce]]:
        with self._database.read() as conn:
            rows = cameras.every(conn)
            off = in_force.off(conn, time.time_ns() // 1000)
            rates = {id_: s.bitrate_bps for id_, s in status.every(conn).items() if s.bitrate_bps is not None}
        found: dict[str, Camera] = {}
        wires: dict[str, tuple[int, dict[str, Any]]] = {}
        for row in rows:
            # Thousands of cameras, of which one has changed.
            known = self._wires.get(row.id)
            if known is not None and known[0] == row.rev and row.id in self.cameras:
                found[row.id], wires[row.id] = self.cameras[row.id], known
            else:
                camera = from_row(row)
                found[row.id], wires[row.id] = camera, (row.rev, _for_recorder(camera))
        self._wires = wires
        return found, rates, off

    @property
    def secrets(self) -> list[str]:
        """All passwords, for a redactor to know them."""
        return [camera.password.reveal() for camera in self.cameras.values() if camera.password is not None]

    def _weights(self) -> dict[str, float]:
        return {id_: weight(self._bitrates.get(id_)) for id_ in self.cameras}

    def planned(self, most: int) -> list[Move]:
        """What should move, by the bitrates last read. Only cameras that record: the others may not come at all."""
        idle = self.confined.keys() | self.paused | self.off.keys() | self.moving.keys()
        movable = (self._recording & self.shares.keys()) - idle
        return moves(self._weights(), self.shares, self.numbers, movable=movable, most=most)

    async def next_epoch(self) -> int:
        """An epoch above all before."""
        return await asyncio.to_thread(self._next_epoch)

    def _next_epoch(self) -> int:
        with self._database.write() as conn:
            return node.next_epoch(conn)

    async def grant(self, ids: Iterable[str]) -> None:
        """These cameras get a recorder: a new epoch for all of them."""
        ids = list(ids)
        if ids:
            self.epochs.update(dict.fromkeys(ids, await self.next_epoch()))

    def mine(self, number: int) -> list[str]:
        """The cameras of this worker; one that moves is its source's."""
        return [id_ for id_, worker in self.shares.items() if worker == number]

    def settle(self, id_: str) -> None:
        """A camera that moves is its target's from now on."""
        moving = self.moving.pop(id_)
        self.shares[id_], self.epochs[id_] = moving.move.target, moving.epoch

    def orders(self, number: int) -> dict[str, Order]:
        """All that this worker is to do."""
        orders = {id_: self._order(id_, self.epochs[id_]) for id_ in self.mine(number)}
        for id_, moving in self.moving.items():
            if moving.move.target == number:
                orders[id_] = self._order(id_, moving.epoch, tentative=not moving.recording.is_set())
        return orders

    def _order(self, id_: str, epoch: int, *, tentative: bool = False) -> Order:
        return Order(epoch=epoch, camera=self._wires[id_][1], stopped=self._why_stopped(id_), tentative=tentative)

    def _why_stopped(self, id_: str) -> tuple[str, dict[str, Any]] | None:
        """Cause and detail of a camera that is not to be recorded now. People's decisions come before the want of space."""
        if (decided := self.off.get(id_)) is not None:
            return decided.cause.value, dict(decided.detail)
        if id_ in self.paused:
            return Cause.DISK_FULL.value, {"reason": "stopped by the server"}
        if (confined := self.confined.get(id_)) is not None and confined.waiting:
            return Cause.RECORDER_CRASHED.value, confined.detail
        return None
