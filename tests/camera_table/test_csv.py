"""Cameras from and to CSV: all mistakes at once, by line; what was exported comes back unchanged; secrets stay where
they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.cameras import LineError, import_table, plan_import, read, read_ids, write
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from tests.nightly import examples

SECRET = "p@ss;w/rd,1"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "catalogue.sqlite")
    made.migrate()
    with made.write() as conn:
        node.this_node(conn, "n1")
    yield made
    made.close()


def load(database: Database, text: str) -> list[LineError]:
    return list(import_table(database, read(text), node="n1", at_us=1).errors)


def planned(database: Database, text: str) -> tuple[int, dict[str, list[str]], int]:
    with database.read() as conn:
        plan = plan_import(conn, read(text))
    assert not plan.errors, plan.errors
    return len(plan.added), {id_: list(names) for id_, names in plan.changed.items()}, plan.unchanged


def export(database: Database, *, with_passwords: bool = False) -> str:
    with database.read() as conn:
        return write(cameras.list_all(conn), with_passwords=with_passwords)


TABLE = f"""id;name;url;username;password;district;isp;latitude;longitude;public;label:pole;max_age
simpang-lima;Simpang Lima;rtsp://192.0.2.1/s;admin;"{SECRET}";Semarang Tengah;Telkom;-6.9904;110.4229;yes;=1+1;7d

tugu-muda;Tugu Muda;rtsp://192.0.2.2/s;;;Semarang Selatan;Indosat;-6.9843;110.4093;status;;
"""


def test_import_is_idempotent_and_what_is_exported_comes_back(database: Database) -> None:
    assert planned(database, TABLE) == (2, {}, 0)
    assert load(database, TABLE) == []
    assert planned(database, TABLE) == (0, {}, 2)
    with database.read() as conn:
        first = cameras.find(conn, "simpang-lima")
    assert first is not None and first.source == "catalogue"
    assert first.settings["password"] == SECRET and first.settings["max_age_us"] == 7 * 86_400 * 1_000_000
    assert first.labels["pole"] == "=1+1" and first.labels["latitude"] == "-6.9904"
    text = export(database)
    assert SECRET not in text and "password" not in text
    assert "'=1+1" in text and ",-6.9904," in text, "a formula is made harmless, a number stays one"
    assert planned(database, text) == (0, {}, 2)
    assert SECRET in export(database, with_passwords=True).replace('"', "")
    assert planned(database, export(database, with_passwords=True)) == (0, {}, 2)


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''-x", "-6.99", "'-6.99", "'quoted'", "'", "@"])
def test_what_a_spreadsheet_would_run_comes_back_as_it_was(database: Database, text: str) -> None:
    with database.write() as conn:
        cameras.add(
            conn, camera="a", name="A", source="catalogue", settings={"url": "rtsp://192.0.2.1/s"},
            labels={"pole": text}, node="n1", epoch=0, at_us=1,
        )  # fmt: skip
    assert planned(database, export(database)) == (0, {}, 1)


def test_a_row_says_what_its_columns_name(database: Database) -> None:
    load(database, TABLE)
    assert planned(database, "id,isp\nsimpang-lima,Biznet\ntugu-muda,Indosat\n") == (0, {"simpang-lima": ["labels"]}, 1)
    load(database, "id,isp,district\nsimpang-lima,Biznet,\n")
    with database.read() as conn:
        found = cameras.find(conn, "simpang-lima")
    assert found is not None and found.settings["password"] == SECRET
    assert found.labels["isp"] == "Biznet" and "district" not in found.labels and found.labels["pole"] == "=1+1"


def test_every_mistake_is_told_with_its_line_and_nothing_is_imported(database: Database) -> None:
    text = "\n".join(
        [
            "id,url,audio,latitude,public,password,stall_timeout,priority",
            "ok,rtsp://192.0.2.1/s,no,,,,,",
            "Bad Id,rtsp://192.0.2.1/s,no,,,,,",
            f"b,http://u:{SECRET.replace(',', '')}@192.0.2.1/s,perhaps,95,maybe,x,never,high",
            "ok,rtsp://192.0.2.1/s,no,,,,,",
            ",rtsp://192.0.2.1/s,,,,,,",
            'c,"rtsp://192.0.2.3/',
            's",no,,,,,',
            "d,,no,,,,,",
        ]
    )
    errors = load(database, text)
    assert [(e.line, e.column) for e in errors if e.line in (3, 5, 6, 7, 9)] == [
        (3, "id"),
        (5, "id"),
        (6, "id"),
        (7, "url"),
        (9, "url"),
    ]
    assert {e.column for e in errors if e.line == 4} >= {
        "audio",
        "latitude",
        "public",
        "priority",
        "stall_timeout",
        "url",
    }
    assert "p@ss" not in "".join(map(str, errors)), "a secret in a mistake is not repeated"
    with database.read() as conn:
        assert cameras.list_all(conn) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("name,url\na,b\n", "id: this column is missing"),
        ("id,pasword\na,b\n", "did you mean password?"),
        ("id,colour\na,b\n", "label:colour"),
        ("id,id\na,b\n", "twice"),
        ("id,label:\na,b\n", "names no label"),
        ('id,name\na,"b\n', "is not CSV"),
        ("id,name\na,b,c,d\n", "has 4 cells"),
    ],
)
def test_a_table_that_is_none(database: Database, text: str, expected: str) -> None:
    assert expected in "; ".join(map(str, load(database, text)))


def test_a_camera_of_the_file_is_not_changed_by_a_table(database: Database) -> None:
    load(database, TABLE)
    with database.write() as conn:
        conn.execute("UPDATE camera SET source = 'file' WHERE id = 'tugu-muda'")
    assert planned(database, export(database)) == (0, {}, 2)
    (error,) = load(database, "id,isp\ntugu-muda,XL\n")
    assert error.line == 2 and "configuration file" in str(error.message) and "labels" in str(error.message)


def test_a_url_whose_secret_was_left_out_stays_or_is_refused(database: Database) -> None:
    load(database, "id,url\na,rtsp://192.0.2.1/s?password=hunter2x\n")
    text = export(database)
    assert "hunter2x" not in text
    assert planned(database, text) == (0, {}, 1)
    (error,) = load(database, text.replace("a,a,", "b,b,"))
    assert error.column == "url"


@pytest.mark.parametrize("text", [",".join(f"[{n}" for n in range(60_000)), "id\n" + "?\n" * 60_000, "?\n" * 60_000])
def test_a_table_of_nothing_but_mistakes_is_not_looked_through(text: str) -> None:
    """60,000 names of columns took 22 s of computing, and were answered with as many mistakes."""
    began = time.process_time()
    assert len(read(text).errors) <= 101
    _, errors = read_ids(text)
    assert 1 <= len(errors) <= 101
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id," + "x," * 149 + "\n" + ("c" + ",v" * 149 + "\n") * 20_000, "about 2980150 cells"),
        ("," * 19_000_000, "cells"),
        ("id\n" + "\n" * 19_000_000, "lines"),
        ("id\n" + "\r" * 19_000_000, "lines"),
    ],
    ids=["large", "marks", "lines", "returns"],
)
def test_a_table_that_is_too_large_is_not_taken_apart(text: str, expected: str) -> None:
    """20,000 lines of 150 columns took 5 s of computing, 19 million marks 160 MB."""
    began = time.process_time()
    for errors in (read(text).errors, read_ids(text)[1]):
        (error,) = errors
        assert expected in str(error) and "import it in parts" in str(error)
    assert time.process_time() - began < 1


def test_lists_of_ids() -> None:
    assert read_ids("\ufeffgate-1\r\ngate-2;x\r\n\r\ngate-1\r\n") == (["gate-1", "gate-2"], [])
    assert read_ids("No;ID;Nama\n1;gate-1;G\n2;gate-2;H\n") == (["gate-1", "gate-2"], [])
    ids, errors = read_ids("gate-1\nSimpang Lima\n")
    assert ids == ["gate-1"] and [e.line for e in errors] == [2]
    assert read_ids("")[1]


texts = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12).map(str.strip).filter(bool)
ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(15, 400))
@given(st.dictionaries(ids, st.tuples(texts, texts, st.dictionaries(texts, texts, max_size=3)), max_size=4))
def test_any_camera_survives_export_and_import(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, tuple[str, str, dict[str, str]]]
) -> None:
    made = Database(tmp_path_factory.mktemp("csv") / "catalogue.sqlite")
    made.migrate()
    with made.write() as conn:
        node.this_node(conn, "n1")
        for id_, (name, password, labels) in found.items():
            settings_ = {"url": "rtsp://192.0.2.1/s", "username": "u", "password": password}
            cameras.add(
                conn,
                camera=id_,
                name=name,
                source="catalogue",
                settings=settings_,
                labels=labels,
                node="n1",
                epoch=0,
                at_us=1,
            )
    text = export(made, with_passwords=True)
    with made.read() as conn:
        plan = plan_import(conn, read(text))
    made.close()
    assert not plan.added and not plan.changed
    assert all(e.column in ("public", "latitude", "longitude") for e in plan.errors), plan.errors
