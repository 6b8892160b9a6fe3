"""What is asked for over HTTP and what of it the audit log holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from storage.catalogue import audit
from storage.catalogue.audit import AuditEntry
from storage.integrity import audit_log as audit_check
from tests.api.catalogue import NOW, PASSWORDS, World

Client = AsyncTestClient[Litestar]
S = 1_000_000
RANGE = "start=2026-11-23T14:00:00Z&end=2026-11-23T14:05:00Z"


def log(world: World) -> list[AuditEntry]:
    """All entries since the world was made, oldest first."""
    with world.db.read() as conn:
        assert audit_check.verify(conn).faults == ()
        return [e for e in reversed(list(audit.entries(conn))) if e.actor_id != "server"]


def told(world: World) -> list[tuple[str, str, str | None, Any]]:
    return [(e.actor, e.action, e.camera, json.loads(e.detail)) for e in log(world)]


def test_whatever_shows_footage_says_so(app: Litestar) -> None:
    """A route that answers with pictures or their bytes is entered; one that is added without is found here."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            path = str(route.path)
            shows = str(handler.media_type).startswith(("video/", "image/", "application/vnd.apple.mpegurl"))
            # What citizens see without a login has no one to be entered; an init shows no picture.
            if shows and "{camera" in path and "/inits/" not in path and handler.opt["action"] != "public":
                assert handler.opt["audit"], path


async def test_changes_are_entered_with_who_and_where(client: Client, world: World) -> None:
    world.tick_us = 0
    anna = world.bearer("admin")
    camera = {"id": "dock", "url": "rtsp://root:pass-pass@192.0.2.9/1", "name": "Dock"}
    assert (await client.post("/api/cameras", json=camera, headers=anna)).status_code == 201
    assert (await client.patch("/api/cameras/dock", json={"name": "Quay"}, headers=anna)).status_code == 200
    hold = {"camera": "gate", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z", "reason": "LP/12"}
    held = await client.post("/api/holds", json=hold, headers=world.bearer("investigator"))
    release = await client.post(f"/api/holds/{held.json()['id']}/release", json={"reason": "closed"}, headers=anna)
    assert release.status_code == 200
    user = {"name": "olga", "password": "olga-olga-olga", "role": "viewer"}
    assert (await client.post("/api/users", json=user, headers=anna)).status_code == 201
    new = {"password": "olga-olga-olgb"}
    assert (await client.post("/api/users/olga/password", json=new, headers=anna)).status_code == 204
    assert (await client.delete("/api/users/olga", headers=anna)).status_code == 204
    made = await client.post("/api/tokens", json={"name": "wall", "role": "viewer"}, headers=anna)
    assert (await client.delete(f"/api/tokens/{made.json()['id']}", headers=anna)).status_code == 204
    assert (await client.delete("/api/cameras/dock", headers=anna)).status_code == 204
    entries = told(world)
    assert [(who, what, which) for who, what, which, _ in entries] == [
        ("token for admin", "camera_added", "dock"),
        ("token for admin", "camera_changed", "dock"),
        ("token for investigator", "hold_placed", "gate"),
        ("token for admin", "hold_released", "gate"),
        ("token for admin", "user_added", None),
        ("token for admin", "password_set", None),
        ("token for admin", "user_removed", None),
        ("token for admin", "token_made", None),
        ("token for admin", "token_removed", None),
        ("token for admin", "camera_removed", "dock"),
    ]
    assert entries[1][3] == {"name": ["Dock", "Quay"], "settings": []}
    assert entries[2][3]["reason"] == "LP/12"
    assert {(e.address, e.at_us) for e in log(world)} == {("testclient", NOW)}
    whole = "".join(e.detail for e in log(world))
    assert "pass-pass" not in whole
    assert "olga-olga" not in whole
    assert made.json()["token"] not in whole


async def test_logins_and_failed_ones(client: Client, world: World) -> None:
    for name, password in (("vera", "wrong"), ("hunter2-hunter2", "wrong"), ("vera", PASSWORDS["vera"])):
        await client.post("/api/login", json={"username": name, "password": password})
    assert (await client.post("/api/logout", headers={"Sec-Fetch-Site": "same-origin"})).status_code == 204
    assert told(world) == [
        ("nobody", "login_failed", None, {"user": "vera"}),
        # It may be a password in the wrong field.
        ("nobody", "login_failed", None, {"user": None}),
        ("vera", "logged_in", None, {"user": "vera"}),
        ("vera", "logged_out", None, {}),
    ]


async def test_a_look_is_entered_once_and_again_after_a_pause_or_an_hour(client: Client, world: World) -> None:
    vera = world.bearer("viewer")

    async def look(camera: str = "gate") -> None:
        await client.get(f"/api/cameras/{camera}/playlist.m3u8?{RANGE}", headers=vera)

    for _ in range(3):
        await look()
    await look("hall")
    with world.db.read() as conn:
        (grant,) = conn.execute(
            "SELECT id FROM access_grant WHERE role = 'viewer' AND holder LIKE 'token-%'"
        ).fetchone()
    asked = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z", "grant": grant}
    assert told(world) == [
        ("token for viewer", "playback", "gate", asked),
        ("token for viewer", "playback", "hall", asked),
    ]
    world.now_us += 601 * S
    await look()
    assert len(log(world)) == 3
    for _ in range(8):
        world.now_us += 500 * S
        await look()
    # 4,000 s without a pause: once more after the hour.
    assert len(log(world)) == 4


async def test_what_is_refused_is_entered(client: Client, world: World) -> None:
    vera = world.bearer("viewer")
    assert (await client.get(f"/api/cameras/gate/clip.mp4?{RANGE}", headers=vera)).status_code == 403
    assert (await client.delete("/api/cameras/gate", headers=vera)).status_code == 403
    assert told(world) == [
        ("token for viewer", "refused", "gate", {"route": "/api/cameras/gate/clip.mp4"}),
        ("token for viewer", "refused", "gate", {"route": "/api/cameras/gate"}),
    ]


async def test_nothing_is_shown_or_changed_that_cannot_be_entered(client: Client, world: World) -> None:
    with closing(sqlite3.connect(world.db.path)) as conn, conn:
        conn.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    seen = await client.get(f"/api/cameras/gate/playlist.m3u8?{RANGE}", headers=world.bearer("viewer"))
    assert seen.status_code == 500
    gone = await client.delete("/api/cameras/gate", headers=world.bearer("admin"))
    assert gone.status_code == 500
    assert (await client.get("/api/cameras/gate", headers=world.bearer("viewer"))).status_code == 200


async def test_reading_and_verifying_it(client: Client, world: World) -> None:
    world.tick_us = 0
    anna = world.bearer("admin")
    for camera in ("gate", "hall", "yard"):
        await client.get(f"/api/cameras/{camera}/playlist.m3u8?{RANGE}", headers=world.bearer("viewer"))
    first = (await client.get("/api/audit?limit=2&actor=token for viewer", headers=anna)).json()
    assert [e["camera"] for e in first["entries"]] == ["yard", "hall"]
    second = (
        await client.get(f"/api/audit?limit=2&actor=token for viewer&before={first['before']}", headers=anna)
    ).json()
    assert [(e["camera"], e["action"]) for e in second["entries"]] == [("gate", "playback")]
    assert second["before"] is None
    one = second["entries"][0]
    fields = [
        one[k] for k in ("previous", "seq", "at_us", "actor", "address", "action", "camera", "detail", "actor_id")
    ]
    assert audit.hash_of(*fields) == one["hash"]
    assert one["time"] == "2026-11-23T15:00:00.000000Z"
    whole = (await client.get(f"/api/audit/verify?head={first['head']}", headers=anna)).json()
    assert whole["whole"] is True
    assert whole["faults"] == []
    other = "1:" + "0" * 64
    broken = (await client.get(f"/api/audit/verify?head={other}", headers=anna)).json()
    assert broken["whole"] is False
    assert broken["faults"][0]["kind"] == "replaced"
    for bad in ("limit=0", "limit=1001", "start=2026-11-23T14:00:00"):
        assert (await client.get(f"/api/audit?{bad}", headers=anna)).status_code == 400
    assert (await client.get("/api/audit/verify?head=5", headers=anna)).status_code == 400
    assert (await client.get("/api/audit", headers=world.bearer("investigator"))).status_code == 403


async def test_the_pictures_of_a_list_are_one_look(client: Client, world: World) -> None:
    vera = world.bearer("viewer")
    for camera in ("gate", "hall", "yard"):
        for _ in range(2):
            await client.get(f"/api/cameras/{camera}/snapshot.jpg?width=320", headers=vera)
    await client.get("/api/cameras/gate/snapshot.jpg?width=640", headers=vera)
    await client.get("/api/cameras/gate/snapshot.jpg?width=320&at=2026-11-23T14:00:00Z", headers=vera)
    found = [(action, camera) for _, action, camera, _ in told(world)]
    assert found == [("thumbnails", None), ("snapshot", "gate"), ("snapshot", "gate")]


async def test_entries_are_found_by_what_they_are_about(client: Client, world: World) -> None:
    anna = world.bearer("admin")
    made = []
    for number in ("LP/1", "LP/2"):
        body = {"number": number, "legal_basis": "KUHAP 39"}
        made.append((await client.post("/api/cases", json=body, headers=anna)).json()["id"])
    for asked, count in ((["LP/1"], 1), ([made[0], "LP/1"], 1), ([made[0], "LP/2"], 2), (["LP/3"], 0)):
        page = (await client.get("/api/audit", params={"about": asked}, headers=anna)).json()
        opened = [entry for entry in page["entries"] if entry["action"] == "case_opened"]
        assert len(opened) == count, asked
    assert (await client.get("/api/audit", params={"about": ["x"] * 9}, headers=anna)).status_code == 400
