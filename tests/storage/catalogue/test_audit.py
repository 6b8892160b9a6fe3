"""The audit log: entries follow one another, and nothing done to them afterwards stays unseen."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from contextvars import copy_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue import audit
from storage.catalogue.audit import Act, AuditHead
from storage.catalogue.database import Database
from storage.integrity import audit_log as audit_check
from tests.support.catalogues import new_catalogue
from tests.support.people import person

FENCES = ("audit_follows", "audit_stays", "audit_is_not_changed", "audit_head")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "c.db")
    yield made
    made.close()


def fill(db: Database, count: int) -> AuditHead:
    for number in range(count):
        with audit.acting(Act(person("inés"), "192.0.2.7", "looked", at_us=1_000 + number)), db.write() as conn:
            audit.append(conn, "clip", camera=f"cam-{number % 3}", detail={"start_us": number, "reason": "pâté 🚓"})
    with db.read() as conn:
        return audit.head(conn)


def by_force(db: Database, sql: str, *values: object) -> None:
    """What somebody does who has the file and knows of the fences."""
    with closing(sqlite3.connect(db.path)) as conn, conn:
        for fence in FENCES:
            conn.execute(f"DROP TRIGGER IF EXISTS {fence}")
        conn.execute(sql, values)


def verdict(db: Database, *heads: AuditHead) -> audit_check.Verdict:
    with db.read() as conn:
        return audit_check.verify(conn, heads)


def test_a_whole_log_is_whole_and_anyone_can_recompute_it(db: Database) -> None:
    head = fill(db, 7)
    assert verdict(db, head) == audit_check.Verdict(7, head, (), head)
    with closing(sqlite3.connect(db.path)) as conn:
        rows = conn.execute(
            "SELECT previous, seq, at_us, actor, address, action, camera, detail, actor_id, hash FROM audit"
            " ORDER BY seq"
        ).fetchall()
    previous = ""
    for *fields, hash_ in rows:
        assert fields[0] == previous
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert previous == hash_
    assert rows[0][3:8] == ("inés", "192.0.2.7", "clip", "cam-0", '{"reason":"pâté 🚓","start_us":0}')


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET actor = 'nobody' WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 3",
        (
            "INSERT OR REPLACE INTO audit SELECT 2, at_us, 'x', address, action, camera, detail, previous, hash,"
            " actor_id FROM audit WHERE seq = 2"
        ),
        (
            "INSERT INTO audit SELECT 5, at_us, 'x', address, action, camera, detail, hash, hash, actor_id FROM audit"
            " WHERE seq = 3"
        ),
        (
            "INSERT INTO audit SELECT 4, at_us, 'x', address, action, camera, detail, previous, hash, actor_id"
            " FROM audit WHERE seq = 3"
        ),
    ],
)
def test_the_database_refuses_to_change_it(db: Database, statement: str) -> None:
    head = fill(db, 3)
    with pytest.raises(sqlite3.IntegrityError), db.write() as conn:
        conn.execute(statement)
    assert verdict(db, head) == audit_check.Verdict(3, head, (), head)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_any_field_is_seen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    db = new_catalogue(tmp_path_factory.mktemp("log") / "c.db")
    head = fill(db, 5)
    seq = data.draw(st.integers(1, 5))
    column = data.draw(
        st.sampled_from(["at_us", "actor", "address", "action", "camera", "detail", "previous", "hash", "actor_id"])
    )
    with closing(sqlite3.connect(db.path)) as conn:
        old = conn.execute(f"SELECT {column} FROM audit WHERE seq = ?", (seq,)).fetchone()[0]
    new = data.draw((st.integers(0, 10_000) if column == "at_us" else st.text(max_size=80)).filter(lambda v: v != old))
    by_force(db, f"UPDATE audit SET {column} = ? WHERE seq = ?", new, seq)
    faults = verdict(db, head).faults
    db.close()
    assert faults
    assert {fault.seq for fault in faults} <= {seq, seq + 1}
    assert {fault.kind for fault in faults} <= {"changed", "replaced"}


def test_what_was_taken_out_cut_off_or_made_anew_is_seen(db: Database) -> None:
    head = fill(db, 6)
    by_force(db, "DELETE FROM audit WHERE seq IN (2, 3)")
    assert [(fault.seq, fault.kind) for fault in verdict(db).faults] == [(4, "removed")]
    by_force(db, "DELETE FROM audit WHERE seq > 1")
    assert [(fault.seq, fault.kind) for fault in verdict(db).faults] == [(6, "cut")]
    # Whoever also hides that is shown up by a head that was noted elsewhere.
    by_force(db, "UPDATE meta SET value = (SELECT seq || ':' || hash FROM audit) WHERE key = 'audit_head'")
    assert verdict(db).faults == ()
    assert [(fault.seq, fault.kind) for fault in verdict(db, head).faults] == [(6, "cut")]
    fill(db, 8)
    assert [(fault.seq, fault.kind) for fault in verdict(db, head).faults] == [
        (2, "added"),
        (6, "replaced"),
    ], "and that the fences were down meanwhile"


def test_who_acts_can_change_nothing_without_an_entry(db: Database) -> None:
    act = Act(person("anna"), "::1", "change_something", at_us=5)
    with audit.acting(act):
        with pytest.raises(ZeroDivisionError), db.write() as conn:
            audit.append(conn, "hold_placed")
            raise ZeroDivisionError
        assert not act.entered
        with db.write() as conn:
            conn.execute("INSERT INTO meta VALUES ('a', 1)")
        # Once is enough for what is one act.
        with db.write() as conn:
            conn.execute("INSERT INTO meta VALUES ('b', 1)")
    with db.write() as conn:
        conn.execute("INSERT INTO meta VALUES ('c', 1)")
    with db.read() as conn:
        assert [(e.actor, e.address, e.action, e.at_us) for e in audit.entries(conn)] == [
            ("anna", "::1", "change_something", 5)
        ]
        assert conn.execute("SELECT count(*) FROM meta WHERE key IN ('a', 'b', 'c')").fetchone()[0] == 3


def test_what_cannot_be_entered_is_not_done(db: Database) -> None:
    with closing(sqlite3.connect(db.path)) as conn, conn:
        conn.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with audit.acting(Act(person("anna"), "", "x")), pytest.raises(sqlite3.IntegrityError), db.write() as conn:
        conn.execute("INSERT INTO meta VALUES ('a', 1)")
    with db.read() as conn:
        assert conn.execute("SELECT count(*) FROM meta WHERE key = 'a'").fetchone()[0] == 0


def test_an_act_is_that_of_its_context_and_of_the_threads_it_asks(db: Database) -> None:
    def work(name: str) -> None:
        with db.write() as conn:
            audit.append(conn, "clip", detail={"by": name})

    threads = []
    for number in range(8):
        with audit.acting(Act(person(f"user-{number}"), "", "x")):
            threads.append(threading.Thread(target=copy_context().run, args=(work, f"user-{number}")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work("server")
    with db.read() as conn:
        entries = list(audit.entries(conn))
        assert audit_check.verify(conn).faults == ()
    assert {e.actor for e in entries} == {*(f"user-{n}" for n in range(8)), "server"}
    assert all(json.loads(e.detail)["by"] == e.actor for e in entries)


def test_filters_and_pages(db: Database) -> None:
    fill(db, 9)
    with db.read() as conn:
        assert [e.seq for e in audit.entries(conn, limit=2)] == [9, 8]
        assert [e.seq for e in audit.entries(conn, before=8, limit=2)] == [7, 6]
        assert [e.seq for e in audit.entries(conn, camera="cam-1")] == [8, 5, 2]
        assert [e.seq for e in audit.entries(conn, start_us=1_003, end_us=1_005)] == [5, 4]
        assert list(audit.entries(conn, actor="nobody")) == []


@pytest.mark.parametrize("text", ["", "5", "5:xyz", "-1:" + "a" * 64, "5:" + "A" * 64])
def test_heads_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="no head"):
        AuditHead.parse(text)
