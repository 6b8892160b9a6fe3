"""Coverage of the fleet in figures, and the outages of now."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from storage.catalogue import cameras, facts
from storage.causes import Cause
from storage.coverage import closed_days
from tests.api.catalogue import NOW, T0, S, World, add_camera, add_segment, enter

Client = AsyncTestClient[Litestar]
HOUR = "start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"


async def ask(client: Client, world: World, query: str) -> dict[str, Any]:
    answer = await client.get(f"/api/coverage?{query}", headers=world.bearer("viewer"))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_by_label(client: Client, world: World) -> None:
    body = await ask(client, world, f"{HOUR}&by=district")
    assert [(g["value"], g["cameras"], g["recorded_s"], g["missing_s"], g["outages"]) for g in body["groups"]] == [
        ("north", 1, 2998, 601, 2),
        ("south", 2, 3600, 3600, 1),
    ]
    assert body["groups"][0]["by_class"] == {"network": 600, "camera": 1, "server": 0}
    assert body["groups"][0]["mttr_s"] == 300.5
    assert body["total"]["coverage"] == 6598 / (6598 + 4201)
    assert (body["cameras"], body["by"], body["zone"]) == (3, "district", "Asia/Jakarta")
    by_owner = await ask(client, world, f"{HOUR}&by=owner")
    assert [(g["value"], g["cameras"]) for g in by_owner["groups"]] == [("city", 2), (None, 1)]


async def test_by_camera_and_filters(client: Client, world: World) -> None:
    body = await ask(client, world, f"{HOUR}&by=camera&group=district:south")
    assert [(g["camera"], g["coverage"], g["mtbf_s"]) for g in body["groups"]] == [
        ("hall", 1.0, None),
        ("yard", 0.0, 0.0),
    ]
    assert body["filters"] == {"camera": [], "group": ["district:south"]}


async def test_by_hour_of_the_zone(client: Client, world: World) -> None:
    body = await ask(client, world, "start=2026-11-23T13:50:00Z&end=2026-11-23T15:30:00Z&by=hour&camera=gate")
    assert [(g["start"], g["recorded_s"], g["absent_s"]) for g in body["groups"]] == [
        ("2026-11-23T13:50:00.000000Z", 0, 600),
        ("2026-11-23T14:00:00.000000Z", 2998, 0),
        ("2026-11-23T15:00:00.000000Z", 0, 0),
    ]
    days = await ask(client, world, "start=2026-11-22T00:00:00Z&end=2026-11-23T20:00:00Z&by=day")
    assert [g["start"][:13] for g in days["groups"]] == ["2026-11-22T00", "2026-11-22T17", "2026-11-23T17"]


async def test_orders_are_outside_of_the_figure(client: Client, world: World) -> None:
    with world.db.write() as conn:
        facts.insert(conn, "yard", Cause.DISABLED, T0, T0 + 1800 * S, {"letter": "1"}, node="n1", epoch=1)
        facts.insert(conn, "gate", Cause.MAINTENANCE, T0 + 1200 * S, T0 + 1500 * S, {}, node="n1", epoch=1)
    groups = (await ask(client, world, f"{HOUR}&by=camera"))["groups"]
    gate, yard = groups[0], groups[2]
    assert (gate["planned_s"], gate["missing_s"], gate["coverage"]) == (300, 301, 2998 / 3299)
    assert (yard["administrative_s"], yard["required_s"]) == (1800, 1800)


async def test_closed_days_give_the_same(client: Client, world: World) -> None:
    world.now_us = NOW + 30 * 3600 * S
    query = "start=2026-11-22T11:00:00Z&end=2026-11-24T19:00:00Z&by=camera"
    before = await ask(client, world, query)
    assert closed_days.refresh(world.db, now_us=world.now_us) > 0
    assert await ask(client, world, query) == before


async def test_outages_of_now(client: Client, world: World) -> None:
    world.tick_us = 0
    add_camera(world, "pier", district="north")
    add_segment(world, "pier", T0, T0 + 10 * S)
    enter(world, "pier", T0 + 10 * S, Cause.ENDED)
    enter(world, "pier", T0 + 11 * S, Cause.UNREACHABLE, error="timeout")
    add_camera(world, "new")
    body = (await client.get("/api/outages", headers=world.bearer("viewer"))).json()
    found = [(o["camera"], o["since"], o["cause"], o["class"], o["at_least"]) for o in body["outages"]]
    assert found == [
        ("yard", "2026-11-23T14:00:00.000000Z", "unreachable", "network", False),
        ("pier", "2026-11-23T14:00:10.000000Z", "unreachable", "network", False),
    ]
    assert body["outages"][1]["detail"] == {}
    whole = (await client.get("/api/outages", headers=world.bearer("admin"))).json()
    assert whole["outages"][1]["detail"] == {"error": "timeout"}
    assert body["outages"][1]["duration_s"] == 3590
    assert body["cameras"] == 5
    with world.db.write() as conn:
        facts.insert(conn, "pier", Cause.DISABLED, T0 + 600 * S, None, {}, node="n1", epoch=1)
        cameras.remove(conn, "yard", at_us=NOW)
    assert (await client.get("/api/outages", headers=world.bearer("viewer"))).json()["outages"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{HOUR}&by=label:", "invalid_parameter"),
        (f"{HOUR}&group=x", "invalid_parameter"),
        (f"{HOUR}&camera=nowhere", "camera_not_found"),
        ("start=2026-01-01T00:00:00Z&end=2026-11-23T15:00:00Z&by=hour", "range_too_long"),
    ],
)
async def test_what_can_not_be_asked(client: Client, world: World, query: str, code: str) -> None:
    answer = await client.get(f"/api/coverage?{query}", headers=world.bearer("viewer"))
    assert answer.json()["code"] == code
