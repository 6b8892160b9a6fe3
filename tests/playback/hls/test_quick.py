"""For whom recorders are asked to be quick, and what a playlist says of short parts."""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from nvr.playback.errors import NotLive
from nvr.playback.hls import live as live_module
from nvr.playback.hls.live import Live
from nvr.playback.hls.live_window import LivePart, LiveWindow
from storage.catalogue import cameras, status
from storage.catalogue.segments import Key
from tests.playback.footage import CAMERA, START_US, Studio
from tests.support.waiting import until_async

OTHER = "gate-2"


def said(studio: Studio) -> frozenset[str]:
    with studio.database.read() as conn:
        return status.watched(conn, time.time_ns() // 1000)


async def look(live: Live, camera: str, *, quick: bool) -> None:
    """Somebody asks; nothing is recorded here."""
    with contextlib.suppress(NotLive):
        await live.playlist(camera, quick=quick)


async def until(studio: Studio, expected: set[str]) -> None:
    await until_async(lambda: said(studio) == expected, "what is said")


async def test_only_those_who_may_cause_it_and_only_so_many(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_TOLD_S", 0.02)
    with studio.database.write() as conn:
        cameras.add(
            conn, camera=OTHER, name=OTHER, source="file", settings={}, labels={}, node="n1", epoch=1, at_us=START_US
        )
    live = Live(studio.database, studio.cache, linger_s=0.5, quick=1)
    try:
        await look(live, OTHER, quick=False)
        assert said(studio) == frozenset()
        await look(live, CAMERA, quick=True)
        await until(studio, {CAMERA})
        # Who came first stays, and whoever comes when there are enough has what there is.
        await look(live, OTHER, quick=True)
        await look(live, CAMERA, quick=True)
        assert said(studio) == {CAMERA}
        # Nobody asks any more.
        await until(studio, set())
        await look(live, OTHER, quick=True)
        await until(studio, {OTHER})
    finally:
        await live.close()


async def test_none_if_the_setting_says_so(studio: Studio) -> None:
    live = Live(studio.database, studio.cache, linger_s=0.1, quick=0)
    await look(live, CAMERA, quick=True)
    await live.close()
    assert said(studio) == frozenset()


def test_what_was_said_long_ago_is_over(studio: Studio) -> None:
    now_us = time.time_ns() // 1000
    with studio.database.write() as conn:
        status.put_watched(conn, {CAMERA, "nobody-knows"}, until_us=now_us + 1_000, now_us=now_us)
        assert status.watched(conn, now_us) == {CAMERA} and status.watched(conn, now_us + 2_000) == frozenset()
        status.put_watched(conn, set(), until_us=now_us + 1_000, now_us=now_us)
        assert status.watched(conn, now_us) == frozenset()


def test_a_player_stays_closer_once_parts_are_short() -> None:
    window, key = LiveWindow(), Key(CAMERA, START_US, "n1", 1)
    at_us = START_US

    def add(count: int, duration_us: int) -> tuple[float, float]:
        nonlocal at_us
        for number in range(count):
            part = LivePart(
                at_us, duration_us, 1000 + (at_us - START_US) // 1000, 100, number % (2_000_000 // duration_us) == 0
            )
            window.add(key, "a" * 64, 700, (1,), [part])
            at_us += duration_us
        target = re.search(r"PART-TARGET=([\d.]+)", window.text())
        hold = re.search(r"PART-HOLD-BACK=([\d.]+)", window.text())
        assert target is not None and hold is not None
        return float(target[1]), float(hold[1])

    assert add(20, 500_000) == (0.5, 1.5)
    # As long as longer ones are listed the target says so.
    assert add(10, 200_000) == (0.5, 1.5)
    assert add(40, 200_000) == (0.2, 0.5)
    assert add(4, 500_000) == (0.5, 1.5)
