"""Whole searches against simulated devices."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nvr.config import CameraSettings
from nvr.devices import adding, asking, moves, rows, searches
from nvr.devices.look import Looked, look
from nvr.devices.scan import Scan
from nvr.devices.settings import ScanSettings
from nvr.devices.table import read_table, write_table
from nvr.devices.targets import blocks_of
from nvr.recorder.sources.rtsp.ledger import Ledger
from storage.catalogue import audit, cameras
from storage.catalogue.database import Database
from tests.support.cameras.onvif import OnvifDevice, OnvifServer, make_fleet
from tests.support.cameras.onvif.device import Answer
from tests.support.waiting import until_async

NODE = "n1"


def now_us() -> int:
    return time.time_ns() // 1000


class City:
    """Devices, a catalogue, and searches with them."""

    def __init__(self, database: Database, server: OnvifServer, http_port: int, discovery_port: int) -> None:
        self.db = database
        self.server = server
        self.http_port = http_port
        self.discovery_port = discovery_port
        self.ledger = Ledger()
        self.ledger.open(database)

    @property
    def fleet(self) -> list[OnvifDevice]:
        return list(self.server.devices.values())

    def networks(self) -> list[str]:
        return [f"{address}/32" for address in self.server.devices]

    def begin(self, networks: Sequence[str], login: tuple[str, str] | None) -> str:
        with self.db.write() as conn:
            return searches.begin_scan(
                conn,
                networks=networks,
                blocks=len(blocks_of(networks)),
                username=login[0] if login is not None else None,
                password=login[1] if login is not None else None,
                now_us=now_us(),
            )

    def settings(self, scan: str, networks: Sequence[str], *, follow: bool = False, rate: int = 5_000) -> ScanSettings:
        return ScanSettings(
            catalogue=str(self.db.path),
            scan=scan,
            networks=tuple(networks),
            ports=(self.http_port, 554),
            rate=rate,
            at_once=50,
            follow_moves=follow,
            discovery_port=self.discovery_port,
        )

    async def search(
        self,
        login: tuple[str, str] | None = ("admin", "Semarang2026"),
        *,
        networks: Sequence[str] | None = None,
        follow: bool = False,
        progress: Callable[[int, int, int], None] = lambda done, of, found: None,
    ) -> str:
        wanted = self.networks() if networks is None else networks
        scan = self.begin(wanted, login)
        made = Scan(self.db, self.settings(scan, wanted, follow=follow), ledger=self.ledger, progress=progress)
        return await made.run()

    def devices(self) -> list[rows.FoundDevice]:
        with self.db.read() as conn:
            return rows.devices(conn)

    def add_all(self, pattern: str = "cam-{number}") -> list[str]:
        with self.db.read() as conn:
            found = rows.devices(conn)
            recorded, taken = adding.recorded_by(conn, found), adding.all_ids(conn)
        wanted = adding.by_pattern(found, pattern, {"isp": "Telkom"}, recorded=recorded, taken=taken)
        plan = adding.add(self.db, wanted, node=NODE, at_us=now_us())
        assert not plan.errors
        return list(plan.added)

    def camera_of(self) -> dict[str, str]:
        """The host of each camera."""
        with self.db.read() as conn:
            return {camera.id: moves.host_of(camera) for camera in cameras.list_all(conn)}

    def actions(self) -> list[str]:
        with self.db.read() as conn:
            return [entry.action for entry in audit.entries(conn)]


@asynccontextmanager
async def city_of(
    database: Database, devices: Sequence[OnvifDevice], http_port: int, discovery_port: int
) -> AsyncIterator[City]:
    server = OnvifServer(devices, http_port=http_port, discovery_port=discovery_port)
    await server.start()
    made = City(database, server, http_port, discovery_port)
    try:
        yield made
    finally:
        made.ledger.close()
        await server.stop()


@pytest.fixture
async def city(database: Database, http_port: int, discovery_port: int) -> AsyncIterator[City]:
    fleet = make_fleet([f"127.32.{n % 5}.{n // 5 + 1}" for n in range(40)], slow=0.0, silent=0.0, wrong_clock=0.3)
    async with city_of(database, fleet, http_port, discovery_port) as made:
        yield made


async def test_all_devices_are_in_the_table_with_no_failed_login(city: City) -> None:
    assert await city.search() == "done"
    found = {device.address: device for device in city.devices()}
    assert found.keys() == city.server.devices.keys()
    for address, one in city.server.devices.items():
        device = found[address]
        assert (device.facts.serial, device.facts.mac, device.facts.uuid) == (one.serial, one.mac, one.uuid)
        assert abs((device.facts.clock_offset_s or 0.0) - one.clock_ahead_s) < 3
        assert {profile.use for profile in device.facts.profiles} == (
            {"main"} if "no_sub" in one.quirks else {"main", "sub"}
        )
    assert sum(one.failed for one in city.fleet) == 0
    assert city.actions().count("scan_begun") == 1
    with city.db.read() as conn:
        # Nothing of the search's login stays, and nothing secret is in plain text.
        assert conn.execute("SELECT account FROM scan").fetchone()[0] == "{}"
        assert conn.execute("SELECT count(*) FROM sighting").fetchone()[0] == 0
        assert "Semarang2026" not in "\n".join(conn.iterdump())


async def test_a_wrong_password_is_given_up_before_it_locks_a_city(city: City) -> None:
    assert await city.search(("admin", "wrong")) == "done"
    assert max(one.failed for one in city.fleet) == 1
    assert sum(one.failed for one in city.fleet) <= 20
    assert len(city.devices()) == 40
    # The right one is another one, and is tried where the wrong one was refused, too.
    assert await city.search() == "done"
    assert max(one.failed for one in city.fleet) == 1
    assert all(device.facts.serial for device in city.devices())


async def test_a_second_search_finds_the_same_devices_and_needs_no_login_of_its_own(city: City) -> None:
    await city.search()
    before = {device.id: device.facts.serial for device in city.devices()}
    assert await city.search(None) == "done"
    assert {device.id: device.facts.serial for device in city.devices()} == before
    assert all(device.facts.login in ("digest", "wsse") for device in city.devices())


async def test_devices_that_swap_addresses_are_all_found_again_and_their_cameras_follow(city: City) -> None:
    await city.search()
    added = city.add_all()
    assert len(added) == 40
    with city.db.read() as conn:
        of_camera = {camera: rows.find_device(conn, device) for camera, device in rows.bindings(conn).items()}
    serials = {camera: device.facts.serial for camera, device in of_camera.items() if device is not None}
    places = list(city.server.devices)
    city.server.move(list(zip(places, [*places[1:], places[0]], strict=True)))
    assert await city.search(None) == "done"
    assert sum(one.failed for one in city.fleet) == 0
    assert len(city.devices()) == 40
    with city.db.read() as conn:
        proposed = moves.proposals(conn)
        again = [adding.Wanted(1, proposed[0].device, "another-id")]
        assert "records it already" in str(adding.plan(conn, again).errors[0])
    assert len(proposed) == 40 and city.camera_of()[proposed[0].camera] == proposed[0].old
    # One by a person's word, the rest by the setting.
    with city.db.write() as conn:
        moves.move(conn, proposed[0].camera)
    assert await city.search(None, follow=True) == "done"
    by_serial = {one.serial: address for address, one in city.server.devices.items()}
    assert city.camera_of() == {camera: by_serial[serial] for camera, serial in serials.items()}
    assert {"device_moved", "camera_followed"} <= set(city.actions())
    with city.db.read() as conn:
        assert moves.proposals(conn) == []


async def test_a_device_that_is_gone_is_missing_and_comes_back(city: City) -> None:
    await city.search()
    gone = next(iter(city.server.devices))
    networks = city.networks()
    one = city.server.devices.pop(gone)
    await city.search(None, networks=networks)
    missing = {device.address for device in city.devices() if device.missing_us is not None}
    assert missing == {gone}
    city.server.devices[gone] = one
    await city.search(None, networks=networks)
    assert [device.address for device in city.devices() if device.missing_us is not None] == []


async def test_a_search_that_died_is_gone_on_with_and_nothing_is_asked_twice(city: City) -> None:
    networks = city.networks()
    scan = city.begin(networks, ("admin", "Semarang2026"))
    work = asyncio.create_task(Scan(city.db, city.settings(scan, networks), ledger=city.ledger).run())

    def kept() -> int:
        with city.db.read() as conn:
            return int(conn.execute("SELECT count(*) FROM sighting").fetchone()[0])

    slow = list(city.server.devices.values())[-1]
    slow.quirks |= {"silent"}
    await until_async(lambda: sum(one.accepted > 0 for one in city.fleet) > 30)
    work.cancel()
    await work
    with city.db.read() as conn:
        assert searches.scans(conn, now_us=now_us())[0].state == "stopped"
    slow.quirks -= {"silent"}
    asked = kept()
    with city.db.write() as conn:
        again = searches.resume_scan(conn, now_us=now_us())
    assert again.id == scan and again.password == "Semarang2026"
    assert await Scan(city.db, city.settings(scan, networks), ledger=city.ledger).run() == "done"
    assert len(city.devices()) == 40 and asked <= 40
    assert sum(one.failed for one in city.fleet) == 0


async def test_a_search_is_stopped_at_once_and_what_it_found_counts(city: City) -> None:
    for one in city.fleet:
        one.quirks |= {"slow"}
    networks = city.networks()
    scan = city.begin(networks, None)
    work = asyncio.create_task(Scan(city.db, city.settings(scan, networks), ledger=city.ledger).run())
    await until_async(lambda: any(one.asked for one in city.fleet))
    with city.db.write() as conn:
        with pytest.raises(searches.ScanError):
            searches.begin_scan(conn, networks=[], blocks=0, username=None, password=None, now_us=now_us())
        assert searches.stop_scan(conn, scan, now_us=now_us())
    began = time.monotonic()
    assert await work == "stopped"
    # By itself it takes 18 s and more.
    assert time.monotonic() - began < 15
    with city.db.read() as conn:
        assert searches.find_scan(conn, scan, now_us=now_us()).state == "stopped"  # type: ignore[union-attr]


async def test_who_breaks_off_is_asked_again(city: City) -> None:
    """A device that answers its time and then no more, as one that is asked too much."""
    one = city.fleet[0]
    answer, refused = one.answer, 0

    def at_second(path: str, headers: dict[str, str], body: bytes) -> Answer:
        nonlocal refused
        if b"GetDeviceInformation" in body and refused < 1:
            refused += 1
            return Answer(200, b"<half of")
        return answer(path, headers, body)

    one.answer = at_second  # type: ignore[method-assign]
    await city.search()
    assert refused == 1
    assert {device.facts.serial for device in city.devices()} == {each.serial for each in city.fleet}
    assert one.failed == 0


async def test_nothing_outside_of_the_allowed_networks_is_asked(city: City) -> None:
    scan = city.begin(city.networks(), None)
    settings = msgspec.structs.replace(city.settings(scan, city.networks()), networks=("127.33.0.0/24",))
    assert await Scan(city.db, settings, ledger=city.ledger).run() == "failed"
    assert not any(one.asked for one in city.fleet)
    with city.db.read() as conn:
        assert "may not be searched" in str(searches.scans(conn, now_us=now_us())[0].error)


async def test_the_table_goes_out_and_comes_back_as_cameras(city: City) -> None:
    await city.search()
    with city.db.read() as conn:
        found = rows.devices(conn)
        text = write_table(found, adding.recorded_by(conn, found), "en")
    assert "Semarang2026" not in text
    head, cells = list(csv.reader(io.StringIO(text, newline="")))[:2]
    cells[head.index("camera")], cells[head.index("district")] = "gate-7", "Tembalang"
    filled_in = io.StringIO(newline="")
    csv.writer(filled_in).writerows([head, cells])
    wanted, errors = read_table(filled_in.getvalue())
    assert errors == [] and [(one.camera, one.labels) for one in wanted] == [("gate-7", {"district": "Tembalang"})]
    plan = adding.add(city.db, wanted, node=NODE, at_us=now_us())
    assert list(plan.added) == ["gate-7"]
    with city.db.read() as conn:
        camera = cameras.find(conn, "gate-7")
        assert camera is not None and camera.settings["password"] == "Semarang2026"
        CameraSettings.model_validate({**camera.settings, "id": camera.id})
        assert rows.bindings(conn) == {"gate-7": found[0].id}
        assert list(adding.plan(conn, wanted).added) == []
        # Another id for the same picture is a mistake.
        twice = [adding.Wanted(1, found[0].id, "gate-8")]
        assert "records it already" in str(adding.plan(conn, twice).errors[0])
    assert len(city.add_all()) == 39
    assert city.add_all() == []


def test_a_table_with_mistakes_is_no_table() -> None:
    assert [str(one) for one in read_table("camera,odd\r\na,b\r\n")[1]] == [
        "line 1, device: this column is missing",
        "line 1, odd: unknown column",
    ]


async def test_a_replaced_device_is_bound_by_a_person(city: City) -> None:
    await city.search()
    first, second = city.devices()[:2]
    plan = adding.add(city.db, [adding.Wanted(1, first.id, "gate")], node=NODE, at_us=now_us())
    assert list(plan.added) == ["gate"]
    with city.db.write() as conn:
        moves.replace_device(conn, "gate", second.id)
        assert [(one.camera, one.new) for one in moves.proposals(conn)] == [("gate", second.address)]
        with pytest.raises(moves.MoveError):
            moves.replace_device(conn, "gate", "nothing")


async def test_the_process_of_a_search_ends_with_who_began_it(city: City, tmp_path: Path) -> None:
    networks = city.networks()
    for one in city.fleet:
        one.quirks |= {"slow"}
    scan = city.begin(networks, None)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "nvr.devices",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(msgspec.json.encode(city.settings(scan, networks)) + b"\n")
    await until_async(lambda: any(one.asked for one in city.fleet), within_s=60.0)
    child.stdin.close()
    said = [json.loads(line) for line in (await asyncio.wait_for(child.stdout.read(), 60)).splitlines()]
    assert said[-1] == {"state": "stopped"}
    assert await child.wait() == 0
    with city.db.write() as conn:
        assert searches.resume_scan(conn, now_us=now_us()).id == scan


def test_a_search_whose_process_died_is_interrupted(database: Database) -> None:
    with database.write() as conn:
        scan = searches.begin_scan(conn, networks=["10.0.0.0/24"], blocks=1, username=None, password=None, now_us=1)
        assert isinstance(conn, sqlite3.Connection)
        assert searches.find_scan(conn, scan, now_us=2).state == "running"  # type: ignore[union-attr]
        assert searches.find_scan(conn, scan, now_us=10**9).state == "interrupted"  # type: ignore[union-attr]
        assert searches.resume_scan(conn, now_us=10**9).state == "running"


async def test_a_device_that_breaks_a_look_is_in_the_table_and_the_others_are_searched(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.search()
    before = {device.address: device for device in city.devices()}
    odd = city.fleet[7].address

    async def breaks(address: str, port: int, **how: Any) -> Looked | None:
        if address == odd:
            raise RecursionError("Semarang2026")
        return await look(address, port, **how)

    monkeypatch.setattr(asking, "look", breaks)
    assert await city.search() == "done"
    found = {device.address: device for device in city.devices()}
    assert found.keys() == before.keys()
    assert {address for address, device in found.items() if device.missing_us is not None} == set()
    codes = {address: [finding.code for finding in device.facts.findings] for address, device in found.items()}
    assert [address for address, named in codes.items() if "look_failed" in named] == [odd]
    # It is the device that it was, and what was known of it stays.
    assert (found[odd].id, found[odd].facts.serial) == (before[odd].id, before[odd].facts.serial)
    assert found[odd].facts.path == before[odd].facts.path
    assert "Semarang2026" not in str(found[odd].facts)
