"""Every page, as each role, with footage, a gap, a case, an export and an address: nothing is wrong in the browser's
console, and no page says that it failed."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from storage.times import iso
from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip, serve
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import Page, chromium
from tests.support.server import NVR, Server

__all__ = ["h264_clip", "serve"]

pytestmark = pytest.mark.browser

S: Final = 1_000_000
PASSWORD: Final = "gerbang-tua-berlumut"
# Those of a viewer, of an investigator besides, and of an administrator.
OF_VIEWERS: Final = ("/cameras", "/cameras/gate", "/cameras/away", "/alerts", "/orders", "/account")
OF_INVESTIGATORS: Final = ("/gaps", "/network", "/cases", "/exports")
OF_ADMINISTRATORS: Final = ("/admin/cameras", "/admin/users", "/admin/tokens", "/admin/grants", "/admin/audit")
ALLOWED: Final = {
    "viewer": OF_VIEWERS,
    "investigator": OF_VIEWERS + OF_INVESTIGATORS,
    "admin": OF_VIEWERS + OF_INVESTIGATORS + OF_ADMINISTRATORS,
}
REFUSED: Final = {"en": "Your role does not allow this.", "id": "Peran Anda tidak mengizinkan tindakan ini."}
# Answers that are no fault and that a browser notes all the same: nobody is logged in; the camera has no live picture.
EXPECTED: Final = ("/api/me - Failed to load resource: the server responded with a status of 401",
                   "/away/live.m3u8 - Failed to load resource: the server responded with a status of 409")  # fmt: skip


class Desk:
    """An administrator's requests, by a token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.token = ""

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)


def wrong(page: Page) -> list[str]:
    """What the browser complained of since it was asked last."""
    return [line for line in page.complaints() if not any(text in line for text in EXPECTED)]


def log_in(page: Page, server: Server, user: str) -> None:
    page.driver.delete_all_cookies()
    page.driver.get(f"http://127.0.0.1:{server.port}/")
    for name, text in (("login-user", user), ("login-password", PASSWORD)):
        page.get(name).send_keys(text)
    page.click("login-submit")
    page.until(lambda: page.all("first-password") or page.all("nav-cameras"), what="a page after the login")
    if page.all("first-password"):
        for name, text in (
            ("password-current", PASSWORD), ("password-new", f"{PASSWORD}-{user}"),
            ("password-again", f"{PASSWORD}-{user}"),
        ):  # fmt: skip
            page.get(name).send_keys(text)
        page.click("password-save")
        page.get("nav-cameras")


@pytest.mark.long
@pytest.mark.nightly
def test_no_page_complains(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    server = Server(
        tmp_path, [{"id": "gate", "url": url}, {"id": "away", "url": "rtsp://127.0.0.1:9/x"}], workers=1,
        extra='[public]\nenabled = true',
    )  # fmt: skip
    server.start()
    try:
        server.until(lambda: len(server.closed("gate")) > 2, what="footage")
        with chromium(tmp_path_factory.mktemp("chromium")) as page:
            server.log_in_at_page(page, PASSWORD)
            seen = {"login": wrong(page)}
            filled(server)
            for role, language in (("admin", "id"), ("investigator", "en"), ("viewer", "id")):
                if role != "admin":
                    log_in(page, server, f"the-{role}")
                page.driver.execute_script(f"localStorage.setItem('nvr.lang', '{language}')")
                for path in ALLOWED["admin"]:
                    found = opened(page, server, f"/#{path}")
                    if path not in ALLOWED[role]:
                        assert found == [REFUSED[language]], (role, path)
                    else:
                        seen[f"{role} {path}"] = found
            page.driver.delete_all_cookies()
            seen["nobody /public"] = opened(page, server, "/public")
            seen = {where: found for where, found in seen.items() if found}
            assert not seen, json.dumps(seen, indent=1)
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


def filled(server: Server) -> None:
    """Users of each role; a case with a request; an export."""
    desk = Desk(server)
    done = subprocess.run(
        [NVR, "tokens", "create", "--role", "admin", "--config", server.config], capture_output=True, text=True,
        check=True
    )  # fmt: skip
    desk.token = done.stdout.split()[-1]
    for role in ("investigator", "viewer"):
        words = ["users", "add", f"the-{role}", "--role", role, "--password", PASSWORD, "--no-change"]
        subprocess.run([NVR, *words, "--config", server.config], check=True, capture_output=True)
    start_us = server.closed("gate")[0].key.start_us
    a, b = iso(start_us), iso(start_us + 2 * S)
    case = desk.ask("/api/cases", {"number": "LP/12/XI/2026", "title": "Tabrakan", "legal_basis": "KUHAP 40"})
    desk.ask(f"/api/cases/{case['id']}/requests", {"cameras": ["gate"], "start": a, "end": b, "purpose": "bukti"})
    desk.ask("/api/exports", {"cameras": ["gate"], "start": a, "end": b, "purpose": "bukti", "case": "LP/12/XI/2026"})
    server.until(lambda: any(e["state"] == "done" for e in desk.ask("/api/exports")["exports"]), what="an export")


def opened(page: Page, server: Server, path: str) -> list[str]:
    """Opens a page as a person does by its address; returns what the browser complained of, and what the page says went
    wrong."""
    page.driver.get("about:blank")
    wrong(page)
    page.driver.get(f"http://127.0.0.1:{server.port}{path}")
    if "#" in path:
        page.get("nav-cameras")
    # All that it asks for has come, and what it shows was drawn: a page says nowhere that it is done.
    time.sleep(4 if "cameras/" in path else 1.5)  # sleep: see above
    page.shoot(f"console{path.replace('/', '-').replace('#', '')}")
    script = "return [...document.querySelectorAll('[role=alert], .error')].map(e => e.textContent)"
    return [*wrong(page), *page.driver.execute_script(script)]
