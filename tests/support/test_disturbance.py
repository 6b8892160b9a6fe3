"""A test that fails while the machine is disturbed runs once more, and no other does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.disturbance import Clocks, befell

TOP = Path(__file__).parents[2]
BEFORE = Clocks(1000.0, 50.0, 10.0)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (Clocks(1000.25, 50.25, 10.0), []),
        (Clocks(1004.33, 50.25, 10.0), ["the clock of this machine was set by +4.08 s"]),
        (Clocks(999.25, 50.25, 10.2), ["the clock of this machine was set by -1.00 s"]),
        (Clocks(1002.25, 52.25, 10.0), ["the process of the test was not let run for 2.0 s"]),
        # It was busy itself.
        (Clocks(1002.25, 52.25, 12.0), []),
    ],
)
def test_what_is_a_disturbance(now: Clocks, found: list[str]) -> None:
    assert befell(BEFORE, now, 0.25) == found


CONFTEST = """
from dataclasses import replace
from tests.support.disturbance import Clocks, Disturbances, Watch

SET_BY_S = [0.0]

def read():
    found = Clocks.read()
    return replace(found, wall_s=found.wall_s + SET_BY_S[0])

def pytest_configure(config):
    config.pluginmanager.register(Disturbances(Watch(read)))
"""
TESTS = """
import pytest
from conftest import SET_BY_S

runs = []

@pytest.fixture
def fresh(tmp_path):
    (tmp_path / "mine").touch(exist_ok=False)

def test_the_clock_is_set(fresh):
    runs.append(1)
    if len(runs) == 1:
        SET_BY_S[0] += 4.08
    assert len(runs) == 2, "first words"

def test_set_and_wrong_all_the_same():
    SET_BY_S[0] -= 4.08
    assert not "second words"

def test_wrong_on_a_quiet_day():
    runs.append(1)
    assert len(runs) == 4, "third words"
"""


def test_who_runs_twice(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            "/dev/null",
            "--rootdir",
            tmp_path,
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            tmp_path,
        ],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    summary = done.stdout.partition("ran again, since the machine was disturbed")[2]
    assert "test_the_clock_is_set: the clock of this machine was set by +4.08 s; it had failed with" in summary
    assert "test_set_and_wrong_all_the_same: the clock of this machine was set by -4.08 s" in summary
    assert "test_wrong_on_a_quiet_day:" not in summary
