"""Habits, recorded by the real server for some seconds: what was sent, what is there, and what is claimed.

With every change a random tenth of them, by the run's seed (``NVR_SEED``); all of them at night, when the machine has
time for so many cameras. All that are chosen record at once. What fails is recorded once more, by itself: what a busy
machine spoils is no defect, and is warned of. Then it is compared with ``NOT_YET``, which is strict: a habit that is
listed there and holds fails the test until it is taken out.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.nightly import IS_NIGHT, SEED_NAME, seed, tenth
from tests.support.cameras.judge import Verdict
from tests.support.cameras.odd import HABITS, Habit
from tests.support.cameras.recording import record

#: What does not hold yet, by source and habit, and why.
NOT_YET: dict[tuple[str, str], str] = {}

SECONDS = float(os.environ.get("NVR_ODD_SECONDS", "24"))
_SOURCES = [("native", "auto"), ("av",)] if IS_NIGHT else [("native", "auto", "av")]


def chosen(names: list[str]) -> set[str]:
    """Those of this run."""
    return set(names) if IS_NIGHT else tenth(names, seed())


@pytest.mark.long
@pytest.mark.parametrize("sources", _SOURCES, ids="-".join)
def test_every_habit(tmp_path: Path, sources: tuple[str, ...]) -> None:
    names = chosen([name for name, habit in HABITS.items() if not habit.camera.alone])
    judge_all(tmp_path, sources, names | {"plain"})


@pytest.mark.long
@pytest.mark.nightly
def test_habits_that_might_harm_others(tmp_path: Path) -> None:
    """Beside them plain cameras are recorded, which must lose nothing."""
    names = {name for name, habit in HABITS.items() if habit.camera.alone}
    judge_all(tmp_path, ("native", "av"), names | {name for name in HABITS if name.startswith("plain")})


def judge_all(folder: Path, sources: Iterable[str], names: Iterable[str]) -> None:
    """Records habits together, and compares what fails with what is known to."""
    habits = {
        (source, name): HABITS[name] for source in sources for name in names if source in HABITS[name].camera.sources
    }
    failed = judged(folder / "first", habits)
    doubtful = {key: habits[key] for key in failed if key not in NOT_YET}
    if doubtful:
        again = judged(folder / "again", doubtful)
        spoilt = sorted(verdict.row() for key, verdict in failed.items() if key in doubtful and key not in again)
        if spoilt:
            warnings.warn("held only when recorded again:\n" + "\n".join(spoilt), stacklevel=2)
        failed = {key: again.get(key, verdict) for key, verdict in failed.items() if key in again or key in NOT_YET}
    told = f"{SEED_NAME}={seed()}\n"
    new = sorted(verdict.row() for key, verdict in failed.items() if key not in NOT_YET)
    assert not new, told + "\n".join(new)
    healed = sorted(key for key in NOT_YET if key in habits and key not in failed)
    assert not healed, f"{told}these hold now and do not belong into NOT_YET: {healed}"


def judged(folder: Path, habits: dict[tuple[str, str], Habit]) -> dict[tuple[str, str], Verdict]:
    """The verdicts that find fault."""
    folder.mkdir()
    verdicts = record(folder, {f"{key[0]}-{key[1]}": (key[0], habit) for key, habit in habits.items()}, SECONDS)
    return {(verdict.source, verdict.name): verdict for verdict in verdicts if verdict.faults}


def test_what_does_not_hold_yet_is_there() -> None:
    for source, name in NOT_YET:
        assert source in HABITS[name].camera.sources, (source, name)
