"""``nvr check``: what it finds, what it leaves in peace, and that it touches nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvr.cli import main
from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import IDENTITY_FILE, Root, register
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.recovery import check as checking
from storage.recovery.check import CheckFinding, CheckKind, check
from storage.retention import deleting as garbage
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World

STEP_US = 3 * mp4.FRAGMENT_US


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_GRACE_S", 0.3)
    monkeypatch.setattr(checking, "_LOOK_AGAIN_S", 0.02)


def closed(world: World, number: int = 0, **options: object) -> Path:
    return world.part(T0_US + number * STEP_US, range(3), final_name=True, enter=True, **options)  # type: ignore[arg-type]


def findings(world: World, *, hashes: bool = False, roots: list[Root] | None = None) -> list[tuple[CheckKind, Path]]:
    news = check(world.database, world.roots if roots is None else roots, hashes=hashes)
    return [(item.kind, item.path) for item in news if isinstance(item, CheckFinding)]


def tree(folder: Path) -> Iterator[tuple[str, int, int, str]]:
    """Everything that could change: names, times and bytes. SQLite's shared memory is no state."""
    for path in sorted(folder.rglob("*")):
        if path.name.endswith("-shm"):
            continue
        info = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        yield str(path), info.st_mode, info.st_mtime_ns, digest


def test_healthy(world: World) -> None:
    for number in range(5):
        closed(world, number)
    world.part(T0_US + 5 * STEP_US, [0, 1])
    assert findings(world) == findings(world, hashes=True) == []
    assert [*check(world.database, world.roots, hashes=False)][-1] == 6 + 6


def test_everything_that_can_be_wrong_and_nothing_is_changed(world: World) -> None:
    whole, gone, short, altered, unlisted, grows = (closed(world, number) for number in range(6))
    gone.unlink()
    with short.open("ab") as file:
        file.write(b"x")
    data = bytearray(altered.read_bytes())
    data[-200] ^= 1
    altered.write_bytes(data)
    with world.database.write() as conn:
        segments.discard(conn, Key(CAMERA, T0_US + 4 * STEP_US, NODE, 1))
    copy = grows.with_name(grows.name.replace(".mp4", ".part.mp4"))
    shutil.copy(grows, copy)
    lost = world.part(T0_US + 6 * STEP_US, [0])
    lost.unlink()
    foreign = [whole.parent / "notes.txt", world.root.path / "lost+found", whole.parent.parent / whole.name]
    for path in foreign:
        path.write_text("x")
    before = [*tree(world.folder)]
    quick = {
        (CheckKind.MISSING, gone),
        (CheckKind.SIZE, short),
        (CheckKind.UNKNOWN, unlisted),
        (CheckKind.UNKNOWN, copy),
        (CheckKind.MISSING, lost),
        *((CheckKind.FOREIGN, path) for path in foreign),
    }
    assert set(findings(world)) == quick
    assert set(findings(world, hashes=True)) == {*quick, (CheckKind.HASH, altered)}
    assert len(findings(world)) == len(quick), "each is told once"
    assert [*tree(world.folder)] == before


def test_where_the_catalogue_has_no_hash_the_tail_vouches(world: World) -> None:
    path = closed(world)
    with world.database.write() as conn:
        conn.execute("UPDATE segment SET sha256 = NULL")
    assert findings(world, hashes=True) == []
    data = bytearray(path.read_bytes())
    data[data.index(b"mdat") + 6] ^= 1
    path.write_bytes(data)
    assert findings(world) == []
    assert findings(world, hashes=True) == [(CheckKind.HASH, path)]
    os.truncate(path, 100)
    assert findings(world, hashes=True) == [(CheckKind.SIZE, path)]


def test_a_copy_on_another_root_is_not_the_segment(world: World) -> None:
    path = closed(world)
    with world.database.write() as conn:
        world.roots = register(conn, [world.root.path, world.folder / "second"])
    copy = world.roots[1].path / path.relative_to(world.root.path)
    copy.parent.mkdir(parents=True)
    shutil.copy(path, copy)
    assert findings(world) == [(CheckKind.UNKNOWN, copy)]


def test_rows_of_a_disk_that_is_away_are_not_missing(world: World) -> None:
    closed(world)
    shutil.rmtree(world.root.path)
    assert findings(world, roots=[]) == []


def test_what_cannot_be_read_is_said(world: World) -> None:
    path = closed(world)
    path.unlink()
    path.symlink_to(path)
    assert findings(world) == findings(world, hashes=True) == [(CheckKind.UNREADABLE, path)]


def test_files_that_wait_for_being_unlinked_are_known(world: World) -> None:
    closed(world)
    with world.database.write() as conn:
        garbage.discard(conn, [Key(CAMERA, T0_US, NODE, 1)], cause=Cause.PRUNED, detail={}, now_us=0)
    assert findings(world) == []


def test_a_file_that_is_pruned_between_two_looks_is_not_missing(world: World) -> None:
    """Both passes: the row was read before it was deleted, and the name was listed before the file was unlinked."""
    for number in range(3):
        closed(world, number)
    news = check(world.database, world.roots, hashes=True)
    assert next(news) == 1
    with world.database.write() as conn:
        key = Key(CAMERA, T0_US + STEP_US, NODE, 1)
        garbage.discard(conn, [key], cause=Cause.PRUNED, detail={}, now_us=0)
    garbage.sweep(world.database)
    assert [item for item in news if isinstance(item, CheckFinding)] == []


def test_a_new_file_is_given_time_to_become_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder makes the file, and tells the catalogue afterwards."""
    path = world.part(T0_US, [0], row=False)
    assert findings(world) == [(CheckKind.UNKNOWN, path)]
    monkeypatch.setattr(checking, "_GRACE_S", 30.0)
    news = check(world.database, world.roots, hashes=False)
    told = threading.Timer(0.3, lambda: world.part(T0_US, [0]))
    told.start()
    assert [item for item in news if isinstance(item, CheckFinding)] == []
    told.join()


def test_nothing_is_reported_while_recording_and_pruning_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_GRACE_S", 15.0)
    catalogue = CatalogueWriter(world.database, status_interval_s=0.05)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=0.5)
    catalogue.start()
    writer.start()
    ending = threading.Event()

    def record() -> None:
        number = 0
        while not ending.is_set():
            start_us = T0_US + number * STEP_US
            head = Head(CAMERA, NODE, 1, T0_US, start_us, 0, mp4.TIMESCALE)
            handle = writer.open(head, mp4.init(), IndexBuilder(mp4.tracks()), number == 0)
            for each in range(3):
                raw, fragment = mp4.fragment(each)
                assert writer.append(handle, [raw], fragment, start_us + (each + 1) * mp4.FRAGMENT_US)
            writer.close_segment(handle, end_us=start_us + STEP_US, media_end=1500, frames=15, reason="rotation")
            while writer._jobs and not ending.is_set():
                ending.wait(0.001)
            if number >= 20:
                with world.database.write() as conn:
                    old = Key(CAMERA, T0_US + (number - 20) * STEP_US, NODE, 1)
                    garbage.discard(conn, [old], cause=Cause.PRUNED, detail={}, now_us=0)
                garbage.sweep(world.database)
            number += 1

    thread = threading.Thread(target=record)
    thread.start()
    try:
        for _ in range(15):
            assert findings(world, hashes=True) == []
    finally:
        ending.set()
        thread.join()
        assert writer.stop(10) and catalogue.close(10)
    assert findings(world, hashes=True) == []


# -- the command


def config_of(world: World) -> Path:
    path = world.folder / "config.toml"
    path.write_text(f'[storage]\nroots = ["{world.root.path}"]\ncatalogue = "{world.database.path}"\n')
    path.chmod(0o600)
    return path


def test_command(world: World) -> None:
    path = closed(world)
    args = ["check", "--config", str(config_of(world))]
    done = CliRunner().invoke(main, args)
    assert (done.exit_code, done.stdout) == (0, "2 rows and files looked at: nothing wrong\n")
    (world.root.path / "stray").write_text("x")
    assert CliRunner().invoke(main, args).exit_code == 0, "a stray file is told, but no error"
    path.unlink()
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 1
    assert f"missing: {path}: " in done.stdout and "1 foreign, 1 missing" in done.stdout


def test_command_says_that_a_disk_is_away(world: World) -> None:
    closed(world)
    (world.root.path / IDENTITY_FILE).rename(world.folder / "elsewhere")
    done = CliRunner().invoke(main, ["check", "--config", str(config_of(world))])
    assert done.exit_code == 1
    assert "root_absent" in done.stderr and "missing" not in done.stdout


def test_command_makes_no_catalogue(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    done = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert done.exit_code == 1 and "there is no catalogue" in done.output
    assert [*tmp_path.iterdir()] == [config]


def test_command_in_a_copied_tree_looks_at_the_copy(world: World, tmp_path: Path) -> None:
    """The catalogue of the copy has the paths of the original, of which nothing was wrong."""
    path = closed(world)
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    config_of(world)
    world.database.close()
    shutil.copytree(world.folder, copy)
    config = copy / "config.toml"
    config.write_text(f'[storage]\nroots = ["{copy / "root"}"]\ncatalogue = "{copy / "catalogue.db"}"\n')
    (copy / path.relative_to(world.folder)).unlink()
    done = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert done.exit_code == 1
    assert f"root_copied: {copy / 'root'}: has the identity of {world.root.path}" in done.stdout
    assert f"missing: {copy / path.relative_to(world.folder)}: " in done.stdout
    assert "1 missing, 1 root_copied" in done.stdout
    # The original taken away, it has moved.
    world.root.path.rename(world.folder / "away")
    done = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert "root_moved" in done.stderr and "1 missing\n" in done.stdout and done.exit_code == 1


def test_command_names_a_root_that_the_configuration_lacks(world: World) -> None:
    closed(world)
    config = config_of(world)
    config.write_text(config.read_text().replace(str(world.root.path), str(world.folder / "other")))
    done = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert done.exit_code == 0 and f"root_unlisted: {world.root.path}" in done.stderr
