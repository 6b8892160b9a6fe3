"""Files that come with orders: kept in the catalogue, so that a backup of it has them, under their SHA-256."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Final

from storage.sentences import Sentence

__all__ = ["MOST_BYTES", "AttachmentError", "add", "load", "sha256_of"]

MOST_BYTES: Final = 10_000_000
# One that no order took up within a day was uploaded for nothing.
_UNUSED_US: Final = 86_400 * 1_000_000


class AttachmentError(ValueError):
    """The file can't be kept; the message says why."""


def sha256_of(data: bytes) -> str:
    """The name under which a file is kept."""
    return hashlib.sha256(data).hexdigest()


def add(conn: sqlite3.Connection, data: bytes, *, now_us: int) -> str:
    """Keeps a file; returns its SHA-256.

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
    sha256 = sha256_of(data)
    conn.execute(
        "DELETE FROM attachment WHERE added_us < ? AND sha256 NOT IN (SELECT attachment FROM directive"
        " WHERE attachment IS NOT NULL)",
        (now_us - _UNUSED_US,),
    )
    conn.execute("INSERT OR IGNORE INTO attachment (sha256, data, added_us) VALUES (?, ?, ?)", (sha256, data, now_us))
    return sha256


def load(conn: sqlite3.Connection, sha256: str) -> bytes | None:
    """The file of this SHA-256."""
    row = conn.execute("SELECT data FROM attachment WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else bytes(row[0])
