"""A real file system without a free byte: what was recorded stays, can be watched, and is closed by itself once there
is room."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.disk.files import FILES, Files
from storage.disk.reserve import Reserve
from storage.disk.roots import Root, register
from storage.recovery.backlog import Backlog
from storage.writing.disk_writer import DiskWriter
from tests.storage import mp4
from tests.storage.world import (
    CAMERA,
    T0_US,
    InlineCatalogue,
    Recorder,
    World,
    assert_consistent,
    assert_partition,
    later_s,
)
from tests.support.mounts import mounted
from tests.support.segments import read

NOW_US = T0_US + 600_000_000


@pytest.fixture
def full(world: World, tmp_path: Path) -> Iterator[Root]:
    """The world's root, on a disk of 1 MiB of its own; the catalogue is on another."""
    with mounted(tmp_path / "disk", "1m") as folder:
        with world.database.write() as conn:
            world.roots = register(conn, [folder])
        try:
            yield world.root
        finally:
            world.close()


def fill(folder: Path) -> Path:
    """Takes every byte that is left."""
    path = folder / "somebody-elses"
    with path.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    assert FILES.usage(folder)[0] == 0
    return path


def test_a_start_without_a_free_byte_adopts_once_there_is_room(world: World, full: Root) -> None:
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    # As many fragments as leave no room for a tail in the last block.
    count = next(n for n in range(20, 400) if -world.part(T0_US, range(n), row=False).stat().st_size % 4096 < 200)
    world.part(T0_US, range(count))
    taken = fill(full.path)
    backlog = Backlog(world.database)
    report = world.reconcile(NOW_US, backlog=backlog)
    assert (report.adopted, report.later, report.missing) == (0, 1, 0)
    for _ in range(3):
        settled = backlog.settle_one(full.id)
        answer = world.coverage(T0_US, NOW_US, NOW_US)
        assert_partition(answer)
        assert answer.recorded_us == count * mp4.FRAGMENT_US
        with world.database.read() as conn:
            (segment,) = segments.between(conn, CAMERA, T0_US, NOW_US)
        assert len(read(segment.path).index.fragments) == count, "it can be watched"
    assert settled is False
    taken.unlink()
    assert backlog.settle_one(full.id) is True
    assert_consistent(world)
    assert world.coverage(T0_US, NOW_US, NOW_US).recorded_us == count * mp4.FRAGMENT_US


def test_a_disk_that_fills_up_while_recording_keeps_what_was_written(world: World, full: Root) -> None:
    catalogue = InlineCatalogue(world.database)
    writer = DiskWriter(full, catalogue, sync_interval_s=0.0)
    recorder = Recorder(world, writer, catalogue, T0_US)
    recorder.begin()
    for _ in range(5):
        recorder.append()
    taken = fill(full.path)
    for _ in range(40):
        recorder.append()
    (handle,) = recorder.handles
    assert handle.error is not None and not handle.done
    kept_us = handle.written_until_us - T0_US
    assert kept_us >= 5 * mp4.FRAGMENT_US
    for turn in range(3):
        writer.salvage.poll(later_s(turn))
        assert_partition(world.coverage(T0_US, NOW_US, NOW_US))
        assert world.coverage(T0_US, NOW_US, NOW_US).recorded_us == kept_us
    if not handle.done:
        taken.unlink()
        writer.salvage.poll(later_s(3))
    assert handle.done
    recorder.end(Cause.DISK_FULL, handle.written_until_us)
    assert_consistent(world)
    assert world.coverage(T0_US, NOW_US, NOW_US).recorded_us == kept_us


def test_a_catalogue_on_a_disk_without_a_free_byte_has_room_of_its_own(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "64m") as folder:
        database = Database(folder / "catalogue.sqlite")
        database.migrate()
        reserve = Reserve(database.path)
        assert reserve.poll() is False and reserve.path.stat().st_blocks * 512 >= 64 << 20 >> 7

        def writes() -> None:
            """More than what is open already has room for."""
            with database.write() as conn:
                conn.executemany(
                    "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
                    [(f"k{n}", "v" * 1000) for n in range(100)],
                )

        taken = fill(folder)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            writes()
        assert reserve.poll() is True and not reserve.path.exists()
        writes()
        fill(folder)
        assert reserve.poll() is False, "there is only one"
        taken.unlink()
        assert reserve.poll() is False and reserve.path.exists(), "it is there for the next time"
        assert reserve.give_up() is False
        database.close()


def test_a_reserve_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    class Refusing(Files):
        def allocate(self, fd: int, size: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    reserve = Reserve(tmp_path / "catalogue.sqlite", Refusing())
    with pytest.raises(OSError):
        reserve.poll()
    assert not reserve.path.exists()


def test_a_reserve_that_a_kill_left_empty_is_made_whole(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "catalogue.sqlite")
    reserve.path.touch()
    assert reserve.poll() is False
    assert reserve.path.stat().st_size > 0 and reserve.path.stat().st_blocks * 512 >= reserve.path.stat().st_size
