"""Every route of the application, in every scope that somebody may stand in: inside of their grants, outside, before
and after them, and in part."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from nvr.access.roles import BUILT_IN, Role
from nvr.api.http.permissions import ACTIONS, SCOPES
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import bearer_with, give, revoke

Client = AsyncTestClient[Litestar]
S = 1_000_000
RANGE = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}


def routes(app: Litestar) -> list[tuple[str, str, str, str]]:
    """Method, path, action and scope of each."""
    found = []
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {HttpMethod.OPTIONS}:
                path = re.sub(r":\w+}", "}", route.path)
                found.append((str(getattr(method, "value", method)), path, handler.opt["action"], handler.opt["scope"]))
    # What is removed is missed by those after it.
    return sorted(found, key=lambda one: (one[0] == "DELETE", one[1], one[0]))


def test_every_route_says_what_it_needs_and_of_which_cameras(app: Litestar) -> None:
    for method, path, action, scope in routes(app):
        assert action in ACTIONS and scope in SCOPES, (method, path)
        assert (scope == "none") == (action in ("public", "own")), (method, path)
        if "/cameras/{camera}" in path and action not in ("public", "own"):
            assert scope == "camera", f"{method} {path} names a camera: the guard must look at it"


async def code_of(client: Client, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    params: Any = RANGE if method in ("GET", "HEAD") else None
    answer = await client.request(method, re.sub(r"[{}]", "", path), params=params, headers=headers)
    is_problem = answer.headers.get("content-type", "").startswith("application/problem")
    return answer.status_code, answer.json()["code"] if is_problem and method != "HEAD" else ""


@pytest.mark.parametrize("role", Role)
async def test_outside_of_ones_grants_a_camera_is_answered_as_one_that_never_was(
    app: Litestar, client: Client, world: World, role: Role
) -> None:
    headers = bearer_with(world.db, "sari", role, "id=gate", at_us=T0)
    for method, path, action, scope in routes(app):
        if scope != "camera":
            continue
        may = not BUILT_IN[role].isdisjoint(ACTIONS[action])
        for one in (method, "HEAD") if method == "GET" else (method,):
            hidden, absent = [
                await client.request(one, re.sub(r"[{}]", "", path.replace("{camera}", camera)), headers=headers)
                for camera in ("yard", "none")
            ]
            assert hidden.status_code == (404 if may else 403), (one, path)
            assert hidden.text.replace("yard", "none") == absent.text, (one, path)
            assert dict(hidden.headers) == dict(absent.headers), (one, path)
        inside = await code_of(client, method, path.replace("{camera}", "gate"), headers)
        assert (inside[0] == 403) is not may, (method, path, inside)
        assert inside[1] != "camera_not_found", (method, path)


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.ADMIN])
async def test_what_concerns_the_server_needs_every_camera(
    app: Litestar, client: Client, world: World, role: Role
) -> None:
    part = bearer_with(world.db, "sari", role, "district=north", at_us=T0)
    live = bearer_with(world.db, "lili", role, "*", at_us=T0, footage=_footage("live"))
    for method, path, action, scope in routes(app):
        if scope == "fleet":
            for headers in (part, live):
                assert await code_of(client, method, path, headers) == (403, "forbidden"), (method, path, action)


def _footage(kind: str, **more: int) -> Any:
    from nvr.access.model import FootageKind, GrantedFootage

    return GrantedFootage(FootageKind(kind), **more)


@pytest.mark.parametrize("why", ["expired", "not yet", "revoked", "user removed"])
async def test_a_grant_gives_nothing_outside_of_its_time(app: Litestar, client: Client, world: World, why: str) -> None:
    more = {"expired": {"until_us": NOW - 1}, "not yet": {"from_us": NOW + 600 * S}}.get(why, {})
    headers = bearer_with(world.db, "sari", Role.ADMIN, "id=gate", at_us=T0, **more)
    other = give(world.db, "sari", Role.ADMIN, "id=hall", at_us=T0)
    if why in ("revoked", "user removed"):
        assert (await client.get("/api/cameras/gate", headers=headers)).status_code == 200
    if why == "revoked":
        (one,) = (g for g in await granted(client, world) if g["cameras"] == "id=gate")
        answer = await client.post(f"/api/access/grants/{one['id']}/revoke", json={}, headers=world.bearer("admin"))
        assert answer.status_code == 200, answer.text
    elif why == "user removed":
        assert (await client.delete("/api/users/sari", headers=world.bearer("admin"))).status_code == 204
    for method, path, _, scope in routes(app):
        if scope == "camera":
            found = await code_of(client, method, path.replace("{camera}", "gate"), headers)
            # Who goes on with a token that is none waits.
            assert found[0] in ((401, 429) if why == "user removed" else (404,)), (method, path, found)
    if why != "user removed":
        revoke(world.db, other, at_us=NOW)
        # Without any, that something is refused says nothing of a camera.
        assert await code_of(client, "GET", "/api/cameras/gate", headers) == (403, "forbidden")


async def granted(client: Client, world: World) -> list[dict[str, Any]]:
    answer = await client.get("/api/access/grants", headers=world.bearer("admin"))
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["grants"]
    return found


async def test_a_token_may_do_no_more_than_its_user_and_its_role(client: Client, world: World) -> None:
    headers = bearer_with(world.db, "sari", Role.VIEWER, "id=gate", at_us=T0)
    give(world.db, "sari", Role.ADMIN, "id=hall", at_us=T0)
    me = (await client.get("/api/me", headers=headers)).json()
    assert me["role"] == "viewer" and me["actions"] == ["live", "playback", "status"]
    cameras = (await client.get("/api/cameras", headers=headers)).json()["cameras"]
    assert [camera["id"] for camera in cameras] == ["gate", "hall"]
    assert await code_of(client, "GET", "/api/cameras/hall/clip.mp4", headers) == (403, "forbidden")


async def test_labels_decide_at_each_moment(client: Client, world: World) -> None:
    headers = bearer_with(world.db, "sari", Role.VIEWER, "district=north", at_us=T0)

    async def seen() -> list[str]:
        return [c["id"] for c in (await client.get("/api/cameras", headers=headers)).json()["cameras"]]

    assert await seen() == ["gate"]
    body = {"labels": {"district": "North", "owner": "city"}}
    assert (await client.patch("/api/cameras/yard", json=body, headers=world.bearer("admin"))).status_code == 200
    assert await seen() == ["gate", "yard"]
    # Who edits some cameras does not decide who sees them.
    some = bearer_with(world.db, "tono", Role.ADMIN, "district=north", at_us=T0)
    answer = await client.patch("/api/cameras/yard", json={"labels": {}}, headers=some)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await client.patch("/api/cameras/yard", json={"name": "Yard 2"}, headers=some)).status_code == 200
