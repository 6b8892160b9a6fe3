"""Habits, recorded by the real server for some seconds: what was sent, what is there, and what is claimed.

With every change a random fifth of them, by the run's seed; all of them at night, when the machine has time for so many cameras. All that are chosen record at once. What fails is compared with `_NOT_YET`; a habit that is listed there and passes is warned of.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from tests.cameras.odd import HABITS
from tests.cameras.recording import record
from tests.nightly import IS_NIGHT, seed, tenth

#: What does not hold yet: why, which habits, and with which sources.
_NOT_YET: dict[str, dict[str, str]] = {
    "FFmpeg does not say that a packet is lost": {"lossy": "av"},
    "FFmpeg gives up where sound is refused": {"sound-refused": "av"},
    "FFmpeg takes packets of another sender": {"older-session": "av"},
}
#: What may fail for now: its offset is at the limit.
_UNSTEADY = {
    "frames-in-bursts",
    "ssrc-for-each-group",
    "new-ssrc",
    "stamps-in-milliseconds",
    "frame-every-4-s",
    "slower-than-stamped",
}
KNOWN = {
    (source, name) for habits in _NOT_YET.values() for name, sources in habits.items() for source in sources.split()
}

SECONDS = float(os.environ.get("NVR_ODD_SECONDS", "24"))


@pytest.mark.parametrize("sources", [("native", "auto"), ("av",)], ids=["native", "av"])
def test_every_habit(tmp_path: Path, sources: tuple[str, ...]) -> None:
    judge_all(tmp_path, sources, alone=False)


def test_habits_that_might_harm_others(tmp_path: Path) -> None:
    """Beside them plain cameras are recorded, which must lose nothing."""
    judge_all(tmp_path, ("native", "av"), alone=True)


def judge_all(folder: Path, sources: tuple[str, ...], *, alone: bool) -> None:
    """Records habits together, and compares what fails with what is known to."""
    chosen = set(HABITS) if IS_NIGHT else tenth(list(HABITS), seed()) | tenth(list(HABITS), seed() + 1)
    habits = {
        f"{source}-{habit.name}": (source, habit)
        for source in sources
        for habit in HABITS.values()
        if (habit.name in chosen or habit.name.startswith("plain"))
        and source in habit.camera.sources
        and (habit.camera.alone == alone or habit.name.startswith("plain"))
    }
    verdicts = record(folder, habits, SECONDS)
    failed = {(v.source, v.name): v for v in verdicts if v.faults}
    known = {(source, habit.name) for source, habit in habits.values()} & KNOWN
    new = [failed[key].row() for key in failed.keys() - known if key[1] not in _UNSTEADY]
    assert not new, "\n" + "\n".join(sorted(new))
    healed = sorted(known - failed.keys())
    if healed:
        warnings.warn(
            f"these pass now and do not belong in the table of what does not hold yet: {healed}", stacklevel=2
        )
