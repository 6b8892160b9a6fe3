"""Where frames come to stand, of cameras whose time stamps are right, wrong or nothing, over networks that delay: with
simulated clocks."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvr.recorder.clocks.timeline import Timeline
from tests.recorder.moving import BEGIN_US, POLL_US, Filmed, Placed, camera, deliver, dice, place

EXAMPLES = 2_000 if os.environ.get("NVR_NIGHTLY") else 60
PROMPT = 0


def offsets_s(placed: Sequence[Placed]) -> tuple[float, float]:
    """The smallest and the greatest offset, of the file's own line and by the clock."""
    both = [offset for one in placed for offset in (one.offset_us, one.wall_offset_us)]
    return min(both) / 1e6, max(both) / 1e6


def check(frames: Sequence[Filmed], most_s: float, reports: Sequence[Filmed] = ()) -> Timeline:
    """What holds always; and no frame is off by more than ``most_s``."""
    placed, timeline = place(frames, reports)
    assert len(placed) == len(frames), "a frame was left out"
    assert all(a.dts < b.dts for a, b in itertools.pairwise(placed))
    assert all(one.pts >= one.dts for one in placed)
    for one in placed:
        assert one.wall_us <= BEGIN_US + one.frame.arrival_us + 305_000, "footage after now"
    least_s, greatest_s = offsets_s(placed)
    assert -most_s <= least_s and greatest_s <= most_s, f"off by {least_s:+.2f} to {greatest_s:+.2f} s"
    return timeline


def rate(frames_s: float, stamped_s: float, seconds: float = 300) -> list[tuple[int, int]]:
    return camera(seconds, when=lambda n: n / frames_s, stamp=lambda n, t: n / stamped_s)


def stepped(step_s: float, at: int = 207) -> list[tuple[int, int]]:
    return camera(60, stamp=lambda n, t: t + (step_s if n >= at else 0))


def slower_from(frames_s: float) -> list[tuple[int, int]]:
    """Ten frames a second, and from the second minute on fewer, which are stamped as before."""
    return camera(200, when=lambda n: n / 10 if n < 600 else 60 + (n - 600) / frames_s, stamp=lambda n, t: n / 10)


chance = dice(1)
# Name: what the camera does; worst offset in seconds; what frames are placed by at the end; new timelines.
CAMERAS: dict[str, tuple[list[tuple[int, int]], float, str, int | None]] = {
    "right, 10 a second": (camera(60), 0.1, "camera", 0),
    "right, 25 a second": (camera(60, fps=25), 0.1, "camera", 0),
    "right, one a second": (camera(60, fps=1), 0.3, "camera", 0),
    "right, with pauses of 3 s": (camera(90, when=lambda n: n / 10 + 3 * (n // 100)), 0.1, "camera", 0),
    "right, one in 12 s": (camera(300, when=lambda n: n / 10 if n < 50 else 5 + (n - 50) * 12), 0.3, "camera", 0),
    "sends 8.4 for 10": (rate(8.4, 10), 0.9, "scaled", 0),
    "sends 21 for 25": (rate(21, 25), 0.9, "scaled", 0),
    "sends 11.6 for 10": (rate(11.6, 10), 0.8, "scaled", 0),
    "sends 12 for 25": (rate(12, 25), 0.9, "scaled", 0),
    "8.4 for 10 from the second minute on": (slower_from(8.4), 0.95, "scaled", 0),
    "9.5 for 10 from the second minute on": (slower_from(9.5), 0.95, "scaled", 0),
    "half of them from the second minute on": (slower_from(5), 0.95, "scaled", 0),
    "a quarter of them from the second minute on": (slower_from(2.5), 0.95, "scaled", 0),
    "counts milliseconds": (camera(200, stamp=lambda n, t: t / 90), 0.3, "scaled", 0),
    "counts microseconds": (camera(200, stamp=lambda n, t: t * 100 / 9), 0.5, "scaled", 0),
    "counts microseconds, 25 a second": (camera(200, fps=25, stamp=lambda n, t: t * 100 / 9), 0.5, "scaled", 0),
    "counts microseconds, the first stamp guessed": (
        camera(200, stamp=lambda n, t: t * 100 / 9 if n else 1.0), 0.5, "scaled", 0),
    "twice as fast": (camera(200, stamp=lambda n, t: t * 2), 0.5, "scaled", 0),
    "half as fast again": (camera(200, stamp=lambda n, t: t * 1.5), 0.5, "scaled", 0),
    "a quarter as fast again": (camera(200, stamp=lambda n, t: t * 1.25), 1.05, "scaled", 0),
    "three times as fast": (camera(200, stamp=lambda n, t: t * 3), 0.5, "scaled", 0),
    "twice as fast, 5 s on and on": (camera(90, stamp=lambda n, t: 2 * (t + n // 60 * 5)), 0.5, "scaled", None),
    "milliseconds, 5 s on once": (camera(90, stamp=lambda n, t: (t + (5 if n >= 207 else 0)) / 90), 0.3, "scaled", 1),
    "milliseconds, 2 s back once": (camera(90, stamp=lambda n, t: (t - (2 if n >= 207 else 0)) / 90), 0.3, "scaled", 1),
    "all stamps 0": (camera(170, stamp=lambda n, t: 0), 0.3, "counted", 0),
    "all stamps 0, 25 a second": (camera(170, fps=25, stamp=lambda n, t: 0), 0.3, "counted", 0),
    "stamps by chance": (camera(170, stamp=lambda n, t: chance.random() * 40_000), 1.0, "counted", None),
    "pairs share a stamp": (camera(170, stamp=lambda n, t: n // 2 * 0.2), 0.2, "camera", 0),
    "5 s on": (stepped(5), 0.1, "camera", 1),
    "9,800 s on": (stepped(9800), 0.1, "camera", 1),
    "1.5 s back": (stepped(-1.5), 0.1, "camera", 1),
    "a day back": (stepped(-86_400), 0.1, "camera", 1),
    "5 s on within the first second": (stepped(5, at=6), 0.2, "camera", 1),
    "0.4 s on": (stepped(0.4), 0.5, "camera", None),
    "0.4 s back": (stepped(-0.4), 0.5, "camera", 0),
    "a lone one 9,800 s back": (camera(170, stamp=lambda n, t: 44_444 + t - (9800 if n % 30 == 17 else 0)), 0.1,
                                "camera", 0),
    "a lone one 9,800 s on": (camera(170, stamp=lambda n, t: t + (9800 if n % 30 == 17 else 0)), 0.1, "camera", 0),
    "the first one of another time": (camera(60, stamp=lambda n, t: 44_444 + t - (9800 if n == 0 else 0)), 0.2,
                                      "camera", 1),
    "stands still in pauses of 3 s": (camera(170, when=lambda n: n / 10 + 3 * (n // 100), stamp=lambda n, t: n / 10),
                                      0.2, "camera", None),
}  # fmt: skip


@pytest.mark.parametrize("poll_us", [POLL_US, PROMPT], ids=["polled", "prompt"])
@pytest.mark.parametrize("name", CAMERAS)
def test_cameras(name: str, poll_us: int) -> None:
    frames, most_s, manner, steps = CAMERAS[name]
    timeline = check(deliver(frames, poll_us=poll_us), most_s)
    assert timeline.manner == manner
    assert steps is None or timeline.steps == steps


def stall(begin_s: float, length_s: float) -> Callable[[int, int], int]:
    """Nothing comes for so long, and then all of it at once."""
    return lambda n, t: 5_000 if not begin_s <= t / 1e6 < begin_s + length_s else round((begin_s + length_s) * 1e6) - t


def congested(by: float, seconds: float, caught_up_by: float) -> Callable[[int, int], int]:
    """From 20 s on later by so much each second, for so long; then that is caught up."""
    return lambda n, t: (
        5_000 + max(0, round(min((t - 20e6) * by, seconds * 1e6 * by - (t - (20 + seconds) * 1e6) * caught_up_by)))
    )


NETWORKS: dict[str, Callable[[int, int], int]] = {
    "a stall of 2 s": stall(20, 2),
    "a stall of 9 s": stall(20, 9),
    "a stall of 5 s, caught up at 1.4 times the rate": lambda n, t: (
        5_000 + max(0, round(5e6 - (t - 25e6) * 0.4)) if t >= 25e6 else stall(20, 5)(n, t)
    ),
    "jitter up to 0.4 s": lambda n, t: 2_000 + (n * 7919) % 400_000,
    "a first burst of 2 s": lambda n, t: max(5_000, 2_000_000 - t),
    "congested for 3 s": congested(0.2, 3, 0.3),
}


@pytest.mark.parametrize("poll_us", [POLL_US, PROMPT], ids=["polled", "prompt"])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_only_late_keeps_its_time(name: str, poll_us: int) -> None:
    frames = deliver(camera(90), delay_us=NETWORKS[name], poll_us=poll_us)
    timeline = check(frames, 0.15)
    assert (timeline.steps, timeline.by_arrival, timeline.manner) == (0, 0, "camera")


@pytest.mark.parametrize("network", [congested(0.2, 25, 0.4), congested(0.3, 8, 0.4)])
def test_reports_that_are_late_as_well_are_the_networks(network: Callable[[int, int], int]) -> None:
    """For longer than any detector waits."""
    frames = deliver(camera(120), delay_us=network)
    timeline = check(frames, 0.15, deliver(camera(120, fps=0.2), delay_us=network))
    assert (timeline.steps, timeline.by_arrival) == (0, 0)


def test_reports_that_are_in_time_are_the_cameras() -> None:
    timeline = check(deliver(slower_from(8.4)), 1.3, deliver(camera(200, fps=0.2)))
    assert timeline.manner == "scaled"


@pytest.mark.parametrize("poll_us", [POLL_US, PROMPT], ids=["polled", "prompt"])
@pytest.mark.parametrize("frames_s", [2.5, 5, 8.4, 9.5])
@pytest.mark.parametrize("first_s", [1.0, 3.5])
def test_a_rate_that_changes_under_reports(frames_s: float, first_s: float, poll_us: int) -> None:
    """Reports that are in time say that it is no network, and come every five seconds: until then frames wait."""
    frames = deliver(slower_from(frames_s), poll_us=poll_us)
    reports = deliver(camera(200, when=lambda n: first_s + n * 5), poll_us=poll_us)
    assert check(frames, 0.95, reports).manner == "scaled"


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.floats(-2.5, 1.5), st.sampled_from([5.0, 10.0, 25.0]), st.booleans(), st.integers(0, POLL_US - 1))
def test_property_a_rate_from_the_beginning(power: float, fps: float, polled: bool, phase_us: int) -> None:
    """Between three hundred times slower and thirty times faster than they should be."""
    frames = camera(60, fps=fps, stamp=lambda n, t: t * 10**power)
    check(deliver(frames, poll_us=POLL_US if polled else PROMPT, phase_us=phase_us), 1.05)


@settings(max_examples=EXAMPLES, deadline=None)
@example(0.30103, 10.0, [0, 0, 300_000], 0)
@example(0.30103, 10.0, [0] * 8 + [40_000], 0)
@given(
    st.floats(-2.0, 1.2),
    st.sampled_from([5.0, 10.0, 25.0]),
    st.lists(st.integers(0, 400_000), min_size=1, max_size=12),
    st.integers(0, POLL_US - 1),
)
def test_property_a_rate_from_the_beginning_read_by_a_busy_machine(
    power: float, fps: float, busy_us: list[int], phase_us: int
) -> None:
    """Whose polls come late, now and then: the first frame that is read after one has waited longest."""
    frames = camera(60, fps=fps, stamp=lambda n, t: t * 10**power)
    check(deliver(frames, phase_us=phase_us, busy_us=busy_us), 1.05)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.floats(0.2, 1.8), st.floats(12, 40), st.booleans(), st.booleans(), st.integers(0, POLL_US - 1))
def test_property_a_rate_that_changes(pace: float, after_s: float, polled: bool, reported: bool, phase_us: int) -> None:
    """Whenever, and to whatever rate, a camera's stamps begin to run: every frame stands within a second
    of its time."""

    def when(number: int) -> float:
        return number / 10 if number < after_s * 10 else after_s + (number / 10 - after_s) / pace

    frames = camera(after_s + 60, when=when, stamp=lambda n, t: n / 10)
    delivered = deliver(frames, poll_us=POLL_US if polled else PROMPT, phase_us=phase_us)
    reports = deliver(camera(120, when=lambda n: 2 + n * 5), poll_us=0) if reported else ()
    check(delivered, 1.0, reports)


def test_a_lag_that_stays_is_taken_after_ten_seconds() -> None:
    frames = deliver(camera(90), delay_us=lambda n, t: 5_000 if t < 20e6 else 705_000)
    timeline = check(frames, 0.8)
    assert timeline.steps == 1


def test_a_rate_that_is_right_again() -> None:
    def when(number: int) -> float:
        return number / 10 if number < 300 else 30 + (number - 300) / 8 if number < 700 else 80 + (number - 700) / 10

    timeline = check(deliver(camera(200, when=when, stamp=lambda n, t: n / 10)), 1.3)
    assert timeline.manner == "camera"


def test_frames_that_are_shown_in_another_order() -> None:
    """One B-frame between two others: the order of showing is kept, over a step of the camera's clock too."""
    shown = [0] + [n + (1 if n % 2 else -1) for n in range(1, 600)]
    made: list[Filmed] = []
    for number, place_ in enumerate(shown):
        step = 450_000 if number >= 207 else 0
        sent_us = max(number, place_) * 100_000 + 5_000
        made.append(Filmed(place_ * 100_000, (number - 1) * 9_000 + step, place_ * 9_000 + step, sent_us))
    placed, timeline = place(made)
    assert timeline.steps == 1
    assert [one.frame.true_us for one in sorted(placed, key=lambda one: one.pts)] == sorted(f.true_us for f in made)
    assert max(abs(one.offset_us) for one in placed) < 250_000


# Anything in a row --------------------------------------------------------------------------------------------------


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[int, int]], Callable[[int, int], int], bool]:
    """A camera's life: frames with true time and stamp, what the network does, and whether stamps are right
    throughout."""
    fps = draw(st.sampled_from([5.0, 10.0, 25.0]))
    frames: list[tuple[int, int]] = []
    stalls: list[tuple[int, int]] = []
    at_s, shift_s, right = 0.0, draw(st.sampled_from([0.0, 40_000.0])), True

    def film(seconds: float) -> None:
        nonlocal at_s
        for _ in range(int(seconds * fps)):
            frames.append((round(at_s * 1e6), round((at_s + shift_s) * 90_000)))
            at_s += 1 / fps

    film(15)
    for kind in draw(st.lists(st.sampled_from(["pause", "stall", "loss", "step", "outlier", "twice"]), max_size=5)):
        length_s = draw(st.floats(1, 8))
        if kind == "pause" or kind == "loss":
            at_s += length_s
        elif kind == "stall":
            stalls.append((round(at_s * 1e6), round((at_s + length_s) * 1e6)))
            film(length_s)
        elif kind == "step":
            shift_s += draw(st.sampled_from([-86_400.0, -2.0, -1.0, 0.7, 5.0, 100_000.0]))
            right = False
        elif kind == "outlier":
            frames.append((round(at_s * 1e6), round((at_s + shift_s + draw(st.sampled_from([-9800, 9800]))) * 90_000)))
            at_s += 1 / fps
            right = False
        else:
            frames.append((round(at_s * 1e6), frames[-1][1]))
            at_s += 1 / fps
        film(draw(st.floats(12, 16)))

    def delay_us(_: int, true_us: int) -> int:
        return max([5_000, *(end - true_us for begin, end in stalls if begin <= true_us < end)])

    return frames, delay_us, right


@settings(max_examples=EXAMPLES, deadline=None)
@given(lives(), st.booleans(), st.integers(0, POLL_US - 1))
def test_anything_in_a_row(
    life: tuple[list[tuple[int, int]], Callable[[int, int], int], bool], polled: bool, phase_us: int
) -> None:
    frames, delay_us, right = life
    delivered = deliver(frames, delay_us=delay_us, poll_us=POLL_US if polled else PROMPT, phase_us=phase_us)
    timeline = check(delivered, 0.3 if right else 1.0)
    if right:
        assert (timeline.steps, timeline.outliers, timeline.by_arrival) == (0, 0, 0)


@settings(max_examples=EXAMPLES, deadline=None)
@example([(0, 0), (0, 0), (0, 1_000_000), (0, 3_000_000), (0, 1_750_000), (0, 2_000_000)])
@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 3_000_000)), min_size=1, max_size=300))
def test_whatever_comes_is_placed_once_in_order_and_not_after_now(pairs: list[tuple[int, int]]) -> None:
    at_us, frames = 0, []
    for stamp, apart_us in pairs:
        at_us += apart_us
        frames.append(Filmed(at_us, stamp, stamp, at_us))
    placed, _ = place(frames)
    if len(placed) < len(frames):
        # Fewer than tell when the run began.
        assert not placed
        return
    assert [one.frame for one in placed] == frames
    assert all(a.dts < b.dts for a, b in itertools.pairwise(placed))
