"""``nvr audit verify`` over whatever was done to the catalogue's file, the book of heads or the keys: faults with
names, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.cli import main
from nvr.config import load
from nvr.evidence.seal.heads import HeadBook
from nvr.evidence.seal.keys import KeyFolder
from storage.catalogue import audit
from storage.catalogue.audit import Act
from storage.catalogue.database import Database
from tests.evidence.verify.test_damage import JSON, SLOW, damaged
from tests.nightly import examples
from tests.support.people import person


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a log of some entries and a book of some heads. Tests take a copy."""
    folder = tmp_path_factory.mktemp("office") / "whole"
    folder.mkdir()
    (folder / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n')
    config = load(folder / "config.toml")
    database = Database(config.storage.catalogue)
    database.migrate()
    keys = KeyFolder(config.keys_folder, "Test")
    keys.ensure()
    book = HeadBook(config.exports_folder, keys)
    for number in range(4):
        with audit.acting(Act(person("ines"), "", "x", at_us=5)), database.write() as conn:
            audit.append(conn, "clip", detail={"number": number})
        with database.read() as conn:
            book.note(audit.head(conn), "hourly", signer=keys.current(), now_us=1_795_442_400 * 10**6 + number)
    database.finish()
    return folder


def told(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["audit", "verify", "--config", str(folder / "config.toml")])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1)
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def copy_of(office: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(office, folder)
    return folder


@given(data=st.data())
@settings(max_examples=examples(20, 3000), deadline=None, suppress_health_check=SLOW)
def test_a_damaged_file_has_a_named_fault_property(office: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = copy_of(office, tmp_path)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "config.toml")
    path = data.draw(st.sampled_from(files))
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    code, output = told(folder)
    assert output.strip()
    if (
        path.suffix == ".jsonl"
        and path.read_bytes().strip() != (office / path.relative_to(folder)).read_bytes().strip()
    ):
        # Cut at the end of a line it is a book that ends earlier, of which a copy elsewhere tells.
        assert code == 1 or (office / path.relative_to(folder)).read_bytes().startswith(path.read_bytes())


@given(data=st.data())
@settings(max_examples=examples(30, 3000), deadline=None, suppress_health_check=SLOW)
def test_an_odd_line_of_the_book_has_a_named_fault_property(office: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = copy_of(office, tmp_path)
    (path,) = folder.rglob("*.jsonl")
    lines = path.read_bytes().splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    line = json.loads(lines[number])
    line[data.draw(st.sampled_from(sorted(line)))] = data.draw(JSON | st.just("\ud800"))
    text = json.dumps(line)
    path.write_bytes(b"\n".join([*lines[:number], text.encode(), *lines[number + 1 :]]) + b"\n")
    code, output = told(folder)
    assert code == 1 and f"line {number + 1}" in output


def test_what_is_no_file_is_no_reason_to_wait(office: Path, tmp_path: Path) -> None:
    folder = copy_of(office, tmp_path)
    (path,) = folder.rglob("*.jsonl")
    path.unlink()
    os.mkfifo(path)
    told(folder)
    path.unlink()
    path.mkdir()
    told(folder)
