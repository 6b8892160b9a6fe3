"""``nvr network`` and ``nvr plan``, as a person uses them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main
from nvr.network.hours import HOUR_US, Hour, add
from storage.catalogue.database import Database


def nvr(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cameras, of which a was measured at 2 Mbit/s in the last hour."""
    (tmp_path / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n[network]\nprice_per_mbit = 30000\n')
    (tmp_path / "cameras.csv").write_text("id,url,isp\na,rtsp://192.0.2.1/s,Telkom\nb,rtsp://192.0.2.2/s,Icon\n")
    done(nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv")))
    database = Database(next(tmp_path.rglob("catalogue.*")))
    with database.write() as conn:
        (key,) = conn.execute("SELECT key FROM camera WHERE id = 'a'").fetchone()
        hour = Hour(key, recorded_us=HOUR_US, bytes=900_000_000, packets=999, lost_packets=1, reconnects=3,
                    jitter_sum_us=4_000, jitter_readings=2, jitter_most_us=3_000)  # fmt: skip
        add(conn, [hour], now_us=time.time_ns() // 1000 - HOUR_US)
    database.close()
    return tmp_path


def test_the_network_as_table_and_json(folder: Path) -> None:
    heads, row = done(nvr(folder, "network", "--by", "isp")).splitlines()
    assert heads.split()[:3] == ["ISP", "FROM", "CAMERAS"]
    assert row.startswith("Telkom") and row.split()[-5:] == ["0.1000%", "0", "3", "2.0", "3.0"]
    # Since the hour began that is the first: one to two hours ago.
    assert row.split()[-7] == "2000" and 1 <= float(row.split()[-6]) <= 2
    (only,) = json.loads(done(nvr(folder, "network", "--format", "json")))["rows"]
    assert (only["group"], only["bitrate_bps"], only["loss"], only["jitter_us"]) == ("a", 2e6, 0.001, 2000)
    assert "nothing was measured" in done(nvr(folder, "network", "--where", "isp=Icon"))
    assert nvr(folder, "network", "--where", "isp=").exit_code == 2
    assert nvr(folder, "network", "--start", "2026-01-02T00:00:00Z", "--end", "2026-01-01T00:00:00Z").exit_code == 2


def test_plans(folder: Path) -> None:
    text = done(nvr(folder, "plan", "--overhead", "0", "--days", "10"))
    assert (
        "2 (1 measured, 1 of unknown rate count as their mean)" in text
        and "4.00 Mbit/s" in text
        and "Rp 120,000 a month" in text
        and "0.432 TB" in text
    )
    arguments = ("plan", "--cameras", "4470", "--kbit", "2000", "--overhead", "0", "--price", "0", "--format", "json")
    city = json.loads(done(nvr(folder, *arguments)))
    assert (city["uplink_bps"], city["bytes_a_day"], city["cost_a_month"]) == (8.94e9, 96.552e12, None)
    unknown = nvr(folder, "plan", "--where", "id=b")
    assert unknown.exit_code == 1 and "--kbit" in unknown.output
