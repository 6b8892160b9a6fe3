"""The background scrub: all footage is read again, slowly, and compared with what was recorded."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.disk.roots import Root, is_mounted
from storage.recovery.scrub import scrub

__all__ = ["Scrubber"]

log = logging.getLogger(__name__)

_BETWEEN_PASSES_S: Final = 24 * 3600.0
_AFTER_AN_ERROR_S: Final = 300.0
# A start is busy enough.
_FIRST_S: Final = 60.0


class Scrubber(threading.Thread):
    """Scrubs pass after pass, a day apart, until ``ending``. A pass that a stop interrupts goes on where it was.
    ``roots`` may be replaced at any time; a pass looks at those there were when it began."""

    def __init__(self, catalogue: Path, roots: Sequence[Root], bytes_per_s: int, ending: threading.Event) -> None:
        super().__init__(name="scrub", daemon=True)
        self._database = Database(catalogue, durable=False)
        self.roots = list(roots)
        self._bytes_per_s = bytes_per_s
        self._ending = ending

    def run(self) -> None:
        """The thread's work."""
        wait_s = _FIRST_S
        while not self._ending.wait(wait_s):
            try:
                done = scrub(
                    self._database, [root for root in self.roots if is_mounted(root)], self._bytes_per_s, self._ending
                )
            except (sqlite3.Error, OSError) as error:
                log.error("the scrub could not go on, will try again: %s", error)
                wait_s = _AFTER_AN_ERROR_S
                continue
            if done.whole:
                log.info("scrub: %d segments, %d bytes read again, %d wrong", done.segments, done.bytes, len(done.bad))
            wait_s = _BETWEEN_PASSES_S if done.whole else _AFTER_AN_ERROR_S
        self._database.close()
