"""The roles of before become grants: nothing that worked stops working."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlite_utils

from nvr.access.administrators import administrators
from nvr.access.roles import BUILT_IN, Role
from nvr.access.snapshot import AccessSnapshot, Rights
from nvr.accounts import rows
from storage.catalogue.database import Database
from storage.catalogue.migrations import STEPS, m032_access, migrations, run

BEFORE = STEPS[: STEPS.index(m032_access)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A catalogue of before grants: users of each role, one removed; tokens of theirs and of nobody."""
    path = tmp_path / "catalogue.sqlite"
    database = sqlite_utils.Database(path)
    names = [step.__name__.rpartition(".")[2] for step in BEFORE]
    migrations.apply(database, stop_before=m032_access.__name__.rpartition(".")[2])
    applied = {done.name for done in migrations.applied(database)}
    assert applied == set(names)
    run(
        database,
        """
INSERT INTO user (id, name, password, role, created_us, made_by, made_by_id) VALUES
  ('user-1', 'anna', 'h', 'admin', 10, NULL, NULL), ('user-2', 'ines', 'h', 'investigator', 11, 'anna', 'user-1'),
  ('user-3', 'vera', 'h', 'viewer', 12, 'anna', 'user-1');
INSERT INTO user (id, name, password, role, created_us, removed_us) VALUES ('user-4', 'otto', '', 'admin', 13, 14);
INSERT INTO token (id, hash, name, role, created_us, user) VALUES
  ('t1', 'a', 'backup', 'admin', 20, NULL), ('t2', 'b', 'grafana', 'viewer', 21, NULL),
  ('t3', 'c', 'script', 'viewer', 22, 'user-2');
INSERT INTO camera (id, name, source, settings, labels, added_us, rev)
  VALUES ('gate', 'Gate', 'file', '{}', '{}', 0, 1);
""",
    )
    database.close()
    return path


def test_each_may_do_what_they_might(old: Path) -> None:
    db = Database(old)
    db.migrate()
    with db.read() as conn:
        found = {user.name: user.role for user in rows.users(conn)}
        assert found == {"anna": Role.ADMIN, "ines": Role.INVESTIGATOR, "vera": Role.VIEWER}
        assert administrators(conn) == {"user-1"}
        tokens = {token.name: token.role for token in rows.tokens(conn)}
        assert tokens == {"backup": Role.ADMIN, "grafana": Role.VIEWER, "script": Role.VIEWER}
        snapshot = AccessSnapshot.read(conn)
    holders = {
        "user-1": "admin",
        "user-2": "investigator",
        "user-3": "viewer",
        "token-t1": "admin",
        "token-t2": "viewer",
    }
    assert set(snapshot.holders()) == set(holders)
    for holder, role in holders.items():
        rights = Rights(snapshot, holder, 0)
        assert rights.actions == BUILT_IN[Role(role)]
        assert all(rights.everywhere(action) and "gate" in rights.cameras(action) for action in rights.actions)
    db.close()


def test_what_is_decided_by_rises_with_whatever_changes_it(old: Path) -> None:
    db = Database(old)
    db.migrate()

    def risen(sql: str) -> bool:
        with db.write() as conn:
            before = conn.execute("SELECT value FROM meta WHERE key = 'access_rev'").fetchone()[0]
            conn.execute(sql)
            return bool(conn.execute("SELECT value FROM meta WHERE key = 'access_rev'").fetchone()[0] > before)

    for sql in (
        "INSERT INTO camera (id, name, source, settings, labels, added_us, rev)"
        " VALUES ('x', 'X', 'file', '{}', '{}', 0, 2)",
        "UPDATE camera SET labels = '{\"a\":\"b\"}' WHERE id = 'x'",
        "UPDATE camera SET removed_us = 5 WHERE id = 'x'",
        "UPDATE access_grant SET revoked_us = 5, revoked_by = 'x' WHERE holder = 'user-3'",
        "INSERT INTO access_role (name, actions, made_us, made_by) VALUES ('own', '[]', 1, 'x')",
        "UPDATE access_role SET removed_us = 5",
        "INSERT INTO closure (id, camera, reason, since_us, made_by) VALUES ('c', 1, 'x', 1, 'x')",
        "UPDATE closure SET ended_us = 5, ended_by = 'x'",
        "UPDATE token SET removed_us = 5, hash = NULL WHERE id = 't3'",
        "UPDATE user SET removed_us = 5 WHERE id = 'user-3'",
    ):
        assert risen(sql), sql
    # What happens all the time is none of it.
    for sql in (
        "UPDATE camera SET rev = 9",
        "UPDATE token SET last_used_us = 9",
        "UPDATE user SET must_change = 0 WHERE id = 'user-2'",
    ):
        assert not risen(sql), sql
    for sql in ("DELETE FROM access_grant", "DELETE FROM closure", "UPDATE access_grant SET cameras = '*'"):
        with pytest.raises(sqlite3.IntegrityError), db.write() as conn:
            conn.execute(sql)
    db.close()
