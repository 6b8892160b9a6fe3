"""Leases: footage that is being read waits for retention, within reason."""

from __future__ import annotations

from pathlib import Path

from storage.catalogue.segments import Key
from storage.retention import leases
from storage.retention.candidates import load
from storage.retention.plan import LEASED_PAST_AGE_US, MAX_AGE, MAX_BYTES, SPACE, Candidate, Disk, Footage, plan
from storage.retention.policies import Policy
from tests.storage.world import CAMERA, T0_US, World

H = 3_600_000_000
NOW = 100 * H


def footage(policy: Policy, *leased: tuple[int, int]) -> Footage:
    """Ten segments of an hour and a byte, from 80 h on."""
    candidates = [Candidate(Key("c", at * H, "n", 1), (at + 1) * H, 1, "r1") for at in range(80, 90)]
    return Footage("c", policy, candidates, 10, leases=[(a * H, b * H) for a, b in leased])


def planned(policy: Policy, *leased: tuple[int, int], short: int = 0) -> list[tuple[int, str]]:
    found = plan([footage(policy, *leased)], [Disk("r1", 100, 100 + short)], now_us=NOW)
    return [(deletion.candidate.key.start_us // H, deletion.rule) for deletion in found.deletions]


def test_what_is_read_waits_for_max_bytes_and_nothing_younger_goes_instead() -> None:
    policy = Policy(max_bytes=7)
    assert planned(policy) == [(80, MAX_BYTES), (81, MAX_BYTES), (82, MAX_BYTES)]
    assert planned(policy, (81, 82)) == [(80, MAX_BYTES), (82, MAX_BYTES)]
    assert planned(policy, (70, 99)) == []


def test_what_is_read_waits_for_max_age_an_hour_at_most() -> None:
    assert LEASED_PAST_AGE_US == H
    policy = Policy(max_age_us=17 * H)
    assert planned(policy) == [(80, MAX_AGE), (81, MAX_AGE), (82, MAX_AGE)]
    # The last of them ended just 17 h ago; the one before an hour earlier.
    assert planned(policy, (70, 99)) == [(80, MAX_AGE), (81, MAX_AGE)]
    assert planned(policy, (82, 83)) == [(80, MAX_AGE), (81, MAX_AGE)]


def test_recording_comes_first_what_is_read_goes_last_for_space() -> None:
    policy = Policy()
    assert planned(policy, (80, 88), short=3) == [(80, SPACE), (88, SPACE), (89, SPACE)]
    # With a limit of bytes too: a leased segment that waits for it is given up for the disk.
    assert planned(Policy(max_bytes=5), (70, 99), short=5) == [(at, SPACE) for at in range(80, 85)]


def test_a_lease_ends_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.database.write() as conn:
        leases.take(conn, CAMERA, T0_US, T0_US + H, now_us=0, until_us=10)
        leases.take(conn, CAMERA, T0_US + H, T0_US + 2 * H, now_us=0, until_us=20)
        leases.take(conn, CAMERA, T0_US, T0_US + H, now_us=0, until_us=5)
        assert leases.active(conn, 9) == {CAMERA: [(T0_US, T0_US + 2 * H)]}
        assert leases.active(conn, 10) == {CAMERA: [(T0_US + H, T0_US + 2 * H)]}
        assert [f.leases for f in load(conn, {CAMERA: Policy()}, now_us=10)] == [[(T0_US + H, T0_US + 2 * H)]]
        leases.take(conn, CAMERA, 0, 1, now_us=30, until_us=40)
        assert conn.execute("SELECT count(*) FROM lease").fetchone()[0] == 1
    world.close()
