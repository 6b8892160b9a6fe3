"""The connection test: a real camera, a process of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable

from litestar import Litestar
from litestar.testing import AsyncTestClient

from tests.api.catalogue import World
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera

Client = AsyncTestClient[Litestar]


async def test_a_camera_is_looked_at(
    client: Client, world: World, serve: Callable[[Startable], str], h264_clip: Clip
) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    answer = await client.post("/api/probe", json={"url": url}, headers=world.bearer("admin"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["frames"] > 20 and found["source"] == "native" and found["cause"] is None
    assert base64.b64decode(found["picture"])[:2] == b"\xff\xd8"
    audit = (await client.get("/api/audit", headers=world.bearer("admin"))).json()
    assert "camera_probed" in [entry["action"] for entry in audit["entries"]]


async def test_what_can_not_be_looked_at(client: Client, world: World) -> None:
    headers = world.bearer("admin")
    for body, status in (
        ({}, 400),
        ({"url": "rtsp://127.0.0.1:1/x", "camera": "gate"}, 400),
        ({"camera": "nobody"}, 404),
        ({"url": "http://"}, 400),
    ):
        answer = await client.post("/api/probe", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    refused = (await client.post("/api/probe", json={"url": "rtsp://127.0.0.1:1/x"}, headers=headers)).json()
    assert (refused["frames"], refused["cause"]) == (0, "unreachable")
    assert (await client.post("/api/probe", json={}, headers=world.bearer("viewer"))).status_code == 403
