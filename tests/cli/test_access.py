"""Rights from the command line."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from nvr.accounts import passwords
from nvr.accounts.rows import users
from nvr.cli import main
from storage.catalogue.database import Database


def nvr(folder: Path, *arguments: str, code: int = 0) -> str:
    found: Result = CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])
    assert found.exit_code == code, found.output
    return found.output


def test_the_police_get_one_camera_for_one_day(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n')
    (tmp_path / "cameras.csv").write_text(
        "id,url,district\nhall,rtsp://192.0.2.2/s,Tengah\nyard,rtsp://192.0.2.3/s,Timur\n"
    )
    nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv"))
    assert passwords.is_acceptable("a-long-enough-one", of="polisi")
    nvr(tmp_path, "users", "add", "polisi", "--role", "none", "--password", "a-long-enough-one")
    assert "by grants" in nvr(tmp_path, "users", "list")
    for line in nvr(tmp_path, "access", "explain", "polisi", "hall").splitlines():
        assert line == "for polisi there is no camera hall: no grant in force is of it"
    day = ("--footage-start", "2026-11-23T00:00:00+07:00", "--footage-end", "2026-11-24T00:00:00+07:00")
    given = nvr(
        tmp_path, "access", "grant", "polisi", "investigator", "--cameras", "id=hall", "--reason", "LP/12", *day,
        "--until", "2099-01-01T00:00:00+07:00",
    )  # fmt: skip
    assert "footage from 2026-11-22T17:00:00" in given and "LP/12" in given
    said = nvr(tmp_path, "access", "explain", "polisi", "hall", "--at", "2026-11-23T10:00:00+07:00")
    assert "polisi may save clips of hall because of grant-" in said
    outside = nvr(tmp_path, "access", "explain", "polisi", "hall", "--at", "2026-11-25T10:00:00+07:00")
    assert "polisi may not save clips of hall at that time: grant-" in outside
    any_time = nvr(tmp_path, "access", "explain", "polisi", "hall")
    assert "polisi may save clips of hall, but only 2026-11-22T17:00:00" in any_time
    listed = nvr(tmp_path, "access", "list", "--user", "polisi")
    (id_,) = (word for word in listed.split() if word.startswith("grant-"))
    assert "polisi" in nvr(tmp_path, "access", "who", "hall")
    assert "polisi" not in nvr(tmp_path, "access", "who", "yard")
    nvr(tmp_path, "access", "revoke", id_, "--reason", "case closed")
    assert id_ not in nvr(tmp_path, "access", "list")
    assert "revoked" in nvr(tmp_path, "access", "list", "--revoked")
    assert "there is no grant" in nvr(tmp_path, "access", "revoke", id_, code=1)


def test_a_camera_is_closed_and_opened(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "cameras.csv").write_text("id,url\nhall,rtsp://192.0.2.2/s\n")
    nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv"))
    nvr(tmp_path, "users", "add", "vera", "--role", "viewer", "--password", "a-long-enough-one")
    id_ = nvr(tmp_path, "access", "close", "hall", "--reason", "at a home").split()[-1]
    said = nvr(tmp_path, "access", "explain", "vera", "hall")
    assert "vera may not watch live of hall: closed for privacy since" in said and "at a home" in said
    assert "vera may see the status of hall because" in said
    assert id_ in nvr(tmp_path, "access", "closed")
    nvr(tmp_path, "access", "open", id_)
    assert id_ not in nvr(tmp_path, "access", "closed")
    assert "vera may watch live of hall because" in nvr(tmp_path, "access", "explain", "vera", "hall")
    assert "there is no camera" in nvr(tmp_path, "access", "close", "none", "--reason", "x", code=1)


def test_roles_and_mistakes(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    nvr(tmp_path, "users", "add", "vera", "--role", "none", "--password", "a-long-enough-one")
    assert "technician" in nvr(tmp_path, "access", "roles")
    assert "wall" in nvr(tmp_path, "access", "roles", "wall", "--actions", "status,live")
    assert "live, status" in nvr(tmp_path, "access", "roles")
    nvr(tmp_path, "access", "grant", "vera", "wall", "--cameras", "*", "--reason", "x", "--live")
    assert "wall" not in nvr(tmp_path, "access", "roles", "wall", "--remove")
    nvr(tmp_path, "access", "roles", "wall", "--actions", "fly", code=2)
    nvr(tmp_path, "access", "roles", "wall", code=2)
    more = ("--cameras", "*", "--reason", "x")
    assert "there is no role" in nvr(tmp_path, "access", "grant", "vera", "king", *more, code=1)
    assert "there is no user" in nvr(tmp_path, "access", "grant", "nobody", "viewer", *more, code=1)
    nvr(tmp_path, "access", "grant", "vera", "viewer", *more, "--live", "--last", "7d", code=2)
    nvr(tmp_path, "access", "grant", "vera", "viewer", *more, "--footage-start", "2026-11-23T00:00:00Z", code=2)
    database = Database(tmp_path / "data" / "catalogue.sqlite")
    with database.read() as conn:
        assert [user.role for user in users(conn)] == [None]
    database.close()
