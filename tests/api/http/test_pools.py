"""No kind of work that requests have done keeps another kind waiting, and what waits is bounded."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.api.http.errors import ApiError
from nvr.api.http.pools import Pool, Pools, SharedCall, asker
from tests.api.catalogue import World
from tests.api.http.test_front import asking
from tests.api.http.test_process import running
from tests.support.waiting import until

Client = AsyncTestClient[Litestar]

# What each kind of work is asked for by, and who may.
ASKED = {
    "health": ("/api/health", None),
    "metrics": ("/metrics", Role.VIEWER),
    "strangers": ("/", None),
    "quick": ("/api/cameras", Role.VIEWER),
    "heavy": ("/api/cameras/gate/coverage?start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z", Role.VIEWER),
}
KINDS = [pool.name for pool in Pools().all()]


@contextmanager
def kept_busy(pool: Pool) -> Iterator[None]:
    """All threads of a pool, and some more that wait."""
    go = threading.Event()
    held = [pool._threads.submit(go.wait, 20) for _ in range(pool._threads._max_workers + 5)]
    try:
        yield
        assert not any(one.done() for one in held)
    finally:
        go.set()


@pytest.mark.parametrize("kind", KINDS)
async def test_one_kind_does_not_keep_others(kind: str, app: Litestar, client: Client, world: World) -> None:
    pool = {pool.name: pool for pool in app.state.services.pools.all()}[kind]
    with kept_busy(pool):
        for other, (path, role) in ASKED.items():
            # Whose a token is has to be known first.
            if other == kind or (kind == "known" and role is not None):
                continue
            answer = await client.get(path, headers={} if role is None else world.bearer(role))
            assert answer.status_code in (200, 404), (other, answer.text)


async def test_what_waits_is_bounded_in_all_and_of_one() -> None:
    pool, go = Pool("test", 1, most=6, most_of_one=4), threading.Event()

    async def ask(who: str) -> str:
        asker.set(who)
        try:
            return "done" if await pool.run(go.wait, 20) else "waited too long"
        except ApiError as error:
            assert error.headers["Retry-After"]
            return error.code

    one = [asyncio.create_task(ask("one")) for _ in range(10)]
    await asyncio.sleep(0)
    others = [asyncio.create_task(ask(f"other-{number}")) for number in range(5)]
    # A client that leaves.
    await asyncio.sleep(0)
    one[3].cancel()
    go.set()
    assert sorted(await asyncio.gather(*one[:3], *one[4:])) == ["busy"] * 6 + ["done"] * 3
    assert sorted(await asyncio.gather(*others)) == ["busy"] * 3 + ["done"] * 2
    # Nothing is counted that has ended.
    assert await asyncio.gather(*(ask("one") for _ in range(4))) == ["done"] * 4
    pool.close()


def client_of(port: int) -> httpx.Client:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits)


def test_changes_that_wait_for_the_catalogue_keep_nobody_who_watches(world: World) -> None:
    """The process as it is; another program has the catalogue's lock, and 60 changes wait for it."""
    headers = world.bearer(Role.ADMIN)
    with running(world) as api, ThreadPoolExecutor(60) as clients, client_of(api.hear()["port"]) as http:
        http.get("/api/cameras", headers=headers)
        other = sqlite3.connect(world.db.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            hold = {"camera": "gate", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z", "reason": "x"}
            waiting = [clients.submit(http.post, "/api/holds", json=hold, headers=headers) for _ in range(60)]
            # Until all that may wait do, and the others were refused.
            until(lambda: sum(one.done() for one in waiting) >= 28, within_s=30, look_s=0.05)
            for path, role in ASKED.values():
                assert http.get(path, headers={} if role is None else headers).status_code in (200, 404)
            assert sum(not one.done() for one in waiting) >= 30
        finally:
            other.execute("ROLLBACK")
        codes = [one.result().status_code for one in waiting]
        assert codes.count(201) >= 30 and set(codes) == {201, 503}


def test_a_flood_of_logins_is_bounded_and_keeps_nobody_who_watches(world: World) -> None:
    """From one address and from many; passwords cost here what they cost."""
    headers = world.bearer(Role.VIEWER)
    with (
        running(world, trusted_proxies=["127.0.0.1"]) as api,
        ThreadPoolExecutor(200) as clients,
        client_of(api.hear()["port"]) as http,
    ):

        def login(name: str, address: str) -> httpx.Response:
            body = {"username": name, "password": "guess-guess"}
            return http.post("/api/login", json=body, headers={"X-Forwarded-For": address})

        http.get("/metrics", headers=headers)
        one = [clients.submit(login, f"u{number}", "192.0.2.1") for number in range(25)]
        many = [clients.submit(login, "vera", f"198.51.100.{number}") for number in range(175)]
        for path, role in ASKED.values():
            assert http.get(path, headers={} if role is None else headers).status_code in (200, 404)
        answers = [future.result() for future in one + many]
        assert {answer.status_code for answer in answers} == {401, 429}
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) > 50
        assert all(answer.headers["Retry-After"] for answer in refused)


async def test_what_was_found_just_now_is_told_again() -> None:
    pool, calls = Pool("x", 1, most=4, most_of_one=4), []
    shared = SharedCall(pool, fresh_s=0.3)
    for _ in range(5):
        assert await shared.ask(lambda: calls.append(1) or len(calls)) == 1
    await asyncio.sleep(0.31)  # sleep: what it says is old then
    assert await shared.ask(lambda: calls.append(1) or len(calls)) == 2
    pool.close()


async def test_health_answers_though_the_catalogue_does_not(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its disk is busy for seconds: whoever watches is told within one, and one reading is for all who ask."""
    services, goes_on, readings = app.state.services, threading.Event(), []
    real = services.db.read

    @contextmanager
    def slow() -> Iterator[sqlite3.Connection]:
        readings.append(threading.current_thread().name)
        assert goes_on.wait(60)
        with real() as conn:
            yield conn

    monkeypatch.setattr(services.db, "read", slow)
    client = asking(app)
    began = time.monotonic()
    answers = await asyncio.gather(*(client.get("/api/health") for _ in range(50)))
    assert time.monotonic() - began < 10, "0.7 s, and what a busy machine takes"
    for answer in answers:
        assert answer.status_code == 200
        assert [problem["code"] for problem in answer.json()["problems"]] == ["catalogue_unavailable"]
    assert readings == ["api-health_0"]
    goes_on.set()
    answer = await client.get("/api/health")
    assert "catalogue_unavailable" not in answer.text
    assert answer.json()["status"] in ("ok", "degraded")
    await client.aclose()
