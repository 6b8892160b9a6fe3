"""The two writing threads: the disk's and the catalogue's, with disks and catalogues that refuse."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.catalogue.status import Status
from storage.causes import Cause
from storage.disk.files import FILES, Files
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.broken_segments import paths
from storage.writing.catalogue_writer import CatalogueWriter, Operation
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from storage.writing.segment_writer import SegmentWriter
from storage.writing.threads import Digest, Hasher
from tests.storage import mp4
from tests.storage.world import (
    CAMERA,
    NODE,
    T0_US,
    InlineCatalogue,
    Recorder,
    World,
    assert_consistent,
    assert_partition,
    later_s,
    pump,
)
from tests.support.waiting import until


def insert(statement: str, number: int) -> Operation:
    def run(conn: sqlite3.Connection) -> None:
        conn.execute(statement, (number,))

    return run


def open_segment(writer: DiskWriter, start_us: int = T0_US) -> SegmentHandle:
    return writer.open(
        Head(CAMERA, NODE, 1, start_us, start_us, 0, mp4.TIMESCALE), mp4.init(), IndexBuilder(mp4.tracks()), True
    )


def append(writer: DiskWriter, handle: SegmentHandle, number: int) -> bool:
    raw, fragment = mp4.fragment(number)
    return writer.append(handle, [raw], fragment, handle.head.start_us + (number + 1) * mp4.FRAGMENT_US)


def close(writer: DiskWriter, handle: SegmentHandle, count: int) -> None:
    end_us = handle.head.start_us + count * mp4.FRAGMENT_US
    writer.close_segment(handle, end_us=end_us, media_end=count * 500, frames=count * 5, reason="test")


def test_threads_write_and_stop_with_jobs_queued(world: World) -> None:
    catalogue = CatalogueWriter(world.database, status_interval_s=0.05)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=0.05)
    handles = [open_segment(writer, T0_US + n * 5_000_000) for n in range(20)]
    for handle in handles:
        assert all(append(writer, handle, number) for number in range(4))
        close(writer, handle, 4)
    catalogue.start()
    writer.start()
    assert writer.stop(10) and catalogue.close(10)
    assert writer.queued_bytes == 0 and all(h.done and h.error is None for h in handles)
    assert_consistent(world)
    with world.database.read() as conn:
        assert len(segments.between(conn, CAMERA, T0_US, T0_US + 10**9)) == 20


def test_what_the_queue_refuses_was_never_accepted(world: World) -> None:
    size = len(mp4.fragment(0)[0])
    writer = DiskWriter(
        world.root,
        InlineCatalogue(world.database),
        sync_interval_s=9,
        queue_bytes=5 * size,
        segment_queue_bytes=3 * size,
    )
    one, two = open_segment(writer), open_segment(writer, T0_US + 10)
    assert [append(writer, one, n) for n in range(4)] == [True, True, True, False]
    assert [append(writer, two, n) for n in range(3)] == [True, True, False]
    assert writer.queued_bytes == 5 * size
    writer.start()
    assert writer.stop(10)
    assert (writer.queued_bytes, one.queued_bytes, one.written_until_us) == (0, 0, T0_US + 3 * mp4.FRAGMENT_US)


def test_recorders_together_do_not_pass_the_queues_limit(world: World) -> None:
    size = len(mp4.fragment(0)[0])
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=9, queue_bytes=50 * size)
    handles = [open_segment(writer, T0_US + n) for n in range(8)]
    threads = [threading.Thread(target=lambda h=h: [append(writer, h, 0) for _ in range(40)]) for h in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.queued_bytes == 50 * size


def test_no_exception_ends_the_thread(world: World) -> None:
    """Also none that is not an OSError, and not one of closing a descriptor."""

    class Odd(Files):
        def write(self, fd: int, buffers: object) -> int:
            raise ValueError("odd")

        def close(self, fd: int) -> None:
            FILES.close(fd)
            raise OSError(errno.EIO, "close")

    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.01, files=Odd())
    writer.start()
    first = open_segment(writer)
    until(lambda: first.error)
    second = open_segment(writer, T0_US + 5_000_000)
    until(lambda: second.error)
    assert writer.stop(5)


def test_a_disk_that_went_away_is_not_filled_below_its_mount_point(world: World) -> None:
    (world.root.path / ".nvr-root.json").unlink()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=1)
    writer.start()
    handle = open_segment(writer)
    until(lambda: handle.error)
    assert writer.stop(5) and list(world.root.path.iterdir()) == []


def test_folders_that_go_between_making_and_creating(world: World) -> None:
    class Sweeping(Files):
        left = 2

        def create(self, path: Path) -> int:
            if self.left:
                self.left -= 1
                path.parent.rmdir()
                path.parent.parent.rmdir()
            return super().create(path)

    head = Head(CAMERA, NODE, 1, T0_US, T0_US, 0, 1000)
    folder = world.root.path / CAMERA / "2026-01-01" / "00"
    writer = SegmentWriter(Sweeping(), world.root.path, folder / "a.part.mp4", folder / "a.mp4", mp4.init_bytes(), head)
    writer.abandon()
    assert (folder / "a.part.mp4").exists()


@pytest.mark.parametrize("cut_fails", [False, True])
def test_after_a_failed_sync_only_what_was_synced_counts(world: World, cut_fails: bool) -> None:
    """And what is missing has a cause, although the recorder had gone on to the next segment."""

    class Failing(Files):
        fails = False
        cut_fails = False

        def sync(self, fd: int) -> None:
            if self.fails:
                self.fails = False
                self.cut_fails = cut_fails
                raise OSError(errno.EIO, "lost")
            super().sync(fd)

        def truncate(self, fd: int, size: int) -> None:
            if self.cut_fails:
                self.cut_fails = False
                raise OSError(errno.EIO, "lost")
            super().truncate(fd, size)

    files = Failing()
    catalogue = InlineCatalogue(world.database)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=0.0, files=files)
    recorder = Recorder(world, writer, catalogue, T0_US)
    recorder.begin()
    recorder.append()
    files.fails = True
    recorder.append()
    handle = recorder.handles[0]
    assert handle.error is not None and handle.done
    assert handle.synced_until_us == T0_US + mp4.FRAGMENT_US
    with world.database.read() as conn:
        (segment,) = segments.between(conn, CAMERA, T0_US, T0_US + 10**9)
    assert (segment.end_us, segment.growing) == (T0_US + mp4.FRAGMENT_US, False)
    # The recorder had queued the close and gone on before it heard.
    writer.close_segment(handle, end_us=T0_US + 3_000_000, media_end=0, frames=0, reason="rotation")
    later = open_segment(writer, T0_US + 3_000_000)
    append(writer, later, 6)
    close(writer, later, 7)
    pump(writer)
    answer = world.coverage(T0_US, T0_US + 3_500_000, T0_US + 10_000_000)
    assert_partition(answer)
    assert [gap.cause for gap in answer.gaps] and {gap.cause for gap in answer.gaps} == {Cause.DISK_ERROR}


def test_operations_happen_in_order_and_once_while_the_catalogue_is_locked(world: World) -> None:
    writer = CatalogueWriter(world.database, status_interval_s=0.05)
    with world.database.write() as conn:
        conn.execute("CREATE TABLE seen (n INTEGER)")
    world.database._write_connection().execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(world.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer.start()
    for n in range(50):
        writer.put(insert("INSERT INTO seen VALUES (?)", n))
    writer.put_status(Status(CAMERA, "recording", 1))
    time.sleep(0.3)  # sleep: it tries in vain meanwhile
    for n in range(50, 100):
        writer.put(insert("INSERT INTO seen VALUES (?)", n))
    other.execute("COMMIT")
    other.close()
    assert writer.close(10)
    with world.database.read() as conn:
        assert [row[0] for row in conn.execute("SELECT n FROM seen ORDER BY rowid")] == list(range(100))


def test_operations_that_follow_each_other_closely_go_together(world: World) -> None:
    """One after a pause does not wait for others."""
    transactions = 0

    class Counted(Database):
        @contextmanager
        def write(self, *, patience_s: float | None = None) -> Iterator[sqlite3.Connection]:
            nonlocal transactions
            transactions += 1
            with super().write(patience_s=patience_s) as conn:
                yield conn

    database = Counted(world.database.path)
    catalogue, done = CatalogueWriter(database, status_interval_s=60), list[int]()
    catalogue.start()
    began_s = time.monotonic()
    for number in range(20):
        catalogue.put(lambda _, number=number: done.append(number))  # type: ignore[misc]
        due_s = began_s + number * 0.004
        until(lambda due_s=due_s: time.monotonic() >= due_s, look_s=0.001)  # type: ignore[misc]
    until(lambda: len(done) == 20)
    assert done == list(range(20)) and transactions <= 2 + (time.monotonic() - began_s) / 0.1
    assert catalogue.close(10)
    database.close()


def test_a_busy_worker_does_not_keep_others_from_the_catalogue(world: World) -> None:
    """Each statement of a worker whose event loop is busy waits for Python's lock: here each operation takes a
    twentieth of a second. All of them in one transaction took as long as others are patient, or longer."""
    with world.database.write() as conn:
        conn.execute("CREATE TABLE seen (n INTEGER)")
    begun = threading.Event()

    def slow(number: int) -> Operation:
        def run(conn: sqlite3.Connection) -> None:
            begun.set()
            until_s = time.monotonic() + 0.05
            while time.monotonic() < until_s:
                pass
            conn.execute("INSERT INTO seen VALUES (?)", (number,))

        return run

    writer = CatalogueWriter(world.database, status_interval_s=0.05)
    for n in range(60):
        writer.put(slow(n))
    writer.put_status(Status(CAMERA, "recording", 1))
    writer.start()
    assert begun.wait(10)
    other = Database(world.database.path)
    with other.write(patience_s=1.0) as conn:
        done = conn.execute("SELECT count(*) FROM seen").fetchone()[0]
        assert conn.execute("SELECT count(*) FROM status").fetchone()[0] == 1
    other.close()
    assert 0 < done < 60
    assert writer.close(20)
    with world.database.read() as conn:
        assert [row[0] for row in conn.execute("SELECT n FROM seen ORDER BY rowid")] == list(range(60))


def test_a_full_catalogue_loses_nothing_once_there_is_room(world: World) -> None:
    writer = CatalogueWriter(world.database, status_interval_s=0.05)
    with world.database.write() as conn:
        conn.execute("CREATE TABLE seen (n INTEGER, filling BLOB)")
    connection = world.database._write_connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    for n in range(100):
        writer.put(insert("INSERT INTO seen VALUES (?, zeroblob(4000))", n))
    writer.start()
    time.sleep(0.3)  # sleep: it tries in vain meanwhile
    assert not connection.in_transaction
    with world.database._lock:
        connection.execute("PRAGMA max_page_count = 100000")
    assert writer.close(10)
    with world.database.read() as conn:
        assert [row[0] for row in conn.execute("SELECT n FROM seen ORDER BY rowid")] == list(range(100))


def test_growth_without_a_status_takes_none_away(world: World) -> None:
    """Of a camera as it was only how far its footage reaches is written; a status that waits is written all the
    same."""
    writer = CatalogueWriter(world.database, status_interval_s=0.05)
    key = Key(CAMERA, 1_000_000, "n1", 1)
    writer.put_status(Status(CAMERA, "recording", 1), [(key, 2_000_000, ())])
    writer.put_grown(CAMERA, [(key, 3_000_000, ())])
    writer.put_grown(CAMERA, [])
    writer.start()
    assert writer.close(10)
    with world.database.read() as conn:
        assert [row["state"] for row in conn.execute("SELECT state FROM status")] == ["recording"]


def test_one_poisoned_operation_does_not_cost_the_others(world: World) -> None:
    writer = CatalogueWriter(world.database, status_interval_s=0.05)
    with world.database.write() as conn:
        conn.execute("CREATE TABLE seen (n INTEGER)")
    for n in range(10):
        statement = "INSERT INTO nowhere VALUES (?)" if n == 4 else "INSERT INTO seen VALUES (?)"
        writer.put(insert(statement, n))
    writer.put_status(Status(CAMERA, "recording", 1))
    writer.put_status(Status(CAMERA, "no such state", 1))
    writer.start()
    assert writer.close(10)
    with world.database.read() as conn:
        assert [row[0] for row in conn.execute("SELECT n FROM seen ORDER BY rowid")] == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_an_error_in_the_middle_of_writing_singly_keeps_the_order(world: World) -> None:
    writer = CatalogueWriter(world.database)
    failed: list[int] = []
    with world.database.write() as conn:
        conn.execute("CREATE TABLE seen (n INTEGER)")

    def operation(n: int) -> Callable[[sqlite3.Connection], None]:
        def run(conn: sqlite3.Connection) -> None:
            if n == 2:
                raise ValueError("poison")
            if n == 5 and len(failed) < 2:
                failed.append(n)
                # Not SQLite's own, but as it would say.
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                raise error
            conn.execute("INSERT INTO seen VALUES (?)", (n,))

        return run

    for n in range(9):
        writer.put(operation(n))
    writer.start()
    assert writer.close(20)
    with world.database.read() as conn:
        assert [row[0] for row in conn.execute("SELECT n FROM seen ORDER BY rowid")] == [0, 1, 3, 4, 5, 6, 7, 8]


def test_a_refused_commit_leaves_no_transaction_behind(world: World) -> None:
    with pytest.raises(sqlite3.IntegrityError), world.database.write() as conn:
        conn.execute("PRAGMA defer_foreign_keys = ON")
        conn.execute("INSERT INTO growing VALUES (1, 2, 3, 4, 5)")
    with world.database.write() as conn:
        assert conn.execute("SELECT count(*) FROM growing").fetchone()[0] == 0


def test_a_salvaged_segment_whose_rename_had_worked(world: World) -> None:
    """The sync of its folder failed: the file has its final name, and the catalogue must hear of it
    before a restart."""

    class Failing(Files):
        fails = 0

        def rename(self, old: Path, new: Path) -> None:
            super().rename(old, new)
            self.fails = 1

        def sync_folder(self, path: Path) -> None:
            if self.fails:
                self.fails = 0
                raise OSError(errno.EIO, "lost")
            super().sync_folder(path)

    catalogue = InlineCatalogue(world.database)
    recorder = Recorder(
        world, DiskWriter(world.root, catalogue, sync_interval_s=0.0, files=Failing()), catalogue, T0_US
    )
    recorder.begin()
    recorder.append()
    recorder.close()
    assert recorder.handles[0].error is not None and recorder.handles[0].done
    with world.database.read() as conn:
        segment = segments.get(conn, Key(CAMERA, T0_US, NODE, 1))
    assert segment is not None and not segment.growing and segment.path.exists()


def test_a_clock_set_back_to_a_name_that_exists_costs_nothing(world: World) -> None:
    """By exactly a segment's length: the same millisecond comes again, for a closed segment and for a growing one."""
    catalogue = InlineCatalogue(world.database)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=9)
    handles: list[SegmentHandle] = []
    first = b""
    for _ in range(3):
        recorder = Recorder(world, writer, catalogue, T0_US)
        recorder.begin()
        recorder.append()
        recorder.append()
        handles += recorder.handles
        if len(handles) != 2:
            recorder.close()
        first = first or paths(writer.root, handles[0].head)[1].read_bytes()
    assert [handle.head.start_us - T0_US for handle in handles] == [0, -1000, -2000]
    assert paths(writer.root, handles[0].head)[1].read_bytes() == first
    assert all(handle.error is None for handle in handles)
    world.reconcile(T0_US + 10_000_000)
    assert_consistent(world)
    with world.database.read() as conn:
        found = segments.between(conn, CAMERA, T0_US - 1_000_000, T0_US + 10**9)
        assert len({segment.path for segment in found}) == 3 and {segment.run_start_us for segment in found} == {T0_US}
    assert_partition(world.coverage(T0_US, T0_US + 10_000_000, T0_US + 10_000_000))


def test_a_file_put_in_the_way_of_a_close_is_not_replaced(world: World) -> None:
    catalogue = InlineCatalogue(world.database)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=9)
    recorder = Recorder(world, writer, catalogue, T0_US)
    recorder.begin()
    recorder.append()
    part, final = paths(writer.root, recorder.handles[0].head)
    final.write_bytes(b"somebody's")
    recorder.close()
    assert isinstance(recorder.handles[0].error, FileExistsError) and not recorder.handles[0].done
    assert final.read_bytes() == b"somebody's" and part.exists()
    with world.database.read() as conn:
        (row,) = segments.growing(conn)
    assert row.end_us == T0_US + mp4.FRAGMENT_US, "what it holds is known, and can be watched"
    final.unlink()
    writer.salvage.poll(later_s())
    assert recorder.handles[0].done
    assert_consistent(world)


def test_a_sync_under_way_keeps_no_other_segment_waiting_and_its_failure_is_noticed(world: World) -> None:
    class Slow(Files):
        def __init__(self) -> None:
            self.entered, self.go = threading.Event(), threading.Event()
            self.slow: int | None = None

        def sync(self, fd: int) -> None:
            if self.slow is None:
                self.slow = fd
            if fd == self.slow:
                self.entered.set()
                assert self.go.wait(60)
                raise OSError(errno.EIO, "lost")
            super().sync(fd)

    files = Slow()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.05, files=files)
    writer.start()
    first = open_segment(writer)
    assert append(writer, first, 0)
    assert files.entered.wait(60)
    assert append(writer, first, 1)
    second = open_segment(writer, T0_US + 5_000_000)
    assert append(writer, second, 0)
    close(writer, second, 1)
    until(lambda: second.done)
    assert first.error is None and second.error is None and first.written_until_us == T0_US + 2 * mp4.FRAGMENT_US
    # The close comes while its sync is still under way: no later one may make good what that one lost.
    close(writer, first, 2)
    files.go.set()
    until(lambda: first.done)
    assert writer.stop(10)
    assert first.error is not None and first.trusted_bytes == 0
    with world.database.read() as conn:
        assert [s.key.start_us for s in segments.between(conn, CAMERA, T0_US, T0_US + 10**9)] == [T0_US + 5_000_000]


def test_hashing_that_falls_behind_bounds_what_it_keeps() -> None:
    hasher = Hasher("h", queue_bytes=1_000_000)
    digest, plain = Digest(), hashlib.sha256()
    hasher.start()
    for number in range(300):
        # Large ones are handed over, small ones are not: never before those that wait.
        data = number.to_bytes(2, "big") * (50 if number % 3 else 50_000)
        plain.update(data)
        hasher.add(digest, [data])
        assert hasher._bytes <= 1_100_000
    assert hasher.hexdigest(digest) == plain.hexdigest()
    hasher.stop()


def test_a_run_whose_end_is_told_before_its_beginning_has_its_end(world: World) -> None:
    """A stop right after the first fragment: the beginning waits for the file's name."""
    key = Key(CAMERA, T0_US, NODE, 1)
    with world.database.write() as conn:
        segments.end_run(conn, key, end_us=T0_US + 1, cause=Cause.SERVER_DOWN, detail={"counters": {"frames": 1}})
        segments.begin_run(conn, key)
        (row,) = conn.execute("SELECT end_us, cause, detail FROM run").fetchall()
    assert tuple(row) == (T0_US + 1, "server_down", '{"counters": {"frames": 1}}')


@pytest.mark.parametrize("name_fails", [False, True])
def test_a_close_that_fails_before_the_name_is_known_leaves_no_hole(world: World, name_fails: bool) -> None:
    """The disk fills while the sync of the new file's folder is under way, and nothing can be adopted before the server
    ends."""

    class Filling(Files):
        def __init__(self) -> None:
            self.named, self.full = threading.Event(), False
            self.folders = 0

        def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(fd, buffers)

        def sync_folder(self, path: Path) -> None:
            if threading.current_thread().name.startswith("sync-"):
                self.folders += 1
                assert self.named.wait(60)
                if name_fails:
                    raise OSError(errno.EIO, "lost")
            super().sync_folder(path)

    files = Filling()
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)
    catalogue = CatalogueWriter(world.database, status_interval_s=0.05)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=9, files=files)
    catalogue.start()
    writer.start()
    handle = open_segment(writer)
    assert append(writer, handle, 0)
    until(lambda: handle.written_until_us > T0_US and files.folders)
    files.full = True
    close(writer, handle, 1)
    until(lambda: handle.error)
    files.named.set()
    assert writer.stop(10) and catalogue.close(10)
    assert isinstance(handle.error, OSError) and handle.error.errno == errno.ENOSPC and not handle.done
    answer = world.coverage(T0_US, T0_US + mp4.FRAGMENT_US, T0_US + mp4.FRAGMENT_US)
    assert_partition(answer)
    if name_fails:
        assert [gap.cause for gap in answer.gaps] == [Cause.DISK_FULL]
    else:
        assert answer.spans == [(T0_US, T0_US + mp4.FRAGMENT_US)], "it is there, and can be watched"


class Together(Files):
    """A disk of which all is synced by one call, real or not; ``lost``: files whose bytes it loses at the next one."""

    def __init__(self) -> None:
        self.calls = 0
        self.singly: list[int] = []
        self.lost: set[int] = set()
        self.refuses: OSError | None = None
        self.held = 0
        self.entered, self.go = threading.Event(), threading.Event()
        self.go.set()

    def disk_of(self, fd: int) -> int | None:
        return 1

    def hold(self, fd: int) -> int:
        self.held += 1
        return super().hold(fd)

    def release(self, fd: int) -> None:
        self.held -= 1
        super().release(fd)

    def sync_disk(self, fd: int) -> None:
        self.calls += 1
        self.entered.set()
        assert self.go.wait(60)
        if self.refuses is not None:
            raise self.refuses
        if self.lost:
            raise OSError(errno.EIO, "lost")

    def sync(self, fd: int) -> None:
        inode = os.fstat(fd).st_ino
        self.singly.append(inode)
        if inode in self.lost:
            self.lost.discard(inode)
            raise OSError(errno.EIO, "lost")
        super().sync(fd)


def grow(writer: DiskWriter, handles: Sequence[SegmentHandle], number: int) -> None:
    for handle in handles:
        assert append(writer, handle, number)
    until(lambda: not writer.queued_bytes)


def test_many_segments_are_synced_by_one_call_few_are_not(world: World) -> None:
    files = Together()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.1, files=files)
    writer.start()
    few = [open_segment(writer, T0_US + n * 5_000_000) for n in range(3)]
    grow(writer, few, 0)
    until(lambda: all(handle.synced_until_us == handle.head.start_us + mp4.FRAGMENT_US for handle in few))
    assert files.calls == 0 and len(files.singly) >= 3
    many = few + [open_segment(writer, T0_US + n * 5_000_000) for n in range(3, 12)]
    # Each that joined has something to sync already, so that it is the turn of all.
    grow(writer, many[3:], 0)
    until(lambda: all(handle.synced_until_us == handle.head.start_us + mp4.FRAGMENT_US for handle in many))
    files.singly.clear()
    before = files.calls
    grow(writer, many, 1)
    until(lambda: all(handle.synced_until_us == handle.head.start_us + 2 * mp4.FRAGMENT_US for handle in many))
    assert files.calls > before and not files.singly
    for handle in many:
        close(writer, handle, 2)
    assert writer.stop(10)
    assert files.held == 0 and all(handle.done and handle.error is None for handle in many)
    assert_consistent(world)


def test_of_many_synced_by_one_call_only_what_lost_something_is_given_up(world: World) -> None:
    files = Together()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.05, files=files, sync_together=2)
    writer.start()
    handles = [open_segment(writer, T0_US + n * 5_000_000) for n in range(5)]
    grow(writer, handles, 0)
    until(lambda: all(handle.synced_until_us > handle.head.start_us for handle in handles))
    loser = handles[3]
    files.lost = {paths(world.root, loser.head)[0].stat().st_ino}
    grow(writer, handles, 1)
    until(lambda: loser.done)
    assert loser.error is not None and loser.trusted_bytes is not None
    until(lambda: all(h.synced_until_us == h.head.start_us + 2 * mp4.FRAGMENT_US for h in handles if h is not loser))
    assert all(handle.error is None for handle in handles if handle is not loser)
    for handle in handles:
        if handle is not loser:
            close(writer, handle, 2)
    assert writer.stop(10) and files.held == 0
    assert_consistent(world)
    with world.database.read() as conn:
        found = {s.key.start_us: s.end_us for s in segments.between(conn, CAMERA, T0_US, T0_US + 10**9)}
    assert found == {h.head.start_us: h.head.start_us + (1 if h is loser else 2) * mp4.FRAGMENT_US for h in handles}, (
        "of the one that lost something, what was synced before counts"
    )


def test_a_sync_of_all_keeps_nothing_waiting_and_a_close_looks_for_itself(world: World) -> None:
    """Also when the file that is being closed had lost something: the sync of all that is under way is not to be relied
    on."""
    files = Together()
    files.go.clear()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.05, files=files, sync_together=2)
    writer.start()
    handles = [open_segment(writer, T0_US + n * 5_000_000) for n in range(3)]
    for handle in handles:
        assert append(writer, handle, 0)
    assert files.entered.wait(60)
    grow(writer, handles, 1)
    files.lost = {paths(world.root, handles[1].head)[0].stat().st_ino}
    close(writer, handles[0], 2)
    close(writer, handles[1], 2)
    until(lambda: handles[0].done and handles[1].error)
    assert handles[0].error is None and handles[1].trusted_bytes == 0
    files.go.set()
    until(lambda: handles[2].synced_until_us == handles[2].head.start_us + 2 * mp4.FRAGMENT_US)
    close(writer, handles[2], 2)
    assert writer.stop(10) and files.held == 0
    assert_consistent(world)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EIO])
def test_where_one_call_for_all_is_refused_each_is_synced(world: World, number: int) -> None:
    files = Together()
    files.refuses = OSError(number, "no")
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.05, files=files, sync_together=2)
    writer.start()
    handles = [open_segment(writer, T0_US + n * 5_000_000) for n in range(3)]
    for count in (1, 2):
        grow(writer, handles, count - 1)
        until(lambda n=count: all(h.synced_until_us == h.head.start_us + n * mp4.FRAGMENT_US for h in handles))
    # What is not allowed is not tried again; a disk's error is no reason not to.
    assert (files.calls == 1) is (number == errno.EPERM)
    for handle in handles:
        close(writer, handle, 2)
    assert writer.stop(10) and files.held == 0 and all(handle.error is None for handle in handles)


def test_without_a_free_descriptor_each_is_synced(world: World) -> None:
    class Bare(Together):
        def hold(self, fd: int) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

    files = Bare()
    writer = DiskWriter(world.root, InlineCatalogue(world.database), sync_interval_s=0.05, files=files, sync_together=2)
    writer.start()
    handles = [open_segment(writer, T0_US + n * 5_000_000) for n in range(3)]
    grow(writer, handles, 0)
    until(lambda: all(handle.synced_until_us == handle.head.start_us + mp4.FRAGMENT_US for handle in handles))
    assert files.calls == 0
    for handle in handles:
        close(writer, handle, 1)
    assert writer.stop(10) and all(handle.error is None for handle in handles)
