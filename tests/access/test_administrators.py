"""Somebody administers everything, always, and somebody who needs no identity provider to log in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.access import groups
from nvr.access import rows as grants
from nvr.access.administrators import administrators
from nvr.access.errors import LastAdministrator
from nvr.access.giving import take_back
from nvr.access.roles import Role
from nvr.accounts import rows as accounts
from nvr.accounts.unused import is_expired
from nvr.accounts.users import remove_user
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.database import Database
from tests.support.catalogues import new_catalogue

DAY_US = 86_400 * 1_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "catalogue.sqlite")
    yield made
    made.close()


def add(db: Database, name: str, password_hash: str, role: Role | None = Role.ADMIN, at_us: int = 1) -> str:
    with db.write() as conn:
        accounts.add_user(
            conn, id_=f"user-{name}", name=name, password_hash=password_hash, role=role, by=SERVER_ACTOR, at_us=at_us
        )
    return f"user-{name}"


def test_an_administrator_with_a_password_stays_whatever_a_provider_lets_in(db: Database) -> None:
    anna, sari = add(db, "anna", "hash"), add(db, "sari", "")
    with db.read() as conn:
        assert administrators(conn) == {anna, sari} and administrators(conn, by_password=True) == {anna}
        (grant,) = (one for one in grants.every_grant(conn) if one.holder == anna)
    with pytest.raises(LastAdministrator, match="identity provider may fail"):
        remove_user(db, "anna")
    with pytest.raises(LastAdministrator, match="identity provider may fail"), db.write() as conn:
        take_back(conn, grant.id, by=SERVER_ACTOR, at_us=2)
    with db.write() as conn:
        accounts.set_password_hash(conn, sari, "hash", must_change=False)
    remove_user(db, "anna")
    with pytest.raises(LastAdministrator, match="nobody would be an administrator"):
        remove_user(db, "sari")


def test_where_no_administrator_ever_had_a_password_others_still_come_and_go(db: Database) -> None:
    add(db, "sari", "")
    add(db, "tono", "")
    remove_user(db, "sari")
    with pytest.raises(LastAdministrator, match="nobody would be an administrator"):
        remove_user(db, "tono")


def test_of_those_whom_nobody_saw_the_last_one_with_a_password_stays(db: Database) -> None:
    add(db, "anna", "hash", at_us=1)
    add(db, "bina", "hash", at_us=2)
    add(db, "sari", "", at_us=3)
    with db.read() as conn:
        users = {user.name: user for user in accounts.users(conn)}
        over = {
            name for name, user in users.items() if is_expired(conn, user, after_us=90 * DAY_US, at_us=400 * DAY_US)
        }
    assert over == {"anna"}


def test_what_a_provider_says_of_groups_costs_no_question_for_each_group(db: Database) -> None:
    user = add(db, "sari", "", None)

    def asked(conn: sqlite3.Connection) -> int:
        seen: list[str] = []
        conn.set_trace_callback(seen.append)
        groups.set_members_of_provider(conn, user, {"Group 1"}, provider="city", by=SERVER_ACTOR, at_us=5)
        conn.set_trace_callback(None)
        return len(seen)

    with db.write() as conn:
        groups.create_group(conn, "Group 1", by=SERVER_ACTOR, at_us=1)
        asked(conn)
        few = asked(conn)
        for number in range(2, 40):
            groups.create_group(conn, f"Group {number}", by=SERVER_ACTOR, at_us=1)
        assert asked(conn) == few == 1
        assert groups.members_by_user(conn)[user] == {groups.find_group(conn, "Group 1").id}
