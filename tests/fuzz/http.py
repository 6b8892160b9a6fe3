"""Any request to any route, by anybody: nothing fails the server, tells a secret, or takes long.

Invariant: a run is told by its seed; the request that failed is printed so that it can be asked again.
"""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import argon2
import httpx
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts import passwords
from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.playback.hls import live_window
from tests.api import catalogue
from tests.api.http.test_access import declared
from tests.api.http.test_texts import bodies
from tests.fuzz.values import NUMBERS, bounded, json_body, mutated, text

__all__ = ["Outcome", "fuzz"]

# Of the cameras of the catalogue, and of the users.
_SECRETS: Final = ("s3cret-s3cret", *catalogue.PASSWORDS.values())
_LONGEST_S: Final = 5.0
# What the catalogue's footage, which is none, and its cameras, which are not there, are answered with.
_EXPECTED: Final = ("footage_damaged", "probe_failed", "busy", "catalogue_unavailable")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]")
_HEADERS: Final = (
    "Range",
    "If-Range",
    "If-None-Match",
    "Accept-Encoding",
    "Cookie",
    "Origin",
    "Sec-Fetch-Site",
    "Content-Type",
    "X-Forwarded-For",
    "Accept",
    "User-Agent",
    "Authorization",
    "Host",
)
# Connects to whatever it is told to.
_LEFT_OUT: Final = ("/api/probe",)
# A new catalogue now and then: what requests have made must not be all there is.
_REQUESTS_A_WORLD: Final = 5_000


@dataclass
class Outcome:
    """What a run found."""

    requests: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def fuzz(seed: int, seconds: float, *, most_faults: int = 10, least: int = 0) -> Outcome:
    """Asks for so long, and ``least`` times, however long that takes."""
    outcome = Outcome()
    rng = random.Random(seed)
    # As long as a password's hash takes, nothing is fuzzed.
    passwords._HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobodys_hash.cache_clear()
    # Nor as long as a playlist waits for footage that can be read, of which there is none.
    live_window._LEAST_TARGET_S = 0.1  # type: ignore[assignment, misc]
    began = time.monotonic()
    while len(outcome.faults) < most_faults:
        left_s = seconds - (time.monotonic() - began)
        if left_s <= 0 and outcome.requests >= least:
            break
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_world(rng, Path(folder), outcome, left_s, most_faults, least))
    outcome.seconds = time.monotonic() - began
    return outcome


async def _world(
    rng: random.Random, folder: Path, outcome: Outcome, seconds: float, most_faults: int, least: int
) -> None:
    world = catalogue.make(folder)
    settings = ApiSettings(catalogue=str(world.db.path), node="n1", zone="Asia/Jakarta", public=True)
    app = create_app(settings, now_us=world.read_clock)
    routes = [route for route in sorted(declared(app), key=str) if not any(part in route[1] for part in _LEFT_OUT)]
    shapes = {(method, path): body for method, path, body in bodies(app)}
    until = time.monotonic() + seconds
    async with AsyncTestClient(app, base_url="http://nvr.test") as client:
        parameters, documented = await _described(client, world)
        for _ in range(_REQUESTS_A_WORLD):
            is_over = time.monotonic() > until and outcome.requests >= least
            if is_over or len(outcome.faults) >= most_faults:
                break
            await _ask(rng, client, world, routes, shapes, parameters, documented, outcome)
    world.db.close()


async def _described(
    client: AsyncTestClient[Litestar], world: catalogue.World
) -> tuple[dict[tuple[str, str], list[str]], dict[tuple[str, str], set[int]]]:
    """By route, the names of its query parameters, and the statuses that the description says it answers with."""
    schema = (await client.get("/api/schema", headers=world.bearer(Role.ADMIN))).json()
    operations = {
        (method.upper(), path): operation
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    }
    return (
        {key: [p["name"] for p in one.get("parameters", []) if p["in"] == "query"] for key, one in operations.items()},
        {key: {int(status) for status in one["responses"]} for key, one in operations.items()},
    )


def _query_value(rng: random.Random, name: str, value: Callable[[], str]) -> str:
    if name in ("camera", "main") and rng.random() < 0.7:
        return rng.choice(("gate", "hall", "yard"))
    return bounded(name, value())


async def _ask(
    rng: random.Random,
    client: AsyncTestClient[Litestar],
    world: catalogue.World,
    routes: list[tuple[str, str]],
    shapes: dict[tuple[str, str], Any],
    parameters: dict[tuple[str, str], list[str]],
    documented: dict[tuple[str, str], set[int]],
    outcome: Outcome,
) -> None:
    method, path = rng.choice(routes)

    def value() -> str:
        return quote(
            (rng.choice(NUMBERS) if rng.random() < 0.3 else text(rng)).encode("utf-8", "surrogatepass"), safe=""
        )

    url = re.sub(r"\{\w+\}", lambda _: rng.choice(("gate", "hall", value() or "x")), path)
    names = [name for name in parameters.get((method, path), []) if rng.random() < 0.7]
    # Some are taken several times.
    names += rng.choices(names, k=rng.choice((0, 0, 0, 2, 20))) if names else []
    if names or rng.random() < 0.1:
        given = [(name, _query_value(rng, name, value)) for name in [*names, *(["x"] if rng.random() < 0.1 else [])]]
        url += "?" + "&".join(f"{name}={text}" for name, text in given)
    headers: list[tuple[bytes, bytes]] = []
    if rng.random() < 0.9:
        role = rng.choice((Role.ADMIN, Role.ADMIN, Role.INVESTIGATOR, Role.VIEWER))
        headers.append((b"authorization", world.bearer(role)["Authorization"].encode()))
    for name in rng.sample(_HEADERS, rng.choice((0, 0, 0, 1, 2))):
        given = re.sub(rb"[\r\n\x00]", b"", text(rng).encode("utf-8", "surrogatepass"))
        headers.append((name.lower().encode(), given.strip()))
    content = b""
    if method in ("POST", "PATCH"):
        shape = shapes.get((method, re.sub(r"\{[^}]*\}", "x", path)))
        content = mutated(rng, shape) if shape is not None and rng.random() < 0.7 else json_body(rng)
        headers.append((b"content-type", rng.choice((b"application/json", b"application/json", b"text/csv", b""))))
    # Of computing: others' load must not make a fault.
    began, began_cpu = time.monotonic(), time.process_time()
    what = f"{method} {url[:500]} {headers} {content[:500]!r}"
    try:
        answer = await client.request(method, url, content=content, headers=headers, follow_redirects=False)
    except (httpx.InvalidURL, httpx.LocalProtocolError):
        return  # the client refuses to ask that
    except Exception as error:
        outcome.faults.append(f"{what}: {type(error).__name__}: {error}")
        return
    took_s = time.monotonic() - began
    outcome.requests += 1
    outcome.slowest_s = max(outcome.slowest_s, took_s)
    outcome.statuses[answer.status_code] += 1
    wrong = _wrong(answer, time.process_time() - began_cpu)
    # A value with a slash makes it another address, which is not found.
    known = {*documented.get((method, path), {answer.status_code}), 404}
    if "/.." in url:
        # The client takes it away, with the part before it: another route.
        known.add(405)
    if wrong is None and answer.status_code not in known:
        wrong = "not a status that the description has of this route"
    if wrong is not None:
        outcome.faults.append(f"{what}: {answer.status_code} in {took_s:.1f} s: {wrong}: {answer.text[:500]!r}")


def _wrong(answer: httpx.Response, took_s: float) -> str | None:
    """What an answer must not be."""
    kind = answer.headers.get("content-type", "")
    if took_s > _LONGEST_S:
        return "took long"
    if answer.status_code >= 400:
        if answer.request.method != "HEAD" and kind != "application/problem+json":
            return "no problem+json"
        code = answer.json()["code"]
        if answer.status_code >= 500 and code not in _EXPECTED:
            return "a fault of the server"
    if "json" in kind or kind.startswith("text/"):
        if any(secret in answer.text for secret in _SECRETS) and "passwords=yes" not in str(answer.request.url):
            return "a secret"
        if "json" in kind and (found := _CONTROLS.search(answer.text)) is not None:
            return (
                f"a control character {found[0]!r} in {answer.text[max(0, found.start() - 200) : found.end() + 60]!r}"
            )
    return None
