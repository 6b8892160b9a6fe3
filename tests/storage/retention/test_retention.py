"""The planner: its properties, and that it equals a brute force that looks at everything; policies, forecast, and
confirmed plans."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue import cameras, segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.retention import confirmed_plans, holds
from storage.retention import deleting as garbage
from storage.retention.applying import apply
from storage.retention.candidates import load
from storage.retention.forecast import Forecast, Recorded, forecast, measure
from storage.retention.plan import MAX_AGE, MAX_BYTES, SPACE, Candidate, Deletion, Disk, Footage, RetentionPlan, plan
from storage.retention.policies import LabelRule, Policy, Rules, resolve
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera
from tests.support.people import person

S = 1_000_000
NOW = 60
ROOTS = ("r1", "r2")

rules = st.one_of(st.none(), st.integers(0, 70))


@st.composite
def fleets(draw: st.DrawFn) -> list[Footage]:
    fleet = []
    for number in range(draw(st.integers(0, 3))):
        rows = draw(
            st.lists(
                st.tuples(st.integers(0, 55), st.integers(0, 9), st.integers(1, 9), st.sampled_from(ROOTS)),
                max_size=8,
                unique_by=lambda row: row[0],
            )
        )
        segments_ = [
            Candidate(Key(f"c{number}", start, "n", 1), start + length, size, root)
            for start, length, size, root in sorted(rows)
        ]
        held = [(a, a + b) for a, b in draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=2))]
        fleet.append(
            Footage(
                f"c{number}",
                Policy(draw(rules), draw(rules), draw(rules)),
                segments_,
                sum(c.bytes for c in segments_),
                held,
                draw(st.dictionaries(st.sampled_from(ROOTS), st.integers(0, 9))),
                held_bytes=sum(c.bytes for c in segments_ if overlaps(c, held)),
            )
        )
    return fleet


disk_lists = st.lists(st.integers(0, 60), min_size=2, max_size=2).map(
    lambda short: [Disk(root, 100, 100 + s - 20) for root, s in zip(ROOTS, short, strict=True)]
)


def overlaps(candidate: Candidate, held: holds.Ranges) -> bool:
    """Said anew, instant by instant."""
    instants = set(range(candidate.key.start_us, candidate.end_us)) or {candidate.key.start_us}
    return any(instants & set(range(a, b)) for a, b in held)


def brute_force(fleet: list[Footage], wanted: list[Disk]) -> dict[Key, str]:
    """The same rules, one deletion at a time, each time looking at everything."""
    gone: dict[Key, str] = {}
    everything = [(f, c) for f in fleet for c in f.segments]
    free = {d.root: d.free_bytes + sum(f.garbage.get(d.root, 0) for f in fleet) for d in wanted}

    def go(candidate: Candidate, rule: str) -> None:
        gone[candidate.key] = rule
        free[candidate.root] += candidate.bytes

    def may_go(footage: Footage, candidate: Candidate) -> bool:
        young = footage.policy.min_age_us is not None and candidate.end_us > NOW - footage.policy.min_age_us
        return candidate.key not in gone and not overlaps(candidate, footage.holds) and not young

    for footage, candidate in everything:
        age = footage.policy.max_age_us
        if age is not None and candidate.end_us <= NOW - age and not overlaps(candidate, footage.holds):
            go(candidate, MAX_AGE)
    for footage in fleet:
        for candidate in footage.segments:
            # What is held takes no room.
            left = sum(c.bytes for c in footage.segments if c.key not in gone and not overlaps(c, footage.holds))
            most = footage.policy.max_bytes
            if most is not None and left > most and may_go(footage, candidate):
                go(candidate, MAX_BYTES)
    for disk in wanted:
        while free[disk.root] < disk.floor_bytes:
            chosen = _oldest_on(fleet, may_go, disk.root)
            if chosen is None:
                break
            go(chosen, SPACE)
    return gone


def _oldest_on(fleet: list[Footage], may_go: Callable[[Footage, Candidate], bool], root: str) -> Candidate | None:
    """What a walk through the cameras' segments, always on where the next one ends first, meets first on this root."""
    queues = [[c for c in f.segments if may_go(f, c)] for f in fleet]
    while any(queues):
        number = min((q[0].end_us, n) for n, q in enumerate(queues) if q)[1]
        candidate = queues[number].pop(0)
        if candidate.root == root:
            return candidate
    return None


@settings(max_examples=400)
@given(fleets(), disk_lists)
def test_the_planner_equals_brute_force(fleet: list[Footage], wanted: list[Disk]) -> None:
    found = plan(fleet, wanted, now_us=NOW)
    assert {d.candidate.key: d.rule for d in found.deletions} == brute_force(fleet, wanted)
    assert len({d.candidate.key for d in found.deletions}) == len(found.deletions)
    assert [d.candidate.end_us for d in found.deletions] == sorted(d.candidate.end_us for d in found.deletions)


@settings(max_examples=300)
@given(fleets(), disk_lists)
def test_what_is_protected_stays_and_nothing_goes_without_need(fleet: list[Footage], wanted: list[Disk]) -> None:
    found = plan(fleet, wanted, now_us=NOW)
    of = {f.camera: f for f in fleet}
    for deletion in found.deletions:
        candidate, footage = deletion.candidate, of[deletion.candidate.key.camera]
        assert not overlaps(candidate, footage.holds)
        if deletion.rule != MAX_AGE and footage.policy.min_age_us is not None:
            assert candidate.end_us <= NOW - footage.policy.min_age_us
    for disk in wanted:
        mine = [d for d in found.deletions if d.candidate.root == disk.root]
        for_space = [d.candidate.bytes for d in mine if d.rule == SPACE]
        others = sum(d.candidate.bytes for d in mine if d.rule != SPACE)
        short = disk.floor_bytes - disk.free_bytes - others - sum(f.garbage.get(disk.root, 0) for f in fleet)
        if for_space:
            assert short > 0 and sum(for_space) - max(for_space) < short, "more than needed"
        missing = [s.bytes for s in found.shortfalls if s.root == disk.root]
        assert missing == ([short - sum(for_space)] if short > sum(for_space) else [])
    late = [
        c
        for f in fleet
        for c in f.segments
        if f.policy.max_age_us is not None and c.end_us <= NOW - f.policy.max_age_us
    ]
    assert found.overdue == sum(overlaps(c, of[c.key.camera].holds) for c in late)


@given(fleets())
def test_nothing_goes_without_a_rule(fleet: list[Footage]) -> None:
    bare = [Footage(f.camera, Policy(), f.segments, f.bytes, f.holds, f.garbage) for f in fleet]
    assert plan(bare, [Disk(root, 100, 100) for root in ROOTS], now_us=10**9) == RetentionPlan([], [], 0, True)


@given(fleets(), disk_lists, st.integers(0, 5))
def test_a_bounded_plan_is_part_of_the_whole_one(fleet: list[Footage], wanted: list[Disk], most: int) -> None:
    whole = {d.candidate.key: d.rule for d in plan(fleet, wanted, now_us=NOW).deletions}
    part = plan(fleet, wanted, now_us=NOW, most=most)
    assert len(part.deletions) == min(most, len(whole))
    assert part.complete == (len(whole) <= most)
    assert {d.candidate.key: d.rule for d in part.deletions}.items() <= whole.items()


def test_of_policies_the_nearest_counts_key_by_key() -> None:
    labels = [
        LabelRule({"district": "north", "owner": "parks"}, Policy(max_bytes=1)),
        LabelRule({"district": "north"}, Policy(max_age_us=2, min_age_us=1)),
        LabelRule({"district": "north"}, Policy(max_age_us=99)),
    ]
    rules = Rules(Policy(max_age_us=5, max_bytes=6), labels)
    assert resolve(Policy(), {}, rules) == Policy(5, 6, None)
    assert resolve(Policy(), {"district": "north"}, rules) == Policy(2, 6, 1)
    assert resolve(Policy(max_age_us=7), {"district": "north", "x": "y"}, rules) == Policy(7, 6, 1)
    assert resolve(Policy(), {"district": "north", "owner": "parks"}, rules) == Policy(5, 1, None)
    assert Rules.from_wire(rules.to_wire()) == rules


# -- from the catalogue


def enter(world: World, camera: str, start_us: int, end_us: int, bytes_: int = 10, epoch: int = 1) -> Key:
    key = Key(camera, start_us, NODE, epoch)
    with world.database.write() as conn:
        segments.put_init(conn, mp4.init())
        segments.begin(
            conn, key, root=world.root.id, init=mp4.init().id, run_start_us=start_us, timescale=1000, media_start=0
        )
        segments.finish(conn, key, end_us=end_us, media_end=0, frames=1, bytes_=bytes_, sha256=None)
    return key


@pytest.mark.parametrize("seed", range(12))
def test_reading_lazily_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Random footage with overlaps (a clock set back) and holds: the loader's streams give the plan that
    all rows give."""
    monkeypatch.setattr("storage.retention.candidates._CHUNKS", (1, 2, 3))
    rng = random.Random(seed)
    now_us = T0_US + 100 * S
    everything: list[Candidate] = []
    policy_of: dict[str, Policy] = {}
    with world.database.write() as conn:
        add_camera(conn, "second")
    for camera in (CAMERA, "second"):
        starts = rng.sample(range(90), 25)
        for number, start in enumerate(starts):
            a, b = T0_US + start * S, T0_US + (start + rng.randint(1, 6)) * S
            key = enter(world, camera, a, b, rng.randint(1, 9), epoch=1 + number % 2)
            everything.append(Candidate(key, b, 0, world.root.id))
        ages = [rng.choice([None, rng.randint(0, 100) * S]) for _ in range(2)]
        policy_of[camera] = Policy(ages[0], rng.choice([None, rng.randint(0, 100)]), ages[1])
        for _ in range(rng.randint(0, 3)):
            a = T0_US + rng.randint(0, 90) * S
            with world.database.write() as conn:
                holds.place(conn, camera, a, a + rng.randint(1, 20) * S, reason="x", by=person("y"), now_us=now_us)
    found = [Disk(world.root.id, 0, rng.randint(0, 200))]
    with world.database.read() as conn:
        lazy = load(conn, policy_of, now_us=now_us)
        got = plan(lazy, found, now_us=now_us)
        held = holds.active(conn)
        full = []
        for camera in (CAMERA, "second"):
            rows = [segments.get(conn, c.key) for c in everything if c.key.camera == camera]
            mine = [Candidate(s.key, s.end_us, s.bytes, s.root) for s in rows if s is not None]
            mine.sort(key=lambda c: c.key.start_us)
            ranges, policy = held.get(camera, []), policy_of[camera]
            kept = sum(c.bytes for c in mine if holds.touches(c.key.start_us, c.end_us, ranges))
            kept = kept if policy.max_bytes is not None else 0
            full.append(Footage(camera, policy, mine, sum(c.bytes for c in mine), ranges, held_bytes=kept))
    # Of two that end at once, the first camera's goes first in both.
    full.sort(key=lambda f: f.camera)
    assert got == plan(full, found, now_us=now_us)


def test_what_is_confirmed_is_what_runs(world: World) -> None:
    keys = [enter(world, CAMERA, T0_US + n * S, T0_US + (n + 1) * S) for n in range(10)]
    in_force, wanted, now_us = Rules(), Rules(Policy(max_age_us=5 * S)), T0_US + 10 * S
    with world.database.read() as conn:
        planned = confirmed_plans.preview(conn, wanted, [], now_us=now_us)
    with world.database.write() as conn:
        made = confirmed_plans.packed(conn, planned.deletions, in_force)
        assert confirmed_plans.packed(conn, list(reversed(planned.deletions)), in_force) == made
        confirmed_plans.save(conn, made, now_us=now_us)
        hash_ = made.hash
    sums = confirmed_plans.summary(planned.deletions)
    assert (sums.segments, sums.recorded_us, sums.bytes, sums.cameras, sums.oldest_us) == (5, 5 * S, 50, 1, T0_US)
    assert sums.by_rule == {MAX_AGE: (5, 50)}

    def confirmed(rules: Rules = in_force, at_us: int = now_us, which: str = hash_) -> confirmed_plans.Todo:
        with world.database.read() as conn:
            return confirmed_plans.confirmed(conn, which, rules, now_us=at_us)

    # More footage is due by the time it is confirmed: not a part of this plan.
    assert confirmed(at_us=now_us + 100 * S).deletions == planned.deletions
    for refused in (
        lambda: confirmed(at_us=now_us + 3601 * S),
        lambda: confirmed(which="0" * 64),
        lambda: confirmed(rules=wanted),
    ):
        with pytest.raises(confirmed_plans.PlanError):
            refused()
    with world.database.write() as conn:
        hold = holds.place(conn, CAMERA, T0_US + S, T0_US + 2 * S, reason="case 1", by=person("ines"), now_us=now_us)
    with pytest.raises(confirmed_plans.PlanError, match="hold"):
        confirmed()
    with world.database.write() as conn:
        holds.release(conn, hold.id, reason="over", by=person("anna"), now_us=now_us)
        garbage.discard(conn, keys[:1], cause=Cause.PRUNED, detail={"policy": MAX_AGE}, now_us=now_us)
    todo = confirmed()
    assert todo.gone == 1
    apply(world.database, todo.deletions, now_us=now_us, by=person("anna"))
    with world.database.read() as conn:
        assert [key for key in keys if segments.get(conn, key) is None] == [d.candidate.key for d in planned.deletions]
    assert {f.detail.get("person") for f in world.facts() if f.cause is Cause.PRUNED} == {None, "anna"}


# -- forecast


def test_promises_that_fit_and_that_do_not() -> None:
    hour = 3600 * S
    a = Recorded("a", 10.0, 10 * hour, 0, 0)
    b = Recorded("b", 10.0, 4 * hour, 0, 0)
    needed = 10 * 14 * 3600
    assert forecast([a, b], needed, now_us=0) == Forecast(needed, needed, 20.0, None, [])
    # Both grow until b has its four hours; then a alone, until it has taken what is left.
    short = forecast([a, b], 10 * 12 * 3600, now_us=0)
    assert [(m.camera, m.reachable_us) for m in short.misses] == [("a", 8 * hour)]
    assert short.full_us == 8 * hour
    # b matters more: it is kept whole. Less important ones share what is left.
    c = Recorded("c", 10.0, 10 * hour, 0, 0)
    urgent = forecast([a, Recorded("b", 10.0, 4 * hour, 5, 0), c], 10 * 8 * 3600, now_us=0)
    assert [(m.camera, m.reachable_us) for m in urgent.misses] == [("a", 2 * hour), ("c", 2 * hour)]
    # Already full: now.
    assert forecast([Recorded("a", 10.0, 10 * hour, 0, -20 * hour)], 10, now_us=7).full_us == 7


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(1, 100), st.integers(0, 2), st.integers(0, 120)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 20_000),
)
def test_forecast_fills_the_disk_exactly(rows: list[tuple[int, int, int, int]], room: int) -> None:
    fleet = [Recorded(f"c{n}", float(r), m * S, p, -age * S) for n, (r, m, p, age) in enumerate(rows)]
    found = forecast(fleet, room, now_us=0)
    assert (found.full_us is None) == (not found.misses) == (found.needed_bytes <= room)
    if found.misses:
        reached = {m.camera: m.reachable_us for m in found.misses}
        used = sum(c.bytes_per_s * reached.get(c.camera, c.min_age_us or 0) / 1e6 for c in fleet)
        assert used == pytest.approx(room, abs=1)
        least = max(c.priority for c in fleet if c.camera in reached)
        assert all(reached.get(c.camera) == 0 for c in fleet if c.priority < least)


def test_bitrates_are_measured_from_spans(world: World, tmp_path: Path) -> None:
    now_us = T0_US + 86_400 * S
    enter(world, CAMERA, T0_US - 1000 * S, T0_US + 1000 * S, 2000)
    enter(world, CAMERA, now_us - 1000 * S, now_us, 3000)
    with world.database.write() as conn:
        holds.place(conn, CAMERA, T0_US, T0_US + 1, reason="x", by=person("y"), now_us=now_us)
    with world.database.read() as conn:
        assert cameras.find(conn, CAMERA) is not None
        fleet, total = measure(conn, {CAMERA: Policy(min_age_us=500 * S)}, now_us=now_us)
    assert total == 5000
    (camera,) = fleet
    assert camera.bytes_per_s == pytest.approx((1000 + 3000) / 86_400)
    assert (camera.oldest_us, camera.held_bytes, camera.min_age_us) == (T0_US - 1000 * S, 2000, 500 * S)


def test_deletion_is_told_by_whom() -> None:
    deletion = Deletion(Candidate(Key("a", 1, "n", 1), 2, 3, "r"), MAX_AGE)
    assert confirmed_plans._deletions(confirmed_plans._text([deletion])) == [deletion]
