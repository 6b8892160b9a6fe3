"""Searches and devices over HTTP: begun, watched, stopped, and made cameras."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from tests.api.catalogue import T0, World
from tests.support.cameras.onvif import OnvifServer, make_fleet
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]
PASSWORD = "Semarang2026"


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("0.0.0.0", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
async def fleet() -> AsyncIterator[OnvifServer]:
    devices = make_fleet([f"127.34.0.{n}" for n in range(1, 9)], slow=0.0, silent=0.0, wrong_clock=0.5)
    server = OnvifServer(devices, http_port=_free(socket.SOCK_STREAM), discovery_port=_free(socket.SOCK_DGRAM))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def app(world: World, heard: list[str], fleet: OnvifServer) -> Litestar:
    settings = ApiSettings(
        catalogue=str(world.db.path),
        node="n1",
        zone="Asia/Jakarta",
        web_dist=str(world.folder / "dist"),
        scan_networks=[f"{address}/32" for address in fleet.devices],
        scan_ports=(fleet.http_port,),
        discovery_port=fleet.discovery_port,
    )
    # The clock of this machine: the process of a search has it too.
    return create_app(settings, on_cameras_changed=lambda: heard.append("cameras_changed"))


async def _ended(client: Client, headers: dict[str, str]) -> dict[str, object]:
    async with asyncio.timeout(60):
        while True:
            scans = (await client.get("/api/scans", headers=headers)).json()["scans"]
            if scans[0]["state"] not in ("running", "stopping"):
                return dict(scans[0])
            await asyncio.sleep(0.1)  # sleep: between two questions to another process


async def test_a_search_and_what_becomes_of_it(
    client: Client, world: World, fleet: OnvifServer, heard: list[str]
) -> None:
    headers = {**world.bearer("admin"), "Accept-Language": "id"}
    begun = await client.post("/api/scans", json={"username": "admin", "password": PASSWORD}, headers=headers)
    assert begun.status_code == 201, begun.text
    assert begun.json()["state"] == "running" and PASSWORD not in begun.text
    again = await client.post("/api/scans", json={}, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "scan_running")
    ended = await _ended(client, headers)
    assert (ended["state"], ended["done"], ended["blocks"]) == ("done", 8, 8), ended
    listed = await client.get("/api/devices", headers=headers)
    devices = listed.json()["devices"]
    assert {one["serial"] for one in devices} == {one.serial for one in fleet.devices.values()}
    assert PASSWORD not in listed.text
    assert sum(one.failed for one in fleet.devices.values()) == 0
    off = [finding for one in devices for finding in one["findings"] if finding["code"] == "clock_off"]
    assert off and all(finding["text"].startswith("jamnya melenceng") for finding in off)
    table = await client.get("/api/device-table", headers=headers)
    assert table.text.count("\r\n") == 9 and PASSWORD not in table.text

    wanted = {"pattern": "cam-{number:02}", "labels": {"isp": "Telkom"}}
    dry = await client.post("/api/devices/add", json={**wanted, "dry_run": True}, headers=headers)
    assert dry.json() == {"dry_run": True, "added": [f"cam-{n:02}" for n in range(1, 9)]}
    assert heard == []
    added = await client.post("/api/devices/add", json=wanted, headers=headers)
    assert added.json()["added"] == dry.json()["added"] and heard == ["cameras_changed"]
    camera = (await client.get("/api/cameras/cam-01", headers=headers)).json()
    assert camera["labels"] == {"isp": "Telkom"} and camera["url"].startswith("rtsp://127.34.0.")
    one = (await client.get(f"/api/devices/{devices[0]['id']}", headers=headers)).json()
    assert one["cameras"] and one["pictures"][0]["camera"] == one["cameras"][0]

    some = bearer_with(world.db, "tono", Role.TECHNICIAN, "id=cam-01", at_us=T0)
    (theirs,) = (device["id"] for device in (await client.get("/api/devices", headers=headers)).json()["devices"]
                 if device["cameras"] == ["cam-01"])  # fmt: skip
    others = next(device["id"] for device in devices if device["id"] != theirs)
    hidden, absent = [
        await client.post("/api/cameras/cam-01/device", json={"device": device}, headers=some)
        for device in (others, "no")
    ]
    assert (hidden.status_code, hidden.text.replace(others, "no")) == (404, absent.text), (
        "devices are of the whole server"
    )
    own = await client.post("/api/cameras/cam-01/device", json={"device": theirs}, headers=some)
    assert own.status_code == 200, own.text

    first, second = list(fleet.devices)[:2]
    fleet.move([(first, second), (second, first)])
    await client.post("/api/scans", json={"networks": [first, second]}, headers=headers)
    assert (await _ended(client, headers))["state"] == "done"
    moves = (await client.get("/api/device-moves", headers=headers)).json()["moves"]
    assert {(move["recorded_from"], move["to"]) for move in moves} == {(first, second), (second, first)}
    followed = await client.post(f"/api/cameras/{moves[0]['camera']}/follow", headers=headers)
    assert followed.json() == moves[0]
    assert len((await client.get("/api/device-moves", headers=headers)).json()["moves"]) == 1
    refused = await client.post(f"/api/cameras/{moves[0]['camera']}/follow", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_moved")
    audit = (await client.get("/api/audit", headers=headers)).json()
    assert {"scan_begun", "devices_exported", "camera_followed", "device_moved"} <= {
        entry["action"] for entry in audit["entries"]
    }


async def test_what_may_not_be_searched_is_not(client: Client, world: World, fleet: OnvifServer) -> None:
    headers = world.bearer("admin")
    for networks in (["127.0.0.1"], ["10.0.0.0/8"], ["127.34.0.0/24"], ["camera.example"]):
        answer = await client.post("/api/scans", json={"networks": networks}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scan_not_allowed"), networks
    for method, path in (("GET", "/api/devices"), ("GET", "/api/scans"), ("POST", "/api/scans")):
        answer = await client.request(method, path, headers=world.bearer("investigator"))
        assert answer.status_code == 403, path
    assert not any(one.asked for one in fleet.devices.values())


async def test_a_search_is_stopped_and_gone_on_with(client: Client, world: World, fleet: OnvifServer) -> None:
    headers = world.bearer("admin")
    for one in fleet.devices.values():
        one.quirks |= {"slow"}
    scan = (await client.post("/api/scans", json={}, headers=headers)).json()["id"]
    stopped = await client.post(f"/api/scans/{scan}/stop", headers=headers)
    assert stopped.json()["state"] == "stopping"
    assert (await _ended(client, headers))["state"] == "stopped"
    for one in fleet.devices.values():
        one.quirks -= {"slow"}
    again = await client.post("/api/scans/resume", headers=headers)
    assert again.status_code == 200 and again.json()["id"] == scan
    assert (await _ended(client, headers))["state"] == "done"
    nothing = await client.post("/api/scans/resume", headers=headers)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "scan_running")
    assert (await client.post("/api/scans/nothing/stop", headers=headers)).status_code == 404


async def test_mistakes_are_told(client: Client, world: World) -> None:
    headers = world.bearer("admin")
    for path, body, code in (
        ("/api/devices/add", {}, "invalid_request"),
        ("/api/devices/add", {"pattern": "x-{a.b}"}, None),
        ("/api/devices/add", {"cameras": [{"device": "no", "camera": "a"}]}, "invalid_table"),
        ("/api/devices/add", {"pattern": "a", "devices": ["no"]}, "device_not_found"),
        ("/api/devices/no/retry", {}, "device_not_found"),
        ("/api/cameras/gate/device", {"device": "no"}, "device_not_found"),
        ("/api/scans", {"password": "x"}, "invalid_request"),
    ):
        answer = await client.post(path, json=body, headers=headers)
        assert answer.json().get("code") == code, (path, answer.text)
    answer = await client.post("/api/device-table", content=b"camera\r\na\r\n", headers=headers)
    assert answer.json()["errors"] == [{"field": "line 1, device", "message": "this column is missing"}]
    assert (await client.get("/api/devices/no", headers=headers)).status_code == 404
