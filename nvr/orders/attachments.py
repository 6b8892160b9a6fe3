"""Files that come with orders: kept in the catalogue, so that a backup of it has them, under their SHA-256.

Invariants: a file is kept and forgotten in parts, a transaction each, since a large one is what all other writers would
wait for; a file that is named in ``attachment`` is whole.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = ["MOST_BYTES", "Attachment", "AttachmentError", "add", "checked", "forget", "load"]

MOST_BYTES: Final = 10_000_000
_PART_BYTES: Final = 1_000_000
# One that no order took up within a day was uploaded for nothing.
_UNUSED_US: Final = 86_400 * 1_000_000


class AttachmentError(ValueError):
    """The file can't be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that may be kept, and its SHA-256."""

    data: bytes
    sha256: str


def checked(data: bytes) -> Attachment:
    """The file, hashed: before anybody waits for it to be kept.

    Raises:
        AttachmentError: it is empty or larger than ``MOST_BYTES``.
    """
    if not data:
        raise AttachmentError(Sentence("the file is empty"))
    if len(data) > MOST_BYTES:
        raise AttachmentError(
            Sentence(
                "the file has {count} bytes; an attachment may have {most}: scan it smaller",
                count=len(data),
                most=MOST_BYTES,
            )
        )
    return Attachment(data, hashlib.sha256(data).hexdigest())


def add(database: Database, file: Attachment, *, now_us: int) -> None:
    """Keeps a file.

    Raises:
        sqlite3.Error: the catalogue can't be written; nothing names the file then.
    """
    with database.write() as conn:
        if conn.execute("UPDATE attachment SET added_us = ? WHERE sha256 = ?", (now_us, file.sha256)).rowcount:
            return
    starts = range(0, len(file.data), _PART_BYTES)
    for number, start in enumerate(starts):
        with database.write() as conn:
            # One that is there already is as new as this: it is not forgotten before the file is named.
            conn.execute(
                "INSERT INTO attachment_part (sha256, number, data, added_us) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET added_us = excluded.added_us",
                (file.sha256, number, file.data[start : start + _PART_BYTES], now_us),
            )
    with database.write() as conn:
        conn.execute(
            "INSERT INTO attachment (sha256, data, added_us) VALUES (?, x'', ?)"
            " ON CONFLICT DO UPDATE SET added_us = excluded.added_us",
            (file.sha256, now_us),
        )


def forget(database: Database, *, now_us: int, most: int) -> None:
    """Forgets files that were uploaded for nothing, up to so many parts."""
    before_us = now_us - _UNUSED_US
    for _ in range(most):
        with database.write() as conn:
            gone = conn.execute(
                "DELETE FROM attachment WHERE sha256 IN (SELECT sha256 FROM attachment WHERE added_us < ?"
                " AND sha256 NOT IN (SELECT attachment FROM directive WHERE attachment IS NOT NULL) LIMIT 1)",
                (before_us,),
            ).rowcount
            gone += conn.execute(
                "DELETE FROM attachment_part WHERE (sha256, number) IN (SELECT sha256, number FROM attachment_part"
                " WHERE added_us < ? AND sha256 NOT IN (SELECT sha256 FROM attachment) LIMIT 1)",
                (before_us,),
            ).rowcount
        if not gone:
            return


def load(conn: sqlite3.Connection, sha256: str) -> bytes | None:
    """The file of this SHA-256."""
    row = conn.execute("SELECT data FROM attachment WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        return None
    parts = conn.execute("SELECT data FROM attachment_part WHERE sha256 = ? ORDER BY number", (sha256,)).fetchall()
    # Those of before there were parts have it in their row.
    return b"".join([row[0], *(data for (data,) in parts)])
