"""Somebody at the page moves a camera by keys and by hand, keeps a place, and is lost: the camera stands."""

from __future__ import annotations

import socket
import time
from functools import partial
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.support.cameras.onvif import OnvifDevice, OnvifServer, PtzHeadSimulator
from tests.support.cameras.running import LoopThread
from tests.support.chrome import Page, chromium
from tests.support.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.browser

PASSWORD = "Semarang2026"


def _in_view(page: Page) -> bool:
    script = (
        "const [id, done] = arguments, pad = document.querySelector(`[data-testid=${id}]`);"
        "pad.scrollIntoView({block: 'center'}); const y = () => pad.getBoundingClientRect().y, before = y();"
        "setTimeout(() => done(y() === before && pad.isConnected), 500)"
    )
    return bool(page.driver.execute_async_script(script, "ptz-pad"))


@pytest.mark.nightly
def test_a_camera_is_moved_at_the_page(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        port = int(taken.getsockname()[1])
    head = PtzHeadSimulator()
    quirks = frozenset({"ptz_ignores_timeout"})
    device = OnvifDevice("127.41.0.1", uuid="00000001-0000-1000-8000-000000000000", head=head, quirks=quirks)
    fleet, thread = OnvifServer([device], http_port=port), LoopThread()
    folder = tmp_path / "server"
    folder.mkdir()
    extra = f'[devices]\nnetworks = ["127.41.0.1"]\nports = [{port}]\n[ptz]\ncameras = "*"'
    server = Server(folder, [], workers=1, extra=extra)
    try:
        thread.call(fleet.start())
        server.start()
        with chromium(tmp_path_factory.mktemp("chromium"), language="id") as page:
            server.log_in_at_page(page)
            page.click("nav-devices")
            page.get("scan-username").send_keys("admin")
            page.get("scan-password").send_keys(PASSWORD)
            page.click("begin-scan")
            page.until(lambda: len(page.all("device-row")) == 1, timeout_s=60, what="the device")
            page.click("add-devices")
            page.get("device-labels").send_keys("isp=Telkom")
            page.click("submit-devices")
            assert "cam-0001" in page.get("would-add").text
            page.click("submit-devices")
            page.until(lambda: "cam-0001" in page.get("devices").text, what="the camera")
            page.driver.get(f"http://127.0.0.1:{server.port}/#/cameras/cam-0001")
            # What comes above it pushes it down until all is there.
            page.until(lambda: page.all("ptz-places"), what="the panel")
            page.until(partial(_in_view, page), what="it stays where it is")
            pad = page.get("ptz-pad")
            hand = ActionChains(page.driver)
            hand.move_to_element_with_offset(pad, 40, 0).click_and_hold().perform()
            until(lambda: head.velocity[0] > 0.3)
            assert page.get("ptz-holder").get_attribute("data-mine") == "true"
            hand.release().perform()
            until(lambda: not head.is_moving, within_s=2.0)
            hand.key_down(Keys.ARROW_UP).perform()
            until(lambda: head.velocity[1] == 1.0)
            page.shoot("ptz")
            hand.key_up(Keys.ARROW_UP).perform()
            until(lambda: not head.is_moving, within_s=2.0)
            page.click("ptz-places")
            page.get("ptz-place-name").send_keys("Pasar Johar")
            page.click("ptz-keep")
            page.until(lambda: len(page.all("ptz-call")) == 2, what="two places")
            assert "Uncaught" not in page.console()
            hand.move_to_element_with_offset(page.get("ptz-pad"), -40, 0).click_and_hold().perform()
            until(lambda: head.velocity[0] < -0.3)
            page.driver.quit()
            lost_s = time.monotonic()
        until(lambda: not head.is_moving, within_s=5.0)
        stopped_s = next(at for name, at in reversed(head.told) if name == "Stop")
        assert stopped_s - lost_s < 1.0
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        thread.call(fleet.stop())
        thread.close()
    assert device.failed == 0
