"""Logging in and out, cookies, the same-origin rule, guessing passwords, users and tokens."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts import Role, passwords
from nvr.accounts.users import insert_user
from nvr.api.http.attempts import Attempts
from nvr.api.http.errors import ApiError
from nvr.api.http.origins import same_origin
from tests.api.catalogue import NOW, PASSWORDS, World

Client = AsyncTestClient[Litestar]
OURS = {"Origin": "http://nvr.test"}


async def log_in(client: Client, name: str = "vera", password: str | None = None) -> None:
    body = {"username": name, "password": password or PASSWORDS[name]}
    answer = await client.post("/api/login", json=body, headers=OURS)
    assert answer.status_code == 200, answer.text


async def test_login_gives_a_session_and_logout_ends_it(client: Client, world: World) -> None:
    world.tick_us = 0
    answer = await client.post("/api/login", json={"username": " Vera ", "password": PASSWORDS["vera"]})
    assert answer.json() == {"user": "vera", "role": "viewer"}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    me = (await client.get("/api/me")).json()
    assert me["user"] == "vera"
    assert me["role"] == "viewer"
    assert me["zone"] == "Asia/Jakarta"
    assert me["time"] == "2026-11-23T15:00:00.000000Z"
    value = client.cookies["nvr_session"]
    assert (await client.post("/api/logout", headers=OURS)).status_code == 204
    assert "nvr_session" not in client.cookies
    answer = await client.get("/api/me", headers={"Cookie": f"nvr_session={value}"})
    assert answer.status_code == 401


async def test_a_cookie_is_secure_where_the_request_came_by_tls(app: Litestar) -> None:
    async with AsyncTestClient(app, base_url="https://nvr.test") as client:
        answer = await client.post("/api/login", json={"username": "vera", "password": PASSWORDS["vera"]})
        assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("name", "password"), [("vera", "wrong-wrong"), ("nobody", "wrong-wrong"), ("vera", ""), ("", "")]
)
async def test_wrong_credentials_get_one_and_the_same_answer(client: Client, name: str, password: str) -> None:
    answer = await client.post("/api/login", json={"username": name, "password": password})
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_credentials"
    assert answer.json()["detail"] == "the user name or the password is wrong"


async def test_a_session_slides_and_ends(client: Client, world: World) -> None:
    hour = 3600 * 1_000_000
    await log_in(client)
    for _ in range(16):
        world.now_us += 11 * hour
        alive = (await client.get("/api/me")).status_code == 200
        if not alive:
            break
    assert not alive, "no session lives longer than 7 days"
    assert 6.5 * 24 * hour < world.now_us - 1_795_446_000_000_000 <= 7.5 * 24 * hour
    await log_in(client)
    world.now_us += 12 * hour
    assert (await client.get("/api/me")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://nvr.test:8081"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://nvr.test"},
    ],
)
async def test_a_change_by_cookie_must_come_from_our_own_page(client: Client, headers: dict[str, str]) -> None:
    await log_in(client, "anna")
    answer = await client.post("/api/tokens", json={"name": "t", "role": "viewer"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_origin"


@pytest.mark.parametrize("headers", [OURS, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://NVR.test:80"}])
async def test_a_change_from_our_own_page_is_let_through(client: Client, headers: dict[str, str]) -> None:
    await log_in(client, "anna")
    answer = await client.post("/api/tokens", json={"name": "t", "role": "viewer"}, headers=headers)
    assert answer.status_code == 201


async def test_a_foreign_page_can_not_log_the_browser_in(client: Client) -> None:
    body = {"username": "vera", "password": PASSWORDS["vera"]}
    answer = await client.post("/api/login", json=body, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://nvr.example", "nvr.example", True),
        ("https://nvr.example", "nvr.example:443", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://nvr.example", "nvr.example:8080", False),
        ("http://nvr.example.evil", "nvr.example", False),
        ("null", "", False),
        ("", "", False),
        ("file://", "nvr.example", False),
        ("http://nvr.example:x", "nvr.example", False),
    ],
)
def test_same_origin(origin: str, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same


async def test_guessing_gets_slower_and_says_for_how_long(client: Client) -> None:
    codes = []
    for _ in range(7):
        answer = await client.post("/api/login", json={"username": "vera", "password": "wrong-wrong"})
        codes.append(answer.status_code)
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429
    assert answer.json()["code"] == "too_many_attempts"
    assert int(answer.headers["retry-after"]) >= 1
    # Another user from the same address is not locked out.
    await log_in(client, "anna")


def test_waits_double_and_success_forgives() -> None:
    now = [0.0]
    attempts = Attempts(clock=lambda: now[0])
    waits = []
    for _ in range(16):
        while True:
            try:
                attempts.begin("vera", "192.0.2.1")
            except ApiError as error:
                wait = int(error.headers["Retry-After"])
                waits.append(wait)
                now[0] += wait
            else:
                break
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]
    attempts.succeeded("vera", "192.0.2.1")
    attempts.begin("vera", "192.0.2.1")


def test_one_address_can_not_try_a_password_on_everybody() -> None:
    attempts = Attempts(clock=lambda: 0.0)
    with pytest.raises(ApiError):
        for number in range(40):
            # Addresses of one IPv6 subscriber count as one.
            attempts.begin(f"user{number}", f"2001:db8::{number:x}")


@given(st.lists(st.tuples(st.text(max_size=100), st.text(max_size=60)), max_size=200))
def test_memory_of_attempts_is_bounded(tried: list[tuple[str, str]]) -> None:
    attempts = Attempts(clock=lambda: 0.0, most=10)
    for user, address in tried:
        try:
            attempts.begin(user, address)
        except ApiError:
            continue
    assert len(attempts) <= 20


async def test_users(client: Client, world: World) -> None:
    world.tick_us = 0
    admin = world.bearer("admin")
    made = await client.post(
        "/api/users", json={"name": "otto", "password": "otto-otto-otto", "role": "viewer"}, headers=admin
    )
    assert made.status_code == 201
    body = made.json()
    assert body.pop("id").startswith("user-")
    expected = {"name": "otto", "role": "viewer", "created": "2026-11-23T15:00:00.000000Z"}
    assert body == {
        **expected,
        "made_by": "token for admin",
        "must_change_password": True,
        "service": False,
        "seen": None,
    }
    names = [user["name"] for user in (await client.get("/api/users", headers=admin)).json()["users"]]
    assert names == ["anna", "ines", "otto", "vera"]
    for body, code in [
        ({"name": "otto", "password": "otto-otto-otto", "role": "viewer"}, "user_exists"),
        ({"name": "Otto!", "password": "otto-otto-otto", "role": "viewer"}, "invalid_account"),
        ({"name": "emil", "password": "short", "role": "viewer"}, "weak_password"),
        ({"name": "emil", "password": "emil-emil-emil", "role": "king"}, "invalid_request"),
        ({"name": "emil"}, "invalid_request"),
    ]:
        answer = await client.post("/api/users", json=body, headers=admin)
        assert answer.json()["code"] == code
    assert (await client.delete("/api/users/otto", headers=admin)).status_code == 204
    assert (await client.delete("/api/users/otto", headers=admin)).json()["code"] == "account_not_found"
    assert (await client.delete("/api/users/anna", headers=admin)).json()["code"] == "last_admin"


async def test_ones_own_password_needs_the_present_one_and_ends_other_sessions(app: Litestar, client: Client) -> None:
    await log_in(client)
    async with AsyncTestClient(app, base_url="http://nvr.test") as other:
        await log_in(other)
        path = "/api/users/vera/password"
        new = {"password": "brand-new-word"}
        assert (await client.post(path, json=new, headers=OURS)).json()["code"] == "bad_credentials"
        short = {"password": "short", "current": PASSWORDS["vera"]}
        assert (await client.post(path, json=short, headers=OURS)).json()["code"] == "weak_password"
        answer = await client.post(path, json={**new, "current": PASSWORDS["vera"]}, headers=OURS)
        assert answer.status_code == 204, answer.text
        assert (await client.get("/api/me")).status_code == 200
        assert (await other.get("/api/me")).status_code == 401
        await log_in(other, "vera", "brand-new-word")


async def test_who_has_a_password_that_was_made_for_them_sets_another_before_anything_else(
    app: Litestar, client: Client, world: World
) -> None:
    hash_ = passwords.hash_password("k7mwp-3hxqr-vd9tn")
    with world.db.write() as conn:
        insert_user(conn, "nina", hash_, Role.ADMIN, NOW, must_change=True)
    answer = await client.post("/api/login", json={"username": "nina", "password": "k7mwp-3hxqr-vd9tn"})
    assert answer.status_code == 200
    assert (await client.get("/api/me")).json()["must_change_password"] is True
    open_ = {("GET", "/api/me"), ("POST", "/api/logout"), ("POST", "/api/users/1/password")}
    asked = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in set(handler.http_methods) - {"OPTIONS", "HEAD"}:
                path = re.sub(r"\{[^}]*\}", "1", route.path)
                if handler.opt.get("action", "public") == "public" or (method, path) in open_:
                    continue
                answer = await client.request(method, path, headers=OURS)
                assert (answer.status_code, answer.json()["code"]) == (403, "password_change_needed"), (method, path)
                asked += 1
    assert asked > 60
    others = await client.post("/api/users/vera/password", json={"password": "gerbang-tua-berlumut"}, headers=OURS)
    assert others.json()["code"] == "password_change_needed"
    own = {"password": "k7mwp-3hxqr-vd9tn", "current": "k7mwp-3hxqr-vd9tn"}
    assert (await client.post("/api/users/nina/password", json=own, headers=OURS)).json()["code"] == "weak_password"
    common = {**own, "password": "password123"}
    assert (await client.post("/api/users/nina/password", json=common, headers=OURS)).json()["code"] == "weak_password"
    good = {**own, "password": "gerbang-tua-berlumut"}
    assert (await client.post("/api/users/nina/password", json=good, headers=OURS)).status_code == 204
    assert (await client.get("/api/me")).json()["must_change_password"] is False
    assert (await client.get("/api/users")).status_code == 200


async def test_a_password_that_somebody_else_set_is_good_for_setting_another(client: Client, world: World) -> None:
    """Of a new user, and of one who has a new password; tokens go on as they are."""
    admin, token = world.bearer("admin"), world.bearer_of("vera")
    otto = {"name": "otto", "password": "otto-otto-otto", "role": "viewer"}
    assert (await client.post("/api/users", json=otto, headers=admin)).status_code == 201
    body = {"password": "brand-new-word"}
    assert (await client.post("/api/users/vera/password", json=body, headers=admin)).status_code == 204
    listed = (await client.get("/api/users", headers=admin)).json()["users"]
    assert {user["name"]: user["must_change_password"] for user in listed} == {
        "anna": False, "ines": False, "otto": True, "vera": True,
    }  # fmt: skip
    for name, password in (("otto", "otto-otto-otto"), ("vera", "brand-new-word")):
        await log_in(client, name, password)
        assert (await client.get("/api/cameras")).json()["code"] == "password_change_needed"
        path = f"/api/users/{name}/password"
        same = {"password": password, "current": password}
        assert (await client.post(path, json=same, headers=OURS)).json()["code"] == "weak_password"
        own = {"password": "gerbang-tua-berlumut", "current": password}
        assert (await client.post(path, json=own, headers=OURS)).status_code == 204
        assert (await client.get("/api/cameras")).status_code == 200
    assert (await client.get("/api/cameras", headers=token)).status_code == 200


async def test_only_an_administrator_sets_anothers_password(client: Client, world: World) -> None:
    body = {"password": "brand-new-word"}
    path = "/api/users/vera/password"
    assert (await client.post(path, json=body, headers=world.bearer("investigator"))).json()["code"] == "forbidden"
    assert (await client.post(path, json=body, headers=world.bearer("admin"))).status_code == 204
    await log_in(client, "vera", "brand-new-word")


async def test_a_removed_user_is_out_at_once(client: Client, world: World) -> None:
    await log_in(client)
    await client.delete("/api/users/vera", headers=world.bearer("admin"))
    assert (await client.get("/api/me")).status_code == 401


async def test_tokens(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    made = (await client.post("/api/tokens", json={"name": "backup", "role": "viewer"}, headers=admin)).json()
    assert made["token"].startswith("nvr_")
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get("/api/me", headers=bearer)).json()["user"] == "token backup"
    listed = (await client.get("/api/tokens", headers=admin)).text
    assert made["id"] in listed
    assert made["token"] not in listed
    assert '"last_used":"2026-11-23T15:00' in listed
    assert (await client.delete(f"/api/tokens/{made['id']}", headers=admin)).status_code == 204
    assert (await client.get("/api/me", headers=bearer)).status_code == 401


async def test_secrets_are_kept_as_hashes_only(client: Client, world: World) -> None:
    await log_in(client)
    with world.db.read() as conn:
        everything = "\n".join(conn.iterdump())
    for secret in [*PASSWORDS.values(), *world.tokens.values(), client.cookies["nvr_session"]]:
        assert secret not in everything


async def test_a_body_that_is_no_json_or_too_large_is_a_problem(client: Client) -> None:
    for body, code in [
        (b"{", "invalid_request"),
        (b'{"username":"\xff"}', "invalid_request"),
        (b"[]", "invalid_request"),
        (b'{"username":"\\ud800","password":"x"}', "invalid_request"),
        (b" " * 300_000, "too_large"),
    ]:
        answer = await client.post("/api/login", content=body)
        assert answer.json()["code"] == code, answer.text
