"""Clips that need an approved request of a case, where that is set; and what never does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from tests.api.catalogue import World

Client = AsyncTestClient[Litestar]
WITHIN = "start=2026-11-23T14:01:00Z&end=2026-11-23T14:02:00Z"


@pytest.fixture
def strict(app: Litestar) -> None:
    services = app.state.services
    services.configure(msgspec.structs.replace(services.settings, clips_need_request=True))


async def approved(client: Client, world: World, *, decide: str | None = "approve") -> str:
    ines = world.bearer_of("ines")
    case = (await client.post("/api/cases", json={"number": "LP/1", "legal_basis": "KUHAP"}, headers=ines)).json()
    body = {"cameras": ["gate"], "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z", "purpose": "plate"}
    made = (await client.post(f"/api/cases/{case['id']}/requests", json=body, headers=ines)).json()
    if decide is not None:
        reason = {"reason": "in order"}
        done = await client.post(f"/api/requests/{made['id']}/{decide}", json=reason, headers=world.bearer_of("anna"))
        assert done.status_code == 200, done.text
    return str(made["id"])


async def answered(client: Client, who: dict[str, str], path: str) -> str:
    answer = await client.get(path, headers=who)
    found: dict[str, Any] = answer.json() if "json" in answer.headers["content-type"] else {}
    return str(found.get("code", answer.status_code))


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("kind", ["clip.mp4", "clip.zip"])
async def test_a_clip_lies_within_an_approved_request(client: Client, world: World, kind: str) -> None:
    ines, anna, path = world.bearer_of("ines"), world.bearer_of("anna"), f"/api/cameras/gate/{kind}?{WITHIN}"
    for who in (ines, anna):
        assert await answered(client, who, path) == "approval_needed"
    assert await answered(client, ines, f"{path}&request=nowhere") == "request_not_found"
    id_ = await approved(client, world)
    # What is let through fails at these bytes, which are no footage.
    for who in (ines, anna):
        assert await answered(client, who, f"{path}&request={id_}") == "footage_damaged"
    assert await answered(client, world.bearer("investigator"), f"{path}&request={id_}") == "approval_needed"
    longer = f"/api/cameras/gate/{kind}?start=2026-11-23T14:01:00Z&end=2026-11-23T14:05:01Z&request={id_}"
    assert await answered(client, ines, longer) == "approval_needed"
    assert await answered(client, ines, f"/api/cameras/hall/{kind}?{WITHIN}&request={id_}") == "approval_needed"


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("decide", [None, "refuse"])
async def test_a_request_that_is_not_approved_is_none(client: Client, world: World, decide: str | None) -> None:
    id_ = await approved(client, world, decide=decide)
    path = f"/api/cameras/gate/clip.mp4?{WITHIN}&request={id_}"
    assert await answered(client, world.bearer_of("ines"), path) == "approval_needed"


@pytest.mark.usefixtures("strict")
async def test_an_address_for_a_player_is_no_way_around(client: Client, world: World) -> None:
    body = {"start": "2026-11-23T14:01:00Z", "end": "2026-11-23T14:02:00Z"}
    ines = world.bearer_of("ines")
    made = (await client.post("/api/cameras/gate/addresses", json=body, headers=ines)).json()
    clip = made["path"].replace("playlist.m3u8", "clip.mp4")
    assert await answered(client, {}, clip) == "approval_needed"
    assert await answered(client, {}, made["path"]) != "approval_needed"


@pytest.mark.usefixtures("strict")
async def test_looking_needs_none(client: Client, world: World) -> None:
    for path in (f"/api/cameras/gate/playback.m3u8?{WITHIN}", "/api/cameras/gate/snapshot.jpg?at=2026-11-23T14:01:00Z"):
        assert await answered(client, world.bearer_of("vera"), path) != "approval_needed"


async def test_without_the_setting_a_clip_needs_none(client: Client, world: World) -> None:
    assert await answered(client, world.bearer_of("ines"), f"/api/cameras/gate/clip.mp4?{WITHIN}") == "footage_damaged"
