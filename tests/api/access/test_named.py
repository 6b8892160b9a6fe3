"""A camera that is named in a query or in a body, on every route that takes one, by every login in every scope: outside
of somebody's grants it is answered as one that never was; made of the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pytest
from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from nvr.access.roles import Role
from tests.api.access.test_matrix import LOGINS, STANDS, Stand
from tests.api.access.test_two_installations import plain
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import give, revoke

Client = AsyncTestClient[Litestar]
RANGE: Final = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
# What a query or a body needs beside the camera.
FILL: Final[dict[str, Any]] = {
    **RANGE, "at": RANGE["start"], "reason": "x", "letter": "1", "letter_date": "2026-11-01", "approver": "Camat",
    "hours": "mon-fri 06:00-22:00", "purpose": "x", "name": "x", "holder": "sari", "gives": "viewer",
    "case": "LP/1", "legal_basis": "x", "service": None, "role": "viewer",
}  # fmt: skip
# What chooses among one's own cameras whatever it says (test_grants.py, test_tokens.py).
NOT_HERE: Final = ("POST /api/access/grants", "POST /api/tokens")
# What an order or an export needs, though its body could be without.
ALSO: Final = {"letter_date", "start", "end", "case", "legal_basis", "purpose"}
WAYS: Final[tuple[tuple[str, dict[str, str]], ...]] = (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-0"}))


@dataclass(frozen=True)
class Naming:
    """A way to name cameras beside a path: by this field of a query or of a body."""

    method: str
    path: str
    field: str
    needed: dict[str, Any]

    def asked(self, camera: str) -> dict[str, Any]:
        """What is sent to name this camera."""
        value = f"id={camera}" if self.field == "where" else [camera] if self.field == "cameras" else camera
        body = {**self.needed, self.field: value}
        return {"params": body} if self.method == "GET" else {"json": body}


def naming(app: Litestar) -> Iterator[Naming]:
    """Each way that there is."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if handler.opt.get("scope") != "cameras":
                continue
            (method,) = (str(getattr(one, "value", one)) for one in handler.http_methods - {HttpMethod.OPTIONS, "HEAD"})
            parameters = handler.parsed_fn_signature.parameters
            body = parameters["data"].annotation if "data" in parameters else None
            if body is None:
                fields = {"camera", "where"} & parameters.keys()
                needed = {"start", "end", "at"} & parameters.keys()
            elif isinstance(body, type) and issubclass(body, msgspec.Struct):
                wanted = {one.encode_name: one.required for one in msgspec.structs.fields(body)}
                fields = {"camera", "cameras", "where"} & wanted.keys()
                needed = {name for name, required in wanted.items() if required} | ALSO & wanted.keys()
            else:
                continue
            for field in sorted(fields):
                assert needed - {field} <= FILL.keys(), (
                    f"{method} {route.path} needs {needed - FILL.keys()}: add to FILL"
                )
                yield Naming(method, route.path, field, {name: FILL[name] for name in sorted(needed - {field})})


def test_how_cameras_are_named_is_found(app: Litestar) -> None:
    found = {f"{one.method} {one.path} {one.field}" for one in naming(app)}
    for one in (
        "GET /api/playback/stream camera", "GET /api/playback/keyframes camera", "GET /api/live camera",
        "GET /api/bookmarks camera", "GET /api/gaps where", "GET /api/network where", "POST /api/walls cameras",
        "POST /api/holds camera", "POST /api/exports cameras", "POST /api/orders/preview cameras",
        "POST /api/cases/{case:str}/requests cameras", "POST /api/maintenance where", "POST /api/schedules cameras",
    ):  # fmt: skip
        assert one in found


async def _walk(app: Litestar, client: Client, headers: dict[str, str], stand: Stand, case: str) -> int:
    asked = 0
    for one in naming(app):
        if f"{one.method} {one.path}" in NOT_HERE:
            continue
        address = one.path.replace("{case:str}", case)
        for way, more in WAYS if one.method == "GET" else ((one.method, {}),):
            told = []
            for camera in ("gate", "dune"):
                answer = await client.request(way, address, headers={**headers, **more}, **one.asked(camera))
                told.append((answer.status_code, plain(answer.text.replace(camera, "CAMERA")), dict(answer.headers)))
            what = (way, address, one.field, told)
            assert told[1][0] in (400, 403, 404), what
            if not stand.seen:
                assert told[0] == told[1], what
            elif told[0][0] in (400, 404) and way != "HEAD":
                # A query chooses for a report among the cameras of which the whole range may be had.
                left_out = "invalid_selection" if stand.more and one.field == "where" else None
                known = {"camera_not_found", "invalid_selection"} - {left_out}
                assert not any(code in told[0][1] for code in known), what
            asked += 1
    return asked


async def _in(app: Litestar, client: Client, world: World, scope: str, login: str) -> None:
    world.tick_us = 0
    stand = STANDS[scope]
    granted = give(world.db, "sari", Role.ADMIN, stand.query, at_us=T0, **stand.more)
    give(world.db, "sari", Role.ADMIN, "id=nothing", at_us=T0)
    headers = LOGINS[login][0](world, granted.holder, Role.ADMIN)
    by = LOGINS["token"][0](world, granted.holder, Role.ADMIN)
    case = await client.post("/api/cases", json={"number": "N/1", "legal_basis": "x"}, headers=by)
    if scope == "revoked":
        revoke(world.db, granted, at_us=NOW)
    assert await _walk(app, client, headers, stand, case.json().get("id", "none")) > 40


@pytest.mark.long
@pytest.mark.parametrize("scope", STANDS)
async def test_a_named_camera_in_every_scope(app: Litestar, client: Client, world: World, scope: str) -> None:
    login = list(LOGINS)[list(STANDS).index(scope) % len(LOGINS)]
    await _in(app, client, world, scope, login)


@pytest.mark.nightly
@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("scope", STANDS)
async def test_a_named_camera_in_every_scope_by_every_login(
    app: Litestar, client: Client, world: World, scope: str, login: str
) -> None:
    await _in(app, client, world, scope, login)
