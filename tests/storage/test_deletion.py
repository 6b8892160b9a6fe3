"""What goes, why, and in which order: the planner's properties, and its execution on real files."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import garbage, segments
from storage.causes import Cause, Layer
from storage.files import Files
from storage.retention import Candidate, Deletion, Disk, Footage, Policy, apply, disks, load, plan
from storage.roots import IDENTITY_FILE
from storage.segments import Key
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera, assert_consistent, assert_partition

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US
ROOTS = ("r1", "r2")


@st.composite
def fleets(draw: st.DrawFn) -> list[Footage]:
    fleet = []
    for number in range(draw(st.integers(0, 3))):
        rows = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9), st.sampled_from(ROOTS)), max_size=8))
        oldest = sorted(
            (Candidate(Key(f"c{number}", i, "n", 1), end, size, root) for i, (end, size, root) in enumerate(rows)),
            key=lambda c: c.end_us,
        )
        rule = st.one_of(st.none(), st.integers(0, 60))
        more = draw(st.booleans())
        total = sum(c.bytes for c in oldest) + (draw(st.integers(0, 20)) if more else 0)
        rotten = draw(st.dictionaries(st.sampled_from(ROOTS), st.integers(0, 9)))
        fleet.append(Footage(f"c{number}", Policy(draw(rule), draw(rule)), oldest, total, more, rotten))
    return fleet


disk_lists = st.lists(st.integers(0, 60), min_size=2, max_size=2).map(
    lambda short: [Disk(root, 100, 100 + s - 20) for root, s in zip(ROOTS, short, strict=True)]
)


@given(fleets(), disk_lists)
def test_the_planner(fleet: list[Footage], wanted: list[Disk]) -> None:
    now = 55
    deletions = plan(fleet, wanted, now_us=now)
    assert len({d.candidate.key for d in deletions}) == len(deletions)
    assert [d.candidate.end_us for d in deletions] == sorted(d.candidate.end_us for d in deletions)
    by_camera = {f.camera: f for f in fleet}
    gone = {d.candidate.key for d in deletions}
    for footage in fleet:
        mine = [d for d in deletions if d.candidate.key.camera == footage.camera]
        assert all(d.candidate in footage.oldest for d in mine)
        age, most = footage.policy.max_age_us, footage.policy.max_bytes
        for candidate in footage.oldest:
            if age is not None and candidate.end_us <= now - age:
                assert candidate.key in gone, "a privacy limit was missed"
        for d in mine:
            if d.rule == "max_age":
                assert age is not None and d.candidate.end_us <= now - age
        by_bytes = [d for d in mine if d.rule == "max_bytes"]
        left = footage.bytes - sum(d.candidate.bytes for d in mine if d.rule != "free_space_floor")
        if by_bytes:
            assert most is not None and left + by_bytes[-1].candidate.bytes > most, "more than needed"
        if most is not None and left > most:
            assert not [c for c in footage.oldest if c.key not in gone], "less than needed"
    for disk in wanted:
        floor = [d for d in deletions if d.rule == "free_space_floor" and d.candidate.root == disk.root]
        rotten = sum(f.garbage.get(disk.root, 0) for f in fleet)
        others = sum(d.candidate.bytes for d in deletions if d.candidate.root == disk.root and d not in floor)
        short = disk.floor_bytes - disk.free_bytes - rotten - others
        if floor:
            assert sum(d.candidate.bytes for d in floor) - floor[-1].candidate.bytes < short, "more than needed"
            youngest = floor[-1].candidate.end_us
            for footage in by_camera.values():
                mine_here = [c for c in footage.oldest if c.root == disk.root]
                assert not [c for c in mine_here if c.end_us < youngest and c.key not in gone], "not oldest first"
                if footage.more and mine_here:
                    assert youngest <= mine_here[-1].end_us, "what was not looked at may be older"


@given(fleets())
def test_nothing_goes_without_a_rule(fleet: list[Footage]) -> None:
    bare = [Footage(f.camera, Policy(), f.oldest, f.bytes, f.more, f.garbage) for f in fleet]
    assert plan(bare, [Disk(root, 100, 100) for root in ROOTS], now_us=10**9) == []


def make(world: World, count: int, camera: str = CAMERA) -> list[Path]:
    """Segments of a second each, one behind the other."""
    return [
        world.part(T0_US + n * SECOND_US, [2 * n, 2 * n + 1], final_name=True, enter=True, camera=camera)
        for n in range(count)
    ]


def test_judged_by_its_end_and_never_a_growing_one(world: World) -> None:
    paths = make(world, 3)
    world.part(T0_US + 3 * SECOND_US, [6, 7])
    with world.database.read() as conn:
        footage = load(conn, {}, Policy(max_age_us=10 * SECOND_US))
    at = T0_US + 12 * SECOND_US
    assert [d.candidate.key.start_us for d in plan(footage, [], now_us=at - 1)] == [T0_US]
    deletions = plan(footage, [], now_us=T0_US + 10**12)
    assert len(deletions) == 3
    freed = sum(path.stat().st_size for path in paths)
    assert apply(world.database, deletions, now_us=at) == freed
    assert [path.name.endswith(".part.mp4") for path in world.files_on_disk()] == [True]


def test_deletions_are_told_apart_from_never_recorded(world: World) -> None:
    make(world, 4)
    with world.database.read() as conn:
        footage = load(conn, {CAMERA: Policy(max_age_us=0)}, Policy())
    deletions = plan(footage, [], now_us=T0_US + 2 * SECOND_US)
    apply(world.database, deletions, now_us=NOW_US)
    world.reconcile(NOW_US)
    answer = world.coverage(T0_US - 5, T0_US + 5 * SECOND_US, NOW_US)
    assert_partition(answer)
    assert [(g.cause, (g.end_us - g.start_us)) for g in answer.gaps] == [
        (Cause.NOT_CONFIGURED, 5),
        (Cause.PRUNED, 2 * SECOND_US),
        (Cause.SERVER_DOWN, SECOND_US),
    ]
    ledger = [f for f in world.facts() if f.layer is Layer.FOOTAGE]
    assert len(ledger) == 1 and ledger[0].detail["segments"] == 2 and ledger[0].detail["policy"] == "max_age"
    assert_consistent(world)


def test_a_disk_that_unlinks_nothing_does_not_cost_the_archive(world: World) -> None:
    class ReadOnly(Files):
        def unlink(self, path: Path) -> None:
            raise OSError(errno.EROFS, "read-only")

        def usage(self, path: Path) -> tuple[int, int]:
            return 0, 10_000

    paths = make(world, 20)
    files = ReadOnly()
    given_up = 0
    for _ in range(10):
        with world.database.read() as conn:
            footage = load(conn, {}, Policy())
        deletions = plan(footage, disks(world.roots, 2500, 0.0, files), now_us=NOW_US)
        given_up += len(deletions)
        apply(world.database, deletions, now_us=NOW_US, files=files)
    size = paths[0].stat().st_size
    assert given_up == -(-2500 // size)
    assert all(path.exists() for path in paths)
    assert garbage.sweep(world.database) == given_up
    assert_consistent(world)


def test_a_root_that_is_away_has_no_floor(world: World) -> None:
    assert [disk.root for disk in disks(world.roots, 5, 0.5)] == [world.root.id]
    (world.root.path / IDENTITY_FILE).unlink()
    assert disks(world.roots, 5, 0.5) == []
    world.root.path.rmdir()
    assert disks(world.roots, 5, 0.5) == []


def test_segments_in_the_middle_and_across_midnight(world: World) -> None:
    paths = make(world, 5)
    with world.database.write() as conn:
        garbage.discard(
            conn,
            [Key(CAMERA, T0_US + n * SECOND_US, NODE, 1) for n in (1, 3, 9)],
            cause=Cause.DELETED,
            detail={"person": "x"},
            now_us=NOW_US,
        )
        assert [(s.start_us - T0_US) // SECOND_US for s in segments.spans_between(conn, CAMERA, T0_US, NOW_US)] == [
            0,
            2,
            4,
        ]
        rows = conn.execute("SELECT segments, bytes FROM span ORDER BY start_us").fetchall()
    sizes = [path.stat().st_size for path in paths]
    assert [tuple(row) for row in rows] == [(1, sizes[0]), (1, sizes[2]), (1, sizes[4])]
    assert garbage.sweep(world.database) == 2
    assert_consistent(world)


def test_empty_folders_go_and_the_cameras_stays(world: World) -> None:
    make(world, 2)
    with world.database.read() as conn:
        deletions = plan(load(conn, {}, Policy(max_age_us=0)), [], now_us=NOW_US)
    apply(world.database, deletions, now_us=NOW_US)
    assert [p.name for p in (world.root.path / CAMERA).iterdir()] == []


def test_the_oldest_go_first_although_one_camera_has_very_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.retention._LOOK_AHEAD", 3)
    with world.database.write() as conn:
        add_camera(conn, "second")
    make(world, 8)
    world.part(T0_US + 60 * SECOND_US, [0, 1], final_name=True, enter=True, camera="second")
    with world.database.read() as conn:
        footage = load(conn, {}, Policy())
    deletions: list[Deletion] = plan(footage, [Disk(world.root.id, 0, 10**9)], now_us=NOW_US)
    assert [d.candidate.key.camera for d in deletions] == [CAMERA] * 3
