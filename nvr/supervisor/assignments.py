"""Which worker has which camera, under which epoch, how it is read, and what each worker is therefore to be told.

Invariants: every camera has exactly one worker, and one more while it moves; whenever a camera gets a recorder,
whatever for, it gets a new epoch (``grant``), so that of two the later one counts; a worker that feeds FFmpeg has no
camera that is read without.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from nvr import log as logs
from nvr.config import CameraSettings, to_wire
from nvr.orders import in_force
from nvr.orders.in_force import InForce
from nvr.recorder.assignments import Leaving, Order
from nvr.recorder.sources.reading import Reading, by_settings, settings_digest
from nvr.sources import SOURCES
from nvr.supervisor.balancing import HeldCameras, Move, loads, moves, pack, share, weight
from nvr.supervisor.moving import Moving
from nvr.supervisor.provision import from_row
from nvr.supervisor.quarantine import Confinement
from storage.catalogue import cameras, node, readings, status
from storage.catalogue.database import Database
from storage.causes import Cause

__all__ = ["Book"]

log = logging.getLogger(__name__)

# What a recorder does not need: a change of it must not cost the camera's connection.
_NOT_RECORDING: Final = ("live_url", "name", "labels", "priority", "max_age_us", "min_age_us", "max_bytes")
_SETTINGS_CHANGED: Final[Leaving] = (Cause.NOT_CONFIGURED.value, {"reason": "settings changed"})


def _for_recorder(camera: CameraSettings) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in wire.items() if key not in _NOT_RECORDING}


class Book:
    """``numbers`` are the workers that share cameras; those of ``feeding`` feed FFmpeg; others hold a single camera,
    which is ``confined``. ``released``: cameras that were, and whose settings have changed; ``leaving``: why cameras
    left their workers when the cameras were last read. ``held``: of a fleet of several machines, which cameras are this
    one's; None: all are. ``known``: all cameras, whoever records them."""

    def __init__(self, database: Database, numbers: Sequence[int]) -> None:
        self._database = database
        self.numbers = list(numbers)
        self.feeding: set[int] = set()
        self._last_number = max(self.numbers)
        self.cameras: dict[str, CameraSettings] = {}
        self.known: dict[str, CameraSettings] = {}
        self.held: HeldCameras | None = None
        self._given: dict[str, int] = {}
        self.rows: dict[str, readings.FoundReading] = {}
        self.shares: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        self.moving: dict[str, Moving] = {}
        self.confined: dict[str, Confinement] = {}
        self.released: set[str] = set()
        self.leaving: dict[str, Leaving | None] = {}
        self.paused: frozenset[str] = frozenset()
        self.off: dict[str, InForce] = {}
        self.locked: dict[str, str] = {}
        self._wires: dict[str, tuple[int, dict[str, Any]]] = {}
        self._bitrates: dict[str, int] = {}
        self.recording: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Reads the cameras; those without a worker get one, and an epoch, and so do those that a change of settings
        takes to the other kind of worker."""
        locked = self.locked
        found, rates, self.off, self.rows, self.locked = await asyncio.to_thread(self._read)
        for id_ in self.locked.keys() - locked.keys():
            log.critical("camera %s can't be recorded: %s", id_, self.locked[id_])
        self.known = found
        found = self.cameras = self._here(found)
        self.recording = frozenset(rates)
        self._bitrates = {id_: bps for id_, bps in (self._bitrates | rates).items() if id_ in found}
        self.moving = {id_: moving for id_, moving in self.moving.items() if self._still(id_, moving)}
        logs.learn_secrets(self.secrets)
        self.released |= {id_ for id_, confined in self.confined.items() if not self._same(id_, confined.settings)}
        self.confined = {id_: confined for id_, confined in self.confined.items() if id_ not in self.released}
        apart = {id_: self.shares.get(id_, self.numbers[0]) for id_ in self.confined if id_ in found}
        others = {} if self.held is None else self.held.others
        is_fed = {id_ for id_ in found if id_ not in others and SOURCES[self.reading(id_).source].is_apart}
        fed = is_fed - apart.keys()
        weights = {id_: value for id_, value in self._weights().items() if id_ not in apart and id_ not in fed}
        before, came, given = self.shares, *self._taken()
        # One that comes from another node has done nothing here: it goes to whoever carries least now.
        staying = {id_: number for id_, number in before.items() if id_ not in came}
        self.shares = share(weights, self.numbers, staying) | apart
        self.shares |= self._packed(fed, staying)
        left = {id_ for id_, number in self.shares.items() if before.get(id_, number) != number}
        self.leaving = {id_: others.get(id_, _SETTINGS_CHANGED) for id_ in left}
        anew = left | given
        self.epochs = {id_: epoch for id_, epoch in self.epochs.items() if id_ in self.shares and id_ not in anew}
        await self.grant(id_ for id_ in self.shares if id_ not in self.epochs)

    def _here(self, found: dict[str, CameraSettings]) -> dict[str, CameraSettings]:
        """The cameras of which this node's workers are told something."""
        held = self.held
        if held is None:
            return found
        return {id_: camera for id_, camera in found.items() if id_ in held.epochs or id_ in held.others}

    def _taken(self) -> tuple[set[str], set[str]]:
        """The cameras that this node has got of the fleet since the last time, and all that it was given or lost."""
        now = {} if self.held is None else dict(self.held.epochs)
        before, self._given = self._given, now
        given = {id_ for id_ in now.keys() | before if now.get(id_) != before.get(id_)}
        return given - before.keys(), given

    def _still(self, id_: str, moving: Moving) -> bool:
        """Whether what a move was begun for is still so."""
        if self.held is not None and id_ in self.held.others:
            return False
        return id_ in self.cameras and (moving.reading is None or self._same(id_, moving.settings))

    def _same(self, id_: str, settings: str) -> bool:
        """Whether the camera is there and has the settings of this digest."""
        camera = self.known.get(id_)
        return camera is not None and settings_digest(camera) == settings

    def _packed(self, fed: set[str], shares: dict[str, int]) -> dict[str, int]:
        coming = Counter(moving.move.target for moving in self.moving.values() if not moving.alone)
        found = pack(fed, shares, {number: coming[number] for number in self.feeding}, self._last_number + 1)
        self._last_number = max([self._last_number, *found.values()])
        self.feeding |= set(found.values())
        return found

    def _read(
        self,
    ) -> tuple[
        dict[str, CameraSettings], dict[str, int], dict[str, InForce], dict[str, readings.FoundReading], dict[str, str]
    ]:
        with self._database.read() as conn:
            rows = cameras.list_all(conn)
            off = in_force.off(conn, time.time_ns() // 1000)
            rates = {id_: s.bitrate_bps for id_, s in status.list_all(conn).items() if s.bitrate_bps is not None}
            read = readings.list_all(conn)
        found: dict[str, CameraSettings] = {}
        wires: dict[str, tuple[int, dict[str, Any]]] = {}
        for row in rows:
            # Thousands of cameras, of which one has changed.
            known = self._wires.get(row.id)
            if known is not None and known[0] == row.rev and row.id in self.known:
                found[row.id], wires[row.id] = self.known[row.id], known
            else:
                camera = from_row(row)
                found[row.id], wires[row.id] = camera, (row.rev, _for_recorder(camera))
        self._wires = wires
        return found, rates, off, read, {row.id: row.locked for row in rows if row.locked is not None}

    @property
    def secrets(self) -> list[str]:
        """All passwords, for a redactor to know them."""
        return [secret for camera in self.known.values() for secret in camera.secrets]

    # How cameras are read --------------------------------------------------------------------------------------------

    def row(self, id_: str) -> readings.FoundReading | None:
        """What was found about reading a camera with its present settings."""
        row = self.rows.get(id_)
        return row if row is not None and self._same(id_, row.settings) else None

    def reading(self, id_: str) -> Reading:
        """How a camera is read now."""
        moving = self.moving.get(id_)
        if moving is not None and moving.alone and moving.reading is not None:
            return moving.reading
        usual, row = by_settings(self.cameras[id_]), self.row(id_)
        if row is None or (row.source == usual.source and not SOURCES[row.source].tries_transports):
            return usual
        return Reading(source=row.source, transport=row.transport, worked=True)

    async def remember(self, id_: str, *, reading: Reading, sdp: str | None, reason: str, changed_us: int) -> None:
        """Keeps how a camera is read, for after a restart too."""
        values = (settings_digest(self.cameras[id_]), reading.source, reading.transport, sdp, reason, changed_us)
        row = self.rows[id_] = readings.FoundReading(id_, *values)
        await asyncio.to_thread(self._put, row)

    def _put(self, row: readings.FoundReading) -> None:
        with self._database.write() as conn:
            readings.put(conn, row)

    # Workers ---------------------------------------------------------------------------------------------------------

    def new_number(self) -> int:
        """Of a worker that is still to be started."""
        self._last_number += 1
        return self._last_number

    def room(self, source: str) -> int:
        """The worker, perhaps a new one, to which a camera goes that is to be read by ``source``."""
        if not SOURCES[source].is_apart:
            load = loads(self._weights(), self.shares, self.numbers)
            return min(load, key=lambda number: (load[number], number))
        taken = Counter(self.shares.values())
        taken.update(moving.move.target for moving in self.moving.values() if not moving.alone)
        (found,) = pack([""], {}, {number: taken[number] for number in self.feeding}, self._last_number + 1).values()
        self._last_number = max(self._last_number, found)
        self.feeding.add(found)
        return found

    def unused(self) -> set[int]:
        """Workers that feed FFmpeg and have nobody any more; they are forgotten."""
        used = {*self.shares.values(), *(moving.move.target for moving in self.moving.values())}
        unused = self.feeding - used
        self.feeding -= unused
        return unused

    def _weights(self) -> dict[str, float]:
        # What another node records weighs next to nothing here.
        others = {} if self.held is None else self.held.others
        return {id_: 1.0 if id_ in others else weight(self._bitrates.get(id_)) for id_ in self.cameras}

    @property
    def bitrates(self) -> dict[str, int]:
        """Bits per second, of the cameras of which they were measured."""
        return self._bitrates

    def planned(self, most: int) -> list[Move]:
        """What should move, by the bitrates last read. Only cameras that record: the others may not come at all."""
        idle = self.confined.keys() | self.paused | self.off.keys() | self.locked.keys() | self.moving.keys()
        idle = idle if self.held is None else idle | self.held.others.keys()
        movable = {id_ for id_ in self.recording - idle if self.shares.get(id_) in self.numbers}
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
        """The cameras of this worker; one that moves is its source's, until it is given up."""
        return [id_ for id_, worker in self.shares.items() if worker == number]

    def hand_over(self, id_: str) -> None:
        """A camera that moves is its target's from now on."""
        moving = self.moving[id_]
        self.shares[id_], self.epochs[id_] = moving.move.target, moving.epoch

    def orders(self, number: int) -> dict[str, Order]:
        """All that this worker is to do."""
        orders = {id_: self._order(id_, self.epochs[id_], self._unusual(id_)) for id_ in self.mine(number)}
        for id_, moving in self.moving.items():
            if moving.move.target == number and not moving.alone:
                reading = moving.reading or self._unusual(id_)
                orders[id_] = self._order(id_, moving.epoch, reading, tentative=not moving.recording)
        return orders

    def _unusual(self, id_: str) -> Reading | None:
        """How a camera is read that is not read as its settings say. A line for thousands is short."""
        reading = self.reading(id_)
        return None if reading == by_settings(self.cameras[id_]) else reading

    def _order(self, id_: str, epoch: int, reading: Reading | None, *, tentative: bool = False) -> Order:
        return Order(
            epoch=epoch,
            camera=self._wires[id_][1],
            reading=reading,
            stopped=self._why_stopped(id_),
            tentative=tentative,
        )

    def _why_stopped(self, id_: str) -> tuple[str, dict[str, Any]] | None:
        """Cause and detail of a camera that is not to be recorded now. People's decisions come before the want of
        space."""
        if (decided := self.off.get(id_)) is not None:
            return decided.cause.value, dict(decided.detail)
        if self.held is not None and (other := self.held.others.get(id_)) is not None:
            return other
        if id_ in self.paused:
            return Cause.DISK_FULL.value, {"reason": "stopped by the server"}
        if id_ in self.locked:
            return Cause.UNAUTHORIZED.value, {"reason": "password sealed with a missing key"}
        if (confined := self.confined.get(id_)) is not None and confined.waiting:
            return Cause.RECORDER_CRASHED.value, confined.detail
        return None
