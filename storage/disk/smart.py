"""What a disk says of itself (SMART), by ``smartctl`` where it is installed and may ask.

Whether a disk is worn is decided by ``judge_smart``, which is pure. Only counts that mean lost data, or its end, are
taken: a temperature is no news.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["ask_smart", "device_of", "judge_smart"]

_TIMEOUT_S: Final = 20.0
# Of ATA disks: sectors that were given up, that can't be read now, and that could not be read at all.
_ATA: Final = {5: "reallocated sectors", 197: "sectors that can't be read", 198: "sectors that could not be corrected"}
_MOST_REALLOCATED: Final = 10
_WORN_PERCENT: Final = 90
# smartctl(8), exit status: it could not even ask.
_NOT_ASKED: Final = 0b11


def judge_smart(said: Mapping[str, Any]) -> list[str]:
    """What is wrong with a disk by smartctl's JSON, in words; nothing: well, as far as it says."""
    found = []
    if said.get("smart_status", {}).get("passed") is False:
        found.append("the disk itself says that it is failing")
    for row in said.get("ata_smart_attributes", {}).get("table", ()):
        count = int(row.get("raw", {}).get("value", 0)) & 0xFFFFFFFF
        number = row.get("id")
        if number in _ATA and count > (_MOST_REALLOCATED if number == 5 else 0):
            found.append(f"{count} {_ATA[number]}")
    health = said.get("nvme_smart_health_information_log", {})
    if health.get("critical_warning", 0):
        found.append(f"a critical warning ({health['critical_warning']:#x})")
    if health.get("media_errors", 0):
        found.append(f"{health['media_errors']} errors of the medium")
    if health.get("percentage_used", 0) >= _WORN_PERCENT:
        found.append(f"{health['percentage_used']} % of its life is used")
    if health.get("available_spare", 100) < health.get("available_spare_threshold", 0):
        found.append(f"{health['available_spare']} % of its spare blocks are left")
    return found


def device_of(path: Path, sys: Path = Path("/sys")) -> Path | None:
    """The disk that holds the path; None: none alone does (a network share, memory, a volume of several)."""
    try:
        number = path.stat().st_dev
        block = (sys / "dev/block" / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return None
    if (block / "partition").exists():
        block = block.parent
    slaves = [slave.name for slave in (block / "slaves").iterdir()] if (block / "slaves").is_dir() else []
    if len(slaves) > 1 or not block.name:
        return None
    if slaves:
        # As of encryption, or a volume on one disk.
        below = (sys / "class/block" / slaves[0]).resolve()
        block = below.parent if (below / "partition").exists() else below
    return Path("/dev") / block.name


def ask_smart(device: Path, program: str = "smartctl") -> Mapping[str, Any] | None:
    """What the disk says; None: there is no smartctl, it may not ask, or the disk has no SMART."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, "--json", "-H", "-A", device], capture_output=True, timeout=_TIMEOUT_S, check=False
        )
        said: Any = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    if done.returncode & _NOT_ASKED or not isinstance(said, dict) or "smart_status" not in said:
        return None
    return said
