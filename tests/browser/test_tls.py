"""The page by HTTPS on a name that is not localhost, as a browser that was given the installation's authority; and by
plain HTTP on such a name, where it says what is missing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nvr.tls.authority import TlsFolder
from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import chromium
from tests.support.server import NVR, Server

__all__ = ["h264_clip"]

pytestmark = pytest.mark.browser

NAME = "cctv.kota.test"
TO_US = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
PASSWORD = "gerbang-tua-berlumut"


def nvr(server: Server, *words: str) -> str:
    done = subprocess.run([NVR, *words, "--config", server.config], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def trust(home: Path, authority: Path) -> None:
    """As the guide says for Chrome on Linux."""
    store = home / ".pki/nssdb"
    store.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "nvr", "-i", str(authority)]):
        done = subprocess.run(["certutil", "-d", f"sql:{store}", *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def server(tmp_path: Path, h264_clip: Clip) -> Iterator[Server]:
    with ExitStack() as stack:
        url = stack.enter_context(running(ScriptedCamera(h264_clip, at_end="repeat")))
        made = Server(tmp_path, [{"id": "gate", "url": url}], workers=1)
        stack.callback(lambda: made.process and made.stop())
        yield made


def speaks_tls(server: Server) -> TlsFolder:
    told = nvr(server, "tls", "create", "--name", NAME)
    lines = "\n".join(line for line in told.splitlines() if line.startswith(("certificate =", "key =")))
    text = server.config.read_text()
    server.config.write_text(text.replace("[server]", f"[server]\n{lines}"))
    return TlsFolder(server.catalogue.parent / "tls")


def test_by_https_all_of_it_works_without_a_warning(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = speaks_tls(server)
    nvr(server, "users", "add", "sari", "--role", "investigator", "--password", PASSWORD, "--no-change")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    trust(tmp_path / "home", folder.authority)
    server.start()
    server.until(lambda: f"page at https://127.0.0.1:{server.port}/" in server.log.read_text(), what="a start")
    with chromium(tmp_path / "profile", more=[TO_US]) as page:
        # An address from before.
        page.driver.get(f"http://{NAME}:{server.port}/")
        page.get("login-form")
        assert page.driver.current_url.startswith(f"https://{NAME}:{server.port}/")
        assert page.driver.execute_script("return [isSecureContext, 'PublicKeyCredential' in window]") == [True, True]
        assert not page.all("not-secure")
        for name, text in (("login-user", "sari"), ("login-password", PASSWORD)):
            page.get(name).send_keys(text)
        page.click("login-submit")
        page.get("nav-cameras")
        (cookie,) = page.driver.get_cookies()
        assert cookie["secure"] and cookie["httpOnly"]
        page.driver.get(f"https://{NAME}:{server.port}/#/cameras/gate")
        page.plays()
        assert [line for line in page.complaints() if "ERR_CERT" in line] == []


@pytest.mark.parametrize(("language", "said"), [("en", "without HTTPS"), ("id", "tanpa HTTPS")])
def test_by_plain_http_the_login_says_what_is_missing(server: Server, tmp_path: Path, language: str, said: str) -> None:
    server.start()
    server.until(lambda: "page at http://" in server.log.read_text(), what="a start")
    with chromium(tmp_path / "profile", language=language, more=[TO_US]) as page:
        page.driver.get(f"http://{NAME}:{server.port}/")
        assert said in page.get("not-secure").text
        page.driver.get(f"http://localhost:{server.port}/")
        page.get("login-form")
        assert not page.all("not-secure")
