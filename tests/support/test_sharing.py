"""The order of tests: none is lost, units stay together, long ones begin, the others stay as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.sharing import in_units, unit_of


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60))
def test_property_none_is_lost_and_units_stay_together(tests: list[tuple[int, bool]]) -> None:
    numbers = range(len(tests))
    ordered = in_units(numbers, lambda n: tests[n][0], lambda n: tests[n][1])
    assert sorted(ordered) == list(numbers)
    units = [tests[n][0] for n in ordered]
    assert all(units[i] == units[i - 1] or units[i] not in units[:i] for i in range(1, len(units)))
    for unit in set(units):
        mine = [n for n in ordered if tests[n][0] == unit]
        assert mine == sorted(mine)
    long = {unit for unit, is_long in tests if is_long}
    assert [unit in long for unit in units] == sorted((unit in long for unit in units), reverse=True)


def test_units_of_long_ones_begin() -> None:
    assert in_units(range(8), lambda n: n % 4, {6, 3}.__contains__) == [2, 6, 3, 7, 0, 4, 1, 5]


def test_a_module_that_makes_something_once_is_a_unit() -> None:
    assert unit_of("tests/browser/test_demo.py::test_live_plays") == "tests/browser/test_demo.py"
    alone = "tests/system/test_kill.py::test_api_killed"
    assert unit_of(alone) == alone
