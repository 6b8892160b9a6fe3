"""Devices whose cameras can't be reached are looked for, and found where they are now."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.devices import rows, searches
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from nvr.devices.rows import FoundDevice
from nvr.devices.seeking import Sought, due, lost, nearby
from nvr.housekeeping.device_seeker import DeviceSeeker
from storage.catalogue import cameras, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from storage.causes import Cause
from tests.support.cameras.onvif import OnvifDevice, OnvifServer
from tests.support.cameras.running import LoopThread
from tests.support.waiting import until

MINUTE_US = 60_000_000
UUID = "0000002a-0000-1000-8000-000000000000"


def device(address: str, id_: str = "d1") -> FoundDevice:
    facts = DeviceFacts(address=address, port=80, uuid=UUID)
    return FoundDevice(id_, address, 80, facts, DeviceSecrets(), 1, 1, None)


def recorded(database: Database, address: str, port: int, *, since_us: int, cause: Cause = Cause.UNREACHABLE) -> None:
    """A camera at this address, bound to a device, that waits since then."""
    with database.write() as conn:
        cameras.add(
            conn,
            camera="gate",
            name="gate",
            source="catalogue",
            settings={"url": f"rtsp://{address}/main1", "username": "admin", "password": "Semarang2026"},
            labels={},
            node="n1",
            epoch=0,
            at_us=1,
        )
        facts = DeviceFacts(address=address, port=port, uuid=UUID)
        rows.bind(conn, "gate", rows.put_device(conn, None, facts, DeviceSecrets(), now_us=1))
        status.put(conn, [Status("gate", "waiting", since_us, cause)])


@pytest.mark.parametrize(
    ("since_us", "cause", "expected"),
    [
        (-11 * MINUTE_US, Cause.UNREACHABLE, 1),
        (-9 * MINUTE_US, Cause.UNREACHABLE, 0),
        (-11 * MINUTE_US, Cause.UNAUTHORIZED, 0),
    ],
)
def test_a_device_is_lost_after_ten_minutes(database: Database, since_us: int, cause: Cause, expected: int) -> None:
    now_us = time.time_ns() // 1000
    recorded(database, "10.20.3.7", 80, since_us=now_us + since_us, cause=cause)
    with database.read() as conn:
        assert len(lost(conn, now_us=now_us)) == expected


def test_it_is_looked_for_less_and_less_often() -> None:
    one = device("10.20.3.7")
    at_us, before, times = 0, {}, []
    for minute in range(0, 60 * 24 * 3, 5):
        at_us = minute * MINUTE_US
        if due([one], before, now_us=at_us):
            times.append(minute)
            last = before.get("d1")
            before = {"d1": Sought((last.times if last else 0) + 1, at_us)}
    assert times == [0, 30, 150, 510, 1950, 3390]
    # A clock that was set back keeps nobody from being looked for.
    assert due([one], {"d1": Sought(4, 10 * MINUTE_US)}, now_us=0)
    assert due([device("10.20.3.7", f"d{n}") for n in range(51)], {}, now_us=0) == []


@given(st.integers(0, 2**24 - 1))
def test_only_what_may_be_searched_is(low: int) -> None:
    address = f"10.{low >> 16}.{low >> 8 & 255}.{low & 255}"
    found = nearby([device(address)], ["10.20.0.0/16", "10.30.5.16/28"])
    block = f"10.{low >> 16}.{low >> 8 & 255}.0/24"
    if address.startswith("10.20."):
        assert found == [block]
    else:
        assert found == (["10.30.5.16/28"] if block == "10.30.5.0/24" else [])


def test_a_device_that_moved_is_found_and_followed(database: Database, http_port: int, discovery_port: int) -> None:
    old, new = "127.36.0.9", "127.36.0.3"
    moved = OnvifDevice(new, uuid=UUID, quirks=frozenset({"lock"}))
    other = OnvifDevice("127.36.0.4", uuid="0000002b-0000-1000-8000-000000000000", serial="other", password="another")
    server = OnvifServer([moved, other], http_port=http_port)
    thread = LoopThread()
    now_us = time.time_ns() // 1000
    recorded(database, old, http_port, since_us=now_us - 11 * MINUTE_US)
    told = {"networks": ["127.36.0.0/28"], "ports": [http_port], "rate": 2000, "at_once": 20, "follow_moves": True}
    ending = threading.Event()
    seeker = DeviceSeeker(database.path, told, ending, between_s=0.1)
    try:
        thread.call(server.start())
        seeker.start()

        def url() -> str:
            with database.read() as conn:
                found = cameras.find(conn, "gate")
                assert found is not None
                return str(found.settings["url"])

        until(lambda: url() == f"rtsp://{new}/main1", "the camera follows its device", 60.0)
    finally:
        ending.set()
        seeker.join(20)
        thread.call(server.stop())
        thread.close()
    # Its own password was tried at it, and nothing at the other one.
    assert (moved.failed, other.failed, moved.accepted > 0, other.accepted) == (0, 0, True, 0)
    with database.read() as conn:
        assert searches.scans(conn, now_us=now_us)[0].actor == "server"
