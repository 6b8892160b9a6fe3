"""``nvr upgrade``, and every other command over a catalogue of another version."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr import __version__
from nvr.cli import main
from storage.catalogue.node import Lock
from storage.upgrade.standing import OWN_STEPS
from tests.support.catalogues import catalogue_of, new_catalogue

LAST = "m029_directive_todo"
ROWS = """
INSERT INTO node VALUES (1, 'n1', 5);
INSERT INTO meta VALUES ('nvr_version', '0.0.7');
"""


def run(folder: Path, *command: str, given: str = "") -> Result:
    config = folder / "config.toml"
    if not config.exists():
        config.write_text('[storage]\nroots = ["footage"]\ncatalogue = "c.sqlite"\n')
    return CliRunner().invoke(main, [*command, "--config", str(config)], input=given)


@pytest.mark.parametrize(
    "command",
    ["users list", "holds list", "cameras", "check", "alerts list", "tokens list", "audit verify", "orders list"],
)
def test_commands_leave_an_older_catalogue_as_it_is(tmp_path: Path, command: str) -> None:
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    before = path.read_bytes()
    done = run(tmp_path, *command.split())
    assert done.exit_code == 1, done.output
    assert f"is of nvr 0.0.7, schema {LAST}; this is nvr {__version__}, schema {OWN_STEPS[-1]}" in done.output
    assert "Call nvr upgrade" in done.output
    assert path.read_bytes() == before and not (tmp_path / "c.sqlite.upgrades").exists()


def test_a_running_older_server_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    before = path.read_bytes()
    lock = Lock([path.with_suffix(".lock")])
    try:
        done = run(tmp_path, "users", "list")
        assert done.exit_code == 1 and "The older server is running: stop it first" in done.output
        for way in ([], ["--back", "--yes"]):
            done = run(tmp_path, "upgrade", *way)
            assert done.exit_code == 1 and "a server uses catalogue" in done.output
    finally:
        lock.release()
    assert path.read_bytes() == before


def test_up_and_back(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    catalogue_of(path, LAST, ROWS).close()
    done = run(tmp_path, "upgrade")
    assert done.exit_code == 0 and f"is of schema {LAST}: copying it" in done.output
    assert run(tmp_path, "users", "list").exit_code == 0
    done = run(tmp_path, "users", "add", "budi", "--password", "kunci-gerbang-utara-7")
    assert done.exit_code == 0, done.output
    # Asked, and not answered with yes: as it was.
    done = run(tmp_path, "upgrade", "--back", given="n\n")
    assert done.exit_code == 1 and "Recorded since: 0 segments" in done.output
    assert "LOST, as entered in the audit log since: 1 user_added" in done.output
    assert "budi" in run(tmp_path, "users", "list").output
    done = run(tmp_path, "upgrade", "--back", "--yes")
    assert done.exit_code == 0 and "install nvr 0.0.7 and start it" in done.output
    assert "Call nvr upgrade" in run(tmp_path, "users", "list").output
    # And up again.
    assert run(tmp_path, "upgrade").exit_code == 0
    assert "budi" not in run(tmp_path, "users", "list").output
    done = run(tmp_path, "upgrade")
    assert done.exit_code == 0 and "of this version's schema already" in done.output


def test_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    assert "there is no catalogue" in run(tmp_path, "upgrade").output
    new_catalogue(tmp_path / "c.sqlite").close()
    done = run(tmp_path, "upgrade", "--back", "--yes")
    assert done.exit_code == 1 and "there is nothing to go back to" in done.output
    assert run(tmp_path, "upgrade", "--yes").exit_code == 2


def test_a_new_installation_needs_no_server_first(tmp_path: Path) -> None:
    done = run(tmp_path, "users", "list")
    assert done.exit_code == 0 and (tmp_path / "c.sqlite").exists()
