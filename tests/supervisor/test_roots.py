"""Footage roots that go, come, are another's, or hang; and the workers' own look at them. A FIFO in the identity's
place is a disk that hangs."""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvr.recorder.run import disks as recorder_disks
from nvr.recorder.run.disks import Disks
from nvr.supervisor import roots as watching
from nvr.supervisor.roots import Roots
from storage.catalogue.database import Database
from storage.catalogue.node import Lock
from storage.disk.draining import drain, undrain
from storage.disk.roots import IDENTITY_FILE, Root, known_roots, open_root
from storage.errors import RootError
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter

News = queue.Queue[tuple[Path, Root | None]]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Roots]]:
    monkeypatch.setattr(watching, "_LOOK_S", 0.05)
    monkeypatch.setattr(watching, "_SILENT_S", 0.5)
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    lock = Lock([tmp_path / "lock"])
    yield lambda: Roots(database, lock, [tmp_path / "one", tmp_path / "two"])
    lock.release()
    database.close()


def test_one_that_goes_and_comes_is_told(tmp_path: Path, made: Callable[[], Roots]) -> None:
    roots = made()
    one, two = roots.opened
    news: News = queue.Queue()
    roots.watch(lambda path, root: news.put((path, root)))
    shutil.move(two.path, tmp_path / "away")
    assert news.get(timeout=5) == (two.path, None)
    assert list(roots.away) == [two.path]
    # Another disk in its place, and then an empty folder: neither is the root, neither is touched.
    open_root(two.path, known=None)
    before = (two.path / IDENTITY_FILE).read_bytes()
    with pytest.raises(queue.Empty):
        news.get(timeout=0.3)
    assert (two.path / IDENTITY_FILE).read_bytes() == before and one.path not in roots.away
    shutil.rmtree(two.path)
    shutil.move(tmp_path / "away", two.path)
    assert news.get(timeout=5) == (two.path, two)
    roots.came(two.path)
    assert roots.away == {} and roots.opened == [one, two]


def test_one_that_another_server_uses_is_not_taken_up(tmp_path: Path, made: Callable[[], Roots]) -> None:
    (tmp_path / "two").write_text("no folder")
    roots = made()
    assert [root.path.name for root in roots.opened] == ["one"] and "two" in str(roots.away)
    news: News = queue.Queue()
    roots.watch(lambda path, root: news.put((path, root)))
    (tmp_path / "two").unlink()
    open_root(tmp_path / "elsewhere", known=None)
    other = Lock([tmp_path / "elsewhere" / IDENTITY_FILE])
    shutil.move(tmp_path / "elsewhere", tmp_path / "two")
    with pytest.raises(queue.Empty):
        while True:  # it may have been made in the moment in between
            assert news.get(timeout=0.5)[1] is None
    other.release()
    path, root = news.get(timeout=5)
    assert root is not None and root.path == path == tmp_path / "two"


def test_one_root_at_two_paths_is_refused(tmp_path: Path, made: Callable[[], Roots]) -> None:
    open_root(tmp_path / "one", known=None)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with pytest.raises(RootError, match="was a disk copied"):
        made()


def test_a_copied_installation_does_not_take_the_originals_place(
    tmp_path: Path, made: Callable[[], Roots], caplog: pytest.LogCaptureFixture
) -> None:
    made()
    database = Database(tmp_path / "catalogue.sqlite")
    shutil.copytree(tmp_path / "one", tmp_path / "copy" / "one")
    before = (tmp_path / "copy" / "one" / IDENTITY_FILE).read_bytes()
    with pytest.raises(RootError, match="or this installation"):
        Roots(database, Lock([tmp_path / "lock-2"]), [tmp_path / "copy" / "one"])
    with database.read() as conn:
        assert known_roots(conn).keys() == {str(tmp_path / "one"), str(tmp_path / "two")}
    assert (tmp_path / "copy" / "one" / IDENTITY_FILE).read_bytes() == before
    # The original gone, it has moved, and is known by its identity.
    shutil.rmtree(tmp_path / "one")
    roots = Roots(database, Lock([tmp_path / "lock-3"]), [tmp_path / "copy" / "one"])
    assert [root.path for root in roots.opened] == [tmp_path / "copy" / "one"]
    assert f"was at {tmp_path / 'one'} before" in caplog.text
    database.close()


def test_one_that_is_added_or_takes_anothers_place_is_taken_up(tmp_path: Path, made: Callable[[], Roots]) -> None:
    roots = made()
    two = roots.opened[1]
    news: News = queue.Queue()
    roots.watch(lambda path, root: news.put((path, root)))
    roots.add(tmp_path / "three")
    path, three = news.get(timeout=5)
    assert path == tmp_path / "three" and three is not None and three.path == path
    roots.came(path)
    # The disk of the second one will not come back, and was given up: another is mounted in its place.
    shutil.rmtree(two.path)
    while news.get(timeout=5) != (two.path, None):
        pass
    with closing(Database(tmp_path / "catalogue.sqlite")) as database, database.write() as conn:
        conn.execute("UPDATE root SET path = 'given up' WHERE id = ?", (two.id,))
    while True:
        path, new = news.get(timeout=5)
        if path == two.path and new is not None:
            break
    assert new.id != two.id and new.path == two.path
    assert sorted(root.path.name for root in roots.opened) == ["one", "three", "two"] and two not in roots.opened


def test_a_disk_that_hangs_hides_no_other(tmp_path: Path, made: Callable[[], Roots]) -> None:
    roots = made()
    one, two = roots.opened
    identity = (two.path / IDENTITY_FILE).read_bytes()
    news: News = queue.Queue()
    roots.watch(lambda path, root: news.put((path, root)))
    os.mkfifo(two.path / "fifo")
    (two.path / "fifo").rename(two.path / IDENTITY_FILE)
    done = threading.Event()
    while two.path not in roots.silent() and not done.wait(0.05):
        pass
    assert roots.silent() == [two.path]
    shutil.move(one.path, tmp_path / "away")
    assert news.get(timeout=5) == (one.path, None), "the other one is looked at all the same"
    (two.path / IDENTITY_FILE).write_bytes(identity)  # lets the look go on, with what it read


def test_workers_choose_none_that_is_away_or_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_disks, "_LOOK_INTERVAL_S", 0.05)
    monkeypatch.setattr(recorder_disks, "_SILENT_S", 0.5)
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    catalogue = CatalogueWriter(database)
    writers = [
        DiskWriter(open_root(tmp_path / name, known=None), catalogue, sync_interval_s=5.0) for name in ("one", "two")
    ]
    disks = Disks(writers)
    disks.start()
    one, two = writers
    ended = threading.Event()

    def until(wanted: DiskWriter) -> None:
        while disks.choose() is not wanted:
            assert not ended.wait(0.02)

    # One that is to be emptied is spared as one that is away is.
    for emptied, other in ((one, two), (two, one)):
        drain(emptied.root.path, by="anna", at="2026")
        until(other)
        undrain(emptied.root.path)
    shutil.move(one.root.path, tmp_path / "away")
    until(two)
    shutil.move(tmp_path / "away", one.root.path)
    identity = (two.root.path / IDENTITY_FILE).read_bytes()
    os.mkfifo(two.root.path / "fifo")
    (two.root.path / "fifo").rename(two.root.path / IDENTITY_FILE)
    until(one)
    # With both away there is nothing to choose from, and something is chosen: its refusal is the gap's cause.
    shutil.move(one.root.path, tmp_path / "away")
    assert disks.choose() in writers
    (two.root.path / IDENTITY_FILE).write_bytes(identity)
    disks.end_looking()
    assert all(writer.stop(5.0) for writer in writers)
    database.close()
