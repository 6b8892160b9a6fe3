"""Somebody who answers for the network looks at what was measured, and asks what 512 kbit/s would cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from nvr.network.hours import HOUR_US, Hour, add
from storage.catalogue.database import Database
from tests.support.chrome import Page, chromium
from tests.support.server import Server, now_us

pytestmark = pytest.mark.browser

NOBODY = "rtsp://127.0.0.1:9/"
MEASURED = {"simpang-lima": 2_000_000, "kota-lama": 1_000_000}


def measured(catalogue: Path) -> None:
    """The last hour of two of the three cameras."""
    database = Database(catalogue)
    with database.write() as conn:
        keys = dict(conn.execute("SELECT id, key FROM camera").fetchall())
        hours = [
            Hour(keys[camera], recorded_us=HOUR_US, bytes=bitrate_bps * 450, packets=99_990, lost_packets=10,
                 reconnects=2, jitter_sum_us=240_000, jitter_readings=60, jitter_most_us=21_000)
            for camera, bitrate_bps in MEASURED.items()
        ]  # fmt: skip
        add(conn, hours, now_us=now_us() - HOUR_US)
    database.close()


def typed(page: Page, testid: str, text: str) -> None:
    page.get(testid).send_keys(Keys.CONTROL, "a")
    page.get(testid).send_keys(text)


def test_the_network_and_a_plan_at_the_page(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cameras = [
        {"id": "simpang-lima", "url": NOBODY, "labels.isp": "Telkom"},
        {"id": "kota-lama", "url": NOBODY, "labels.isp": "Icon+"},
        {"id": "genuk", "url": NOBODY, "labels.isp": "Icon+"},
    ]
    server = Server(tmp_path, cameras, workers=1, extra="[network]\nprice_per_mbit = 25000")
    server.start()
    try:
        with chromium(tmp_path_factory.mktemp("chromium"), language="id") as page:
            server.until(server.first_password.exists, what="the first start")
            measured(server.catalogue)
            server.log_in_at_page(page)
            page.click("nav-network")
            page.until(lambda: len(page.all("network-row")) == 2, what="a row for each measured camera")
            assert "1.000 kbit/s" in page.all("network-row")[0].text and "0,01 %" in page.all("network-row")[0].text
            page.click("network-by-isp")
            page.until(lambda: page.all("network-row")[1].get_attribute("data-group") == "Telkom", what="rows by ISP")
            typed(page, "plan-kbit", "512")
            typed(page, "plan-overhead", "0")
            page.click("plan-run")
            text = page.get("plan-result").text
            # Genuk counts as the mean of the others: 4.5 Mbit/s now, 3 x 512 kbit/s then.
            assert "4,5 Mbit/s" in text and "1,54 Mbit/s" in text and "Rp 112.500" in text and "Rp 38.400" in text
            page.shoot("network")
            typed(page, "plan-days", "-1")
            page.driver.execute_script("document.querySelector('[data-testid=plan-form]').noValidate = true")
            page.click("plan-run")
            assert page.get("plan-error").text
            page.driver.set_window_size(420, 900)
            page.shoot("network-phone")
            assert "Uncaught" not in page.console()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
