"""Cases, exports and links from the command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cases import cases, export_queue, exports, links, requests
from nvr.cases.requests import RequestState
from nvr.cli import main
from storage.catalogue.database import Database
from tests.support.people import person

EXPORT = "0011223344556677"


def nvr(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(
        '[server]\nzone = "Asia/Jakarta"\n[[camera]]\nid = "gate"\nurl = "rtsp://192.0.2.1/s"\n'
    )
    (tmp_path / "cameras.csv").write_text("id,url\nhall,rtsp://192.0.2.2/s\n")
    assert nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv")).exit_code == 0
    return tmp_path


@pytest.fixture
def database(folder: Path) -> Database:
    """A catalogue with a request, approved, and its export, which is done."""
    database = Database(folder / "data" / "catalogue.sqlite")
    now_us = time.time_ns() // 1000
    with database.write() as conn:
        case = cases.open_case(conn, number="LP/7", legal_basis="KUHAP 39", title="", by=person("ines"), now_us=now_us)
        hour = (now_us - 3600 * 10**6, now_us)
        asked = requests.ask(conn, case.id, ["hall"], *hour, purpose="plate", by=person("ines"), now_us=now_us)
        wanted = {"cameras": ["hall"], "start_us": hour[0], "end_us": hour[1], "case": "LP/7"}
        export_queue.queue(conn, EXPORT, wanted, by=person("anna"), now_us=now_us)
        requests.decide(
            conn, asked.id, RequestState.APPROVED, reason="", by=person("anna"), now_us=now_us, second_person=True
        )
        requests.link_export(conn, asked.id, EXPORT)
        exports.begin(conn, EXPORT, 1, now_us)
        exports.finish(conn, EXPORT, folder="x", files=[("a", 1, 0)], warnings=[], now_us=now_us)
    return database


def test_a_link_is_made_listed_and_revoked(folder: Path, database: Database) -> None:
    listed = nvr(folder, "cases", "list")
    assert listed.exit_code == 0, listed.output
    assert "LP/7" in listed.stdout and "approved" in listed.stdout and f"{EXPORT} done" in listed.stdout
    made = nvr(
        folder, "exports", "link", EXPORT, "--recipient", "Sari", "--for", "2h", "--address", "https://x.example/"
    )
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("https://x.example/#/link/")
    text = made.stdout.strip().rpartition("/")[2]
    now_us = time.time_ns() // 1000
    with database.write() as conn:
        opened = links.open_link(conn, text, now_us)
    assert opened is not None and opened[0].recipient == "Sari"
    assert 7100 * 10**6 < opened[0].until_us - now_us <= 7200 * 10**6
    shown = nvr(folder, "exports", "list").stdout
    assert "Sari" in shown and "valid" in shown and text.partition(".")[2] not in shown
    assert nvr(folder, "exports", "revoke", opened[0].id).exit_code == 0
    assert "revoked" in nvr(folder, "exports", "list").stdout
    with database.write() as conn:
        assert links.open_link(conn, text, now_us) is None


def test_a_link_has_the_path_of_a_proxy(folder: Path, database: Database) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("[server]", '[server]\nbase_path = "/nvr"'))
    for address in ("https://x.example", "https://x.example/nvr/", ""):
        made = nvr(folder, "exports", "link", EXPORT, "--recipient", "Sari", "--address", address)
        assert made.stdout.startswith(f"{'https://x.example' if address else ''}/nvr/#/link/"), made.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("link", "nothing", "--recipient", "Sari"), "there is no export nothing"),
        (("link", EXPORT, "--recipient", " "), "must name one person"),
        (("link", EXPORT, "--recipient", "Sari", "--for", "40d"), "31 days at most"),
        (("link", EXPORT, "--recipient", "Sari", "--for", "soon"), "is not a time such as"),
        (("revoke", "nothing"), "there is no link nothing"),
    ],
)
def test_what_cannot_be(folder: Path, database: Database, arguments: tuple[str, ...], said: str) -> None:
    result = nvr(folder, "exports", *arguments)
    assert result.exit_code != 0
    assert said in result.output
    with database.read() as conn:
        assert links.list_all(conn, 0) == {}
