"""Who pauses when the disks are full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.housekeeping.disk_full import paused, scarcity
from storage.retention.plan import Disk

fleets = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-2, 2))


def test_scarcity_begins_at_half_the_floor_of_the_best_disk() -> None:
    assert scarcity([]) == 0
    assert scarcity([Disk("r", 50, 100)]) == 0
    assert scarcity([Disk("r", 320, 1000)]) == 0.4
    assert scarcity([Disk("r", 50, 1000)]) == 1
    assert scarcity([Disk("r", 0, 1000)]) > 1
    assert scarcity([Disk("r", 0, 100), Disk("s", 1000, 100)]) < 0


def test_the_least_important_pause_first() -> None:
    fleet = {"a": 0, "b": 5, "c": 0, "d": -1}
    assert [paused(fleet, [], lack) for lack in (-1, 0, 0.01, 0.26, 0.75, 1)] == [
        [],
        [],
        ["d"],
        ["d", "a"],
        ["d", "a", "c"],
        ["d", "a", "c", "b"],
    ]


def test_none_flaps() -> None:
    fleet = {"a": 0, "b": 1}
    assert paused(fleet, ["a"], -0.05) == ["a"], "it would be paused again at once"
    assert paused(fleet, ["a"], -0.1) == []
    assert paused(fleet, [], -0.05) == []


@given(fleets, st.floats(-1, 1), st.floats(-1, 1))
def test_properties(fleet: dict[str, int], before: float, now: float) -> None:
    first = paused(fleet, [], before)
    then = paused(fleet, first, now)
    assert set(then) <= set(fleet)
    assert all((fleet[out], out) > (fleet[i], i) for out in set(fleet) - set(then) for i in then)
    if now >= before:
        assert set(first) <= set(then)
    if now <= -0.1:
        assert then == []
    assert paused(fleet, then, now) == then
    assert set(paused(fleet, [], now)) <= set(then)
