"""The list of cameras: all of them once, then what changed, and nothing of what is not granted."""

from __future__ import annotations

from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access.roles import Role
from storage.catalogue import cameras
from tests.api.catalogue import NOW, S, World
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]


async def test_all_once_and_then_what_changed(client: Client, world: World) -> None:
    world.tick_us = 0
    headers = world.bearer("viewer")
    first = (await client.get("/api/fleet", headers=headers)).json()
    assert first["whole"] and first["gone"] == []
    gate, hall, yard = first["cameras"]
    assert gate == {
        "id": "gate", "name": "Gate", "labels": {"district": "north", "owner": "city"}, "state": "recorded",
    }  # fmt: skip
    assert (hall["id"], yard["state"], yard["cause"], yard["class"]) == ("hall", "down", "unreachable", "network")
    assert yard["since"].startswith("2026-11-23T1")
    world.now_us += 3 * S
    rest = await client.get("/api/fleet", params={"after": first["token"]}, headers=headers)
    assert (rest.json()["whole"], rest.json()["cameras"], rest.json()["gone"]) == (False, [], [])
    # At rest: what a page that asks every five seconds loads in a minute.
    assert 12 * len(rest.content) < 2_000
    with world.db.write() as conn:
        found = cameras.find(conn, "yard")
        assert found is not None
        cameras.change(
            conn, camera="yard", name="Yard 2", source=found.source, settings=found.settings, labels=found.labels
        )
    world.now_us += 3 * S
    changed = (await client.get("/api/fleet", params={"after": first["token"]}, headers=headers)).json()
    assert [camera["name"] for camera in changed["cameras"]] == ["Yard 2"] and not changed["whole"]
    with world.db.write() as conn:
        cameras.remove(conn, "yard", at_us=world.now_us)
    world.now_us += 3 * S
    gone = (await client.get("/api/fleet", params={"after": changed["token"]}, headers=headers)).json()
    assert (gone["cameras"], gone["gone"]) == ([], ["yard"])
    # Whoever was away longer is told both.
    late = (await client.get("/api/fleet", params={"after": first["token"]}, headers=headers)).json()
    assert (late["cameras"], late["gone"]) == ([], ["yard"])


async def test_nothing_is_told_of_what_is_not_granted(client: Client, world: World) -> None:
    world.tick_us = 0
    one = bearer_with(world.db, "polisi", Role.VIEWER, "id=gate", at_us=NOW - S)
    first = (await client.get("/api/fleet", headers=one)).json()
    assert [camera["id"] for camera in first["cameras"]] == ["gate"]
    with world.db.write() as conn:
        cameras.remove(conn, "yard", at_us=world.now_us)
    world.now_us += 3 * S
    after = (await client.get("/api/fleet", params={"after": first["token"]}, headers=one)).json()
    assert (after["whole"], after["cameras"], after["gone"]) == (False, [], [])
    # A token of somebody who sees more, or of nobody, is worth nothing.
    every = (await client.get("/api/fleet", headers=world.bearer("viewer"))).json()
    for token in (every["token"], "x.1.all", "", f"{first['token']}9"):
        answer = (await client.get("/api/fleet", params={"after": token}, headers=one)).json()
        assert answer["whole"] and [camera["id"] for camera in answer["cameras"]] == ["gate"], token
