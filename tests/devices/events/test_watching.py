"""A device is asked for its events, in spite of its quirks, and what it reports becomes marks of its camera."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from nvr.cameras import marks
from nvr.devices import rows
from nvr.devices.events.__main__ import EventProcess
from nvr.devices.events.choosing import EventSource, chosen, states
from nvr.devices.events.folding import FoldedMark
from nvr.devices.events.settings import EventSettings
from nvr.devices.events.watcher import DeviceWatcher
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets, VideoProfile
from nvr.devices.onvif.soap import EVENTS
from nvr.devices.rows import FoundDevice
from nvr.recorder.sources.rtsp.ledger import Ledger
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.sentences import Sentence
from tests.support.cameras.onvif import EventsSimulator, OnvifDevice, OnvifServer
from tests.support.waiting import until_async

PASSWORD = "Semarang2026"
MOTION = "VideoSource/MotionAlarm"
QUIRKS = (
    "", "events_renew_refused", "events_reference", "events_relative", "events_at_once", "events_times_missing",
    "names_other_host", "soap11", "closes", "chunked", "clock_none",
)  # fmt: skip


class Heard:
    """What a watcher said."""

    def __init__(self) -> None:
        self.marks: dict[str, FoldedMark] = {}
        self.states: list[tuple[str, str]] = []

    def keep(self, camera: str, changed: Sequence[FoldedMark]) -> None:
        assert camera == "gate"
        self.marks |= {one.id: one for one in changed}

    def note(self, state: str, why: Sentence | None) -> None:
        self.states.append((state, "" if why is None else str(why)))


async def at_once() -> None:
    pass


@asynccontextmanager
async def watched(port: int, *quirks: str, login: str = "digest") -> AsyncIterator[tuple[EventsSimulator, Heard]]:
    simulated = EventsSimulator()
    one = OnvifDevice("127.42.0.1", uuid="u", quirks=frozenset(quirks), login=login, events=simulated)
    server = OnvifServer([one], http_port=port)
    await server.start()
    facts = DeviceFacts(address=one.address, port=port, path=one.path)
    device = FoundDevice("d1", one.address, port, facts, DeviceSecrets(username="admin", password=PASSWORD), 0, 0, None)
    source = EventSource(device, None, {"gate": frozenset({"motion", "tamper"})}, {})
    heard = Heard()
    watcher = DeviceWatcher(
        source, on_marks=heard.keep, on_state=heard.note, turn=at_once, ledger=Ledger(), first_wait_s=0.01
    )
    task = asyncio.create_task(watcher.run())
    try:
        yield simulated, heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await server.stop()
        assert one.failed == 0


@pytest.mark.parametrize("quirk", QUIRKS)
async def test_motion_is_a_mark(http_port: int, quirk: str) -> None:
    async with watched(http_port, *([quirk] if quirk else [])) as (device, heard):
        await until_async(lambda: ("subscribed", "") in heard.states)
        device.emit(MOTION, True)
        await until_async(lambda: [one.is_on for one in heard.marks.values()] == [True])
        device.emit("RuleEngine/LineDetector/Crossed", None)
        device.emit(MOTION, False)
        await until_async(lambda: [one.is_on for one in heard.marks.values()] == [False])
        (mark,) = heard.marks.values()
        assert mark.kind == "motion" and mark.detail["topic"] == MOTION
    assert device.ended == device.made == 1 and not device.points, "it is told that it is over"


async def test_a_subscription_that_is_lost_is_made_anew_and_what_was_on_ends(http_port: int) -> None:
    async with watched(http_port, login="wsse") as (device, heard):
        await until_async(lambda: ("subscribed", "") in heard.states)
        device.emit(MOTION, True)
        await until_async(lambda: heard.marks)
        device.forget()
        await until_async(lambda: device.made == 2 and heard.states[-1][0] == "subscribed")
        assert [one.is_on for one in heard.marks.values()] == [False]
        # It is still on: a state, which begins nothing.
        device.emit(MOTION, False)
        device.emit(MOTION, True)
        await until_async(lambda: len(heard.marks) == 2)


async def test_a_short_one_is_renewed_in_time(http_port: int) -> None:
    async with watched(http_port, "events_short", "events_no_extend", "events_at_once") as (device, heard):
        await until_async(lambda: device.renewed >= 2, within_s=20.0)
        assert device.made == 1 and heard.states == [("subscribed", "")]


async def test_a_device_without_events_is_asked_later(http_port: int) -> None:
    async with watched(http_port) as (device, heard):
        await until_async(lambda: device.points)
        for _ in range(5):
            device.points[f"other{_}"] = next(iter(device.points.values()))
        device.points.pop("1").news.set()
        await until_async(lambda: [state for state, _ in heard.states if state == "waiting"])
        assert any("no such subscription" in why for _, why in heard.states)


async def test_a_device_that_can_not_bear_it_is_left_alone(http_port: int) -> None:
    one = OnvifDevice("127.42.0.2", uuid="u", login="digest", events=EventsSimulator())
    server = OnvifServer([one], http_port=http_port)
    await server.start()
    facts = DeviceFacts(address=one.address, port=http_port, path=one.path)
    device = FoundDevice(
        "d", one.address, http_port, facts, DeviceSecrets(username="admin", password=PASSWORD), 0, 0, None
    )
    heard = Heard()

    def note(state: str, why: Sentence | None) -> None:
        heard.note(state, why)
        if state == "subscribed":
            # It restarts: what was asked is never answered.
            one.quirks = frozenset({"xml_cut"})
        elif state == "waiting":
            one.quirks = frozenset()

    source = EventSource(device, None, {"gate": frozenset({"motion"})}, {})
    watcher = DeviceWatcher(
        source, on_marks=heard.keep, on_state=note, turn=at_once, ledger=Ledger(), first_wait_s=0.01
    )
    task = asyncio.create_task(watcher.run())
    assert one.events is not None

    def answered() -> bool:
        assert one.events is not None
        one.events.emit(MOTION, True)
        return heard.states[-1:] != [] and heard.states[-1][0] == "given_up"

    await until_async(answered)
    assert [state for state, _ in heard.states].count("subscribed") == 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await server.stop()


def put(database: Database, camera: str, port: int, address: str, labels: Mapping[str, str]) -> None:
    facts = DeviceFacts(
        address=address, port=port, path="/onvif/device_service", uuid=camera, services=(EVENTS,),
        profiles=(VideoProfile(token="main1", source="1", use="main"),),
    )  # fmt: skip
    settings = {"url": f"rtsp://{address}/main1", "username": "admin", "password": PASSWORD}
    with database.write() as conn:
        cameras.add(
            conn, camera=camera, name=camera, source="catalogue", settings=settings, labels=labels, node="n1", epoch=0,
            at_us=1,
        )  # fmt: skip
        id_ = rows.put_device(conn, f"d-{camera}", facts, DeviceSecrets(), now_us=1)
        rows.bind(conn, camera, id_)


async def test_the_process_asks_those_that_are_chosen_and_keeps_what_they_report(
    database: Database, http_port: int
) -> None:
    devices = [
        OnvifDevice(f"127.43.0.{n}", uuid=str(n), events=EventsSimulator(), clock_ahead_s=100.0 * n) for n in (1, 2)
    ]
    server = OnvifServer(devices, http_port=http_port)
    await server.start()
    put(database, "gate", http_port, "127.43.0.1", {"district": "north"})
    put(database, "yard", http_port, "127.43.0.2", {"district": "south"})
    with database.read() as conn:
        assert set(chosen(conn, {"motion": "district=north"})) == {"d-gate"}
        before = chosen(conn, {"motion": "district=north", "tamper": "*"})
        assert set(before) == {"d-gate", "d-yard"}
    with database.write() as conn:
        seen = rows.find_device(conn, "d-gate")
        assert seen is not None
        rows.put_device(conn, "d-gate", seen.facts, seen.secrets, now_us=2)
    with database.read() as conn:
        again = chosen(conn, {"motion": "district=north", "tamper": "*"})
    assert again == before, "one that was only seen again goes on being asked"
    process = EventProcess(EventSettings(catalogue=str(database.path), kinds={"motion": "district=north"}))
    task = asyncio.create_task(process.run())
    events = devices[0].events
    assert events is not None

    def kept() -> list[marks.CameraMark]:
        with database.read() as conn:
            return marks.between(conn, 0, 1 << 60)

    await until_async(lambda: events.points)
    events.emit(MOTION, True)
    await until_async(lambda: [one.is_on for one in kept()] == [True])
    with database.read() as conn:
        assert {id_: one.state for id_, one in states(conn).items()} == {"d-gate": "subscribed"}
    assert devices[1].events is not None and devices[1].events.made == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (mark,) = kept()
    assert (mark.camera, mark.kind, mark.is_on, mark.source) == ("gate", "motion", False, "camera")
    # By our clock, whatever the device's shows.
    assert abs(mark.start_us - mark.made_us) < 10_000_000 and abs(int(mark.detail["camera_us"]) - mark.start_us) > 9e7
    assert not events.points
    with database.read() as conn:
        assert states(conn) == {}
    await server.stop()
    assert [one.failed for one in devices] == [0, 0]
