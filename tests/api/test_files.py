"""Recorded bytes, inits, the page's files; compression."""

from __future__ import annotations

import gzip

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.respond import accepts_gzip, matches_etag
from storage import segments
from storage.segments import Key
from tests.api.catalogue import INIT, NOW, SEGMENT_BYTES, T0, S, World

Client = AsyncTestClient[Litestar]
CLOSED = f"/api/cameras/gate/segments/{T0}-1-n1.mp4"
GROWING = f"/api/cameras/gate/segments/{T0 + 1800 * S}-1-n1.mp4"


async def test_a_closed_segment_never_changes(client: Client, world: World) -> None:
    viewer = world.bearer("viewer")
    answer = await client.get(CLOSED, headers={**viewer, "Accept-Encoding": "gzip"})
    assert answer.content == SEGMENT_BYTES
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(SEGMENT_BYTES))
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "content-encoding" not in answer.headers
    again = await client.get(CLOSED, headers={**viewer, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    part = await client.get(CLOSED, headers={**viewer, "Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, SEGMENT_BYTES[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(SEGMENT_BYTES)}"
    stale = await client.get(CLOSED, headers={**viewer, "Range": "bytes=100-299", "If-Range": '"older"'})
    assert stale.status_code == 200
    beyond = await client.get(CLOSED, headers={**viewer, "Range": f"bytes={len(SEGMENT_BYTES)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(SEGMENT_BYTES)}"
    head = await client.head(CLOSED, headers=viewer)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SEGMENT_BYTES)))


async def test_a_growing_segment_is_not_kept(client: Client, world: World) -> None:
    answer = await client.get(GROWING, headers=world.bearer("viewer"))
    assert answer.content == SEGMENT_BYTES
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_a_segment_that_closes_meanwhile_keeps_its_address(client: Client, world: World) -> None:
    key = Key("gate", T0 + 1800 * S, "n1", 1)
    with world.db.write() as conn:
        before = segments.get(conn, key)
        segments.finish(conn, key, end_us=NOW, media_end=1, frames=1, bytes_=1, sha256=None)
        after = segments.get(conn, key)
    assert before and after
    before.path.rename(after.path)
    answer = await client.get(GROWING, headers=world.bearer("viewer"))
    assert answer.content == SEGMENT_BYTES
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    [
        "x.mp4",
        f"{T0}-1-n2.mp4",
        f"{T0}-2-n1.mp4",
        f"{T0}-1-n1",
        "..%2F..%2Fetc%2Fpasswd",
        f"{T0}-1-n1.mp4%00",
        "9" * 30 + "-1-n1.mp4",
    ],
)
async def test_no_such_segment(client: Client, world: World, name: str) -> None:
    answer = await client.get(f"/api/cameras/gate/segments/{name}", headers=world.bearer("viewer"))
    assert answer.status_code == 404


async def test_a_segment_whose_file_is_gone(client: Client, world: World) -> None:
    with world.db.read() as conn:
        segment = segments.get(conn, Key("gate", T0, "n1", 1))
    assert segment
    segment.path.unlink()
    answer = await client.get(CLOSED, headers=world.bearer("viewer"))
    assert (answer.status_code, answer.json()["code"]) == (404, "segment_not_found")


async def test_an_init(client: Client, world: World) -> None:
    viewer = world.bearer("viewer")
    answer = await client.get(f"/api/inits/{INIT.id}.mp4", headers=viewer)
    assert answer.content == INIT.data
    assert "immutable" in answer.headers["cache-control"]
    part = await client.get(f"/api/inits/{INIT.id}.mp4", headers={**viewer, "Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, INIT.data[:4])
    again = await client.get(f"/api/inits/{INIT.id}.mp4", headers={**viewer, "If-None-Match": f'W/"{INIT.id}"'})
    assert again.status_code == 304
    for name in ("cd" * 32 + ".mp4", "x.mp4", INIT.id):
        missing = await client.get(f"/api/inits/{name}", headers=viewer)
        assert (missing.status_code, missing.json()["code"]) == (404, "init_not_found")


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
