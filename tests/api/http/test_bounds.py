"""Numbers, depth and size of everything that comes in: refused with words, never a fault of the server."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.api.http.bounds import MOST_DEPTH, MOST_VALUES, check_json
from nvr.api.http.errors import ApiError
from nvr.log import PerMinute
from tests.api.catalogue import World
from tests.api.http.test_access import declared
from tests.api.http.test_texts import bodies
from tests.nightly import IS_NIGHT

Client = AsyncTestClient[Litestar]

HUGE = "99999999999999999999"
# As a query, a path or a header has them.
TEXTS = [HUGE, f"-{HUGE}", "-1", "0", "NaN", "1e999", "", "%00", "%ED%A0%80", "%FF", "9" * 5000]
# As JSON has them.
VALUES = [
    HUGE,
    f"-{HUGE}",
    "9223372036854775808",
    "-1",
    "0",
    "NaN",
    "1e999",
    '""',
    '"\\u0000"',
    '"\\ud800"',
    "null",
    "[]",
]
VALUES += [
    "{}",
    "9" * 5000,
    "[" * 100 + "]" * 100,
    "1." + "1" * 5000,
    '{"a":' * 30 + "1" + "}" * 30,
    '"' + "9" * 400 + '"',
]
HEADERS = [
    "Range",
    "If-Range",
    "If-None-Match",
    "Last-Event-ID",
    "Content-Length",
    "Accept-Encoding",
    "X-Forwarded-For",
]
GOOD = {"camera": "gate", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:00:30Z", "at": "2026-11-23T14:00:05Z"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 50_000, "invalid_request"),
        (b"[" * (MOST_DEPTH + 1), "invalid_request"),
        (b'{"a":' * (MOST_DEPTH + 1), "invalid_request"),
        (b"[" + b"1," * (MOST_VALUES + 1), "too_large"),
        (b"[]" * (MOST_VALUES + 1), "too_large"),
        (b"[1" + b"0" * 60 + b"]", "invalid_request"),
        (b"[1e" + b"9" * 60 + b"]", "invalid_request"),
    ],
)
def test_what_is_beyond_is_not_parsed(body: bytes, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_json(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MOST_DEPTH + b"]" * MOST_DEPTH,
        b'"' + b"[" * 1000 + b'"',
        b'"\\"' + b"{" * 1000 + b'\\\\"',
        b'["' + b"9" * 1000 + b'"]',
        b'"' + b"," * (2 * MOST_VALUES) + b'"',
        b"",
    ],
)
def test_what_is_text_is_no_structure(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 1_000_000, b'"' * 2_000_000, b'"\\a' * 1_000_000, b"\\" * 2_000_000])
def test_the_look_takes_time_in_proportion(body: bytes) -> None:
    began = time.process_time()
    check_json(body)
    assert time.process_time() - began < 3


async def test_nested_bodies_are_refused_by_every_route(app: Litestar, client: Client, world: World) -> None:
    for method, path in sorted(declared(app), key=str):
        if method not in ("POST", "PATCH"):
            continue
        for body in (b"[" * 50_000, b'{"a":' * 20_000):
            answer = await client.request(
                method,
                re.sub(r"[{}]", "", path),
                content=body,
                headers={"Content-Type": "application/json", **world.bearer(Role.ADMIN)},
            )
            # A route that takes no body does what it does.
            assert answer.status_code < 500, (method, path, answer.text)


async def test_what_is_public_takes_only_small_bodies(client: Client) -> None:
    body = json.dumps({"username": "x" * 20_000, "password": "y"})
    for path in ("/api/login", "/api/links/open"):
        answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def fine(answer: httpx.Response) -> bool:
    """The footage of the catalogue here is none, and there are no cameras to look at."""
    return answer.status_code < 500 or answer.json()["code"] in ("footage_damaged", "probe_failed")


async def test_no_parameter_fails_the_server(app: Litestar, client: Client, world: World) -> None:
    """Each parameter of each route, in query and path, with each of the texts; the others as they should be."""
    schema = (await client.get("/api/schema", headers=world.bearer(Role.ADMIN))).json()
    count = 0
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method != "get":
                continue
            known = [p for p in operation.get("parameters", []) if p["in"] in ("query", "path")]
            for wrong in known:
                texts = TEXTS if wrong["in"] == "query" else TEXTS[:5] + TEXTS[7:10]
                for text in texts if IS_NIGHT else random.sample(texts, 4):
                    values = {p["name"]: GOOD.get(p["name"], "x") for p in known if p["in"] == "path"}
                    query = {p["name"]: GOOD[p["name"]] for p in known if p["in"] == "query" and p["name"] in GOOD}
                    (values if wrong["in"] == "path" else query)[wrong["name"]] = text
                    url = re.sub(r"\{(\w+)\}", lambda m, v=values: v[m[1]], path)
                    url += "?" + "&".join(f"{k}={v}" for k, v in query.items())
                    answer = await client.get(url, headers=world.bearer(Role.ADMIN))
                    assert fine(answer), (url, answer.status_code, answer.text[:500])
                    count += 1
    assert count > 150


def spliced(body: Any) -> Iterator[Any]:
    """The body with a mark in place of each of its values, one after the other."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield {**body, key: "<here>"}
            yield from ({**body, key: inner} for inner in spliced(value))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield [*body[:index], "<here>", *body[index + 1 :]]
            yield from ([*body[:index], inner, *body[index + 1 :]] for inner in spliced(value))


async def test_no_body_fails_the_server(app: Litestar, client: Client, world: World) -> None:
    count = 0
    for method, path, body in bodies(app):
        if path.startswith("/api/login"):
            continue  # guessing is slowed down
        for whole in spliced(body):
            text = json.dumps(whole)
            for value in VALUES if IS_NIGHT else random.sample(VALUES, 5):
                answer = await client.request(
                    method,
                    path,
                    content=text.replace('"<here>"', value),
                    headers={"Content-Type": "application/json", **world.bearer(Role.ADMIN)},
                )
                assert fine(answer), (method, path, value[:60], whole, answer.text)
                count += 1
    assert count > 400


async def test_no_header_fails_the_server(app: Litestar, client: Client, world: World) -> None:
    texts = [HUGE, f"-{HUGE}", "-1", "0", "NaN", "1e999", "", "\xff", "9" * 5000, f"bytes={HUGE}-", f"bytes=0-{HUGE}"]
    texts += [f"bytes=-{HUGE}", "bytes=" + "9" * 5000 + "-", "bytes=" + "0-1," * 2000, "bytes=1-0", f'"{"x" * 5000}"']
    paths = [
        "/api/cameras",
        "/api/cameras/gate/snapshot.jpg",
        "/api/cameras/gate/clip.mp4",
        "/",
    ]
    query = "?start=2026-11-23T14:00:00Z&end=2026-11-23T14:00:30Z&at=2026-11-23T14:00:05Z"
    for path in paths:
        for name in HEADERS:
            for text in texts:
                headers = [(b"authorization", world.bearer(Role.ADMIN)["Authorization"].encode())]
                headers.append((name.lower().encode(), text.encode("latin-1")))
                answer = await client.get(path + query, headers=headers)
                assert fine(answer), (path, name, text[:60], answer.text[:300])


async def test_a_number_the_database_can_not_hold_is_a_wrong_parameter(client: Client, world: World) -> None:
    answer = await client.get(f"/api/audit?before={HUGE}", headers=world.bearer(Role.ADMIN))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_refusals_are_numbers_in_the_metrics(client: Client, world: World) -> None:
    for _ in range(3):
        await client.get("/api/cameras")
    await client.get("/api/cameras", headers={"Host": "evil.example.com"})
    text = (await client.get("/metrics", headers=world.bearer(Role.VIEWER))).text
    assert 'nvr_api_refused_total{code="not_authenticated"} 3.0' in text
    assert 'nvr_api_refused_total{code="wrong_host"} 1.0' in text


async def test_failed_logins_enter_so_many_lines_a_minute(app: Litestar, client: Client, world: World) -> None:
    clock = [0.0]
    app.state.services.failures_entered = PerMinute(3, lambda: clock[0])
    for number in range(8):
        await client.post("/api/login", json={"username": f"nobody{number}", "password": "x"})
    clock[0] = 61.0
    await client.post("/api/login", json={"username": "vera", "password": "x"})
    with world.db.read() as conn:
        rows = conn.execute("SELECT detail FROM audit WHERE action = 'login_failed' ORDER BY seq").fetchall()
    assert [json.loads(row[0]) for row in rows] == [{"user": None}] * 3 + [{"left_out": 5, "user": "vera"}]
