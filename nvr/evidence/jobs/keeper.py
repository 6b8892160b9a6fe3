"""Looks after what must not be changed behind the server's back: signs the audit log's head every hour, and compares
log, schema and holds with what they should be, at the start and every hour.

Invariant: what it finds is in the log of the process and in the catalogue (``storage/integrity/findings.py``), for an
alert; it changes nothing else.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from nvr.evidence.seal.errors import EvidenceError
from nvr.evidence.seal.heads import HeadBook, Noted, reason
from nvr.evidence.seal.keys import KeyFolder
from storage.catalogue import audit
from storage.catalogue.audit import AuditHead
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.integrity import findings as integrity
from storage.integrity import holds as hold_check
from storage.integrity import schema as schema_check
from storage.integrity.audit_log import NONE, Fault, compare, head_at, recompute

__all__ = ["IntegrityKeeper"]

log = logging.getLogger(__name__)

_HOUR_S: Final = 3600.0
_HOUR_US: Final = 3600 * 1_000_000
# Entries that are computed in one go: half a second, for which the catalogue's log can't be written over.
_AT_ONCE: Final = 50_000


class IntegrityKeeper:
    """``note`` is called at each export, ``run`` in a thread of its own."""

    def __init__(self, database: Database, book: HeadBook, keys: KeyFolder, now_us: Callable[[], int]) -> None:
        self._database, self._book, self._keys, self._now_us = database, book, keys, now_us
        # What was verified before, entry by entry: only what follows is computed again.
        self._verified = NONE
        self._is_log_right = True
        self.has_looked = threading.Event()
        """Whether ``run`` has compared and signed once, or tried to."""

    def run(self, ending: threading.Event) -> None:
        """Compares and signs until told to end."""
        why = "start"
        while True:
            try:
                # In this order: a head of a log that is not as it should be is not signed as if it were.
                faults = self.check()
                signed = reason(why, len(faults), is_log_right=self._is_log_right)
                self.note(signed, self._verified if self._is_log_right else None)
            except (sqlite3.Error, CatalogueError, OSError) as error:
                log.error("the audit log could not be compared with its heads, will try again: %s", error)
            self.has_looked.set()
            if ending.wait(_HOUR_S):
                return
            why = "hourly"

    def note(self, why: str, verified: AuditHead | None = None) -> AuditHead | None:
        """Signs up to where the log was ``verified``, by default how far it reaches now, and returns that; None if it
        can't be signed."""
        with self._database.read() as conn:
            head = audit.head(conn) if verified is None else verified
        try:
            self._book.note(head, why, signer=self._keys.ensure(), now_us=self._now_us())
        except (EvidenceError, OSError) as error:
            log.error("the head of the audit log, %s, can't be signed and kept, will try again: %s", head, error)
            return None
        return head

    def check(self) -> list[str]:
        """Compares; returns what is wrong, in words."""
        noted = self._book.read()
        faults, head = self._log_faults(noted)
        with self._database.read() as conn:
            found = {
                "audit": [*noted.faults, *(f"entry {one.seq}: {one.kind}: {one.detail}" for one in faults)],
                "schema": schema_check.differences(conn),
                "holds": hold_check.differences(conn),
            }
        self._is_log_right, self._verified = not faults, NONE if faults else head
        with self._database.write() as conn:
            for what, told in found.items():
                integrity.put(conn, what, told, now_us=self._now_us())
        wrong = [f"{what}: {fault}" for what, told in found.items() for fault in told]
        for fault in wrong:
            log.critical(
                "changed behind the server's back: %s; keep a copy of the catalogue, and find out who did it", fault
            )
        return wrong

    def _log_faults(self, noted: Noted) -> tuple[list[Fault], AuditHead]:
        """What is wrong with the log, and where it ends: all that follows what was verified before is computed again,
        and of what is older than that as much as an hour's turn."""
        with self._database.read() as conn:
            after = self._known(conn, noted)
        faults = self._of_older(after)
        while True:
            with self._database.read() as conn:
                read = recompute(conn, after, most=_AT_ONCE)
                faults += read.faults
                after = read.head
                # Anything that was wrong may have kept the rest from being read.
                if read.faults or read.entries < _AT_ONCE:
                    return [*faults, *compare(conn, noted.heads)], after

    def _known(self, conn: sqlite3.Connection, noted: Noted) -> AuditHead:
        """Up to where the log was found right before, by this process or by one before it, which signed that."""
        known = max(self._verified, noted.verified, key=lambda head: head.seq)
        # Until it is right again nothing is taken for known.
        return NONE if not self._is_log_right or compare(conn, [known]) else known

    def _of_older(self, known: AuditHead) -> list[Fault]:
        """What is wrong in one stretch of what was verified before: each hour's is the next one."""
        turns = -(-known.seq // _AT_ONCE)
        if not turns:
            return []
        first = self._now_us() // _HOUR_US % turns * _AT_ONCE
        with self._database.read() as conn:
            read = recompute(conn, head_at(conn, first), most=min(_AT_ONCE, known.seq - first))
        return list(read.faults)
