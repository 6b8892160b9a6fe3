"""An administrator at the page: imports cameras, enters an order after its dry run, revokes it; and what a citizen sees
meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip, serve
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import Page, chromium
from tests.support.server import Server, now_us

__all__ = ["h264_clip", "serve"]

pytestmark = pytest.mark.browser

LETTER = "B/4112/500.12/X/2025"


class City(Server):
    """With a public page, and a price."""

    def write_config(self) -> None:
        super().write_config()
        text = self.config.read_text().replace("[server]", '[server]\nzone = "Asia/Jakarta"')
        self.config.write_text(f"{text}\n[public]\nenabled = true\n\n[network]\nprice_per_mbit = 25000\n")


def go(page: Page, name: str) -> None:
    page.click(f"nav-{name}")


def fill(page: Page, testid: str, text: str) -> None:
    page.get(testid).send_keys(text)


def row(page: Page, **data: str) -> bool:
    return any(
        all(found.get_attribute(f"data-{k}") == v for k, v in data.items()) for found in page.all("directive-row")
    )


def seen_by_citizens(page: Page, server: Server, state: str, name: str) -> None:
    """The public page in a window of its own, without anybody's session."""
    page.driver.switch_to.new_window("tab")
    page.driver.get(f"http://127.0.0.1:{server.port}/public")
    page.until(lambda: page.all("public-camera")[0].get_attribute("data-state") == state, what=f"public: {state}")
    page.shoot(name)


def width_of_picture(page: Page) -> int:
    """Pixels of the first picture on the public page, 0 while none is there."""
    script = "const i = document.querySelector('.public-card img'); return i && i.complete ? i.naturalWidth : 0"
    return int(page.driver.execute_script(script))


def back(page: Page) -> None:
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])


@pytest.mark.nightly
def test_an_order_at_the_page(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    good, bad, letter = tmp_path / "cameras.csv", tmp_path / "bad.csv", tmp_path / "surat.pdf"
    good.write_text(f"id;name;url;district;public\nsimpang-lima;Simpang Lima;{url};Semarang Tengah;yes\n")
    bad.write_text("id;name;url\nSimpang Lima;x;y\n")
    letter.write_bytes(b"%PDF-1.7 a letter")
    folder = tmp_path / "server"
    folder.mkdir()
    server = City(folder, [], workers=1)
    server.start()
    try:
        with chromium(tmp_path_factory.mktemp("chromium"), language="id") as page:
            server.log_in_at_page(page)
            imported(page, good, bad)
            server.until(lambda: server.closed("simpang-lima"), what="the imported camera records")
            ordered(page, server, letter)
            revoked(page, server)
            cut(page, server)
            assert "Uncaught" not in page.console()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


def imported(page: Page, good: Path, bad: Path) -> None:
    go(page, "admin-cameras")
    page.click("camera-table")
    fill(page, "import-file", str(bad))
    page.click("import-check")
    assert "baris 2, id" in page.get("import-mistakes").text
    assert page.get("import-run").get_attribute("disabled")
    fill(page, "import-file", str(good))
    page.click("import-check")
    page.until(lambda: page.get("import-result").get_attribute("data-done") == "no", what="a check")
    page.click("import-run")
    page.until(lambda: page.get("import-result").get_attribute("data-done") == "yes", what="an import")
    page.click("dialog-close")
    page.until(lambda: page.all("admin-camera-row"), what="the camera in the list")


def ordered(page: Page, server: Server, letter: Path) -> None:
    go(page, "orders")
    page.click("add-order")
    fill(page, "choice-where", "DISTRICT = semarang tengah")
    page.get("choice-where").send_keys(Keys.ENTER)
    page.until(lambda: page.get("order-impact").get_attribute("data-cameras") == "1", what="the dry run, at once")
    assert "1 hari-kamera per hari" in page.get("order-impact").text
    assert "Semarang Tengah" in page.get("order-district").text
    page.shoot("order-dry-run")
    page.click("order-next")
    assert page.get("order-confirm").get_attribute("disabled"), "nobody has read it yet"
    page.click("order-read")
    page.click("order-confirm")
    assert page.get("order-form").text.count("Ini diperlukan.") == 3
    for testid, text in (
        ("order-letter", LETTER), ("order-reason", "efisiensi anggaran"), ("order-approver", "Kepala Dinas"),
        ("order-letter-date", "6/10/2025"), ("order-attachment", str(letter)),
    ):  # fmt: skip
        fill(page, testid, text)
    assert LETTER in page.get("order-citizens").text, "what citizens will read"
    page.shoot("order-letter")
    page.click("order-confirm")
    page.until(lambda: row(page, state="in_force", left="1"), what="the order in the list")
    assert "6 Okt 2025" in page.get("directive-row").text
    assert page.get("attachment").get_attribute("href").endswith("/attachment")
    server.until(lambda: not server.growing("simpang-lima"), what="it is off")
    page.shoot("orders")
    seen_by_citizens(page, server, "disabled", "public-disabled")
    assert LETTER in page.get("public-letter").text
    page.until(lambda: width_of_picture(page) > 0, what="the last picture stays, with its time")
    page.shoot("public-disabled")
    back(page)


def revoked(page: Page, server: Server) -> None:
    page.click("revoke")
    Select(page.get("revoke-some")).select_by_value("some")
    fill(page, "revoke-where", "district=Semarang Tengah")
    fill(page, "revoke-reason", "instruksi wali kota")
    at_us = now_us()
    page.click("revoke-save")
    page.until(lambda: row(page, state="ended", left="0"), what="it is revoked")
    assert "instruksi wali kota" in page.get("revocation").text
    server.until(lambda: [s for s in server.closed("simpang-lima") if s.key.start_us > at_us], what="it records again")


def cut(page: Page, server: Server) -> None:
    go(page, "cameras")
    page.driver.get(f"http://127.0.0.1:{server.port}/#/cameras/simpang-lima")
    page.click("public-cut-ask")
    fill(page, "public-cut-reason", "jendela rumah")
    page.click("public-cut-save")
    page.until(lambda: page.get("public-cut").get_attribute("data-cut") == "yes", what="the cut")
    seen_by_citizens(page, server, "privacy", "public-privacy")
    assert not page.driver.find_elements("css selector", ".public-card img")
    back(page)
    assert server.growing("simpang-lima") or server.closed("simpang-lima"), "recording goes on"
