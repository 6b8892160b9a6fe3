"""``nvr demo`` as its user meets it: log in, watch, see the gap and its cause, take a clip home, read the guides; and
the pictures of the documentation (``make pictures``)."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.test_watch import accessible
from tests.support.chrome import Page, chromium
from tests.support.ports import free_port
from tests.support.server import NVR
from tests.support.waiting import until

# Many screens of one demo, one after the other.
pytestmark = [pytest.mark.browser, pytest.mark.long]


@dataclass
class Demo:
    """A running demo."""

    base: str
    password: str
    api: httpx.Client

    def get(self, path: str, **params: Any) -> Any:
        answer = self.api.get(path, params=params)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [NVR, "demo", "--dir", folder / "demo", "--port", str(port)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        base = f"http://127.0.0.1:{port}"

        def told() -> str | None:
            text = log.read_text(errors="replace")
            assert process.poll() is None, text
            found = re.search(r"user admin, password (\S+)", text)
            return found[1] if found and "page at" in text else None

        password = until(told, "the demo's password and page", look_s=0.1)
        assert password is not None
        with httpx.Client(base_url=base, timeout=120) as api:
            answer = api.post("/api/login", json={"username": "admin", "password": password})
            assert answer.status_code in (200, 201), answer.text
            yield Demo(base, password, api)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0, log.read_text(errors="replace")[-3000:]


@pytest.fixture(scope="module")
def page(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        log_in(page, demo)
        yield page


def log_in(page: Page, demo: Demo) -> None:
    page.driver.get(demo.base)
    page.get("login-user").send_keys("admin")
    page.get("login-password").send_keys(demo.password)
    page.click("login-submit")
    page.click("nav-cameras")
    page.until(lambda: len(page.all("camera-row")) == 9, what="nine cameras")


def recorded(demo: Demo, camera: str) -> dict[str, Any]:
    end = datetime.now().astimezone()
    found: dict[str, Any] = demo.get(
        f"/api/cameras/{camera}/coverage", start=(end - timedelta(hours=1)).isoformat(), end=end.isoformat()
    )
    return found


def interruption(demo: Demo) -> dict[str, Any] | None:
    gaps = recorded(demo, "tugu-muda")["gaps"]
    return next((g for g in gaps if g["cause"] in ("ended", "unreachable") and not g["open"]), None)


def open_camera(page: Page, demo: Demo, camera: str) -> None:
    page.driver.get(f"{demo.base}/#/cameras")
    page.until(lambda: page.all("camera-list"), what="the list")
    page.driver.get(f"{demo.base}/#/cameras/{camera}")
    page.get("camera-page")


def test_live_plays(page: Page, demo: Demo) -> None:
    until(lambda: recorded(demo, "simpang-lima")["recorded_s"] > 4, "four seconds of footage", look_s=0.25)
    open_camera(page, demo, "simpang-lima")
    page.click("live")
    page.plays()
    page.shoot("live")


def test_gap_is_on_the_timeline_with_its_cause(page: Page, demo: Demo) -> None:
    gap = until(lambda: interruption(demo), "the interruption", look_s=0.25)
    open_camera(page, demo, "tugu-muda")
    words = page.until(
        lambda: [text for row in page.all("gap-row") if re.search("unreachable|closed", text := row.text.lower())],
        what="the cause in words",
    )
    assert words, gap
    page.click("zoom-m10")
    page.shoot("timeline")


def test_seek_into_a_gap_and_on_to_footage(page: Page, demo: Demo) -> None:
    until(lambda: recorded(demo, "simpang-lima")["recorded_s"] > 15, "fifteen seconds of footage", look_s=0.25)
    open_camera(page, demo, "simpang-lima")
    page.click("zoom-m10")
    timeline = page.get("timeline")
    # Far to the left is minutes ago, when the camera was not configured yet.
    box = timeline.rect
    chain = ActionChains(page.driver)
    chain.move_to_element_with_offset(timeline, -round(box["width"] * 0.45), 0).click().perform()
    words = page.get("overlay-gap").text
    assert "not configured" in words.lower() or "not set up" in words.lower(), words
    page.shoot("gap")
    page.click("overlay-next-footage")
    page.until(lambda: page.get("stage").get_attribute("data-mode") != "live", what="playback")
    page.plays()
    page.shoot("playback")


def test_back_from_live(page: Page, demo: Demo) -> None:
    # Ten seconds back there is something to see, whichever test is the first.
    until(lambda: recorded(demo, "simpang-lima")["recorded_s"] > 15, "fifteen seconds of footage", look_s=0.25)
    open_camera(page, demo, "simpang-lima")
    page.click("live")
    page.plays()
    page.click("back-10")
    page.until(lambda: page.get("stage").get_attribute("data-mode") != "live", what="playback")
    page.plays()


def test_clip_over_the_gap_downloads_and_decodes(demo: Demo, tmp_path: Path) -> None:
    gap = until(lambda: interruption(demo), "the interruption", look_s=0.25)
    start = datetime.fromisoformat(gap["start"]) - timedelta(seconds=6)

    def after() -> datetime | None:
        spans = [span for span in recorded(demo, "tugu-muda")["spans"] if span["start"] > gap["start"]]
        times = [tuple(map(datetime.fromisoformat, (span["start"], span["end"]))) for span in spans]
        return next((a + timedelta(seconds=4) for a, b in times if b - a > timedelta(seconds=4)), None)

    end = until(after, "four seconds of footage after it", look_s=0.25)
    params = {"start": start.isoformat(), "end": end.isoformat()}
    answer = demo.api.get("/api/cameras/tugu-muda/clip.mp4", params=params)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    path = tmp_path / "clip.mp4"
    path.write_bytes(answer.content)
    said = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"],
        capture_output=True,
        check=True,
    )
    assert said.stderr == b""
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    stream = json.loads(probe.stdout)["streams"][0]
    # The camera sends twelve frames a second, or a few less where the machine is busy: it draws them itself.
    expected = 12 * float(answer.headers["x-coverage-recorded-s"])
    assert -max(3, 0.05 * expected) <= int(stream["nb_read_frames"]) - expected <= 3
    assert float(answer.headers["x-coverage-missing-s"]) > 5
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == int(stream["nb_read_frames"])


def test_a_sealed_export_from_the_timeline(page: Page, demo: Demo, tmp_path: Path) -> None:
    """Chosen on the timeline, made by the server, downloaded by the browser's address, and verified without
    the server."""
    open_camera(page, demo, "simpang-lima")
    page.click("clip-choose")
    page.until(lambda: page.get("clip-seal").is_enabled(), what="a range with footage")
    page.click("clip-seal")
    page.click("save-sealed")
    page.until(lambda: page.get("save-which").is_displayed(), what="which case")
    for option in page.get("save-which").find_elements("tag name", "option"):
        if option.get_attribute("value") == "new":
            option.click()
    page.get("save-number").send_keys("LP/12/2026")
    page.shoot("save")
    page.click("save-save")
    page.until(lambda: not page.all("save-sheet"), what="the export is asked for")
    page.click("nav-exports")
    page.until(lambda: any("LP/12/2026" in card.text for card in page.all("export")), what="the export")
    mine = lambda: next(card for card in page.all("export") if "LP/12/2026" in card.text)  # noqa: E731
    download = '[data-testid="export-download"]'
    page.until(lambda: mine().find_elements("css selector", download), what="the export is done")
    page.shoot("exports")
    address = mine().find_element("css selector", download).get_attribute("href")
    answer = demo.api.get(str(address).removeprefix(demo.base))
    assert answer.status_code == 200
    package, certificate = tmp_path / "export.zip", tmp_path / "exporter.der"
    package.write_bytes(answer.content)
    href = page.get("certificate").get_attribute("href")
    certificate.write_bytes(demo.api.get(str(href).removeprefix(demo.base)).content)
    command = [NVR, "verify", package, "--certificate", certificate, "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout)
    assert (told["outcome"], told["signer_known"]) == ("valid", True)
    assert told["about"]["request"]["case"] == "LP/12/2026"


def test_from_a_request_to_a_recipient_without_an_account(page: Page, demo: Demo, tmp_path: Path) -> None:
    """Approved in the page, made by the server, handed over by a link that another browser opens without a login, and
    ended."""
    until(lambda: recorded(demo, "simpang-lima")["recorded_s"] > 12, "footage", look_s=0.25)
    end = datetime.now().astimezone() - timedelta(seconds=2)
    ours = {"Origin": demo.base}
    case = {"number": "LP/B/112/XI/2026", "legal_basis": "KUHAP art. 39", "title": "Hit and run, Jl. Pemuda"}
    made = demo.api.post("/api/cases", json=case, headers=ours).json()
    wanted = {"cameras": ["simpang-lima"], "purpose": "number plate", "end": end.isoformat()}
    wanted["start"] = (end - timedelta(seconds=8)).isoformat()
    assert demo.api.post(f"/api/cases/{made['id']}/requests", json=wanted, headers=ours).status_code == 201
    page.driver.get(f"{demo.base}/#/cases")
    page.until(lambda: page.all("case-row"), what="the list of cases")
    page.shoot("cases")
    page.driver.get(f"{demo.base}/#/cases/{made['id']}")
    page.click("approve")
    page.until(lambda: page.all("request-download"), what="the approval's export is done")
    page.click("request-link")
    page.get("link-to").send_keys("Bripka Sari, Polrestabes Semarang")
    page.click("link-save")
    link = str(page.get("link-value").get_attribute("value"))
    assert link.startswith(f"{demo.base}/#/link/")
    page.shoot("link-made")
    page.click("link-done")
    page.shoot("case")
    with chromium(tmp_path, language="id") as recipient:
        recipient.driver.get(link)
        assert recipient.get("link-recipient").text == "Bripka Sari, Polrestabes Semarang"
        assert "simpang-lima" in recipient.get("link-cameras").text
        recipient.shoot("link-id")
        assert "nvr_link" not in str(recipient.driver.execute_script("return document.cookie"))
        address = recipient.get("link-download").get_attribute("href")
        ask = (
            "const done = arguments[1]; fetch(arguments[0]).then(a => a.arrayBuffer().then(b => done([a.status,"
            " b.byteLength])))"
        )
        status, size = recipient.driver.execute_async_script(ask, address)
        assert status == 200 and size > 10_000
        page.click("nav-exports")

        def row() -> WebElement:
            # The demo has a link of its own.
            rows = [one for one in page.all("link-row") if "Bripka Sari" in one.text]
            return rows[0]

        page.until(
            lambda: [cell.text[:1] for cell in row().find_elements(By.TAG_NAME, "td")[3:5]] == ["1", "1"],
            what="an opening and a download are counted",
        )
        page.shoot("exports-links")
        row().find_element(By.CSS_SELECTOR, '[data-testid="link-revoke"]').click()
        page.click("confirm-ok")
        page.until(lambda: row().get_attribute("data-state") == "revoked", what="the link is revoked")
        assert recipient.driver.execute_async_script(ask, address)[0] == 404
        recipient.driver.refresh()
        assert "tidak membuka apa pun" in recipient.get("link-over").text
        recipient.shoot("link-over")


SCREENS = {
    "overview": "/#/overview",
    "cases": "/#/cases",
    "case": "/#/cases/{case}",
    "alerts": "/#/alerts",
    "gaps": "/#/gaps",
    "orders": "/#/orders",
    "network": "/#/network",
    "users": "/#/admin/users?user=admin",
    "storage": "/#/storage",
    "holds": "/#/holds",
    "exports": "/#/exports",
    "new-order": "/#/orders/new?cameras=simpang-lima",
    "audit": "/#/admin/audit",
    "public": "/public",
}
# Of those that share their parts with others.
SELDOM = ("network", "users", "new-order", "holds")


@pytest.mark.parametrize(
    ("name", "path"),
    [pytest.param(*screen, marks=pytest.mark.nightly if screen[0] in SELDOM else ()) for screen in SCREENS.items()],
)
def test_screens_of_who_answers_for_it(page: Page, demo: Demo, name: str, path: str) -> None:
    """Nothing is wider than the screen, axe has nothing against what stands in it, and the console is silent: at the
    desk and on the phone, light and dark, in both languages. Each is kept as a picture."""
    case = until(lambda: demo.get("/api/cases")["cases"], "the demo's case", look_s=0.5)[0]["id"]
    page.complaints()
    try:
        for place, theme, language in (("desk", "light", "en"), ("phone", "dark", "id")):
            if place == "phone":
                phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
                page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
            keep = "localStorage.setItem('nvr.lang', arguments[0]); localStorage.setItem('nvr.theme', arguments[1])"
            page.driver.execute_script(keep, language, theme)
            page.driver.get("about:blank")
            page.driver.get(demo.base + path.format(case=case))
            page.until(lambda: page.driver.find_elements("tag name", "h1"), what="a heading")
            page.until(lambda: not re.search("Loading|Memuat", page.driver.find_element("id", "app").text), what="all")
            page.shoot(f"{name}-{place}")
            wider = page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, (name, place)
            # The frame has a test of its own.
            found = [text for text in accessible(page) if "label-content-name-mismatch" not in text]
            assert found == [], (name, place)
            # A picture of a time without footage is asked for, and said to be none.
            assert [line for line in page.complaints() if "status of 404" not in line] == [], (name, place)
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_script("localStorage.removeItem('nvr.lang'); localStorage.removeItem('nvr.theme')")


def test_indonesian(demo: Demo, tmp_path: Path) -> None:
    with chromium(tmp_path, language="id") as page:
        page.driver.get(demo.base)
        page.until(lambda: "Kata sandi" in page.get("login-form").text, what="Indonesian")
        page.shoot("login-id")


# Of the operator's book, by the link that leads there.
BOOK_PICTURES = ("cameras", "grants")


@pytest.mark.parametrize(
    ("language", "title", "search", "chapter"),
    [
        ("en", "The operator's book", "worn taken out", "10. A disk is full, replaced, gone"),
        ("id", "Buku operator", "aus dilepas", "10. Disk penuh, diganti, hilang"),
    ],
)
def test_the_book_is_in_the_page_and_found_in(
    demo: Demo, tmp_path: Path, language: str, title: str, search: str, chapter: str
) -> None:
    with chromium(tmp_path / "chromium", language=language) as page:
        log_in(page, demo)
        for name in BOOK_PICTURES:
            page.click(f"nav-{name}")
            page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "main h1, main h2, main table"), what=name)
            page.shoot(f"book-{name}-{language}")
        page.click("nav-help")
        text = page.get("help-text")
        assert text.get_attribute("lang") == language
        assert page.driver.find_element(By.CSS_SELECTOR, ".help-text h1").text == title
        assert page.driver.title.startswith(title)
        # All its pictures are the server's own, and there.
        page.until(
            lambda: page.driver.execute_script(
                "return [...document.querySelectorAll('.help-text img')].every((i) => {"
                " i.loading = 'eager'; return i.complete && i.naturalWidth > 0 })"
            ),
            what="its pictures",
        )
        page.get("help-search").send_keys(search)
        page.until(lambda: chapter in page.get("help-found").text, what="the chapter")
        page.driver.find_element(By.LINK_TEXT, chapter).click()
        page.get("help-text")
        heading = page.driver.find_element(By.XPATH, f'//h2[text()="{chapter}"]')
        page.until(lambda: heading.rect["y"] >= 0 and heading.is_displayed(), what="the heading")
        # Another guide, by a link within the text.
        page.driver.find_element(By.CSS_SELECTOR, '.help-text a[href^="#/help/install"]').click()
        page.until(lambda: page.driver.find_element(By.CSS_SELECTOR, ".help-text h1").text == "Install", what="a guide")
        page.shoot(f"help-{language}")
        # Before the login it is asked who is there.
        assert [line for line in page.complaints() if "/api/me" not in line] == []
