"""Intervals against references that look at every microsecond, and partitions against one that looks at every cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from storage.causes import Cause, Layer
from storage.coverage.partition import partition
from storage.intervals import DAY_US, Interval, clip, cut_at_days, merge, subtract

small = st.integers(0, 40)
pairs = st.lists(st.builds(Interval, small, small), max_size=12)
causes = st.sampled_from(
    [Cause.STALLED, Cause.UNREACHABLE, Cause.DISABLED, Cause.PRUNED, Cause.SERVER_DOWN, Cause.MISSING]
)
fact_lists = st.lists(st.tuples(small, st.one_of(st.none(), small), causes), max_size=10)


def points(intervals: list[Interval]) -> set[int]:
    return {at for a, b in intervals for at in range(a, b)}


@given(pairs)
def test_merge_covers_the_same_time_with_disjoint_maximal_intervals(given_: list[Interval]) -> None:
    merged = merge(given_)
    assert points(merged) == points(given_)
    assert all(a.end_us < b.start_us for a, b in itertools.pairwise(merged))
    assert all(a < b for a, b in merged)


@given(small, small, pairs)
def test_subtract_and_clip(start: int, end: int, given_: list[Interval]) -> None:
    rest = subtract(start, end, merge(given_))
    assert points(rest) == set(range(start, end)) - points(given_)
    assert points(clip(given_, start, end)) == set(range(start, end)) & points(given_)


@given(st.integers(-3 * DAY_US, 3 * DAY_US), st.integers(0, 3 * DAY_US))
def test_cut_at_days(start: int, length: int) -> None:
    parts = cut_at_days(start, start + length)
    assert merge(parts) == ([Interval(start, start + length)] if length else [])
    assert all(a // DAY_US == (b - 1) // DAY_US for a, b in parts)
    days = (start + length - 1) // DAY_US - start // DAY_US + 1 if length else 0
    assert len(parts) == days


def deciding(at: int, facts: list[tuple[int, int | None, Cause]]) -> int:
    """The fact in force at a microsecond: footage before orders before the recorder, then the later start, then the
    later position."""
    order = [Layer.RECORDER, Layer.ORDER, Layer.FOOTAGE]
    holding = [(order.index(c.layer), a, i) for i, (a, b, c) in enumerate(facts) if a <= at and (b is None or at < b)]
    return max(holding)[2] if holding else -1


@given(small, st.integers(1, 40), pairs, fact_lists)
def test_partition_against_every_microsecond(
    start: int, length: int, footage: list[Interval], facts: list[tuple[int, int | None, Cause]]
) -> None:
    end = start + length
    spans, gaps = partition(start, end, footage, facts)
    at = start
    for part in sorted([*spans, *(Interval(gap.start_us, gap.end_us) for gap in gaps)]):
        assert part.start_us == at < part.end_us
        at = part.end_us
    assert at == end
    assert points(spans) == points(footage) & set(range(start, end))
    for gap in gaps:
        assert {deciding(at, facts) for at in range(gap.start_us, gap.end_us)} == {gap.fact}
        assert gap.cause is (Cause.UNKNOWN if gap.fact < 0 else facts[gap.fact][2])
    for a, b in itertools.pairwise(gaps):
        assert a.end_us < b.start_us or a.fact != b.fact, "two gaps where one is"


def test_a_gap_of_very_many_facts_is_not_quadratic() -> None:
    facts = [(at, at + 1, Cause.STALLED if at % 2 else Cause.UNREACHABLE) for at in range(50_000)]
    _, gaps = partition(0, 50_000, [], facts)
    assert len(gaps) == 50_000
