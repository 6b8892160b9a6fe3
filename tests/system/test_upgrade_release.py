"""The released version upgraded to this one and back while cameras record, killed at a step of each way: the bench at
its smallest (``make bench-upgrade`` kills at every step, with twenty cameras)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.releases import release_tree

TOP = Path(__file__).parents[2]


@pytest.mark.long
def test_up_and_back_while_cameras_record(tmp_path: Path) -> None:
    if release_tree("0.1.0", tmp_path) is None:
        pytest.skip("NOT TESTED: an upgrade from the released version (this is no checkout with its history)")
    # No second is promised on a machine that tests.
    words = ["--cameras", "3", "--short", "--most", "120"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_upgrade", *words],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing wrong; every break is server_down" in done.stdout and " 0 lost, 0 twice, 0 damaged" in done.stdout
