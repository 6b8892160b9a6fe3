"""How long anything that a person asks for holds the catalogue's write lock, in a city's catalogue: by the clock, in
computing, in rows and in SQLite's steps."""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
from pathlib import Path

from litestar.testing import AsyncTestClient

from nvr.api import ApiSettings, create_app
from tests.api import catalogue
from tests.api.http.large_requests import Watch, ask_for_all
from tests.bench.machine import describe


async def _run(folder: Path, count: int, segments: int, steps: bool) -> None:
    world = catalogue.make(folder)
    app = create_app(
        ApiSettings(catalogue=str(world.db.path), node="n1", zone="UTC", public=True), now_us=world.read_clock
    )
    db = app.state.services.db
    # As the API's process does.
    gc.freeze()
    watch = Watch(db) if steps else None
    async with AsyncTestClient(app, base_url="http://nvr.test") as client:
        await ask_for_all(app, client, world, count, segments)
    if watch is not None:
        for one in sorted(watch.most().values(), key=lambda one: -one.steps)[:20]:
            print(f"{one.work:20} {one.rows:6} rows {one.statements:6} statements {one.steps:8} steps")
        return
    print(f"{'work':20} {'times':>6} {'clock':>8} {'computing':>10}")
    for work, held in sorted(db.holdings.items(), key=lambda pair: -pair[1].longest_s)[:20]:
        print(f"{work:20} {held.count:6} {held.longest_s * 1e3:5.1f} ms {held.longest_cpu_s * 1e3:7.1f} ms")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=5_000)
    parser.add_argument("--segments", type=int, default=8_000, help="of the camera whose footage is deleted")
    given = parser.parse_args()
    print(describe())
    # Counting slows down, so that it is a run of its own.
    for steps in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_run(Path(folder), given.cameras, given.segments, steps))


if __name__ == "__main__":
    main()
