"""Bookmarks over HTTP: made, seen by who may play that footage, removed by who made them."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api.http.times import format_time
from storage.catalogue import audit
from tests.api.catalogue import T0, World
from tests.support.grants import bearer_with

Client = AsyncTestClient[Any]
S = 1_000_000
DAY = {"start": "2026-11-23T00:00:00Z", "end": "2026-11-24T00:00:00Z"}


async def made(
    client: Client, world: World, name: str = "ines", *, at_us: int = T0 + S, note: str = "plat H 1234"
) -> Any:
    return await client.post(
        "/api/cameras/gate/bookmarks", json={"at": format_time(at_us), "note": note}, headers=world.bearer_of(name)
    )


async def listed(client: Client, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get("/api/bookmarks", params={"camera": ["gate", "hall"], **DAY}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["bookmarks"]
    return found


async def test_a_bookmark_is_there_for_everybody_who_may_play_that_footage(client: Client, world: World) -> None:
    late, early = await made(client, world, at_us=T0 + 60 * S), await made(client, world, note="  arah selatan ")
    assert early.status_code == 201, early.text
    assert early.json()["note"] == "arah selatan" and early.json()["at"] == format_time(T0 + S)
    mine = await listed(client, world.bearer_of("ines"))
    assert [one["id"] for one in mine] == [early.json()["id"], late.json()["id"]]
    assert all(one["mine"] and one["made_by"] == "ines (token test)" for one in mine)
    assert [one["mine"] for one in await listed(client, world.bearer_of("vera"))] == [False, False]
    with world.db.read() as conn:
        assert [entry.action for entry in audit.entries(conn, action="bookmark_made")] == ["bookmark_made"] * 2


async def test_it_is_seen_only_with_its_footage(client: Client, world: World) -> None:
    await made(client, world)
    part = GrantedFootage(FootageKind.RANGE, start_us=T0 + 100 * S, end_us=T0 + 200 * S)
    some = bearer_with(world.db, "sari", Role.INVESTIGATOR, "*", at_us=T0, footage=part)
    assert await listed(client, some) == []
    none = bearer_with(world.db, "lili", Role.INVESTIGATOR, "id=hall", at_us=T0)
    hidden = await client.get("/api/bookmarks", params={"camera": "gate", **DAY}, headers=none)
    assert hidden.status_code == 404
    outside = await client.post(
        "/api/cameras/gate/bookmarks", json={"at": format_time(T0 + S), "note": "x"}, headers=some
    )
    assert (outside.status_code, outside.json()["code"]) == (403, "outside_grant")


async def test_who_made_it_removes_it_or_an_administrator(client: Client, world: World) -> None:
    one, other = (await made(client, world)).json()["id"], (await made(client, world)).json()["id"]
    refused = await client.delete(f"/api/bookmarks/{one}", headers=world.bearer_of("vera"))
    assert (refused.status_code, refused.json()["code"]) == (404, "bookmark_not_found")
    assert (await client.delete(f"/api/bookmarks/{one}", headers=world.bearer_of("ines"))).status_code == 204
    assert (await client.delete(f"/api/bookmarks/{one}", headers=world.bearer_of("ines"))).status_code == 404
    assert (await client.delete(f"/api/bookmarks/{other}", headers=world.bearer_of("anna"))).status_code == 204
    assert await listed(client, world.bearer_of("ines")) == []
    with world.db.read() as conn:
        rows = conn.execute("SELECT note, removed_by FROM bookmark ORDER BY removed_us").fetchall()
    assert [tuple(row) for row in rows] == [("plat H 1234", "ines (token test)"), ("plat H 1234", "anna (token test)")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"at": format_time(T0 + S), "note": "  "}, "invalid_bookmark"),
        ({"at": format_time(T0 + S), "note": "x" * 501}, "invalid_bookmark"),
        ({"at": "2027-01-01T00:00:00Z", "note": "x"}, "invalid_bookmark"),
        ({"at": "14:05", "note": "x"}, "invalid_time"),
        ({"note": "x"}, "invalid_request"),
    ],
)
async def test_what_is_no_bookmark(client: Client, world: World, body: Any, code: str) -> None:
    answer = await client.post("/api/cameras/gate/bookmarks", json=body, headers=world.bearer_of("ines"))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
