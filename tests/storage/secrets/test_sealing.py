"""Secrets of cameras at rest: what the catalogue's file holds, what opens it, and what a lost key costs."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue import cameras, node
from storage.catalogue.backup import backup
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.secrets import key_copy
from storage.secrets.sealing import SEALED, KeyLost, Keys, key_file, name_of
from tests.nightly import examples

PASSWORD = "Zq9/v+W%x é"
TOKEN = "Kx7qTokenQ"
URL = f"rtsp://192.0.2.1:8554/cam?token={TOKEN}"
KEPT = {"url": URL, "username": "root", "password": PASSWORD, "audio": False}


def forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    words = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode(),
        raw.hex(),
    }
    return {word.encode() for word in words}


def found_in(folder: Path) -> set[tuple[str, bytes]]:
    return {
        (path.name, form)
        for path in folder.rglob("*")
        if path.is_file()
        for form in forms(PASSWORD) | forms(TOKEN)
        if form in path.read_bytes()
    }


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = Database(tmp_path / "catalogue.sqlite")
    made.migrate()
    with made.write() as conn:
        node.this_node(conn, "n1")
    return made


def add(db: Database, camera: str = "gate", kept: dict[str, Any] = KEPT) -> None:
    with db.write() as conn:
        cameras.add(
            conn, camera=camera, name=camera, source="catalogue", settings=kept, labels={}, node="n1", epoch=1, at_us=1
        )


def find(db: Database, camera: str = "gate") -> cameras.Camera:
    with db.read() as conn:
        row = cameras.find(conn, camera)
    assert row is not None
    return row


def test_what_is_kept_comes_back_and_is_in_no_file(db: Database, tmp_path: Path) -> None:
    add(db)
    assert dict(find(db).settings) == KEPT and find(db).locked is None
    with db.write() as conn:
        changed = {**KEPT, "password": PASSWORD[::-1]}
        assert not cameras.change(conn, camera="gate", name="gate", source="catalogue", settings=KEPT, labels={})
        assert cameras.change(conn, camera="gate", name="gate", source="catalogue", settings=changed, labels={})
        assert cameras.change(conn, camera="gate", name="gate", source="catalogue", settings=KEPT, labels={})
    copy = tmp_path / "copy.sqlite"
    backup(db, copy)
    assert not found_in(tmp_path)
    db.close()
    assert not found_in(tmp_path)
    with closing(sqlite3.connect(copy)) as conn:
        (text,) = conn.execute("SELECT settings FROM camera").fetchone()
    # What leads to the device stays readable.
    assert json.loads(text)["url"] == "rtsp://192.0.2.1:8554/" and json.loads(text)["username"] == "root"
    assert key_file(db.path).stat().st_mode & 0o777 == 0o600
    assert key_file(db.path).read_bytes().strip() not in copy.read_bytes()


def test_without_a_secret_there_is_no_key(db: Database) -> None:
    kept = {"url": "rtsp://192.0.2.1/Streaming/Channels/101", "audio": True}
    add(db, kept=kept)
    assert dict(find(db).settings) == kept
    assert not key_file(db.path).exists()


@given(
    password=st.none() | st.text(max_size=80),
    url=st.text(max_size=80),
    camera=st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
)
@settings(max_examples=examples(60, 3000))
def test_sealing_and_opening_property(
    tmp_path_factory: pytest.TempPathFactory, password: str | None, url: str, camera: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "keys"
    folder.mkdir(exist_ok=True)
    (folder / "catalogue").touch()
    keys = Keys(folder / "catalogue")
    kept = {"url": url, "password": password} if password is not None else {"url": url}
    sealed = keys.seal(camera, kept)
    json.dumps(sealed)
    assert keys.open(camera, sealed) == kept
    assert "password" not in sealed
    if SEALED not in sealed:
        return
    with pytest.raises(KeyLost):
        keys.open(f"{camera}x", sealed)
    version, name, made = sealed[SEALED].split(".")
    raw = bytearray(base64.b64decode(made))
    for at in range(0, len(raw), 7):
        raw[at] ^= 1
        with pytest.raises(KeyLost):
            keys.open(camera, {**sealed, SEALED: f"{version}.{name}.{base64.b64encode(raw).decode()}"})
        raw[at] ^= 1
    for wrong in ("", ".", "v1", f"v1.{name}", f"v1.{name}.%", f"v2.{name}.{made}", f"v1.{name}.{made[:8]}", 7, None):
        with pytest.raises(KeyLost):
            keys.open(camera, {**sealed, SEALED: wrong})


def test_a_lost_key_is_told_and_costs_only_what_it_sealed(db: Database) -> None:
    add(db)
    add(db, "free", {"url": "rtsp://192.0.2.2/1"})
    lost = key_file(db.path)
    name = name_of(bytes.fromhex(lost.read_text().strip()))
    lost.rename(lost.with_name("elsewhere"))
    other = Database(db.path)
    row = find(other)
    assert row.locked is not None
    assert name in row.locked and str(lost) in row.locked and "restore-key" in row.locked and "gate" in row.locked
    assert "password" not in row.settings
    assert find(other, "free").locked is None
    # What is changed besides keeps what is sealed; a new password gets a new key; both open when the old one is back.
    with other.write() as conn:
        kept = {**row.settings, "max_age_us": 5}
        assert cameras.change(conn, camera="gate", name="Gate", source="catalogue", settings=kept, labels={})
    add(other, "new")
    assert find(other, "new").locked is None and find(other).locked is not None
    assert other.keys.add([bytes.fromhex(lost.with_name("elsewhere").read_text().strip())]) == 1
    assert find(other).settings["password"] == PASSWORD and find(other).settings["max_age_us"] == 5
    assert find(other, "new").settings["password"] == PASSWORD
    assert len(lost.read_text().split()) == 2


def test_a_key_of_the_system_seals_and_the_file_still_opens(
    db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(db)
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "nvr-camera-key").write_text("ab" * 32 + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    other = Database(db.path)
    add(other, "new")
    assert find(other).settings == KEPT and find(other, "new").settings == KEPT
    key_file(db.path).unlink()
    assert find(Database(db.path), "new").settings == KEPT
    assert find(Database(db.path)).locked is not None
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert find(Database(db.path), "new").locked is not None


@pytest.mark.parametrize("text", ["", "x" * 64, "ab" * 31, "AB" * 32, "ab" * 32 + "\nno key"])
def test_a_key_file_that_is_none_is_told(db: Database, text: str) -> None:
    add(db)
    key_file(db.path).write_text(text)
    assert str(key_file(db.path)) in str(find(Database(db.path)).locked)
    with pytest.raises(CatalogueError, match="key"):
        add(Database(db.path), "new")
    # It is not written over: it may be half of what somebody brought back.
    assert key_file(db.path).read_text() == text


def _seals(path: Path, number: int, start: Any) -> None:
    db = Database(path)
    start.wait()
    add(db, f"cam-{number}")


def test_programs_that_need_a_key_first_make_one(db: Database) -> None:
    context = get_context("fork")
    start = context.Barrier(4)
    made = [context.Process(target=_seals, args=(db.path, number, start)) for number in range(4)]
    for process in made:
        process.start()
    for process in made:
        process.join(30)
        assert process.exitcode == 0
    assert len(key_file(db.path).read_text().split()) == 1
    assert all(find(db, f"cam-{number}").settings == KEPT for number in range(4))
    assert not list(db.path.parent.glob("*.part"))


def test_the_upgrade_seals_what_is_there_and_leaves_nothing_plain(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    old = Database(path)
    old.migrate()
    with old.write() as conn:
        node.this_node(conn, "n1")
        for number in range(60):
            cameras.add(
                conn,
                camera=f"cam-{number}",
                name="a",
                source="catalogue",
                settings={},
                labels={},
                node="n1",
                epoch=1,
                at_us=1,
            )
        cameras.remove(conn, "cam-59", at_us=5)
    # As a server of before kept them: rows that grew, shrank and went, so that free space holds them too.
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("UPDATE meta SET value = 0 WHERE key = 'camera_secrets'")
        for length in (3000, 10, 1):
            for number in range(60):
                text = json.dumps({**KEPT, "stuffing": "x" * length})
                conn.execute("UPDATE camera SET settings = ? WHERE id = ?", (text, f"cam-{number}"))
    old.close()
    assert found_in(tmp_path)
    new = Database(path)
    new.migrate()
    copy = tmp_path / "copy" / "copy.sqlite"
    copy.parent.mkdir()
    backup(new, copy)
    assert not found_in(copy.parent)
    assert new.scrub() is None
    assert not found_in(tmp_path)
    for number in range(60):
        assert find(new, f"cam-{number}").settings == {**KEPT, "stuffing": "x"}
    new.close()
    # Once.
    again = Database(path)
    again.migrate()
    assert again.scrub() is None
    assert not found_in(tmp_path)


def test_a_copy_of_the_keys_opens_with_its_passphrase_alone(db: Database, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no key"):
        key_copy.write(db.keys, tmp_path / "x.key", "gerbang-tua-berlumut")
    add(db)
    copy = tmp_path / "copy.key"
    names = key_copy.write(db.keys, copy, "gerbang-tua-berlumut")
    key = key_file(db.path).read_text().strip()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert key not in copy.read_text() and base64.b64encode(bytes.fromhex(key)).decode() not in copy.read_text()
    assert [name_of(found) for found in key_copy.read(copy, "gerbang-tua-berlumut")] == names
    with pytest.raises(CatalogueError, match="passphrase"):
        key_copy.read(copy, "gerbang-tua-berlumut!")
    with pytest.raises(CatalogueError, match="exists"):
        key_copy.write(db.keys, copy, "gerbang-tua-berlumut")
    body = json.loads(copy.read_text())
    wrong: list[Any] = [[], 7, {}, {**body, "salt": 5}, {**body, "sealed": "%"}, {**body, "time_cost": 10**12},
                        {**body, "memory_cost_kib": "x"}, {**body, "lanes": -1}, {**body, "sealed": ""}]  # fmt: skip
    for damaged in (*(json.dumps(each).encode() for each in wrong), b"", b"\xff\x00", b"[" * 100_000):
        copy.write_bytes(damaged)
        with pytest.raises(CatalogueError, match=str(copy)):
            key_copy.read(copy, "gerbang-tua-berlumut")
    with pytest.raises(CatalogueError, match="can't be read"):
        key_copy.read(tmp_path, "gerbang-tua-berlumut")
