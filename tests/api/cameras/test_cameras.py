"""Cameras: listing, status, adding, changing, removing; what is never told."""

from __future__ import annotations

import sqlite3

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.cameras.camera_settings import checked
from nvr.api.http.errors import ApiError
from nvr.supervisor.provision import from_row
from storage.catalogue import cameras, devices, logins, status
from storage.catalogue.status import Status
from storage.causes import Cause
from storage.retention.policies import LabelRule, Policy, Rules
from storage.writing import at_risk
from storage.writing.at_risk import Risk
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S, World

Client = AsyncTestClient[Litestar]


async def test_the_list(client: Client, world: World) -> None:
    world.tick_us = 0
    answer = await client.get("/api/cameras", headers=world.bearer("viewer"))
    body = answer.json()
    assert body["as_of"] == "2026-11-23T15:00:00.000000Z"
    gate, hall, yard = body["cameras"]
    assert gate == {
        "id": "gate",
        "name": "Gate",
        "labels": {"district": "north", "owner": "city"},
        "audio": False,
        "source": "catalogue",
        "status": {
            "state": "recording",
            "since": "2026-11-23T14:30:00.000000Z",
            "cause": None,
            "class": None,
            "detail": None,
            "recorded_until": "2026-11-23T14:59:59.000000Z",
            "codec": "avc1.64001f",
            "width": 1280,
            "height": 720,
            "bitrate_bps": 2_000_000,
            "frame_rate": 25.0,
            "clock_offset_s": None,
            "counters": {},
        },
        "first_footage": "2026-11-23T14:00:00.000000Z",
        "last_footage": "2026-11-23T14:59:59.000000Z",
    }
    assert hall["source"] == "file"
    assert yard["status"]["state"] == "waiting"
    assert yard["status"]["cause"] == "unreachable"
    assert yard["status"]["detail"] is None
    whole = (await client.get("/api/cameras/yard", headers=world.bearer("admin"))).json()
    assert whole["status"]["detail"] == {"error": "no route"}
    assert yard["first_footage"] is yard["last_footage"] is None


@pytest.mark.parametrize("role", ["viewer", "investigator", "admin"])
async def test_passwords_are_never_told(client: Client, world: World, role: str) -> None:
    for path in ("/api/cameras", "/api/cameras/gate"):
        answer = await client.get(path, headers=world.bearer(role))
        assert "s3cret" not in answer.text
        assert ("url" in answer.text) is (role == "admin")


async def test_a_silent_recorder_is_not_called_recording(client: Client, world: World) -> None:
    world.now_us = NOW + 16 * S
    gate = (await client.get("/api/cameras/gate", headers=world.bearer("viewer"))).json()
    assert gate["status"]["state"] == "waiting"
    assert gate["status"]["since"] == "2026-11-23T15:00:00.000000Z"
    assert "has not reported" in gate["status"]["detail"]["reason"]


async def test_a_camera_that_nobody_reported_yet(client: Client, world: World) -> None:
    catalogue.add_camera(world, "new")
    new = (await client.get("/api/cameras/new", headers=world.bearer("viewer"))).json()
    assert new["status"]["state"] == "waiting"
    assert new["status"]["cause"] == "not_configured"


async def test_the_list_takes_one_query_however_many_there_are(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def traced(*args: object, **kwargs: object) -> sqlite3.Connection:
        conn = connect(*args, **kwargs)  # type: ignore[call-overload]
        conn.set_trace_callback(asked.append)
        return conn  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", traced)
    counts = []
    for extra in (0, 30):
        for number in range(extra):
            catalogue.add_camera(world, f"more-{number}")
        asked.clear()
        await client.get("/api/cameras", headers=world.bearer("viewer"))
        counts.append(sum("FROM camera c" in query for query in asked))
    assert counts == [1, 1]


NEW = {
    "id": "dock-1",
    "url": "rtsp://admin:p%40ss-w0rd@192.0.2.7:554/live?channel=1",
    "labels": {"district": "harbour"},
}


async def test_adding_moves_credentials_out_of_the_url(client: Client, world: World, heard: list[str]) -> None:
    answer = await client.post("/api/cameras", json=NEW, headers=world.bearer("admin"))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/api/cameras/dock-1"
    assert answer.json()["url"] == "rtsp://192.0.2.7:554/live?channel=1"
    assert answer.json()["name"] == "dock-1"
    assert "w0rd" not in answer.text
    assert heard == ["cameras_changed"]
    with world.db.read() as conn:
        row = cameras.find(conn, "dock-1")
    assert row is not None
    camera = from_row(row)  # as the supervisor reads it
    assert (camera.username, camera.password and camera.password.reveal()) == ("admin", "p@ss-w0rd")
    assert camera.labels == {"district": "harbour"}
    again = await client.post("/api/cameras", json=NEW, headers=world.bearer("admin"))
    assert (again.status_code, again.json()["code"]) == (409, "camera_exists")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "Dock 1"}, "id"),
        ({"id": "../etc"}, "id"),
        ({"id": ""}, "id"),
        ({"url": "http://192.0.2.7/"}, "url"),
        ({"url": "rtsp://admin:hush hush@192.0.2.7/"}, "url"),
        ({"url": "rtsp:///x"}, "url"),
        ({"url": "rtsp://h:99999/x"}, "url"),
        ({"labels": {"": "x"}}, "labels"),
        ({"name": "two\nlines"}, "name"),
        ({"transport": "pigeon"}, "transport"),
        ({"url": "rtsp://a:hush@h/", "password": "hush", "username": "b"}, "url"),
    ],
)
async def test_a_camera_that_can_not_be_is_refused_without_repeating_secrets(
    client: Client, world: World, heard: list[str], change: dict[str, object], field: str
) -> None:
    answer = await client.post("/api/cameras", json={**NEW, **change}, headers=world.bearer("admin"))
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_camera"
    assert field in answer.json()["errors"][0]["field"] or field in answer.json()["detail"]
    assert "hush" not in answer.text
    assert heard == []


@pytest.mark.parametrize(
    "body", [{"id": "x"}, {**NEW, "pasword": "x"}, {**NEW, "audio": "maybe"}, {**NEW, "labels": [1]}, [], 1]
)
async def test_a_body_of_the_wrong_shape(client: Client, world: World, body: object) -> None:
    answer = await client.post("/api/cameras", json=body, headers=world.bearer("admin"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_change_keeps_what_it_does_not_name(client: Client, world: World, heard: list[str]) -> None:
    admin = world.bearer("admin")
    answer = await client.patch("/api/cameras/gate", json={"name": "Main gate", "audio": True}, headers=admin)
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "Main gate"
    assert answer.json()["audio"] is True
    with world.db.read() as conn:
        row = cameras.find(conn, "gate")
    assert row is not None
    assert row.settings["password"] == "s3cret-s3cret"
    assert dict(row.labels) == {"district": "north", "owner": "city"}
    assert heard == ["cameras_changed"]
    # The same again is no change, and nobody is told.
    await client.patch("/api/cameras/gate", json={"name": "Main gate"}, headers=admin)
    assert heard == ["cameras_changed"]


async def test_a_password_can_be_taken_away_and_an_answered_url_sent_back(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    await client.patch(
        "/api/cameras/gate", json={"url": "rtsp://192.0.2.1/a?user=me&password=tell-nobody"}, headers=admin
    )
    shown = (await client.get("/api/cameras/gate", headers=admin)).json()["url"]
    assert "tell-nobody" not in shown
    answer = await client.patch(
        "/api/cameras/gate", json={"url": shown, "username": None, "password": None}, headers=admin
    )
    assert answer.status_code == 200
    with world.db.read() as conn:
        row = cameras.find(conn, "gate")
    assert row is not None
    assert row.settings["url"].endswith("password=tell-nobody")
    assert "password" not in row.settings
    answer = await client.patch("/api/cameras/gate", json={"url": "rtsp://***@192.0.2.9/"}, headers=admin)
    assert answer.json()["code"] == "invalid_camera"


ELSEWHERE: list[dict[str, object]] = [
    {"url": "rtsp://evil.test/stream"},
    {"url": "rtsp://192.0.2.1:8554/stream"},
    {"url": "rtsps://192.0.2.1/stream"},
    {"live_url": "rtsp://evil.test/small"},
    {"login": "basic"},
    {"tls": "insecure"},
    {"redirect_hosts": ["evil.test"]},
    {"url": "rtsp://evil.test/stream", "username": "root"},
    {"url": "rtsp://EVIL.test:554/stream", "live_url": "rtsp://192.0.2.1/small"},
]


@pytest.mark.parametrize("change", ELSEWHERE)
async def test_nobody_has_a_password_sent_to_themselves(
    client: Client, world: World, change: dict[str, object]
) -> None:
    """Who edits cameras, a technician for a week, is not shown their passwords; a server of theirs would be sent it."""
    new = {"id": "ours", "url": "rtsp://192.0.2.1/stream", "username": "root", "password": "s3cret-s3cret"}
    assert (await client.post("/api/cameras", json=new, headers=world.bearer("admin"))).status_code == 201
    technician, path = world.bearer("technician"), "/api/cameras/ours"
    answer = await client.patch(path, json=change, headers=technician)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_camera"), answer.text
    assert answer.json()["errors"][0]["field"] == "password"
    with world.db.read() as conn:
        kept = cameras.find(conn, "ours")
    assert kept is not None and kept.settings["url"] == new["url"] and kept.settings["password"] == "s3cret-s3cret"
    # Who says the password knows it; without one there is none to send; the rest is the technician's work.
    given = await client.patch(path, json={**change, "password": "another-1"}, headers=technician)
    assert given.status_code == 200, given.text
    assert (await client.patch(path, json={**change, "password": None}, headers=technician)).status_code == 200
    assert (await client.patch(path, json=new | {"password": "s3cret-s3cret"}, headers=technician)).status_code == 200
    other = {"url": "rtsp://192.0.2.1/other", "live_url": "rtsp://192.0.2.1:554/small", "name": "N", "audio": True}
    assert (await client.patch(path, json=other, headers=technician)).status_code == 200
    assert (await client.patch(path, json=change, headers=world.bearer("admin"))).status_code == 200


async def test_what_can_not_be_changed(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    for method in ("PATCH", "DELETE"):
        body = {"name": "x"} if method == "PATCH" else None
        answer = await client.request(method, "/api/cameras/hall", json=body, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (409, "provisioned")
        answer = await client.request(method, "/api/cameras/nowhere", json=body, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (404, "camera_not_found")
    answer = await client.patch("/api/cameras/gate", json={"id": "port"}, headers=admin)
    assert answer.json()["code"] == "invalid_camera"


async def test_a_removed_camera_keeps_its_history(client: Client, world: World, heard: list[str]) -> None:
    admin = world.bearer("admin")
    assert (await client.delete("/api/cameras/gate", headers=admin)).status_code == 204
    assert heard == ["cameras_changed"]
    listed = (await client.get("/api/cameras", headers=admin)).json()["cameras"]
    assert [camera["id"] for camera in listed] == ["hall", "yard"]
    assert (await client.get("/api/cameras/gate", headers=admin)).status_code == 404
    path = "/api/cameras/gate/coverage?start=2026-11-23T14:00:00Z&end=2026-11-23T14:10:00Z"
    assert (await client.get(path, headers=admin)).json()["recorded_s"] == 600
    back = await client.post("/api/cameras", json={"id": "gate", "url": "rtsp://192.0.2.1/gate"}, headers=admin)
    assert back.json()["first_footage"] == "2026-11-23T14:00:00.000000Z"


async def test_health(client: Client, world: World) -> None:
    world.tick_us = 0
    assert (await client.get("/api/health")).json() == {
        "status": "ok",
        "version": (await client.get("/api/me", headers=world.bearer("viewer"))).json()["version"],
        "time": "2026-11-23T15:00:00.000000Z",
        "problems": [],
    }
    with world.db.write() as conn:
        at_risk.put(conn, 1, [("disk", Risk(0.5, 5.5, 1.0, 3, 1, 5.0))], at_us=NOW)
    (problem,) = (await client.get("/api/health")).json()["problems"]
    (same,) = (await client.get("/api/health", headers={"Accept-Language": "id"})).json()["problems"]
    assert same["code"] == problem["code"] and same["detail"] != problem["detail"]
    assert problem["code"] == "power_cut_costly" and "5.5 s of footage, not 5 s" in problem["detail"]
    with world.db.write() as conn:
        at_risk.forget_all(conn)
        status.put(conn, [Status("yard", "waiting", T0, Cause.UNREACHABLE, updated_us=NOW + 14 * S)])
    world.now_us = NOW + 16 * S
    body = (await client.get("/api/health")).json()
    assert body["status"] == "degraded"
    assert [(p["code"], p.get("cameras")) for p in body["problems"]] == [("heartbeat_old", None), ("cameras_silent", 2)]
    assert "gate" not in str(body)


async def test_health_without_a_catalogue(client: Client, world: World) -> None:
    world.db.path.rename(world.folder / "away")
    body = (await client.get("/api/health")).json()
    assert body["status"] == "degraded"
    assert body["problems"][0]["code"] == "catalogue_unavailable"
    assert str(world.folder) not in str(body)
    answer = await client.get("/api/cameras", headers=world.bearer("viewer"))
    assert (answer.status_code, answer.json()["code"]) == (503, "catalogue_unavailable")
    assert str(world.folder) not in answer.text


async def test_retention_and_priority_are_worded_as_in_the_file(client: Client, world: World) -> None:
    admin = world.bearer("admin")
    new = {
        "id": "dock",
        "url": "rtsp://192.0.2.9/1",
        "priority": -3,
        "max_age": "20d",
        "min_age": "36h",
        "max_bytes": "500GB",
        "expected_interval": "15s",
    }
    added = await client.post("/api/cameras", headers=admin, json=new)
    assert added.status_code == 201, added.text
    assert {key: added.json()[key] for key in new if key not in ("id", "url")} == {
        "priority": -3,
        "max_age": "20d",
        "min_age": "36h",
        "max_bytes": "500GB",
        "expected_interval": "15s",
    }
    with world.db.read() as conn:
        found = cameras.find(conn, "dock")
    assert found is not None
    assert from_row(found).max_age_us == 20 * 86_400 * S and found.settings["max_bytes"] == 500 * 10**9
    change = {"max_age": "10d", "min_age": None, "priority": 7, "expected_interval": None}
    changed = (await client.patch("/api/cameras/dock", headers=admin, json=change)).json()
    assert (changed["max_age"], changed["min_age"], changed["max_bytes"], changed["priority"]) == (
        "10d",
        None,
        "500GB",
        7,
    )
    assert "max_age" not in (await client.get("/api/cameras/dock", headers=world.bearer("viewer"))).json()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"max_age": "30"}, "max_age", "is not a duration"),
        ({"max_age": "1d", "min_age": "2d"}, "min_age", "min_age 2d is longer than max_age 1d"),
        ({"max_bytes": "10"}, "max_bytes", "is not a size"),
        ({"max_bytes": "1KB"}, "max_bytes", 'must be at least "1MB"'),
        ({"priority": 2000}, "priority", "must be at most 1000"),
    ],
)
async def test_rules_that_can_not_be_are_refused_in_the_words_of_the_file(
    client: Client, world: World, change: dict[str, object], field: str, words: str
) -> None:
    answer = await client.patch("/api/cameras/gate", headers=world.bearer("admin"), json=change)
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_camera"
    assert answer.json()["errors"][0]["field"] == field
    assert words in answer.json()["errors"][0]["message"]


def test_ages_are_checked_against_the_rules_in_force() -> None:
    """What a camera does not say itself, its labels or the default do."""
    rules = Rules(Policy(30 * 86_400 * S), [LabelRule({"district": "north"}, Policy(5 * 86_400 * S))])
    values = {"id": "dock", "url": "rtsp://192.0.2.9/1", "min_age": "10d"}
    assert checked(values, rules).min_age_us == 10 * 86_400 * S
    with pytest.raises(ApiError, match="min_age 10d is longer than max_age 5d"):
        checked({**values, "labels": {"district": "north"}}, rules)
    with pytest.raises(ApiError, match="min_age 31d is longer than max_age 30d"):
        checked({**values, "min_age": "31d"}, rules)


async def test_trying_a_login_and_trusting_a_device(client: Client, world: World) -> None:
    device = "192.0.2.1:554"
    account = logins.LoginAccount.of(device, "root", "s3cret-s3cret")
    with world.db.write() as conn:
        for _ in range(2):
            logins.begin(conn, account, "gate", now_us=NOW)
            logins.refused(conn, account, "gate", now_us=NOW)
        devices.learn(conn, device, certificate="ab" * 32)
    for path in ("retry", "trust"):
        for role, expected in (("viewer", 403), ("investigator", 403), ("admin", 200)):
            answer = await client.post(f"/api/cameras/gate/{path}", headers=world.bearer(role))
            assert answer.status_code == expected
        assert (await client.post(f"/api/cameras/no/{path}", headers=world.bearer("admin"))).status_code == 404
    assert answer.json() == {"camera": "gate", "known": True}
    with world.db.write() as conn:
        assert devices.find(conn, device) is None
        assert logins.begin(conn, account, "gate", now_us=NOW + 1).state == "go"
        logins.refused(conn, account, "gate", now_us=NOW + 1)
        assert logins.begin(conn, account, "gate", now_us=NOW + 60 * S).state == "blocked"
        actions = [row[0] for row in conn.execute("SELECT action FROM audit ORDER BY seq DESC LIMIT 9")]
    assert {"camera_retried", "camera_trusted"} <= set(actions)


async def test_a_new_password_is_tried_at_once(client: Client, world: World) -> None:
    device = "192.0.2.1:554"
    old = logins.LoginAccount.of(device, "root", "s3cret-s3cret")
    with world.db.write() as conn:
        for _ in range(2):
            logins.begin(conn, old, "gate", now_us=NOW)
            logins.refused(conn, old, "gate", now_us=NOW)
    changed = await client.patch("/api/cameras/gate", json={"password": "another-one"}, headers=world.bearer("admin"))
    assert changed.status_code == 200
    with world.db.read() as conn:
        assert logins.troubled(conn) == []
