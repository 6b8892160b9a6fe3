"""When a segment ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.run.cutting import Cut, Cutter

S = 1_000_000
ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
durations = st.integers(1, 3600).map(lambda s: s * S)
times = st.integers(1_600_000_000 * S, 2_000_000_000 * S)


@given(ids, durations, times)
def test_target_is_a_shifted_multiple_and_ahead(camera: str, duration_us: int, start_us: int) -> None:
    cutter = Cutter(camera, duration_us, 10**9)
    target_us = cutter.target_us(start_us)
    assert (target_us - cutter.stagger_us) % duration_us == 0
    assert duration_us // 10 <= target_us - start_us <= duration_us + duration_us // 10


@given(ids, durations, times, st.integers(1, 500))
def test_cuts_at_the_first_keyframe_at_or_past_the_target(
    camera: str, duration_us: int, start_us: int, gop: int
) -> None:
    """Checklist 17."""
    cutter = Cutter(camera, duration_us, 10**9)
    gop_us = gop * 40_000
    keyframe_us = start_us
    while True:
        keyframe_us += gop_us
        if cutter.cut(cutter.target_us(start_us), keyframe_us, 0):
            break
    target_us = cutter.target_us(start_us)
    assert keyframe_us >= target_us - 100_000
    assert keyframe_us - gop_us < target_us - 100_000


def test_thousands_do_not_rotate_in_one_second() -> None:
    cutters = [Cutter(f"cam-{number}", 300 * S, 10**9) for number in range(4470)]
    by_second: dict[int, int] = {}
    for cutter in cutters:
        second = cutter.target_us(1_800_000_000 * S) // S
        by_second[second] = by_second.get(second, 0) + 1
    assert max(by_second.values()) < 45  # 15 on average


def test_byte_cap_and_missing_keyframe() -> None:
    cutter = Cutter("a", 300 * S, 1000)
    start_us = cutter.target_us(1_800_000_000 * S)
    target_us = cutter.target_us(start_us)
    assert cutter.cut(target_us, start_us + S, 999) is None
    assert cutter.cut(target_us, start_us + S, 1000) == Cut.BYTES
    assert not cutter.overdue(target_us, start_us + 300 * S, 1999)
    assert cutter.overdue(target_us, start_us + 300 * S, 2000)
    assert not cutter.overdue(target_us, start_us + 1199 * S, 0), "some cameras send a keyframe only every few minutes"
    assert cutter.overdue(target_us, start_us + 1200 * S, 0)
