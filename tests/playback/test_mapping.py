"""Wall clock ↔ media time: exact at both ends, and each frame on one side of every moment."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nvr.playback.mapping import TimeMap
from storage.catalogue.segments import Key, Segment


def segment(us: int, ticks: int, *, growing: bool = False, timescale: int = 90_000) -> Segment:
    start_us, media_start = 1_790_000_000_000_001, 12_345
    return Segment(
        Key("gate-1", start_us, "n1", 1),
        start_us + us,
        growing,
        "r1",
        Path("/nowhere"),
        "0" * 64,
        start_us,
        timescale,
        media_start,
        None if growing else media_start + ticks,
        1,
        1,
        None,
    )


_MAPS = st.tuples(st.integers(1, 7_200_000_000), st.integers(1, 648_000_000)).map(lambda m: TimeMap.of(segment(*m)))


@given(_MAPS)
def test_both_ends_are_exact(clock: TimeMap) -> None:
    assert clock.wall_us(clock.media_start) == clock.start_us
    assert clock.wall_us(clock.media_start + clock.ticks) == clock.start_us + clock.us


@given(_MAPS, st.integers(-(10**10), 10**10))
def test_ticks_at_is_the_first_tick_that_is_not_before(clock: TimeMap, offset_us: int) -> None:
    at_us = clock.start_us + offset_us
    ticks = clock.ticks_at(at_us)
    assert clock.wall_us(ticks) >= at_us
    assert clock.wall_us(ticks - 1) < at_us


@given(st.integers(-(10**9), 10**9))
def test_while_it_grows_a_second_is_the_timescale(ticks: int) -> None:
    clock = TimeMap.of(segment(5, 0, growing=True))
    assert clock.wall_us(clock.media_start + ticks) == clock.start_us + ticks * 1_000_000 // 90_000


def test_a_segment_without_length_is_no_division_by_zero() -> None:
    for us, ticks in ((0, 5), (5, 0), (0, 0)):
        assert TimeMap.of(segment(us, ticks)).wall_us(12_345 + 90_000) == 1_790_000_001_000_001
