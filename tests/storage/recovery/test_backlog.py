"""Unfinished segments that a start leaves for later: adopted while their cameras record again."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.files import Files
from storage.recovery.backlog import Backlog
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera, assert_consistent, assert_partition

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US


def recording(world: World, camera: str = CAMERA) -> None:
    with world.database.write() as conn:
        facts.resume(conn, camera, T0_US)


def drain(backlog: Backlog, world: World) -> None:
    while backlog.settle_one(world.root.id):
        pass


def test_recording_again_does_not_wait_and_the_story_is_whole_before_and_after(world: World) -> None:
    recording(world)
    path = world.part(T0_US, [0, 1, 2], extra=b"half a fragment")
    with world.database.write() as conn:
        conn.execute("UPDATE growing SET until_us = ?", (T0_US + mp4.FRAGMENT_US,))
        segments.begin_run(conn, Key(CAMERA, T0_US, NODE, 1))
    backlog = Backlog(world.database)
    report = world.reconcile(NOW_US, backlog=backlog, patience_s=-1.0)
    assert (report.adopted, report.later) == (0, 1) and path.exists()
    before = world.coverage(T0_US, NOW_US, NOW_US)
    assert_partition(before)
    assert before.recorded_us == mp4.FRAGMENT_US, "as far as it was known to reach"
    # The camera records again, under a higher epoch, which must not be touched.
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, NOW_US)
    own = world.part(NOW_US, [20], epoch=9)
    drain(backlog, world)
    assert not path.exists() and own.exists() and not backlog.keys() and backlog.report.adopted == 1
    with world.database.read() as conn:
        (grown,) = segments.growing(conn)
        assert grown.key.epoch == 9
        run = conn.execute("SELECT end_us, cause FROM run WHERE epoch = 1").fetchone()
    assert tuple(run) == (T0_US + 3 * mp4.FRAGMENT_US, "server_down")
    after = world.coverage(T0_US, NOW_US + SECOND_US, NOW_US + SECOND_US)
    assert_partition(after)
    first = next(gap for gap in after.gaps)
    assert (first.start_us, first.end_us, first.cause) == (T0_US + 3 * mp4.FRAGMENT_US, NOW_US, Cause.SERVER_DOWN)


@pytest.mark.parametrize("held", [0, 1])
def test_less_footage_than_was_believed_has_a_cause(world: World, held: int) -> None:
    """After power loss: the row says more than the file holds, or the file holds nothing."""
    recording(world)
    path = world.part(T0_US, [0, 1, 2])
    if held:
        header = len(path.read_bytes()) - sum(len(mp4.fragment(n)[0]) for n in range(3))
        path.write_bytes(path.read_bytes()[: header + len(mp4.fragment(0)[0])])
    else:
        path.unlink()
    backlog = Backlog(world.database)
    world.reconcile(NOW_US, backlog=backlog, patience_s=-1.0)
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, NOW_US)
    drain(backlog, world)
    assert not backlog.keys()
    answer = world.coverage(T0_US, NOW_US, NOW_US)
    assert_partition(answer)
    assert answer.recorded_us == held * mp4.FRAGMENT_US
    assert {gap.cause for gap in answer.gaps} <= {Cause.MISSING, Cause.SERVER_DOWN}


def test_what_a_full_disk_refuses_is_adopted_once_there_is_room(world: World) -> None:
    class Full(Files):
        room = False

        def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "full")
            return super().write(fd, buffers)

    recording(world)
    world.part(T0_US, [0, 1])
    files = Full()
    backlog = Backlog(world.database, files)
    report = world.reconcile(NOW_US, backlog=backlog, files=files)
    assert (report.adopted, report.later) == (0, 1), "within its patience, but refused"
    assert_partition(world.coverage(T0_US, NOW_US, NOW_US))
    assert backlog.settle_one(world.root.id) is False
    # A worker dies meanwhile: what waits is not taken twice.
    again = world.reconcile(NOW_US + SECOND_US, only=[CAMERA], backlog=backlog, files=files)
    assert again.later == 0 and len(backlog.keys()) == 1
    files.room = True
    assert backlog.settle_one(world.root.id) is True
    assert_consistent(world)
    answer = world.coverage(T0_US, NOW_US, NOW_US)
    assert_partition(answer)
    assert answer.recorded_us == 2 * mp4.FRAGMENT_US


def test_a_root_whose_disk_went_away_waits(world: World) -> None:
    recording(world)
    world.part(T0_US, [0, 1])
    backlog = Backlog(world.database)
    world.reconcile(NOW_US, backlog=backlog, patience_s=-1.0)
    away = world.root.path.with_name("away")
    world.root.path.rename(away)
    assert backlog.settle_one(world.root.id) is False
    with world.database.read() as conn:
        assert len(segments.growing(conn)) == 1, "not missing: its disk is"
    away.rename(world.root.path)
    assert backlog.settle_one(world.root.id) is True
    assert_consistent(world)


def test_threads_work_the_backlog_off_and_stop_between_files(world: World) -> None:
    class Watched(Files):
        def __init__(self) -> None:
            self.entered, self.go = threading.Event(), threading.Event()

        def sync_folder(self, path: object) -> None:
            self.entered.set()
            assert self.go.wait(10)

    with world.database.write() as conn:
        for number in range(5):
            add_camera(conn, f"cam-{number}")
    for number in range(5):
        recording(world, f"cam-{number}")
        world.part(T0_US, [0, 1], camera=f"cam-{number}")
    files = Watched()
    backlog = Backlog(world.database, files)
    assert world.reconcile(NOW_US, backlog=backlog, patience_s=-1.0).later == 5
    backlog.start()
    assert files.entered.wait(10)
    assert not backlog.stop(0.0), "a file is at hand"
    files.go.set()
    assert backlog.stop(10) and backlog.report.adopted == 1 and len(backlog.keys()) == 4
    # What was left is the next start's.
    assert world.reconcile(NOW_US).adopted == 4
    later = Backlog(world.database)
    later.start()
    assert later.stop(1)
