"""What deciding costs: a city's cameras, ten thousand grants; one decision, one list, and reading it all anew."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nvr.access import rows as grants
from nvr.access.roles import AccessAction
from nvr.access.snapshot import AccessSnapshots, Rights
from storage.catalogue import cameras
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.database import Database

__all__ = ["measure"]

DISTRICTS = 16
KELURAHAN = 177


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


def main() -> None:
    for name, us in measure(*map(int, sys.argv[1:3])).items():
        print(f"{name:20} {us:12.1f} µs")


if __name__ == "__main__":
    main()
