"""When was it: anchoring, slewing, steps; with a simulated camera and network."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.clocks.clock import ClockWatch, RunClock

START_US = 1_800_000_000_000_000
FRAME_US = 40_000


def simulate(
    seconds: float, *, drift_ppm: float = 0, delay_us: object = 5_000, seed: int = 1
) -> tuple[RunClock, list[int]]:
    """A camera whose clock runs ``drift_ppm`` fast, over a network that delays at random; returns the clock and its
    error at each frame."""
    clock, errors, dice = RunClock(), [], random.Random(seed)
    for number in range(int(seconds * 25)):
        true_us = START_US + number * FRAME_US
        media_us = round(number * FRAME_US * (1 + drift_ppm / 1e6))
        arrival_us = true_us + (delay_us(number, dice) if callable(delay_us) else int(delay_us))  # type: ignore[call-overload]
        clock.observe(media_us, arrival_us)
        if number == 25:
            clock.anchor()
        errors.append(clock.wall_us(media_us) - true_us)
    return clock, errors


def test_least_delayed_packet_anchors() -> None:
    _, errors = simulate(2, delay_us=lambda n, dice: dice.randrange(2_000, 300_000) if n != 7 else 1_000)
    assert errors[-1] == 1_000


def test_early_burst_does_not_shift_the_run() -> None:
    """A camera sends its last two seconds at once, then goes on live: the run began two seconds before the
    connection."""
    clock = RunClock()
    for number in range(75):
        media_us = number * FRAME_US
        clock.observe(media_us, START_US + max(0, media_us - 2_000_000))
    clock.anchor()
    assert clock.wall_us(0) == START_US - 2_000_000


def test_slews_toward_the_server_clock() -> None:
    # A camera 100 ppm fast would be 360 ms off after an hour.
    _, errors = simulate(3600, drift_ppm=100, delay_us=lambda n, dice: dice.randrange(1_000, 40_000))
    assert max(abs(error) for error in errors[-2500:]) < 10_000


def test_never_slews_by_more_than_500_ppm() -> None:
    clock, _ = simulate(120, drift_ppm=5_000)
    walls = [clock.wall_us(media_us) for media_us in (0, 10_000_000)]
    assert abs(walls[1] - walls[0] - 10_000_000) <= 5_000


@given(st.lists(st.integers(0, 400_000), min_size=30, max_size=900), st.integers(-400, 400))
def test_wall_time_advances_at_the_rate_of_media_time(delays: list[int], drift_ppm: int) -> None:
    clock = RunClock()
    walls: list[tuple[int, int]] = []
    for number, delay_us in enumerate(delays):
        media_us = number * FRAME_US + number * FRAME_US * drift_ppm // 1_000_000
        clock.observe(media_us, START_US + number * FRAME_US + delay_us)
        if number == 25:
            clock.anchor()
        if clock.anchored:
            walls.append((media_us, clock.wall_us(media_us)))
    for (media_a, wall_a), (media_b, wall_b) in itertools.pairwise(walls):
        assert abs((wall_b - wall_a) - (media_b - media_a)) <= (media_b - media_a) * 500 // 1_000_000 + 2


def test_clock_watch_tells_a_step_from_slewing() -> None:
    watch = ClockWatch(START_US, 0)
    assert watch.step_us(START_US + 60_000_000 + 400_000, 60_000_000) == 0
    assert watch.step_us(START_US + 60_000_000 + 3_600_000_000, 60_000_000) == 3_600_000_000
    assert watch.step_us(START_US + 60_000_000 - 2_000_000, 60_000_000) == -2_000_000
