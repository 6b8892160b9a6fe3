"""What the log says of a camera that breaks off again and again."""

from __future__ import annotations

import logging

import pytest

from nvr.recorder.break_log import BreakLog
from storage.causes import Cause


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.INFO)

    class Lines(list[str]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter(record.getMessage() for record in caplog.records)

    return Lines()


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_few_breaks_are_told_each(lines: list[str]) -> None:
    breaks = BreakLog("gate-1", clock=Clock())
    for _ in range(3):
        breaks.broke(Cause.STALLED, "no data for 10 s")
        breaks.recorded()
    assert list(lines) == ["camera gate-1: not recording: stalled no data for 10 s", "camera gate-1: recording"] * 3


def test_a_flapping_camera_is_one_line_an_hour(lines: list[str]) -> None:
    clock = Clock()
    breaks = BreakLog("gate-1", clock=clock)
    for second in range(86_400):
        clock.now_s = 1000.0 + second
        if second % 10 == 0:
            breaks.broke(Cause.ENDED if second % 30 else Cause.STALLED, "x")
        elif second % 10 == 5:
            breaks.recorded()
        if second % 3 == 0:
            breaks.look()
    told = list(lines)
    assert len(told) == 2 * 3 + 23
    assert told[6].startswith("camera gate-1: broke off 357 more times within the last hour (ended 238, stalled 119); ")
    # Each break is told or counted.
    counted = sum(int(line.split()[4]) for line in told[6:])
    assert 8640 - 3 - counted < 361


@pytest.mark.parametrize("recorded", [True, False])
def test_what_was_left_out_is_told_though_nothing_more_happens(lines: list[str], recorded: bool) -> None:
    clock = Clock()
    breaks = BreakLog("gate-1", clock=clock)
    for _ in range(5):
        breaks.broke(Cause.UNREACHABLE, "no route")
        if recorded:
            breaks.recorded()
    before = len(list(lines))
    clock.now_s += 3599
    breaks.look()
    assert len(list(lines)) == before
    clock.now_s += 1
    breaks.look()
    now = "recording" if recorded else "not recording: unreachable no route"
    assert list(lines)[before:] == [
        f"camera gate-1: broke off 2 more times within the last hour (unreachable 2); now {now}"
    ]
    # After an hour without, each is told again.
    clock.now_s += 3600
    breaks.broke(Cause.UNREACHABLE, "no route")
    assert list(lines)[-1] == "camera gate-1: not recording: unreachable no route"
