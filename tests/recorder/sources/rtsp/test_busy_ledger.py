"""The ledger of a worker whose event loop leaves its other threads little time."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from nvr.recorder.sources.rtsp.ledger import Ledger
from storage.catalogue import logins
from storage.catalogue.database import Database
from storage.catalogue.logins import LoginAccount
from tests.support.catalogues import new_catalogue


def test_hundreds_of_logins_do_not_keep_others_from_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cameras connect again at one moment: each question takes a twentieth of a second, since each statement waits
    for Python's lock."""
    done: list[str] = []
    begun = threading.Event()

    def slow(conn: sqlite3.Connection, account: LoginAccount) -> None:
        begun.set()
        until_s = time.monotonic() + 0.05
        while time.monotonic() < until_s:
            pass
        assert conn.in_transaction
        done.append(account.device)

    monkeypatch.setattr(logins, "abandoned", slow)
    path = tmp_path / "catalogue.sqlite"
    database = new_catalogue(path)
    ledger = Ledger()
    ledger.open(database)
    accounts = [LoginAccount.of(f"10.0.0.{number}:554", "admin", "x") for number in range(60)]
    for account in accounts:
        ledger.abandoned(account)
    assert begun.wait(10)
    other = Database(path)
    with other.write(patience_s=1.0):
        so_far = len(done)
    other.close()
    assert 0 < so_far < 60
    ledger.close()
    assert done == [account.device for account in accounts]
    database.close()
