"""The brake over a real catalogue: no wrong figure and no wrong clock deletes an archive, a person is asked, and what
rules always deleted goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.housekeeping import brake as at_work
from nvr.housekeeping.brake import Brake
from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.retention import candidates as footage
from storage.retention import confirmations
from storage.retention.applying import apply
from storage.retention.brake import Amount, Moment
from storage.retention.plan import SPACE, Disk, plan
from storage.retention.policies import Policy
from tests.nightly import examples
from tests.storage.retention.test_retention import enter
from tests.storage.world import CAMERA, T0_US, World
from tests.support.people import person

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GB = 10**9
SEGMENT_BYTES = GB
NO_RULES = Policy()


@dataclass
class Machine:
    """A server's retention: clocks that are set and run, rules, a disk of 1,000 GB, passes."""

    world: World
    policy_of: dict[str, Policy]
    now_us: int = T0_US
    up_us: int = 10 * HOUR
    boot: str = "boot-1"
    synchronised: bool | None = True
    floor_bytes: int = 5 * GB
    total_bytes: int = 1000 * GB
    others_bytes: int = 0
    brake: Brake = field(init=False)
    gone: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.brake = Brake(self.world.database)

    def passes(self, us: int) -> None:
        """Time goes by."""
        self.now_us += us
        self.up_us += us

    def record(self, hours: float, *, camera: str = CAMERA, bytes_: int = SEGMENT_BYTES) -> None:
        """Records segments of half an hour up to the clock's now and on, in one run; time goes by."""
        if hours:
            with self.world.database.write() as conn:
                segments.begin_run(conn, Key(camera, self.now_us, "n1", 1))
                run_end_us = self.now_us + round(hours * 2) * HOUR // 2
                segments.end_run(
                    conn, Key(camera, self.now_us, "n1", 1), end_us=run_end_us, cause=Cause.CLOCK_STEP, detail={}
                )
        for _ in range(round(hours * 2)):
            enter(self.world, camera, self.now_us, self.now_us + HOUR // 2, bytes_)
            self.passes(HOUR // 2)

    @property
    def keys(self) -> set[Key]:
        with self.world.database.read() as conn:
            rows = conn.execute("SELECT c.id, s.start_us, s.epoch FROM segment s JOIN camera c ON c.key = s.camera")
            return {Key(row[0], row[1], "n1", row[2]) for row in rows}

    @property
    def free_bytes(self) -> int:
        with self.world.database.read() as conn:
            used = conn.execute("SELECT coalesce(sum(bytes), 0) FROM segment").fetchone()[0]
        return self.total_bytes - int(used) - self.others_bytes

    def run(self) -> int:
        """Passes until nothing more goes; returns how many segments went."""
        before = len(self.keys)
        for _ in range(20):
            disks = [Disk(self.world.root.id, self.free_bytes, self.floor_bytes, self.total_bytes)]
            old, at_work.synchronised = at_work.synchronised, lambda: self.synchronised  # type: ignore[assignment]
            try:
                decided = self.brake.decide(
                    self.policy_of, disks, Moment(self.now_us, self.boot, self.up_us), most=5000
                )
            finally:
                at_work.synchronised = old
            if not decided.planned.deletions:
                break
            with self.world.database.write() as conn:
                confirmations.gone_unconfirmed(conn, decided.unconfirmed, now_us=self.now_us)
                for deletion in decided.planned.deletions:
                    if deletion.rule == SPACE:
                        c = deletion.candidate
                        amount = Amount(c.end_us - c.key.start_us, c.bytes)
                        confirmations.gone_for_space(conn, c.root, amount, now_us=self.now_us)
            apply(self.world.database, decided.planned.deletions, now_us=self.now_us)
        return before - len(self.keys)

    def waits(self) -> dict[str, dict[str, object]]:
        with self.world.database.read() as conn:
            return {row.cause: dict(row.detail) for row in confirmations.waiting(conn)}

    def confirm(self, cause: str) -> None:
        with self.world.database.write() as conn:
            confirmations.confirm(conn, cause, by=person("anna"), now_us=self.now_us)


@contextmanager
def machine(policy: Policy = NO_RULES, *, hours: float = 0) -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        found = Machine(world, {CAMERA: policy})
        try:
            found.run()
            found.record(hours)
            found.run()
            yield found
        finally:
            world.close()


def test_a_floor_in_terabytes_deletes_nothing_and_asks() -> None:
    with machine(Policy(), hours=48) as server:
        before = server.keys
        server.floor_bytes = 500_000 * GB
        assert server.run() == 0
        server.restart()
        assert server.run() == 0
        assert server.keys == before
        (cause,) = server.waits()
        assert cause == f"floor={server.world.root.id}:{500_000 * GB}"
        assert "more than a quarter of the disk" in str(server.waits()[cause]["reason"])


def test_a_floor_of_99_percent_is_waited_with_on_an_empty_disk_too() -> None:
    with machine() as server:
        server.floor_bytes = 990 * GB
        server.run()
        assert list(server.waits()) == [f"floor={server.world.root.id}:{990 * GB}"]
        server.record(24)
        assert server.run() == 0


def test_a_max_age_in_minutes_deletes_nothing_until_a_person_confirms_its_cause() -> None:
    with machine(Policy(max_age_us=30 * DAY), hours=72) as server:
        before = server.keys
        server.policy_of = {CAMERA: Policy(max_age_us=12 * MINUTE)}
        assert server.run() == 0
        assert server.keys == before
        cause = f"max_age={12 * MINUTE}"
        detail = server.waits()[cause]
        # All but the one that ended just now.
        assert (detail["cameras"], detail["segments"], detail["hours"]) == (1, len(before) - 1, 71.5)
        with pytest.raises(KeyError):
            server.confirm("max_age=1")
        server.confirm(cause)
        assert server.run() == len(before) - 1
        assert server.waits() == {}
        # From now on it is a rule as any other.
        server.record(10)
        assert server.run() == 20
        assert server.waits() == {}


def test_what_is_put_right_waits_no_more() -> None:
    with machine(Policy(max_age_us=30 * DAY), hours=72) as server:
        server.policy_of = {CAMERA: Policy(max_age_us=12 * MINUTE)}
        server.run()
        assert server.waits()
        server.policy_of = {CAMERA: Policy(max_age_us=30 * DAY)}
        assert server.run() == 0
        assert server.waits() == {}


def test_a_clock_that_is_forty_days_ahead_deletes_nothing() -> None:
    with machine(Policy(max_age_us=30 * DAY), hours=95) as server:
        before = server.keys
        server.now_us += 40 * DAY
        server.restart()
        assert server.run() == 0
        server.boot, server.up_us = "boot-2", MINUTE
        server.restart()
        assert server.run() == 0
        assert server.keys == before
        assert list(server.waits()) == ["clock"]
        server.now_us -= 40 * DAY
        assert server.run() == 0
        assert server.waits() == {}


@pytest.mark.parametrize("synchronised", [True, None])
def test_a_clock_set_ahead_while_the_server_runs(synchronised: bool | None) -> None:
    """Two days are a plausible outage, but not on one boot."""
    with machine(Policy(max_age_us=2 * DAY), hours=47) as server:
        server.synchronised = synchronised
        server.now_us += 2 * DAY
        assert server.run() == 0
        assert list(server.waits()) == ["clock"]
        server.confirm("clock")
        assert server.run() > 0
        assert server.waits() == {}


def test_a_clock_that_nothing_synchronises_is_a_persons_to_confirm_once() -> None:
    with machine(Policy(max_age_us=DAY), hours=20) as server:
        server.synchronised = False
        server.record(10)
        assert server.run() == 0
        assert list(server.waits()) == ["clock"]
        server.confirm("clock")
        assert server.run() == 12
        server.restart()
        server.record(5)
        assert server.run() == 10
        assert server.waits() == {}


def test_a_machine_that_boots_in_1970_confirms_nothing() -> None:
    with machine(Policy(max_age_us=30 * DAY), hours=72) as server:
        now_us = server.now_us
        server.now_us, server.boot, server.up_us = 60_000_000, "boot-2", MINUTE
        server.restart()
        # While the clock says 1970 nothing is due, so that any rule looks harmless.
        server.policy_of = {CAMERA: Policy(max_age_us=12 * MINUTE)}
        assert server.run() == 0
        assert list(server.waits()) == ["clock"]
        server.now_us = now_us + HOUR
        server.up_us += MINUTE
        assert server.run() == 0
        assert list(server.waits()) == [f"max_age={12 * MINUTE}"]


def test_an_outage_of_two_days_is_made_up_for() -> None:
    with machine(Policy(max_age_us=5 * DAY), hours=5 * 24) as server:
        server.now_us += 2 * DAY
        server.boot, server.up_us = "boot-2", MINUTE
        server.restart()
        assert server.run() == 4 * 24
        assert server.waits() == {}


def test_slices_are_summed() -> None:
    with machine(Policy(max_age_us=100 * HOUR), hours=100) as server:
        gone = 0
        for hours in range(99, 40, -1):
            server.policy_of = {CAMERA: Policy(max_age_us=hours * HOUR)}
            gone += server.run()
            server.passes(MINUTE)
        # A twentieth of the fleet's, and the two that an hour's going by explains.
        assert 0 < gone <= 12
        assert server.waits()


def test_a_rebuilt_catalogue_explains_nothing() -> None:
    with machine(Policy(max_age_us=10 * HOUR)) as server:
        with server.world.database.write() as conn:
            for table in ("confirmed_rules", "confirmed_floor"):
                conn.execute(f"DELETE FROM {table}")
        server.record(72)
        assert server.run() == 0
        assert list(server.waits()) == [f"max_age={10 * HOUR}"]


def test_a_disk_that_others_fill_costs_what_recording_needs() -> None:
    with machine(hours=0) as server:
        server.record(24 * 10, bytes_=2 * GB)
        assert server.run() == 0
        # Of 1,000 GB, 960 are footage. Somebody puts 500 GB there: retention can't make room for that and does not try
        # for long.
        server.others_bytes = 500 * GB
        went = server.run()
        assert 0 < went * 2 * GB <= 2 * 96 * GB
        assert list(server.waits()) == [f"space={server.world.root.id}"]
        assert server.run() == 0
        # What recording needs goes.
        server.passes(HOUR)
        assert server.run() == 2


def test_a_disk_that_fills_up_is_pruned_from_the_first_day_on_whatever_the_clock() -> None:
    with machine(hours=0) as server:
        server.synchronised = False
        server.others_bytes = 900 * GB
        for _ in range(150):
            server.record(1)
            server.run()
            assert server.free_bytes >= server.floor_bytes - GB
        assert list(server.waits()) == ["clock"]


def test_a_promise_that_is_taken_back_lets_nothing_go_by_itself() -> None:
    with machine(Policy(max_bytes=10 * GB, min_age_us=30 * DAY), hours=72) as server:
        before = server.keys
        server.policy_of = {CAMERA: Policy(max_bytes=10 * GB, min_age_us=30 * MINUTE)}
        assert server.run() == 0
        assert server.keys == before
        assert list(server.waits()) == [f"min_age={30 * MINUTE}"]


def test_max_bytes_without_zeros_waits() -> None:
    with machine(Policy(max_bytes=200 * GB), hours=72) as server:
        server.policy_of = {CAMERA: Policy(max_bytes=2 * GB)}
        assert server.run() == 0
        assert list(server.waits()) == [f"max_bytes={2 * GB}"]
        # What the confirmed rule deletes goes on meanwhile.
        server.record(100)
        assert server.run() == 144 + 200 - 200
        server.confirm(f"max_bytes={2 * GB}")
        assert server.run() == 198


rules = st.builds(
    Policy,
    st.one_of(st.none(), st.integers(1, 400).map(lambda hours: hours * HOUR)),
    st.one_of(st.none(), st.integers(1, 300).map(lambda size: size * GB)),
    st.none(),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 30)),
        st.tuples(st.just("rules"), rules),
        st.tuples(st.just("clock"), st.integers(-60, 60)),
        st.tuples(st.just("floor"), st.integers(0, 900)),
        st.tuples(st.just("restart"), st.booleans()),
        st.tuples(st.just("right"), st.none()),
    ),
    max_size=14,
)


@settings(max_examples=examples(25, 2000), deadline=None, suppress_health_check=list(HealthCheck))
@given(rules, steps)
def test_property_nothing_goes_that_confirmed_rules_at_a_true_time_would_not_delete(first: Policy, what: list) -> None:
    """Random histories of rules, floors and clocks without anybody who confirms: apart from a little, a day at most,
    what goes is what the gentlest of the rules, at the true time, would delete."""
    with machine(first) as server:
        true_us = server.now_us
        mildest: list[Policy] = [first]
        little = 0
        for name, value in what:
            offset_us = server.now_us - true_us
            if name == "record":
                assert isinstance(value, int)
                server.record(value)
                true_us += value * HOUR
            elif name == "rules":
                server.policy_of = {CAMERA: value}
                mildest.append(value)
            elif name == "clock":
                server.now_us += value * DAY
            elif name == "floor":
                server.floor_bytes = value * GB
            elif name == "restart":
                if value:
                    server.boot, server.up_us = server.boot + "x", MINUTE
                server.restart()
            else:
                server.now_us -= offset_us
            keys = server.keys
            sizes = len(keys)
            server.run()
            gone = keys - server.keys
            explained = 0
            for key in gone:
                ages = [policy.max_age_us for policy in mildest]
                by_age = all(age is not None and key.start_us + HOUR // 2 <= true_us - age for age in ages)
                limits = [policy.max_bytes for policy in mildest]
                by_bytes = all(limit is not None and sizes * GB > limit for limit in limits)
                explained += by_age or by_bytes or server.free_bytes <= server.total_bytes // 4
            little += len(gone) - explained
            if name == "rules" and not gone and not server.waits():
                # They did no harm, and count from now on.
                mildest = [server.policy_of[CAMERA]]
            # 5 % of the most that there was, or the two segments that make an hour, within any 24 hours; the histories
            # are at most 14 times 30 hours long.
            assert little <= max(2, sizes * 0.06) * 18, (name, value)


def test_footage_that_a_wrong_clock_dates_long_ago_is_not_old() -> None:
    """The clock is set back by forty days, and put right after ten hours; or the machine boots in 1970 and learns the
    time later."""
    for boots in (False, True):
        with machine(Policy(max_age_us=30 * DAY), hours=20) as server:
            before, true_us = server.keys, server.now_us
            if boots:
                server.boot, server.up_us, server.now_us = "boot-2", MINUTE, MINUTE
                server.restart()
            else:
                server.now_us -= 40 * DAY
            server.record(1)
            server.run()
            server.record(9)
            server.run()
            misdated = server.keys - before
            assert len(misdated) == 20
            server.now_us = true_us + 10 * HOUR
            server.record(1)
            assert server.run() == 0
            server.restart()
            assert server.run() == 0 and misdated <= server.keys
            # A month later it is old.
            for _ in range(35):
                server.record(24)
                server.run()
            assert not misdated & server.keys


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("hours", [0.5, 9])
def test_a_clock_that_is_back_before_anybody_looks_makes_nothing_old(restarts: bool, hours: float) -> None:
    """Set back by forty days and forward again between two looks, or while housekeeping was not there at all."""
    with machine(Policy(max_age_us=30 * DAY), hours=20) as server:
        before, true_us = server.keys, server.now_us
        server.now_us -= 40 * DAY
        server.record(hours)
        server.now_us = true_us + round(hours * HOUR)
        misdated = server.keys - before
        assert len(misdated) == 2 * hours
        if restarts:
            server.restart()
        assert server.run() == 0 and misdated <= server.keys
        # Nor later, when all of it has been looked at, and other runs have begun.
        server.record(1)
        server.restart()
        assert server.run() == 0 and misdated <= server.keys
        for _ in range(35):
            server.record(24)
            server.run()
        assert not misdated & server.keys


def test_what_recording_explains_it_explains_once_for_all_disks() -> None:
    with machine(hours=0) as server:
        server.record(24 * 10, bytes_=2 * GB)
        assert server.run() == 0
        with server.world.database.read() as conn:
            found = footage.load(conn, server.policy_of, now_us=server.now_us)
            root = server.world.root.id
            whole = plan(found, [Disk(root, 0, 800 * GB, 1000 * GB)], now_us=server.now_us)
            server.brake._passed_us = None
            disks = [Disk(root, 40 * GB, 800 * GB, 1000 * GB), Disk("other", 0, 800 * GB, 1000 * GB)]
            half = len(whole.deletions) // 2
            spread = [
                replace(d, candidate=replace(d.candidate, root="other" if number % 2 else root))
                for number, d in enumerate(whole.deletions)
            ]
            kept = server.brake._at_pace(
                conn,
                replace(whole, deletions=spread),
                disks,
                Moment(server.now_us, "boot-1", server.up_us),
                server.now_us,
            )
            going = [d.candidate.bytes for d in kept.deletions]
        assert half > 96 and sum(going) <= 2 * 96 * GB


def test_a_backup_that_was_put_back_explains_nothing() -> None:
    with machine(Policy(max_age_us=7 * DAY), hours=6 * 24) as server:
        backup_us = server.now_us
        # What was decided since is not in it; what was recorded since is taken in from the files.
        server.record(20 * 24)
        with server.world.database.write() as conn:
            assert not confirmations.forget_if_restored(conn, server.now_us - MINUTE)
            assert confirmations.load(conn).rules
            assert confirmations.forget_if_restored(conn, backup_us)
        server.restart()
        assert server.run() == 0 and list(server.waits()) == [f"max_age={7 * DAY}"]
