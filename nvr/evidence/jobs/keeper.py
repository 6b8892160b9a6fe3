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
from nvr.evidence.seal.heads import HeadBook
from nvr.evidence.seal.keys import KeyFolder
from storage.catalogue import audit
from storage.catalogue.audit import AuditHead
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.integrity import findings as integrity
from storage.integrity import holds as hold_check
from storage.integrity import schema as schema_check
from storage.integrity.audit_log import compare, verify

__all__ = ["IntegrityKeeper"]

log = logging.getLogger(__name__)

_HOUR_S: Final = 3600.0


class IntegrityKeeper:
    """``note`` is called at each export, ``run`` in a thread of its own."""

    def __init__(self, database: Database, book: HeadBook, keys: KeyFolder, now_us: Callable[[], int]) -> None:
        self._database, self._book, self._keys, self._now_us = database, book, keys, now_us
        # What this process has verified, entry by entry: only what follows is computed again.
        self._verified = AuditHead(0, "")
        self.has_looked = threading.Event()
        """Whether ``run`` has compared and signed once, or tried to."""

    def run(self, ending: threading.Event) -> None:
        """Compares and signs until told to end."""
        why = "start"
        while True:
            try:
                # In this order: a head of a log that is not as it should be is not signed as if it were.
                faults = self.check()
                self.note(f"{why}, with {len(faults)} faults" if faults else why)
            except (sqlite3.Error, CatalogueError, OSError) as error:
                log.error("the audit log could not be compared with its heads, will try again: %s", error)
            self.has_looked.set()
            if ending.wait(_HOUR_S):
                return
            why = "hourly"

    def note(self, why: str) -> AuditHead | None:
        """Signs how far the log reaches now, and returns it; None if it can't be signed."""
        with self._database.read() as conn:
            head = audit.head(conn)
        try:
            self._book.note(head, why, signer=self._keys.ensure(), now_us=self._now_us())
        except (EvidenceError, OSError) as error:
            log.error("the head of the audit log, %s, can't be signed and kept: %s", head, error)
            return None
        return head

    def check(self) -> list[str]:
        """Compares; returns what is wrong, in words."""
        noted = self._book.read()
        with self._database.read() as conn:
            if compare(conn, [self._verified]):
                self._verified = AuditHead(0, "")
            verdict = verify(conn, noted.heads, after=self._verified)
            found = {
                "audit": [*noted.faults, *(f"entry {one.seq}: {one.kind}: {one.detail}" for one in verdict.faults)],
                "schema": schema_check.differences(conn),
                "holds": hold_check.differences(conn),
            }
        if not verdict.faults:
            self._verified = verdict.head
        with self._database.write() as conn:
            for what, faults in found.items():
                integrity.put(conn, what, faults, now_us=self._now_us())
        wrong = [f"{what}: {fault}" for what, faults in found.items() for fault in faults]
        for fault in wrong:
            log.critical("changed behind the server's back: %s", fault)
        return wrong
