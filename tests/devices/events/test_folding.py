"""Events become marks: begun, ended, merged, and never more than a page can show."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.events.folding import LONGEST_US, MOST_AN_HOUR, FoldedMark, MarkFolder, merged, placed_us
from nvr.devices.events.reading import DeviceEvent

S = 1_000_000
HOUR = 3600 * S


def folder() -> MarkFolder:
    numbers = count(1)
    return MarkFolder(lambda: str(next(numbers)))


def motion(is_on: bool | None, *, state: bool = False, gone: bool = False, token: str = "1") -> DeviceEvent:
    return DeviceEvent("VideoSource/MotionAlarm", "motion", token, is_on, None, state, gone)


def last(marks: Iterable[FoldedMark]) -> list[tuple[str, int, int, bool, int]]:
    return [(one.id, one.start_us // S, one.end_us // S, one.is_on, one.count) for one in merged(marks)]


def test_motion_begins_and_ends() -> None:
    fold = folder()
    changed = fold.take(motion(True), 10 * S) + fold.take(motion(True), 12 * S) + fold.take(motion(False), 15 * S)
    assert last(changed) == [("1", 10, 15, False, 1)] and changed[0].is_new and not changed[1].is_new
    assert fold.take(motion(False), 16 * S) == []
    assert last(fold.take(motion(True), 20 * S)) == [("2", 20, 20, True, 1)]


def test_how_things_are_is_no_event() -> None:
    fold = folder()
    assert fold.take(motion(True, state=True), 10 * S) == []
    assert fold.take(motion(False), 11 * S) == [], "nobody saw it begin"


def test_a_device_that_never_says_that_it_ended() -> None:
    fold = folder()
    fold.take(motion(True), 10 * S)
    assert fold.quiet(39 * S) == []
    assert last(fold.quiet(41 * S)) == [("1", 10, 40, False, 1)]
    assert fold.quiet(90 * S) == []
    # It does, after all: it only went on for long.
    assert last(fold.take(motion(False), 100 * S)) == [("1", 10, 100, False, 1)]
    fold.take(motion(True), 200 * S)
    assert fold.quiet(400 * S) == [], "it says when"
    assert last(fold.over(500 * S)) == [("2", 200, 500, False, 1)]


def test_what_happens_at_once_is_one() -> None:
    fold = folder()
    line = DeviceEvent("RuleEngine/LineDetector/Crossed", "line", "1", None, None)
    changed = fold.take(line, 10 * S) + fold.take(line, 13 * S) + fold.take(line, 30 * S)
    assert last(changed) == [("1", 10, 13, False, 2), ("2", 30, 30, False, 1)]


def test_two_sources_are_two_marks() -> None:
    fold = folder()
    fold.take(motion(True, token="1"), 1 * S)
    fold.take(motion(True, token="2"), 2 * S)
    assert last(fold.take(motion(False, token="1"), 3 * S)) == [("1", 1, 3, False, 1)]


def test_too_many_are_counted_in_the_last() -> None:
    fold = folder()
    changed: list[FoldedMark] = []
    for number in range(100):
        changed += fold.take(motion(True), number * 20 * S) + fold.take(motion(False), (number * 20 + 6) * S)
    found = last(changed)
    assert len(found) == MOST_AN_HOUR and found[-1][4] == 41
    assert last(fold.take(motion(True), HOUR + 1))[0][0] == str(MOST_AN_HOUR + 1)


def test_where_a_mark_is_placed() -> None:
    assert placed_us(1_000 * S, 100.0, 901 * S) == 900 * S
    assert placed_us(1_000 * S, 100.0, 920 * S) == 920 * S, "its clock is not to be believed"
    assert placed_us(None, 0.0, 5) == 5 and placed_us(5, None, 7) == 7


@given(
    st.lists(
        st.tuples(
            st.integers(-3 * S, 40 * HOUR), st.sampled_from([True, False, None]), st.sampled_from("ab"), st.booleans()
        ),
        max_size=80,
    )
)
def test_marks_are_in_order_and_bounded(acts: list[tuple[int, bool | None, str, bool]]) -> None:
    fold = folder()
    now_us, changed = 100 * HOUR, list[FoldedMark]()
    for passed_us, is_on, token, is_quiet in acts:
        now_us += passed_us
        changed += fold.quiet(now_us) if is_quiet else fold.take(motion(is_on, token=token), now_us)
    changed += fold.over(now_us)
    found = merged(changed)
    assert all(one.start_us <= one.end_us <= one.start_us + LONGEST_US for one in found)
    assert not any(one.is_on for one in found)
    assert all(one.is_new for one in found), "each was begun"
