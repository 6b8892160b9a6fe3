"""A tenth of the long suites: chosen by a seed alone, never none, never one that is not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.nightly import tenth


@given(st.lists(st.text(), unique=True), st.integers(0, 1 << 31))
def test_property_a_tenth_depends_on_nothing_but_names_and_seed(names: list[str], number: int) -> None:
    chosen = tenth(names, number)
    assert chosen <= set(names)
    assert len(chosen) == (max(1, len(names) // 10) if names else 0)
    assert chosen == tenth(list(reversed(names)), number)


def test_every_name_is_chosen_by_some_seed() -> None:
    names = [f"test-{number}" for number in range(30)]
    assert set().union(*(tenth(names, number) for number in range(200))) == set(names)
