"""The page's files; compression."""

from __future__ import annotations

import gzip

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.http.respond import accepts_gzip, matches_etag
from tests.api.catalogue import World

Client = AsyncTestClient[Litestar]


async def test_the_page(client: Client, world: World) -> None:
    missing = await client.get("/")
    assert (missing.status_code, missing.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "npm run build" in missing.text
    dist = world.folder / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><p>" + "x" * 2000)
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "index-abc123.js").write_text("1")
    (world.folder / "secret.txt").write_text("secret")
    page = await client.get("/")
    assert page.headers["content-encoding"] == "gzip"
    assert page.text.startswith("<!doctype html>")
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "media-src 'self' blob:" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in part for part in policy)
    assert (await client.get("/", headers={"If-None-Match": page.headers["etag"]})).status_code == 304
    script = await client.get("/assets/index-abc123.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await client.get("/favicon.svg")).headers["content-type"].startswith("image/svg+xml")
    for path in (
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets",
        "/nothing.js",
        "/.env",
        "/assets/..%5c",
        "/api",
        "/api/nothing",
    ):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["code"] == "not_found"


async def test_large_json_is_compressed_where_welcome(client: Client, world: World) -> None:
    world.tick_us = 0
    viewer = world.bearer("viewer")
    plain = await client.get("/api/cameras", headers={**viewer, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with client.stream("GET", "/api/cameras", headers={**viewer, "Accept-Encoding": "gzip, br"}) as packed:
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == plain.content


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("gzip;q=0", False),
        ("identity", False),
        ("x-gzipped", False),
    ],
)
def test_accepts_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_matches_etag() -> None:
    assert matches_etag('"a", W/"b"', '"b"')
    assert matches_etag("*", '"b"')
    assert not matches_etag('"a"', '"b"')
    assert not matches_etag(None, '"b"')
