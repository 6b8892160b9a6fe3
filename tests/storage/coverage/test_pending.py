"""What is being written while what follows is listed already: neither footage yet nor a gap, in every answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.coverage.fleet import read_batch
from storage.coverage.one_camera import Coverage
from storage.disk.files import Files
from storage.disk.roots import register
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, assert_partition
from tests.storage.writing.test_writers import append, close
from tests.support.waiting import until

US = mp4.FRAGMENT_US
LATER_US = T0_US + 100 * US


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class HeldBack(Files):
    """A disk that keeps the sync of a close waiting, or the names of new files."""

    def __init__(self) -> None:
        self.go, self.names = threading.Event(), threading.Event()
        self.names.set()

    def sync(self, fd: int) -> None:
        assert self.go.wait(10)
        super().sync(fd)

    def sync_folder(self, path: Path) -> None:
        if threading.current_thread().name.startswith("sync-"):
            assert self.names.wait(10)
        super().sync_folder(path)


def open_at(writer: DiskWriter, start: int) -> SegmentHandle:
    head = Head(
        CAMERA, NODE, 1, T0_US, T0_US + start * US, start * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT, mp4.TIMESCALE
    )
    return writer.open(head, mp4.init(), IndexBuilder(mp4.tracks()), start == 0)


def told(world: World) -> Coverage:
    """What is said much later, which the fleet's answer must say too: no gap of unknown cause."""
    answer = world.coverage(T0_US, LATER_US, LATER_US)
    assert_partition(answer)
    assert Cause.UNKNOWN not in {gap.cause for gap in answer.gaps}, answer
    with world.database.read() as conn:
        key = conn.execute("SELECT key FROM camera WHERE id = ?", (CAMERA,)).fetchone()[0]
        batch = read_batch(conn, [(key, CAMERA)], T0_US, LATER_US, now_us=LATER_US)
    assert min(int(batch.as_of_us[0]), LATER_US) == answer.as_of_us
    assert list(zip(batch.gaps.start_us.tolist(), batch.gaps.end_us.tolist(), strict=True)) == [
        (gap.start_us, gap.end_us) for gap in answer.gaps
    ]
    return answer


def listed(world: World) -> list[Key]:
    with world.database.read() as conn:
        return [s.key for s in segments.growing(conn)]


def test_a_close_that_takes_long_leaves_no_gap_before_its_successor(world: World) -> None:
    files, catalogue = HeldBack(), CatalogueWriter(world.database, status_interval_s=0.05)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=60, files=files)
    catalogue.start()
    writer.start()
    with world.database.write() as conn:
        conn.execute("DELETE FROM fact")
    first = open_at(writer, 0)
    for number in range(4):
        assert append(writer, first, number)
    until(lambda: listed(world))
    close(writer, first, 4)
    second = open_at(writer, 4)
    assert append(writer, second, 0)
    until(lambda: len(listed(world)) == 2)
    answer = told(world)
    assert answer.spans == [(T0_US, answer.as_of_us)] and answer.as_of_us >= T0_US + 4 * US
    assert not first.done
    files.go.set()
    close(writer, second, 1)
    assert writer.stop(10) and catalogue.close(10)
    assert told(world).spans[0] == (T0_US, T0_US + 5 * US)


def test_what_waits_for_a_slow_disk_is_not_known_while_its_successor_is_on_another(world: World) -> None:
    with world.database.write() as conn:
        conn.execute("DELETE FROM fact")
        roots = register(conn, [world.root.path, world.folder / "other"])
    catalogue = CatalogueWriter(world.database, status_interval_s=0.05)
    files = HeldBack()
    slow, quick = (DiskWriter(root, catalogue, sync_interval_s=60, files=files) for root in roots)
    files.go.set()
    catalogue.start()
    first = open_at(slow, 0)
    assert append(slow, first, 0)
    # It begins, and then does nothing for long.
    slow._turn()
    slow._turn()
    until(lambda: listed(world))
    for number in range(1, 4):
        assert append(slow, first, number)
    close(slow, first, 4)
    quick.start()
    second = open_at(quick, 4)
    assert append(quick, second, 0)
    until(lambda: len(listed(world)) == 2)
    answer = told(world)
    assert answer.as_of_us < T0_US + 4 * US and not answer.gaps
    slow.start()
    close(quick, second, 1)
    assert slow.stop(10) and quick.stop(10) and catalogue.close(10)
    assert told(world).spans[0] == (T0_US, T0_US + 5 * US)


def test_a_run_that_ends_before_its_last_file_has_a_name_leaves_no_gap(world: World) -> None:
    with world.database.write() as conn:
        conn.execute("DELETE FROM fact")
    files, catalogue = HeldBack(), CatalogueWriter(world.database, status_interval_s=0.05)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=60, files=files)
    catalogue.start()
    writer.start()
    first = open_at(writer, 0)
    assert append(writer, first, 0)
    until(lambda: first.named)
    files.names.clear()
    close(writer, first, 1)
    second = open_at(writer, 1)
    assert append(writer, second, 0)
    until(lambda: not writer.queued_bytes)
    until_us = T0_US + 2 * US
    with world.database.write() as conn:
        segments.grown(conn, first.key, T0_US + US)
        segments.end_run(conn, Key(CAMERA, T0_US, NODE, 1), end_us=until_us, cause=Cause.UNREACHABLE, detail={})
        segments.grown(conn, second.key, until_us)
        facts.set_cause(conn, CAMERA, until_us, Cause.UNREACHABLE, {}, node=NODE, epoch=1)
    answer = world.coverage(T0_US, LATER_US, until_us + US)
    assert not answer.gaps and answer.spans == [(T0_US, T0_US + US)] and answer.as_of_us == T0_US + US
    close(writer, second, 1)
    files.names.set()
    files.go.set()
    assert writer.stop(10) and catalogue.close(10)
    answer = world.coverage(T0_US, LATER_US, until_us + US)
    assert answer.spans == [(T0_US, until_us)] and [gap.cause for gap in answer.gaps] == [Cause.UNREACHABLE]
