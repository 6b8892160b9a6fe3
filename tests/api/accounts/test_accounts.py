"""Accounts without HTTP, as the command line uses them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr import accounts
from nvr.access.errors import LastAdministrator
from nvr.access.roles import BUILT_IN
from nvr.accounts import Role, passwords, rows, sessions
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.database import Database
from tests.nightly import examples
from tests.support.people import create_token


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = Database(tmp_path / "catalogue.sqlite")
    made.migrate()
    return made


def test_the_first_admin_gets_a_password_once(db: Database) -> None:
    path = accounts.ensure_first_admin(db)
    assert path is not None
    assert path == db.path.with_name("first-password") and path.stat().st_mode & 0o777 == 0o600
    password = path.read_text().strip()
    assert re.fullmatch(r"([a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", password)
    assert accounts.verify_password(db, "admin", password).role is Role.ADMIN
    assert accounts.verify_password(db, "admin", password).must_change
    assert accounts.ensure_first_admin(db) is None
    with pytest.raises(accounts.WeakPassword, match="made for you"):
        accounts.set_password(db, "admin", password)
    assert path.exists()
    accounts.set_password(db, "admin", "gerbang-tua-berlumut")
    assert not path.exists()
    assert not accounts.verify_password(db, "admin", "gerbang-tua-berlumut").must_change


def test_the_first_password_is_not_written_into_what_lies_there(db: Database, tmp_path: Path) -> None:
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "first-password"
    elsewhere.write_text("")
    path.symlink_to(elsewhere)
    assert accounts.ensure_first_admin(db, must_change=False) == path
    assert elsewhere.read_text() == "" and not path.is_symlink()
    assert not accounts.verify_password(db, "admin", path.read_text().strip()).must_change


def test_without_a_file_there_is_no_first_admin(db: Database, tmp_path: Path) -> None:
    (tmp_path / "first-password" / "x").mkdir(parents=True)
    with pytest.raises(OSError):
        accounts.ensure_first_admin(db)
    with db.read() as conn:
        assert rows.users(conn) == []


COMMON = [
    "password123", "Password1!", "P@ssw0rd2026", "qwertyuiop", "1234567890", "aaaaaaaaaaaa", "1q2w3e4r5t", "admin12345",
    "indonesia123", "bismillah1", "cctvcctvcctv", "semarang2026", "adminadmin", "a1" * 500,
]  # fmt: skip


@pytest.mark.parametrize("password", COMMON)
def test_common_passwords_are_refused(db: Database, password: str) -> None:
    with pytest.raises(accounts.WeakPassword, match="first that are tried"):
        accounts.create_user(db, "vera", password, Role.VIEWER)
    accounts.create_user(db, "vera", "vera-vera-vera", Role.VIEWER)
    with pytest.raises(accounts.WeakPassword, match="first that are tried"):
        accounts.set_password(db, "vera", password)


def test_ones_own_name_is_no_password(db: Database) -> None:
    with pytest.raises(accounts.WeakPassword, match="first that are tried"):
        accounts.create_user(db, "siti.rahmawati", "rahmawati1", Role.VIEWER)
    accounts.create_user(db, "budi", "rahmawati menari", Role.VIEWER)


@given(st.text(min_size=10, max_size=1024))
@settings(max_examples=examples(100, 3000))
def test_any_text_is_accepted_or_refused(password: str) -> None:
    try:
        passwords.check_password(password, of="vera")
    except accounts.WeakPassword as error:
        assert str(error)


def test_no_first_admin_where_somebody_administers(db: Database) -> None:
    accounts.create_user(db, "anna", "anna-anna-anna", Role.ADMIN)
    assert accounts.ensure_first_admin(db) is None


def test_a_first_user_who_may_do_less_leaves_a_first_admin_to_be_made(db: Database) -> None:
    accounts.create_user(db, "vera", "vera-vera-vera", Role.VIEWER)
    assert accounts.ensure_first_admin(db) is not None
    with db.read() as conn:
        assert {user.name: user.role for user in rows.users(conn)} == {"admin": Role.ADMIN, "vera": Role.VIEWER}
    assert accounts.ensure_first_admin(db) is None


def test_whoever_is_called_admin_is_not_made_one(db: Database) -> None:
    accounts.create_user(db, "admin", "vera-vera-vera", Role.VIEWER)
    assert accounts.ensure_first_admin(db) is None


@pytest.mark.parametrize("name", ["", "Vera", "ve ra", "-vera", "v" * 64, "vera\n", "véra", "../vera", "\ud800"])
def test_names_that_can_not_be(db: Database, name: str) -> None:
    with pytest.raises(accounts.InvalidAccount, match="small letters"):
        accounts.create_user(db, name, "vera-vera-vera", Role.VIEWER)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1025])
def test_passwords_that_can_not_be(db: Database, password: str) -> None:
    with pytest.raises(accounts.WeakPassword, match="use"):
        accounts.create_user(db, "vera", password, Role.VIEWER)
    accounts.create_user(db, "vera", "vera-vera-vera", Role.VIEWER)
    with pytest.raises(accounts.WeakPassword):
        accounts.set_password(db, "vera", password)
    with pytest.raises(accounts.BadCredentials):
        accounts.verify_password(db, "vera", password)


def test_an_unknown_user_costs_a_hash_too(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes | str] = []

    class Counting:
        def __init__(self, real: object) -> None:
            self.real = real

        def __getattr__(self, name: str) -> object:
            checked.append(name)
            return getattr(self.real, name)

    passwords._nobodys_hash()
    monkeypatch.setattr(passwords, "_HASHER", Counting(passwords._HASHER))
    with pytest.raises(accounts.BadCredentials):
        accounts.verify_password(db, "nobody", "some-password")
    assert checked == ["verify"]


def test_an_old_hash_is_made_anew_at_the_next_login(db: Database) -> None:
    import argon2

    weak = argon2.PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("vera-vera-vera")
    with db.write() as conn:
        rows.add_user(conn, id_="user-1", name="vera", password_hash=weak, role=Role.VIEWER, by=SERVER_ACTOR, at_us=0)
    accounts.verify_password(db, "vera", "vera-vera-vera")
    with db.read() as conn:
        now = rows.password_hash(conn, "user-1")
    assert now is not None
    assert now != weak
    assert not passwords.is_outdated(now)
    accounts.verify_password(db, "vera", "vera-vera-vera")


def test_a_damaged_hash_lets_nobody_in(db: Database) -> None:
    with db.write() as conn:
        rows.add_user(
            conn,
            id_="user-1",
            name="vera",
            password_hash="damaged",
            role=Role.VIEWER,
            by=SERVER_ACTOR,
            at_us=0,
        )
    with pytest.raises(accounts.BadCredentials):
        accounts.verify_password(db, "vera", "damaged")


def test_the_last_admin_stays_and_a_removed_user_takes_their_sessions_along(db: Database) -> None:
    accounts.create_user(db, "anna", "anna-anna-anna", Role.ADMIN)
    with pytest.raises(LastAdministrator):
        accounts.remove_user(db, "anna")
    accounts.create_user(db, "otto", "otto-otto-otto", Role.ADMIN)
    anna = accounts.verify_password(db, "anna", "anna-anna-anna")
    cookie = accounts.create_session(db, anna)
    accounts.remove_user(db, "anna")
    assert accounts.authenticate_session(db, cookie) is None
    with pytest.raises(LastAdministrator):
        accounts.remove_user(db, "otto")
    with pytest.raises(accounts.NoSuchAccount):
        accounts.create_session(db, anna)


def test_a_session_is_over_at_its_end_and_forgotten(db: Database) -> None:
    vera = accounts.create_user(db, "vera", "vera-vera-vera", Role.VIEWER)
    cookie = accounts.create_session(db, vera, at_us=0)
    assert accounts.authenticate_session(db, cookie, at_us=sessions.IDLE_US - 1) is not None
    assert accounts.authenticate_session(db, cookie, at_us=2 * sessions.IDLE_US - 1) is None
    accounts.create_session(db, vera, at_us=3 * sessions.IDLE_US)
    with db.read() as conn:
        assert conn.execute("SELECT count(*) FROM session").fetchone()[0] == 1


def test_tokens(db: Database) -> None:
    text = create_token(db, " nightly export ", Role.INVESTIGATOR, at_us=1)
    assert re.fullmatch(r"nvr_[A-Za-z0-9_-]{43}", text)
    token = accounts.authenticate_token(db, text)
    assert token is not None
    assert (token.name, token.role) == ("nightly export", Role.INVESTIGATOR)
    for wrong in ("", "nvr_", text[:-1], text + "x", text.removeprefix("nvr_"), "nvr_\udcff"):
        assert accounts.authenticate_token(db, wrong) is None
    accounts.remove_token(db, token.id)
    assert accounts.authenticate_token(db, text) is None
    with pytest.raises(accounts.NoSuchAccount):
        accounts.remove_token(db, token.id)
    for name in ("", "  ", "two\nlines", "x" * 201):
        with pytest.raises(accounts.InvalidAccount):
            create_token(db, name, Role.VIEWER)


def test_who_is_known_is_let_in_while_nothing_can_be_written(db: Database) -> None:
    vera = accounts.create_user(db, "vera", "vera-vera-vera", Role.VIEWER)
    cookie = accounts.create_session(db, vera, at_us=0)
    token = create_token(db, "t", Role.VIEWER, at_us=0)
    with db.write() as conn:
        conn.execute("PRAGMA user_version")
    db._write_connection().execute("PRAGMA query_only = ON")
    assert accounts.authenticate_session(db, cookie, at_us=sessions.IDLE_US // 2) is not None
    assert accounts.authenticate_token(db, token) is not None


def test_each_of_the_three_roles_may_do_what_the_one_before_may() -> None:
    assert BUILT_IN[Role.VIEWER] < BUILT_IN[Role.INVESTIGATOR] < BUILT_IN[Role.ADMIN]
