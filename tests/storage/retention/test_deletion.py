"""Plans carried out on real files: ledger, folders, disks that refuse."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage.catalogue import cameras
from storage.catalogue.segments import Key
from storage.causes import Cause, Layer
from storage.disk.files import Files
from storage.disk.roots import IDENTITY_FILE
from storage.retention import deleting as garbage
from storage.retention.applying import Applied, apply
from storage.retention.candidates import load
from storage.retention.free_space import disks
from storage.retention.plan import Deletion, Disk, Policy, plan
from storage.tiers.local import LocalTier
from tests.storage.oracle import spans_between
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera, assert_consistent, assert_partition

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US


def planned(world: World, policy: Policy, now_us: int, found: Sequence[Disk] = ()) -> list[Deletion]:
    """What this policy of all cameras deletes."""
    with world.database.read() as conn:
        policy_of = {camera.id: policy for camera in cameras.list_all(conn)}
        return list(plan(load(conn, policy_of, now_us=now_us), found, now_us=now_us).deletions)


def make(world: World, count: int, camera: str = CAMERA) -> list[Path]:
    """Segments of a second each, one behind the other."""
    return [
        world.part(T0_US + n * SECOND_US, [2 * n, 2 * n + 1], final_name=True, enter=True, camera=camera)
        for n in range(count)
    ]


def test_judged_by_its_end_and_never_a_growing_one(world: World) -> None:
    paths = make(world, 3)
    world.part(T0_US + 3 * SECOND_US, [6, 7])
    policy = Policy(max_age_us=10 * SECOND_US)
    at = T0_US + 12 * SECOND_US
    assert [d.candidate.key.start_us for d in planned(world, policy, at - 1)] == [T0_US]
    deletions = planned(world, policy, T0_US + 10**12)
    assert len(deletions) == 3
    freed = sum(path.stat().st_size for path in paths)
    assert apply(world.database, deletions, now_us=at) == Applied(3, freed)
    assert [path.name.endswith(".part.mp4") for path in world.files_on_disk()] == [True]


def test_deletions_are_told_apart_from_never_recorded(world: World) -> None:
    make(world, 4)
    deletions = planned(world, Policy(max_age_us=0), T0_US + 2 * SECOND_US)
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
        deletions = planned(world, Policy(), NOW_US, disks(world.roots, 2500, 0.0, files))
        given_up += len(deletions)
        apply(world.database, deletions, now_us=NOW_US, tier=LocalTier(files))
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
        assert [(s.start_us - T0_US) // SECOND_US for s in spans_between(conn, CAMERA, T0_US, NOW_US)] == [
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
    deletions = planned(world, Policy(max_age_us=0), NOW_US)
    apply(world.database, deletions, now_us=NOW_US)
    assert [p.name for p in (world.root.path / CAMERA).iterdir()] == []


def test_the_oldest_go_first_whichever_camera_has_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.retention.candidates._CHUNKS", (1, 2))
    with world.database.write() as conn:
        add_camera(conn, "second")
    make(world, 8)
    world.part(T0_US + 4 * SECOND_US + 5, [0, 1], final_name=True, enter=True, camera="second")
    deletions = planned(world, Policy(), NOW_US, [Disk(world.root.id, 0, 10**9)])
    assert [d.candidate.key.camera for d in deletions] == [CAMERA] * 5 + ["second"] + [CAMERA] * 3
