"""Times of audio as cameras stamp them: what is given out rises, never overlaps, and stays beside the video."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.audio.audio_time import AudioTime

RATE, PACKET = 8000, 160
Placed = list[tuple[int, int | None]]


def run(
    stamps: Iterable[int | None], *, samples: int = PACKET, rate: int = RATE, video_step_s: float = 0.1
) -> tuple[AudioTime, Placed]:
    """Packets one after the other, beside a video of 10 frames a second; when each was sent, and where it was put, in
    ticks."""
    time = AudioTime(rate)
    placed: Placed = []
    for number, stamp in enumerate(stamps):
        sent = number * samples
        video = int(sent / rate / video_step_s) * round(video_step_s * rate)
        placed.append((sent, time.place(stamp, samples, video)))
    check(placed, samples)
    return time, placed


def check(placed: Placed, samples: int) -> None:
    times = [at for _, at in placed if at is not None]
    assert all(b - a >= samples for a, b in itertools.pairwise(times)), "they overlap"


def worst_s(placed: Placed, rate: int = RATE) -> float:
    return max(abs(at - sent) for sent, at in placed if at is not None) / rate


def test_right_times_stay_as_they_are() -> None:
    time, placed = run(number * PACKET for number in range(2000))
    assert worst_s(placed) == 0 and not time.realigned and not time.left_out


@pytest.mark.parametrize(
    ("stamp", "samples", "rate", "worst"),
    [
        # soundjump: three packets stray by 187,500 s each, and the rest goes on from there
        (lambda k: k * 160 + 1_500_000_000 * min(3, max(0, k - 499)), 160, 8000, 0.0),
        # each strays once and comes back
        (lambda k: k * 160 + (1_500_000_000 if k in (500, 501, 700) else 0), 160, 8000, 0.0),
        # aacdup: every 50th repeats the one before
        (lambda k: k * 1024 - (1024 if k % 50 == 49 else 0), 1024, 16_000, 0.0),
        # aacback: once half a second back, and on from there
        (lambda k: k * 1024 - (8000 if k > 312 else 0), 1024, 16_000, 0.0),
        # counted at 90 kHz, in milliseconds, not at all
        (lambda k: k * 1800, 160, 8000, 0.55),
        (lambda k: k * 20, 160, 8000, 0.0),
        (lambda k: 0, 160, 8000, 0.0),
        # wandering by a few samples
        (lambda k: k * 1024 + (0, 1, 1, 0, 1, 13)[k % 6], 1024, 16_000, 0.001),
        # no stamp at all
        (lambda k: None, 160, 8000, 0.0),
        # of another day, constantly
        (lambda k: k * 160 + 700_000_000, 160, 8000, 0.0),
    ],
    ids=["jump", "outliers", "dup", "back", "90k", "ms", "zero", "wander", "none", "far"],
)
def test_habits_of_cameras(stamp: Callable[[int], int | None], samples: int, rate: int, worst: float) -> None:
    _, placed = run((stamp(k) for k in range(3000)), samples=samples, rate=rate)
    assert worst_s(placed, rate) <= worst
    kept = sum(at is not None for _, at in placed)
    assert kept >= 0.99 * len(placed), f"{kept} of {len(placed)}"
    # After a minute nothing is left of it.
    assert worst_s(placed[-500:], rate) <= 0.31


def test_missing_audio_is_a_hole_of_its_length() -> None:
    numbers = [*range(500), *range(650, 1000)]
    time = AudioTime(RATE)
    placed = [(k * PACKET, time.place(k * PACKET, PACKET, k * PACKET // 800 * 800)) for k in numbers]
    check(placed, PACKET)
    assert worst_s(placed) == 0 and not time.realigned


def test_missing_audio_of_a_camera_whose_stamps_do_not_count() -> None:
    """Only arrival says how much is missing, and only after a while."""
    numbers = [*range(500), *range(650, 2000)]
    time = AudioTime(RATE)
    placed = [(k * PACKET, time.place(None, PACKET, k * PACKET // 800 * 800)) for k in numbers]
    check(placed, PACKET)
    assert worst_s(placed[-400:]) <= 0.31 and time.realigned == 1


def test_what_a_source_says_of_both_belonging_together_is_kept() -> None:
    """Video that is encoded a second longer than audio: reports say so, arrival does not."""
    time = AudioTime(RATE)
    for k in range(3000):
        assert time.place(k * PACKET - RATE, PACKET, k * PACKET) == k * PACKET - RATE
    assert not time.realigned


def test_a_clock_that_runs_fast_is_followed_within_bounds() -> None:
    """A per cent too many samples: a new anchor now and then, and what there is no time for is left out."""
    time = AudioTime(RATE)
    for k in range(20_000):
        video = round(k * PACKET * 0.99)
        at = time.place(k * PACKET, PACKET, video)
        assert at is None or abs(at - video) < 0.5 * RATE
    assert time.realigned and time.left_out < 0.02 * 20_000


def test_the_video_has_another_timeline() -> None:
    time = AudioTime(RATE)
    for k in range(1000):
        time.place(k * PACKET, PACKET, k * PACKET)
    time.restart()
    for k in range(1000, 1100):
        assert time.place(k * PACKET, PACKET, k * PACKET - 50 * RATE) == k * PACKET - 50 * RATE


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**40), 2**40), st.integers(-2000, 2000)),
            st.integers(1, 5000),
            st.integers(-500, 4000),
        ),
        max_size=200,
    )
)
def test_whatever_comes_times_rise_and_stay_beside_the_video(steps: list[tuple[int | None, int, int]]) -> None:
    """Stamps relative to the right ones, samples, and steps of the video's time."""
    time = AudioTime(RATE)
    video = due = 0
    until: int | None = None
    for off, samples, step in steps:
        video = max(0, video + step)
        at = time.place(None if off is None else due + off, samples, video)
        due += samples
        if at is not None:
            assert until is None or at >= until
            until = at + samples
