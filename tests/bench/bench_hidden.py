"""Whether time tells a hidden camera from one that never was: asks for both, in random order, of a server in a process
of its own, by the path, by the query and in the body. ``python -m tests.bench.bench_hidden [asks] [hidden cameras]``

Each ask names another one of many hidden cameras, or of as many that never were; so what is remembered of a camera
helps nobody. The medians of a hidden and of an absent one are to differ by no more than those of two absent ones do,
chance included: that is measured by dealing the answers for two absent kinds out anew.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from nvr.access.roles import Role
from storage.catalogue import cameras
from tests.api import catalogue
from tests.api.catalogue import T0, World
from tests.bench.machine import describe
from tests.support.api_process import ApiProcess
from tests.support.grants import bearer_with, give

__all__ = ["measure"]

KINDS: Final = ("hidden", "absent", "another")
RANGE: Final = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
_ORDER: Final = {"letter": "1", "letter_date": "2026-11-01", "reason": "x", "approver": "x"}
# Method, path, query, body; {} is the camera.
ROUTES: Final[tuple[tuple[str, str, dict[str, Any], dict[str, Any] | None], ...]] = (
    ("GET", "/api/cameras/{}", {}, None),
    ("GET", "/api/cameras/{}/snapshot.jpg", {}, None),
    ("GET", "/api/cameras/{}/live.m3u8", {"_HLS_msn": "1"}, None),
    ("GET", "/api/cameras/{}/clip.mp4", RANGE, None),
    ("GET", "/api/cameras/{}/coverage", RANGE, None),
    ("POST", "/api/cameras/{}/bookmarks", {}, {"at": RANGE["start"], "note": "x"}),
    ("GET", "/api/playback/coverage", {"camera": "{}", **RANGE}, None),
    ("GET", "/api/live", {"camera": "{}"}, None),
    ("GET", "/api/gaps", {"camera": "{}", **RANGE}, None),
    ("POST", "/api/holds", {}, {"camera": "{}", "reason": "x", **RANGE}),
    ("POST", "/api/orders/preview", {}, {"cameras": ["{}"], **_ORDER}),
)
_GRANTS: Final = 20
_DEALS: Final = 200
# What a bench in miniature may say by chance is no fault.
_ENOUGH: Final = 1000


@dataclass(frozen=True)
class RouteTimes:
    """Medians of one route in microseconds. ``chance``: by how much those of two absent kinds differ, at most, when
    they are dealt out anew."""

    route: str
    hidden: float
    absent: float
    another: float
    chance: float

    @property
    def tells(self) -> bool:
        """Whether time tells them apart by more than chance and two absent ones do."""
        return abs(self.hidden - self.absent) > max(self.chance, abs(self.absent - self.another))


def names(kind: str, count: int) -> list[str]:
    """Ids of one length, whatever they are of."""
    return [f"{kind[:2]}{number:05}" for number in range(count)]


def _fill(world: World, hidden: int) -> dict[str, str]:
    """Hidden cameras with a city's labels; the headers of who sees one other and has grants of labels."""
    with world.db.write() as conn:
        for number, name in enumerate(names("hidden", hidden)):
            labels = {"district": f"d{number % 16}", "kelurahan": f"k{number % 177}", "isp": f"i{number % 5}"}
            cameras.add(conn, camera=name, name=name, source="catalogue", settings={}, labels=labels, node="n1",
                        epoch=0, at_us=T0)  # fmt: skip
    for number in range(_GRANTS - 1):
        give(world.db, "sari", Role.ADMIN, f"district=e{number}", at_us=T0)
    return bearer_with(world.db, "sari", Role.ADMIN, "id=gate", at_us=T0)


def measure(asks: int = 10_000, hidden: int = 4469) -> list[RouteTimes]:
    """Asks for so many of each kind on each route."""
    with tempfile.TemporaryDirectory() as folder:
        world = catalogue.make(Path(folder))
        headers = _fill(world, hidden)
        server = ApiProcess(world.db.path)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{server.hear()['port']}", headers=headers) as client:
                return [_measured(client, number, asks, hidden) for number in range(len(ROUTES))]
        finally:
            server.process.kill()
            server.process.wait()
            world.db.close()


def _measured(client: httpx.Client, number: int, asks: int, hidden: int) -> RouteTimes:
    chance = random.Random(number)
    every = {kind: names(kind, hidden) for kind in KINDS}
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind in KINDS * 50:
        _ask(client, number, every[kind][0])
    order = list(KINDS) * asks
    chance.shuffle(order)
    for kind in order:
        taken[kind].append(_ask(client, number, chance.choice(every[kind])))
    one, absent, another = (statistics.median(taken[kind]) for kind in KINDS)
    method, path, *_ = ROUTES[number]
    return RouteTimes(f"{method} {path}", one, absent, another, _chance(taken["absent"], taken["another"]))


def _ask(client: httpx.Client, number: int, camera: str) -> float:
    """Microseconds."""
    method, path, query, body = ROUTES[number]
    params = {name: value.format(camera) for name, value in query.items()}
    json = None if body is None else {name: _named(value, camera) for name, value in body.items()}
    request = client.build_request(method, path.format(camera), params=params, json=json)
    began = time.perf_counter_ns()
    answer = client.send(request)
    took = (time.perf_counter_ns() - began) / 1000
    assert answer.status_code in (400, 404) and camera in answer.text, answer.text
    return took


def _named(value: Any, camera: str) -> Any:
    return [one.format(camera) for one in value] if isinstance(value, list) else value.format(camera)


def _chance(one: list[float], other: list[float]) -> float:
    chance, every, most = random.Random(6), [*one, *other], 0.0
    for _ in range(_DEALS):
        chance.shuffle(every)
        most = max(most, abs(statistics.median(every[: len(one)]) - statistics.median(every[len(one) :])))
    return most


def main() -> None:
    print(describe())
    asks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found = measure(asks, *map(int, sys.argv[2:3]))
    print(f"µs, medians of {asks} asks each\n| route | hidden | absent | another absent | chance | tells |")
    print("| --- " * 6 + "|")
    for one in found:
        told = "yes" if one.tells else "no"
        print(f"| {one.route} | {one.hidden:.1f} | {one.absent:.1f} | {one.another:.1f} | {one.chance:.1f} | {told} |")
    sys.exit(asks >= _ENOUGH and any(one.tells for one in found))


if __name__ == "__main__":
    main()
