"""Spans, facts and coverage after random histories, against references that remember everything."""

from __future__ import annotations

import itertools
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue import cameras, facts, segments, status
from storage.catalogue.segments import Key
from storage.catalogue.status import Status
from storage.causes import Cause, Layer
from storage.coverage.one_camera import coverage, pieces, resolve
from storage.intervals import DAY_US, Interval, clip, cut_at_days, merge
from storage.retention import deleting as garbage
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, assert_partition

MINUTE_US = 60_000_000
# Around a midnight, in steps so coarse that segments often abut and overlap.
MIDNIGHT_US = T0_US // DAY_US * DAY_US + DAY_US
recorder_causes = st.sampled_from([Cause.STALLED, Cause.UNREACHABLE, Cause.ENDED])


def begin(world: World, key: Key) -> None:
    with world.database.write() as conn:
        segments.put_init(conn, mp4.init())
        segments.begin(
            conn,
            key,
            root=world.root.id,
            init=mp4.init().id,
            run_start_us=key.start_us,
            timescale=1000,
            media_start=0,
        )


def finish(world: World, key: Key, end_us: int, bytes_: int = 10) -> None:
    with world.database.write() as conn:
        segments.finish(conn, key, end_us=end_us, media_end=0, frames=1, bytes_=bytes_, sha256=None)


actions = st.lists(
    st.tuples(
        st.sampled_from(["finish", "finish", "discard"]), st.integers(-6, 6), st.integers(0, 5), st.integers(1, 2)
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(actions)
def test_spans_are_the_union_of_closed_segments_cut_at_midnight(steps: list[tuple[str, int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        there: dict[Key, tuple[int, int]] = {}
        for number, (what, at, length, epoch) in enumerate(steps):
            key = Key(CAMERA, MIDNIGHT_US + at * MINUTE_US, NODE, epoch)
            if what == "finish":
                begin(world, key)
                finish(world, key, key.start_us + length * MINUTE_US, number + 1)
                there.setdefault(key, (key.start_us + length * MINUTE_US, number + 1))
            elif there:
                gone = sorted(there, key=lambda k: (k.start_us, k.epoch))[at % len(there)]
                with world.database.write() as conn:
                    segments.discard(conn, gone)
                del there[gone]
            with world.database.read() as conn:
                rows = conn.execute("SELECT * FROM span ORDER BY start_us").fetchall()
            for of in (1, 2):
                mine = [row for row in rows if row["epoch"] == of]
                want = [part for k, (b, _) in there.items() if k.epoch == of for part in cut_at_days(k.start_us, b)]
                assert merge(Interval(r["start_us"], r["end_us"]) for r in mine) == merge(want)
                assert all(r["start_us"] // DAY_US == (r["end_us"] - 1) // DAY_US for r in mine)
                lasting = {k: v for k, v in there.items() if k.epoch == of and v[0] > k.start_us}
                assert sum(r["bytes"] for r in mine) == sum(size for _, size in lasting.values())
                assert sum(r["segments"] for r in mine) == len(lasting)
            with world.database.read() as conn:
                bounds = segments.footage_bounds(conn, CAMERA)
            if there:
                ends = [b for k, (b, _) in there.items()]
                starts = [k.start_us for k in there]
                assert bounds is not None and bounds[0] == min(starts)
                assert (
                    bounds[1] == max([min(starts), *(b for k, (b, _) in there.items() if b > k.start_us)]) <= max(ends)
                )
            else:
                assert bounds is None
        world.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), recorder_causes), max_size=20))
def test_recorder_facts_are_a_step_function(steps: list[tuple[bool, int, Cause]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        at = T0_US
        story: list[tuple[int, Cause | None]] = [(0, Cause.NOT_CONFIGURED)]
        for footage, later, cause in steps:
            at += later
            with world.database.write() as conn:
                if footage:
                    facts.resume(conn, CAMERA, at)
                else:
                    if story[-1][1] is None:
                        key = Key(CAMERA, story[-1][0], NODE, 1)
                        if at > story[-1][0]:
                            segments.put_init(conn, mp4.init())
                            segments.begin(
                                conn,
                                key,
                                root=world.root.id,
                                init=mp4.init().id,
                                run_start_us=key.start_us,
                                timescale=1,
                                media_start=0,
                            )
                            segments.finish(conn, key, end_us=at, media_end=0, frames=1, bytes_=1, sha256=None)
                    facts.set_cause(conn, CAMERA, at, cause, {}, node=NODE, epoch=1)
            if not (footage and story[-1][1] is None):
                story.append((at, None if footage else cause))
        want: list[tuple[int, int | None, Cause]] = []
        for number, (start, cause_) in enumerate(story):
            end = story[number + 1][0] if number + 1 < len(story) else None
            if cause_ is None or start == end:
                continue
            if want and want[-1][1] == start and want[-1][2] is cause_:
                want[-1] = (want[-1][0], end, cause_)
            else:
                want.append((start, end, cause_))
        have = [(f.start_us, f.end_us, f.cause) for f in world.facts() if f.layer is Layer.RECORDER]
        # The same cause across an empty stretch of footage may be one fact or two.
        assert [points(f) for f in joined(have)] == [points(f) for f in joined(want)]
        world.close()


def joined(given_: list[tuple[int, int | None, Cause]]) -> list[tuple[int, int | None, Cause]]:
    out: list[tuple[int, int | None, Cause]] = []
    for start, end, cause in sorted(given_):
        if out and out[-1][1] == start and out[-1][2] is cause:
            out[-1] = (out[-1][0], end, cause)
        else:
            out.append((start, end, cause))
    return out


def points(fact: tuple[int, int | None, Cause]) -> tuple[int, int | None, Cause]:
    return fact


class History:
    """A recorder, a retention and a supervisor with bad luck; ``footage`` is what they really kept."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.now = T0_US
        self.epoch = 1
        self.footage: dict[Key, int] = {}
        self.growing: tuple[Key, int] | None = None
        self.number = 0

    def step(self) -> None:
        what = self.random.choices(["fail", "run", "crash", "restart", "prune", "back", "grow"], [3, 8, 1, 1, 2, 1, 3])[
            0
        ]
        self.now += self.random.choice([1, 1_000, 700_000, 5_000_000, 3 * 3_600_000_000])
        getattr(self, what)()

    def fail(self) -> None:
        cause = self.random.choice([Cause.UNREACHABLE, Cause.STALLED, Cause.UNAUTHORIZED])
        with self.world.database.write() as conn:
            facts.set_cause(conn, CAMERA, self.now, cause, {}, node=NODE, epoch=self.epoch)

    def footage_of(self, count: int, *, grows: bool) -> None:
        with self.world.database.write() as conn:
            facts.resume(conn, CAMERA, self.now)
        for number in range(count):
            fragments = self.random.randint(1, 4)
            numbers = list(range(self.number, self.number + fragments))
            self.number += fragments
            last = grows and number == count - 1
            self.world.part(self.now, numbers, epoch=self.epoch, final_name=not last, enter=not last)
            key = Key(CAMERA, self.now, NODE, self.epoch)
            self.now += fragments * mp4.FRAGMENT_US
            if last:
                self.growing = (key, self.now)
            else:
                self.footage[key] = self.now

    def grow(self) -> None:
        """Segments of which the last is still being written; then the process dies."""
        self.footage_of(self.random.randint(1, 3), grows=True)
        self.check()
        self.restart(self.random.choice([Cause.RECORDER_CRASHED, Cause.SERVER_DOWN]))

    def restart(self, cause: Cause = Cause.SERVER_DOWN) -> None:
        if self.growing is not None:
            self.footage[self.growing[0]] = self.growing[1]
            self.growing = None
        alive = self.now
        self.now += self.random.choice([10, 9_000_000])
        self.world.reconcile(self.now, alive_us=alive, cause=cause)
        self.epoch = self._epoch()

    def crash(self) -> None:
        self.restart(Cause.RECORDER_CRASHED)

    def _epoch(self) -> int:
        with self.world.database.write() as conn:
            row = conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch' RETURNING value").fetchone()
            return int(row[0])

    def prune(self) -> None:
        oldest = sorted(self.footage, key=lambda key: self.footage[key])[: self.random.randint(0, 2)]
        with self.world.database.write() as conn:
            garbage.discard(conn, oldest, cause=Cause.PRUNED, detail={"policy": "max_age"}, now_us=self.now)
        garbage.sweep(self.world.database)
        for key in oldest:
            del self.footage[key]

    def back(self) -> None:
        """The server's clock is set back: what comes overlaps what was."""
        with self.world.database.write() as conn:
            facts.set_cause(conn, CAMERA, self.now, Cause.CLOCK_STEP, {}, node=NODE, epoch=self.epoch)
        self.now -= self.random.choice([1_500, 2_500_000])
        self.epoch = self._epoch()

    def run(self) -> None:
        self.footage_of(self.random.randint(1, 3), grows=False)
        self.fail()

    def check(self) -> None:
        kept = [Interval(key.start_us, end) for key, end in self.footage.items()]
        if self.growing is not None:
            kept.append(Interval(self.growing[0].start_us, self.growing[1]))
        start = T0_US + self.random.choice([-1_000_000, 0, 3_000_000])
        end = max(start + 1, self.now + self.random.choice([-2_000_000, 0, 5_000_000]))
        answer = self.world.coverage(start, end, self.now)
        assert_partition(answer)
        until = answer.as_of_us
        if self.growing is None:
            assert until == max(start, min(end, self.now))
        assert list(answer.spans) == merge(clip(kept, start, until))
        with self.world.database.read() as conn:
            found = pieces(conn, CAMERA, start, end)
        for a, b in itertools.pairwise(found):
            assert a.end_us <= b.start_us
        assert merge(Interval(p.start_us, p.end_us) for p in found) == merge(clip(kept, start, end))
        for piece in found:
            rivals = [k for k, b in self.footage.items() if k.start_us < piece.end_us and b > piece.start_us]
            assert piece.segment.key.epoch == max([piece.segment.key.epoch, *(k.epoch for k in rivals)])


@pytest.mark.parametrize("seed", range(60))
def test_any_history_is_accounted_for(world: World, seed: int) -> None:
    history = History(world, seed)
    for _ in range(25):
        history.step()
        history.check()


def test_while_it_records_the_answer_ends_with_the_last_fragment(world: World) -> None:
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    world.part(T0_US, [0, 1])
    answer = world.coverage(T0_US - 10, T0_US + DAY_US, T0_US + 5_000_000)
    assert answer.as_of_us == T0_US + 2 * mp4.FRAGMENT_US
    assert [(g.start_us, g.cause, g.open) for g in answer.gaps] == [(T0_US - 10, Cause.NOT_CONFIGURED, False)]


def test_footage_of_a_clock_that_ran_ahead_leaves_no_hole(world: World) -> None:
    world.part(T0_US + 400 * DAY_US, [0], final_name=True, enter=True)
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    world.part(T0_US, [1, 2], epoch=2)
    now = T0_US + 2 * mp4.FRAGMENT_US + 900_000
    assert_partition(world.coverage(T0_US - 10, T0_US + DAY_US, now))
    world.reconcile(now + 5_000_000)
    assert_partition(world.coverage(T0_US - 10, T0_US + DAY_US, now + 6_000_000))


def test_a_segment_without_a_known_camera_node_or_root_is_an_error(world: World) -> None:
    for key, root in (
        (Key("other", T0_US, NODE, 1), world.root.id),
        (Key(CAMERA, T0_US, "n9", 1), world.root.id),
        (Key(CAMERA, T0_US, NODE, 1), "no such root"),
    ):
        with pytest.raises(Exception, match="NOT NULL"), world.database.write() as conn:
            segments.put_init(conn, mp4.init())
            segments.begin(conn, key, root=root, init=mp4.init().id, run_start_us=0, timescale=1, media_start=0)


def test_a_replaced_fact_keeps_what_it_reached_further(world: World) -> None:
    with world.database.write() as conn:
        facts.insert(conn, CAMERA, Cause.DELETED, T0_US, T0_US + 100, {}, node=NODE, epoch=1)
        facts.insert(conn, CAMERA, Cause.PRUNED, T0_US, T0_US + 40, {}, node=NODE, epoch=1)
    have = [(f.start_us - T0_US, (f.end_us or 0) - T0_US, f.cause) for f in world.facts() if f.layer is Layer.FOOTAGE]
    assert have == [(0, 40, Cause.PRUNED), (40, 100, Cause.DELETED)]


def test_the_ledger_coalesces_what_abuts_and_only_that(world: World) -> None:
    with world.database.write() as conn:
        for start, end, policy in ((0, 10, "a"), (10, 20, "a"), (20, 30, "b"), (30, 40, "b"), (50, 60, "b")):
            facts.forget_footage(
                conn, CAMERA, T0_US + start, T0_US + end, Cause.PRUNED, {"policy": policy}, node=NODE, epoch=1, bytes_=5
            )
    have = [(f.start_us - T0_US, (f.end_us or 0) - T0_US, f.detail) for f in world.facts() if f.layer is Layer.FOOTAGE]
    assert have == [
        (0, 20, {"policy": "a", "segments": 2, "bytes": 10}),
        (20, 40, {"policy": "b", "segments": 2, "bytes": 10}),
        (50, 60, {"policy": "b", "segments": 1, "bytes": 5}),
    ]


def test_reach_back(world: World) -> None:
    def enter(at: int, cause: Cause) -> None:
        with world.database.write() as conn:
            facts.set_cause(conn, CAMERA, T0_US + at, cause, {}, node=NODE, epoch=1)

    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    world.part(T0_US, [0], final_name=True, enter=True)
    world.part(T0_US + 2_000_000, [1], final_name=True, enter=True, epoch=2)
    enter(2_500_000, Cause.STALLED)
    with world.database.write() as conn:
        facts.reach_back(conn, CAMERA, T0_US + 500_000, Cause.DISK_ERROR, {}, node=NODE, epoch=1)
        facts.reach_back(conn, CAMERA, T0_US + 2_400_000, Cause.DISK_ERROR, {}, node=NODE, epoch=1)
    have = [(f.start_us - T0_US, f.end_us and f.end_us - T0_US, f.cause) for f in world.facts()][1:]
    assert have == [(500_000, 2_000_000, Cause.DISK_ERROR), (2_400_000, None, Cause.STALLED)]


def test_a_camera_removed_while_nothing_records_it_is_not_configured(world: World) -> None:
    with world.database.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US, Cause.UNREACHABLE, {}, node=NODE, epoch=1)
        cameras.remove(conn, CAMERA, at_us=T0_US + 50)
    answer = world.coverage(T0_US, T0_US + 100, T0_US + 100)
    assert [(g.start_us - T0_US, g.cause) for g in answer.gaps] == [(0, Cause.UNREACHABLE), (50, Cause.NOT_CONFIGURED)]
    world.reconcile(T0_US + 100)
    assert world.facts()[-1].cause is Cause.NOT_CONFIGURED


def test_the_higher_epoch_wins_where_segments_overlap(world: World) -> None:
    world.part(T0_US, [0, 1, 2, 3], final_name=True, enter=True, epoch=1)
    world.part(T0_US + 500_000, [0, 1], final_name=True, enter=True, epoch=2)
    with world.database.read() as conn:
        found = resolve(segments.between(conn, CAMERA, T0_US, T0_US + DAY_US), T0_US, T0_US + DAY_US)
    cut = [(p.start_us - T0_US, p.end_us - T0_US, p.segment.key.epoch) for p in found]
    assert cut == [(0, 500_000, 1), (500_000, 1_500_000, 2), (1_500_000, 2_000_000, 1)]


def test_status_keeps_what_was_recorded(world: World) -> None:
    with world.database.write() as conn:
        status.put(
            conn,
            [
                Status(CAMERA, "recording", 5, recorded_until_us=9, init="x", bitrate_bps=7, updated_us=10),
                Status("no", "off", 1),
            ],
        )
        status.put(conn, [Status(CAMERA, "waiting", 11, cause=Cause.STALLED, detail={"a": 1}, updated_us=12)])
    with world.database.read() as conn:
        assert status.list_all(conn) == {
            CAMERA: Status(CAMERA, "waiting", 11, Cause.STALLED, {"a": 1}, 9, "x", None, None, 12)
        }
        assert status.find(conn, "no") is None


def test_coverage_refuses_an_empty_range_and_an_unknown_camera(world: World) -> None:
    with world.database.read() as conn:
        with pytest.raises(ValueError, match="empty"):
            coverage(conn, CAMERA, 5, 5, now_us=9)
        with pytest.raises(KeyError):
            coverage(conn, "no", 5, 6, now_us=9)


def test_no_change_of_a_fact_looks_at_all_facts(world: World) -> None:
    """A city's catalogue holds millions of them: each statement must find its own by a key."""
    told: list[str] = []
    with world.database.write() as conn:
        conn.set_trace_callback(told.append)
        facts.set_cause(conn, CAMERA, T0_US, Cause.STALLED, {}, node=NODE, epoch=1)
        facts.resume(conn, CAMERA, T0_US + 5)
        facts.fill(conn, CAMERA, T0_US, T0_US + 9, Cause.MISSING, {}, node=NODE, epoch=1)
        facts.reach_back(conn, CAMERA, T0_US + 2, Cause.STALLED, {}, node=NODE, epoch=1)
        facts.forget_footage(conn, CAMERA, T0_US, T0_US + 9, Cause.PRUNED, {}, node=NODE, epoch=1, bytes_=1)
        conn.set_trace_callback(None)
        plans = [
            (statement, row["detail"])
            for statement in told
            if statement.lstrip().split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
            for row in conn.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert len(plans) > 10
    assert not [
        plan for plan in plans if plan[1] in ("SCAN f", "SCAN fact") or plan[1].startswith(("SCAN f ", "SCAN fact "))
    ]
