"""Coverage of closed days, made once a minute: what a fleet's report of a month is read from."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.coverage.closed_days import refresh

__all__ = ["DayKeeper"]

log = logging.getLogger(__name__)

_BETWEEN_S: Final = 60.0
# A start is busy enough.
_FIRST_S: Final = 15.0


class DayKeeper(threading.Thread):
    """Makes the rows of ``coverage_day`` until ``ending``. They can be made again: not durable."""

    def __init__(self, catalogue: Path, ending: threading.Event, *, first_s: float = _FIRST_S) -> None:
        super().__init__(name="days", daemon=True)
        self._database = Database(catalogue, durable=False)
        self._ending = ending
        self._first_s = first_s

    def run(self) -> None:
        """The thread's work."""
        wait_s = self._first_s
        while not self._ending.wait(wait_s):
            wait_s = _BETWEEN_S
            began = time.monotonic()
            try:
                made = refresh(self._database, now_us=time.time_ns() // 1000, ending=self._ending)
            except sqlite3.Error as error:
                log.error("coverage of closed days could not be made, will try again: %s", error)
                continue
            if made:
                log.debug("coverage of %d closed days of cameras made in %.1f s", made, time.monotonic() - began)
        self._database.close()
