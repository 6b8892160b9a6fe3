"""Moving a camera over HTTP: who may, whose move counts, that it stands in time, and that the audit log has it."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access import giving
from nvr.access import rows as access_rows
from nvr.access.giving import WantedGrant
from nvr.access.roles import AccessAction, Role
from nvr.accounts import rows as people
from nvr.api import ApiSettings, create_app
from nvr.api.http.services import Services
from nvr.devices import rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets, VideoProfile
from nvr.devices.onvif.soap import PTZ
from storage.catalogue.actors import SERVER_ACTOR
from tests.api.catalogue import NOW, T0, S, World
from tests.support.cameras.onvif import OnvifDevice, OnvifServer, PtzHeadSimulator
from tests.support.cameras.running import LoopThread
from tests.support.people import token_of
from tests.support.waiting import until_async

Client = AsyncTestClient[Litestar]
PASSWORD = "Semarang2026"
MOVE = "/api/cameras/gate/ptz/move"


@pytest.fixture
def head(world: World) -> Iterator[PtzHeadSimulator]:
    """That of the camera ``gate``, in the north; ``yard``, in the south, is the same device's, and may not be moved."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        port = int(taken.getsockname()[1])
    made = PtzHeadSimulator()
    device = OnvifDevice("127.40.0.1", uuid="u", login="digest", head=made, quirks=frozenset({"ptz_ignores_timeout"}))
    server = OnvifServer([device], http_port=port)
    # In a thread of its own: the client of these tests keeps their loop while it asks.
    thread = LoopThread()
    thread.call(server.start())
    facts = DeviceFacts(
        address=device.address,
        port=port,
        path=device.path,
        services=(PTZ,),
        profiles=(VideoProfile(token="main1", source="1", use="main"),),
    )
    with world.db.write() as conn:
        id_ = rows.put_device(conn, None, facts, DeviceSecrets(username="admin", password=PASSWORD), now_us=1)
        rows.bind(conn, "gate", id_)
    yield made
    thread.call(server.stop())
    thread.close()
    assert device.failed == 0


@pytest.fixture
def app(world: World, head: PtzHeadSimulator) -> Litestar:
    settings = ApiSettings(
        catalogue=str(world.db.path),
        node="n1",
        web_dist=str(world.folder / "dist"),
        ptz_cameras="district=north",
        ptz_priorities={"admin": 40, "operator": 20},
    )
    return create_app(settings, now_us=world.read_clock)


def mover(world: World, name: str, role: str, cameras: str = "*") -> dict[str, str]:
    """The session of somebody who may move these cameras by a grant of this role."""
    token_of(world.db, name, Role.VIEWER, at_us=T0)
    with world.db.write() as conn:
        if role not in access_rows.roles(conn):
            access_rows.save_role(conn, role, [AccessAction.PTZ], by=SERVER_ACTOR, at_us=T0)
        wanted = WantedGrant(f"user-{name}", role, cameras, "the control room")
        giving.give(conn, wanted, by=SERVER_ACTOR, at_us=T0)
        found = people.user_of_id(conn, f"user-{name}")
    assert found is not None
    session = accounts.create_session(world.db, found, at_us=NOW, way="password", lasts_us=24 * 3600 * S)
    return {"Cookie": f"nvr_session={session}", "Origin": "http://nvr.test"}


async def entered(client: Client, world: World) -> list[dict[str, str]]:
    """What the audit log has of moving, the first first."""
    entries = (await client.get("/api/audit", headers=world.bearer("admin"))).json()["entries"]
    return [entry for entry in reversed(entries) if entry["action"].startswith("ptz_")]


async def test_who_may_moves_it_and_it_stands_when_they_say_no_more(
    client: Client, world: World, head: PtzHeadSimulator
) -> None:
    olga = mover(world, "olga", "operator")
    state = (await client.get("/api/cameras/gate/ptz", headers=olga)).json()
    assert state == {
        "movable": True, "why": None, "priority": 20, "held_by": None, "held_priority": None, "held_until": None,
        "mine": False, "wishes": [], "moving": False, "trouble": None,
    }  # fmt: skip
    taken = await client.post("/api/cameras/gate/ptz/lease", headers=olga)
    assert taken.status_code == 200 and taken.json()["mine"] and PASSWORD not in taken.text
    for _ in range(3):
        told = await client.post(MOVE, json={"pan": 1, "tilt": -0.5}, headers=olga)
        assert told.status_code == 200, told.text
    said_s = time.monotonic()
    await until_async(lambda: head.velocity == (1.0, -0.5, 0.0), within_s=1.0)
    await until_async(lambda: not head.is_moving, within_s=2.0)
    assert time.monotonic() - said_s < 1.0
    await client.post(MOVE, json={"zoom": 1}, headers=olga)
    await client.post(MOVE, json={}, headers=olga)
    await until_async(lambda: not head.is_moving, within_s=1.0)
    await until_async(lambda: "Stop" in [name for name, _ in head.told], within_s=1.0)
    log = await entered(client, world)
    # Where this process is not let run for long, the camera is stopped between two words of hers, too.
    acts = [one["action"] for one in log]
    assert acts[:2] == ["ptz_moved", "ptz_stopped"] and acts[-1] == "ptz_moved"
    assert acts[::2] == ["ptz_moved"] * len(acts[::2]) and len(acts) in (3, 5, 7), acts
    assert {one["camera"] for one in log} == {"gate"} and log[0]["actor"].startswith("olga")
    assert log[1]["actor"] == "server" and "nothing more was heard" in log[1]["detail"]


async def test_who_may_not_moves_nothing(client: Client, world: World, head: PtzHeadSimulator) -> None:
    olga = mover(world, "olga", "operator", "district=south")
    for headers, camera, code in (
        (world.bearer("investigator"), "gate", "forbidden"),
        (world.bearer("viewer"), "gate", "forbidden"),
        (olga, "gate", "forbidden"),
        (olga, "yard", "ptz_off"),
        (world.bearer("admin"), "hall", "ptz_off"),
    ):
        for method, path, body in (
            ("POST", "move", {"pan": 1}),
            ("POST", "lease", None),
            ("POST", "call", {"preset": "1"}),
            ("POST", "presets", {"name": "x"}),
            ("DELETE", "presets/1", None),
        ):
            answer = await client.request(method, f"/api/cameras/{camera}/ptz/{path}", json=body, headers=headers)
            assert answer.json()["code"] == code, (camera, path, answer.text)
    state = (await client.get("/api/cameras/yard/ptz", headers=olga)).json()
    assert not state["movable"] and "[ptz]" in state["why"]
    for body in ({"pan": 1.01}, {"pan": "left"}, {"speed": 1}):
        wrong = await client.post(MOVE, json=body, headers=world.bearer("admin"))
        assert wrong.json()["code"] == "invalid_request", body
    assert head.told == [] and await entered(client, world) == []


async def test_the_higher_priority_takes_it_and_hands_it_over(
    client: Client, world: World, head: PtzHeadSimulator
) -> None:
    vera, olga, otto = mover(world, "v", "guest"), mover(world, "olga", "operator"), mover(world, "otto", "operator")
    await client.post(MOVE, json={"pan": 1}, headers=vera)
    assert (await client.post("/api/cameras/gate/ptz/lease", headers=olga)).json()["held_by"].startswith("olga")
    await until_async(lambda: not head.is_moving, within_s=0.6)
    refused = await client.post(MOVE, json={"pan": 1}, headers=vera)
    assert (refused.status_code, refused.json()["code"]) == (409, "ptz_taken") and "olga" in refused.text
    assert (await client.post("/api/cameras/gate/ptz/hand-over", headers=olga)).json()["code"] == "ptz_taken"
    assert (await client.post("/api/cameras/gate/ptz/lease", headers=otto)).json()["code"] == "ptz_taken"
    state = (await client.get("/api/cameras/gate/ptz", headers=olga)).json()
    assert state["mine"] and len(state["wishes"]) == 1 and state["wishes"][0].startswith("otto")
    handed = await client.post("/api/cameras/gate/ptz/hand-over", headers=olga)
    assert handed.json()["held_by"].startswith("otto") and not handed.json()["mine"]
    assert (await client.post(MOVE, json={"pan": 1}, headers=otto)).status_code == 200
    assert (await client.delete("/api/cameras/gate/ptz/lease", headers=otto)).status_code == 204
    await until_async(lambda: not head.is_moving, within_s=0.6)
    assert (await client.post("/api/cameras/gate/ptz/lease", headers=vera)).json()["mine"]
    world.now_us += 16_000_000
    assert (await client.get("/api/cameras/gate/ptz", headers=vera)).json()["held_by"] is None
    assert [one["action"] for one in await entered(client, world)] == [
        "ptz_moved", "ptz_taken", "ptz_handed_over", "ptz_moved",
    ]  # fmt: skip


async def test_places_are_kept_called_and_forgotten(client: Client, world: World, head: PtzHeadSimulator) -> None:
    admin = world.bearer("admin")
    made = await client.post("/api/cameras/gate/ptz/presets", json={"name": "Pasar Johar"}, headers=admin)
    assert made.json() == {"preset": "2", "name": "Pasar Johar"}, made.text
    assert (await client.post("/api/cameras/gate/ptz/call", json={"preset": "2"}, headers=admin)).status_code == 200
    assert (await client.delete("/api/cameras/gate/ptz/presets/1", headers=admin)).status_code == 204
    found = await client.get("/api/cameras/gate/ptz/presets", headers=admin)
    assert found.json() == {"presets": [{"preset": "2", "name": "Pasar Johar"}]}
    wrong = await client.post("/api/cameras/gate/ptz/call", json={"preset": "9"}, headers=admin)
    assert (wrong.status_code, wrong.json()["code"]) == (502, "ptz_failed")
    assert [one["action"] for one in await entered(client, world)] == [
        "ptz_preset_kept", "ptz_preset_called", "ptz_preset_removed", "ptz_preset_called",
    ]  # fmt: skip


async def test_a_process_that_is_killed_leaves_nothing_moving(
    client: Client, world: World, head: PtzHeadSimulator, app: Litestar
) -> None:
    """The device moves on whatever it was told: another process stops it."""
    services: Services = app.state.services
    admin = world.bearer("admin")
    await client.post("/api/cameras/gate/ptz/lease", headers=admin)
    await client.post(MOVE, json={"pan": 1}, headers=admin)
    await until_async(lambda: head.is_moving, within_s=1.0)
    first = services.ptz.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until_async(lambda: not head.is_moving)
    await until_async(lambda: services.ptz.pid not in (None, first))
    assert (await client.post(MOVE, json={"pan": 1}, headers=admin)).status_code == 200
    await until_async(lambda: head.is_moving, within_s=2.0)
    await services.ptz.close()
    assert not head.is_moving, "who asks has ended: what moves is stopped first"
