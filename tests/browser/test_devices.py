"""An administrator at the page: searches a network, reads what is wrong, adds what was found, and follows a device that
moved."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.cameras.onvif import OnvifDevice, OnvifServer
from tests.support.cameras.running import LoopThread
from tests.support.chrome import Page, chromium
from tests.support.server import Server

pytestmark = pytest.mark.browser

PASSWORD = "Semarang2026"


def device(number: int, *quirks: str, **more: object) -> OnvifDevice:
    return OnvifDevice(
        f"127.35.0.{number}",
        uuid=f"{number:08x}-0000-1000-8000-000000000000",
        serial=f"SN{number:06d}",
        quirks=frozenset(quirks),
        **more,  # type: ignore[arg-type]
    )


def searched(page: Page, login: bool) -> None:
    if login:
        page.get("scan-username").send_keys("admin")
        page.get("scan-password").send_keys(PASSWORD)
    page.click("begin-scan")
    page.until(lambda: page.get("scan-state").get_attribute("data-state") == "running", what="the search runs")
    page.until(
        lambda: page.get("scan-state").get_attribute("data-state") == "done", timeout_s=60, what="the search is over"
    )


@pytest.mark.nightly
def test_a_network_is_searched_at_the_page(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        port = int(taken.getsockname()[1])
    fleet = OnvifServer(
        [device(1, "far_keyframes"), device(2, clock_ahead_s=-1800.0), device(3, "anonymous")], http_port=port
    )
    thread = LoopThread()
    folder = tmp_path / "server"
    folder.mkdir()
    searched_network = f'[devices]\nnetworks = ["127.35.0.0/29"]\nports = [{port}]'
    server = Server(folder, [], workers=1, extra=searched_network)
    try:
        thread.call(fleet.start())
        server.start()
        with chromium(tmp_path_factory.mktemp("chromium"), language="id") as page:
            server.log_in_at_page(page)
            page.click("nav-devices")
            assert page.get("no-devices").text
            searched(page, login=True)
            page.until(lambda: len(page.all("device-row")) == 3, what="three devices")
            codes = {found.get_attribute("data-code") for found in page.all("finding")}
            assert {"keyframes_far", "clock_off", "open_to_all"} <= codes
            page.shoot("devices")
            page.click("add-devices")
            page.get("device-labels").send_keys("isp=Telkom")
            page.click("submit-devices")
            assert "cam-0001" in page.get("would-add").text
            page.click("submit-devices")
            page.until(lambda: not page.all("add-devices-form"), what="they are added")
            page.until(lambda: "cam-0003" in page.get("devices").text, what="the cameras in the list")
            thread.call(moved(fleet))
            searched(page, login=False)
            page.until(lambda: len(page.all("follow")) == 2, what="two proposals")
            page.shoot("devices-moved")
            page.click("follow")
            page.until(lambda: len(page.all("follow")) == 1, what="one was followed")
            assert "Uncaught" not in page.console()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        thread.call(fleet.stop())
        thread.close()
    assert sum(one.failed for one in fleet.devices.values()) == 0


async def moved(fleet: OnvifServer) -> None:
    fleet.move([("127.35.0.1", "127.35.0.2"), ("127.35.0.2", "127.35.0.1")])
