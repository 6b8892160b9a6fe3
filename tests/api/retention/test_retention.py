"""Holds and retention over HTTP: rules, previews, what is confirmed is what runs, forecast."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from storage.catalogue import segments
from storage.disk.roots import IDENTITY_FILE
from storage.retention.policies import LabelRule, Policy, Rules
from tests.api.catalogue import SEGMENT_BYTES, T0, S, World
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]

DAY_US = 86_400 * S
RULES = Rules(Policy(max_age_us=30 * DAY_US), [LabelRule({"district": "south"}, Policy(max_age_us=20 * DAY_US))])


@pytest.fixture
def app(world: World) -> Litestar:
    root = world.folder / "footage"
    root.mkdir(exist_ok=True)
    (root / IDENTITY_FILE).write_text('{"id": "r1"}')
    settings = ApiSettings(
        catalogue=str(world.db.path), node="n1", roots=[("r1", str(root))], retention=RULES.to_wire(), floor_bytes=1
    )
    return create_app(settings, now_us=world.read_clock)


async def ask(client: Client, world: World, method: str, path: str, body: Any = None, role: str = "admin") -> Any:
    answer = await client.request(method, f"/api{path}", json=body, headers=world.bearer(role))
    return answer.json() | {"_status": answer.status_code}


def there(world: World) -> set[tuple[str, int]]:
    with world.db.read() as conn:
        found = [s for camera in ("gate", "hall") for s in segments.between(conn, camera, 0, T0 + DAY_US)]
        return {(s.key.camera, (s.key.start_us - T0) // S) for s in found if not s.growing}


ALL = {("gate", 0), ("gate", 601), ("hall", -600), ("hall", 1800)}


async def test_the_rules_in_force(client: Client, world: World) -> None:
    found = await ask(client, world, "GET", "/retention")
    assert found["default"] == {"max_age_s": 30 * 86_400, "min_age_s": None, "max_bytes": None}
    assert found["labels"] == [
        {"match": {"district": "south"}, "max_age_s": 20 * 86_400, "min_age_s": None, "max_bytes": None}
    ]
    assert {c["camera"]: c["in_force"]["max_age_s"] / 86_400 for c in found["cameras"]} == {
        "gate": 30,
        "hall": 20,
        "yard": 20,
    }
    assert [(r["root"], r["floor_bytes"]) for r in found["roots"]] == [("r1", 1)]


async def test_preview_then_exactly_that(client: Client, world: World) -> None:
    assert (await ask(client, world, "GET", "/retention/preview"))["segments"] == 0
    change = {"default": {"max_age_s": 2400}, "labels": []}
    seen = await ask(client, world, "POST", "/retention/preview", change)
    # 15:00 less 40 minutes is 14:20: both of gate's; of hall, that which ends at 14:30 stays.
    assert (seen["segments"], seen["cameras"], seen["bytes"]) == (2, 1, 2 * len(SEGMENT_BYTES))
    assert seen["hours"] == pytest.approx(1199 / 3600) and seen["oldest"] == "2026-11-23T14:00:00.000000Z"
    assert seen["by_rule"] == {"max_age": {"segments": 2, "bytes": seen["bytes"]}} and seen["complete"]
    assert there(world) == ALL, "a preview deletes nothing"
    world.now_us += 1800 * S
    done = await ask(client, world, "POST", "/retention/apply", {"plan_hash": seen["plan_hash"]})
    assert done == {"deleted": {"segments": 2, "bytes": seen["bytes"]}, "gone": 0, "_status": 200}
    assert there(world) == ALL - {("gate", 0), ("gate", 601)}
    again = await ask(client, world, "POST", "/retention/apply", {"plan_hash": seen["plan_hash"]})
    assert (again["deleted"]["segments"], again["gone"]) == (0, 2)


async def test_a_changed_plan_is_refused(client: Client, world: World, app: Litestar) -> None:
    change = {"cameras": {"gate": {"max_age_s": 1}}}
    plan_hash = (await ask(client, world, "POST", "/retention/preview", change))["plan_hash"]
    refused = await ask(client, world, "POST", "/retention/apply", {"plan_hash": "0" * 64})
    assert (refused["_status"], refused["code"]) == (409, "plan_changed")
    services = app.state.services
    before = services.settings
    services.configure(_with(before, Rules(Policy(max_age_us=9 * DAY_US))))
    assert (await ask(client, world, "POST", "/retention/apply", {"plan_hash": plan_hash}))["code"] == "plan_changed"
    services.configure(before)
    held = {"camera": "gate", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:00:01Z", "reason": "case 9"}
    assert (await ask(client, world, "POST", "/holds", held))["_status"] == 201
    assert (await ask(client, world, "POST", "/retention/apply", {"plan_hash": plan_hash}))["code"] == "plan_changed"
    assert there(world) == ALL


def _with(settings: ApiSettings, rules: Rules) -> ApiSettings:
    return msgspec.structs.replace(settings, retention=rules.to_wire())


async def test_who_decides_on_some_cameras_sees_tries_and_deletes_what_is_of_these_alone(
    client: Client, world: World
) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "id=hall", at_us=T0)

    async def mine(method: str, path: str, body: Any = None, by: dict[str, str] = camat) -> Any:
        answer = await client.request(method, f"/api/retention{path}", json=body, headers=by)
        return answer.json() | {"_status": answer.status_code}

    found = await mine("GET", "")
    assert [one["camera"] for one in found["cameras"]] == ["hall"] and found["roots"] == []
    assert [one["match"] for one in found["labels"]] == [{"district": "south"}]
    other = await mine("GET", "", by=bearer_with(world.db, "lurah", Role.ADMIN, "id=gate", at_us=T0))
    assert other["labels"] == [], "what another district is called is not told"
    for change in ({"default": {"max_age_s": 60}}, {"labels": []}):
        assert (await mine("POST", "/preview", change))["code"] == "forbidden", change
    hidden, absent = [
        (await mine("POST", "/preview", {"cameras": {one: {"max_age_s": 60}}})) for one in ("gate", "none")
    ]
    assert hidden["_status"] == 404 and hidden["detail"].replace("gate", "none") == absent["detail"]
    for path in ("/forecast", "/waiting"):
        assert (await mine("GET", path))["code"] == "forbidden", "disks are everybody's"
    theirs = await ask(client, world, "POST", "/retention/preview", {"default": {"max_age_s": 2400}, "labels": []})
    assert theirs["segments"] == 2
    refused = [await mine("POST", "/apply", {"plan_hash": hash_}) for hash_ in (theirs["plan_hash"], "0" * 64)]
    assert refused[0] == refused[1] and refused[0]["code"] == "plan_changed", "another's plan is none"
    seen = await mine("POST", "/preview", {"cameras": {"hall": {"max_age_s": 1}}})
    assert (seen["cameras"], seen["segments"]) == (1, 1), "the other one ends now"
    done = await mine("POST", "/apply", {"plan_hash": seen["plan_hash"]})
    assert done["deleted"]["segments"] == 1 and there(world) == ALL - {("hall", -600)}
    # Of whom a part of the footage was granted none of it is decided.
    footage = GrantedFootage(FootageKind.LAST, last_us=3600 * S)
    part = bearer_with(world.db, "part", Role.ADMIN, "id=gate", at_us=T0, footage=footage)
    assert (await mine("GET", "", by=part))["cameras"] == []


async def test_a_camera_s_own_rule_is_for_who_decides_on_retention(client: Client, world: World) -> None:
    tono = bearer_with(world.db, "tono", Role.TECHNICIAN, "id=yard", at_us=T0)
    camat = bearer_with(world.db, "camat", Role.ADMIN, "id=yard", at_us=T0)
    for body, by, status in (
        ({"max_age": "1d"}, tono, 403),
        ({"max_bytes": "5GB"}, tono, 403),
        ({"name": "Yard 2"}, tono, 200),
        ({"max_age": "1d"}, camat, 200),
        ({"name": "Yard 3", "max_age": "1d"}, tono, 200),
        ({"max_age": None}, tono, 403),
    ):
        answer = await client.patch("/api/cameras/yard", json=body, headers=by)
        assert answer.status_code == status, (body, answer.text)
    rules = (await client.get("/api/retention", headers=camat)).json()["cameras"]
    assert [(one["camera"], one["own"]["max_age_s"]) for one in rules] == [("yard", 86_400)]


@pytest.mark.parametrize(
    "change",
    [
        {"default": {"max_age_s": 0}},
        {"default": {"max_bytes": 5}},
        {"default": {"min_age_s": 86_400 * 25}},
        {"cameras": {"gate": {"min_age_s": 3600, "max_age_s": 60}}},
    ],
)
async def test_rules_that_cannot_be(client: Client, world: World, change: dict[str, Any]) -> None:
    found = await ask(client, world, "POST", "/retention/preview", change)
    assert (found["_status"], found["code"]) == (400, "invalid_retention")


async def test_holds(client: Client, world: World) -> None:
    body = {"camera": "gate", "start": "2026-11-23T21:05:00+07:00", "end": "2026-11-23T14:06:00Z", "reason": "case 9"}
    placed = await ask(client, world, "POST", "/holds", body, "investigator")
    assert placed["_status"] == 201 and placed["placed_by"] == "token for investigator"
    assert (placed["start"], placed["segments"], placed["bytes"]) == (
        "2026-11-23T14:05:00.000000Z",
        1,
        len(SEGMENT_BYTES),
    )
    seen = await ask(client, world, "POST", "/retention/preview", {"cameras": {"gate": {"max_age_s": 1}}})
    assert (seen["segments"], seen["overdue"]) == (1, 1)
    await ask(client, world, "POST", "/retention/apply", {"plan_hash": seen["plan_hash"]})
    assert there(world) == ALL - {("gate", 601)}
    path = f"/holds/{placed['id']}/release"
    assert (await ask(client, world, "POST", path, {"reason": "x"}, "investigator"))["_status"] == 403
    assert (await ask(client, world, "POST", path, {"reason": " "}))["code"] == "invalid_hold"
    released = await ask(client, world, "POST", path, {"reason": "closed"})
    assert (released["released_by"], released["release_reason"], released["segments"]) == (
        "token for admin",
        "closed",
        None,
    )
    assert (await ask(client, world, "POST", path, {"reason": "x"}))["code"] == "hold_released"
    assert (await ask(client, world, "POST", "/holds/none/release", {"reason": "x"}))["code"] == "hold_not_found"
    assert [h["id"] for h in (await ask(client, world, "GET", "/holds", role="investigator"))["holds"]] == [
        placed["id"]
    ]
    for wrong, code in (
        ({"camera": "none"}, "camera_not_found"),
        ({"start": "2026-11-23T14:05:00"}, "naive_time"),
        ({"start": body["end"]}, "invalid_hold"),
        ({"reason": ""}, "invalid_hold"),
    ):
        assert (await ask(client, world, "POST", "/holds", {**body, **wrong}))["code"] == code


async def test_forecast(client: Client, world: World, app: Litestar) -> None:
    fine = await ask(client, world, "GET", "/retention/forecast")
    assert fine["misses"] == [] and fine["full"] is None and fine["bytes_per_s"] > 0
    # A promise of a century, which no disk keeps.
    rules = dataclasses.replace(
        RULES, default=Policy(max_age_us=36_525 * DAY_US, min_age_us=36_500 * DAY_US), labels=[]
    )
    services = app.state.services
    services.settings = msgspec.structs.replace(_with(services.settings, rules), floor_bytes=1 << 62)
    bad = await ask(client, world, "GET", "/retention/forecast")
    assert [m["camera"] for m in bad["misses"]] == ["gate", "hall"]
    assert all(m["reachable_s"] < m["min_age_s"] for m in bad["misses"]) and bad["full"] is not None


def test_the_command_line(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from nvr.cli import main

    config = tmp_path / "config.toml"
    config.write_text(
        f'[storage]\nroots = ["{world.folder}/footage"]\ncatalogue = "{world.db.path}"\nfree_space_floor = "1MB"\n'
    )

    def nvr(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["--config", str(config), *arguments])

    monkeypatch.setattr("nvr.cli.retention.time", SimpleNamespace(time_ns=lambda: world.now_us * 1000))
    placed = nvr(
        "holds",
        "place",
        "hall",
        "--start",
        "2026-11-23T14:00:00Z",
        "--end",
        "2026-11-23T14:00:01Z",
        "--reason",
        "case 9",
    )
    assert "keeps 1 segments" in placed.output, placed.output
    assert "case 9" in nvr("holds", "list").output
    seen = nvr("retention", "preview", "--max-age", "1s")
    assert seen.exit_code == 0, seen.output
    plan_hash = seen.output.split()[-1]
    assert len(plan_hash) == 64 and "past max_age and stay" in seen.output
    assert nvr("retention", "apply", "0" * 64).exit_code == 1
    done = nvr("retention", "apply", plan_hash)
    assert done.exit_code == 0 and "segments deleted" in done.output, done.output
    assert ("hall", -600) in there(world) and ("gate", 0) not in there(world)
    hold = placed.output.split()[1]
    assert nvr("holds", "release", hold, "--reason", "over").exit_code == 0
    assert nvr("holds", "release", hold, "--reason", "over").exit_code == 1
    assert "every min_age can be kept" in nvr("retention", "forecast").output
