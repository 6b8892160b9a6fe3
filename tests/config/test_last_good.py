"""One typing error must not keep anybody from placing a hold."""

from __future__ import annotations

import sqlite3
import stat
import time
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.config import ConfigError, load
from nvr.config.last_good import keep, load_or_last, path_of
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from tests.support.waiting import until

BROKEN = "[server]\nport = = 1\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[server]\nzone = "Asia/Jakarta"\n[storage]\nroots = ["footage"]\n')
    return path


def test_commands_go_by_the_last_good_settings_and_say_so(config: Path) -> None:
    keep(config)
    database = Database(load(config).storage.catalogue)
    database.migrate()
    with database.write() as conn:
        node.this_node(conn, "n1")
        cameras.add(
            conn, camera="gate", name="Gate", source="file", settings={}, labels={}, node="n1", epoch=1, at_us=1
        )
    database.close()
    config.write_text(BROKEN)
    words = ["holds", "place", "gate", "--start", "2026-11-23T14:00:00Z", "--end", "2026-11-24T14:00:00Z"]
    done = CliRunner().invoke(main, [*words, "--reason", "case 1", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "placed" in done.stdout and "last settings" in done.stderr
    copied = CliRunner().invoke(main, ["backup", str(config.parent / "copy.db"), "--config", str(config)])
    assert copied.exit_code == 0 and "last settings" in copied.stderr
    # What is about the file itself still says what is wrong with it.
    checked = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert checked.exit_code == 2 and "not valid TOML" in checked.stderr


def test_the_copy_is_its_owners_alone_and_only_a_good_file_is_kept(config: Path) -> None:
    keep(config)
    copy = path_of(config)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    text = copy.read_text()
    config.write_text(BROKEN)
    said: list[str] = []
    assert load_or_last(config, said.append).server.zone == "Asia/Jakarta"
    assert len(said) == 1 and copy.read_text() == text
    copy.unlink()
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_or_last(config, said.append)


def test_reading_does_not_wait_while_another_program_has_the_catalogue(tmp_path: Path) -> None:
    """Neither by itself, nor behind a writer of its own process that waits."""
    path = tmp_path / "catalogue.sqlite"
    database = Database(path)
    database.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write() -> None:
        with database.write() as conn:
            conn.execute("SELECT 1")

    writer = Thread(target=write)
    writer.start()
    until(database._lock.locked, "the writer, which waits for the other process", look_s=0.001)
    began = time.monotonic()

    def read() -> None:
        # A thread that has not read before.
        with database.read() as conn:
            conn.execute("SELECT count(*) FROM camera").fetchone()

    reader = Thread(target=read)
    reader.start()
    reader.join(5)
    with pytest.raises(sqlite3.OperationalError), database.write(patience_s=0.05):
        pass
    took_s = time.monotonic() - began
    other.execute("ROLLBACK")
    writer.join(20)
    database.close()
    assert not reader.is_alive() and took_s < 2
