"""The emptying of a root as housekeeping does it: pass after pass, what is left said and tried again, and who asks is
told how far it is."""

from __future__ import annotations

import errno
import logging
import threading
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.housekeeping import draining
from nvr.housekeeping.draining import Drainer
from storage.catalogue import segments
from storage.disk.draining import MOVING_FILE, drain, undrain
from storage.disk.files import Files
from storage.disk.roots import register
from storage.recovery import copied_files
from storage.recovery.drain_state import DrainState, read_drain
from tests.storage.recovery.test_lost_root import NOW_US, two_disks
from tests.storage.recovery.test_moving import footage, key
from tests.storage.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def drainer(world: World, files: Files | None = None, floor_bytes: int = 0) -> Drainer:
    settings = {
        "catalogue": str(world.database.path),
        "roots": [[root.id, str(root.path)] for root in world.roots],
        "floor_bytes": floor_bytes,
        "floor_fraction": 0.0,
        "move_bytes_per_s": 10**12,
    }
    return Drainer(settings, threading.Event(), files or Files())


def state(world: World, root: str) -> DrainState | None:
    with world.database.read() as conn:
        return read_drain(conn, root)


def listed(world: World) -> str:
    config = world.folder / "config.toml"
    roots = ", ".join(f'"{root.path}"' for root in world.roots)
    config.write_text(f'[storage]\nroots = [{roots}]\ncatalogue = "{world.database.path}"\n')
    return CliRunner().invoke(main, ["roots", "list", "--config", str(config)]).output


def test_only_what_is_marked_moves_until_it_is_empty(world: World, caplog: pytest.LogCaptureFixture) -> None:
    second, keeper = two_disks(world), drainer(world)
    keeper.look()
    assert len(footage(second)) == 6
    drain(second.path, by="anna", at="2026")
    with caplog.at_level(logging.INFO):
        keeper.look()
        keeper.look()
    assert footage(second) == [] and state(world, second.id) == DrainState(True, 0, True, 0)
    assert caplog.text.count("is empty: take it out") == 1
    assert "EMPTY: take it out" in listed(world)
    # Recorded on again, nobody says so any more.
    undrain(second.path)
    keeper.look()
    assert state(world, second.id) is None


def test_what_can_t_be_moved_is_said_and_tried_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    second, keeper = two_disks(world), drainer(world)
    damaged = min(footage(second))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    drain(second.path, by="anna", at="2026")
    keeper.look()
    assert footage(second) == [damaged] and state(world, second.id) == DrainState(False, 1, True, 0)
    assert "1 CAN'T BE MOVED" in listed(world)
    damaged.write_bytes(whole)
    keeper.look()
    assert footage(second) == [damaged], "not read again and again"
    monkeypatch.setattr(draining, "_AGAIN_S", 0.0)
    keeper.look()
    assert footage(second) == [] and state(world, second.id) == DrainState(True, 0, True, 0)


def test_without_room_it_waits_and_says_so(world: World) -> None:
    second, drained = two_disks(world), drainer(world, floor_bytes=1 << 60)
    drain(second.path, by="anna", at="2026")
    drained.look()
    assert len(footage(second)) == 6 and state(world, second.id) == DrainState(False, 0, False, 0)
    assert "NO ROOM on the other disks" in listed(world)
    drained.configure({**drained._settings, "floor_bytes": 0})
    drained.look()
    assert footage(second) == []


def test_two_that_are_emptied_do_not_fill_each_other(world: World) -> None:
    second, keeper = two_disks(world), drainer(world)
    for root in (world.root, second):
        drain(root.path, by="anna", at="2026")
    keeper.look()
    assert len(footage(second)) == len(footage(world.root)) == 6


def test_a_disk_that_takes_nothing_stops_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The first to be asked has the most room, and is full of nothing but faults."""
    second = two_disks(world)
    with world.database.write() as conn:
        world.roots = register(conn, [*(root.path for root in world.roots), world.folder / "third"])
    third = world.roots[2]
    broken = world.root.path

    class OneBroken(Files):
        def create(self, path: Path) -> int:
            if path.is_relative_to(broken):
                raise OSError(errno.EROFS, "Read-only file system", str(path))
            return super().create(path)

    keeper = drainer(world, OneBroken())
    drain(second.path, by="anna", at="2026")
    with mock.patch.object(draining, "choose_target", lambda found, size: found[0] if found else None):
        for _ in range(3):
            keeper.look()
    assert caplog.text.count("took no file") == 1 and "look at that disk" in caplog.text
    assert footage(second) == [] and len(footage(third)) == 6
    assert state(world, second.id) == DrainState(True, 0, True, 0)


def test_a_server_that_starts_anew_knows_what_was_noted(world: World) -> None:
    """What an earlier one noted is not said of a root that is recorded on again, and room that came is."""
    second, first = two_disks(world), drainer(world, floor_bytes=1 << 60)
    drain(second.path, by="anna", at="2026")
    first.look()
    (world.root.path / MOVING_FILE).write_bytes(b"cut off")
    undrain(second.path)
    drainer(world).look()
    assert state(world, second.id) is None and not (world.root.path / MOVING_FILE).exists()


def test_a_drain_that_is_ended_by_command_is_forgotten_at_once(world: World) -> None:
    second, keeper = two_disks(world), drainer(world, floor_bytes=1 << 60)
    drain(second.path, by="anna", at="2026")
    keeper.look()
    assert "NO ROOM" in listed(world)
    config = str(world.folder / "config.toml")
    answer = CliRunner().invoke(main, ["roots", "drain", str(second.path), "--end", "--config", config])
    assert answer.exit_code == 0, answer.output
    assert state(world, second.id) is None
    drain(second.path, by="anna", at="2026")
    assert "NO ROOM" not in listed(world)


def test_what_has_to_stay_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    second, keeper = two_disks(world), drainer(world)
    with world.database.write() as conn:
        moving = segments.get(conn, key(1))
        assert moving is not None and copied_files.move(conn, moving, world.root.id, now_us=NOW_US)
    for _ in range(5):
        keeper.look()
    assert caplog.text.count("stays beside its copy") == 1 and len(footage(second)) == 6
