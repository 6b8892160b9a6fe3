"""Whether time tells a hidden camera from one that never was: asks for both, in random order, of a server in a process
of its own. ``python -m tests.bench.bench_hidden [asks]``

The medians of a hidden and of an absent camera are to differ by no more than those of two absent ones do, chance
included: that is measured by dealing the answers for two absent cameras out anew, a thousand times.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from nvr.access.roles import Role
from tests.api import catalogue
from tests.api.catalogue import T0
from tests.support.api_process import ApiProcess
from tests.support.grants import bearer_with

__all__ = ["measure"]

# All of one length, none of them "gate", which is theirs. The first is there.
NAMES: Final = ("yard", "cave", "dune")
ROUTES: Final = ("/api/cameras/{}", "/api/cameras/{}/snapshot.jpg", "/api/cameras/{}/live.m3u8")
DEALS: Final = 1000


def measure(asks: int = 10_000) -> dict[str, float]:
    """Microseconds: medians of each, their differences, and how much chance does."""
    with tempfile.TemporaryDirectory() as folder:
        world = catalogue.make(Path(folder))
        headers = bearer_with(world.db, "sari", Role.INVESTIGATOR, "id=gate", at_us=T0)
        server = ApiProcess(world.db.path)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{server.hear()['port']}", headers=headers) as client:
                taken = _asked(client, asks)
        finally:
            server.process.kill()
            server.process.wait()
            world.db.close()
    hidden, absent, other = (taken[name] for name in NAMES)
    medians = [statistics.median(one) for one in (hidden, absent, other)]
    return {
        "hidden": medians[0],
        "absent": medians[1],
        "another absent": medians[2],
        "hidden - absent": abs(medians[0] - medians[1]),
        "absent - absent": abs(medians[1] - medians[2]),
        "chance (95 %)": _chance(absent, other),
    }


def _asked(client: httpx.Client, asks: int) -> dict[str, list[float]]:
    chance, taken = random.Random(5), {name: [] for name in NAMES}
    for name in NAMES * 50:
        client.get(ROUTES[0].format(name))
    order = list(NAMES) * asks
    chance.shuffle(order)
    for name in order:
        route = chance.choice(ROUTES)
        began = time.perf_counter_ns()
        answer = client.get(route.format(name))
        taken[name].append((time.perf_counter_ns() - began) / 1000)
        assert answer.status_code == 404, answer.text
    return taken


def _chance(one: list[float], other: list[float]) -> float:
    """By how much medians of two halves of the same answers differ, at most, in 95 of 100 cases."""
    chance, every = random.Random(6), [*one, *other]
    found = []
    for _ in range(DEALS):
        chance.shuffle(every)
        found.append(abs(statistics.median(every[: len(one)]) - statistics.median(every[len(one) :])))
    return sorted(found)[DEALS * 95 // 100]


def main() -> None:
    for name, us in measure(*map(int, sys.argv[1:2])).items():
        print(f"{name:16} {us:8.1f} µs")


if __name__ == "__main__":
    main()
