"""Rights at the page: one camera is given to somebody, who sees it alone, and taken back; and where they are logged
in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver.support.ui import Select

from tests.support.chrome import Page, chromium
from tests.support.server import NVR, Server

pytestmark = pytest.mark.browser

PASSWORD: Final = "gerbang-tua-berlumut"


def log_in(page: Page, server: Server, user: str) -> None:
    page.driver.delete_all_cookies()
    page.driver.get(f"http://127.0.0.1:{server.port}/")
    for name, text in (("login-user", user), ("login-password", PASSWORD)):
        page.get(name).send_keys(text)
    page.click("login-submit")
    page.get("nav-cameras")


def fill(page: Page, testid: str, text: str) -> None:
    page.get(testid).send_keys(text)


def cameras(page: Page) -> list[str]:
    return sorted(str(row.get_attribute("data-camera")) for row in page.all("camera-row"))


@pytest.mark.nightly
def test_one_camera_for_one_person(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = [{"id": name, "url": f"rtsp://127.0.0.1:9/{name}"} for name in ("gate", "yard")]
    server = Server(tmp_path, names, workers=1)
    server.start()
    try:
        with chromium(tmp_path_factory.mktemp("chromium")) as page:
            server.log_in_at_page(page, PASSWORD)
            words = ["users", "add", "polisi", "--role", "none", "--password", PASSWORD, "--no-change"]
            subprocess.run([NVR, *words, "--config", server.config], check=True, capture_output=True)
            page.click("nav-cameras")
            page.until(lambda: cameras(page) == ["gate", "yard"], what="all cameras")
            page.click("nav-grants")
            page.click("give-grant")
            fill(page, "grant-holder", "polisi")
            fill(page, "grant-cameras", "id=gate")
            Select(page.get("grant-footage")).select_by_value("last")
            fill(page, "grant-reason", "LP/12")
            page.click("grant-save")
            page.until(lambda: "1 camera" in page.get("grant-effects").text, what="what it would do")
            page.shoot("rights-preview")
            page.click("grant-save")
            page.until(lambda: len(page.all("grant-row")) == 2, what="the grant in the list")
            page.shoot("rights")
            given = next(row for row in page.all("grant-row") if "LP/12" in row.text)
            id_ = given.get_attribute("data-grant")
            log_in(page, server, "polisi")
            page.click("nav-cameras")
            page.until(lambda: cameras(page) == ["gate"], what="one camera")
            assert not page.all("nav-grants") and not page.all("nav-users") and not page.all("nav-audit")
            page.click("account-menu")
            page.click("nav-account")
            page.until(lambda: len(page.all("session")) == 1, what="where they are logged in")
            page.shoot("rights-account")
            subprocess.run(
                [NVR, "access", "revoke", str(id_), "--config", server.config], check=True, capture_output=True
            )
            page.click("nav-cameras")
            page.until(lambda: cameras(page) == [], what="no camera any more")
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
