"""Ways to log in, at the page: an app that makes codes, recovery codes, losing both, a fresh proof, passkeys with the
browser's virtual authenticator, and a certified identity provider (npm's ``oidc-provider``)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pyotp
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.browser.test_tls import NAME, PASSWORD, TO_US, nvr, speaks_tls, trust
from tests.support.chrome import Page, chromium
from tests.support.ports import free_port
from tests.support.server import Server

pytestmark = pytest.mark.browser

IDENTITY: Final = Path(__file__).parent / "identity"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """By HTTPS, on a name, as a browser that was given the authority; not started yet."""
    made = Server(tmp_path, [{"id": "gate", "url": "rtsp://127.0.0.1:9/gate"}], workers=1)
    folder = speaks_tls(made)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    trust(tmp_path / "home", folder.authority)
    nvr(made, "users", "add", "sari", "--role", "admin", "--password", PASSWORD, "--no-change")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()


def start(server: Server, more: str = "") -> None:
    server.config.write_text(server.config.read_text() + more)
    server.start()
    server.until(lambda: f"page at https://127.0.0.1:{server.port}/" in server.log.read_text(), what="a start")


@contextmanager
def browser(server: Server, profile: Path) -> Iterator[Page]:
    with chromium(profile, more=[TO_US]) as page:
        page.driver.get(f"https://{NAME}:{server.port}/")
        yield page


def give_password(page: Page) -> None:
    for name, text in (("login-user", "sari"), ("login-password", PASSWORD)):
        page.get(name).send_keys(text)
    page.click("login-submit")


def go(page: Page, where: str) -> None:
    page.driver.execute_script("location.hash = arguments[0]", f"#/{where}")


def leave(page: Page) -> None:
    page.driver.execute_script("return fetch('/api/logout', {method: 'POST'})")
    page.driver.get(page.driver.current_url.partition("#")[0])
    page.driver.refresh()
    page.get("login-form")


def type_in(page: Page, testid: str, text: str) -> None:
    field = page.get(testid)
    field.clear()
    field.send_keys(text)


def set_up_app(page: Page) -> list[str]:
    go(page, "account")
    page.click("add-totp")
    type_in(page, "factor-name", "phone")
    page.click("totp-go")
    seed = page.get("totp-secret").text
    drawn = page.get("totp-qr")
    assert drawn.rect["width"] > 150 and drawn.find_element(By.TAG_NAME, "path").get_attribute("d")
    page.shoot("totp-qr")
    type_in(page, "totp-code", "000000")
    page.click("totp-go")
    assert "code is wrong" in page.get("totp-error").text
    type_in(page, "totp-code", pyotp.TOTP(seed).now())
    page.click("totp-go")
    page.until(lambda: len(page.all("recovery-code")) == 10, what="recovery codes")
    codes = [one.text for one in page.all("recovery-code")]
    page.shoot("recovery-codes")
    page.click("codes-kept")
    page.until(lambda: len(page.all("factor")) == 1, what="the factor in the list")
    return codes


def test_a_second_factor_its_loss_and_a_fresh_proof(server: Server, tmp_path: Path) -> None:
    start(server, '\n[login]\nstep_up = "15m"\n')
    with browser(server, tmp_path / "profile") as page:
        give_password(page)
        page.get("nav-cameras")
        codes = set_up_app(page)
        leave(page)
        give_password(page)
        page.get("second-factor-needed")
        assert not page.all("nav-cameras")
        page.shoot("second-factor")
        type_in(page, "proof", "123456")
        page.click("proof-go")
        assert "does not prove" in page.get("proof-error").text
        page.click("proof-other")
        type_in(page, "proof", codes[0])
        page.click("proof-go")
        page.get("nav-cameras")
        # As if the page had been left open.
        with closing(sqlite3.connect(server.catalogue, timeout=60)) as conn, conn:
            conn.execute("UPDATE session SET proved_us = 1")
        go(page, "admin/tokens")
        page.click("add-token")
        type_in(page, "token-name", "grafana")
        page.click("token-save")
        page.get("proof-dialog")
        page.shoot("proof")
        page.click("proof-other")
        type_in(page, "proof", codes[1])
        page.click("proof-go")
        page.get("token-value")
        page.click("token-done")
        # A download waits for the proof, and is a file then, not what was refused.
        page.driver.execute_cdp_cmd(
            "Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")}
        )
        with closing(sqlite3.connect(server.catalogue, timeout=60)) as conn, conn:
            conn.execute("UPDATE session SET proved_us = 1")
        go(page, "admin/cameras")
        page.click("camera-table")
        page.click("export-passwords")
        page.get("proof-dialog")
        page.click("proof-other")
        type_in(page, "proof", codes[2])
        page.click("proof-go")
        table = tmp_path / "downloads" / "cameras.csv"
        page.until(table.exists, what="the table of cameras")
        assert table.read_text(encoding="utf-8-sig").startswith("id,")
        # Who lost the phone and the codes.
        nvr(server, "users", "reset-factors", "sari")
        page.until(lambda: page.all("login-form"), what="the session ends")
        page.driver.get(f"https://{NAME}:{server.port}/")
        give_password(page)
        page.get("nav-cameras")
        go(page, "account")
        page.get("no-factor")


def test_a_role_that_needs_a_factor(server: Server, tmp_path: Path) -> None:
    start(server, '\n[login]\nsecond_factor = ["admin"]\n')
    with browser(server, tmp_path / "profile") as page:
        give_password(page)
        page.get("second-factor-set_up")
        assert not page.all("nav-cameras")
        page.click("add-totp")
        type_in(page, "factor-name", "phone")
        page.click("totp-go")
        type_in(page, "totp-code", pyotp.TOTP(page.get("totp-secret").text).now())
        page.click("totp-go")
        page.click("codes-kept")
        page.get("nav-cameras")


def test_passkeys(server: Server, tmp_path: Path) -> None:
    start(server)
    with browser(server, tmp_path / "profile") as page:
        options = VirtualAuthenticatorOptions()
        options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
        options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
        options.has_resident_key = options.has_user_verification = True
        options.is_user_consenting = options.is_user_verified = True
        page.driver.add_virtual_authenticator(options)
        give_password(page)
        go(page, "account")
        page.click("add-passkey")
        type_in(page, "factor-name", "laptop")
        page.click("passkey-go")
        page.click("codes-kept")
        page.until(lambda: page.get("factor").get_attribute("data-kind") == "passkey", what="the passkey in the list")
        leave(page)
        # Alone, without a name.
        page.click("login-passkey")
        page.get("nav-cameras")
        go(page, "account")
        assert "sari" in page.get("account").text
        leave(page)
        # As the second factor.
        give_password(page)
        page.get("second-factor-needed")
        page.click("proof-passkey")
        page.get("nav-cameras")
        leave(page)
        # A finger that is none of its user's.
        page.driver.set_user_verified(False)
        page.click("login-passkey")
        page.get("other-way-error")
        assert not page.all("nav-cameras")


@pytest.fixture
def identity(server: Server, tmp_path: Path) -> Iterator[str]:
    """The address of a provider that knows the server; the test is skipped, loudly, where there is none."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("NOT TESTED with an identity provider: no npm here")
    folder = tmp_path / "identity"
    shutil.copytree(IDENTITY, folder, ignore=shutil.ignore_patterns("node_modules"))
    words = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED with an identity provider: {done.stderr[-300:]}")
    port = free_port()
    back = f"https://{NAME}:{server.port}/api/login/with/city/back"
    logout = f"https://127.0.0.1:{server.port}/api/login/with/city/logout"
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), back, logout],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("w"),
        text=True,
        # Our authority is none that Node knows, and the address none of its names.
        env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0"},
    )
    try:
        assert process.stdout is not None and process.stdout.readline().strip() == "ready"
        yield f"http://localhost:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None


def at_provider(page: Page, address: str, name: str) -> None:
    """Logs in there by a name, and consents."""
    driver = page.driver
    page.until(lambda: driver.current_url.startswith(address), what="the provider's page")
    page.until(lambda: driver.find_elements(By.NAME, "login"), what="its form")
    driver.find_element(By.NAME, "login").send_keys(name)
    driver.find_element(By.NAME, "password").send_keys("anything")
    driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    page.until(lambda: "consent" in driver.page_source.lower() or NAME in driver.current_url, what="its consent")
    if driver.current_url.startswith(address):
        page.until(lambda: driver.find_elements(By.CSS_SELECTOR, "button[type=submit]"), what="its consent")
        driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()


def test_a_certified_identity_provider(server: Server, identity: str, tmp_path: Path) -> None:
    start(
        server,
        f"""
[login]
step_up = "15m"

[[provider]]
id = "city"
name = "the city"
issuer = "{identity}"
client_id = "nvr"
client_secret = "correct-horse"
scopes = ["openid", "profile", "groups"]
groups = {{ "cctv-operators" = "Operators" }}
new_users = true
""",
    )
    nvr(server, "groups", "add", "Operators")
    nvr(server, "access", "grant", "group:Operators", "admin", "--cameras", "*", "--reason", "letter 12")
    with browser(server, tmp_path / "profile") as page:
        assert page.get("login-with-city").text == "Log in with the city"
        page.click("login-with-city")
        at_provider(page, identity, "budi")
        page.get("nav-cameras")
        assert page.driver.current_url.startswith(f"https://{NAME}:{server.port}/")
        go(page, "account")
        assert "budi" in page.get("account").text
        go(page, "admin/users")
        # A fresh proof is asked of the provider.
        with closing(sqlite3.connect(server.catalogue, timeout=60)) as conn, conn:
            conn.execute("UPDATE session SET proved_us = 1")
        go(page, "admin/tokens")
        page.click("add-token")
        type_in(page, "token-name", "grafana")
        page.click("token-save")
        page.click("proof-provider")
        at_provider(page, identity, "budi")
        page.get("nav-cameras")
        go(page, "admin/tokens")
        page.click("add-token")
        type_in(page, "token-name", "grafana")
        page.click("token-save")
        page.get("token-value")
        # A name that somebody here has lets nobody in.
        page.click("token-done")
        leave(page)
        page.driver.get(f"{identity}/session/end")
        page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "button"), what="its logout")
        page.driver.find_elements(By.CSS_SELECTOR, "button")[0].click()
        page.driver.get(f"https://{NAME}:{server.port}/")
        page.click("login-with-city")
        at_provider(page, identity, "sari")
        assert "has your name already" in page.get("other-way-error").text
        # A logout there ends the session here.
        page.driver.get(f"{identity}/session/end")
        page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "button"), what="its logout")
        page.driver.find_elements(By.CSS_SELECTOR, "button")[0].click()
        page.driver.get(f"https://{NAME}:{server.port}/")
        page.click("login-with-city")
        at_provider(page, identity, "budi")
        page.get("nav-cameras")
        page.driver.get(f"{identity}/session/end")
        page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "button"), what="its logout")
        page.driver.find_elements(By.CSS_SELECTOR, "button")[0].click()
        server.until(lambda: not sessions(server), what="the session to end")
        page.driver.get(f"https://{NAME}:{server.port}/")
        page.get("login-form")


def sessions(server: Server) -> int:
    with closing(sqlite3.connect(server.catalogue, timeout=60)) as conn:
        return int(conn.execute("SELECT count(*) FROM session WHERE way = 'city'").fetchone()[0])
