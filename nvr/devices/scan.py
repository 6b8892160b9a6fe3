"""One search, from its networks to the table of devices: block after block of addresses, each asked by WS-Discovery,
then by TCP, then talked to; at the end it is settled who is who.

Invariant: a block is noted as searched only when all that was found in it is kept; a search that was interrupted
resumes from there. Nothing outside the networks that the configuration allows is ever asked.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from nvr import log as logs
from nvr.config import redact
from nvr.devices import asking, moves, rows, searches
from nvr.devices.accounts import RTSP_PORT, KnownLogin, Logins, login_of
from nvr.devices.discovery import open_ports, probe_all
from nvr.devices.look import look
from nvr.devices.onvif.facts import DeviceSecrets
from nvr.devices.rows import FoundDevice, Sighting
from nvr.devices.searches import ScanRow
from nvr.devices.settings import ScanSettings
from nvr.devices.settle import Settled, is_same, merged, settle, unsure
from nvr.devices.targets import TargetError, addresses_of, blocks_of, check_wanted, is_within
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices

__all__ = ["Progress", "Scan"]

log = logging.getLogger(__name__)

# 64 blocks are 16,384 addresses: half a minute at the usual rate, and one in 64 questions to the same line.
_GROUP: Final = 64
_PER_BLOCK_RATE: Final = 20
_BEAT_S: Final = 1.0
_KEEP: Final = 100

Progress = Callable[[int, int, int], None]
"""Is called with blocks searched, blocks in all, and devices found."""


class Scan:
    """A search that was entered in the catalogue. Runs once."""

    def __init__(
        self,
        database: Database,
        settings: ScanSettings,
        *,
        ledger: Ledger = LEDGER,
        progress: Progress = lambda done, of, found: None,
    ) -> None:
        self._db = database
        self._settings = settings
        self._ledger = ledger
        self._progress = progress
        # Without their streams: what is known of a city's devices is 20 MB, and the catalogue has it.
        self._seen: dict[tuple[str, int], Sighting] = {}
        self._done: set[str] = set()
        self._found = 0
        self._known_at: dict[str, int] = {}
        self._doubting = asyncio.Semaphore(settings.at_once)

    async def run(self) -> str:
        """Runs to its end; returns how it ended: ``done``, ``stopped`` or ``failed``."""
        row = await asyncio.to_thread(self._row)
        known, logins = await asyncio.to_thread(self._known, row)
        self._known_at = {device.address: device.port for device in known if device.missing_us is None}
        work = asyncio.create_task(self._work(row, logins), name="scan")
        beat = asyncio.create_task(self._beat(row.id, work), name="beat")
        state, error = "failed", None
        try:
            await work
            await self._settle(known)
            state = "done"
        except asyncio.CancelledError:
            state = "stopped"
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if (current := asyncio.current_task()) is None or not current.cancelling():
                # A person stopped it: what was found until then counts.
                await self._settle(known)
        except TargetError as caught:
            error = str(caught)
        except Exception as caught:
            error = redact(f"{type(caught).__name__}: {caught}")
            log.exception("the search %s failed", row.id)
        finally:
            beat.cancel()
        await asyncio.to_thread(self._end, row.id, state, error)
        return state

    def _row(self) -> ScanRow:
        with self._db.read() as conn:
            row = searches.find_scan(conn, self._settings.scan, now_us=_now_us())
        if row is None:
            raise LookupError(f"there is no search {self._settings.scan}")
        if row.password:
            logs.learn_secrets([row.password])
        return row

    def _end(self, scan: str, state: str, error: str | None) -> None:
        with self._db.write() as conn:
            searches.end_scan(conn, scan, state, now_us=_now_us(), error=error)

    async def _beat(self, scan: str, work: asyncio.Task[None]) -> None:
        def beat() -> bool:
            with self._db.write() as conn:
                return searches.beat(conn, scan, now_us=_now_us())

        while await asyncio.to_thread(beat):  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(_BEAT_S)
        work.cancel()

    async def _work(self, row: ScanRow, logins: Logins) -> None:
        # The configuration may have changed since the search was begun.
        networks = check_wanted(row.networks, self._settings.networks)
        blocks = blocks_of(networks)
        self._done = set(row.done) & set(blocks)
        self._found = len(self._seen)
        left = [block for block in blocks if block not in self._done]
        for at in range(0, len(left), _GROUP):
            self._progress(len(self._done), len(blocks), self._found)
            group = left[at : at + _GROUP]
            await self._search(group, logins)
            await asyncio.to_thread(self._note, row.id, group)
        self._progress(len(self._done), len(blocks), self._found)
        if logins.given_up:
            log.warning("the login of the search was refused wherever it was tried: search again with another one")

    def _known(self, row: ScanRow) -> tuple[list[FoundDevice], Logins]:
        with self._db.read() as conn:
            known, own = _known_devices(conn)
            bound = rows.bindings(conn)
            every = cameras.list_all(conn)
            for one in searches.sightings(conn, row.id):
                self._seen[one.facts.address, one.facts.port] = _slim(one)
        by_host: dict[str, KnownLogin] = {}
        by_device: dict[str, KnownLogin] = {}
        for camera in every:
            login = login_of(camera)
            if login is None:
                continue
            by_host.setdefault(moves.host_of(camera), login)
            if camera.id in bound:
                by_device.setdefault(bound[camera.id], login)
        for id_, login in own.items():
            by_device.setdefault(id_, login)
        given = (row.username, row.password or "") if row.username is not None else None
        return known, Logins(known, by_device, by_host, given)

    def _note(self, scan: str, group: Sequence[str]) -> None:
        with self._db.write() as conn:
            searches.note_done(conn, scan, group)
        self._done.update(group)

    # One group of blocks

    async def _search(self, group: Sequence[str], logins: Logins) -> None:
        told = self._settings
        rate = float(min(told.rate, _PER_BLOCK_RATE * len(group)))
        have = {address for address, _ in self._seen}
        addresses = [one for one in addresses_of(group) if one not in have and is_within(one, told.networks)]
        answered = await probe_all(addresses, rate=rate, port=told.discovery_port)
        first, others = told.ports[:2], told.ports[2:]
        silent = [address for address in addresses if address not in answered]
        found = await self._open(((address, port) for port in first for address in silent), rate)
        perhaps = list(dict.fromkeys(address for address, _ in sorted(found)))
        found |= await self._open(((address, port) for port in others for address in perhaps), rate)
        open_at: dict[str, list[int]] = {address: [] for address in answered}
        for address, port in sorted(found, key=lambda pair: (pair[0], told.ports.index(pair[1]))):
            open_at.setdefault(address, []).append(port)
        free = asyncio.Semaphore(told.at_once)
        kept: list[Sighting] = []
        again: dict[str, list[int]] = {}

        async def look_at(address: str, ports: list[int], *, is_last: bool) -> None:
            async with free:
                one = await asking.ask(
                    address, ports, answered.get(address), logins,
                    ports=told.ports, known_at=self._known_at.get(address), ledger=self._ledger,
                )  # fmt: skip
            if not is_last and (one is None or asking.broke_off(one.facts)):
                again[address] = ports
            if one is not None:
                self._seen[one.facts.address, one.facts.port] = _slim(one)
                self._found = len(self._seen)
                kept.append(one)
                if len(kept) >= _KEEP:
                    await self._keep(kept)

        async with asyncio.TaskGroup() as tasks:
            for address, ports in open_at.items():
                tasks.create_task(look_at(address, ports, is_last=False))
        # Those that did not answer in time may do so when less is asked at once; and so may those of before.
        there = {address for address, _ in self._seen}
        for address in addresses:
            if address in self._known_at and address not in there:
                again.setdefault(address, [self._known_at[address]])
        async with asyncio.TaskGroup() as tasks:
            for address, ports in again.items():
                tasks.create_task(look_at(address, ports, is_last=True))
        await self._keep(kept)

    async def _open(self, wanted: Iterable[tuple[str, int]], rate: float) -> set[tuple[str, int]]:
        return await open_ports(wanted, rate=rate, at_once=min(asking.MOST_CONNECTING, max(1, int(rate))))

    async def _keep(self, kept: list[Sighting]) -> None:
        batch, kept[:] = list(kept), []

        def write() -> None:
            in_slices(self._db, batch, lambda conn, one: searches.add_sightings(conn, self._settings.scan, [one]))

        await asyncio.to_thread(write)

    # The end

    def _visited(self, address: str) -> bool:
        return any(is_within(address, [block]) for block in self._blocks_near(address))

    def _blocks_near(self, address: str) -> list[str]:
        head = address.rpartition("." if "." in address else ":")[0]
        return [block for block in self._done if block.startswith(head)] or list(self._done)

    async def _settle(self, known: Sequence[FoundDevice]) -> None:
        seen = list(self._seen.values())
        doubted = unsure(known, seen, self._visited)
        answers = await asyncio.gather(*(self._is_still_there(device) for device in doubted))
        still = [device.id for device, is_there in zip(doubted, answers, strict=True) if is_there]
        settled = settle(known, seen, still_there=still)
        now_us = _now_us()

        def write() -> None:
            ids = {one.device.id for one in settled if one.device is not None}
            in_slices(self._db, settled, lambda conn, one: self._enter(conn, one, now_us))
            gone = [device for device in known if device.id not in ids and self._visited(device.address)]
            in_slices(self._db, gone, lambda conn, one: rows.set_missing(conn, one.id, now_us=now_us))
            moves.bind_new(self._db)
            if self._settings.follow_moves:
                moves.follow(self._db)

        await asyncio.to_thread(write)

    def _enter(self, conn: sqlite3.Connection, one: Settled, now_us: int) -> None:
        """Enters a device with all that is known of it, which the catalogue has."""
        facts = one.sighting.facts
        whole = searches.sighting_at(conn, self._settings.scan, facts.address, facts.port)
        if whole is None:
            log.error("what was found at %s is not in the catalogue: report this", facts.address)
            return
        seen = Sighting(msgspec.structs.replace(whole.facts, findings=facts.findings), whole.secrets)
        device = rows.find_device(conn, one.device.id) if one.device is not None else None
        moves.keep(conn, device, merged(device, seen), one.moved_from, now_us)

    async def _is_still_there(self, device: FoundDevice) -> bool:
        """Whether a device answers where it was, which this search did not visit. One that can't be told from it counts
        as it."""
        if not is_within(device.address, self._settings.networks):
            return False
        async with self._doubting:
            try:
                found = await look(device.address, device.port, path=device.facts.path or None, ledger=self._ledger)
            except Exception:
                log.exception("the look at %s failed: report this, with these lines", device.address)
                return True
        return found is not None and (not found.facts.uuid or is_same(found.facts, device.facts))


def _slim(one: Sighting) -> Sighting:
    """As much as it takes to settle who it is."""
    return Sighting(msgspec.structs.replace(one.facts, profiles=()), DeviceSecrets())


def _known_devices(conn: sqlite3.Connection) -> tuple[list[FoundDevice], dict[str, KnownLogin]]:
    """The known devices without their streams, and the logins that they accepted."""
    known: list[FoundDevice] = []
    own: dict[str, KnownLogin] = {}
    for device in rows.each_device(conn):
        if device.secrets.username is not None:
            own[device.id] = (RTSP_PORT, device.secrets.username, device.secrets.password or "")
        facts = msgspec.structs.replace(device.facts, profiles=(), findings=())
        known.append(replace(device, facts=facts, secrets=DeviceSecrets()))
    return known, own


def _now_us() -> int:
    return time.time_ns() // 1000
