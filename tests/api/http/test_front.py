"""Who asks, by which name, under which path; and what each answer lets be kept."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.routes import HTTPRoute

from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.attempts import Attempts
from nvr.api.http.front import host_of, parse_address, received
from nvr.api.http.permissions import PUBLIC
from storage.catalogue import audit
from tests.api.catalogue import PASSWORDS, World

Client = httpx.AsyncClient


def settings_of(world: World, **more: Any) -> ApiSettings:
    return ApiSettings(catalogue=str(world.db.path), node="n1", web_dist=str(world.folder / "dist"), **more)


def asking(app: Litestar, peer: str = "127.0.0.1", **more: Any) -> Client:
    """Somebody at that address; ``more`` settings are taken before."""
    services = app.state.services
    services.settings = msgspec.structs.replace(services.settings, **more)
    transport = httpx.ASGITransport(app=app, client=(peer, 4711))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://nvr.test")


@asynccontextmanager
async def served(world: World, **more: Any) -> AsyncIterator[Client]:
    app = create_app(settings_of(world, **more), now_us=world.read_clock)
    async with asking(app) as client:
        yield client
    app.state.services.db.close()


def addresses_entered(world: World) -> list[str]:
    with world.db.read() as conn:
        return [entry.address for entry in audit.entries(conn, action="login_failed", limit=100)]


WRONG = {"username": "vera", "password": "wrong-wrong"}


FORWARDED: list[tuple[str, list[str], str, str]] = [
    ("127.0.0.1", [], "203.0.113.7", "127.0.0.1"),
    ("::1", [], "203.0.113.7", "::1"),
    ("127.0.0.1", ["127.0.0.1"], "203.0.113.7", "203.0.113.7"),
    ("::ffff:127.0.0.1", ["127.0.0.0/8"], "203.0.113.7", "203.0.113.7"),
    # Whoever asks writes what they like on the left.
    ("127.0.0.1", ["127.0.0.1"], "10.9.9.9, 203.0.113.7", "203.0.113.7"),
    ("10.0.0.2", ["10.0.0.0/29"], "10.9.9.9, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
    ("10.0.0.2", ["10.0.0.0/29"], "10.0.0.4, 10.0.0.3", "10.0.0.4"),
    ("10.0.0.9", ["10.0.0.0/29"], "203.0.113.7", "10.0.0.9"),
    ("127.0.0.1", ["127.0.0.1"], "<b>=1+1</b>", "127.0.0.1"),
    ("127.0.0.1", ["127.0.0.1"], "203.0.113.7, unknown", "127.0.0.1"),
    ("127.0.0.1", ["127.0.0.1"], "203.0.113.7:5000", "203.0.113.7"),
    ("127.0.0.1", ["127.0.0.1"], "[2001:db8::7]:5000", "2001:db8::7"),
    ("127.0.0.1", ["127.0.0.1"], "", "127.0.0.1"),
]


async def test_only_a_proxy_that_is_named_says_who_asks(app: Litestar, world: World) -> None:
    for peer, trusted, forwarded, counts in FORWARDED:
        async with asking(app, peer, trusted_proxies=trusted) as client:
            headers = {"X-Forwarded-For": forwarded} if forwarded else {}
            assert (await client.post("/api/login", json=WRONG, headers=headers)).status_code == 401
        assert addresses_entered(world)[0] == counts, (peer, trusted, forwarded)


async def test_guessing_is_slowed_down_whatever_address_is_claimed(world: World) -> None:
    async with served(world) as client:
        answers = [
            await client.post("/api/login", json=WRONG, headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(8)
        ]
    assert answers[-1].json()["code"] == "too_many_attempts"


@given(st.lists(st.text(max_size=20)), st.ip_addresses())
def test_what_counts_is_an_address_whatever_is_sent(forwarded: list[str], peer: Any) -> None:
    found = received(str(peer), forwarded, ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"])
    ipaddress.ip_address(found)
    assert received(str(peer), forwarded, []) == str(parse_address(str(peer)))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("nvr.test", "nvr.test"),
        ("NVR.Test.:8080", "nvr.test"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("a@b", None),
        ("a b", None),
        ("a:b", None),
        ("", None),
        ("[::1", None),
        ("evil.example:80:90", None),
        ("a/b", None),
    ],
)
def test_a_host_header_is_read(text: str, host: str | None) -> None:
    assert host_of(text) == host


HOSTS: list[tuple[str, list[str], int]] = [
    ("127.0.0.1:8080", [], 200),
    ("[::1]:8080", [], 200),
    ("192.168.1.20", [], 200),
    ("localhost:8080", [], 200),
    ("cctv", [], 200),
    ("cctv.local", [], 200),
    ("evil.example", [], 421),
    ("127.0.0.1.evil.example", [], 421),
    ("localhost.evil.example", [], 421),
    ("cctv.example.org", ["cctv.example.org"], 200),
    ("evil.example", ["cctv.example.org"], 421),
    ("a.example.org", ["*.example.org"], 200),
    ("example.org", ["*.example.org"], 421),
    ("evilexample.org", ["*.example.org"], 421),
    ("evil.example", ["*"], 200),
    ("a b", ["*"], 421),
]


async def test_a_page_of_another_name_does_not_reach_this_server(app: Litestar, world: World) -> None:
    for host, hosts, status in HOSTS:
        app.state.services.token_attempts = Attempts()
        async with asking(app, hosts=hosts) as client:
            await asked_by(client, world, host, status)


async def asked_by(client: Client, world: World, host: str, status: int) -> None:
    headers = {"Host": host}
    answer = await client.get("/api/health", headers=headers)
    assert answer.status_code == status, answer.text
    login = await client.post("/api/login", json={"username": "vera", "password": PASSWORDS["vera"]}, headers=headers)
    assert login.status_code == status
    if status == 421:
        assert answer.json()["code"] == "wrong_host"
        assert "default-src" in answer.headers["content-security-policy"]
        # Any page can send a header; only a good token makes up for the name.
        made_up = headers | {"Authorization": "Bearer nvr_x"}
        assert (await client.get("/api/health", headers=made_up)).status_code == 421
        assert (await client.post("/api/login", json=WRONG, headers=made_up)).status_code == 421
        if host == "a b":
            return
        assert (await client.get("/api/cameras", headers=made_up)).status_code == 401
        good = headers | world.bearer("viewer")
        assert (await client.get("/api/cameras", headers=good)).status_code == 200


async def test_a_named_proxy_knows_its_names_and_says_how_it_was_asked(world: World) -> None:
    body = {"username": "vera", "password": PASSWORDS["vera"]}
    said = {"Host": "127.0.0.1:8080", "X-Forwarded-Host": "cctv.example.org", "X-Forwarded-Proto": "https"}
    origin = {"Origin": "https://cctv.example.org"}
    async with served(world, trusted_proxies=["127.0.0.1"]) as client:
        answer = await client.post("/api/login", json=body, headers=said | origin)
        assert answer.status_code == 200, answer.text
        assert "Secure" in answer.headers["set-cookie"]
        assert (await client.get("/api/health", headers={"Host": "cctv.example.org"})).status_code == 200
    async with served(world, trusted_proxies=["127.0.0.1"], hosts=["cctv.example.org"]) as client:
        evil = {"Host": "evil.example"}
        assert (await client.get("/api/health", headers=evil)).status_code == 421
        assert (
            await client.get("/api/health", headers=evil | {"X-Forwarded-Host": "cctv.example.org"})
        ).status_code == 421
        assert (await client.get("/api/health", headers=said)).status_code == 200
        assert (await client.get("/api/health", headers=said | {"X-Forwarded-Host": "evil.example"})).status_code == 421
    async with served(world) as client:
        answer = await client.post("/api/login", json=body, headers=said)
        assert "Secure" not in answer.headers["set-cookie"]
        assert (await client.post("/api/login", json=body, headers=said | origin)).status_code == 403


# --- HTTP Basic
# ---------------------------------------------------------------------------------------------------------------


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def test_a_token_is_the_password_of_basic(world: World) -> None:
    token = world.bearer("viewer")["Authorization"].removeprefix("Bearer ")
    async with served(world) as client:
        for user in ("", "nvr", "anybody at all"):
            me = await client.get("/api/me", headers=basic(user, token))
            assert me.json()["user"].startswith("token "), me.text
        assert (await client.get("/api/users", headers=basic("admin", token))).status_code == 403
        # No password of a person, and nothing that is no Basic.
        for wrong in (
            basic("vera", PASSWORDS["vera"]),
            basic("x", token[:-1]),
            {"Authorization": "Basic !"},
            {"Authorization": "Basic " + "QQ" * 9000},
        ):
            answer = await client.get("/api/me", headers=wrong)
            assert answer.status_code == 401, answer.text
        # A browser that keeps it sends it along with what another's page asks.
        admin = world.bearer("admin")["Authorization"].removeprefix("Bearer ")
        for more, status in (
            ({"Origin": "http://evil.example"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({}, 201),
        ):
            body = {"name": "t", "role": "viewer"}
            answer = await client.post("/api/tokens", json=body, headers=basic("x", admin) | more)
            assert answer.status_code == status, answer.text
        used = {
            t["name"]: t["last_used"]
            for t in (await client.get("/api/tokens", headers=world.bearer("admin"))).json()["tokens"]
        }
        assert any(used.values())


async def test_who_tries_tokens_waits_and_who_has_one_does_not(world: World) -> None:
    token = world.bearer("viewer")["Authorization"].removeprefix("Bearer ")
    async with served(world) as client:
        codes = [(await client.get("/api/me", headers=basic("x", f"nvr_{n}"))).status_code for n in range(7)]
        assert codes == [401] * 5 + [429] * 2
        assert (await client.get("/api/me", headers={"Authorization": "Bearer nvr_x"})).status_code == 429
        assert (await client.get("/api/me", headers=basic("x", token))).status_code == 200
        # People of the same office log in.
        body = {"username": "vera", "password": PASSWORDS["vera"]}
        assert (await client.post("/api/login", json=body)).status_code == 200


PLAYER = {"User-Agent": "VLC/3.0.20 LibVLC/3.0.20"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/150"}


async def test_players_are_asked_for_basic_and_browsers_never(world: World, app: Litestar) -> None:
    async with served(world) as client:
        played = {"playlist.m3u8", "live.m3u8", "clip.mp4", "snapshot.jpg", "segments/x.mp4", "inits/x.mp4"}
        for name in played:
            url = f"/api/cameras/gate/{name}"
            told = (await client.get(url, headers=PLAYER)).headers["www-authenticate"]
            assert told.startswith('Basic realm="nvr"')
            part = await client.get(url, headers=PLAYER | {"Range": "bytes=988-2000"})
            assert (part.status_code, part.headers["content-range"]) == (401, "bytes 988-2000/*")
            for browser in (
                BROWSER,
                PLAYER | {"Sec-Fetch-Mode": "cors"},
                PLAYER | {"Cookie": "nvr_session=old"},
                PLAYER | {"Origin": "x"},
            ):
                assert "Basic" not in (await client.get(url, headers=browser)).headers["www-authenticate"]
        for route in app.routes:
            url = re.sub(r"\{(\w+):\w+\}", r"\1", route.path)
            for headers in (PLAYER, BROWSER):
                answer = await client.get(url, headers=headers)
                told = answer.headers.get("www-authenticate", "")
                is_played = headers is PLAYER and (url.startswith("/api/cameras/camera/") or url == "/api/inits/name")
                assert is_played or "Basic" not in told, url


# --- A path of its own
# ----------------------------------------------------------------------------------------------------------


async def test_all_of_it_under_a_path(world: World) -> None:
    (world.folder / "dist" / "assets").mkdir(parents=True, exist_ok=True)
    (world.folder / "dist" / "index.html").write_text("<!doctype html><title>nvr</title>")
    async with served(world, base_path="/watch/nvr", public=True) as client:
        moved = await client.get("/watch/nvr", follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (308, "/watch/nvr/")
        assert moved.headers["cache-control"] == "no-store"
        assert "<title>nvr" in (await client.get("/watch/nvr/")).text
        assert "<title>nvr" in (await client.get("/watch/nvr/public")).text
        body = {"username": "vera", "password": PASSWORDS["vera"]}
        login = await client.post("/watch/nvr/api/login", json=body, headers={"Origin": "http://nvr.test"})
        assert "Path=/watch/nvr/;" in login.headers["set-cookie"] + ";"
        assert (await client.get("/watch/nvr/api/me")).status_code == 200
        # A proxy may take the path away.
        assert (await client.get("/api/health")).status_code == 200
        assert (await client.get("/watch/nvrx/api/health")).status_code == 404
        assert (await client.get("/watch/nvr/watch/nvr/api/health")).status_code == 404
        schema = (await client.get("/watch/nvr/api/schema")).json()
        assert schema["servers"] == [{"url": "/watch/nvr"}]
        camera = {"id": "dock", "url": "rtsp://192.0.2.9/"}
        added = await client.post("/watch/nvr/api/cameras", json=camera, headers=world.bearer("admin"))
        assert added.headers["location"] == "/watch/nvr/api/cameras/dock"
        made = await client.post(
            "/watch/nvr/api/cameras/dock/addresses", json={"live": True}, headers=world.bearer("viewer")
        )
        assert made.json()["path"].startswith("/watch/nvr/api/watch/")
        assert (await client.get(made.json()["path"])).json()["code"] == "not_live"


# --- Caches
# ----------------------------------------------------------------------------------------------------------------------

# What is nobody's: the page's files, and what the operator shows to all.
KEPT = {
    "/": "no-cache",
    "/{name}": "no-cache",
    "/public": "no-cache",
    "/embed": "no-cache",
    "/assets/{name}": "public, max-age=31536000, immutable",
    "/api/public/hidden": "public, max-age=1, must-revalidate",
    "/api/public/cameras": "public, ",
    "/api/public/cameras/{camera}": "public, ",
    "/api/public/cameras/{camera}/picture.jpg": "public, ",
}


async def test_nothing_but_the_page_and_the_public_view_may_be_kept(world: World, app: Litestar) -> None:
    (world.folder / "dist" / "assets").mkdir(parents=True, exist_ok=True)
    for name in ("index.html", "name", "assets/name"):
        (world.folder / "dist" / name).write_text("x")
    seen = set()
    async with asking(app, public=True) as client:
        for role, methods in (
            (None, ("GET", "POST", "DELETE")),
            (Role.VIEWER, ("GET",)),
            (Role.ADMIN, ("GET",)),
        ):
            headers = {} if role is None else world.bearer(role)
            for route in app.routes:
                assert isinstance(route, HTTPRoute)
                template = re.sub(r":\w+}", "}", route.path)
                url = template.replace("{camera}", "gate").replace("{", "").replace("}", "")
                for method in methods:
                    more = "?start=2026-11-23T14:00:00Z&end=2026-11-23T14:10:00Z" if method == "GET" else ""
                    answer = await client.request(method, url + more, headers=headers)
                    kept = answer.headers.get("cache-control")
                    if answer.status_code == 200 and template in KEPT and method == "GET":
                        assert kept.startswith(KEPT[template]), (method, url, kept)
                        seen.add(template)
                    else:
                        assert kept == "no-store", (method, url, answer.status_code, kept)
    assert {"/", "/public", "/assets/{name}", "/api/public/cameras"} <= seen


def test_no_route_is_in_the_table_that_is_not_public(app: Litestar) -> None:
    public = set()
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        if any(handler.opt.get("action") == PUBLIC for handler in route.route_handlers):
            public.add(re.sub(r":\w+}", "}", route.path))
    assert public >= KEPT.keys()


async def test_a_logout_clears_what_the_browser_kept(world: World) -> None:
    async with served(world) as client:
        body = {"username": "vera", "password": PASSWORDS["vera"]}
        assert (await client.post("/api/login", json=body)).status_code == 200
        out = await client.post("/api/logout", headers={"Origin": "http://nvr.test"})
        assert (out.status_code, out.headers["clear-site-data"]) == (204, '"cache"')
