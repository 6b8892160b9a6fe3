"""What is an alert: down times, folding, opening and ending. Pure, so by simulated time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nvr.alerting.book import Alert, step
from nvr.alerting.conditions import Condition, DownTimes, Kind, deletions_waiting, disks_low
from nvr.alerting.folding import fold
from storage.causes import Cause
from storage.confirmations import Waiting
from storage.retention import Disk
from storage.status import Status

S = 1_000_000
MINUTE = 60 * S
AFTER = {Kind.CAMERA_DOWN: 5 * MINUTE, Kind.CAMERAS_DOWN: 5 * MINUTE}
HOUR = 60 * MINUTE


def waiting(camera: str, at_us: int, cause: Cause = Cause.UNREACHABLE, *, until_us: int | None = None) -> Status:
    return Status(camera, "waiting", at_us, cause, recorded_until_us=until_us, updated_us=at_us)


def test_down_since_the_last_footage_whatever_the_causes_in_between() -> None:
    times = DownTimes()
    added = {"a": 0}
    assert times.update(added, {"a": Status("a", "recording", 0, updated_us=50 * S)}, now_us=50 * S) == {}
    first = times.update(added, {"a": waiting("a", 61 * S, until_us=60 * S)}, now_us=62 * S)
    assert first == {"a": (61 * S, Cause.UNREACHABLE)}
    later = times.update(added, {"a": waiting("a", 90 * S, Cause.REJECTED, until_us=60 * S)}, now_us=91 * S)
    assert later == {"a": (61 * S, Cause.REJECTED)}


def test_what_was_planned_is_not_down_and_the_time_begins_after_it() -> None:
    times = DownTimes()
    added = {"a": 0}
    for cause in (Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE, Cause.NOT_CONFIGURED):
        assert times.update(added, {"a": waiting("a", 100 * S, cause, until_us=10 * S)}, now_us=101 * S) == {}
    assert times.update(added, {"a": waiting("a", 200 * S, until_us=10 * S)}, now_us=201 * S) == {
        "a": (200 * S, Cause.UNREACHABLE)
    }


def test_a_silent_recorder_and_one_that_never_spoke() -> None:
    times = DownTimes()
    silent = Status("a", "recording", 0, recorded_until_us=100 * S, updated_us=100 * S)
    assert times.update({"a": 0, "b": 40 * S}, {"a": silent}, now_us=131 * S) == {
        "a": (100 * S, None),
        "b": (40 * S, None),
    }
    assert times.update({"b": 40 * S}, {}, now_us=132 * S) == {"b": (40 * S, None)}


def down(*cameras: str, cause: Cause = Cause.UNREACHABLE) -> dict[str, tuple[int, Cause | None]]:
    return {camera: (i * S, cause) for i, camera in enumerate(cameras)}


def fleet(**isps: int) -> dict[str, dict[str, str]]:
    return {f"{isp}-{i}": {"isp": isp, "district": f"d{i % 3}"} for isp, count in isps.items() for i in range(count)}


def test_a_cut_cable_is_one_alert() -> None:
    labels = fleet(telkom=8, biznet=30)
    broken = down(*(f"telkom-{i}" for i in range(8)), "biznet-1")
    group, alone = fold(broken, labels, by=["isp", "district"], from_=5)
    assert (group.kind, group.subject, group.since_us, len(group.cameras)) == (Kind.CAMERAS_DOWN, "isp=telkom", 0, 8)
    assert group.detail == {"down": 8, "of": 8, "causes": {"unreachable": 8}}
    assert (alone.kind, alone.subject) == (Kind.CAMERA_DOWN, "biznet-1")


def test_fewer_than_half_or_than_the_setting_stay_alone() -> None:
    labels = fleet(telkom=20, biznet=20)
    assert {c.kind for c in fold(down(*(f"telkom-{i}" for i in range(9))), labels, by=["isp"], from_=5)} == {
        Kind.CAMERA_DOWN
    }
    assert len(fold(down(*(f"telkom-{i}" for i in range(4))), fleet(telkom=4, biznet=9), by=["isp"], from_=5)) == 4


def test_all_of_them_is_the_fleet_and_a_full_disk_is_its_cause() -> None:
    labels = fleet(telkom=8, biznet=8)
    assert [c.subject for c in fold(down(*labels), labels, by=["isp"], from_=5)] == [""]
    full = down(*(f"telkom-{i}" for i in range(6)), cause=Cause.DISK_FULL)
    assert [c.subject for c in fold(full, fleet(telkom=30), by=["isp"], from_=5)] == ["cause=disk_full"]


def test_a_group_that_is_open_does_not_flicker() -> None:
    labels = fleet(telkom=6, biznet=30)
    for count, was, kinds in ((4, set(), 4), (4, {"isp=telkom"}, 1), (2, {"isp=telkom"}, 2)):
        found = fold(down(*(f"telkom-{i}" for i in range(count))), labels, by=["isp"], from_=5, folded=was)
        assert len(found) == kinds


_CAMERAS = [f"c{i}" for i in range(24)]


@given(
    st.dictionaries(
        st.sampled_from(_CAMERAS), st.sampled_from([None, Cause.UNREACHABLE, Cause.DISK_FULL, Cause.STALLED])
    ),
    st.lists(st.sampled_from(["x", "y", "z"]), min_size=24, max_size=24),
    st.integers(2, 9),
)
def test_every_camera_that_is_down_is_in_exactly_one(
    broken: dict[str, Cause | None], values: list[str], from_: int
) -> None:
    labels = {camera: {"isp": value} for camera, value in zip(_CAMERAS, values, strict=True)}
    found = fold({camera: (5, cause) for camera, cause in broken.items()}, labels, by=["isp"], from_=from_)
    told = [camera for condition in found for camera in condition.cameras]
    assert sorted(told) == sorted(broken)
    assert len({condition.key for condition in found}) == len(found)


class Book:
    """Alerts over simulated time."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.told: list[tuple[int, str, str]] = []

    def look(self, now_us: int, *conditions: Condition) -> None:
        known = [a for a in self.alerts.values() if a.resolved_us is None or now_us - a.resolved_us < HOUR]
        for change in step(known, conditions, after_us=AFTER, clear_us=MINUTE, now_us=now_us):
            self.alerts[change.alert.id] = change.alert
            if change.event is not None:
                self.told.append((now_us // MINUTE, change.event, change.alert.subject))
        open_ = [a.key for a in self.alerts.values() if a.resolved_us is None]
        assert len(open_) == len(set(open_))


def one(since_us: int, camera: str = "a") -> Condition:
    return Condition(Kind.CAMERA_DOWN, camera, since_us, (camera,))


def test_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    book = Book()
    for minute in range(4):
        book.look(minute * MINUTE, one(0))
    assert book.told == []
    for minute in range(5, 20):
        book.look(minute * MINUTE, one(0))
    for minute in range(20, 30):
        book.look(minute * MINUTE)
    assert book.told == [(5, "opened", "a"), (20, "resolved", "a")]
    (alert,) = book.alerts.values()
    assert (alert.resolved_us, alert.flaps) == (19 * MINUTE, 0)


def test_what_flaps_is_told_seldom() -> None:
    book = Book()
    # Down for six minutes, well for two, for a day.
    for minute in range(24 * 60):
        start = minute // 8 * 8
        book.look(minute * MINUTE, *([one(start * MINUTE)] if minute - start < 6 else []))
    assert len(book.alerts) == 1
    assert 2 <= len(book.told) <= 6
    assert book.told[0] == (5, "opened", "a")


def test_a_second_outage_much_later_is_another_alert() -> None:
    book = Book()
    for minute in (0, 5, 10):
        book.look(minute * MINUTE, one(0))
    book.look(12 * MINUTE)
    for minute in (200, 206):
        book.look(minute * MINUTE, one(200 * MINUTE))
    assert len(book.alerts) == 2
    assert [event for _, event, _ in book.told] == ["opened", "resolved", "opened"]


def test_a_camera_that_becomes_part_of_a_group_is_not_told_again() -> None:
    book = Book()
    book.look(5 * MINUTE, one(0))
    cameras = ("a", "b", "c", "d", "e")
    group = Condition(Kind.CAMERAS_DOWN, "isp=x", 0, cameras)
    book.look(6 * MINUTE, group)
    assert book.told == [(5, "opened", "a"), (6, "opened", "isp=x")]
    alone = next(a for a in book.alerts.values() if a.kind is Kind.CAMERA_DOWN)
    assert alone.detail["folded_into"] == "isp=x"
    book.look(8 * MINUTE)
    assert book.told[2:] == [(8, "resolved", "isp=x")]
    # Still down by itself afterwards: a new alert, not a flap of the old one.
    book.look(9 * MINUTE, one(0))
    assert book.told[3:] == [(9, "opened", "a")]
    assert all(a.flaps == 0 for a in book.alerts.values())


def test_a_group_follows_its_cameras() -> None:
    book = Book()
    group = Condition(Kind.CAMERAS_DOWN, "isp=x", 0, ("a", "b"), {"down": 2, "of": 2})
    book.look(5 * MINUTE, group)
    book.look(6 * MINUTE, replace(group, cameras=("a",), detail={"down": 1, "of": 2}))
    (alert,) = book.alerts.values()
    assert (alert.cameras, alert.detail) == (("a",), {"down": 1, "of": 2})


def test_disks() -> None:
    found = disks_low([Disk("r1", 4, 10), Disk("r2", 5, 10)], {"r1": "/footage"}, now_us=7)
    assert [(c.subject, c.detail) for c in found] == [("/footage", {"free_bytes": 4, "floor_bytes": 10})]


def test_a_clock_in_doubt_is_no_alert_of_deletions_until_something_waits_for_it() -> None:
    doubt = Waiting("clock", 0, {"cameras": 0, "segments": 0, "reason": "the clock is not synchronised"}, None)
    floor = Waiting("floor=r:9", 0, {"cameras": 0, "segments": 0, "reason": "more than a quarter of the disk"}, None)
    assert [found.subject for found in deletions_waiting([doubt, floor], now_us=S)] == ["floor=r:9"]
    due = Waiting("clock", 0, {**doubt.detail, "segments": 1}, None)
    assert [found.subject for found in deletions_waiting([due], now_us=S)] == ["clock"]
