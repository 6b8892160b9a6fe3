"""Alerts of cameras over simulated time: nights as they happen, and random histories. Every message that people get is
listed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.alerting.conditions import AlertKind
from storage.causes import Cause
from tests.alerting.simulated import HOUR, MINUTE, Fleet, S
from tests.nightly import examples

DEAD = Cause.UNREACHABLE


def isps(**counts: int) -> dict[str, dict[str, str]]:
    return {f"{isp}-{i:03}": {"isp": isp} for isp, count in counts.items() for i in range(count)}


def named(isp: str, *numbers: int) -> list[str]:
    return [f"{isp}-{i:03}" for i in numbers]


def test_one_camera() -> None:
    fleet = Fleet(isps(telkom=3))
    fleet.set(DEAD, "telkom-000")
    fleet.run(5 * MINUTE)
    assert fleet.told == []
    fleet.run(10 * MINUTE)
    (alert,) = fleet.open
    assert (alert.since_us, alert.cameras) == (0, ("telkom-000",))
    fleet.set("well", "telkom-000")
    fleet.run(10 * MINUTE)
    assert [(t.at_us // S, t.event, t.subject) for t in fleet.told] == [
        (315, "opened", "telkom-000"),
        (975, "resolved", "telkom-000"),
    ]


def test_a_cable_of_what_an_order_left_on_is_one_message() -> None:
    """Of an ISP of 1,000, 950 off by letter, the other 50 lose their cable."""
    fleet = Fleet(isps(telkom=1000, biznet=200))
    fleet.set(Cause.DISABLED, *named("telkom", *range(950)))
    fleet.run(MINUTE)
    for i in range(950, 1000):
        # They are missed within some seconds.
        fleet.set(DEAD, f"telkom-{i:03}")
        fleet.now_us += S
    fleet.run(15 * MINUTE, every_us=30 * S)
    assert [(t.event, t.subject, len(t.down)) for t in fleet.told] == [("opened", "isp=telkom", 50)]
    assert fleet.open[0].detail["of"] == 50


def test_a_hundred_here_and_there_are_one_message_and_those_dead_for_long_are_not_of_it() -> None:
    fleet = Fleet({f"c-{i:03}": {"isp": f"isp{i % 20}"} for i in range(600)})
    for i in range(500, 503):
        fleet.set(DEAD, f"c-{i:03}")
        fleet.run(10 * MINUTE, every_us=MINUTE)
    fleet.set(DEAD, *(f"c-{i:03}" for i in range(100)))
    fleet.run(10 * MINUTE, every_us=30 * S)
    assert [(t.event, t.subject, len(t.down)) for t in fleet.told[3:]] == [("opened", "", 100)]


def test_a_hundred_that_come_back_one_by_one() -> None:
    fleet = Fleet(isps(telkom=100, biznet=120))
    cameras = named("telkom", *range(100))
    fleet.set(DEAD, *cameras)
    fleet.run(10 * MINUTE)
    for camera in cameras:
        fleet.set("well", camera)
        fleet.run(MINUTE, every_us=20 * S)
    fleet.run(10 * MINUTE)
    assert fleet.events == [("opened", "isp=telkom"), ("resolved", "isp=telkom")]


def test_a_hundred_that_come_back_in_half_a_day() -> None:
    fleet = Fleet(isps(telkom=100, biznet=120))
    cameras = named("telkom", *range(100))
    fleet.set(DEAD, *cameras)
    fleet.run(10 * MINUTE)
    for camera in cameras:
        fleet.set("well", camera)
        fleet.run(12 * MINUTE, every_us=2 * MINUTE)
    fleet.run(HOUR)
    # By halves, and at the end those that are left by name.
    told = [(t.event, len(t.down)) for t in fleet.told]
    assert told == [
        ("opened", 100), ("changed", 50), ("changed", 25), ("changed", 12), ("changed", 6), ("parted", 3),
        ("resolved", 0), ("resolved", 0), ("resolved", 0),
    ]  # fmt: skip


def test_who_is_left_is_named_and_has_an_alert_of_its_own() -> None:
    fleet = Fleet(isps(telkom=20, biznet=50))
    fleet.set(DEAD, *named("telkom", *range(20)))
    fleet.run(10 * MINUTE)
    fleet.set("well", *named("telkom", *range(18)))
    fleet.run(3 * HOUR)
    assert [(t.event, t.subject, t.down) for t in fleet.told] == [
        ("opened", "isp=telkom", tuple(named("telkom", *range(20)))),
        ("parted", "isp=telkom", ("telkom-018", "telkom-019")),
    ]
    assert [(a.kind, a.subject, a.since_us) for a in fleet.open] == [
        (AlertKind.CAMERA_DOWN, "telkom-018", 0),
        (AlertKind.CAMERA_DOWN, "telkom-019", 0),
    ]
    fleet.set("well", "telkom-018")
    fleet.run(HOUR)
    assert fleet.events[2:] == [("resolved", "telkom-018")]


def test_four_dead_and_one_that_comes_and_goes() -> None:
    for down, well in ((6, 2), (4, 4), (10, 3), (1, 1), (20, 15)):
        fleet = Fleet(isps(telkom=6, biznet=8))
        fleet.set(DEAD, *named("telkom", 0, 1, 2, 3))
        for _ in range(6 * 60 // (down + well)):
            fleet.set(DEAD, "telkom-004")
            fleet.run(down * MINUTE, every_us=30 * S)
            fleet.set("well", "telkom-004")
            fleet.run(well * MINUTE, every_us=30 * S)
        # Four of themselves at most, the group, and few of the one.
        assert len(fleet.told) <= 9, (down, well, fleet.events)
        assert "resolved" not in [event for event, subject in fleet.events if subject != "telkom-004"]


def test_one_that_comes_and_goes_for_a_day() -> None:
    fleet = Fleet(isps(telkom=3))
    for _ in range(24 * 60 // 8):
        fleet.set(DEAD, "telkom-000")
        fleet.run(6 * MINUTE)
        fleet.set("well", "telkom-000")
        fleet.run(2 * MINUTE)
    assert 1 <= len(fleet.told) <= 6
    assert len(fleet.alerts) == 1


def test_a_window_is_no_alert_and_what_is_dead_after_it_is() -> None:
    fleet = Fleet(isps(telkom=3))
    fleet.set(Cause.MAINTENANCE, "telkom-000")
    fleet.run(2 * HOUR)
    assert fleet.told == []
    fleet.set(DEAD, "telkom-000")
    ended_us = fleet.now_us
    fleet.run(10 * MINUTE)
    assert fleet.events == [("opened", "telkom-000")]
    assert fleet.open[0].since_us == ended_us


def test_an_order_closes_the_alert_without_saying_that_it_records() -> None:
    fleet = Fleet(isps(telkom=20))
    fleet.set(DEAD, *named("telkom", *range(12)))
    fleet.run(10 * MINUTE)
    fleet.set(Cause.DISABLED, *named("telkom", *range(11)))
    fleet.set("well", "telkom-011")
    fleet.run(10 * MINUTE)
    assert fleet.events == [("opened", "isp=telkom"), ("resolved", "isp=telkom")]
    (group,) = fleet.alerts
    assert sum(m.is_required for m in group.members) == 1
    assert group.detail["ended"] == {"disabled": 11}
    # Removed is the same.
    fleet.set(DEAD, "telkom-012")
    fleet.run(10 * MINUTE)
    fleet.remove("telkom-012")
    fleet.run(10 * MINUTE)
    assert fleet.events[2:] == [("opened", "telkom-012"), ("resolved", "telkom-012")]


def test_the_rest_of_the_isp_goes_later() -> None:
    fleet = Fleet(isps(telkom=100, biznet=120))
    fleet.set(DEAD, *named("telkom", *range(52)))
    fleet.run(2 * HOUR, every_us=MINUTE)
    fleet.set(DEAD, *named("telkom", *range(52, 100)))
    fleet.run(HOUR, every_us=MINUTE)
    assert [(t.event, t.subject, len(t.down)) for t in fleet.told] == [
        ("opened", "isp=telkom", 52),
        ("changed", "isp=telkom", 100),
    ]
    # One of another ISP, hours later, is news.
    fleet.set(DEAD, "biznet-000")
    fleet.run(HOUR)
    assert fleet.events[2:] == [("opened", "biznet-000")]


def test_one_that_dies_long_after_its_group_is_told() -> None:
    fleet = Fleet(isps(telkom=100, biznet=120))
    fleet.set(DEAD, *named("telkom", *range(60)))
    fleet.run(3 * HOUR, every_us=MINUTE)
    fleet.set(DEAD, "telkom-099")
    fleet.run(HOUR)
    assert fleet.events == [("opened", "isp=telkom"), ("opened", "telkom-099")]


def test_cameras_missed_over_a_minute_are_no_alerts_of_their_own() -> None:
    fleet = Fleet(isps(telkom=40, biznet=40))
    for i in range(40):
        fleet.set(DEAD, f"telkom-{i:03}")
        fleet.run(2 * S, every_us=2 * S)
    fleet.run(20 * MINUTE, every_us=5 * S)
    assert [(t.event, t.subject) for t in fleet.told] == [("opened", "isp=telkom")]
    assert len(fleet.open[0].cameras) == 40


def test_a_restart_ends_nothing_and_opens_nothing() -> None:
    fleet = Fleet(isps(telkom=10, biznet=50))
    fleet.set(DEAD, *named("telkom", *range(8)), "biznet-001")
    fleet.run(10 * MINUTE)
    told, open_ = list(fleet.told), fleet.open
    # Down for ten minutes: all that was recorded begins to be missed, too, and comes back.
    well = [camera for camera, (state, _) in fleet.state.items() if state == "well"]
    fleet.set(Cause.SERVER_DOWN, *well)
    fleet.now_us += 10 * MINUTE
    fleet.restart()
    fleet.look()
    fleet.run(30 * S, every_us=5 * S)
    fleet.set("well", *well)
    fleet.run(HOUR)
    assert fleet.told == told
    assert [(a.id, a.since_us, a.members) for a in fleet.open] == [(a.id, a.since_us, a.members) for a in open_]


def test_what_does_not_come_back_after_a_restart_is_told_with_its_true_begin() -> None:
    fleet = Fleet(isps(telkom=3))
    fleet.run(MINUTE)
    went_us = fleet.now_us
    fleet.set(Cause.SERVER_DOWN, "telkom-000")
    fleet.now_us += HOUR
    fleet.restart()
    fleet.set(DEAD, "telkom-000")
    fleet.run(5 * MINUTE)
    assert fleet.told == []
    fleet.run(MINUTE)
    assert fleet.events == [("opened", "telkom-000")]
    assert fleet.open[0].since_us == went_us


def test_an_acknowledgement_goes_to_those_that_are_left() -> None:
    fleet = Fleet(isps(telkom=10))
    fleet.set(DEAD, *named("telkom", *range(10)))
    fleet.run(10 * MINUTE)
    (group,) = fleet.open
    fleet.rows[group.id] = fleet.rows[group.id].replace(
        "[null, null, null, null]", '[5, "vera", "crew is out", "user-vera"]'
    )
    fleet.forget_what_was_read()
    fleet.set("well", *named("telkom", *range(9)))
    fleet.run(HOUR)
    (left,) = fleet.open
    assert (left.subject, left.acknowledged) == ("telkom-009", (5, "vera", "crew is out", "user-vera"))


_CAMERAS = [f"{isp}-{i}" for isp in "xyz" for i in range(6)]
_STATES = [
    "well",
    "well",
    DEAD,
    DEAD,
    Cause.STALLED,
    Cause.DISK_FULL,
    Cause.DISABLED,
    Cause.MAINTENANCE,
    Cause.SCHEDULE,
]
_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(_STATES),
                  st.lists(st.sampled_from(_CAMERAS), max_size=8, unique=True)),
        st.tuples(st.just("isp"), st.sampled_from(_STATES), st.sampled_from("xyz")),
        st.tuples(st.just("flap"), st.sampled_from(_CAMERAS), st.integers(1, 9)),
        st.tuples(st.just("restart"), st.integers(0, 40), st.none()),
        st.tuples(st.just("wait"), st.sampled_from([1, 4, 11, 31, 70]), st.none()),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


def _check(fleet: Fleet) -> None:
    """What must hold at any time. What a message may say is checked as it is made."""
    now = fleet.fleet
    open_ = fleet.open
    assert len({a.key for a in open_}) == len(open_)
    members = [m.camera for a in open_ for m in a.members]
    assert len(members) == len(set(members))
    for alert in open_:
        assert set(alert.cameras) <= {m.camera for m in alert.members}
        for member in alert.members:
            assert (member.well_us is None) == now[member.camera].is_down
            if member.well_us is None:
                assert member.since_us == now[member.camera].since_us
        if alert.kind is AlertKind.CAMERA_DOWN and alert.well_us is None:
            assert alert.since_us == now[alert.subject].since_us
    alerted = set(members)
    for camera, state in now.items():
        lasted_us = fleet.now_us - max(state.since_us or 0, fleet.rules.started_us)
        if state.is_down and lasted_us >= 2 * fleet.rules.after_us + MINUTE:
            assert camera in alerted


@settings(deadline=None, max_examples=examples(60, 3000))
@given(_MOVES)
def test_random_nights_property(moves: list[tuple[str, object, object]]) -> None:
    fleet = Fleet({camera: {"isp": camera[0]} for camera in _CAMERAS}, from_=4)
    for what, a, b in moves:
        if what == "set":
            fleet.set(a, *b)  # type: ignore[arg-type, misc]
        elif what == "isp":
            fleet.set(a, *(camera for camera in _CAMERAS if camera[0] == b))  # type: ignore[arg-type]
        elif what == "flap":
            for _ in range(b):  # type: ignore[arg-type]
                fleet.set(DEAD, a)  # type: ignore[arg-type]
                fleet.run(MINUTE, every_us=MINUTE)
                fleet.set("well", a)  # type: ignore[arg-type]
                fleet.run(MINUTE, every_us=MINUTE)
        elif what == "restart":
            fleet.now_us += a * MINUTE  # type: ignore[operator]
            fleet.restart()
        for _ in range(a if what == "wait" else 1):  # type: ignore[call-overload]
            fleet.run(MINUTE, every_us=30 * S)
            _check(fleet)
    # At the end all is well, and whoever was told of something has been told of its end.
    fleet.set("well", *_CAMERAS)
    fleet.run(2 * HOUR, every_us=MINUTE)
    _check(fleet)
    assert fleet.open == []
    assert _balance(fleet) == set()


def _balance(fleet: Fleet) -> set[str]:
    """Cameras that people were told are down, of which nobody was told that they are well (or need not be recorded)."""
    down: set[str] = set()
    for told in fleet.told:
        down |= set(told.down)
        down -= set(told.well)
    return down


@settings(deadline=None, max_examples=examples(40, 1000))
@given(_MOVES, st.integers(2, 6))
def test_looking_more_often_changes_nothing_property(moves: list[tuple[str, object, object]], times: int) -> None:
    """Two looks at one moment are one: a restart in between, which is what the second one is, does nothing."""
    once, more = (Fleet({camera: {"isp": camera[0]} for camera in _CAMERAS}, from_=4) for _ in range(2))
    for what, a, b in moves:
        for fleet, looks in ((once, 1), (more, times)):
            if what == "set":
                fleet.set(a, *b)  # type: ignore[arg-type, misc]
            elif what == "isp":
                fleet.set(a, *(camera for camera in _CAMERAS if camera[0] == b))  # type: ignore[arg-type]
            for _ in range(a if what == "wait" else 3):  # type: ignore[call-overload]
                fleet.now_us += MINUTE
                for _ in range(looks):
                    fleet.look()
    told = [[replace(t, at_us=0) for t in fleet.told] for fleet in (once, more)]
    assert told[0] == told[1]
