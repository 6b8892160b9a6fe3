"""The recorders' counts as hours, looked at once a minute: what a network's evaluation is read from."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nvr.network import hours as network_hours
from nvr.network.hours import HOUR_US, HourReading
from storage.catalogue.database import Database

__all__ = ["NetworkKeeper"]

log = logging.getLogger(__name__)

_BETWEEN_S: Final = 60.0
# Of a camera that was not there a minute ago.
_NOTHING: Final = HourReading({}, recording=False)


class NetworkKeeper(threading.Thread):
    """Fills ``network_hour`` until ``ending``. A minute that a power loss takes is no loss: not durable."""

    def __init__(self, catalogue: Path, ending: threading.Event, *, between_s: float = _BETWEEN_S) -> None:
        super().__init__(name="network", daemon=True)
        self._database = Database(catalogue, durable=False)
        self._ending = ending
        self._between_s = between_s
        self._before: Mapping[int, HourReading] | None = None
        self._pruned_hour = 0

    def run(self) -> None:
        """The thread's work."""
        while True:
            try:
                self.poll(now_us=time.time_ns() // 1000)
            except sqlite3.Error as error:
                log.error("the recorders' counts could not be written to the catalogue, will try again: %s", error)
            if self._ending.wait(self._between_s):
                break
        self._database.close()

    def poll(self, *, now_us: int) -> None:
        """Adds what came since the last poll. The first one only learns where the counts stand: what came before was
        entered, or is nobody's."""
        with self._database.read() as conn:
            now = network_hours.read(conn, now_us=now_us)
        before = now if self._before is None else self._before
        hours = [
            hour
            for camera, reading in now.items()
            if (hour := network_hours.added(camera, before.get(camera, _NOTHING), reading)) is not None
        ]
        with self._database.write() as conn:
            network_hours.add(conn, hours, now_us=now_us)
            if now_us // HOUR_US != self._pruned_hour:
                network_hours.prune(conn, now_us=now_us)
        self._before, self._pruned_hour = now, now_us // HOUR_US
