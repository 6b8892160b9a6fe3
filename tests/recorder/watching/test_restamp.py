"""Times of what is watched rise, whatever a camera says of them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.watching.restamp import TIMESCALE, Restamp

US = 1_000_000


@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2 * TIMESCALE), st.integers(1, 200_000)),
        min_size=2,
        max_size=60,
    )
)
def test_decode_times_rise_and_stay_near_those_of_arrival(frames: list[tuple[int, int, int]]) -> None:
    restamp, at_us, found = Restamp(), 0, []
    for dts, offset, step_us in frames:
        at_us += step_us
        found.append((restamp.next(dts, dts + offset, at_us), at_us))
    began_us = found[0][1]
    for ((before, _), _), ((after, shown), arrived_us) in itertools.pairwise(found):
        assert before < after <= shown
        apart = abs(after - (arrived_us - began_us) * TIMESCALE // US)
        assert apart <= 3 * TIMESCALE


def test_a_camera_that_is_right_is_left_alone() -> None:
    restamp = Restamp()
    made = [restamp.next(7_000 + n * 3_600, 7_000 + (n + 2) * 3_600, n * 40_000) for n in range(100)]
    assert made == [(n * 3_600, (n + 2) * 3_600) for n in range(100)]


def test_a_clock_that_is_set_is_no_pause() -> None:
    restamp = Restamp()
    raw = [0, 3_600, 7_200, 90_000_000, 90_003_600, 0, 3_600]
    made = [restamp.next(dts, dts, n * 40_000)[0] for n, dts in enumerate(raw)]
    assert made == [n * 3_600 for n in range(7)]
