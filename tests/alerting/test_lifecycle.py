"""Alerts of conditions: disks, clocks, logins. Pure, so by simulated time."""

from __future__ import annotations

from nvr.alerting.conditions import (
    AlertKind,
    Condition,
    deletions_waiting,
    disks_low,
    logins_refused,
    of_required,
    promises_at_risk,
)
from nvr.alerting.lifecycle import Alert, step
from storage.catalogue.logins import LedgerEntry, LoginAccount
from storage.retention.confirmations import WaitingDeletion
from storage.retention.forecast import Forecast, Miss
from storage.retention.plan import Disk

S = 1_000_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
AFTER = {AlertKind.DISK_LOW: 5 * MINUTE}


class Book:
    """Alerts over simulated time. All that is kept between two steps is what the catalogue keeps."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.pending: dict[tuple[str, str], int] = {}
        self.told: list[tuple[int, str, str]] = []

    def look(self, now_us: int, *conditions: Condition) -> None:
        known = [a for a in self.alerts.values() if a.resolved_us is None or now_us - a.resolved_us < HOUR]
        changes, self.pending = step(known, conditions, self.pending, after_us=AFTER, clear_us=MINUTE, now_us=now_us)
        for change in changes:
            self.alerts[change.alert.id] = change.alert
            if change.event is not None:
                self.told.append((now_us // MINUTE, change.event, change.alert.subject))
        open_ = [a.key for a in self.alerts.values() if a.resolved_us is None]
        assert len(open_) == len(set(open_))


def low(subject: str = "/footage") -> Condition:
    return Condition(AlertKind.DISK_LOW, subject)


def test_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    book = Book()
    for minute in range(5):
        book.look(minute * MINUTE, low())
    assert book.told == []
    for minute in range(5, 20):
        book.look(minute * MINUTE, low())
    for minute in range(20, 30):
        book.look(minute * MINUTE)
    assert book.told == [(5, "opened", "/footage"), (21, "resolved", "/footage")]
    (alert,) = book.alerts.values()
    assert (alert.since_us, alert.resolved_us, alert.flaps) == (0, 20 * MINUTE, 0)


def test_a_condition_with_a_time_of_its_own_is_since_then() -> None:
    book = Book()
    book.look(9 * MINUTE, Condition(AlertKind.DELETION_WAITING, "floor=r:9", 2 * MINUTE))
    (alert,) = book.alerts.values()
    assert (alert.since_us, alert.opened_us) == (2 * MINUTE, 9 * MINUTE)


def test_what_comes_and_goes_is_told_seldom() -> None:
    book = Book()
    for minute in range(24 * 60):
        book.look(minute * MINUTE, *([low()] if minute % 8 < 6 else []))
    assert len(book.alerts) == 1
    assert 2 <= len(book.told) <= 6
    assert book.told[0] == (5, "opened", "/footage")


def test_a_second_time_much_later_is_another_alert() -> None:
    book = Book()
    for minute in (0, 5, 10):
        book.look(minute * MINUTE, low())
    for minute in (12, 13):
        book.look(minute * MINUTE)
    for minute in (200, 206):
        book.look(minute * MINUTE, low())
    assert len(book.alerts) == 2
    assert [event for _, event, _ in book.told] == ["opened", "resolved", "opened"]


def test_a_clock_set_back_ends_nothing_too_late() -> None:
    book = Book()
    book.look(1000 * MINUTE, low())
    book.look(1005 * MINUTE, low())
    book.look(1006 * MINUTE)
    # An hour back: a minute later by that clock it has been well for a minute.
    book.look(946 * MINUTE)
    book.look(947 * MINUTE)
    assert [event for _, event, _ in book.told] == ["opened", "resolved"]


def test_disks() -> None:
    found = disks_low([Disk("r1", 4, 10), Disk("r2", 5, 10)], {"r1": "/footage"})
    assert [(c.subject, c.detail) for c in found] == [("/footage", {"free_bytes": 4, "floor_bytes": 10})]


def test_a_clock_in_doubt_is_no_alert_of_deletions_until_something_waits_for_it() -> None:
    doubt = WaitingDeletion("clock", 0, {"cameras": 0, "segments": 0, "reason": "the clock is not synchronised"}, None)
    floor = WaitingDeletion(
        "floor=r:9", 3, {"cameras": 0, "segments": 0, "reason": "more than a quarter of the disk"}, None
    )
    assert [(found.subject, found.since_us) for found in deletions_waiting([doubt, floor])] == [("floor=r:9", 3)]
    due = WaitingDeletion("clock", 0, {**doubt.detail, "segments": 1}, None)
    assert [found.subject for found in deletions_waiting([due])] == ["clock"]


def test_what_need_not_be_recorded_is_in_no_condition_but_of_its_footage() -> None:
    risk = promises_at_risk(Forecast(1, 2, 1.0, 9, [Miss("b", 5, 4, 9)]))
    found = [
        Condition(AlertKind.FRAMES_LOST, "", 0, ("a", "b")),
        Condition(AlertKind.LOGIN_REFUSED, "b", 0, ("b",)),
        Condition(AlertKind.DISK_LOW, "/footage"),
        *risk,
    ]
    assert [(c.kind, c.cameras) for c in of_required(found, {"a"})] == [
        (AlertKind.FRAMES_LOST, ("a",)),
        (AlertKind.DISK_LOW, ()),
        (AlertKind.PROMISE_AT_RISK, ("b",)),
    ]


def test_a_refused_account_is_one_alert_whichever_of_its_cameras_is_refused_next() -> None:
    def entry(*cameras: str) -> LedgerEntry:
        return LedgerEntry(LoginAccount.of("h:554", "admin", "wrong"), 2, cameras=frozenset(cameras))

    assert [c.subject for c in logins_refused([entry("cam-3")])] == ["cam-3"]
    assert [c.subject for c in logins_refused([entry("cam-1", "cam-3")], ["cam-3"])] == ["cam-3"]
