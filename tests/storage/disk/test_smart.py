"""What a disk says of itself, as smartctl prints it."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from nvr.alerting.conditions import disks_worn
from nvr.doctor.disks import disk_health
from nvr.housekeeping.disk_health import DiskHealth
from storage.disk.roots import Root
from storage.disk.smart import ask_smart, device_of, judge_smart


def ata(passed: bool = True, **counts: int) -> dict[str, Any]:
    ids = {"reallocated": 5, "pending": 197, "uncorrectable": 198, "hours": 9}
    table = [{"id": ids[name], "name": name, "raw": {"value": value}} for name, value in counts.items()]
    return {"smart_status": {"passed": passed}, "ata_smart_attributes": {"table": table}}


def nvme(**log: int) -> dict[str, Any]:
    return {"smart_status": {"passed": True}, "nvme_smart_health_information_log": log}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (ata(reallocated=0, pending=0, hours=50_000), []),
        (ata(reallocated=8), []),
        (ata(reallocated=90), ["90 reallocated sectors"]),
        # The upper bytes of a raw value are something else with some makers.
        (ata(reallocated=0x0003_0000_0000), []),
        (ata(pending=1, uncorrectable=2), ["1 sectors that can't be read", "2 sectors that could not be corrected"]),
        (ata(False), ["the disk itself says that it is failing"]),
        (nvme(critical_warning=0, percentage_used=40, media_errors=0, available_spare=100), []),
        (nvme(percentage_used=97, media_errors=3), ["3 errors of the medium", "97 % of its life is used"]),
        (nvme(available_spare=4, available_spare_threshold=10), ["4 % of its spare blocks are left"]),
        (nvme(critical_warning=4), ["a critical warning (0x4)"]),
        ({}, []),
    ],
)
def test_what_is_worn(said: dict[str, Any], words: list[str]) -> None:
    assert judge_smart(said) == words


def program(folder: Path, text: str, code: int) -> str:
    path = folder / "smartctl"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_asking(tmp_path: Path) -> None:
    """Bits of smartctl's exit status: 1 and 2 that it could not ask, 8 that the disk is failing."""
    said = json.dumps(ata(False))
    assert ask_smart(Path("/dev/sda"), program(tmp_path, said, 8)) == ata(False)
    assert ask_smart(Path("/dev/sda"), program(tmp_path, said, 2)) is None
    assert ask_smart(Path("/dev/sda"), program(tmp_path, "no JSON", 0)) is None
    assert ask_smart(Path("/dev/sda"), program(tmp_path, "{}", 0)) is None
    assert ask_smart(Path("/dev/sda"), "no-such-program") is None


def test_the_disk_of_a_path(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"

    def system(kind: str) -> Path:
        sys = tmp_path / kind
        disk = sys / "devices/pci/sdx"
        (disk / "sdx1").mkdir(parents=True)
        (disk / "sdx1/partition").write_text("1\n")
        (sys / "dev/block").mkdir(parents=True)
        (sys / "class/block").mkdir(parents=True)
        (sys / "class/block/sdx1").symlink_to(disk / "sdx1")
        return sys

    partition = system("partition")
    (partition / "dev/block" / name).symlink_to(partition / "devices/pci/sdx/sdx1")
    assert device_of(tmp_path, partition) == Path("/dev/sdx")
    encrypted = system("encrypted")
    (encrypted / "devices/virtual/dm-0/slaves/sdx1").mkdir(parents=True)
    (encrypted / "dev/block" / name).symlink_to(encrypted / "devices/virtual/dm-0")
    assert device_of(tmp_path, encrypted) == Path("/dev/sdx")
    (encrypted / "devices/virtual/dm-0/slaves/sdy1").mkdir()
    assert device_of(tmp_path, encrypted) is None, "a volume of several disks"
    assert device_of(tmp_path, tmp_path / "nothing") is None


def test_people_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, json.dumps(ata(pending=7)), 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("nvr.housekeeping.disk_health.device_of", lambda path: Path("/dev/sda"))
    health = DiskHealth([Root("1", tmp_path / "one"), Root("2", tmp_path / "two")], threading.Event())
    health.look()
    told = [(one.kind, one.subject, one.detail["reason"]) for one in disks_worn(health.worn)]
    reason = "/dev/sda: 7 sectors that can't be read"
    assert told == [("disk_worn", str(tmp_path / "one"), reason), ("disk_worn", str(tmp_path / "two"), reason)]
    program(tmp_path, json.dumps(ata(pending=0)), 0)
    health.look()
    assert disks_worn(health.worn) == []
    assert disk_health(Path("/dev/sda"), ata(pending=7)).health == "wrong"
    assert disk_health(Path("/dev/sda"), ata()).health == "good"
    assert disk_health(Path("/dev/sda"), None).health == "unknown"
