"""Files that come with orders: kept in the catalogue, so that a backup of it has them, under their SHA-256."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

from storage.sentences import Sentence

__all__ = ["MOST_BYTES", "Attachment", "AttachmentError", "add", "checked", "forget_one", "load"]

MOST_BYTES: Final = 10_000_000
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


def forget_one(conn: sqlite3.Connection, *, now_us: int) -> bool:
    """Forgets a file that was uploaded for nothing; says whether there was one. One a transaction: it may be 10 MB."""
    forgotten = conn.execute(
        "DELETE FROM attachment WHERE sha256 IN (SELECT sha256 FROM attachment WHERE added_us < ? AND sha256 NOT IN"
        " (SELECT attachment FROM directive WHERE attachment IS NOT NULL) LIMIT 1)",
        (now_us - _UNUSED_US,),
    )
    return forgotten.rowcount > 0


def add(conn: sqlite3.Connection, file: Attachment, *, now_us: int) -> None:
    """Keeps a file."""
    conn.execute(
        "INSERT OR IGNORE INTO attachment (sha256, data, added_us) VALUES (?, ?, ?)", (file.sha256, file.data, now_us)
    )


def load(conn: sqlite3.Connection, sha256: str) -> bytes | None:
    """The file of this SHA-256."""
    row = conn.execute("SELECT data FROM attachment WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else bytes(row[0])
