"""Passkeys: made, alone, and as the second factor; and what is none of this page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.http.ceremonies import LASTS_US, Ceremonies
from tests.api.catalogue import PASSWORDS, World
from tests.support.authenticator import Authenticator

Client = AsyncTestClient[Litestar]
OURS = {"Origin": "https://nvr.test"}


@pytest.fixture
async def page(app: Litestar) -> AsyncIterator[Client]:
    """Over TLS."""
    async with AsyncTestClient(app, base_url="https://nvr.test") as made:
        yield made


async def log_in(page: Client, name: str = "vera") -> dict[str, Any]:
    answer = await page.post("/api/login", json={"username": name, "password": PASSWORDS[name]}, headers=OURS)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def options(page: Client, path: str) -> str:
    answer = await page.post(f"{path}/options", headers=OURS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["options"])


async def make(page: Client, device: Authenticator) -> Any:
    credential = device.make(await options(page, "/api/passkeys"))
    return await page.post("/api/passkeys", json={"name": "key", "credential": credential}, headers=OURS)


async def sign(page: Client, path: str, device: Authenticator) -> Any:
    credential = device.sign(await options(page, path))
    return await page.post(path, json={"credential": credential}, headers=OURS)


async def test_a_passkey_lets_in_alone_and_as_the_second_factor(page: Client, world: World) -> None:
    device = Authenticator()
    await log_in(page)
    made = await make(page, device)
    assert made.status_code == 201, made.text
    assert len(made.json()["recovery_codes"]) == 10
    assert (await make(page, device)).json()["code"] == "invalid_factor", "it is known already"
    page.cookies.clear()
    answer = await sign(page, "/api/login/passkey", device)
    assert (answer.status_code, answer.json()) == (200, {"user": "vera", "role": "viewer"}), answer.text
    assert (await page.get("/api/cameras")).status_code == 200
    page.cookies.clear()
    assert (await log_in(page))["second_factor"] == ["passkey"]
    waiting = page.cookies["nvr_session"]
    assert (await page.get("/api/cameras")).json()["code"] == "second_factor_needed"
    assert (await sign(page, "/api/prove/passkey", Authenticator())).json()["code"] == "bad_proof"
    answer = await sign(page, "/api/prove/passkey", device)
    assert answer.status_code == 204, answer.text
    assert page.cookies["nvr_session"] != waiting
    assert (await page.get("/api/cameras")).status_code == 200


async def test_a_device_that_does_not_know_its_user_is_not_enough_alone(page: Client, world: World) -> None:
    device = Authenticator(verifies=False)
    await log_in(page)
    assert (await make(page, device)).status_code == 201
    page.cookies.clear()
    assert (await sign(page, "/api/login/passkey", device)).json()["code"] == "bad_proof"
    await log_in(page)
    assert (await sign(page, "/api/prove/passkey", device)).status_code == 204


@pytest.mark.parametrize("origin", ["https://evil.test", "https://nvr.test.evil", "http://nvr.test"])
async def test_what_was_signed_for_another_page_is_no_proof(page: Client, world: World, origin: str) -> None:
    device = Authenticator()
    await log_in(page)
    assert (await make(page, device)).status_code == 201
    page.cookies.clear()
    device.origin = origin
    assert (await sign(page, "/api/login/passkey", device)).json()["code"] == "bad_proof"
    await log_in(page)
    refused = await page.post("/api/passkeys/options", headers=OURS)
    assert refused.json()["code"] == "second_factor_needed"


async def test_an_answer_is_good_once_in_the_browser_that_was_asked(app: Litestar, page: Client, world: World) -> None:
    device = Authenticator()
    await log_in(page)
    assert (await make(page, device)).status_code == 201
    page.cookies.clear()
    asked = await options(page, "/api/login/passkey")
    begun = page.cookies["nvr_login"]
    body = {"credential": device.sign(asked)}
    async with AsyncTestClient(app, base_url="https://nvr.test") as other:
        assert (await other.post("/api/login/passkey", json=body, headers=OURS)).json()["code"] == "login_over"
        await options(other, "/api/login/passkey")
        assert (await other.post("/api/login/passkey", json=body, headers=OURS)).json()["code"] == "bad_proof"
        assert (await page.post("/api/login/passkey", json=body, headers=OURS)).status_code == 200
        page.cookies.clear()
        again = {**OURS, "Cookie": f"nvr_login={begun}"}
        assert (await page.post("/api/login/passkey", json=body, headers=again)).json()["code"] == "login_over"


async def test_a_passkey_that_was_copied_is_seen_by_what_it_counts(page: Client, world: World) -> None:
    device = Authenticator()
    await log_in(page)
    assert (await make(page, device)).status_code == 201
    copy = Authenticator(key=device.key, id=device.id, counter=device.counter)
    for one, status in ((device, 200), (device, 200), (copy, 401)):
        page.cookies.clear()
        assert (await sign(page, "/api/login/passkey", one)).status_code == status


async def test_a_server_that_is_asked_by_its_address_has_no_passkeys(app: Litestar) -> None:
    async with AsyncTestClient(app, base_url="https://192.0.2.1") as page:
        answer = await page.post("/api/login/passkey/options", headers={"Origin": "https://192.0.2.1"})
        assert (answer.status_code, answer.json()["code"]) == (400, "no_passkeys_here")


async def test_nonsense_is_no_proof(page: Client, world: World) -> None:
    for text in ("", "{}", "[]", '{"id": 3}', '{"id": "x", "response": 3}', "[" * 2000, '{"id":"x"}'):
        await options(page, "/api/login/passkey")
        answer = await page.post("/api/login/passkey", json={"credential": text}, headers=OURS)
        assert answer.json()["code"] in ("bad_proof", "too_many_attempts"), text


def test_a_ceremony_ends_for_what_it_was_begun_for_and_in_time() -> None:
    ceremonies = Ceremonies()
    cookie, begun = ceremonies.begin("login", "city", now_us=5)
    assert ceremonies.find(cookie, "login", "city", now_us=5 + LASTS_US) == begun
    assert ceremonies.find(cookie, "prove", "city", now_us=6) is None
    assert ceremonies.find(cookie, "login", "other", now_us=6) is None
    assert ceremonies.find(cookie, "login", "city", now_us=6 + LASTS_US) is None
    assert Ceremonies().find(cookie, "login", "city", now_us=6) is None
    for text in ("", "..", "5", f"9{cookie}", cookie[:-1], cookie.replace(".", ""), "٣.a.b"):
        assert ceremonies.find(text, "login", "city", now_us=6) is None, text
    assert begun.secret("a") != begun.secret("b")
    assert ceremonies.take(begun)
    assert not ceremonies.take(begun)
    assert ceremonies.find(cookie, "login", "city", now_us=6) is None
