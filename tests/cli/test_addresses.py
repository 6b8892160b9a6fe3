"""Addresses from the command line."""

from __future__ import annotations

import time
from pathlib import Path

from click.testing import CliRunner, Result

from nvr.accounts import issue_token
from nvr.accounts.rows import Role
from nvr.cases import addresses
from nvr.cases.addresses import AddressState, Maker
from nvr.cli import main
from storage.catalogue import audit
from storage.catalogue.database import Database


def nvr(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])


def test_addresses_are_listed_and_revoked(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n')
    (tmp_path / "cameras.csv").write_text("id,url\nhall,rtsp://192.0.2.2/s\n")
    assert nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv")).exit_code == 0
    database = Database(tmp_path / "data" / "catalogue.sqlite")
    now_us = time.time_ns() // 1000
    token = issue_token(database, "kodi", Role.VIEWER)[0]
    with database.write() as conn:
        made, secret = addresses.make(
            conn, "hall", start_us=None, end_us=None, until_us=now_us + 3600 * 10**6, now_us=now_us,
            maker=Maker(token.actor, token.id),
        )  # fmt: skip
    listed = nvr(tmp_path, "addresses", "list")
    assert listed.exit_code == 0 and made.id in listed.output and "live" in listed.output
    assert secret not in listed.output
    assert nvr(tmp_path, "addresses", "revoke", made.id).exit_code == 0
    assert made.id not in nvr(tmp_path, "addresses", "list").output
    assert made.id in nvr(tmp_path, "addresses", "list", "--all").output
    with database.read() as conn:
        found = addresses.find(conn, made.id, now_us + 10**6)
        (entry,) = audit.entries(conn, action="address_revoked", limit=10)
    assert found is not None and found.state is AddressState.REVOKED
    assert "command line" in entry.actor and entry.actor == found.revoked_by
    assert nvr(tmp_path, "addresses", "revoke", "nothing").exit_code == 1
    database.close()
