"""Clocks of devices are set by a time server: only where that is allowed, shown before, read back after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from nvr.config import DeviceSearch
from nvr.devices import clock_round, rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from storage.catalogue import audit, cameras
from storage.catalogue.database import Database
from tests.support.cameras.onvif import OnvifDevice, OnvifServer
from tests.support.cameras.running import LoopThread

SERVER = "10.20.0.1"
PASSWORD = "Semarang2026"


class Street:
    """Devices that are recorded, and what may be changed on them."""

    def __init__(self, database: Database, port: int) -> None:
        self.db = database
        self._port = port
        self._servers: list[OnvifServer] = []
        self._thread = LoopThread()
        self.said: list[str] = []

    def add(self, number: int, *quirks: str, labels: Mapping[str, str] | None = None, **more: object) -> OnvifDevice:
        made = OnvifDevice(
            f"127.38.0.{number}",
            uuid=f"{number:08x}-0000-1000-8000-000000000000",
            quirks=frozenset(quirks),
            **more,  # type: ignore[arg-type]
        )
        server = OnvifServer([made], http_port=self._port)
        self._thread.call(server.start())
        self._servers.append(server)
        facts = DeviceFacts(address=made.address, port=self._port, path=made.path, uuid=made.uuid)
        with self.db.write() as conn:
            cameras.add(
                conn,
                camera=f"cam-{number}",
                name="cam",
                source="catalogue",
                settings={"url": f"rtsp://{made.address}/main1", "username": "admin", "password": PASSWORD},
                labels=labels or {"district": "Tembalang"},
                node="n1",
                epoch=0,
                at_us=1,
            )
            id_ = rows.put_device(conn, f"d{number}", facts, DeviceSecrets(), now_us=1)
            rows.bind(conn, f"cam-{number}", id_)
        return made

    def run(self, *ids: str, apply: bool = False, may_change: str = "district=Tembalang") -> bool:
        told = DeviceSearch(may_change=may_change, time_server=SERVER)
        with self.db.read() as conn:
            chosen = [one for one in rows.devices(conn) if not ids or one.id in ids]
        self.said = []
        return clock_round.run(self.db, told, chosen, named=bool(ids), apply=apply, say=self.said.append)

    def close(self) -> None:
        for server in self._servers:
            self._thread.call(server.stop())
        self._thread.close()


@pytest.fixture
def street(database: Database, http_port: int) -> Iterator[Street]:
    made = Street(database, http_port)
    yield made
    made.close()


@pytest.mark.parametrize("login", ["wsse", "digest"])
def test_a_clock_is_shown_set_and_read_back(street: Street, login: str) -> None:
    one = street.add(1, "stale_created", login=login, clock_mode="Manual", clock_ahead_s=-1800.0)
    assert not street.run()
    assert street.said == ["d1 127.38.0.1: set by hand, -1800 s -> goes by 10.20.0.1"]
    assert (one.clock_mode, one.time_servers) == ("Manual", ("192.0.2.123",))
    assert not street.run(apply=True)
    assert street.said[1] in ("d1 127.38.0.1: goes by 10.20.0.1, +0 s", "d1 127.38.0.1: goes by 10.20.0.1, -0 s")
    assert (one.clock_mode, one.time_servers, one.zone) == ("NTP", (SERVER,), "WIB-7")
    asked = len(one.asked)
    assert not street.run(apply=True) and len(street.said) == 1
    assert "SetNTP" not in one.asked[asked:], "it is as it should be"
    assert one.failed == 0
    with street.db.read() as conn:
        entries = [entry for entry in audit.entries(conn) if entry.action == "device_clock_set"]
    assert len(entries) == 1 and "set by hand" in entries[0].detail


def test_nothing_is_written_where_that_is_not_allowed(street: Street) -> None:
    one = street.add(1, labels={"district": "Candisari"})
    with pytest.raises(clock_round.NothingChosen, match="may_change"):
        street.run(may_change="")
    with pytest.raises(clock_round.NothingChosen, match="d1 may not be changed"):
        street.run("d1", apply=True)
    assert not street.run(apply=True) and street.said == []
    # Of a device of two cameras both have to be chosen.
    with street.db.write() as conn:
        cameras.add(
            conn, camera="second", name="s", source="catalogue", settings={"url": "rtsp://127.38.0.1/sub1"},
            labels={"district": "Tembalang"}, node="n1", epoch=0, at_us=1,
        )  # fmt: skip
        rows.bind(conn, "second", "d1")
    assert not street.run(apply=True) and street.said == []
    assert one.asked == []


@pytest.mark.parametrize(
    ("quirk", "why"),
    [("set_refused", "ActionNotSupported"), ("set_ignored", "did not keep it"), ("silent", "no answer")],
)
def test_after_the_first_that_fails_nothing_more_is_changed(street: Street, quirk: str, why: str) -> None:
    street.add(1, quirk, clock_mode="Manual")
    second = street.add(2, clock_mode="Manual")
    assert street.run(apply=True)
    assert why in street.said[-1]
    assert second.clock_mode == "Manual" and second.asked == []


def test_a_refused_login_is_not_tried_again(street: Street) -> None:
    one = street.add(1, password="another")
    for _ in range(2):
        assert street.run(apply=True)
        assert "can't be logged in to" in street.said[-1]
    assert one.failed == 1 and "SetNTP" not in one.asked[one.asked.index("GetNTP") + 2 :]
