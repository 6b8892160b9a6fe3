"""Who gives way to recording does so against all processes, not only those of its own session."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GROUPED = Path("/proc/sys/kernel/sched_autogroup_enabled")


def test_a_session_gives_way() -> None:
    if not GROUPED.exists() or GROUPED.read_text().strip() != "1":
        pytest.skip("this kernel does not group processes by session")
    code = "from nvr import niceness; niceness.lower(5); print(open('/proc/self/autogroup').read())"
    told = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, timeout=60, check=True
    )
    assert re.search(rf"nice {os.nice(0) + 5}\b", told.stdout), told.stdout


def test_nobody_is_nice_alone() -> None:
    """There is one place that makes a process nicer."""
    found = {path for path in Path("nvr").rglob("*.py") if "os.nice(" in path.read_text(encoding="utf-8")}
    assert found == {Path("nvr/niceness.py")}
