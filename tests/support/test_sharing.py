"""The order of tests: none is lost, long ones begin, the others stay as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.sharing import long_first


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6))
def test_property_none_is_lost_and_the_order_of_short_ones_stays(long: list[bool], workers: int) -> None:
    ordered = long_first(range(len(long)), long.__getitem__, workers)
    assert sorted(ordered) == list(range(len(long)))
    assert [test for test in ordered if not long[test]] == [test for test in range(len(long)) if not long[test]]


def test_long_ones_begin_the_shares() -> None:
    ordered = long_first(range(10), {3, 7, 8, 9}.__contains__, 3)
    assert ordered == [3, 9, 0, 7, 1, 2, 8, 4, 5, 6]
