"""Backups: made, kept, restored on another machine, and drills that notice what is not in order."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from nvr import accounts
from nvr.accounts import Role
from nvr.alerting.conditions import AlertKind, backups
from nvr.api.operations.backup_metrics import backup_metrics
from nvr.backups.drill import drill
from nvr.backups.making import make_backup
from nvr.backups.sealed_files import BackupSources, open_sealed, seal
from nvr.backups.sets import CATALOGUE, MANIFEST, SEALED_FILE, BackupError, list_sets, prune_sets, read_manifest, stamp
from nvr.backups.state import BackupState, note_backup, note_drill, read_state
from nvr.backups.verifying import verify_backup
from nvr.cli import main
from nvr.doctor.backups import backup_age, backup_drill
from nvr.evidence.seal.keys import KeyFolder
from nvr.housekeeping.backups import BackupKeeper, due
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.upgrade.standing import OWN_STEPS
from tests.storage.world import World
from tests.support.catalogues import catalogue_of

PASSPHRASE = "sungai besar mengalir ke laut"
PASSWORD = "kamera-rahasia-9"
NOW_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A server's folder with what a backup has to bring back: footage, a camera with a password, keys, a
    configuration."""
    home = tmp_path / "home"
    home.mkdir()
    made = World(home)
    for number in range(4):
        made.part(NOW_US + number * 6_000_000, range(3), final_name=True, enter=True)
    with made.database.write() as conn:
        settings = {"url": "rtsp://192.0.2.1/x", "username": "u", "password": PASSWORD}
        cameras.add(
            conn, camera="gate", name="Gate", source="catalogue", settings=settings, labels={}, node="n1", epoch=1,
            at_us=NOW_US,
        )  # fmt: skip
    accounts.create_user(made.database, "anna", "gerbang-tua-berlumut", Role.ADMIN)
    KeyFolder(home / "keys", "city").ensure()
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "passphrase").chmod(0o600)
    (home / "config.toml").write_text(
        f'[storage]\nroots = ["{made.root.path}"]\ncatalogue = "catalogue.db"\n'
        f'[backup]\nfolder = "{tmp_path / "backups"}"\npassphrase_file = "{tmp_path / "passphrase"}"\n'
    )
    return made


def sources(world: World) -> BackupSources:
    return BackupSources(world.database.path, world.folder / "config.toml", world.folder / "keys")


def made(world: World, folder: Path, passphrase: str | None = PASSPHRASE, now_us: int = NOW_US) -> Path:
    return make_backup(world.database, sources(world), folder, passphrase, version="9.9", now_us=now_us).path


def verified(path: Path, scratch: Path, passphrase: str | None = PASSPHRASE) -> list[str]:
    scratch.mkdir()
    return verify_backup(path, passphrase, scratch)


def run(config: Path, *command: str, given: str = "") -> Result:
    return CliRunner().invoke(main, [*command, "--config", str(config)], input=given)


def test_a_backup_is_whole_and_holds_no_secret_in_plain_text(world: World, tmp_path: Path) -> None:
    path = made(world, tmp_path / "backups")
    assert path.name == stamp(NOW_US) and path.stat().st_mode & 0o777 == 0o700
    assert sorted(file.name for file in path.iterdir()) == [CATALOGUE, MANIFEST, SEALED_FILE]
    manifest = read_manifest(path)
    assert (manifest.counts["camera"], manifest.counts["segment"], manifest.counts["user"]) == (2, 4, 1)
    assert manifest.schema == OWN_STEPS[-1]
    assert verified(path, tmp_path / "s") == []
    key = (world.folder / "camera-key").read_text().strip().encode()
    for file in path.iterdir():
        assert not file.stat().st_mode & 0o077
        data = file.read_bytes()
        for secret in (PASSWORD.encode(), PASSPHRASE.encode(), key, bytes.fromhex(key.decode()), b"BEGIN PRIVATE"):
            assert secret not in data, file.name
    # Without a passphrase neither keys nor configuration go along.
    plain = made(world, tmp_path / "backups", None, NOW_US + HOUR_US)
    assert sorted(file.name for file in plain.iterdir()) == [CATALOGUE, MANIFEST]
    assert verified(plain, tmp_path / "t", None) == []


def test_what_is_sealed_opens_with_its_passphrase_alone() -> None:
    files = {"config.toml": b"[server]\n", "keys/current": bytes(range(256))}
    text = seal(files, PASSPHRASE)
    assert open_sealed(text, PASSPHRASE) == files
    with pytest.raises(BackupError, match="passphrase is another one"):
        open_sealed(text, "another one of them")
    body = json.loads(text)
    body["sealed"] = body["sealed"][:-8] + "AAAAAAA="
    with pytest.raises(BackupError, match=r"altered|damaged"):
        open_sealed(json.dumps(body).encode(), PASSPHRASE)
    for bad in (b"", b"[]", b"{}", b"null", b"\xff"):
        with pytest.raises(BackupError, match="can't be opened"):
            open_sealed(bad, PASSPHRASE)
    with pytest.raises(BackupError, match="names that no backup gives"):
        open_sealed(seal({"keys/../../etc/passwd": b"x"}, PASSPHRASE), PASSPHRASE)


def test_damage_of_every_kind_is_named(world: World, tmp_path: Path) -> None:
    original = made(world, tmp_path / "backups")
    kinds = 0

    def broken(name: str, change: object) -> str:
        nonlocal kinds
        kinds += 1
        copy = tmp_path / f"copy-{kinds}"
        shutil.copytree(original, copy)
        data = bytearray((copy / name).read_bytes())
        (copy / name).write_bytes(change(data))  # type: ignore[operator]
        faults = verified(copy, tmp_path / f"scratch-{kinds}")
        assert faults, name
        return faults[0]

    def flipped(data: bytearray) -> bytes:
        data[len(data) // 2] ^= 1
        return bytes(data)

    assert "is not what was written" in broken(CATALOGUE, flipped)
    assert "is not what was written" in broken(CATALOGUE, lambda data: data[:-1])
    assert "is not what was written" in broken(SEALED_FILE, flipped)
    assert "is damaged" in broken(MANIFEST, lambda data: data[:-30])
    assert "is damaged" in broken(MANIFEST, lambda data: data.replace(b'"catalogue.sqlite"', b'"../../etc/passwd"'))
    assert "another one" in verified(original, tmp_path / "other", "some other passphrase")[0]
    (original / CATALOGUE).unlink()
    assert "can't be read" in verified(original, tmp_path / "gone")[0]


def test_restored_on_another_machine_by_one_command(world: World, tmp_path: Path) -> None:
    path = made(world, tmp_path / "backups")
    world.part(NOW_US + 60_000_000, range(3), final_name=True, enter=True)
    world.database.close()
    other = tmp_path / "other"
    config = other / "config.toml"
    done = run(config, "restore", str(path), given=PASSPHRASE + "\n")
    assert done.exit_code == 0, done.output
    assert config.read_text() == (world.folder / "config.toml").read_text() and config.stat().st_mode & 0o077 == 0
    database = Database(other / "catalogue.db")
    with database.read() as conn:
        found = cameras.find(conn, "gate")
        assert found is not None and found.locked is None and found.settings["password"] == PASSWORD
        assert conn.execute("SELECT count(*) FROM segment").fetchone()[0] == 4
    database.close()
    theirs = KeyFolder(world.folder / "keys", "x").current().certificate.fingerprint
    assert KeyFolder(other / "keys", "x").current().certificate.fingerprint == theirs
    # Twice is once too often: what is there stays.
    before = (other / "catalogue.db").read_bytes()
    again = run(config, "restore", str(path), given=PASSPHRASE + "\n")
    assert again.exit_code == 1 and "move it away first" in again.output
    assert (other / "catalogue.db").read_bytes() == before
    # Its disks are there: what was recorded since is taken in by the next start.
    world.database = Database(other / "catalogue.db")
    assert world.reconcile(NOW_US + 10**9, alive_us=NOW_US).entered == 1
    world.database.close()


def test_what_is_damaged_is_not_restored(world: World, tmp_path: Path) -> None:
    path = made(world, tmp_path / "backups")
    config = tmp_path / "other" / "config.toml"
    wrong = run(config, "restore", str(path), given="another passphrase\n")
    assert wrong.exit_code == 1 and "is not restored" in wrong.output and not config.exists()
    data = bytearray((path / CATALOGUE).read_bytes())
    data[5000] ^= 1
    (path / CATALOGUE).write_bytes(data)
    damaged = run(config, "restore", str(path), given=PASSPHRASE + "\n")
    assert damaged.exit_code == 1 and "is not what was written" in damaged.output
    assert not (tmp_path / "other").exists()
    assert "is no backup" in run(config, "restore", str(tmp_path)).output


def test_without_keys_only_the_catalogue_comes_back(world: World, tmp_path: Path) -> None:
    path = made(world, tmp_path / "backups")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(world.folder / "config.toml", other)
    done = run(other / "config.toml", "restore", str(path), "--without-keys")
    assert done.exit_code == 0 and "without keys" in done.output
    database = Database(other / "catalogue.db")
    with database.read() as conn:
        found = cameras.find(conn, "gate")
    database.close()
    assert found is not None and found.locked is not None and not (other / "camera-key").exists()


# -- drills


def test_a_drill_restores_and_notices_what_is_damaged(world: World, tmp_path: Path) -> None:
    path = made(world, tmp_path / "backups")
    done = drill(path, PASSPHRASE, version="9.9", roots=world.roots, beside=tmp_path)
    assert done.passed and done.segments == 4
    assert done.controls == (
        "a byte of the catalogue changed",
        "the catalogue cut off",
        "a row taken out",
        "another passphrase",
    )
    assert not [*tmp_path.glob(".nvr-drill-*")], "nothing of it stays"
    # Footage of another machine.
    shutil.rmtree(world.root.path / "cam")
    done = drill(path, PASSPHRASE, version="9.9", roots=world.roots)
    assert not done.passed and "none of 4 segments" in done.faults[0]


def test_a_drill_that_notices_nothing_fails(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose checks had come to nothing by somebody's change."""
    path = made(world, tmp_path / "backups")
    monkeypatch.setattr("nvr.backups.drill.verify_backup", lambda *_: [])
    done = drill(path, PASSPHRASE, version="9.9")
    assert not done.passed and "the drill itself is not to be trusted" in done.faults[0]


def test_a_backup_of_an_older_version_passes(tmp_path: Path) -> None:
    old = catalogue_of(tmp_path / "c.sqlite", "m029_directive_todo", "INSERT INTO node VALUES (1, 'n1', 5);")
    found = BackupSources(old.path, tmp_path / "config.toml", tmp_path / "keys")
    path = make_backup(old, found, tmp_path / "backups", None, version="9.9", now_us=NOW_US).path
    old.close()
    assert drill(path, None, version="9.9").passed


# -- commands and schedule


def test_commands(world: World, tmp_path: Path) -> None:
    config = world.folder / "config.toml"
    made_ = run(config, "backup", "now")
    assert made_.exit_code == 0 and "whole and checked" in made_.output, made_.output
    listed = run(config, "backup", "list")
    assert listed.exit_code == 0 and len(listed.output.splitlines()) == 2 and listed.output.rstrip().endswith("yes")
    done = run(config, "backup", "drill")
    assert done.exit_code == 0 and "can be restored: it was" in done.output, done.output
    with world.database.read() as conn:
        state = read_state(conn)
    assert state.made_us is not None and state.drilled_us is not None and state.drill_failed is None
    (last,) = list_sets(tmp_path / "backups")
    (last.path / CATALOGUE).write_bytes(b"x")
    failed = run(config, "backup", "drill")
    assert failed.exit_code == 1 and "WRONG" in failed.output
    with world.database.read() as conn:
        assert "is not what was written" in str(read_state(conn).drill_failed)
    # As it was before there were others.
    for words in (["backup", str(tmp_path / "one.db")], ["backup", "to", str(tmp_path / "two.db")]):
        assert run(config, *words).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "one.db")) as conn:
        assert conn.execute("SELECT count(*) FROM segment").fetchone()[0] == 4
    assert run(config, "backup", "now", "--folder", str(tmp_path / "file" / "x")).exit_code == 0
    (tmp_path / "no-folder").write_text("")
    assert "no backup in" in run(config, "backup", "now", "--folder", str(tmp_path / "no-folder")).output


def test_old_ones_go_and_unfinished_ones_too(tmp_path: Path) -> None:
    for day in range(1, 10):
        (tmp_path / f"2026090{day}T000000Z").mkdir()
    (tmp_path / "20260910T000000Z.unfinished").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "20260231T000000Z").mkdir()
    prune_sets(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20260231T000000Z",
        "20260907T000000Z",
        "20260908T000000Z",
        "20260909T000000Z",
        "notes",
    ]


@given(
    st.none() | st.integers(0, 100),
    st.none() | st.integers(0, 100),
    st.none() | st.integers(0, 100),
    st.integers(0, 100),
)
def test_due(made: int | None, failed: int | None, drilled: int | None, now: int) -> None:
    def us(hour: int | None) -> int | None:
        return None if hour is None else hour * HOUR_US

    why = None if failed is None else "x"
    state = BackupState(us(made), failed=why, failed_us=us(failed), drilled_us=us(drilled))
    now_us = now * HOUR_US
    backup, drill_ = due(state, every_us=DAY_US, drill_every_us=2 * DAY_US, started_us=-DAY_US, now_us=now_us)
    if made is not None and made <= now < made + 24:
        assert not backup
    elif failed is None or failed != now:
        assert backup
    assert drill_ == (made is not None and (drilled is None or not drilled <= now < drilled + 48))
    assert due(state, every_us=1, drill_every_us=1, started_us=now_us, now_us=now_us) == (False, False)


def test_the_server_makes_and_tries_them(world: World, tmp_path: Path) -> None:
    now = [NOW_US + DAY_US]
    settings = {
        "catalogue": str(world.database.path),
        "started_us": NOW_US,
        "roots": [[root.id, str(root.path)] for root in world.roots],
        "backup": {
            "folder": str(tmp_path / "backups"),
            "every_us": DAY_US,
            "keep": 2,
            "drill_every_us": 2 * DAY_US,
            "passphrase": PASSPHRASE,
            "config": str(world.folder / "config.toml"),
            "keys": str(world.folder / "keys"),
            "s3": None,
        },
    }
    keeper = BackupKeeper(settings, threading.Event(), clock=lambda: now[0])

    def state() -> BackupState:
        with world.database.read() as conn:
            return read_state(conn)

    for day in range(1, 4):
        now[0] = NOW_US + day * DAY_US
        keeper.look()
        keeper.look()
        assert state().made_us == now[0]
    assert len(list_sets(tmp_path / "backups")) == 2
    assert (state().drilled_us, state().drill_failed) == (NOW_US + 3 * DAY_US, None)
    # The place is gone: noted, and tried again a quarter of an hour later, not at every look.
    shutil.rmtree(tmp_path / "backups")
    (tmp_path / "backups").write_text("")
    now[0] += DAY_US
    keeper.look()
    assert "no backup in" in str(state().failed) and state().made_us == NOW_US + 3 * DAY_US
    (tmp_path / "backups").unlink()
    now[0] += 60_000_000
    keeper.look()
    assert state().failed is not None
    now[0] += HOUR_US
    keeper.look()
    assert state().failed is None and state().made_us == now[0]


# -- what people are told


def test_metrics_alerts_and_the_doctor(world: World) -> None:
    def metrics() -> dict[str, float]:
        with world.database.read() as conn:
            return {one.name: one.samples[0].value for one in backup_metrics(conn, NOW_US + HOUR_US)}

    def kinds(state: BackupState, now_us: int) -> list[AlertKind]:
        return [one.kind for one in backups(state, DAY_US, started_us=NOW_US, now_us=now_us)]

    assert metrics() == {}
    with world.database.write() as conn:
        note_backup(conn, NOW_US, path="/b", made_bytes=7)
        note_drill(conn, NOW_US, None)
    assert metrics() == {
        "nvr_backup_age_seconds": 3600.0,
        "nvr_backup_bytes": 7.0,
        "nvr_backup_failed": 0.0,
        "nvr_backup_drill_age_seconds": 3600.0,
        "nvr_backup_drill_passed": 1.0,
    }
    with world.database.write() as conn:
        note_backup(conn, NOW_US + 5, failed="no room")
        note_drill(conn, NOW_US, "damaged")
    assert metrics()["nvr_backup_failed"] == 1.0 and metrics()["nvr_backup_drill_passed"] == 0.0
    with world.database.read() as conn:
        state = read_state(conn)
    assert state.made_us == NOW_US, "one that failed leaves the one before"
    assert kinds(BackupState(), NOW_US + 2 * DAY_US) == []
    assert kinds(BackupState(), NOW_US + 2 * DAY_US + 1) == [AlertKind.BACKUP_LATE]
    assert kinds(BackupState(made_us=NOW_US), NOW_US + 2 * DAY_US) == []
    assert kinds(state, NOW_US + 3 * DAY_US) == [AlertKind.BACKUP_LATE, AlertKind.BACKUP_DRILL_FAILED]
    assert backups(state, None, started_us=0, now_us=NOW_US + 9 * DAY_US) == []
    assert backup_age(state, DAY_US, NOW_US + HOUR_US).health == "good"
    assert "no room" in str(backup_age(state, DAY_US, NOW_US + 3 * DAY_US).what)
    assert backup_age(BackupState(), DAY_US, NOW_US).health == "wrong"
    assert backup_drill(state, DAY_US, NOW_US).health == "wrong"
    assert backup_drill(BackupState(drilled_us=NOW_US), DAY_US, NOW_US + HOUR_US).health == "good"
    assert backup_drill(BackupState(drilled_us=NOW_US), DAY_US, NOW_US + 3 * DAY_US).health == "notice"
