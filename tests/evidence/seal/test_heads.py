"""Signed heads of the audit log: written, read, compared; and whatever somebody does to their files is named."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nvr.evidence.jobs import keeper as keeping
from nvr.evidence.jobs.keeper import IntegrityKeeper
from nvr.evidence.seal.heads import HeadBook
from nvr.evidence.seal.keys import KeyFolder
from nvr.evidence.seal.signing import make_signer
from storage.catalogue import audit
from storage.catalogue.audit import Act, AuditHead
from storage.catalogue.database import Database
from storage.integrity import findings as integrity
from tests.support.people import person

NOW_US = 1_795_442_400 * 10**6


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFolder:
    made = KeyFolder(tmp_path_factory.mktemp("keys") / "keys", "Test")
    made.ensure()
    return made


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "c.db")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def book(tmp_path: Path, keys: KeyFolder) -> HeadBook:
    return HeadBook(tmp_path / "exports", keys)


@pytest.fixture
def keeper(db: Database, book: HeadBook, keys: KeyFolder) -> IntegrityKeeper:
    return IntegrityKeeper(db, book, keys, lambda: NOW_US)


def enter(db: Database, count: int = 1) -> AuditHead:
    for _ in range(count):
        with audit.acting(Act(person("ines"), "", "x", at_us=5)), db.write() as conn:
            audit.append(conn, "clip")
    with db.read() as conn:
        return audit.head(conn)


def noted(book: HeadBook, keys: KeyFolder, *heads: AuditHead) -> None:
    for number, head in enumerate(heads):
        # Over the end of a month, which begins another file.
        book.note(head, "hourly", signer=keys.current(), now_us=NOW_US + number * 4 * 86_400 * 10**6)


HEADS = tuple(AuditHead(number, f"{number:064x}") for number in range(1, 6))


def test_heads_are_kept_in_files_that_are_added_to(book: HeadBook, keys: KeyFolder) -> None:
    noted(book, keys, *HEADS)
    assert [path.name for path in sorted(book.path.iterdir())] == ["2026-11.jsonl", "2026-12.jsonl"]
    before = (book.path / "2026-12.jsonl").read_bytes()
    found = book.read()
    assert (found.heads, found.faults) == (HEADS, ())
    book.note(AuditHead(6, "6" * 64), "export x", signer=keys.current(), now_us=NOW_US + 20 * 86_400 * 10**6)
    assert (book.path / "2026-12.jsonl").read_bytes().startswith(before)
    assert not book.path.stat().st_mode & 0o007


def test_a_key_that_was_replaced_still_verifies(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path / "keys", "Test")
    keys.ensure()
    book = HeadBook(tmp_path / "exports", keys)
    noted(book, keys, HEADS[0])
    keys.rotate()
    noted(book, keys, HEADS[1])
    found = book.read()
    assert (found.heads, found.faults) == (HEADS[:2], ())


def line(data: bytes, number: int, change: Callable[[dict[str, str]], object]) -> bytes:
    lines = data.splitlines(keepends=True)
    value = json.loads(lines[number])
    change(value)
    lines[number] = json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    return b"".join(lines)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "another head": lambda data: line(data, 0, lambda v: v.update(head="9:" + "9" * 64)),
    "another time": lambda data: line(data, 0, lambda v: v.update(at="2020")),
    "another signature": lambda data: line(data, 0, lambda v: v.update(signature="AAAA")),
    "no base64": lambda data: line(data, 0, lambda v: v.update(signature="é")),
    "a member more": lambda data: line(data, 0, lambda v: v.update(x="y")),
    "a member less": lambda data: line(data, 0, lambda v: v.pop("why")),
    "another key": lambda data: line(data, 0, lambda v: v.update(certificate_sha256="00" * 32)),
    "a list for a key": lambda data: line(data, 0, lambda v: v.update(certificate_sha256=[])),
    "a number for a head": lambda data: line(data, 0, lambda v: v.update(head=5)),
    "a line taken out": lambda data: data.split(b"\n", 1)[1],
    "lines in another order": lambda data: b"\n".join(reversed(data.strip().split(b"\n"))) + b"\n",
    "no JSON": lambda data: b"{\n" + data,
    "no text": lambda data: b"\xff\xfe\n" + data,
    "deep": lambda data: b"[" * 100_000 + b"\n" + data,
    "half a line": lambda data: data[:-200],
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_is_done_to_the_book_is_named(book: HeadBook, keys: KeyFolder, how: str) -> None:
    noted(book, keys, *HEADS[:2])
    path = book.path / "2026-11.jsonl"
    path.write_bytes(CHANGES[how](path.read_bytes()))
    found = book.read()
    assert found.faults and "2026-11.jsonl, line" in found.faults[0]
    assert set(found.heads) <= set(HEADS)
    # It goes on after it, also after half a line.
    noted(book, keys, HEADS[3])
    assert HEADS[3] in book.read().heads


def test_a_stranger_s_key_signs_nothing_here(book: HeadBook, keys: KeyFolder) -> None:
    book.note(HEADS[0], "x", signer=make_signer("Somebody", now_us=NOW_US, bits=2048), now_us=NOW_US)
    found = book.read()
    assert found.heads == () and "none of this server's" in found.faults[0]


def forged(db: Database) -> None:
    """The last entry anew, its hash right, the fences up again and the catalogue's own note changed: nothing in the
    file tells."""
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        fences = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in fences:
            conn.execute(f"DROP TRIGGER {name}")
        last = conn.execute("SELECT * FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, at_us, _, address, action, camera, detail, previous, _, actor_id = last
        hash_ = audit.hash_of(previous, seq, at_us, "budi", address, action, camera, detail, actor_id)
        conn.execute("UPDATE audit SET actor = 'budi', hash = ? WHERE seq = ?", (hash_, seq))
        conn.execute("UPDATE meta SET value = ? WHERE key = 'audit_head'", (f"{seq}:{hash_}",))
        for _, sql in fences:
            conn.execute(sql)


def test_the_keeper_signs_and_finds_an_end_that_was_written_anew(
    db: Database, book: HeadBook, keeper: IntegrityKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    enter(db, 3)
    assert keeper.check() == []
    head = keeper.note("hourly")
    assert book.read().heads == (head,)
    enter(db, 2)
    assert keeper.check() == []
    keeper.note("export e1")
    forged(db)
    with caplog.at_level(logging.CRITICAL):
        (wrong,) = keeper.check()
    assert "entry 5: replaced" in wrong and "behind the server's back" in caplog.text
    with db.read() as conn:
        (kept,) = integrity.wrong(conn)
    assert (kept.what, kept.since_us) == ("audit", NOW_US)
    # And it is not forgotten because the log goes on.
    enter(db)
    assert len(keeper.check()) == 1


def test_at_the_start_it_compares_and_signs_by_itself(db: Database, book: HeadBook, keeper: IntegrityKeeper) -> None:
    enter(db)
    ending = threading.Event()
    ending.set()
    keeper.run(ending)
    assert len(book.read().heads) == 1
    forged(db)
    keeper.run(ending)
    with db.read() as conn:
        assert [one.what for one in integrity.wrong(conn)] == ["audit"]
    # A log that is not as it should be is not signed as if it were.
    last = (book.path / "2026-11.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["why"] == "start, with 1 faults"


def test_a_process_that_starts_goes_on_from_the_last_signed_head(
    db: Database, book: HeadBook, keys: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the log is: what is older is gone through a stretch an hour, and wholly once anything was wrong."""
    monkeypatch.setattr(keeping, "_AT_ONCE", 4)
    real, read = keeping.recompute, []

    def counted(*given: Any, **more: Any) -> Any:
        found = real(*given, **more)
        read.append(found.entries)
        return found

    monkeypatch.setattr(keeping, "recompute", counted)

    def started(hour: int, *, signs: bool = False) -> list[str]:
        read.clear()
        one = IntegrityKeeper(db, book, keys, lambda: NOW_US + hour * 3600 * 10**6)
        if not signs:
            return one.check()
        ending = threading.Event()
        ending.set()
        one.run(ending)
        with db.read() as conn:
            return [fault for wrong in integrity.wrong(conn) for fault in wrong.faults]

    enter(db, 18)
    assert (started(0, signs=True), sum(read)) == ([], 18)
    enter(db, 1)
    assert (started(0), sum(read) <= 4 + 1) == ([], True)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
        ((fence,),) = conn.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_is_not_changed'")

    def word(new: str) -> None:
        with closing(sqlite3.connect(db.path, isolation_level=None)) as conn:
            conn.execute("DROP TRIGGER audit_is_not_changed")
            conn.execute("UPDATE audit SET action = ? WHERE seq = 7", (new,))
            conn.execute(fence)

    word("x")
    hours = [started(hour) for hour in range(5)]
    assert sum(map(bool, hours)) == 1, "in its turn, with five stretches"
    hour = next(hour for hour, told in enumerate(hours) if told)
    assert "entry 7: changed" in started(hour, signs=True)[0]
    assert "entry 7: changed" in started(hour + 1, signs=True)[0], "not forgotten with its turn"
    word("clip")
    assert (started(hour, signs=True), sum(read)) == ([], 19)
    assert (started(hour), sum(read) <= 4) == ([], True)


def test_what_is_wrong_with_the_book_alone_does_not_have_all_computed_again(
    db: Database, book: HeadBook, keys: KeyFolder, keeper: IntegrityKeeper
) -> None:
    ending = threading.Event()
    ending.set()
    enter(db, 3)
    keeper.run(ending)
    with (book.path / "2026-11.jsonl").open("a") as file:
        file.write("half a li")
    keeper.run(ending)
    assert book.read().verified == enter(db, 0)
    assert json.loads((book.path / "2026-11.jsonl").read_text().splitlines()[-1])["why"] == (
        "start, with 1 faults, none of them in the log"
    )


def test_a_disk_that_takes_no_head_ends_nothing(db: Database, tmp_path: Path, keeper: IntegrityKeeper) -> None:
    (tmp_path / "exports").write_text("a file where the folder should be")
    enter(db)
    assert keeper.note("hourly") is None
    assert keeper.check() == []
