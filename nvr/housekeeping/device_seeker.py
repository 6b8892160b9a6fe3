"""Looking for devices whose cameras can't be reached: once a minute it is seen whether there are any, and if so the
addresses around where they were are searched, by a search like any other (``nvr.devices``)."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from nvr.devices import searches, seeking
from nvr.devices.searches import ScanError
from nvr.devices.seeking import Sought
from nvr.devices.settings import ScanSettings
from nvr.devices.targets import blocks_of
from storage.catalogue.database import Database
from storage.errors import CatalogueError

__all__ = ["DeviceSeeker"]

log = logging.getLogger(__name__)

_BETWEEN_S: Final = 60.0
_POLL_S: Final = 1.0


class DeviceSeeker(threading.Thread):
    """Runs until ``ending``. ``told`` has what ``[devices]`` says, and may be replaced at any time."""

    def __init__(
        self, catalogue: Path, told: dict[str, Any], ending: threading.Event, *, between_s: float = _BETWEEN_S
    ) -> None:
        super().__init__(name="devices", daemon=True)
        self._database = Database(catalogue)
        self._ending = ending
        self._between_s = between_s
        self._sought: dict[str, Sought] = {}
        self.told = told

    def run(self) -> None:
        """The thread's work."""
        while not self._ending.wait(self._between_s):
            if not self.told["networks"]:
                continue
            try:
                settings = self._begin(time.time_ns() // 1000)
            except (sqlite3.Error, CatalogueError) as error:
                log.error("devices that are lost could not be looked for, will try again: %s", error)
                continue
            if settings is not None:
                self._search(settings)
        self._database.close()

    def _begin(self, now_us: int) -> ScanSettings | None:
        """Enters a search, if there is anything to look for and nobody else searches."""
        told = self.told
        with self._database.read() as conn:
            lost = seeking.lost(conn, now_us=now_us)
        there = {device.id for device in lost}
        self._sought = {device: last for device, last in self._sought.items() if device in there}
        chosen = seeking.due(lost, self._sought, now_us=now_us)
        networks = seeking.nearby(chosen, told["networks"])
        if not networks:
            return None
        try:
            with self._database.write() as conn:
                scan = searches.begin_scan(
                    conn,
                    networks=networks,
                    blocks=len(blocks_of(networks)),
                    username=None,
                    password=None,
                    now_us=now_us,
                )
        except ScanError:
            # Whoever searches may find them.
            return None
        for device in chosen:
            before = self._sought.get(device.id)
            self._sought[device.id] = Sought((before.times if before is not None else 0) + 1, now_us)
        log.info("%d devices can't be reached where they were: looking for them in %s", len(chosen), networks)
        return ScanSettings(catalogue=str(self._database.path), scan=scan, **told)

    def _search(self, settings: ScanSettings) -> None:
        """Runs a search to its end, or to ours."""
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "nvr.devices"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as child:
            assert child.stdin is not None
            child.stdin.write(msgspec.json.encode(settings) + b"\n")
            child.stdin.flush()
            while child.poll() is None and not self._ending.wait(_POLL_S):
                pass
            # Closing its stdin, which ends it.
