"""A real file system without a free byte: what was recorded stays, can be watched, and is closed by itself once there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import facts, segments
from storage.backlog import Backlog
from storage.causes import Cause
from storage.disk_writer import DiskWriter
from storage.files import FILES
from storage.roots import Root, register
from storage.segment_file import read
from tests.storage import mp4
from tests.storage.world import CAMERA, T0_US, InlineCatalogue, Recorder, World, assert_consistent, assert_partition

NOW_US = T0_US + 600_000_000


@pytest.fixture
def full(world: World, tmp_path: Path) -> Iterator[Root]:
    """The world's root, on a disk of 1 MiB of its own; the catalogue is on another."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "nvr-test", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a file system of its own can't be mounted here: {mounted.stderr.strip()}")
    try:
        with world.database.write() as conn:
            world.roots = register(conn, [folder])
        yield world.root
    finally:
        world.close()
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(root: Root) -> Path:
    """Takes every byte that is left."""
    path = root.path / "somebody-elses"
    with path.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    assert FILES.usage(root.path)[0] == 0
    return path


def test_a_start_without_a_free_byte_adopts_once_there_is_room(world: World, full: Root) -> None:
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    # As many fragments as leave no room for a tail in the last block.
    count = next(n for n in range(20, 400) if -world.part(T0_US, range(n), row=False).stat().st_size % 4096 < 200)
    world.part(T0_US, range(count))
    taken = fill(full)
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
    taken = fill(full)
    for _ in range(40):
        recorder.append()
    (handle,) = recorder.handles
    assert handle.error is not None and not handle.done
    kept_us = handle.written_until_us - T0_US
    assert kept_us >= 5 * mp4.FRAGMENT_US
    for _ in range(3):
        writer._broken[0] = (0.0, handle)
        writer._salvage_due()
        assert_partition(world.coverage(T0_US, NOW_US, NOW_US))
        assert world.coverage(T0_US, NOW_US, NOW_US).recorded_us == kept_us
    if not handle.done:
        taken.unlink()
        writer._broken[0] = (0.0, handle)
        writer._salvage_due()
    assert handle.done
    recorder.end(Cause.DISK_FULL, handle.written_until_us)
    assert_consistent(world)
    assert world.coverage(T0_US, NOW_US, NOW_US).recorded_us == kept_us
