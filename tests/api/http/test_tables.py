"""Whatever outsiders can fill has a bound: every table that the API's process keeps is filled with ten times that."""

from __future__ import annotations

import asyncio
import collections
import functools
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from nvr import accounts
from nvr.access.snapshot import AccessSnapshot
from nvr.accounts.sessions import MOST_SESSIONS
from nvr.api import ApiSettings
from nvr.api.connections import Connections, Limits, Phase
from nvr.api.http import answer_cache, attempts, audited_looks, footage_leases
from nvr.api.http.allowance import Allowance
from nvr.api.http.ceremonies import RecentIds
from nvr.api.http.codes import CODES
from nvr.api.http.errors import ApiError
from nvr.api.http.pools import Pool, Shares, asker
from nvr.api.http.services import Services
from nvr.api.parsing import MOST_HEAD_BYTES
from nvr.cameras.fleet_rows import FleetRows
from nvr.devices.ptz.leases import PtzLeases
from nvr.playback import index_cache
from nvr.playback.activity_slices import SLICE_US, ActivitySlices
from nvr.playback.errors import NotLive
from nvr.playback.hls import live
from nvr.playback.live.channel import LiveViewer
from nvr.playback.live.parts import LiveParts
from nvr.playback.live.streams import LiveStreams, WatchedCamera
from storage.catalogue import audit, cameras, database, segments
from storage.catalogue.actors import of_user
from storage.catalogue.audit import Act
from storage.intervals import Interval
from storage.sentences import Sentence
from tests.api.catalogue import NOW, World
from tests.api.http.test_front import asking
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.support.waiting import until, until_async

TABLES = (dict, list, set, collections.deque, weakref.WeakSet)
# No table of ours is in these, or nothing of a request.
PLAIN = (str, bytes, int, float, bool, type(None), Path, type, Sentence)


def tables(root: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every table within an object of ours, by where it stands."""
    seen: set[int] = set()

    def within(one: object, at: str) -> Iterator[tuple[str, Any]]:
        if id(one) in seen or isinstance(one, PLAIN):
            return
        seen.add(id(one))
        if isinstance(one, TABLES):
            yield at, one
            return
        if type(one).__module__.partition(".")[0] not in ("nvr", "storage"):
            return
        names = [*getattr(one, "__dict__", ()), *getattr(type(one), "__slots__", ())]
        for name in names:
            if hasattr(one, name):
                yield from within(getattr(one, name), f"{at}.{name}")

    yield from within(root, path)


# Where each table of the services stands, and the test that fills it.
FILLED = {
    ".attempts._users._records": "attempts",
    ".attempts._addresses._records": "attempts",
    ".link_attempts._users._records": "attempts",
    ".link_attempts._addresses._records": "attempts",
    ".token_attempts._users._records": "attempts",
    ".token_attempts._addresses._records": "attempts",
    ".factor_attempts._users._records": "attempts",
    ".factor_attempts._addresses._records": "attempts",
    ".ceremonies._taken._ids": "ceremonies",
    ".logouts_seen._ids": "ceremonies",
    # One for each provider of the settings.
    ".conversations._open": "providers",
    ".views._seen": "looks",
    ".pools.*._of": "pools",
    ".reports_taken._of": "shares",
    ".clip_files._of": "shares",
    ".clip_bytes._of": "shares",
    ".refusals._counts": "refusals",
    ".indexes._kept": "indexes",
    ".live._watched": "live",
    ".leases._taken": "leases",
    ".leases._tasks": "leases",
    # As long as its answer is sent, so no more than there are connections.
    ".streams._open": "streams",
    ".public._kept": "answers",
    ".pictures._kept": "answers",
    # As many as there are cameras.
    ".fleet_rows._rows": "fleet",
    ".fleet_rows._gone": "fleet",
    ".fleet_rows._marks": "fleet",
    ".fleet_rows._revs": "fleet",
    # Each has a stream for watching of its own, and ends with it.
    ".live_parts._shown": "live_parts",
    ".citizen_reports._of": "allowance",
    ".activity._kept": "activity",
    ".activity._wanted": "activity",
    ".live_streams._live": "watching",
    ".live_streams._main": "watching",
    ".live_streams._lingering": "watching",
    ".live_streams._process._wanted": "watching",
    ".db.holdings": "holdings",
    ".db._readers": "readers",
    # One for each process, by a file's lines.
    ".db.keys._keys": "keys",
    # As many as there are cameras that may be moved, and requests under way.
    ".ptz.leases._held": "ptz",
    ".ptz._movers": "ptz",
    ".ptz._waiting": "ptz",
    ".ptz._tasks": "ptz",
    "._entering": "ptz",
    # There is one search at a time (``scan_running``).
    ".children": "scans",
}


def test_every_table_has_a_test_that_fills_it(app: Litestar) -> None:
    services: Services = app.state.services
    found = {path for path, _ in tables(services)}
    named = {path.replace(f".{name}._of", ".*._of") for path in found for name in [path.split(".")[2:3]][0] or [""]}
    # Settings and rules of the operator are no tables.
    named = {path for path in named if not path.startswith((".settings", ".live_streams._process._first"))}
    assert named - set(FILLED) == set(), "a table that nothing fills: give it a bound, and a test here"
    assert set(FILLED) - named <= {".db.keys._keys"}, "no such table any more"
    for name in set(FILLED.values()) - {"keys", "scans", "providers"}:
        assert f"test_{name}" in globals(), name


def test_ptz() -> None:
    leases = PtzLeases()
    leases.take("gate", "susi", "Susi", 40, 0)
    for number in range(200):
        leases.wish("gate", f"p{number}", "P", 10, 1)
    held = leases.of("gate", 1)
    assert held is not None and len(held.wishes) == 20


def test_attempts() -> None:
    counted = attempts.Attempts(most=50)
    for number in range(1000):
        counted.begin(f"user-{number}" * 100, f"203.{number >> 8}.{number & 255}.7")
    assert len(counted) == 2 * 50
    assert size_of(counted) < 100 * 600


def test_ceremonies() -> None:
    seen = RecentIds(50)
    assert all(seen.take(f"id-{number}") for number in range(500))
    assert not seen.take("id-499") and size_of(seen) < 50 * 300


def test_looks(world: World) -> None:
    views = audited_looks.Views(world.db, most=40)
    before = size_of(views)
    act = Act(of_user("user-1", "vera"), "203.0.113.7", "coverage", NOW)
    for number in range(400):
        views.enter(act, "gate" * 200, {"start": f"{number}" * 60}, NOW + number)
    assert len(views) == 40
    assert size_of(views) - before < 40 * 600
    # What nobody asks for any more goes by itself.
    views.enter(act, "yard", {}, NOW + 3600 * 1_000_000)
    assert len(views) == 1
    assert views.goes_on(act, "yard", {}, NOW + 3601 * 1_000_000)


def test_answers() -> None:
    kept = answer_cache.KeptAnswers(most=30, most_bytes=10_000)
    for number in range(300):
        kept.get(f"cam-{number}", NOW + number, 30, lambda: (b"x", "at"))
    assert (len(kept), kept.bytes) == (30, 30)
    for number in range(300):
        kept.get(f"cam-{number % 20}", NOW + number * 10**8, 30, lambda: (b"x" * 1000, "at"))
        assert kept.bytes <= 10_000
    assert len(kept) == 10
    assert kept.peek("cam-19", NOW + 299 * 10**8, 30) is not None
    kept.forget()
    assert (len(kept), kept.bytes) == (0, 0)


async def test_leases(world: World) -> None:
    pool = Pool("entries", 1, most=20, most_of_one=20)
    taken = footage_leases.Leases(world.db, lambda: NOW, pool, most=30)
    for number in range(300):
        taken.take("gate", Interval(NOW + number, NOW + number + 1))
    await taken.settled()
    await until_async(lambda: len(taken) == 30, "the ends of its tasks")
    assert pool.count == 0
    pool.close()


async def test_pools() -> None:
    go = threading.Event()
    pool = Pool("quick", 1, most=20, most_of_one=5)

    async def ask(number: int) -> None:
        asker.set(f"user-{number % 100}")
        await pool.run(go.wait, 20)

    asked = [asyncio.create_task(ask(number)) for number in range(200)]
    await until_async(lambda: sum(one.done() for one in asked) == 180, "what is refused")
    assert (pool.count, len(pool)) == (20, 20)
    go.set()
    refused = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, ApiError)]
    assert len(refused) == 180
    await until_async(lambda: len(pool) == 0, "nobody")
    pool.close()


def test_streams(world: World) -> None:
    services = Services(ApiSettings(catalogue=str(world.db.path), node="n1"))
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(services.streams.sending(lambda: True))
        assert len(services.streams) == 400
    assert len(services.streams) == 0
    services.db.close()


def test_what_is_remembered_of_grants(world: World) -> None:
    """Of one holder and one camera an entry, of which there are so many; with the next change all of them go."""
    with world.db.read() as conn:
        snapshot = AccessSnapshot.read(conn)
    before = size_of(snapshot)
    for number in range(10_000):
        snapshot.grants_on(f"user-{number}", f"camera-{number}")
    assert size_of(snapshot) - before < 1_000, "who has no grant, and what is no camera, is not remembered"


def test_fleet(world: World) -> None:
    rows = FleetRows(most=20)
    token, now_us = None, NOW
    for number in range(100):
        now_us += 3_000_000
        with world.db.write() as conn:
            cameras.add(
                conn, camera=f"passing-{number}", name="", source="catalogue", settings={}, labels={}, node="n1",
                epoch=1, at_us=now_us,
            )  # fmt: skip
        with world.db.read() as conn:
            token = rows.changes(conn, now_us, token, None).token
        now_us += 3_000_000
        with world.db.write() as conn:
            cameras.remove(conn, f"passing-{number}", at_us=now_us)
        with world.db.read() as conn:
            found = rows.changes(conn, now_us, token, None)
            assert not found.is_whole and found.gone == [f"passing-{number}"]
            again = rows.changes(conn, now_us, found.token, None)
            assert (again.token, again.rows, again.gone) == (found.token, [], [])
            token = found.token
    assert {path: len(table) for path, table in tables(rows)} == {
        "._rows": 3, "._gone": 20, "._marks": 20, "._revs": 20,
    }  # fmt: skip
    with world.db.read() as conn:
        for nonsense in ("", ".", "x.all", "9" * 6000 + ".all", f"{token}0"):
            assert rows.changes(conn, now_us, nonsense, None).is_whole


async def test_watching(world: World) -> None:
    watching = LiveStreams(world.db, index_cache.IndexCache(world.db), linger_s=0.0)
    camera = {"id": "yard", "url": "rtsp://127.0.0.1:9/live"}

    def held() -> list[tuple[str, Any]]:
        return [one for one in tables(watching) if one[0] in (".".join(["", *path.split(".")[2:]]) for path in FILLED)]

    for number in range(40):
        viewer = LiveViewer()
        with watching.watching(viewer, [WatchedCamera(f"cam-{number}", None), WatchedCamera(f"l-{number}", camera)]):
            assert sum(len(table) for _, table in held()) == 3
        await until_async(lambda: not any(table for _, table in held()), "the end of watching")
    await watching.close()


def test_allowance() -> None:
    now_s = [0.0]
    allowed = Allowance(most_of_one=2, most=400, seconds=60, clock=lambda: now_s[0], most_networks=40)
    for number in range(400):
        allowed.take(f"203.{number >> 8}.{number & 255}.7")
    assert len(allowed) == 40 and size_of(allowed) < 40 * 400
    with pytest.raises(ApiError):
        allowed.take("198.51.100.7")
    now_s[0] = 60
    for _ in range(2):
        allowed.take("198.51.100.7")
    with pytest.raises(ApiError):
        allowed.take("198.51.100.7")


async def test_live_parts(world: World) -> None:
    watching = LiveStreams(world.db, index_cache.IndexCache(world.db), linger_s=0.0)
    shown = LiveParts(watching)

    async def allowed() -> bool:
        return True

    async def ask(number: int) -> None:
        async def watched() -> WatchedCamera:
            return WatchedCamera(f"cam-{number}", None)

        await shown.playlist(f"cam-{number}", watched, allowed)

    asked = [asyncio.create_task(ask(number)) for number in range(480)]
    await until_async(lambda: sum(one.done() for one in asked) >= 432, "what is refused")
    assert len(shown.cameras) == 48
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await shown.close()
    await watching.close()


def test_activity(world: World) -> None:
    made = ActivitySlices(world.db, index_cache.IndexCache(world.db), most_bytes=2_000)
    for number in range(960):
        made.of("gate", number * SLICE_US)
    within = {path: table for path, table in tables(made) if path in ("._kept", "._wanted")}
    assert len(within["._wanted"]) <= 96
    until(lambda: not within["._wanted"], "what was wanted last")
    assert made.bytes <= 2_000 and 1 <= len(within["._kept"]) <= 5
    made.close()


def test_shares() -> None:
    shares = Shares(20, 3, Sentence("x"))
    taken = []
    for number in range(200):
        asker.set(f"user-{number % 10}")
        try:
            taken.append(shares.take())
        except ApiError as error:
            assert error.code == "busy"
    assert (shares.taken, len(shares), len(taken)) == (20, 10, 20)
    for give_back in taken + taken:
        give_back()
    assert (shares.taken, len(shares)) == (0, 0)
    # Alone, one is had however large it is.
    asker.set("somebody")
    large = shares.take(1_000)
    asker.set("somebody else")
    with pytest.raises(ApiError):
        shares.take()
    large()
    shares.take()()


async def test_reports_that_nobody_takes(app: Litestar, world: World) -> None:
    """Each is a file: who asks for many and reads none has a few, and gives them back when they leave."""
    services: Services = app.state.services
    query = "start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"
    token = world.bearer("investigator")["Authorization"].encode()
    scope = {
        "type": "http", "method": "GET", "path": "/api/gaps", "query_string": query.encode(), "http_version": "1.1",
        "headers": [(b"host", b"nvr.test"), (b"authorization", token)], "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    leaving = asyncio.Event()
    statuses: list[int] = []

    async def receive() -> dict[str, str]:
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif statuses[-1] == 200 or message.get("body"):
            await leaving.wait()

    asked = []
    for number in range(20):
        asked.append(asyncio.create_task(app(dict(scope), receive, send)))  # type: ignore[arg-type]
        await until_async(lambda number=number: len(statuses) > number, "an answer")
    assert sorted(statuses) == [200] * 6 + [503] * 14
    assert services.reports_taken.taken == 6
    leaving.set()
    await asyncio.gather(*asked, return_exceptions=True)
    await until_async(lambda: services.reports_taken.taken == 0, "the places given back")
    assert services.report_slots.acquire(timeout=5)


def test_indexes(tmp_path: Path) -> None:
    """A keyframe a segment, as a camera can have it whose connection breaks each second."""
    studio = Studio(tmp_path)
    studio.record(encode("h264", 200), START_US, segment_s=1)
    with studio.database.read() as conn:
        found = segments.between(conn, CAMERA, START_US - 10**9, START_US + 10**12)
    weights = []
    for row in found:
        alone = index_cache.IndexCache(studio.database)
        # What it is taken for is what it takes.
        assert size_of(alone.get(row).index) < 2 * alone.bytes
        weights.append(alone.bytes)
    cache = index_cache.IndexCache(studio.database, most_bytes=max(weights))
    for row, weight in zip(found, weights, strict=True):
        cache.get(row)
        assert (len(cache), cache.bytes) == (1, weight)
    studio.database.close()


async def test_live(world: World) -> None:
    # A watch ends as soon as it was answered, and long enough ago.
    watching = live.Live(world.db, index_cache.IndexCache(world.db), linger_s=-60.0)
    for number in range(20):
        with pytest.raises(NotLive):
            await watching.playlist(f"cam-{number}")
        await until_async(lambda: not watching.watched, "the end of watching")
        assert len(watching) <= 2
    await watching.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_readers(world: World) -> None:
    """A thread's connection ends with it."""

    def look() -> None:
        with world.db.read() as conn:
            conn.execute("SELECT count(*) FROM camera").fetchone()

    before, kept = descriptors(), world.db.readers
    for _ in range(50):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert world.db.readers == kept
    assert descriptors() <= before + 4


async def test_reports_leave_nothing_open(app: Litestar, world: World) -> None:
    """Each has a thread of its own, with a connection to the catalogue."""
    async with asking(app) as client:
        query = "start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"
        headers = world.bearer("investigator")
        assert (await client.get(f"/api/gaps?{query}", headers=headers)).status_code == 200
        before = descriptors()
        for _ in range(20):
            assert (await client.get(f"/api/gaps?{query}", headers=headers)).status_code == 200
        await until_async(lambda: descriptors() <= before + 4, "the ends of their threads")


@dataclass(eq=False)
class Stranger:
    """A connection that waits."""

    peer: str
    network: str
    phase: Phase = Phase.HEAD
    since_s: float = 0.0
    received_bytes: int = 0
    unsent_bytes: int = 0
    moved_s: float = 0.0
    has_answered: bool = False
    ended: list[str] = field(default_factory=list)

    @property
    def transport(self) -> Stranger:
        return self

    def abort(self) -> None:
        self.ended.append("abort")

    def is_closing(self) -> bool:
        return False

    def has_stalled(self, now_s: float, patience_s: float) -> bool:
        return False


async def test_connections(app: Litestar) -> None:
    services: Services = app.state.services
    guard = Connections(Limits(most=40, most_of_one=10), lambda: services.settings, services.refusals)
    strangers = [Stranger(f"203.0.113.{number % 100}", f"203.0.113.{number % 100}") for number in range(400)]
    for one in strangers:
        guard.add(one)
        assert guard.count == sum(map(len, guard.open.values())) <= 40
        assert max(map(len, guard.open.values())) <= 10
    assert sum(bool(one.ended) for one in strangers) == 360
    for one in strangers:
        guard.remove(one)
    assert (guard.count, guard.open) == (0, {})


async def test_sessions(world: World) -> None:
    with world.db.read() as conn:
        user = accounts.rows.find_user(conn, "vera")
    assert user is not None
    first = accounts.create_session(world.db, user, at_us=NOW)
    made = [accounts.create_session(world.db, user, at_us=NOW + number) for number in range(1, MOST_SESSIONS + 50)]
    with world.db.read() as conn:
        assert conn.execute("SELECT count(*) FROM session").fetchone()[0] == MOST_SESSIONS
    assert accounts.authenticate_session(world.db, first, at_us=NOW + 1000) is None
    assert accounts.authenticate_session(world.db, made[-1], at_us=NOW + 1000) is not None
    assert accounts.authenticate_session(world.db, made[-MOST_SESSIONS], at_us=NOW + 1000) is not None


def size_of(root: object) -> int:
    """Roughly what an object and all that it alone leads to take, in bytes; of programs nothing counts."""
    seen: set[int] = set()
    rest, size = [root], 0
    while rest:
        one = rest.pop()
        if id(one) in seen or isinstance(one, type) or (callable(one) and not hasattr(one, "cache_info")):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        rest += gc.get_referents(one)
    return size


@functools.lru_cache(maxsize=1)
def size_of_text(text: str) -> int:
    return len(text)


def remembered() -> dict[str, Any]:
    """Every cache of results in this process."""
    found = (one for one in gc.get_objects() if isinstance(one, type(size_of_text)))
    return {f"{one.__module__}.{getattr(one, '__qualname__', one.__wrapped__)}": one for one in found}


# Without a bound, and of nothing that is asked.
FIXED = {
    "nvr.api.app._registered",
    "nvr.config.zone._table",
    "nvr.texts.words.words",
    "nvr.accounts.passwords._nobodys_hash",
    "nvr.api.http.front._own_names",
    "nvr.api.http.schema.Describer._make",
    "nvr.reports.html_page._templates",
    "storage.integrity.schema._expected",
}


def test_what_is_remembered_for_ever_is_of_the_program() -> None:
    endless = {
        name
        for name, one in remembered().items()
        if one.cache_info().maxsize is None and name.startswith(("nvr", "st"))
    }
    assert endless <= FIXED


async def test_refusals(app: Litestar, world: World) -> None:
    """Strangers' paths, queries, cookies and headers, ten times as many as the framework keeps, as large as they are
    let through."""
    before = {name: size_of(one) for name, one in remembered().items()}
    app_caches = ("litestar", "urllib", "nvr", "storage")
    async with asking(app) as client:
        for number in range(200):
            size = MOST_HEAD_BYTES // 4
            await client.get("/" + f"{number:05}x" * 2_000)
            await client.get("/" + f"{number:05}x" * 150)
            pairs = "&".join(f"{number:04}{n}=" for n in range(size // 10))
            await client.get(f"/api/watch/{number}/snapshot.jpg?{pairs}")
            await client.get("/api/cameras", headers={"Cookie": ";".join(f"{number}{n}=" for n in range(size // 8))})
            await client.get("/api/cameras", headers={"Cookie": f"nvr_session={number:05}{'x' * size}"})
            await client.get("/", headers={"Host": f"a{number}.example", "Origin": f"http://{number}{'y' * 200}"})
            await client.post("/api/links/open", json={"link": f"{number}." + "z" * 8_000})
            await client.get("/api/me", headers={"Authorization": f"Bearer nvr_{number:05}{'t' * 200}"})
    # What it comes to once the cache is full.
    full = {
        name: (size_of(one) - before.get(name, 0)) * info.maxsize / max(1, info.currsize)
        for name, one in remembered().items()
        if name.startswith(app_caches) and (info := one.cache_info()).maxsize is not None
    }
    assert {name: size for name, size in full.items() if size > 6_000_000} == {}
    assert sum(full.values()) < 20_000_000
    services: Services = app.state.services
    assert set(services.refusals.counts()) <= set(CODES)
    assert services.refusals.counts()["not_found"] >= 200


def test_holdings(world: World) -> None:
    db = database.Database(world.db.path, durable=False)
    for number in range(2_000):
        act = Act(of_user("user-1", "vera"), "203.0.113.7", f"work-{number}", NOW)
        with audit.acting(act), db.write() as conn:
            conn.execute("UPDATE meta SET value = value WHERE key = 'rev'")
    assert len(db.holdings) == 201
    assert db.holdings["others"].count == 1_800
    db.close()
