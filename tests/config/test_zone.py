from __future__ import annotations

from pathlib import Path

import pytest

from nvr.config.zone import server_zone


@pytest.fixture(autouse=True)
def no_tz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)


def test_environment_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":Asia/Jakarta")
    assert server_zone() == "Asia/Jakarta"


def test_link(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert server_zone(link, tmp_path / "none") == "Europe/Berlin"


def test_file_then_utc(tmp_path: Path) -> None:
    copy, name = tmp_path / "localtime", tmp_path / "timezone"
    copy.write_bytes(b"TZif2")
    name.write_text("Asia/Makassar\n")
    assert server_zone(copy, name) == "Asia/Makassar"
    name.write_text("Nowhere/At All\n")
    assert server_zone(copy, name) == "UTC"
