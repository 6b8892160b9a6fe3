"""The emptying of a root as housekeeping does it: pass after pass, what is left said and tried again, and who asks is
told how far it is."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.housekeeping import draining
from nvr.housekeeping.draining import Drainer
from storage.disk.draining import drain, undrain
from storage.disk.files import Files
from storage.recovery.drain_state import DrainState, read_drain
from tests.storage.recovery.test_lost_root import two_disks
from tests.storage.recovery.test_moving import footage
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
