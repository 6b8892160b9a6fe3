"""``nvr ptz`` and ``nvr marks``, as a person uses them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cameras import marks
from nvr.cli import main
from nvr.devices import rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets, VideoProfile
from nvr.devices.onvif.soap import EVENTS, PTZ
from storage.catalogue import audit, cameras, node
from storage.catalogue.database import Database
from tests.support.cameras.onvif import OnvifDevice, OnvifServer, PtzHeadSimulator
from tests.support.cameras.running import LoopThread
from tests.support.catalogues import new_catalogue

PASSWORD = "Semarang2026"


@pytest.fixture
def head() -> Iterator[tuple[PtzHeadSimulator, int]]:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        port = int(taken.getsockname()[1])
    made = PtzHeadSimulator()
    server = OnvifServer([OnvifDevice("127.44.0.1", uuid="u", head=made)], http_port=port)
    thread = LoopThread()
    thread.call(server.start())
    yield made, port
    thread.call(server.stop())
    thread.close()


@pytest.fixture
def folder(tmp_path: Path, head: tuple[PtzHeadSimulator, int]) -> Path:
    (tmp_path / "config.toml").write_text(
        '[storage]\nroots = ["footage"]\ncatalogue = "catalogue.db"\n[ptz]\ncameras = "district=north"\n'
        '[events]\nkinds = { motion = "district=north" }\n'
    )
    database = new_catalogue(tmp_path / "catalogue.db")
    with database.write() as conn:
        node.this_node(conn, "n1")
        for camera, district in (("gate", "north"), ("yard", "north"), ("hall", "south")):
            cameras.add(
                conn, camera=camera, name=camera, source="catalogue", settings={"url": "rtsp://127.44.0.1/x"},
                labels={"district": district}, node="n1", epoch=0, at_us=1,
            )  # fmt: skip
        facts = DeviceFacts(
            address="127.44.0.1", port=head[1], path="/onvif/device_service", services=(PTZ, EVENTS),
            profiles=(VideoProfile(token="main1", source="1", use="main"),),
        )  # fmt: skip
        device = rows.put_device(conn, "d1", facts, DeviceSecrets(username="admin", password=PASSWORD), now_us=1)
        rows.bind(conn, "gate", device)
        marks.put(
            conn, "m1", "gate", "motion", 1_795_442_400_000_000, 1_795_442_410_000_000,
            is_on=False, count=3, detail={"topic": "VideoSource/MotionAlarm"}, now_us=1,
        )  # fmt: skip
    database.close()
    return tmp_path


def nvr(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_cameras_that_can_be_moved(folder: Path, head: tuple[PtzHeadSimulator, int]) -> None:
    listed = done(nvr(folder, "ptz"))
    assert "127.44.0.1" in listed and "no device is known of this camera" in listed and "hall" not in listed
    assert "Gate" in done(nvr(folder, "ptz", "presets", "gate"))
    assert "on its way" in done(nvr(folder, "ptz", "go", "gate", "1"))
    assert "told to stop" in done(nvr(folder, "ptz", "stop", "gate"))
    assert [name for name, _ in head[0].told if name in ("GotoPreset", "Stop")] == ["GotoPreset", "Stop"]
    assert "ActionNotSupported" in nvr(folder, "ptz", "go", "gate", "9").output
    for camera, why in (("yard", "no device is known"), ("hall", "not switched on"), ("nowhere", "no camera")):
        refused = nvr(folder, "ptz", "stop", camera)
        assert refused.exit_code == 1 and why in refused.output
    database = Database(folder / "catalogue.db")
    with database.read() as conn:
        found = [entry.action for entry in audit.entries(conn) if entry.action.startswith("ptz_")]
    database.close()
    assert found == ["ptz_preset_called", "ptz_stopped", "ptz_preset_called"]


def test_marks_and_who_is_asked(folder: Path) -> None:
    listed = done(nvr(folder, "marks", "--start", "2026-11-23T14:00:00Z", "--end", "2026-11-23T15:00:00Z"))
    assert "motion" in listed and "VideoSource/MotionAlarm" in listed and " 3 " in listed
    nothing = done(
        nvr(folder, "marks", "--start", "2026-11-23T14:00:00Z", "--end", "2026-11-23T15:00:00Z", "--kind", "tamper")
    )
    assert "gate" not in nothing
    asked = done(nvr(folder, "marks", "devices"))
    assert "d1" in asked and "not asked yet" in asked and "yard" not in asked
    assert nvr(folder, "marks", "--start", "2026-11-23T14:00:00Z", "--end", "2026-11-23T13:00:00Z").exit_code == 2
