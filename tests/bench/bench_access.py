"""What deciding costs: a city's cameras, ten thousand grants; one decision, one list, reading it all anew, and what of
whole requests it is: two servers of one catalogue are asked the same by turns, one of which lets everybody do
everything without looking. ``python -m tests.bench.bench_access [cameras] [grants] [asks]``"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from nvr import accounts
from nvr.access import rows as grants
from nvr.access.decide import Decision, Outcome
from nvr.access.model import ALWAYS
from nvr.access.roles import AccessAction, Role
from nvr.access.snapshot import AccessSnapshot, AccessSnapshots, Rights, Sight
from nvr.api import ApiSettings, create_app
from nvr.api.server import bind
from storage.catalogue import cameras
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.database import Database
from storage.intervals import Interval
from tests.bench.machine import describe

__all__ = ["measure", "measure_routes"]

DISTRICTS = 16
KELURAHAN = 177
RANGE: Final = "start=2026-11-23T14:00:00Z&end=2026-11-23T14:05:00Z"
ROUTES: Final = (
    "/api/me",
    "/api/cameras/camera-3",
    f"/api/cameras/camera-3/coverage?{RANGE}",
    f"/api/playback/coverage?camera=camera-3&camera=camera-4&{RANGE}",
    f"/api/bookmarks?camera=camera-3&{RANGE}",
    "/api/orders",
    "/api/cameras",
)
# Of a list of thousands fewer suffice.
_FEWER: Final = {"/api/cameras": 20}
_MOST_US: Final = {"decision, cached": 50, "list, first": 50_000, "list, cached": 50_000}
_MOST_SHARE: Final = 1.02
# In miniature figures say nothing.
_ENOUGH: Final = 1000


def fill(db: Database, n_cameras: int, n_grants: int) -> None:
    """Cameras with a city's labels, and grants of all kinds, 20 of one holder."""
    chance = random.Random(7)
    with db.write() as conn:
        for n in range(n_cameras):
            labels = {"district": f"d{n % DISTRICTS}", "kelurahan": f"k{n % KELURAHAN}", "isp": f"i{n % 5}"}
            cameras.add(conn, camera=f"camera-{n}", name=f"Camera {n}", source="catalogue", settings={}, labels=labels,
                        node="n1", epoch=0, at_us=1)  # fmt: skip
        for n in range(n_grants):
            kinds = (f"district=d{chance.randrange(DISTRICTS)}", f"kelurahan=k{chance.randrange(KELURAHAN)}",
                     f"id=camera-{chance.randrange(n_cameras)}|camera-{chance.randrange(n_cameras)}")  # fmt: skip
            role = chance.choice(("viewer", "investigator"))
            grants.insert_grant(conn, holder=f"user-{n // 20}", role=role, cameras=kinds[n % 3], by=SERVER_ACTOR,
                                at_us=1, reason="bench")  # fmt: skip


def median_us(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(taken)


def measure(n_cameras: int = 4470, n_grants: int = 10_000) -> dict[str, float]:
    """Microseconds, medians."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "catalogue.sqlite")
        db.migrate()
        with db.write() as conn:
            conn.execute("INSERT INTO node (id) VALUES ('n1')")
        fill(db, n_cameras, n_grants)
        snapshots = AccessSnapshots()
        found: dict[str, float] = {}
        with db.read() as conn:
            began = time.perf_counter_ns()
            snapshot = snapshots.now(conn)
            found["read anew"] = (time.perf_counter_ns() - began) / 1000
            rights = Rights(snapshot, "user-3", 10)
            ids = sorted(rights.cameras(AccessAction.PLAYBACK).ids)[:50] + [f"camera-{n}" for n in range(50)]
            chance = random.Random(3)
            found["decision, first"] = median_us(
                lambda: rights.on(f"camera-{chance.randrange(n_cameras)}", AccessAction.LIVE), 200
            )
            for id_ in ids:
                rights.on(id_, AccessAction.PLAYBACK)
            found["decision, cached"] = median_us(lambda: rights.on(chance.choice(ids), AccessAction.PLAYBACK), 5000)
            began = time.perf_counter_ns()
            Rights(snapshot, "user-5", 10).cameras(AccessAction.STATUS)
            found["list, first"] = (time.perf_counter_ns() - began) / 1000
            found["list, cached"] = median_us(lambda: Rights(snapshot, "user-5", 10).cameras(AccessAction.STATUS), 50)

        def request() -> None:
            with db.read() as conn:
                Rights(snapshots.now(conn), "user-3", 10).on("camera-3", AccessAction.LIVE)

        found["in a request"] = median_us(request, 500)
        db.close()
    return found


def serve(catalogue: str, *, looks: bool) -> None:
    """A server, in a process of its own; without ``looks`` whoever is logged in may do everything."""
    import uvicorn

    if not looks:
        _let_everybody()
    app = create_app(ApiSettings(catalogue=catalogue, node="n1"))
    sockets = bind("127.0.0.1", 0)
    print(sockets[0].getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none")).run(sockets=sockets)


def _let_everybody() -> None:
    """A server that looks at no grant costs no more than one that looks at a role."""
    kept: list[AccessSnapshot] = []

    def now(self: AccessSnapshots, conn: Any) -> AccessSnapshot:
        if not kept:
            kept.append(AccessSnapshot.read(conn))
        return kept[0]

    def on(self: Rights, camera: str, action: AccessAction, asked: Interval | None = None, **_: object) -> Decision:
        return Decision(Outcome.ALLOWED, (asked or ALWAYS,), tuple(self.snapshot.grants(self.holder)[:1]))

    every = frozenset(AccessAction)
    for name, instead in {
        "on": on,
        "everywhere": lambda self, action: True,
        "cameras": lambda self, *actions: Sight(True, self.snapshot.ids),
        "actions": property(lambda self: every),
    }.items():
        setattr(Rights, name, instead)
    AccessSnapshots.now = now  # type: ignore[method-assign]


@contextmanager
def serving(catalogue: Path, how: str) -> Iterator[httpx.Client]:
    words = [sys.executable, "-m", "tests.bench.bench_access", how, str(catalogue)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        with httpx.Client(base_url=f"http://127.0.0.1:{int(process.stdout.readline())}") as client:
            yield client
    finally:
        process.kill()
        process.wait()


def measure_routes(n_cameras: int = 4470, n_grants: int = 10_000, asks: int = 3000) -> dict[str, tuple[float, float]]:
    """Of each route the median in microseconds with and without looking at grants."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "catalogue.sqlite")
        db.migrate()
        with db.write() as conn:
            conn.execute("INSERT INTO node (id) VALUES ('n1')")
        fill(db, n_cameras, n_grants)
        user = accounts.create_user(db, "anna", "anna-anna-anna", Role.ADMIN)
        headers = {"Authorization": f"Bearer {accounts.issue_token(db, 't', Role.ADMIN, user=user.id)[1]}"}
        db.close()
        with serving(db.path, "serve") as looking, serving(db.path, "serve-all") as blind:
            return {route: _pair(looking, blind, route, headers, asks) for route in ROUTES}


def _pair(
    one: httpx.Client, other: httpx.Client, route: str, headers: dict[str, str], asks: int
) -> tuple[float, float]:
    chance = random.Random(9)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(max(asks // _FEWER.get(route, 1), 3)):
        both = [True, False]
        chance.shuffle(both)
        for looks in both:
            began = time.perf_counter_ns()
            answer = (one if looks else other).get(route, headers=headers)
            taken[looks].append((time.perf_counter_ns() - began) / 1000)
            assert answer.status_code == 200, answer.text
    return statistics.median(taken[True]), statistics.median(taken[False])


def main() -> None:
    if sys.argv[1:2] in (["serve"], ["serve-all"]):
        serve(sys.argv[2], looks=sys.argv[1] == "serve")
        return
    print(describe())
    numbers = [int(word) for word in sys.argv[1:4]]
    found = measure(*numbers[:2])
    for name, us in found.items():
        print(f"{name:20} {us:12.1f} µs")
    good = all(found[name] < most for name, most in _MOST_US.items())
    print("\n| route | with grants, µs | without, µs | share |\n| --- | --- | --- | --- |")
    for route, (looking, blind) in measure_routes(*numbers).items():
        print(f"| {route.partition('?')[0]} | {looking:.1f} | {blind:.1f} | {looking / blind:.3f} |")
        good &= looking / blind <= _MOST_SHARE or (len(numbers) > 2 and numbers[2] < _ENOUGH)
    sys.exit(not good)


if __name__ == "__main__":
    main()
