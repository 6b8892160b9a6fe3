"""The audit log: who did what, when and from where, in rows that are only ever added.

Each entry holds the hash of the one before, so that none can be changed or taken out without all later ones
disagreeing:

    hash = SHA-256 of the UTF-8 JSON array [previous, seq, at_us, actor, address, action, camera, detail, actor_id]

without spaces and with non-ASCII characters as they are; ``detail`` is the text as it is kept; ``actor_id`` is no part
of it where it is null, in entries older than ids. Anyone can recompute it without us. What a chain alone can't show is
that its last entries were cut off or written anew: for that, compare with a head (``seq:hash``) that was noted
elsewhere. Exports state the head, the server signs it every hour (``nvr/evidence/seal/heads.py``), and
``storage/integrity/audit_log.py`` compares.

Invariant: within ``acting`` no transaction of a ``Database`` is committed without an entry of whoever acts: a change
that can't be entered is not made.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from storage.catalogue.actors import SERVER_ACTOR, Actor
from storage.sentences import Sentence

__all__ = [
    "Act",
    "AuditEntry",
    "AuditHead",
    "acting",
    "actor_now",
    "append",
    "append_each",
    "begin",
    "current",
    "entries",
    "hash_of",
    "head",
    "settle",
]


# Made once: a thousand entries may be made while others wait.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@dataclass(slots=True)
class Act:
    """What somebody does: who, where they are, and the word for it that is entered if nobody enters a better one.
    ``entered`` is set once there is an entry."""

    actor: Actor
    address: str
    action: str
    at_us: int | None = None
    entered: bool = False


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of the log."""

    seq: int
    at_us: int
    actor: str
    address: str
    action: str
    camera: str | None
    detail: str
    previous: str
    hash: str
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How far the log reached: the number and hash of its last entry; 0 and an empty hash of an empty one."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> AuditHead:
        """The head that ``str`` wrote.

        Raises:
            ValueError: it is none.
        """
        seq, colon, hash_ = text.strip().partition(":")
        if (
            not colon
            or not seq.isdecimal()
            or (hash_ and (len(hash_) != 64 or not set(hash_) <= set("0123456789abcdef")))
        ):
            raise ValueError(
                Sentence("{text!r} is no head of an audit log: a number, a colon and 64 hexadecimal digits", text=text)
            )
        return cls(int(seq), hash_)


_act: ContextVar[Act | None] = ContextVar("act", default=None)


def current() -> Act | None:
    """Who acts in this context."""
    return _act.get()


def begin(act: Act | None) -> None:
    """From here on, in this context (a request's task and the threads it asks), ``act`` is what is done."""
    _act.set(act)


@contextmanager
def acting(act: Act | None) -> Iterator[None]:
    """As ``begin``, for a block. With None the server itself acts in it."""
    token = _act.set(act)
    try:
        yield
    finally:
        _act.reset(token)


def actor_now() -> Actor:
    """Who acts in this context; the server itself if nobody does."""
    act = _act.get()
    return SERVER_ACTOR if act is None else act.actor


def hash_of(
    previous: str,
    seq: int,
    at_us: int,
    actor: str,
    address: str,
    action: str,
    camera: str | None,
    detail: str,
    actor_id: str | None,
) -> str:
    """The hash of an entry, hexadecimal."""
    fields = [previous, seq, at_us, actor, address, action, camera, detail]
    if actor_id is not None:
        fields.append(actor_id)
    return hashlib.sha256(_ENCODER.encode(fields).encode()).hexdigest()


def _text(value: str) -> str:
    # Bytes of a header or a file name that are no text can't be hashed as UTF-8.
    return value.encode("utf-8", "replace").decode()


def append(
    conn: sqlite3.Connection, action: str, *, camera: str | None = None, detail: Mapping[str, Any] | None = None
) -> AuditHead:
    """Adds an entry to the transaction: what was done, by whoever acts in this context, else by the server itself.
    ``detail`` must be JSON and free of secrets. Returns where the entry stands in the log."""
    return append_each(conn, action, [(camera, detail or {})])


def append_each(
    conn: sqlite3.Connection, action: str, entries: Iterable[tuple[str | None, Mapping[str, Any]]]
) -> AuditHead:
    """Adds an entry for each camera and detail; returns where the last one stands in the log."""
    act = _act.get()
    at_us = time.time_ns() // 1000 if act is None or act.at_us is None else act.at_us
    actor = actor_now()
    name, address = _text(actor.name), "" if act is None else _text(act.address)
    last = head(conn)
    rows = []
    for camera, detail in entries:
        text = _text(_SORTED.encode(dict(detail)))
        where = None if camera is None else _text(camera)
        fields = (last.seq + 1, at_us, name, address, action, where, text)
        made = AuditHead(last.seq + 1, hash_of(last.hash, *fields, actor.id))
        rows.append((*fields, last.hash, made.hash, actor.id))
        last = made
    conn.executemany(
        "INSERT INTO audit (seq, at_us, actor, address, action, camera, detail, previous, hash, actor_id)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        rows,
    )
    if act is not None and rows:
        act.entered = True
    return last


def settle(conn: sqlite3.Connection) -> None:
    """Called before a commit: if somebody acts and nothing of it is in the log yet, appends the act's own name."""
    act = _act.get()
    if act is not None and not act.entered:
        append(conn, act.action)


def head(conn: sqlite3.Connection) -> AuditHead:
    """The last entry there is."""
    row = conn.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditHead(0, "") if row is None else AuditHead(row[0], row[1])


def entries(
    conn: sqlite3.Connection,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    actor: str | None = None,
    camera: str | None = None,
    action: str | None = None,
    about: Sequence[str] = (),
    before: int | None = None,
    limit: int | None = None,
) -> Iterator[AuditEntry]:
    """Entries, the latest first, of ``[start_us, end_us)`` and with a ``seq`` under ``before``. ``actor``: a name, or
    an id; that of a user finds what their tokens did, too. ``about``: texts of which one is in the detail, such as a
    case's id and number."""
    conditions = {
        "at_us >= ?": start_us,
        "at_us < ?": end_us,
        "? IN (actor, actor_id, substr(actor_id, 1, instr(actor_id, '/') - 1))": actor,
        "camera = ?": camera,
        "action = ?": action,
        "seq < ?": before,
    }
    used = {condition: value for condition, value in conditions.items() if value is not None}
    wanted = [*used, *([f"({' OR '.join(['instr(detail, ?) > 0'] * len(about))})"] if about else [])]
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    query = f"SELECT * FROM audit {where} ORDER BY seq DESC LIMIT ?"
    for row in conn.execute(query, (*used.values(), *about, -1 if limit is None else limit)):
        yield AuditEntry(*row)
