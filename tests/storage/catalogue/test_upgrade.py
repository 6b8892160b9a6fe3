"""Catalogues of other versions, copies of a catalogue, and hashes read again at leisure."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlite_utils
from click.testing import CliRunner

from nvr.cli import main
from storage.catalogue import cameras, facts, migrations, segments
from storage.catalogue.backup import backup
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.errors import CatalogueError
from storage.recovery import scrub as scrubbing
from storage.recovery.rebuild import rebuild
from storage.recovery.scrub import scrub
from storage.retention import holds
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, assert_partition
from tests.support.catalogues import catalogue_of
from tests.support.people import person

TOP = Path(__file__).parents[3]
STEP_US = 3 * mp4.FRAGMENT_US


def first_schema(path: Path) -> None:
    """A catalogue as the first released server made it: its schema and its record of migrations, with something of
    every kind in it."""
    path.touch(mode=0o600)
    with sqlite3.connect(path, isolation_level=None) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        migrations.run(sqlite_utils.Database(conn), migrations.m001_first_schema.SQL)
        conn.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('catalogue', 'm001_first_schema', '2026')"
        )
        conn.executescript(
            f"""
            INSERT INTO node VALUES (1, 'n1', {T0_US}); INSERT INTO root VALUES (1, 'r1', '/footage');
            INSERT INTO camera VALUES (1, 'cam', 'Gate', 'catalogue', '{{"url": "rtsp://h/x"}}',
              '{{"district": "north"}}', 5, NULL, 1);
            INSERT INTO init VALUES ('i1', x'00', 'avc1.64000a', NULL, 64, 48);
            INSERT INTO run VALUES (1, {T0_US}, 1, 1, NULL, NULL, '{{}}');
            INSERT INTO segment VALUES (1, {T0_US}, 1, 1, {T0_US + STEP_US}, 1, 'i1', {T0_US}, 1000, 0, 1500, 15, 999,
              'ff');
            INSERT INTO span VALUES (1, {T0_US}, 1, 1, {T0_US + STEP_US}, 1, 999, 2);
            INSERT INTO fact VALUES (1, 'footage', {T0_US - STEP_US}, 1, 1, {T0_US}, 'pruned',
              '{{"segments": 1, "bytes": 7}}', 3);
            INSERT INTO user VALUES ('admin', 'hash', 'admin', 1); INSERT INTO session VALUES ('h', 'admin', 1, 2);
            INSERT INTO token VALUES ('t', 'th', 'x', 'viewer', 1, NULL);
            """
        )
    conn.close()


def test_the_first_schema_migrates(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    first_schema(old)
    with sqlite3.connect(old) as conn:
        before = {
            table: [dict(zip((c[0] for c in cursor.description), row, strict=True)) for row in cursor]
            for table in (
                "node",
                "root",
                "camera",
                "init",
                "run",
                "segment",
                "span",
                "fact",
                "user",
                "session",
                "token",
            )
            for cursor in [conn.execute(f"SELECT * FROM {table}")]
        }
    conn.close()
    upgraded, fresh = Database(old), Database(new)
    upgraded.migrate()
    fresh.migrate()
    shapes = []
    for database in (upgraded, fresh):
        with database.read() as conn:
            rows = conn.execute(
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite%' ORDER BY 1, 2"
            )
            shapes.append([tuple(row) for row in rows])
    assert shapes[0] == shapes[1], "an upgraded catalogue has the schema of a new one"
    with upgraded.read() as conn:
        for table, kept in before.items():
            now = [dict(row) for row in conn.execute(f"SELECT * FROM {table}")]
            assert len(now) == len(kept), table
            for was, is_ in zip(kept, now, strict=True):
                if table == "user":
                    # What somebody may do is in grants.
                    role = was.pop("role")
                    granted = conn.execute("SELECT role, cameras FROM access_grant WHERE holder = ?", (is_["id"],))
                    assert [tuple(row) for row in granted] == [(role, "*")]
                if table == "session":
                    # It hangs on its user's id now.
                    was["user"] = conn.execute("SELECT id FROM user WHERE name = ?", (was["user"],)).fetchone()[0]
                assert {k: v for k, v in is_.items() if k in was} == was, table
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        found = segments.get(conn, Key("cam", T0_US, "n1", 1))
        assert found is not None and found.bytes == 999
        assert cameras.list_all(conn)[0].labels == {"district": "north"}
    # Once more changes nothing.
    upgraded.migrate()
    for database in (upgraded, fresh):
        database.close()


BEFORE_IDS = """
INSERT INTO node VALUES (1, 'n1', 5); INSERT INTO camera VALUES (1, 'cam', 'Gate', 'catalogue', '{}', '{}', 5, NULL, 1);
-- budi was removed and added again at 500; the server's name was free then, and somebody took it.
INSERT INTO user VALUES ('anna', 'ha', 'admin', 10), ('budi', 'hb', 'investigator', 500), ('server', 'hs', 'viewer', 1);
INSERT INTO session VALUES ('s1', 'anna', 20, 30), ('s2', 'budi', 600, 700);
INSERT INTO token VALUES ('t1', 'h1', 'copies', 'viewer', 15, 16), ('t2', 'h2', 'copies', 'viewer', 15, NULL);
INSERT INTO audit VALUES (1, 15, 'anna', '', 'token_made', NULL, '{"token":"t1","name":"copies"}', '', 'x1'),
  (2, 15, 'anna', '', 'hold_placed', 'cam', 'no JSON', 'x1', 'x2');
INSERT INTO legal_case VALUES ('c1', 'LP/1', 'x', '', 'budi', 400, NULL, NULL, NULL, 1);
INSERT INTO hold VALUES ('h1', 1, 1, 2, 'r', 'server', 100, 600, 'budi', 'r', 1);
INSERT INTO request (id, legal_case, start_us, end_us, purpose, state, requester, requested_us, decided_by,
  decided_us, rev)
  VALUES ('r1', 'c1', 1, 2, 'p', 'approved', 'budi', 450, 'anna', 460, 1),
         ('r2', 'c1', 1, 2, 'p', 'approved', 'budi', 550, 'token copies', 560, 1);
INSERT INTO address (id, secret, camera, made_by, user, user_since_us, token, made_us, until_us, rev) VALUES
  ('a1', 'x1', 1, 'anna', 'anna', 10, NULL, 20, 30, 1), ('a2', 'x2', 1, 'budi', 'budi', 300, NULL, 400, 500, 1),
  ('a3', 'x3', 1, 'token copies', NULL, NULL, 't1', 400, 500, 1);
INSERT INTO export (id, state, request, requested_by, requested_us, holds, rev) VALUES
  ('e1', 'done', '{"requester": "budi", "made_of": "r1"}', 'anna', 460, '[]', 1),
  ('e2', 'done', '{"requester": "budi", "made_of": "r2"}', 'anna', 560, '[]', 1),
  ('e3', 'done', '{"requester": "anna"}', 'budi', 570, '[]', 1), ('e4', 'done', '{}', 'token copies', 580, '[]', 1);
"""


def test_ids_of_before_are_those_that_can_be_known(tmp_path: Path) -> None:
    """A name that can have been two persons' is nobody's: unknown stays unknown."""
    database = catalogue_of(tmp_path / "c.db", "m023_addresses", BEFORE_IDS)
    database.migrate()
    with database.read() as conn:

        def rows(sql: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in conn.execute(sql)]

        ids = {str(name): str(id_) for name, id_ in rows("SELECT name, id FROM user")}
        assert len(set(ids.values())) == 3 and all(id_.startswith("user-") for id_ in ids.values())
        anna, budi = ids["anna"], ids["budi"]
        assert rows("SELECT hash, user, created_us, expires_us FROM session ORDER BY hash") == [
            ("s1", anna, 20, 30),
            ("s2", budi, 600, 700),
        ]
        assert rows("SELECT id, hash, user, made_by, made_by_id, last_used_us FROM token ORDER BY id") == [
            ("t1", "h1", None, "anna", None, 16),
            ("t2", "h2", None, None, None, None),
        ]
        assert rows("SELECT opened_by_id FROM legal_case") == [(None,)], "that was the budi of before"
        assert rows("SELECT placed_by_id, released_by_id FROM hold") == [(None, budi)], "server was no user then"
        assert rows("SELECT id, requester_id, decided_by_id FROM request ORDER BY id") == [
            ("r1", None, anna),
            ("r2", budi, None),
        ]
        assert rows("SELECT id, owner_id FROM export ORDER BY id") == [
            ("e1", None),
            ("e2", budi),
            ("e3", budi),
            ("e4", None),
        ]
        assert rows("SELECT made_by_id FROM address ORDER BY id") == [(anna,), (None,), ("token-t1",)]
        assert rows("SELECT actor_id FROM audit") == [(None,), (None,)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


def test_those_who_make_a_catalogue_at_once_take_turns(tmp_path: Path) -> None:
    """As a command that is called while the server starts for the first time."""
    path = tmp_path / "c.db"
    code = (
        "import sys; from pathlib import Path; from storage.catalogue.database import Database;"
        " Database(Path(sys.argv[1])).migrate()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, path], cwd=TOP, stderr=subprocess.PIPE) for _ in range(6)]
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()


def test_an_upgrade_that_is_killed_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.db"
    with monkeypatch.context() as patch:
        steps = sqlite_utils.migrations.Migrations("catalogue")
        steps._migrations = [*migrations.migrations._migrations]
        patch.setattr("storage.catalogue.migrations.migrations", steps)

        @steps()
        def m999_breaks(db: sqlite_utils.Database) -> None:
            db.execute("CREATE TABLE half (x)")
            raise KeyboardInterrupt

        database = Database(path)
        with pytest.raises(KeyboardInterrupt):
            database.migrate()
        database.close()
    database = Database(path)
    database.migrate()
    with database.read() as conn:
        assert conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone() is None
    database.close()


def test_a_newer_schema_is_refused(world: World) -> None:
    with world.database.write() as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('catalogue', 'm900_of_tomorrow', '2031')"
        )
    world.database.close()
    before = world.database.path.read_bytes()
    config = world.folder / "config.toml"
    config.write_text(f'[storage]\nroots = ["{world.root.path}"]\ncatalogue = "{world.database.path}"\n')
    with pytest.raises(
        CatalogueError, match=r"made by a newer server \(m900_of_tomorrow\): run that version, or restore"
    ):
        Database(world.database.path).migrate()
    for command in ("serve", "cameras"):
        done = CliRunner().invoke(main, [command, "--config", str(config)])
        assert done.exit_code == 1, command
    assert "made by a newer server: an nvr of before versions were kept, schema m900_of_tomorrow" in done.output
    assert world.database.path.read_bytes() == before, "and it is not touched"


# -- nvr backup


def test_backup_is_one_moment_of_a_catalogue_that_is_written(world: World) -> None:
    """Two rows are always written together: a copy never has one of them."""
    ending = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not ending.is_set():
            with world.database.write() as conn:
                for name in ("a", "b"):
                    conn.execute("INSERT INTO meta VALUES (?, randomblob(4000))", (f"{name}{written}",))
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        told: list[tuple[int, int]] = []
        for number in range(5):
            least = written
            copy = world.folder / f"copy{number}.db"
            size = backup(world.database, copy, progress=lambda done, total: told.append((done, total)))
            assert copy.stat().st_size == size and copy.stat().st_mode & 0o777 == 0o600
            with sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True) as conn:
                a, b = (
                    conn.execute(f"SELECT count(*) FROM meta WHERE key GLOB '{n}[0-9]*'").fetchone()[0] for n in "ab"
                )
                assert a == b >= least
                assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
            conn.close()
            time.sleep(0.02)  # sleep: the writer goes on meanwhile
    finally:
        ending.set()
        thread.join()
    assert told and told[-1][0] == told[-1][1]
    assert [path.name for path in world.folder.iterdir() if "unfinished" in path.name] == []


def test_backup_never_replaces_a_file_and_leaves_no_half(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target = world.folder / "copy.db"
    target.write_bytes(b"precious")
    with pytest.raises(CatalogueError, match="exists"):
        backup(world.database, target)
    assert target.read_bytes() == b"precious"
    with pytest.raises(CatalogueError, match="No such file"):
        backup(world.database, world.folder / "nowhere" / "copy.db")

    def damaged(*_: object) -> None:
        raise CatalogueError("the copy is damaged")

    monkeypatch.setattr("storage.catalogue.backup._copy", damaged)
    with pytest.raises(CatalogueError, match="damaged"):
        backup(world.database, world.folder / "new.db")
    assert not [*world.folder.glob("new.db*")]


# -- scrub


def closed(world: World, number: int) -> Path:
    return world.part(T0_US + number * STEP_US, range(3), final_name=True, enter=True)


def run(world: World, bytes_per_s: int = 1 << 30) -> scrubbing.Scrubbed:
    return scrub(world.database, world.roots, bytes_per_s, threading.Event())


def test_scrub_finds_what_is_wrong_and_changes_no_file(world: World) -> None:
    paths = [closed(world, number) for number in range(5)]
    world.part(T0_US + 5 * STEP_US, [0])
    data = bytearray(paths[1].read_bytes())
    data[-200] ^= 1
    paths[1].write_bytes(data)
    paths[2].write_bytes(data[:-1])
    paths[3].unlink()
    before = {path: path.read_bytes() for path in world.files_on_disk()}
    done = run(world)
    assert done.whole and done.segments == 2 and done.filled == 0
    assert [path for path, _ in done.bad] == paths[1:4]
    assert ["SHA-256" in reason for _, reason in done.bad] == [True, False, False]
    assert {path: path.read_bytes() for path in world.files_on_disk()} == before


def test_scrub_fills_in_hashes_only_where_the_tail_vouches(world: World) -> None:
    paths = [closed(world, number) for number in range(3)]
    data = bytearray(paths[1].read_bytes())
    data[data.index(b"mdat") + 6] ^= 1
    paths[1].write_bytes(data)
    made = Database(world.folder / "again.db")
    made.migrate()
    list(rebuild(made, world.roots))
    world.database.close()
    world.database = made
    done = run(world)
    assert (done.segments, done.filled, [path for path, _ in done.bad]) == (2, 2, [paths[1]])
    with made.read() as conn:
        rows = [row[0] for row in conn.execute("SELECT sha256 FROM segment ORDER BY start_us")]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert rows == [digests[0], None, digests[2]]
    assert run(world).filled == 0


def test_scrub_keeps_to_its_rate(world: World) -> None:
    size = sum(closed(world, number).stat().st_size for number in range(10))
    began = time.monotonic()
    assert run(world, bytes_per_s=size * 2).bytes == size
    assert 0.4 < time.monotonic() - began < 5


def test_scrub_stops_at_once_and_goes_on_where_it_was(world: World) -> None:
    paths = [closed(world, number) for number in range(6)]
    size = paths[0].stat().st_size
    stop = threading.Event()
    timer = threading.Timer(0.7, stop.set)
    timer.start()
    began = time.monotonic()
    # Two a second: it is stopped while it waits to go on, and does not wait to the end.
    first = scrub(world.database, world.roots, size * 2, stop)
    assert time.monotonic() - began < 2.5 and not first.whole and 0 < first.segments < 5
    second = run(world)
    assert second.whole and first.segments + second.segments == 6
    assert run(world).segments == 6, "the next pass begins anew"


def test_scrub_takes_no_file_for_missing_when_its_disk_goes_away(world: World) -> None:
    for number in range(3):
        closed(world, number)
    shutil.rmtree(world.root.path)
    done = run(world)
    assert done.whole and done.bad == [] and done.segments == 0


def test_footage_whose_file_is_gone_is_a_gap_from_then_on_unless_it_is_held(world: World) -> None:
    paths = [closed(world, number) for number in range(4)]
    with world.database.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US + 4 * STEP_US, Cause.ENDED, {}, node=NODE, epoch=1)
        holds.place(conn, CAMERA, T0_US, T0_US + 1, reason="LP/1", by=person("test"), now_us=T0_US)
    now_us = T0_US + 5 * STEP_US
    for number in (0, 2):
        paths[number].unlink()
    assert [path for path, _ in run(world).bad] == [paths[0], paths[2]]
    answer = world.coverage(T0_US, now_us, now_us)
    assert_partition(answer)
    # The held one stays listed, for somebody to look; it is told again at each pass.
    assert list(answer.spans) == [(T0_US, T0_US + 2 * STEP_US), (T0_US + 3 * STEP_US, T0_US + 4 * STEP_US)]
    gap = answer.gaps[0]
    assert (gap.start_us, gap.end_us, gap.cause) == (T0_US + 2 * STEP_US, T0_US + 3 * STEP_US, Cause.MISSING)
    assert gap.detail["segments"] == 1 and "noticed" in gap.detail
    assert [path for path, _ in run(world).bad] == [paths[0]]


def test_scrub_says_nothing_of_what_is_deleted_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [closed(world, number) for number in range(2)]
    look = scrubbing._look

    def delayed(*args: object) -> str | None:
        reason = look(*args)  # type: ignore[arg-type]
        if reason is not None:
            with world.database.write() as conn:
                segments.discard(conn, Key(CAMERA, T0_US, NODE, 1))
        return reason

    paths[0].unlink()
    monkeypatch.setattr(scrubbing, "_look", delayed)
    done = run(world)
    assert done.bad == [] and done.segments == 1
