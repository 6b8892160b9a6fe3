"""What the network carried, against a slow straightforward reference; hours; and plans."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.network import hours as network_hours
from nvr.network.capacity import NoBitrateError, plan, rates
from nvr.network.figures import known_rates, measure
from nvr.network.hours import HOUR_US, KEPT_HOURS, Hour, HourReading, add, added, prune
from storage.catalogue import cameras, status
from storage.catalogue.status import Status
from tests.storage.world import World, add_camera

H0 = 480_000
COLUMNS = (
    "recorded_us", "bytes", "packets", "lost_packets", "damaged", "undecodable", "reconnects", "received_bytes",
    "received_us",
)  # fmt: skip


def hour_rows(most: int = 3) -> st.SearchStrategy[Hour]:
    small = st.integers(0, 1_000)
    return st.builds(
        Hour,
        st.integers(1, most),
        *[small] * 7,
        jitter_sum_us=small,
        jitter_readings=small,
        jitter_most_us=small,
        received_bytes=small,
        received_us=st.integers(1, 1_000),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-2, 60), hour_rows()), max_size=30),
    st.lists(st.integers(-HOUR_US, 60 * HOUR_US), min_size=2, max_size=4, unique=True).map(sorted),
    st.dictionaries(st.integers(1, 3), st.sampled_from(["Telkom", "Icon+", None])),
)
def test_figures_are_those_of_the_reference(
    world: World, rows: list[tuple[int, Hour]], offsets_us: list[int], group_of: dict[int, str | None]
) -> None:
    edges_us = [H0 * HOUR_US + offset_us for offset_us in offsets_us]
    now_us = (H0 + 70) * HOUR_US
    with world.database.write() as conn:
        conn.execute("DELETE FROM network_hour")
        for name in ("b", "c"):
            if cameras.find(conn, name) is None:
                add_camera(conn, name)
        for hour, row in rows:
            add(conn, [row], now_us=(H0 + hour) * HOUR_US + 17)
    wanted: dict[tuple[str | None, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    members: dict[tuple[str | None, int], set[int]] = defaultdict(set)
    for hour, row in rows:
        for number in range(len(edges_us) - 1):
            if edges_us[number] <= (H0 + hour) * HOUR_US < edges_us[number + 1] and row.camera in group_of:
                key = (group_of[row.camera], edges_us[number])
                members[key].add(row.camera)
                for name, value in asdict(row).items():
                    if name in ("jitter_most_us", "keyframe_most_us"):
                        wanted[key][name] = max(wanted[key][name], value)
                    elif name != "camera":
                        wanted[key][name] += value
    with world.database.read() as conn:
        found = measure(conn, group_of, edges_us, now_us=now_us)
    assert {(part.group, part.start_us) for part in found} == set(wanted)
    for part in found:
        figures = asdict(part.figures)
        assert figures.pop("cameras") == members[part.group, part.start_us]
        assert figures == wanted[part.group, part.start_us]


def test_the_hour_under_way_counts_as_far_as_it_has_come(world: World) -> None:
    """And what was before the first hour there is does not count."""
    with world.database.write() as conn:
        add(conn, [Hour(1, recorded_us=HOUR_US // 4, bytes=450_000_000)], now_us=H0 * HOUR_US)
    with world.database.read() as conn:
        (part,) = measure(conn, {1: "x"}, [(H0 - 5) * HOUR_US, (H0 + 24) * HOUR_US], now_us=H0 * HOUR_US + HOUR_US // 2)
        assert known_rates(conn, now_us=(H0 + 24) * HOUR_US) == {"cam": 4e6}
    assert (part.figures.bitrate_bps, part.carried_bps) == (4e6, 2e6)


def test_nothing_measured_says_so(world: World) -> None:
    with world.database.write() as conn:
        add(conn, [Hour(1, reconnects=1)], now_us=H0 * HOUR_US)
    with world.database.read() as conn:
        (part,) = measure(conn, {1: None}, [H0 * HOUR_US, (H0 + 1) * HOUR_US], now_us=(H0 + 1) * HOUR_US)
    figures = part.figures
    assert (figures.bitrate_bps, figures.loss, figures.jitter_us, part.carried_bps) == (None, None, None, 0.0)


@given(st.lists(st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=1, max_size=6), min_size=1, max_size=5))
def test_every_count_is_added_once(recorders: list[list[tuple[int, int, int]]]) -> None:
    """However often another recorder takes the camera and counts from zero. One whose first look is no lower than the
    last of the one before can't be told from it, so each is made to end higher than the next begins."""
    total = dict.fromkeys(COLUMNS, 0)
    expected = {"bytes": 0, "packets": 0, "reconnects": 0}
    then = HourReading({}, recording=False)
    for steps in recorders:
        counters = {"bytes": 0, "packets": 0, "connections": 0}
        for number, (bytes_, packets, connections) in enumerate(steps):
            last = 1_000_000 * (number == len(steps) - 1 and len(steps) > 1)
            counters["bytes"] += bytes_ + last
            counters["packets"] += packets
            counters["connections"] += connections
            now = HourReading({name: count for name, count in counters.items() if count}, recording=True)
            if number == 0 and any(counters.values()) and not _fell(then, now):
                then = HourReading({}, recording=False)
            hour = added(1, then, now)
            for name in COLUMNS:
                total[name] += 0 if hour is None else getattr(hour, name)
            then = now
        expected["bytes"] += counters["bytes"]
        expected["packets"] += counters["packets"]
        expected["reconnects"] += max(0, counters["connections"] - 1)
        if not any(counters.values()):
            then = HourReading({}, recording=False)
    assert {name: total[name] for name in expected} == expected


def _fell(then: HourReading, now: HourReading) -> bool:
    return any(now.counters.get(name, 0) < count for name, count in then.counters.items())


def test_jitter_is_the_mean_of_what_was_seen_since_the_last_look() -> None:
    then = HourReading({"packets": 5, "jitter_sum_us": 1_000, "jitter_readings": 2}, recording=True)
    counters = {"packets": 10, "jitter_sum_us": 8_000, "jitter_readings": 12, "interarrival_jitter_us": 99}
    seen = added(1, then, HourReading(counters, recording=True))
    assert seen is not None and (seen.jitter_sum_us, seen.jitter_readings, seen.jitter_most_us) == (700, 1, 700)
    unseen = added(1, then, HourReading({**then.counters, "packets": 10, "interarrival_jitter_us": 99}, recording=True))
    assert unseen is not None and (unseen.jitter_sum_us, unseen.jitter_readings) == (0, 0)
    assert added(1, then, then) is None


def test_a_bitrate_is_of_what_came_whatever_became_footage(world: World) -> None:
    """At 5 % loss most groups of pictures are torn, and little of what comes can be kept. Of an hour before anything
    received was counted footage is all there is."""
    lossy = Hour(1, recorded_us=HOUR_US, bytes=10, received_bytes=450_000_000, received_us=HOUR_US // 2)
    with world.database.write() as conn:
        add(conn, [Hour(1, recorded_us=HOUR_US, bytes=900_000_000)], now_us=H0 * HOUR_US)
        add(conn, [lossy], now_us=(H0 + 1) * HOUR_US)
    with world.database.read() as conn:
        old, new = measure(conn, {1: "x"}, [(H0 + n) * HOUR_US for n in range(3)], now_us=(H0 + 2) * HOUR_US)
    assert (old.figures.bitrate_bps, new.figures.bitrate_bps, new.carried_bps) == (2e6, 2e6, 1e6)


def test_lost_frames_strayed_stamps_and_keyframes_are_counted() -> None:
    then = HourReading({"frames": 100, "recorded_us": 10, "outliers": 1, "lost_frames": 5}, recording=True)
    counters = {
        "frames": 200,
        "recorded_us": 20,
        "outliers": 3,
        "by_arrival": 1,
        "camera_clock_steps": 2,
        "lost_frames": 9,
    }
    hour = added(1, then, HourReading({**counters, "keyframe_interval_us": 4_000_000}, recording=True))
    assert hour is not None
    assert (hour.lost_frames, hour.time_faults, hour.keyframe_most_us) == (4, 5, 4_000_000)


def test_old_hours_go(world: World) -> None:
    with world.database.write() as conn:
        for hour in (0, 1, KEPT_HOURS + 1):
            add(conn, [Hour(1, bytes=1)], now_us=(H0 + hour) * HOUR_US)
        prune(conn, now_us=(H0 + KEPT_HOURS + 1) * HOUR_US)
        assert [row[0] - H0 for row in conn.execute("SELECT hour FROM network_hour")] == [1, KEPT_HOURS + 1]


def test_a_silent_recorder_is_no_reading(world: World) -> None:
    with world.database.write() as conn:
        status.put(conn, [Status("cam", "recording", 0, updated_us=1_000_000, counters={"bytes": 5})])
        assert network_hours.read(conn, now_us=2_000_000)[1] == HourReading({"bytes": 5}, recording=True)
        assert not network_hours.read(conn, now_us=60_000_000)[1].recording


def test_the_city() -> None:
    """4,470 cameras at 2 Mbit/s: 8.9 Gbit/s, 96.6 TB a day, 2.9 PB in 30 days; at 512 kbit/s a quarter of that."""
    city = [f"c{number}" for number in range(4_470)]
    full = plan(
        rates(city, {}, bitrate_bps=2e6), days=30, overhead=0, price_per_mbit=25_000, capacity_bytes=193_104_000_000_000
    )
    assert (full.uplink_bps, full.bytes_a_day, full.disk_bytes) == (8.94e9, 96.552e12, 2896.56e12)
    assert (full.disk_days, full.cost_a_month) == (2.0, 8_940 * 25_000)
    small = plan(rates(city, {}, bitrate_bps=512e3), days=30, overhead=0, price_per_mbit=0, capacity_bytes=None)
    assert small.disk_bytes / full.disk_bytes == pytest.approx(0.256)
    assert (small.disk_days, small.cost_a_month) == (None, None)


def test_cameras_that_nobody_measured_count_as_the_mean() -> None:
    found = rates(["a", "b", "c"], {"a": 1e6, "b": 3e6, "elsewhere": 9e6})
    assert (found.cameras, found.measured, found.unknown, found.total_bps) == (3, 2, 1, 6e6)
    assert rates(["a", "b"], {"a": 1e6, "b": 3e6}, count=10).total_bps == 20e6
    assert rates(["a"], {"a": 1e6}, bitrate_bps=5e5, count=10).total_bps == 5e6
    assert rates([], {}).total_bps == 0
    with pytest.raises(NoBitrateError):
        rates(["a"], {})
    made = plan(rates(["a"], {"a": 1e6}), days=1, overhead=0.05, price_per_mbit=100, capacity_bytes=0)
    assert (made.uplink_bps, made.cost_a_month, made.disk_bytes) == (1.05e6, 105, 10.8e9)
