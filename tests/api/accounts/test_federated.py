"""Logging in with an identity provider: who comes, who does not, what its groups give, and logging out there."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from joserfc.jwk import OctKey, RSAKey
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access import rows as grants
from nvr.accounts import federated, rows
from nvr.accounts.errors import InvalidAccount
from nvr.api.http.services import Services
from nvr.federation.claims import LOGOUT_EVENT
from nvr.federation.settings import LoginProvider
from storage.catalogue import audit
from storage.catalogue.actors import SERVER_ACTOR
from tests.api.catalogue import NOW, T0, World
from tests.support.identity_provider import IdentityProvider

Client = AsyncTestClient[Litestar]
BASE = "https://nvr.test"
OURS = {"Origin": BASE}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    made = IdentityProvider()
    yield made
    made.close()


@pytest.fixture
async def page(app: Litestar, world: World, provider: IdentityProvider) -> AsyncIterator[Client]:
    world.now_us = time.time_ns() // 1000
    configure(app, provider)
    async with AsyncTestClient(app, base_url=BASE) as made:
        yield made


def configure(app: Litestar, provider: IdentityProvider, **more: Any) -> None:
    services: Services = app.state.services
    settings = {"new_users": True, "groups": {"cctv": "Operators", "boss": "Heads"}, **more}
    one = LoginProvider(
        id="city", name="City", issuer=provider.issuer, client_id="nvr", client_secret="correct-horse", **settings
    )
    services.configure(msgspec.structs.replace(services.settings, providers=[one], second_factor=["admin"]))


async def begin(page: Client, **params: Any) -> str:
    answer = await page.get("/api/login/with/city", params=params, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.headers["location"])


async def back(page: Client, params: dict[str, str]) -> str:
    """Where who comes back with this is led to."""
    answer = await page.get("/api/login/with/city/back", params=params, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def log_in(page: Client, provider: IdentityProvider, **params: Any) -> str:
    return await back(page, provider.log_in(await begin(page, **params)))


async def test_whoever_logs_in_there_is_a_user_here_with_what_their_groups_give(
    page: Client, world: World, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "Sari.W", "groups": ["cctv", "choir"]}
    assert await log_in(page, provider) == "/"
    assert "strict" in str(page.cookies.jar).lower() or page.cookies["nvr_session"]
    me = (await page.get("/api/me")).json()
    assert (me["user"], me["actions"]) == ("sari.w", [])
    (group,) = (await page.get("/api/groups", headers=world.bearer("admin"))).json()["groups"]
    assert (group["name"], group["members"]) == ("Operators", [{"user": "sari.w", "provider": "city"}])
    body = {"holder": "group:Operators", "gives": "viewer", "cameras": "id=gate", "reason": "letter 12"}
    assert (await page.post("/api/access/grants", json=body, headers=world.bearer("admin"))).status_code == 201
    assert [one["id"] for one in (await page.get("/api/cameras")).json()["cameras"]] == ["gate"]
    provider.info = {"preferred_username": "renamed", "groups": "boss"}
    assert await log_in(page, provider) == "/"
    me = (await page.get("/api/me")).json()
    assert (me["user"], me["actions"]) == ("sari.w", []), "another group, the same user whatever they are called"
    groups = (await page.get("/api/groups", headers=world.bearer("admin"))).json()["groups"]
    assert {one["name"]: len(one["members"]) for one in groups} == {"Heads": 1, "Operators": 0}


async def test_nobody_becomes_a_user_who_is_there_by_being_called_so(
    app: Litestar, page: Client, world: World, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "anna"}
    assert await log_in(page, provider) == "/#/login/user_exists"
    assert (await page.get("/api/me")).status_code == 401
    configure(app, provider, new_users=False)
    assert await log_in(page, provider) == "/#/login/user_unknown"
    federated.link_user(world.db, "vera", "city", "s-1", at_us=NOW)
    assert await log_in(page, provider) == "/"
    assert (await page.get("/api/me")).json()["user"] == "vera"
    for name in (None, "", "../..", "user-1", "server"):
        configure(app, provider)
        provider.claims, provider.info = {"sub": f"s-{name}"}, {"preferred_username": name}
        assert await log_in(page, provider) == "/#/login/invalid_account", name


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"aud": "other"},
        {"aud": ["nvr", "other"]},
        {"aud": ["nvr", "other"], "azp": "other"},
        {"azp": "other"},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": 4_000_000_000},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": None},
        {"sub": 3},
        {"sub": "x" * 256},
        # JSON can say them, UTF-8 can't.
        {"sub": "\ud800"},
        {"nonce": "\ud800"},
        {"sid": "\ud800"},
    ],
)
async def test_a_token_that_is_not_for_us_or_not_of_this_login_lets_nobody_in(
    page: Client, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.info = {"preferred_username": "sari"}
    provider.claims = claims
    assert await log_in(page, provider) == "/#/login/provider_refused"
    assert "nvr_session" not in page.cookies


async def test_a_token_that_no_key_of_the_provider_signed_lets_nobody_in(
    page: Client, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari"}
    provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    assert await log_in(page, provider) == "/#/login/provider_refused"
    # Whoever knows the client's secret, or the public key, must not be able to sign by it.
    provider.algorithm, provider.signing = "HS256", OctKey.import_key("correct-horse")
    assert await log_in(page, provider) == "/#/login/provider_refused"
    provider.algorithm, provider.signing = "RS256", None
    assert await log_in(page, provider) == "/"


async def test_a_login_ends_in_the_browser_that_began_it_once(
    app: Litestar, page: Client, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari"}
    brought = provider.log_in(await begin(page))
    cookie = page.cookies["nvr_login"]
    page.cookies.clear()
    assert await back(page, brought) == "/#/login/login_over", "a login that was planted in another browser"
    await begin(page)
    assert await back(page, brought) == "/#/login/login_over", "the state of another login"
    page.cookies.clear()
    page.cookies.set("nvr_login", cookie, domain="nvr.test", path="/api")
    assert await back(page, brought) == "/"
    page.cookies.clear()
    page.cookies.set("nvr_login", cookie, domain="nvr.test", path="/api")
    assert await back(page, brought) == "/#/login/login_over", "once"
    assert await back(page, {"error": "access_denied", "state": "x"}) == "/#/login/login_over"


async def test_the_answer_of_another_provider_is_not_taken(page: Client, provider: IdentityProvider) -> None:
    provider.info = {"preferred_username": "sari"}
    brought = provider.log_in(await begin(page))
    assert await back(page, {**brought, "iss": "https://evil.test"}) == "/#/login/provider_refused"
    brought = provider.log_in(await begin(page))
    assert await back(page, {**brought, "iss": provider.issuer}) == "/"


async def test_a_provider_that_is_another_or_away_is_said_to_be(
    app: Litestar, page: Client, provider: IdentityProvider
) -> None:
    provider.discovery = {"issuer": "https://evil.test"}
    answer = await page.get("/api/login/with/city", follow_redirects=False)
    assert answer.headers["location"] == "/#/login/provider_unreachable"
    for number, strange in enumerate(
        (
            {"token_endpoint": "file:///etc/passwd"},
            {"jwks_uri": "http://"},
            # It stands in a header of the answer.
            {"authorization_endpoint": f"{provider.issuer}/in\r\nSet-Cookie: nvr_session=theirs"},
            {"authorization_endpoint": f"{provider.issuer}/in\u2028"},
            {"authorization_endpoint": f"{provider.issuer}/{'x' * 3000}"},
            {"authorization_endpoint": ["https://evil.test"]},
        )
    ):
        provider.discovery = strange
        # With other settings it is another conversation: what failed is not asked for again at once.
        configure(app, provider, new_users=bool(number % 2))
        answer = await page.get("/api/login/with/city", follow_redirects=False)
        assert answer.headers["location"] == "/#/login/provider_unreachable", strange
        assert "theirs" not in answer.headers.get("set-cookie", "")
    provider.close()
    configure(app, provider, new_users=False)
    answer = await page.get("/api/login/with/city", follow_redirects=False)
    assert answer.headers["location"] == "/#/login/provider_unreachable"
    assert (await page.get("/api/login/with/none", follow_redirects=False)).status_code == 404
    ways = (await page.get("/api/login-ways")).json()
    assert ways == {"providers": [{"id": "city", "name": "City"}]}


async def test_a_provider_that_is_away_is_not_asked_for_each_browser(page: Client, provider: IdentityProvider) -> None:
    provider.discovery = {"issuer": "https://evil.test"}
    for _ in range(3):
        answer = await page.get("/api/login/with/city", follow_redirects=False)
        assert answer.headers["location"] == "/#/login/provider_unreachable"
    assert len(provider.paths) == 1


async def test_the_session_before_ends_whose_cookie_the_way_back_does_not_bring(
    page: Client, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari"}
    await log_in(page, provider)
    before = page.cookies["nvr_session"]
    brought = provider.log_in(await begin(page))
    begun = page.cookies["nvr_login"]
    # SameSite=Strict: another site leads here.
    page.cookies.clear()
    page.cookies.set("nvr_login", f"{begun.rpartition('.')[0]}.{'0' * 64}", domain="nvr.test", path="/api")
    assert await back(page, brought) == "/#/login/login_over", "another session than the browser had is not ended"
    page.cookies.clear()
    page.cookies.set("nvr_login", begun, domain="nvr.test", path="/api")
    assert await back(page, brought) == "/"
    assert (await page.get("/api/me")).status_code == 200
    page.cookies.clear()
    page.cookies.set("nvr_session", before, domain="nvr.test", path="/")
    assert (await page.get("/api/me")).status_code == 401


async def test_a_login_that_is_refused_is_in_the_audit_log(
    app: Litestar, page: Client, world: World, provider: IdentityProvider
) -> None:
    def entered() -> list[Any]:
        with world.db.read() as conn:
            return [json.loads(one.detail) for one in audit.entries(conn) if one.action == "login_failed"]

    assert await back(page, {"code": "x", "state": "x"}) == "/#/login/login_over"
    assert entered() == [], "nobody began that here"
    configure(app, provider, new_users=False)
    assert await log_in(page, provider) == "/#/login/user_unknown"
    assert entered() == [{"user": None, "provider": "city", "subject": "s-1", "code": "user_unknown"}]
    provider.claims = {"aud": "other"}
    assert await log_in(page, provider) == "/#/login/provider_refused"
    state = provider.log_in(await begin(page))["state"]
    assert await back(page, {"error": "access_denied", "state": state}) == "/#/login/provider_refused"
    refused = {"user": None, "provider": "city", "subject": None, "code": "provider_refused"}
    unknown = {**refused, "subject": "s-1", "code": "user_unknown"}
    assert sorted(entered(), key=lambda one: str(one["code"])) == [refused, refused, unknown]


async def test_a_role_that_needs_a_factor_is_content_with_that_of_a_provider_where_settings_say_so(
    app: Litestar, page: Client, world: World, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari", "groups": ["boss"]}
    await log_in(page, provider)
    with world.db.write() as conn:
        user = rows.find_user(conn, "sari")
        assert user is not None
        grants.insert_grant(conn, holder=user.id, role="admin", cameras="*", by=SERVER_ACTOR, at_us=T0, reason="x")
    assert (await page.get("/api/me")).json()["second_factor"] == "set_up"
    configure(app, provider, second_factor=True)
    await log_in(page, provider)
    assert (await page.get("/api/me")).json()["second_factor"] is None
    assert (await page.get("/api/users")).status_code == 200


async def test_a_fresh_proof_is_asked_of_the_provider(
    app: Litestar, page: Client, world: World, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari"}
    provider.claims = {"auth_time": int(time.time()) - 3600}
    await log_in(page, provider)
    assert (await page.get("/api/prove")).json() == {"factors": [], "password": False, "provider": "city"}
    answer = await page.post("/api/factors/totp", json={"name": "phone"}, headers=OURS)
    assert answer.json()["code"] == "proof_needed", "they proved it an hour ago"
    assert await log_in(page, provider, again="true") == "/#/login/provider_refused", "the provider did not ask"
    provider.claims = {}
    assert "prompt=login" in await begin(page, again="true")
    assert await log_in(page, provider, again="true") == "/"
    assert (await page.post("/api/factors/totp", json={"name": "phone"}, headers=OURS)).status_code == 201


async def logout(page: Client, token: str) -> int:
    answer = await page.post(
        "/api/login/with/city/logout",
        content=f"logout_token={token}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    return answer.status_code


async def test_who_logs_out_there_is_logged_out_here(page: Client, world: World, provider: IdentityProvider) -> None:
    provider.info = {"preferred_username": "sari"}
    provider.claims = {"sid": "session-1"}
    await log_in(page, provider)
    event = {"events": {LOGOUT_EVENT: {}}}
    good = {**event, "jti": "1", "sid": "session-1"}
    for number, bad in enumerate(
        (
            {**good, "events": {}},
            {**good, "nonce": "x"},
            {**good, "aud": "other"},
            {**good, "iss": "https://evil.test"},
            {**good, "iat": 1},
            {**good, "jti": None},
            {**event, "jti": "3", "sub": None},
        )
    ):
        assert await logout(page, provider.sign(bad)) in (400, 429), number
    assert await logout(page, "nonsense") in (400, 429)
    assert (await page.get("/api/me")).status_code == 200
    assert await logout(page, provider.sign({**good, "jti": "2", "sid": "another"})) == 200
    assert (await page.get("/api/me")).status_code == 200
    assert await logout(page, provider.sign(good)) == 200
    assert (await page.get("/api/me")).status_code == 401
    assert await logout(page, provider.sign(good)) == 400, "a token is good once"
    await log_in(page, provider)
    assert await logout(page, provider.sign({**event, "jti": "4", "sid": None, "sub": "s-1"})) == 200
    assert (await page.get("/api/me")).status_code == 401


async def test_whoever_it_was_before_is_out_when_somebody_else_is_linked(
    page: Client, world: World, provider: IdentityProvider
) -> None:
    provider.info = {"preferred_username": "sari"}
    await log_in(page, provider)
    assert (await page.get("/api/me")).status_code == 200
    with world.db.read() as conn:
        (row,) = conn.execute("SELECT provider, subject FROM federated_login").fetchall()
    federated.link_user(world.db, "vera", row["provider"], row["subject"], at_us=world.now_us)
    assert (await page.get("/api/me")).status_code == 401
    made = await page.post("/api/services", json={"name": "wall", "role": "viewer"}, headers=world.bearer("admin"))
    assert made.status_code == 201, made.text
    with pytest.raises(InvalidAccount, match="nobody logs in"):
        federated.link_user(world.db, "wall", row["provider"], "s-9", at_us=world.now_us)


async def test_no_secret_of_a_client_is_told(
    app: Litestar, page: Client, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.client = ("nvr", "another-secret")
    assert await log_in(page, provider) == "/#/login/provider_refused"
    assert "invalid_client" in caplog.text
    services: Services = app.state.services
    for text in (caplog.text, repr(services.settings), (await page.get("/api/login-ways")).text):
        assert "correct-horse" not in text
