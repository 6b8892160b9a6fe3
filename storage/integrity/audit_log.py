"""Whether the audit log is what it was: every hash computed again, its end compared with what was noted of it.

Invariant: whatever is in the file, the answer is a verdict with its faults named; nothing that somebody wrote there
ends the check.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage.catalogue.audit import AuditEntry, AuditHead, hash_of

__all__ = ["NONE", "Fault", "LogState", "Recomputed", "Verdict", "compare", "head_at", "recompute", "verify"]

NONE: Final = AuditHead(0, "")
"""The head of an empty log."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the entry ``seq`` (0: with the log as a whole): ``changed`` (it is not what its hash says),
    ``removed`` (entries before it are not there), ``cut`` (entries at the end are not there), ``replaced`` (what was
    noted is not in the log), ``added`` (it was written past the catalogue's own fences), ``unreadable``."""

    seq: int
    kind: str
    detail: str


class LogState(StrEnum):
    """``CONSISTENT``: as far as the log can say itself; ``WHOLE``: up to a head that was noted elsewhere, and
    consistent after it."""

    WHOLE = "whole"
    CONSISTENT = "consistent"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many entries were read, where the log ends, and what is wrong with it: nothing, or it was tampered with.
    ``noted``: the last of the heads noted elsewhere that are in it, 0 if it was compared with none: then it is
    consistent, and no more is known."""

    entries: int
    head: AuditHead
    faults: tuple[Fault, ...]
    noted: AuditHead = NONE

    @property
    def state(self) -> LogState:
        """What can be said of the log."""
        if self.faults:
            return LogState.TAMPERED
        return LogState.WHOLE if self.noted.seq else LogState.CONSISTENT


# More than a person can read; the first says that there is something to find.
_MOST_FAULTS: Final = 100
_COLUMNS: Final = "seq, at_us, actor, address, action, camera, detail, previous, hash, actor_id"


def verify(
    conn: sqlite3.Connection,
    heads: Sequence[AuditHead] = (),
    *,
    after: AuditHead = NONE,
    progress: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Reads the whole log, or what follows ``after``, and computes every hash again. ``heads`` were noted elsewhere at
    other times. ``progress`` hears the entries done."""
    with _any_text(conn):
        read = recompute(conn, after, progress=progress)
        faults = [*read.faults, *_own_end(conn, read.head)]
        found, noted = _compared(conn, heads, read.head)
    progress(read.entries)
    return Verdict(read.entries, read.head, tuple([*faults, *found][:_MOST_FAULTS]), noted)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A stretch of the log: how many entries were read, the last one of them, and what is wrong with them."""

    entries: int
    head: AuditHead
    faults: tuple[Fault, ...]


def recompute(
    conn: sqlite3.Connection,
    after: AuditHead = NONE,
    *,
    most: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Recomputed:
    """Computes the hashes of what follows ``after`` again, of ``most`` entries at most. That its end is the log's, or
    in it at all, is not looked at."""
    faults: list[Fault] = []
    last, count = after, 0
    with _any_text(conn):
        try:
            query = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
            for row in conn.execute(query, (after.seq, -1 if most is None else most)):
                entry = AuditEntry(*row)
                count += 1
                faults += _follows(entry, last) if len(faults) < _MOST_FAULTS else ()
                last = AuditHead(entry.seq, str(entry.hash))
                if count % 10_000 == 0:
                    progress(count)
        except (sqlite3.Error, UnicodeError) as error:
            faults.append(Fault(last.seq + 1, "unreadable", f"it, or what follows, can't be read: {error}"))
    return Recomputed(count, last, tuple(faults))


def head_at(conn: sqlite3.Connection, seq: int) -> AuditHead:
    """Where the log was at an entry, as it says now. One that it does not have has an empty hash, which nothing
    follows."""
    with _any_text(conn):
        try:
            row = conn.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
        except sqlite3.Error:
            row = None
    return AuditHead(seq, "" if row is None else str(row[0]))


def compare(conn: sqlite3.Connection, heads: Sequence[AuditHead]) -> list[Fault]:
    """What of the heads noted elsewhere is not in the log; quick, since no hash is computed."""
    with _any_text(conn):
        try:
            row = conn.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        except sqlite3.Error as error:
            return [Fault(0, "unreadable", f"the log can't be read: {error}")]
        last = AuditHead(0, "") if row is None else AuditHead(row[0], str(row[1]))
        return [*_own_end(conn, last), *_compared(conn, heads, last)[0]]


@contextmanager
def _any_text(conn: sqlite3.Connection) -> Iterator[None]:
    """Texts that are no UTF-8 are read all the same: they have no hash, and are named."""
    before = conn.text_factory
    conn.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        conn.text_factory = before


def _follows(entry: AuditEntry, last: AuditHead) -> Iterator[Fault]:
    if entry.seq != last.seq + 1:
        yield Fault(entry.seq, "removed", f"entries {last.seq + 1} to {entry.seq - 1} are not there")
    elif entry.previous != last.hash:
        yield Fault(entry.seq, "changed", f"it does not follow entry {last.seq} as that is now")
    fields = (entry.seq, entry.at_us, entry.actor, entry.address, entry.action, entry.camera, entry.detail)
    try:
        hash_ = hash_of(entry.previous, *fields, entry.actor_id)
    except (TypeError, ValueError):
        # Bytes, or text that is no UTF-8: we never write such.
        yield Fault(entry.seq, "changed", "it holds what no program of ours writes")
        return
    if hash_ != entry.hash:
        yield Fault(entry.seq, "changed", "its hash is not that of its text")


def _own_end(conn: sqlite3.Connection, last: AuditHead) -> Iterator[Fault]:
    """Compares the end with the one that the catalogue itself keeps beside the log."""
    try:
        row = conn.execute("SELECT value FROM meta WHERE key = 'audit_head'").fetchone()
        kept = AuditHead(0, "") if row is None else AuditHead.parse(str(row[0]))
    except (sqlite3.Error, ValueError) as error:
        yield Fault(last.seq, "unreadable", f"the catalogue's own note of the end can't be read: {error}")
        return
    if kept.seq > last.seq:
        yield Fault(kept.seq, "cut", f"the log ends at entry {last.seq}, but it once reached {kept.seq}")
    elif kept.seq < last.seq:
        yield Fault(
            kept.seq + 1, "added", f"the catalogue's own note of the end is of entry {kept.seq}: it was written past it"
        )
    elif kept.hash != last.hash:
        yield Fault(last.seq, "replaced", "it is not the entry that the catalogue itself has noted as the last")


def _compared(conn: sqlite3.Connection, heads: Sequence[AuditHead], last: AuditHead) -> tuple[list[Fault], AuditHead]:
    faults, noted = [], AuditHead(0, "")
    for head in sorted({head for head in heads if head.seq}, key=lambda head: (head.seq, head.hash)):
        try:
            row = conn.execute("SELECT hash FROM audit WHERE seq = ?", (head.seq,)).fetchone()
        except (sqlite3.Error, OverflowError):
            row = None
        if row is not None and row[0] == head.hash:
            noted = head
        elif row is not None:
            text = "it is not the entry that was noted elsewhere under this number"
            faults.append(Fault(head.seq, "replaced", text))
        elif head.seq > last.seq:
            text = f"the log ends at entry {last.seq}, but elsewhere it was noted that it reached {head.seq}"
            faults.append(Fault(head.seq, "cut", text))
        else:
            faults.append(Fault(head.seq, "removed", "it was noted elsewhere, and is not there"))
    return faults, noted
