"""Every habit, recorded by the real server for some seconds: what was sent, what is there, and what is claimed.

All cameras record at once. What fails is compared with `_NOT_YET`, in both directions: a habit that is listed there and passes is a failure too.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cameras.odd import HABITS
from tests.cameras.recording import record

#: What does not hold yet: why, which habits, and with which sources.
_NOT_YET: dict[str, dict[str, str]] = {
    "the answer is not understood": {
        "base-without-scheme": "native",
        "no-content-length": "native",
    },
    "what is odd in a packet costs more than itself": {
        "channel-not-set-up": "native",
        "described-with-start-codes": "native",
        "empty-packets": "native",
        "empty-unit-in-aggregate": "native",
        "end-of-sequence": "native",
        "last-frame-without-marker": "native",
        "marker-on-all": "native",
        "no-end-bit": "native",
        "no-markers-shared-times": "native av",
        "older-session": "native",
        "one-empty-packet": "native",
        "padding-packets": "native",
        "private-type-first": "native",
        "private-type-in-sequence": "native",
        "reordered": "native",
        "repeated-packets": "av",
        "sets-of-the-frame-before": "av",
        "signed-sound": "av",
        "start-code-payloads": "native av",
        "start-codes-in-fragments": "native",
        "unspecified-units": "native av",
    },
    "FFmpeg does not say that a packet is lost": {
        "lossy": "av",
    },
    "sound costs frames": {
        "sound-refused": "native av",
    },
}
KNOWN = {
    (source, name) for habits in _NOT_YET.values() for name, sources in habits.items() for source in sources.split()
}

SECONDS = float(os.environ.get("NVR_ODD_SECONDS", "24"))


@pytest.mark.parametrize("sources", [("native", "auto"), ("av",)], ids=["native", "av"])
def test_every_habit(tmp_path: Path, sources: tuple[str, ...]) -> None:
    habits = {
        f"{source}-{habit.name}": (source, habit)
        for source in sources
        for habit in HABITS.values()
        if source in habit.camera.sources
    }
    verdicts = record(tmp_path, habits, SECONDS)
    failed = {(v.source, v.name): v for v in verdicts if v.faults}
    known = {(source, habit.name) for source, habit in habits.values()} & KNOWN
    new = [failed[key].row() for key in failed.keys() - known]
    assert not new, "\n" + "\n".join(sorted(new))
    healed = sorted(known - failed.keys())
    assert not healed, f"these pass now and do not belong in the table of known failures: {healed}"
