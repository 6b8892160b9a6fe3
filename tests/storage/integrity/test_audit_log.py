"""What somebody does to a catalogue with SQLite and time: each way is named, and none ends the check in a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.catalogue import audit, cameras, node
from storage.catalogue.audit import Act, AuditHead, hash_of
from storage.catalogue.database import Database
from storage.integrity import audit_log as audit_check
from storage.integrity import findings as integrity
from storage.integrity import holds as hold_check
from storage.integrity import schema as schema_check
from storage.retention import holds
from tests.support.catalogues import new_catalogue
from tests.support.people import person

S = 1_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A catalogue with a camera, two holds of which one was released, and a log of nine entries."""
    made = new_catalogue(tmp_path / "c.db")
    with audit.acting(Act(person("ines"), "192.0.2.7", "x", at_us=1_000)), made.write() as conn:
        node.this_node(conn, "n1")
        cameras.add(
            conn, camera="gate", name="Gate", source="catalogue", settings={}, labels={}, node="n1", epoch=1, at_us=1
        )
        first = holds.place(conn, "gate", S, 9 * S, reason="LP/1", by=person("ines"), now_us=2_000)
        holds.place(conn, "gate", S, 5 * S, reason="LP/2", by=person("ines"), now_us=2_000)
        holds.release(conn, first.id, reason="over", by=person("anna"), now_us=3_000)
        for number in range(6):
            audit.append(conn, "clip", camera="gate", detail={"number": number})
    yield made
    made.close()


def by_force(db: Database, *statements: str) -> None:
    """What somebody does who has the file and knows of the fences: they are put up again afterwards."""
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        fences = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in fences:
            conn.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            conn.execute(statement)
        for _, sql in fences:
            conn.execute(sql)


def rewritten(db: Database, seq: int, **fields: object) -> None:
    """The log anew from ``seq`` on, each hash right: what a patient forger does. Also the catalogue's own note of the
    end."""
    with closing(sqlite3.connect(db.path)) as conn:
        conn.row_factory = sqlite3.Row
        log = [dict(row) for row in conn.execute("SELECT * FROM audit ORDER BY seq")]
    previous = log[seq - 2]["hash"] if seq > 1 else ""
    told = []
    for row in log[seq - 1 :]:
        row |= fields if row["seq"] == seq else {}
        values = [row[k] for k in ("seq", "at_us", "actor", "address", "action", "camera", "detail")]
        hash_ = hash_of(previous, *values, row["actor_id"])
        detail = str(row["detail"]).replace("'", "''")
        told.append(
            f"UPDATE audit SET previous = '{previous}', hash = '{hash_}', actor = '{row['actor']}', detail = '{detail}'"
            f" WHERE seq = {row['seq']}"
        )
        previous = hash_
    by_force(db, *told, f"UPDATE meta SET value = '{log[-1]['seq']}:{previous}' WHERE key = 'audit_head'")


def verdict(db: Database, *heads: AuditHead) -> audit_check.Verdict:
    with db.read() as conn:
        return audit_check.verify(conn, heads)


def head_of(db: Database) -> AuditHead:
    with db.read() as conn:
        return audit.head(conn)


def found(db: Database, *heads: AuditHead) -> set[str]:
    return {fault.kind for fault in verdict(db, *heads).faults}


def test_consistent_is_not_whole(db: Database) -> None:
    head = head_of(db)
    assert (verdict(db).state, verdict(db).noted) == ("consistent", AuditHead(0, ""))
    assert (verdict(db, head).state, verdict(db, head).noted) == ("whole", head)
    with db.write() as conn:
        audit.append(conn, "clip")
    later = verdict(db, head)
    assert (later.state, later.noted, later.head.seq) == ("whole", head, head.seq + 1), "whole as far as it was noted"


# What is done, and as what it is found without anything noted elsewhere.
FORGERIES: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "a word": (("UPDATE audit SET actor = 'nobody' WHERE seq = 4",), {"changed"}),
    "an id": (("UPDATE audit SET actor_id = 'user-other' WHERE seq = 4",), {"changed"}),
    "an id taken away": (("UPDATE audit SET actor_id = NULL WHERE seq = 4",), {"changed"}),
    "the last entry's word": (("UPDATE audit SET action = 'x' WHERE seq = (SELECT max(seq) FROM audit)",), {"changed"}),
    "one taken out": (("DELETE FROM audit WHERE seq = 4",), {"removed"}),
    "the first taken out": (("DELETE FROM audit WHERE seq = 1",), {"removed"}),
    "the end cut off": (("DELETE FROM audit WHERE seq > 5",), {"cut"}),
    "all taken out": (("DELETE FROM audit",), {"cut"}),
    "one more, past the fences": (
        ("INSERT INTO audit SELECT seq + 1, at_us, actor, address, action, camera, detail, hash, hash, actor_id"
         " FROM audit ORDER BY seq DESC LIMIT 1",), {"changed", "added"}),
    "its own note taken away": (("DELETE FROM meta WHERE key = 'audit_head'",), {"added"}),
    "its own note made nonsense": (("UPDATE meta SET value = 'nonsense' WHERE key = 'audit_head'",), {"unreadable"}),
    "its own note a number": (("UPDATE meta SET value = 5 WHERE key = 'audit_head'",), {"unreadable"}),
    "text that is none": (("UPDATE audit SET detail = CAST(x'ff00fe' AS TEXT) WHERE seq = 4",), {"changed"}),
    "the log renamed": (("ALTER TABLE audit RENAME TO other",), {"unreadable", "cut"}),
    "a column taken away": (("ALTER TABLE audit DROP COLUMN actor_id",), {"unreadable", "cut"}),
    "negative numbers": (("UPDATE audit SET seq = -seq WHERE seq = 3",), {"removed"}),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGERIES)
def test_forgeries_are_named(db: Database, how: str) -> None:
    statements, kinds = FORGERIES[how]
    before = head_of(db)
    force = by_force if "renamed" not in how and "column" not in how else without_fences
    force(db, *statements)
    assert found(db) >= kinds, verdict(db).faults
    assert verdict(db).state == "tampered"
    assert found(db, before), "and with a head as well"


def without_fences(db: Database, *statements: str) -> None:
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            conn.execute(statement)


def test_a_page_that_is_none_any_more(db: Database) -> None:
    with db.write() as conn:
        for number in range(3000):
            audit.append(conn, "clip", detail={"number": number})
    db.finish()
    data = bytearray(db.path.read_bytes())
    at = data.rindex(b'"number":1500')
    data[at // 4096 * 4096 : at // 4096 * 4096 + 4096] = b"\xff" * 4096
    db.path.write_bytes(data)
    assert "unreadable" in found(db)


@pytest.mark.parametrize("seq", [1, 5, 9])
def test_an_end_written_anew_shows_only_against_what_was_noted_elsewhere(db: Database, seq: int) -> None:
    heads = [head_of(db)]
    rewritten(db, seq, actor="nobody")
    assert verdict(db).state == "consistent", "nothing in the file itself tells"
    assert found(db, *heads) == {"replaced"}
    # A log that was made anew, and is longer by now, is no more the one that was noted.
    with db.write() as conn:
        audit.append(conn, "clip")
    assert found(db, *heads) == {"replaced"}
    with db.read() as conn:
        assert [one.kind for one in audit_check.compare(conn, heads)] == ["replaced"]


def test_the_own_note_shows_an_end_that_was_written_anew_without_it(db: Database) -> None:
    note = head_of(db)
    rewritten(db, 9, actor="nobody")
    by_force(db, f"UPDATE meta SET value = '{note}' WHERE key = 'audit_head'")
    assert found(db) == {"replaced"}


def test_what_follows_is_verified_by_itself(db: Database) -> None:
    before = head_of(db)
    with db.write() as conn:
        audit.append(conn, "clip")
    with db.read() as conn:
        more = audit_check.verify(conn, [], after=before)
    assert (more.entries, more.faults) == (1, ())
    by_force(db, f"UPDATE audit SET actor = 'x' WHERE seq = {before.seq + 1}")
    with db.read() as conn:
        assert [one.kind for one in audit_check.verify(conn, [], after=before).faults] == ["changed"]


# -- Schema


def all_objects(db: Database) -> list[tuple[str, str]]:
    with db.read() as conn:
        query = (
            "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'"
            " AND tbl_name NOT GLOB '_sqlite_*'"
        )
        return [(row[0], row[1]) for row in conn.execute(query)]


def differences(db: Database) -> list[str]:
    with db.read() as conn:
        return schema_check.differences(conn)


def test_each_trigger_and_index_that_is_taken_away_is_missed(db: Database) -> None:
    assert differences(db) == []
    fences = [(kind, name) for kind, name in all_objects(db) if kind in ("trigger", "index")]
    assert len(fences) > 20
    for kind, name in fences:
        with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
            sql = conn.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
            conn.execute(f"DROP {kind} {name}")
            assert differences(db) == [f"{kind} {name} is not there"]
            conn.execute(sql)
    assert differences(db) == []


def test_a_fence_that_fences_nothing_any_more_is_seen(db: Database) -> None:
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        sql = conn.execute("SELECT sql FROM sqlite_master WHERE name = 'hold_stays'").fetchone()[0]
        conn.execute("DROP TRIGGER hold_stays")
        conn.execute(sql.replace("BEFORE DELETE ON hold", "BEFORE DELETE ON hold WHEN 0"))
        conn.execute("CREATE TRIGGER helper AFTER INSERT ON hold BEGIN DELETE FROM hold; END")
        conn.execute("CREATE TABLE mine (x)")
        conn.execute("ALTER TABLE hold ADD COLUMN y TEXT")
    assert differences(db) == [
        "table hold is not as this program makes it",
        "trigger hold_stays is not as this program makes it",
        "table mine is none of this program's",
        "trigger helper is none of this program's",
    ]


def test_what_sqlite_keeps_for_itself_is_no_difference(db: Database) -> None:
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        conn.execute("ANALYZE")
    assert differences(db) == []


# -- Holds

HOLD = "(SELECT id FROM hold WHERE reason = 'LP/2')"
DONE: dict[str, tuple[str, str]] = {
    "taken away": (f"DELETE FROM hold WHERE id = {HOLD}", "says that it was placed, and it is not there"),
    "made shorter": (f"UPDATE hold SET end_us = end_us - 1 WHERE id = {HOLD}", "is not as entry"),
    "moved": (f"UPDATE hold SET start_us = start_us + 1 WHERE id = {HOLD}", "is not as entry"),
    "for another reason": (f"UPDATE hold SET reason = 'x' WHERE id = {HOLD}", "is not as entry"),
    "released": (f"UPDATE hold SET released_us = 5 WHERE id = {HOLD}", "it is released, and the log does not say so"),
    "holding again": ("UPDATE hold SET released_us = NULL", "the log says that it was released"),
    "one more": (
        (
            "INSERT INTO hold (id, camera, start_us, end_us, reason, placed_by, placed_us, rev)"
            " VALUES ('new', 1, 1, 2, 'r', 'x', 2000, 1)"
        ),
        "the log does not say that it was placed",
    ),
    "under another id": (f"UPDATE hold SET id = 'other' WHERE id = {HOLD}", "the log does not say that it was placed"),
}


@pytest.mark.parametrize("how", DONE)
def test_holds_are_those_of_the_log(db: Database, how: str) -> None:
    with db.read() as conn:
        assert hold_check.differences(conn) == []
    statement, told = DONE[how]
    by_force(db, statement)
    assert differences(db) == [], "the fences are up again: only the log tells"
    with db.read() as conn:
        assert any(told in one for one in hold_check.differences(conn)), hold_check.differences(conn)


def test_a_hold_that_is_older_than_the_log_is_not_judged(db: Database) -> None:
    by_force(
        db,
        "INSERT INTO hold (id, camera, start_us, end_us, reason, placed_by, placed_us, rev)"
        " VALUES ('old', 1, 1, 2, 'r', 'x', 500, 1)",
    )
    with db.read() as conn:
        assert hold_check.differences(conn) == []


@pytest.mark.parametrize("detail", ["no JSON", "[]", '"x"', "{}", "null", '{"hold": null}'])
def test_a_log_that_tells_nonsense_does_not_end_the_check(db: Database, detail: str) -> None:
    by_force(db, f"UPDATE audit SET detail = '{detail}' WHERE action = 'hold_placed'")
    with db.read() as conn:
        assert hold_check.differences(conn)


def test_what_was_found_is_kept_since_it_was_first_found(db: Database) -> None:
    for at_us, faults in ((1, ["a"]), (2, ["a", "b"])):
        with db.write() as conn:
            integrity.put(conn, "holds", faults, now_us=at_us)
    with db.read() as conn:
        assert integrity.wrong(conn) == [integrity.Wrong("holds", 1, ("a", "b"))]
    with db.write() as conn:
        integrity.put(conn, "holds", [], now_us=3)
    with db.read() as conn:
        assert integrity.wrong(conn) == []
