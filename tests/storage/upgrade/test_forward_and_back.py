"""Upgrades of a catalogue and the way back, killed before each step that touches a file or the schema."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.catalogue import migrations
from storage.catalogue.database import Database
from storage.disk.roots import register
from storage.errors import CatalogueError
from storage.retention import holds
from storage.upgrade.back import choose, go_back, meanwhile, standing_of
from storage.upgrade.copies import copies, folder_of, interrupted
from storage.upgrade.forward import bring_up
from storage.upgrade.standing import OWN_STEPS, SchemaStanding, refusal, standing
from tests.storage import mp4
from tests.storage.world import CAMERA, T0_US, World, assert_consistent
from tests.support.catalogues import catalogue_of, new_catalogue
from tests.support.people import person

LAST = "m026_integrity"
ROWS = f"""
INSERT INTO node VALUES (1, 'n1', {T0_US});
INSERT INTO camera VALUES (1, 'cam', 'Gate', 'catalogue', '{{"url": "rtsp://h/x"}}', '{{}}', 5, NULL, 1);
"""
KILLED = 9
# Each is heard of before it is done.
EVENTS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "sqlite3.connect", "shutil.copyfile"}


def say(_: str) -> None:
    """What is told people."""


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Does the work in a process of its own that dies before its step of this number; says whether it did."""
    child = os.fork()
    if child == 0:
        left = itertools.count(1)

        def one() -> None:
            if next(left) == step:
                os._exit(KILLED)

        def heard(event: str, arguments: tuple[object, ...]) -> None:
            # Of files that are opened, those that may be written.
            if event in EVENTS and not (event == "open" and arguments[1] == "r"):
                one()

        run = migrations.run

        def counted(*arguments: object) -> None:
            one()
            run(*arguments)  # type: ignore[arg-type]
            one()

        migrations.run = counted
        code = 1
        try:
            sys.addaudithook(heard)
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED)
    return status == KILLED


def content(path: Path) -> list[str]:
    """All of a catalogue, but for when its steps were done, and that versions are kept."""
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [line for line in conn.iterdump() if "_sqlite_migrations" not in line and "nvr_version" not in line]


def applied(path: Path) -> SchemaStanding:
    with closing(sqlite3.connect(path)) as conn:
        return standing(conn)


def upgraded(path: Path) -> None:
    database = Database(path)
    try:
        bring_up(database, "9.9", say=say)
    finally:
        database.close()


def returned(path: Path) -> None:
    database = Database(path)
    try:
        go_back(database, choose(path))
    finally:
        database.close()


def test_an_upgrade_leaves_a_copy_of_before(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    old = catalogue_of(path, LAST, ROWS)
    told: list[str] = []
    before = content(path)
    copy = bring_up(old, "9.9", say=told.append)
    old.close()
    assert copy is not None and content(copy) == before and copy.stat().st_mode & 0o777 == 0o600
    assert applied(path) == SchemaStanding(OWN_STEPS, "9.9") and applied(copy).schema == LAST
    assert any("passwords of cameras in plain text" in line for line in told), "they were not sealed then"
    assert interrupted(path) is None
    # What is up to date is not copied again; a new one never is.
    upgraded(path)
    upgraded(tmp_path / "new" / "c.sqlite")
    assert [one.path for one in copies(path)] == [copy] and not copies(tmp_path / "new" / "c.sqlite")


def test_without_room_for_a_copy_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    old = catalogue_of(path, LAST, ROWS)
    before = content(path)
    folder_of(path).write_text("no folder")
    with pytest.raises(CatalogueError, match="is not upgraded, since no copy of it can be made"):
        bring_up(old, "9.9", say=say)
    old.close()
    assert content(path) == before and applied(path).schema == LAST


def test_only_some_copies_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    folder_of(path).mkdir()
    for day in range(1, 6):
        for kind in ("before", "left"):
            (folder_of(path) / f"2025010{day}T000000Z-m001_first_schema-{kind}.sqlite").touch()
    (folder_of(path) / "notes.txt").touch()
    upgraded(path)
    found = copies(path)
    assert [(one.path.name[:8], one.is_left) for one in found if one.path.stat().st_size == 0] == [
        ("20250103", True),
        ("20250104", False),
        ("20250104", True),
        ("20250105", False),
        ("20250105", True),
    ]
    assert choose(path).schema == LAST and (folder_of(path) / "notes.txt").exists()


def test_an_upgrade_killed_at_any_step_can_go_on_and_back(tmp_path: Path) -> None:
    original = tmp_path / "original.sqlite"
    catalogue_of(original, LAST, ROWS).close()
    before = content(original)
    interruptions = 0
    for step in itertools.count(1):
        folders = [tmp_path / f"{step}-{way}" for way in ("on", "back")]
        for folder in folders:
            folder.mkdir()
            shutil.copy(original, folder / "c.sqlite")
        on, back = (folder / "c.sqlite" for folder in folders)
        ended = not killed_at(step, lambda on=on: upgraded(on))
        killed_at(step, lambda back=back: upgraded(back))
        # What was interrupted is gone on with, and its copy is of before the first step.
        interruptions += interrupted(on) is not None
        upgraded(on)
        assert applied(on) == SchemaStanding(OWN_STEPS, "9.9")
        assert content(choose(on).path) == before
        # Or it is gone back from; before there is a copy nothing was changed.
        if copies(back):
            returned(back)
        assert applied(back).schema == LAST and content(back) == before
        for folder in folders:
            shutil.rmtree(folder)
        if ended:
            break
    assert step > 15 and interruptions > 5


def test_going_back_killed_at_any_step_leaves_a_whole_catalogue(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    path = made / "c.sqlite"
    old = catalogue_of(path, LAST, ROWS)
    before = content(path)
    bring_up(old, "9.9", say=say)
    with old.write() as conn:
        conn.execute("INSERT INTO meta VALUES ('since', 1)")
    old.close()
    now = content(path)
    for step in itertools.count(1):
        again = tmp_path / str(step)
        shutil.copytree(made, again)
        ended = not killed_at(step, lambda again=again: returned(again / "c.sqlite"))
        found = content(again / "c.sqlite")
        assert found in (before, now)
        if found == now:
            returned(again / "c.sqlite")
        assert content(again / "c.sqlite") == before
        left = [one.path for one in copies(again / "c.sqlite") if one.is_left]
        assert left and now in map(content, left)
        shutil.rmtree(again)
        if ended:
            break
    assert step > 5


def test_what_was_recorded_since_is_taken_in_by_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    old = catalogue_of(path, LAST, ROWS)
    copy = bring_up(old, "9.9", say=say)
    assert copy is not None
    (tmp_path / "world").mkdir()
    world = World(tmp_path / "world")
    world.database.close()
    world.database = old
    with old.write() as conn:
        world.roots = register(conn, [tmp_path / "root"])
    for number in range(3):
        world.part(T0_US + number * 3 * mp4.FRAGMENT_US, range(3), final_name=True, enter=True)
    with old.write() as conn:
        holds.place(conn, CAMERA, T0_US, T0_US + 1, reason="LP/12", by=person("anna"), now_us=T0_US + 2)
    with old.read() as conn:
        since = meanwhile(conn, T0_US)
    assert (since.segments, since.cameras, since.recorded_us) == (3, 1, 9 * mp4.FRAGMENT_US)
    assert since.bytes == sum(file.stat().st_size for file in world.files_on_disk())
    assert [hold[0] for hold in since.holds] == [CAMERA] and since.holds[0][3] == "LP/12"
    left = go_back(old, choose(path))
    assert applied(left) == SchemaStanding(OWN_STEPS, "9.9") and applied(path).schema == LAST
    # This version stands in for the one before: its start does the same.
    world.database = Database(path)
    bring_up(world.database, "9.9", say=say)
    with world.database.write() as conn:
        world.roots = register(conn, [tmp_path / "root"])
    report = world.reconcile(T0_US + 10**9, alive_us=T0_US)
    assert report.entered == 3
    assert_consistent(world, report)
    world.close()


def test_a_program_that_uses_the_catalogue_is_waited_for_by_a_person(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    old = catalogue_of(path, LAST, ROWS)
    bring_up(old, "9.9", say=say)
    other = Database(path)
    with other.read() as conn:
        conn.execute("SELECT count(*) FROM meta").fetchone()
    with pytest.raises(CatalogueError, match="a program uses catalogue"):
        go_back(old, choose(path))
    assert applied(path).schema == OWN_STEPS[-1]
    other.close()
    go_back(old, choose(path))
    assert applied(path).schema == LAST


def test_a_damaged_copy_is_not_gone_back_to(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    upgraded(path)
    copy = choose(path)
    copy.path.write_bytes(copy.path.read_bytes()[:5000])
    with pytest.raises(CatalogueError, match=r"damaged|can't be read"):
        standing_of(copy)
    with pytest.raises(CatalogueError, match="nothing to go back to"):
        choose(tmp_path / "elsewhere.sqlite")


def test_refusals_name_both_versions_and_what_to_do() -> None:
    own = ("m001_a", "m002_b")
    path = Path("/data/c.sqlite")
    assert refusal(SchemaStanding(own, "2.0", own), path, "2.0", is_served=False) is None
    older = refusal(SchemaStanding(own[:1], "1.0", own), path, "2.0", is_served=False)
    assert older is not None and "is of nvr 1.0, schema m001_a; this is nvr 2.0, schema m002_b" in older
    assert "Call nvr upgrade, or start nvr serve" in older
    running = refusal(SchemaStanding(own[:1], None, own), path, "2.0", is_served=True)
    assert running is not None and "stop it first" in running and "of before versions were kept" in running
    newer = refusal(SchemaStanding((*own, "m003_c"), "3.0", own), path, "2.0", is_served=False)
    assert newer is not None and "made by a newer server: nvr 3.0, schema m003_c; this is nvr 2.0" in newer
    assert "nvr upgrade --back" in newer


def test_a_new_catalogue_stands_at_this_version(tmp_path: Path) -> None:
    database = new_catalogue(tmp_path / "c.sqlite")
    with database.read() as conn:
        found = standing(conn)
    database.close()
    assert found.applied == OWN_STEPS and not found.missing and not found.unknown


def test_what_root_makes_is_the_servers(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: what belongs to whom where root upgrades (needs root)")
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    os.chown(path, 12345, 12346)
    upgraded(path)
    returned(path)
    upgraded(path)
    for made in (path, folder_of(path), *folder_of(path).iterdir()):
        state = made.stat()
        assert (state.st_uid, state.st_gid) == (12345, 12346), made
