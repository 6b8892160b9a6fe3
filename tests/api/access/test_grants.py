"""Giving and revoking over HTTP: who may give what, what it is worth, why, and what an approved request gives."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.accounts.users import create_service
from storage.catalogue import audit
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import bearer_with, give

Client = AsyncTestClient[Litestar]
S = 1_000_000
POLICE = {"holder": "vera", "gives": "investigator", "cameras": "id=gate", "reason": "LP/12"}


async def ask(client: Client, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any]:
    answer = await client.request(method, f"/api/access/{path}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_a_grant_is_given_listed_explained_and_revoked(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    sari = bearer_with(world.db, "sari", Role.VIEWER, "id=hall", at_us=T0)
    assert (await client.get("/api/cameras/gate", headers=sari)).status_code == 404
    body = {**POLICE, "holder": "sari", "gives": "viewer", "until": "2026-11-23T16:00:00Z"}
    status, made = await ask(client, "POST", "grants", anna, body)
    assert status == 201, made
    assert made["holder_name"] == "sari" and made["in_force"] and made["made_by"] == "token for admin"
    assert (await client.get("/api/cameras/gate", headers=sari)).status_code == 200
    _, listed = await ask(client, "GET", "grants?holder=sari", anna)
    assert [grant["cameras"] for grant in listed["grants"]] == ["id=hall", "id=gate"]
    _, mine = await ask(client, "GET", "mine", sari)
    assert {grant["id"] for grant in mine["grants"]} == {grant["id"] for grant in listed["grants"]}
    _, why = await ask(client, "GET", "cameras/gate/explain?user=sari", anna)
    said = {one["action"]: one["sentence"] for one in why["actions"]}
    assert said["live"] == (
        f"sari may watch live of gate because of {made['id']} (viewer, id=gate, all footage, until"
        " 2026-11-23T16:00:00.000000Z, given by token for admin: LP/12)"
    )
    assert said["export"] == f"sari may not make sealed exports of gate: {made['id']} (viewer) do not give it"
    why_id = await client.get("/api/access/cameras/yard/explain?user=sari", headers={**anna, "Accept-Language": "id"})
    assert "bagi sari tidak ada kamera yard" in why_id.text
    _, who = await ask(client, "GET", "cameras/gate/who", anna)
    assert [one["name"] for one in who["holders"]] >= ["anna", "ines", "sari"]
    status, ended = await ask(client, "POST", f"grants/{made['id']}/revoke", anna, {"reason": "over"})
    assert (status, ended["in_force"]) == (200, False)
    assert (await client.get("/api/cameras/gate", headers=sari)).status_code == 404
    assert (await ask(client, "POST", f"grants/{made['id']}/revoke", anna, {}))[1]["code"] == "grant_not_found"
    with world.db.read() as conn:
        assert [e.action for e in audit.entries(conn, limit=2)] == ["grant_revoked", "grant_given"]


async def test_the_audit_log_names_the_grant_with_each_look(client: Client, world: World) -> None:
    made = give(world.db, "sari", Role.VIEWER, "id=gate", at_us=T0)
    sari = bearer_with(world.db, "sari", Role.VIEWER, "id=hall", at_us=T0)
    await client.get("/api/cameras/gate/snapshot.jpg", headers=sari)
    with world.db.read() as conn:
        (entry,) = audit.entries(conn, action="snapshot")
    assert made.id in entry.detail and entry.camera == "gate"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gives": "king"}, "invalid_grant"),
        ({"holder": "nobody-there"}, "account_not_found"),
        ({"cameras": "district"}, None),
        ({"cameras": "=x"}, "invalid_grant"),
        ({"reason": " "}, "invalid_grant"),
        ({"until": "2026-11-23T13:00:00Z"}, "invalid_grant"),
        ({"until": "2026-11-23T13:00:00"}, "naive_time"),
        ({"footage": {"kind": "range", "start": "2026-11-23T13:00:00Z"}}, "missing_parameter"),
        (
            {"footage": {"kind": "range", "start": "2026-11-23T13:00:00Z", "end": "2026-11-23T13:00:00Z"}},
            "invalid_grant",
        ),
        ({"footage": {"kind": "last"}}, "invalid_grant"),
        ({"footage": {"kind": "last", "last_s": 60}}, None),
        ({"footage": {"kind": "sometimes"}}, "invalid_request"),
    ],
)
async def test_what_can_be_given(client: Client, world: World, change: Any, code: str | None) -> None:
    status, answer = await ask(client, "POST", "grants", world.bearer("admin"), {**POLICE, **change})
    assert (status, answer.get("code")) == ((201, None) if code is None else (status, code))


async def test_who_administers_some_cameras_gives_rights_to_those_alone(client: Client, world: World) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=south", at_us=T0, until_us=NOW + 3600 * S)
    bearer = bearer_with(world.db, "sari", Role.VIEWER, "id=none", at_us=T0)
    status, made = await ask(client, "POST", "grants", camat, {**POLICE, "holder": "sari", "cameras": "id=yard|gate"})
    assert status == 201, made
    # By their own query, and no longer than they do themselves.
    assert made["cameras"] == "district=south,id=yard|gate" and made["until"] is not None
    me = await client.get("/api/cameras", headers=bearer)
    assert [camera["id"] for camera in me.json()["cameras"]] == ["yard"]
    _, mine = await ask(client, "GET", "grants", camat)
    assert {grant["holder_name"] for grant in mine["grants"]} == {"camat", "sari"}
    anna = (await ask(client, "GET", "grants?holder=anna", world.bearer("admin")))[1]["grants"][0]
    assert (await ask(client, "POST", f"grants/{anna['id']}/revoke", camat, {}))[1]["code"] == "grant_not_found"
    assert (await ask(client, "POST", f"grants/{made['id']}/revoke", camat, {}))[0] == 200
    # Nor what they have not: what is closed, or roles.
    status, refused = await ask(client, "POST", "grants", camat, {**POLICE, "sees_closed": True})
    assert (status, refused["code"]) == (403, "beyond_own_grants")
    assert (await ask(client, "POST", "roles", camat, {"name": "own", "actions": ["live"]}))[1]["code"] == "forbidden"
    assert (await ask(client, "GET", "cameras/gate/who", camat))[1]["code"] == "camera_not_found"


async def test_nobody_gives_more_footage_than_they_have(client: Client, world: World) -> None:
    footage = GrantedFootage(FootageKind.LAST, last_us=3600 * S)
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=south", at_us=T0, footage=footage)
    for wanted, status in (
        ({"kind": "all"}, 403),
        ({"kind": "last", "last_s": 7200}, 403),
        ({"kind": "last", "last_s": 1800}, 201),
        ({"kind": "live"}, 201),
        ({"kind": "range", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:10:00Z"}, 403),
    ):
        assert (await ask(client, "POST", "grants", camat, {**POLICE, "footage": wanted}))[0] == status, wanted


async def test_the_last_administrator_stays(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    _, listed = await ask(client, "GET", "grants?holder=anna", anna)
    status, refused = await ask(client, "POST", f"grants/{listed['grants'][0]['id']}/revoke", anna, {})
    assert (status, refused["code"]) == (409, "last_admin")
    body = {"holder": "ines", "gives": "admin", "cameras": "*", "reason": "second"}
    assert (await ask(client, "POST", "grants", anna, {**body, "until": "2026-11-24T00:00:00Z"}))[0] == 201
    _, refused = await ask(client, "POST", f"grants/{listed['grants'][0]['id']}/revoke", anna, {})
    assert refused["code"] == "last_admin", "one that ends by itself is none"
    assert (await ask(client, "POST", "grants", anna, body))[0] == 201
    assert (await ask(client, "POST", f"grants/{listed['grants'][0]['id']}/revoke", anna, {}))[0] == 200


async def test_who_may_is_what_they_would_get(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    made = await client.post(
        "/api/tokens",
        json={"name": "narrow", "role": "viewer", "cameras": "id=gate", "footage": {"kind": "live"}},
        headers=world.bearer_of("anna"),
    )
    assert made.status_code == 201, made.text
    create_service(world.db, "archive", Role.ADMIN, at_us=T0)
    give(world.db, "later", Role.VIEWER, "id=gate", at_us=T0, from_us=NOW + 3600 * 1_000_000)
    found = {one["name"]: one for one in (await ask(client, "GET", "cameras/gate/who", anna))[1]["holders"]}
    assert found["token narrow"]["actions"] == ["live", "status"], "no more than its role and its grant"
    assert {"approve", "people"}.isdisjoint(found["archive"]["actions"]) and "playback" in found["archive"]["actions"]
    assert "later" not in found and {"vera", "ines", "anna"} <= found.keys()
    assert [one["gives"] for one in found["vera"]["grants"]] == ["viewer"]
    closed = await client.post("/api/cameras/gate/closures", json={"reason": "a home"}, headers=anna)
    assert closed.status_code == 201
    found = {one["name"]: one for one in (await ask(client, "GET", "cameras/gate/who", anna))[1]["holders"]}
    assert found["vera"]["actions"] == ["status"], "nobody sees what is closed"
    token = f"token-{made.json()['id']}"
    _, told = await ask(client, "GET", f"cameras/hall/explain?user={token}", anna)
    outcomes = {one["action"]: one["outcome"] for one in told["actions"]}
    assert (outcomes["live"], outcomes["people"]) == ("hidden", "forbidden")
    _, told = await ask(client, "GET", f"cameras/gate/explain?user={token}", anna)
    outcomes = {one["action"]: one["outcome"] for one in told["actions"]}
    assert (outcomes["live"], outcomes["playback"], outcomes["people"]) == ("closed", "closed", "forbidden")


async def test_a_change_says_before_who_would_see_what(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    give(world.db, "sari", Role.VIEWER, "district=south", at_us=T0)
    give(world.db, "tono", Role.VIEWER, "district=north", at_us=T0)
    _, told = await ask(client, "POST", "preview", anna, {"labels": {"yard": {"district": "north"}}})
    assert told["summary"] == "gives 1 person sight of 1 camera, takes sight of 1 camera from 1 person"
    assert [(one["name"], one["some"]) for one in told["given"]] == [("tono", ["yard"])]
    assert [(one["name"], one["some"]) for one in told["taken"]] == [("sari", ["yard"])]
    trial = {"give": {**POLICE, "holder": "sari", "cameras": "*"}}
    _, told = await ask(client, "POST", "preview", anna, trial)
    assert told["summary"] == "gives 1 person sight of 1 camera" and told["given"][0]["some"] == ["gate"]
    _, nothing = await ask(client, "POST", "preview", anna, {"labels": {"gate": {"district": "north"}}})
    assert nothing["summary"] == "changes nothing of who sees which camera"
    with world.db.read() as conn:
        assert not list(audit.entries(conn, action="grant_given"))


async def test_roles_of_ones_own(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    wall = {"name": "wall", "actions": ["status", "live"]}
    assert (await ask(client, "POST", "roles", anna, wall))[0] == 201
    sari = bearer_with(world.db, "sari", Role.ADMIN, "id=none", at_us=T0)
    body = {"holder": "sari", "gives": "wall", "cameras": "district=south", "reason": "control room"}
    assert (await ask(client, "POST", "grants", anna, body))[0] == 201
    me = (await client.get("/api/me", headers=sari)).json()
    assert {"live", "status"} <= set(me["actions"])
    assert (await client.get("/api/cameras/hall/live.m3u8", headers=sari)).status_code != 403
    assert (await client.get("/api/cameras/hall/playlist.m3u8", headers=sari)).json()["code"] == "forbidden"
    assert (await ask(client, "POST", "roles", anna, {"name": "admin", "actions": ["live"]}))[1][
        "code"
    ] == "invalid_grant"
    assert (await client.delete("/api/access/roles/wall", headers=anna)).status_code == 204
    assert (await client.get("/api/cameras/hall", headers=sari)).status_code == 404
    assert "wall" not in [role["name"] for role in (await ask(client, "GET", "roles", anna))[1]["roles"]]


async def test_an_approved_request_is_a_grant_that_ends_by_itself(client: Client, world: World) -> None:
    polisi = bearer_with(world.db, "polisi", Role.INVESTIGATOR, "id=none", at_us=T0)
    await ask(client, "POST", "roles", world.bearer("admin"), {"name": "asks", "actions": ["request"]})
    give(world.db, "polisi", "asks", "*", at_us=T0)
    case = {"number": "LP/1", "legal_basis": "KUHAP 39", "title": ""}
    opened = (await client.post("/api/cases", json=case, headers=polisi)).json()
    wanted = {"cameras": ["hall"], "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z", "purpose": "plate"}
    made = await client.post(f"/api/cases/{opened['id']}/requests", json=wanted, headers=polisi)
    assert made.status_code == 201, made.text
    assert (await client.get("/api/cameras/hall/playlist.m3u8", headers=polisi)).json()["code"] == "forbidden"
    body = {"reason": "fine", "until": "2026-11-24T00:00:00Z"}
    ines = world.bearer("investigator")
    approved = await client.post(f"/api/requests/{made.json()['id']}/approve", json=body, headers=ines)
    assert approved.status_code == 200, approved.text
    (mine,) = [g for g in (await ask(client, "GET", "mine", polisi))[1]["grants"] if g["request"] is not None]
    assert (
        mine["cameras"] == "id=hall"
        and mine["gives"] == "disclosure"
        and mine["until"] == body["until"][:-1] + ".000000Z"
    )
    inside = {"start": wanted["start"], "end": wanted["end"]}
    # That its file is none is another matter.
    assert (await client.get("/api/cameras/hall/clip.mp4", params=inside, headers=polisi)).json()["code"] != "forbidden"
    beyond = {"start": "2026-11-23T14:06:00Z", "end": "2026-11-23T14:07:00Z"}
    answer = await client.get("/api/cameras/hall/playlist.m3u8", params=beyond, headers=polisi)
    assert answer.json()["code"] == "outside_grant"
    world.now_us += 86_400 * S
    answer = await client.get("/api/cameras/hall/playlist.m3u8", params=inside, headers=polisi)
    assert answer.json()["code"] == "forbidden"


async def test_cases_exports_and_holds_of_others_cameras_are_not_there(client: Client, world: World) -> None:
    ines = world.bearer("investigator")
    case = {"number": "LP/2", "legal_basis": "KUHAP 39", "title": ""}
    opened = (await client.post("/api/cases", json=case, headers=ines)).json()
    wanted = {
        "cameras": ["gate", "hall"],
        "start": "2026-11-23T14:00:00Z",
        "end": "2026-11-23T14:05:00Z",
        "purpose": "x",
    }
    made = (await client.post(f"/api/cases/{opened['id']}/requests", json=wanted, headers=ines)).json()
    export = {
        "cameras": ["hall"],
        **{k: wanted[k] for k in ("start", "end")},
        "case": "1",
        "legal_basis": "x",
        "purpose": "x",
    }
    done = await client.post("/api/exports", json=export, headers=ines)
    assert done.status_code == 201, done.text
    some = bearer_with(world.db, "sari", Role.ADMIN, "id=gate", at_us=T0)
    for path, name in (("cases", "cases"), ("exports", "exports"), ("holds", "holds")):
        found = (await client.get(f"/api/{path}", headers=some)).json()[name]
        assert [one.get("camera") for one in found] == (["gate"] if path == "holds" else []), path
    for method, path, body in (
        ("GET", f"/api/cases/{opened['id']}", None),
        ("POST", f"/api/cases/{opened['id']}/close", {"reason": "x"}),
        ("POST", f"/api/cases/{opened['id']}/requests", {**wanted, "cameras": ["gate"]}),
        ("POST", f"/api/requests/{made['id']}/approve", {}),
        ("POST", f"/api/requests/{made['id']}/refuse", {"reason": "x"}),
        ("GET", f"/api/exports/{done.json()['id']}", None),
        ("GET", f"/api/exports/{done.json()['id']}/download", None),
        ("POST", f"/api/exports/{done.json()['id']}/cancel", None),
    ):
        given: Any = {} if body is None else {"json": body}
        assert (await client.request(method, path, headers=some, **given)).status_code == 404, path
    both = bearer_with(world.db, "tono", Role.INVESTIGATOR, "id=gate|hall", at_us=T0)
    assert (await client.get(f"/api/cases/{opened['id']}", headers=both)).status_code == 200
