"""Tokens that end, that hold grants of their own within their user's, and that say from where they were used; accounts
of programs, and screens on walls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access.model import ALL_FOOTAGE, FootageKind, Grant, GrantedFootage, LabelledCamera
from nvr.access.roles import BUILT_IN, NOT_FOR_SERVICES, AccessAction, Role
from nvr.access.snapshot import AccessSnapshot, Rights
from nvr.accounts.errors import InvalidAccount, InvalidFactor
from nvr.accounts.federated import link_user
from nvr.accounts.rows import find_user
from nvr.accounts.second_factors import begin_totp
from storage.catalogue import selection
from storage.intervals import Interval, clip
from tests.api.accounts.test_sessions import OURS, log_in
from tests.api.catalogue import NOW, T0, World
from tests.api.http.test_access import declared
from tests.nightly import examples
from tests.support.grants import bearer_with, give

Client = AsyncTestClient[Litestar]
S = 1_000_000
DAY = 86_400 * S


async def make(client: Client, headers: dict[str, str], **body: Any) -> Any:
    wanted = {"name": "backup", "role": "viewer", **body}
    answer = await client.post("/api/tokens", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearing(made: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


async def seen(client: Client, headers: dict[str, str]) -> Any:
    answer = await client.get("/api/cameras", headers=headers)
    return [one["id"] for one in answer.json()["cameras"]] if answer.status_code == 200 else answer.status_code


async def test_a_token_ends_and_says_from_where_it_was_used(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    made = await make(client, admin, until="2026-11-24T00:00:00Z")
    assert made["until"] == "2026-11-24T00:00:00.000000Z"
    assert await seen(client, bearing(made)) == ["gate", "hall", "yard"]
    listed = (await client.get("/api/tokens", headers=admin)).json()["tokens"]
    (mine,) = [one for one in listed if one["id"] == made["id"]]
    assert mine["last_address"] == "testclient"[: len(mine["last_address"])] or mine["last_address"]
    assert mine["last_used"] is not None and "token" not in mine
    world.now_us += DAY
    assert await seen(client, bearing(made)) == 401
    body = {"name": "late", "role": "viewer", "until": "2026-11-23T00:00:00Z"}
    assert (await client.post("/api/tokens", json=body, headers=admin)).json()["code"] == "invalid_account"


async def test_a_token_holds_less_than_its_user_and_never_more(client: Client, world: World) -> None:
    anna = world.bearer_of("anna")
    made = await make(client, anna, role="viewer", cameras="district=south", footage={"kind": "live"})
    assert made["limited"] is True and made["user"] == "anna"
    assert await seen(client, bearing(made)) == ["hall", "yard"]
    params = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
    for camera, status in (("hall", 403), ("gate", 404)):
        answer = await client.get(f"/api/cameras/{camera}/playlist.m3u8", params=params, headers=bearing(made))
        assert answer.status_code == status, answer.text
    held = (await client.get(f"/api/access/grants?holder=token-{made['id']}", headers=world.bearer("admin"))).json()
    assert [one["cameras"] for one in held["grants"]] == ["district=south"]
    bad = {"name": "x", "role": "viewer", "footage": {"kind": "live"}}
    assert (await client.post("/api/tokens", json=bad, headers=anna)).json()["code"] == "invalid_grant"
    # What it holds goes with it.
    assert (await client.delete(f"/api/tokens/{made['id']}", headers=anna)).status_code == 204
    held = (await client.get(f"/api/access/grants?holder=token-{made['id']}", headers=world.bearer("admin"))).json()
    assert held["grants"] == []


async def test_who_administers_a_district_makes_tokens_within_it(client: Client, world: World) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=north", at_us=T0)
    made = await make(client, camat, role="admin", cameras="*")
    assert await seen(client, bearing(made)) == ["gate"], "a token is never more than its user"
    others = await make(client, world.bearer_of("anna"))
    listed = (await client.get("/api/tokens", headers=camat)).json()["tokens"]
    assert {one["user"] for one in listed} == {"camat"}
    assert (await client.delete(f"/api/tokens/{others['id']}", headers=camat)).status_code == 404
    # It gives no rights, whatever it holds.
    body = {"holder": "vera", "gives": "viewer", "cameras": "id=gate", "reason": "x"}
    assert (await client.post("/api/access/grants", json=body, headers=bearing(made))).status_code == 403
    give(world.db, "camat", "viewer", "*", at_us=T0)
    assert await seen(client, bearing(made)) == ["gate", "hall", "yard"]


async def test_a_program_s_account_never_approves_nor_gives_rights(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    answer = await client.post("/api/services", json={"name": "archive", "role": "admin"}, headers=admin)
    assert answer.status_code == 201 and answer.json()["service"] is True
    assert answer.json()["id"].startswith("service-")
    made = await make(client, admin, role="viewer", service="archive")
    assert (await client.get("/api/me", headers=bearing(made))).json()["user"] == "archive (token backup)"
    with world.db.read() as conn:
        rights = Rights(AccessSnapshot.read(conn), answer.json()["id"], NOW)
    assert rights.actions == set(AccessAction) - NOT_FOR_SERVICES
    for password in ("", "archive-archive"):
        body = {"username": "archive", "password": password}
        assert (await client.post("/api/login", json=body)).status_code == 401
    body = {"password": "gerbang-tua-berlumut"}
    answer = await client.post("/api/users/archive/password", json=body, headers=admin)
    assert answer.json()["code"] == "invalid_account"
    wanted = {"name": "backup", "role": "approver", "service": "archive"}
    assert (await client.post("/api/tokens", json=wanted, headers=admin)).status_code == 400
    other = {"name": "x", "role": "viewer", "service": "vera"}
    assert (await client.post("/api/tokens", json=other, headers=admin)).json()["code"] == "account_not_found"


async def test_a_screen_watches_live_for_months_and_ends_by_revocation(
    app: Litestar, client: Client, world: World
) -> None:
    admin = world.bearer("admin")
    await client.post("/api/services", json={"name": "wall", "role": "admin"}, headers=admin)
    path = "/api/services/wall/screen"
    assert (await client.post(path, json={"lasts_s": 400 * 86_400}, headers=admin)).json()["code"] == "invalid_account"
    person = await client.post("/api/services/vera/screen", json={"lasts_s": 60}, headers=admin)
    assert person.json()["code"] == "invalid_account"
    first = (await client.post(path, json={"lasts_s": 180 * 86_400}, headers=admin)).json()["code"]
    code = (await client.post(path, json={"lasts_s": 180 * 86_400}, headers=admin)).json()["code"]
    async with AsyncTestClient(app, base_url="http://nvr.test") as screen:
        for bad in (first, "", "k7mw-p3hx-qrvd-9tne"):
            answer = await screen.post("/api/login/screen", json={"code": bad})
            assert answer.json()["code"] == "bad_proof", bad
        answer = await screen.post("/api/login/screen", json={"code": code.upper().replace("-", " ")})
        assert answer.status_code == 200, answer.text
        assert "Max-Age=15552000" in answer.headers["set-cookie"]
        assert (await screen.post("/api/login/screen", json={"code": code})).json()["code"] == "bad_proof", "once"
        assert (await screen.get("/api/me")).json()["actions"] == ["live", "status"]
        params = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
        answer = await screen.get("/api/cameras/gate/playlist.m3u8", params=params)
        assert answer.json()["code"] == "forbidden"
        assert (await screen.get("/api/users")).status_code == 403
        # It can make itself no login of its own, which would be all of its account's role.
        for own in ("/api/factors/totp", "/api/passkeys/options"):
            answer = await screen.post(own, json={"name": "x"} if "totp" in own else None, headers=OURS)
            assert answer.status_code in (400, 403) and answer.json()["code"] != "proof_needed", (own, answer.text)
        world.now_us += 100 * DAY
        assert (await screen.get("/api/me")).status_code == 200, "nobody touched it for a hundred days"
        world.now_us += 81 * DAY
        assert (await screen.get("/api/me")).status_code == 401
        code = (await client.post(path, json={"lasts_s": 86_400}, headers=admin)).json()["code"]
        assert (await screen.post("/api/login/screen", json={"code": code})).status_code == 200
        (one,) = (await client.get("/api/sessions?user=wall", headers=admin)).json()["sessions"]
        assert (await client.delete(f"/api/sessions/{one['id']}", headers=admin)).status_code == 204
        assert (await screen.get("/api/me")).status_code == 401
        late = (await client.post(path, json={"lasts_s": 86_400}, headers=admin)).json()["code"]
        world.now_us += 16 * 60 * S
        assert (await screen.post("/api/login/screen", json={"code": late})).json()["code"] == "bad_proof"


async def test_a_token_says_nothing_of_where_its_user_is_logged_in(client: Client, world: World) -> None:
    """Nor does it log them out: whoever has it is another program."""
    await log_in(client, "anna")
    (mine,) = (await client.get("/api/sessions")).json()["sessions"]
    made_by_her = await client.post("/api/tokens", json={"name": "t", "role": "viewer"}, headers=OURS)
    client.cookies.clear()
    headers = bearing(made_by_her.json())
    for method, path in (("GET", "/api/sessions"), ("DELETE", f"/api/sessions/{mine['id']}")):
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    everybody_s = await client.get("/api/sessions?user=anna", headers=world.bearer("admin"))
    assert [one["id"] for one in everybody_s.json()["sessions"]] == [mine["id"]]


async def test_whoever_stands_before_a_screen_leaves_themselves_no_way_in(
    app: Litestar, client: Client, world: World
) -> None:
    """Its account may do all: a passkey or an address of theirs would outlive the screen, and be more than live."""
    admin = world.bearer("admin")
    await client.post("/api/services", json={"name": "wall", "role": "admin"}, headers=admin)
    code = (await client.post("/api/services/wall/screen", json={"lasts_s": 86_400}, headers=admin)).json()["code"]
    async with AsyncTestClient(app, base_url="http://nvr.test") as screen:
        screen.headers["Origin"] = "http://nvr.test"
        assert (await screen.post("/api/login/screen", json={"code": code})).status_code == 200
        for (method, path), action in sorted(declared(app).items()):
            if method in ("GET", "HEAD") or action == "public" or path == "/api/logout":
                continue
            answer = await screen.request(method, path.replace("{camera}", "gate"))
            assert answer.json()["code"] == "forbidden", (method, path, answer.text)
        assert (await screen.get("/api/walls")).status_code == 200
        assert (await screen.post("/api/logout")).status_code == 204
        assert (await screen.get("/api/walls")).status_code == 401
    with world.db.read() as conn:
        wall = find_user(conn, "wall")
    assert wall is not None
    with pytest.raises(InvalidFactor):
        begin_totp(world.db, wall, "app", issuer="x", at_us=world.now_us)
    with pytest.raises(InvalidAccount):
        accounts.create_session(world.db, wall, way="passkey")
    with pytest.raises(InvalidAccount):
        link_user(world.db, "wall", "city", "1", at_us=world.now_us)


async def test_a_session_of_a_person_does_not_last_longer_by_a_screen(client: Client, world: World) -> None:
    await log_in(client)
    assert (await client.post("/api/services/vera/screen", json={"lasts_s": 60}, headers=OURS)).status_code == 403


# A token's rights against both its user's and its own, asked each by itself.

CAMERAS = {one.id: one for one in (LabelledCamera("a", {"d": "1"}), LabelledCamera("b", {"d": "2"}))}
FOOTAGE = st.one_of(
    st.just(ALL_FOOTAGE),
    st.just(GrantedFootage(FootageKind.LIVE)),
    st.builds(lambda last: GrantedFootage(FootageKind.LAST, last), st.integers(1, 60)),
    st.builds(lambda a, n: GrantedFootage(FootageKind.RANGE, 0, a, a + n), st.integers(40, 110), st.integers(1, 60)),
)


def _grant(holder: str, role: Role, cameras: str, footage: GrantedFootage, from_us: int, until_us: int | None) -> Grant:
    query = selection.parse(cameras)
    return Grant("grant", holder, role, BUILT_IN[role], query, footage, from_us, until_us, "x")


GRANTS = st.lists(
    st.builds(
        _grant,
        st.sampled_from(["user-1", "token-1"]),
        st.sampled_from([Role.VIEWER, Role.INVESTIGATOR, Role.TECHNICIAN]),
        st.sampled_from(["*", "d=1", "id=b"]),
        FOOTAGE,
        st.sampled_from([0, 100, 101]),
        st.sampled_from([None, 100, 101]),
    ),
    max_size=6,
)


@given(GRANTS, st.sampled_from(AccessAction), st.sampled_from(["a", "b", "none"]), st.integers(30, 120))
@settings(max_examples=examples(300, 5000))
def test_a_token_may_do_what_its_user_and_its_own_grants_both_allow(
    grants: list[Grant], action: AccessAction, camera: str, start: int
) -> None:
    snapshot = AccessSnapshot(1, CAMERAS, grants, ())
    asked = Interval(start, start + 20)
    most = BUILT_IN[Role.INVESTIGATOR]
    token = Rights(snapshot, "user-1", 100, most, within="token-1")
    each = [Rights(snapshot, holder, 100, most).on(camera, action, asked) for holder in ("user-1", "token-1")]
    found = token.on(camera, action, asked)
    assert not found.allowed or all(one.allowed for one in each)
    ranges = [part for whole in each[0].ranges for part in clip(each[1].ranges, *whole)]
    if all(one.allowed for one in each):
        assert found.allowed is (bool(ranges) or not (each[0].ranges or each[1].ranges))
        assert list(found.ranges) == ranges
    assert (camera in token.cameras(action)) is all(
        camera in Rights(snapshot, holder, 100, most).cameras(action) for holder in ("user-1", "token-1")
    )
    assert token.everywhere(action) is all(
        Rights(snapshot, holder, 100, most).everywhere(action) for holder in ("user-1", "token-1")
    ) or (action is AccessAction.PEOPLE)


@pytest.mark.parametrize("role", Role)
def test_no_role_lets_a_service_approve(role: Role) -> None:
    snapshot = AccessSnapshot(1, CAMERAS, [_grant("service-1", role, "*", ALL_FOOTAGE, 0, None)], ())
    rights = Rights(snapshot, "service-1", 100)
    assert rights.actions == BUILT_IN[role] - NOT_FOR_SERVICES
    assert not rights.everywhere(AccessAction.PEOPLE)
