"""Marks go with their footage: once an hour those are removed that ended before the oldest footage of their camera."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from nvr.cameras import marks
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.errors import CatalogueError

__all__ = ["MarkKeeper"]

log = logging.getLogger(__name__)

_BETWEEN_S: Final = 3600.0
# Of a camera without any footage: what it reported while it could not be recorded is of use for a while.
_WITHOUT_US: Final = 86_400_000_000


class MarkKeeper(threading.Thread):
    """Runs until ``ending``."""

    def __init__(self, catalogue: Path, ending: threading.Event, *, between_s: float = _BETWEEN_S) -> None:
        super().__init__(name="marks", daemon=True)
        self._database = Database(catalogue, durable=False)
        self._ending = ending
        self._between_s = between_s

    def run(self) -> None:
        """The thread's work."""
        while not self._ending.wait(self._between_s):
            try:
                self.poll(now_us=time.time_ns() // 1000)
            except (sqlite3.Error, CatalogueError) as error:
                log.error("marks whose footage is gone could not be removed, will try again: %s", error)
        self._database.close()

    def poll(self, *, now_us: int) -> None:
        """Removes what has no footage any more."""
        with self._database.read() as conn:
            found = conn.execute(
                "SELECT c.id, (SELECT min(s.start_us) FROM segment s WHERE s.camera = c.key) FROM camera c"
                " WHERE EXISTS (SELECT 1 FROM mark m WHERE m.camera = c.key)"
            ).fetchall()
        before = [(row[0], now_us - _WITHOUT_US if row[1] is None else row[1]) for row in found]

        def prune(conn: sqlite3.Connection, one: tuple[str, int]) -> None:
            marks.prune(conn, *one)

        in_slices(self._database, before, prune)
