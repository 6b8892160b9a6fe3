"""``nvr scan`` and ``nvr devices``, as a person uses them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main
from tests.support.cameras.onvif import OnvifDevice, OnvifServer
from tests.support.cameras.running import LoopThread

PASSWORD = "Semarang2026"


def nvr(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def scan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the command makes the one that it runs in nicer."""
    return subprocess.run(
        [Path(sys.executable).with_name("nvr"), "scan", "--config", folder / "config.toml", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def fleet() -> Iterator[OnvifServer]:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        port = int(taken.getsockname()[1])
    devices = [
        OnvifDevice(f"127.37.0.{n}", uuid=f"{n:08x}-0000-1000-8000-000000000000", serial=f"SN{n:04}", channels=n)
        for n in (1, 2)
    ]
    server = OnvifServer(devices, http_port=port)
    thread = LoopThread()
    thread.call(server.start())
    yield server
    thread.call(server.stop())
    thread.close()


@pytest.fixture
def folder(tmp_path: Path, fleet: OnvifServer) -> Path:
    (tmp_path / "config.toml").write_text(
        f'[devices]\nnetworks = ["127.37.0.0/29"]\nports = [{fleet.http_port}]\n', encoding="utf-8"
    )
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return tmp_path


def test_a_network_from_search_to_cameras(folder: Path, fleet: OnvifServer) -> None:
    assert "may not be searched" in scan(folder, "10.0.0.0/24").stderr
    ran = scan(folder, "--username", "admin", "--password-file", str(folder / "password"))
    assert ran.returncode == 0, ran.stderr
    assert "done: 2 devices" in ran.stdout and "Traceback" not in ran.stderr
    assert "done" in done(nvr(folder, "scan", "--list")) and "no search is running" in done(
        nvr(folder, "scan", "--stop")
    )
    assert "no search that was interrupted" in nvr(folder, "scan", "--resume").output
    listed = done(nvr(folder, "devices"))
    assert "SN0001" in listed and "h265 2560x1440 25/s" in listed
    id_ = next(line.split()[0] for line in listed.splitlines() if "SN0002" in line)
    shown = done(nvr(folder, "devices", "show", id_))
    assert "rtsp://127.37.0.2:" in shown and PASSWORD not in shown
    assert nvr(folder, "devices", "show", "nothing").exit_code == 1

    dry = done(nvr(folder, "devices", "add", "--every", "--id", "jalan-{number}", "--dry-run"))
    assert dry.splitlines()[-1] == "3 would be added"
    added = done(nvr(folder, "devices", "add", "--every", "--id", "jalan-{number}", "--label", "isp=Telkom"))
    assert added.splitlines() == ["add     jalan-1", "add     jalan-2", "add     jalan-3", "3 added"]
    assert done(nvr(folder, "devices", "add", "--every")).splitlines() == ["0 added"]
    assert "isp" in done(nvr(folder, "cameras", "export")) and "jalan-3" in done(nvr(folder, "cameras"))
    table = folder / "devices.csv"
    done(nvr(folder, "devices", "export", str(table)))
    assert table.read_text("utf-8-sig").count("jalan-") == 3 and table.stat().st_mode & 0o077 == 0
    # What is recorded already is left as it is.
    assert done(nvr(folder, "devices", "add", "--csv", str(table))).splitlines() == ["0 added"]

    fleet.move([("127.37.0.1", "127.37.0.2"), ("127.37.0.2", "127.37.0.1")])
    assert scan(folder).returncode == 0
    assert done(nvr(folder, "devices", "moves")).count("127.37.0.1") == 3
    moved = done(nvr(folder, "devices", "move", "jalan-1"))
    assert moved.startswith("jalan-1: from 127.37.0.")
    assert nvr(folder, "devices", "move", "jalan-1").exit_code == 1
    assert "is device" in done(nvr(folder, "devices", "bind", "jalan-1", id_))
    assert "no login was refused" in done(nvr(folder, "devices", "retry", id_))
    assert sum(one.failed for one in fleet.devices.values()) == 0
    log = done(nvr(folder, "audit", "list"))
    assert all(action in log for action in ("scan_begun", "camera_followed", "device_replaced", "device_retried"))


def test_a_wrong_password_is_told_and_retried_when_a_person_says_so(folder: Path, fleet: OnvifServer) -> None:
    (folder / "password").write_text("wrong\n")
    login = ("--username", "admin", "--password-file", str(folder / "password"))
    assert "login_refused" in scan(folder, *login).stdout
    assert "login_blocked" in scan(folder, *login).stdout
    assert [one.failed for one in fleet.devices.values()] == [1, 1]
    ids = [line.split()[0] for line in done(nvr(folder, "devices")).splitlines()[1:]]
    assert "may be tried again" in done(nvr(folder, "devices", "retry", *ids))
    (folder / "password").write_text(f"{PASSWORD}\n")
    assert scan(folder, *login).returncode == 0
    assert "SN0002" in done(nvr(folder, "devices"))
    assert [one.failed for one in fleet.devices.values()] == [1, 1]


def test_what_is_asked_wrongly(folder: Path) -> None:
    for arguments in (
        ("scan", "--resume", "--stop"),
        ("scan", "--username", "admin"),
        ("devices", "add"),
        ("devices", "add", "--every", "--label", "x"),
    ):
        assert nvr(folder, *arguments).exit_code == 2, arguments
