"""Every route that names a camera × every scope that somebody may stand in × every kind of login × every way to ask,
made of the application itself and held against plain words."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access import rows as grants
from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import BUILT_IN, NOT_FOR_SERVICES, ON_SCREENS, AccessAction, Role
from nvr.accounts import rows
from nvr.accounts.screens import SCREEN
from nvr.accounts.users import create_service
from nvr.api.http.permissions import ACTIONS
from storage.catalogue.actors import SERVER_ACTOR
from tests.api.access.test_scopes import routes
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import give, revoke

Client = AsyncTestClient[Litestar]
S = 1_000_000
OURS = {"Origin": "http://nvr.test"}
RANGE = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}


@dataclass(frozen=True)
class Stand:
    """``query`` and ``more`` are of the grant for the camera ``gate``, and whether it is ``seen`` by it."""

    query: str
    seen: bool
    more: dict[str, Any]


STANDS = {
    "inside": Stand("id=gate", True, {}),
    "by label": Stand("district=north", True, {}),
    "outside": Stand("id=hall", False, {}),
    "another tenant's": Stand("district=south", False, {}),
    "expired": Stand("id=gate", False, {"until_us": NOW - 1}),
    "not yet": Stand("id=gate", False, {"from_us": NOW + 3600 * S}),
    "revoked": Stand("id=gate", False, {}),
    "cut range": Stand(
        "id=gate", True, {"footage": GrantedFootage(FootageKind.RANGE, start_us=T0, end_us=T0 + 60 * S)}
    ),
}


def _session(world: World, user: str, way: str = "password") -> dict[str, str]:
    with world.db.read() as conn:
        found = rows.user_of_id(conn, user)
    assert found is not None
    value = accounts.create_session(world.db, found, at_us=NOW, way=way, lasts_us=3600 * S)
    return {"Cookie": f"nvr_session={value}", **OURS}


def _token(world: World, user: str, role: Role, **more: Any) -> str:
    return accounts.issue_token(world.db, "t", role, user=user, at_us=NOW, **more)[1]


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def _basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'vlc:{text}'.encode()).decode()}"}


# By what somebody comes: headers, and what of a role is left to them.
LOGINS: dict[str, tuple[Callable[[World, str, Role], dict[str, str]], Callable[[set[AccessAction]], set[AccessAction]]]]
LOGINS = {
    "session": (lambda world, user, role: _session(world, user), lambda may: may),
    "token": (lambda world, user, role: _bearer(_token(world, user, role)), lambda may: may),
    "basic": (lambda world, user, role: _basic(_token(world, user, role)), lambda may: may),
    "token of a viewer": (
        lambda world, user, role: _bearer(_token(world, user, Role.VIEWER)),
        lambda may: may & BUILT_IN[Role.VIEWER],
    ),
    "token with a grant": (
        lambda world, user, role: _bearer(_token(world, user, role, cameras="*")),
        lambda may: may - {AccessAction.PEOPLE},
    ),
    "screen": (lambda world, user, role: _session(world, user, SCREEN), lambda may: may & ON_SCREENS),
}
# Ways to ask for what a route that reads answers.
ASKED: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "GET": ("GET", {}, {}),
    "HEAD": ("HEAD", {}, {}),
    "range": ("GET", {"Range": "bytes=0-0"}, {}),
    "long poll": ("GET", {}, {"_HLS_msn": "1"}),
}


def _paths(app: Litestar) -> Iterator[tuple[str, str, str]]:
    for method, path, action, scope in routes(app):
        if scope == "camera":
            yield method, re.sub(r"[{}]", "", path.replace("{camera}", "gate")), action


def _expected(action: str, may: set[AccessAction], stand: Stand) -> set[int] | None:
    """The statuses that a refusal has; None: it is none of access."""
    wanted = set(ACTIONS[action])
    if not may & wanted:
        return {403}
    if not stand.seen:
        return {404}
    if stand.more.get("footage") is not None and action in ("live", "watch"):
        # What is shown now is not of that range; playback is, where they may.
        return None if action == "watch" and AccessAction.PLAYBACK in may else {403}
    return None


@pytest.mark.long
@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("scope", STANDS)
async def test_every_route_in_every_scope_by_every_login(
    app: Litestar, client: Client, world: World, scope: str, login: str
) -> None:
    stand, role = STANDS[scope], Role.INVESTIGATOR
    granted = give(world.db, "sari", role, stand.query, at_us=T0, **stand.more)
    # So that a token may be what its role says, whatever the camera's grant is.
    give(world.db, "sari", role, "id=nothing", at_us=T0)
    of_login, left = LOGINS[login]
    headers, may = of_login(world, granted.holder, role), left(set(BUILT_IN[role]))
    if scope == "revoked":
        revoke(world.db, granted, at_us=NOW)
    assert await _walk(app, client, headers, may, stand, changes=login != "screen") > 25


async def _walk(
    app: Litestar,
    client: Client,
    headers: dict[str, str],
    may: set[AccessAction],
    stand: Stand,
    *,
    changes: bool = True,
) -> int:
    asked = 0
    for method, path, action in _paths(app):
        # Whatever it is, nothing is changed at a screen.
        expected = _expected(action, may, stand) if method == "GET" or changes else {403}
        for name, (way, more, params) in ASKED.items() if method == "GET" else {method: (method, {}, {})}.items():
            is_live = path.endswith("live.m3u8")
            # Who may have it waits for footage that can be read, twelve seconds each time.
            if (name == "long poll" and not is_live) or (is_live and expected is None):
                continue
            query: Any = {**RANGE, **params} if method == "GET" and not params else params or None
            answer = await client.request(way, path, params=query, headers={**headers, **more})
            what = (name, path, action, answer.status_code, answer.text[:200])
            assert answer.status_code != 401, what
            if expected is not None:
                assert answer.status_code in expected, what
            elif answer.status_code in (403, 404) and way != "HEAD":
                # It got past the guard: what is not there, or is not of this time, is the handler's word.
                assert answer.json()["code"] not in ("forbidden", "camera_not_found", "not_authenticated"), what
            asked += 1
    return asked


async def test_a_program_s_account_by_a_token(app: Litestar, client: Client, world: World) -> None:
    service = create_service(world.db, "archive", None, at_us=T0)
    with world.db.write() as conn:
        grants.insert_grant(
            conn, holder=service.id, role=Role.ADMIN, cameras="id=gate", by=SERVER_ACTOR, at_us=T0, reason="x"
        )
    with world.db.write() as conn:
        text = "nvr_archive"
        rows.add_token(
            conn, id_="a", hash_=accounts.hash_of(text), name="a", role=Role.ADMIN, user=service.id, by=SERVER_ACTOR,
            at_us=T0,
        )  # fmt: skip
    headers = _bearer(text)
    may = set(BUILT_IN[Role.ADMIN]) - NOT_FOR_SERVICES
    assert await _walk(app, client, headers, may, STANDS["inside"]) > 25


async def test_nobody(app: Litestar, client: Client) -> None:
    for method, path, action in _paths(app):
        for headers in ({}, _bearer("nvr_nothing"), {"Cookie": "nvr_session=x"}):
            answer = await client.request(method, path, headers={**headers, **OURS})
            assert answer.status_code in ((200, 401, 404, 429) if action == "public" else (401, 429)), (method, path)
