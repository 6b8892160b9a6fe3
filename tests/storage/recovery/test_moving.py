"""Footage that moves off a disk which is to be taken away: at every step of it, whatever fails, nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.draining import MOVING_FILE
from storage.disk.files import FILES, Files
from storage.disk.roots import Root
from storage.errors import StorageError
from storage.recovery import copied_files
from storage.recovery.check import CheckFinding, check
from storage.recovery.moving import MovedOff, choose_target, move_off, sweep_copies
from storage.recovery.scrub import scrub
from storage.retention import deleting, holds
from storage.retention.plan import Disk
from tests.storage.faulty_files import FAULTS, Fault, FaultyDatabase, FaultyFiles, Kill
from tests.storage.recovery.test_lost_root import NOW_US, STEP_US, two_disks
from tests.storage.world import CAMERA, NODE, T0_US, World, assert_partition
from tests.support.people import person

WHOLE = (T0_US, T0_US + 12 * STEP_US)


def drain(
    world: World,
    source: Root,
    database: Database | None = None,
    files: Files = FILES,
    target: Callable[[int], Root | None] | None = None,
) -> MovedOff:
    other = next(root for root in world.roots if root.id != source.id)
    return move_off(
        database or world.database, source, target or (lambda size: other), 10**12, threading.Event(), files=files
    )


def footage(root: Root) -> list[Path]:
    return [path for path in root.path.rglob("*.mp4") if path.name != MOVING_FILE]


def findings(world: World) -> list[CheckFinding]:
    found = check(world.database, world.roots, hashes=True)
    return [each for each in found if isinstance(each, CheckFinding)]


def hold(world: World, number: int) -> None:
    with world.database.write() as conn:
        at = (T0_US + number * STEP_US, T0_US + number * STEP_US + STEP_US)
        holds.place(conn, CAMERA, *at, reason="LP/7", by=person("anna"), now_us=NOW_US)


def key(number: int) -> Key:
    return Key(CAMERA, T0_US + number * STEP_US, NODE, 1)


def test_all_of_it_moves_what_is_held_first(world: World) -> None:
    second = two_disks(world)
    hold(world, 3)
    before = {path.name: path.read_bytes() for path in footage(second)}
    done = drain(world, second)
    assert (done.segments, done.left, done.growing, done.is_empty) == (6, [], 0, True)
    assert done.bytes == sum(map(len, before.values()))
    assert footage(second) == [] and len(footage(world.root)) == 12
    assert all(before.get(path.name, path.read_bytes()) == path.read_bytes() for path in footage(world.root))
    answer = world.coverage(*WHOLE, NOW_US)
    assert answer.gaps == [] and answer.spans == [WHOLE]
    assert findings(world) == []
    with world.database.read() as conn:
        assert copied_files.list_all(conn) == []
    # Once more is nothing more, and back again is as well.
    assert drain(world, second).segments == 0
    assert drain(world, world.root).segments == 12 and findings(world) == []


def test_what_is_held_moves_before_there_is_no_more_room(world: World) -> None:
    second = two_disks(world)
    hold(world, 3)
    asked: list[int] = []

    def target(size: int) -> Root | None:
        asked.append(size)
        return world.root if len(asked) == 1 else None

    done = drain(world, second, target=target)
    assert done.segments == 1 and not done.has_room and not done.is_empty
    with world.database.read() as conn:
        moved = segments.get(conn, key(3))
        assert moved is not None and moved.root == world.root.id and moved.path.exists()


def test_only_who_moves_it_may_say_that_held_footage_lies_elsewhere(world: World) -> None:
    second = two_disks(world)
    hold(world, 3)
    elsewhere = "UPDATE segment SET root = (SELECT key FROM root WHERE id = ?) WHERE start_us = ?"
    for what in (elsewhere, "UPDATE segment SET end_us = end_us + 1 WHERE ? <> '' AND start_us = ?"):
        with pytest.raises(sqlite3.IntegrityError, match="legal hold"), world.database.write() as conn:
            conn.execute(what, (world.root.id, key(3).start_us))
    assert drain(world, second).segments == 6


def test_a_segment_that_grows_stays_until_it_is_closed(world: World) -> None:
    second = two_disks(world)
    part = world.part(T0_US + 20 * STEP_US, range(3), root=second)
    done = drain(world, second)
    assert done.segments == 6 and done.growing == 1 and not done.is_empty and part.exists()


@pytest.mark.parametrize("damage", ["altered", "cut", "gone"])
def test_what_is_not_what_was_recorded_stays_and_is_told(world: World, damage: str) -> None:
    second = two_disks(world)
    path = min(footage(second))
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    done = drain(world, second)
    reason = {"altered": "SHA-256 differs", "cut": "the catalogue says", "gone": "is missing"}[damage]
    assert done.segments == 5 and [at for at, _ in done.left] == [path] and reason in done.left[0][1]
    assert not done.is_empty and len(done.keys_left) == 1
    assert path.exists() == (damage != "gone")
    again = move_off(
        world.database, second, lambda size: world.root, 10**12, threading.Event(), skip=frozenset(done.keys_left)
    )
    assert again.segments == 0 and "before" in again.left[0][1]


def test_a_disk_that_gives_back_something_else_gets_nothing(world: World) -> None:
    second = two_disks(world)

    class Liar(Files):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            self.truncate(fd, 100)
            self.write(fd, [bytes(100_000)])

    done = drain(world, second, files=Liar())
    assert done.refused is not None and done.refused[0] == world.root and "does not give back" in str(done.refused[1])
    assert not done.whole and not (world.root.path / MOVING_FILE).exists()
    assert len(footage(second)) == 6 and len(footage(world.root)) == 6
    assert drain(world, second).is_empty and findings(world) == []


def test_another_file_of_its_name_is_left_alone(world: World) -> None:
    second = two_disks(world)
    path = min(footage(second))
    other = world.root.path / path.relative_to(second.path)
    other.write_bytes(b"somebody's")
    done = drain(world, second)
    assert done.segments == 5 and "is there already" in done.left[0][1] and path.exists()
    assert other.read_bytes() == b"somebody's"


def test_what_is_deleted_while_it_moves_is_gone_on_both(world: World) -> None:
    second = two_disks(world)

    class Meanwhile(Files):
        def rename(self, old: Path, new: Path) -> None:
            super().rename(old, new)
            with world.database.write() as conn:
                deleting.discard(conn, [key(n) for n in range(12)], cause=Cause.PRUNED, detail={}, now_us=NOW_US)

    done = drain(world, second, files=Meanwhile())
    deleting.sweep(world.database)
    assert done.segments == 0 and footage(second) == footage(world.root) == []
    with world.database.read() as conn:
        assert copied_files.list_all(conn) == []


def test_the_old_file_stays_until_the_new_one_is_there(world: World) -> None:
    second = two_disks(world)
    with world.database.write() as conn:
        moving = segments.get(conn, key(1))
        assert moving is not None and copied_files.move(conn, moving, world.root.id, now_us=NOW_US)
    ((path, reason),) = sweep_copies(world.database)
    assert path == moving.path and "not whole" in reason
    assert moving.path.exists() and len(footage(second)) == 6


@pytest.mark.parametrize("is_held", [False, True])
def test_a_catalogue_from_before_it_moved_is_put_right(world: World, is_held: bool) -> None:
    second = two_disks(world)
    if is_held:
        hold(world, 3)
    world.database.finish()
    copy = world.folder / "copy.db"
    shutil.copy(world.database.path, copy)
    drain(world, second)
    world.database.finish()
    for file in world.folder.glob("catalogue.db*"):
        file.unlink()
    shutil.copy(copy, world.database.path)
    assert len(findings(world)) > 0
    done = scrub(world.database, world.roots, 10**12, threading.Event())
    assert done.bad == [] and findings(world) == []
    assert world.coverage(*WHOLE, NOW_US).gaps == []


def _steps(tmp: Path) -> list[str]:
    (tmp / "first").mkdir()
    world = World(tmp / "first")
    second = two_disks(world)
    files = FaultyFiles()
    drain(world, second, FaultyDatabase(world.database.path, files), files)
    world.close()
    return files.steps


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_at_whichever_step_nothing_is_lost(tmp_path: Path, fault: Fault) -> None:
    # The first two segments and into the third: every kind of step, alone and after others.
    steps = _steps(tmp_path)
    assert {"create", "write", "sync", "rename", "sync folder", "transaction", "unlink"} <= set(steps)
    for at in range(1, len(steps) // 2):
        folder = tmp_path / str(at)
        folder.mkdir()
        world = World(folder)
        second = two_disks(world)
        hold(world, 3)
        files = FaultyFiles(at, fault)
        database = FaultyDatabase(world.database.path, files)
        try:
            drain(world, second, database, files)
        except (Kill, OSError, sqlite3.Error, StorageError):
            assert files.struck
        database.close()
        for root in world.roots:
            files.tidy(root.path)
        world.reopen()
        said = f"{fault} at {at} ({steps[at - 1]})"
        answer = world.coverage(*WHOLE, NOW_US)
        assert_partition(answer)
        assert answer.gaps == [], said
        # Before anything else is done, and after the next pass.
        assert [f for f in findings(world) if f.kind.value not in ("unknown_segment", "foreign")] == [], said
        assert drain(world, second).is_empty, said
        assert findings(world) == [] and len(footage(world.root)) == 12 and footage(second) == [], said
        world.close()
        shutil.rmtree(folder)


def test_a_copy_goes_where_there_is_most_room_above_the_floor() -> None:
    disks = [Disk("a", 900, 800, 1000), Disk("b", 500, 100, 1000), Disk("c", 800, 100, 10_000)]
    chosen = choose_target(disks, 10)
    assert chosen is not None and chosen.root == "c"
    # A hundredth stays for what is recorded meanwhile.
    assert choose_target([Disk("a", 120, 100, 1000)], 11) is None
    assert choose_target([Disk("a", 120, 100, 1000)], 10) is not None
    assert choose_target([], 1) is None
