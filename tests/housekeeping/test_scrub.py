"""The scrub as the housekeeping process runs it: pass after pass, until it is told to end."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from nvr.housekeeping import scrub as accounting_scrub
from nvr.housekeeping.scrub import Scrubber
from storage.catalogue.database import Database
from storage.catalogue.node import this_node
from storage.disk.roots import register


def test_scrubs_until_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    with database.write() as conn:
        this_node(conn, "n1")
        roots = register(conn, [tmp_path / "footage"])
    database.close()
    monkeypatch.setattr(accounting_scrub, "_FIRST_S", 0.0)
    passed, ending = threading.Event(), threading.Event()

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("scrub:"):
                passed.set()

    monkeypatch.setattr(accounting_scrub.log, "level", logging.INFO)
    accounting_scrub.log.addHandler(told := Told())
    try:
        scrubber = Scrubber(tmp_path / "catalogue.sqlite", roots, 1_000_000, ending)
        scrubber.start()
        assert passed.wait(10)
        ending.set()
        scrubber.join(10)
        assert not scrubber.is_alive()
    finally:
        accounting_scrub.log.removeHandler(told)
