"""What recorders count."""

from __future__ import annotations

from storage.catalogue.counters import NAMES, added, difference


def test_counts_are_sums_and_levels_are_not() -> None:
    past, now = {"frames": 10, "late_us": 5}, {"frames": 3, "connections": 1, "late_us": 2}
    assert added(past, now) == {"connections": 1, "frames": 13, "late_us": 2}
    assert added(past, {"frames": 1, "late_us": 0}) == {"frames": 11}
    assert difference(now, {"frames": 1}) == {"connections": 1, "frames": 2}
    assert difference(now, now) == {}


def test_an_unknown_count_is_left_out() -> None:
    assert added({}, {"nonsense": 1}) == {} and "nonsense" not in NAMES
