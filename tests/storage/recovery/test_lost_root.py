"""A footage root whose disk will not come back, and one that is to be emptied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main
from storage.causes import Cause
from storage.disk.draining import DRAINING_FILE, drain, is_draining, undrain
from storage.disk.roots import IDENTITY_FILE, Root, register
from storage.errors import RootError
from storage.recovery.lost_root import give_up, look_at_lost
from storage.retention import holds
from tests.storage import mp4
from tests.storage.world import CAMERA, T0_US, World, add_camera, assert_partition
from tests.support.people import person

STEP_US = 3 * mp4.FRAGMENT_US
NOW_US = T0_US + 10**9


def two_disks(world: World) -> Root:
    """Twelve segments, every other one on a second disk; returns that."""
    with world.database.write() as conn:
        world.roots = register(conn, [world.root.path, world.folder / "second"])
    second = world.roots[1]
    for number in range(12):
        root = second if number % 2 else world.root
        world.part(T0_US + number * STEP_US, range(3), final_name=True, enter=True, root=root)
    return second


def test_what_a_lost_disk_held_is_missing_and_the_rest_stays(world: World) -> None:
    second = two_disks(world)
    before = world.coverage(T0_US, T0_US + 12 * STEP_US, NOW_US)
    assert before.gaps == []
    with world.database.read() as conn, pytest.raises(RootError, match="is there: nothing of it is given up"):
        look_at_lost(conn, second.path)
    shutil.rmtree(second.path)
    with world.database.write() as conn:
        held = (T0_US + 3 * STEP_US, T0_US + 4 * STEP_US)
        holds.place(conn, CAMERA, *held, reason="LP/7", by=person("anna"), now_us=NOW_US)
    with world.database.read() as conn:
        lost = look_at_lost(conn, second.path)
    assert (lost.segments, lost.held) == (6, 1) and (lost.start_us, lost.end_us) == (
        T0_US + STEP_US,
        T0_US + 12 * STEP_US,
    )
    left = give_up(world.database, lost, by="anna", now_us=NOW_US)
    assert left.segments == left.held == 1
    after = world.coverage(T0_US, T0_US + 12 * STEP_US, NOW_US)
    assert_partition(after)
    assert {gap.cause for gap in after.gaps} == {Cause.MISSING} and len(after.gaps) == 5
    assert after.gaps[0].detail["reason"] == "its disk was replaced" and after.gaps[0].detail["by"] == "anna"
    # The path is free: another disk is a root of its own there.
    with world.database.write() as conn:
        new = register(conn, [second.path])[0]
    assert new.id != second.id and new.path == second.path
    with world.database.read() as conn, pytest.raises(RootError, match="is there"):
        look_at_lost(conn, second.path)


def test_a_segment_that_still_grows_is_not_given_up(world: World) -> None:
    second = two_disks(world)
    with world.database.write() as conn:
        add_camera(conn, "second")
    world.part(NOW_US - STEP_US, [0, 1, 2], camera="second", root=second)
    shutil.rmtree(second.path)
    with world.database.read() as conn:
        lost = look_at_lost(conn, second.path)
    assert give_up(world.database, lost, by="x", now_us=NOW_US).segments == 1
    # Its recorder has long gone.
    with world.database.write() as conn:
        conn.execute("UPDATE root SET path = ? WHERE id = ?", (str(second.path), second.id))
        lost = look_at_lost(conn, second.path)
    assert give_up(world.database, lost, by="x", now_us=NOW_US + 10**8).segments == 0


def test_a_root_is_drained_and_recorded_on_again(world: World) -> None:
    path = world.root.path
    assert not is_draining(path)
    drain(path, by="anna", at="2026")
    drain(path, by="anna", at="2026")
    assert is_draining(path) and [p.name for p in path.iterdir() if p.name.endswith(".new")] == []
    undrain(path)
    undrain(path)
    assert not is_draining(path)
    with pytest.raises(NotADirectoryError):
        is_draining(path / IDENTITY_FILE)


def run(world: World, *command: str, given: str = "") -> Result:
    config = world.folder / "config.toml"
    if not config.exists():
        roots = ", ".join(f'"{root.path}"' for root in world.roots)
        config.write_text(f'[storage]\nroots = [{roots}]\ncatalogue = "{world.database.path}"\n')
    return CliRunner().invoke(main, [*command, "--config", str(config)], input=given)


def test_commands(world: World) -> None:
    second = two_disks(world)
    listed = run(world, "roots", "list")
    assert listed.exit_code == 0 and listed.output.count(" there ") == 2
    # Emptied: one at least stays to record on.
    done = run(world, "roots", "drain", str(second.path))
    assert done.exit_code == 0 and (second.path / DRAINING_FILE).exists()
    assert "draining" in run(world, "roots", "list").output
    refused = run(world, "roots", "drain", str(world.root.path))
    assert refused.exit_code == 1 and "only root that is left" in refused.output
    checked = run(world, "check")
    assert checked.exit_code == 0 and "nothing wrong" in checked.output, "its file is no stray one"
    assert run(world, "roots", "drain", "--end", str(second.path)).exit_code == 0
    assert not (second.path / DRAINING_FILE).exists()
    # Given up only when it is gone, and asked for.
    assert "is there: nothing of it" in run(world, "roots", "replace", str(second.path), "--yes").output
    shutil.rmtree(second.path)
    assert run(world, "roots", "replace", str(second.path), given="n\n").exit_code == 1
    assert "ABSENT" in run(world, "roots", "list").output
    done = run(world, "roots", "replace", str(second.path), "--yes")
    assert done.exit_code == 0 and "6 segments" in done.output and "0 segments stay listed" in done.output
    log = run(world, "audit", "list").output
    assert "root_drained" in log and "root_recorded_again" in log and "root_given_up" in log
    assert "no footage root" in run(world, "roots", "replace", "/nowhere", "--yes").output


def test_a_new_disk_is_prepared(world: World, tmp_path: Path) -> None:
    run(world, "roots", "list")
    third = tmp_path / "third"
    done = run(world, "roots", "add", str(third))
    assert done.exit_code == 0 and (third / IDENTITY_FILE).exists()
    assert f'roots = ["{world.root.path}", "{third}"]' in done.output and "systemctl reload nvr" in done.output
    for path, why in (
        (world.root.path, "one of [storage] roots already"),
        (world.root.path / "within", "lie in one another"),
        (world.folder.parent, "lie in one another"),
    ):
        done = run(world, "roots", "add", str(path))
        assert done.exit_code == 1 and why in done.output
    assert not (world.root.path / "within").exists()
    shutil.copytree(world.root.path, tmp_path / "copy")
    assert "was a disk copied" in run(world, "roots", "add", str(tmp_path / "copy")).output
