"""Holds are of footage that is there or will be soon, and those of investigators leave room to record."""

from __future__ import annotations

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from storage.disk.files import FILES
from storage.disk.roots import _write_identity
from storage.intervals import DAY_US
from storage.retention import held_bytes, holds
from tests.api.catalogue import NOW, T0, World
from tests.support.people import person

Client = AsyncTestClient[Litestar]
S = 1_000_000


def body(start: str, end: str) -> dict[str, str]:
    return {"camera": "gate", "start": start, "end": end, "reason": "case 1"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("1970-01-01T00:00:00Z", "2199-12-31T00:00:00Z"),
        ("2026-11-23T14:00:00Z", "2199-12-31T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "2026-11-23T14:10:00Z"),
        ("2026-11-23T14:00:00Z", "2027-11-25T14:10:00Z"),
        ("2026-10-22T14:00:00Z", "2026-11-23T14:10:00Z"),
        ("2026-11-01T14:00:00Z", "2027-12-10T14:10:00Z"),
    ],
)
async def test_unbounded_ranges_are_refused(client: Client, world: World, start: str, end: str) -> None:
    for role in (Role.INVESTIGATOR, Role.ADMIN):
        answer = await client.post("/api/holds", json=body(start, end), headers=world.bearer(role))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_hold")
    with world.db.read() as conn:
        assert holds.list_all(conn) == []


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-11-23T14:00:00Z", "2027-11-23T14:00:00Z"), ("2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z")],
)
async def test_what_a_case_needs_is_held(client: Client, world: World, start: str, end: str) -> None:
    answer = await client.post("/api/holds", json=body(start, end), headers=world.bearer(Role.INVESTIGATOR))
    assert answer.status_code == 201


async def test_each_way_to_a_hold_is_bounded(client: Client, world: World) -> None:
    """Requests of cases and exports place holds as well."""
    headers = world.bearer(Role.INVESTIGATOR)
    case = (await client.post("/api/cases", json={"number": "1", "legal_basis": "x"}, headers=headers)).json()["id"]
    asked = {"cameras": ["gate"], "start": "1970-01-01T00:00:00Z", "end": "2199-01-01T00:00:00Z", "purpose": "p"}
    answer = await client.post(f"/api/cases/{case}/requests", json=asked, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    export = {**asked, "case": "1", "legal_basis": "x", "requester": "r", "approver": "a"}
    answer = await client.post("/api/exports", json=export, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    with world.db.read() as conn:
        assert holds.list_all(conn) == []


def test_what_is_to_come_counts(world: World) -> None:
    with world.db.write() as conn:
        conn.execute("UPDATE segment SET bytes = 1000 WHERE camera = (SELECT key FROM camera WHERE id = 'gate')")
    with world.db.read() as conn:
        there = held_bytes.kept_bytes(conn, now_us=NOW, more=[("gate", T0, NOW)])
        ten_days = held_bytes.kept_bytes(conn, now_us=NOW, more=[("gate", T0, NOW + 10 * DAY_US)])
    assert there > 0
    # What it recorded in the last day, each day.
    assert ten_days == 11 * there


async def test_beyond_a_share_of_the_disks_an_administrator_places(world: World) -> None:
    folder = world.folder / "footage"
    folder.mkdir(exist_ok=True)
    _write_identity(folder, "r1", FILES)
    settings = ApiSettings(catalogue=str(world.db.path), node="n1", roots=[("r1", str(folder))], holds_share=1)
    app = create_app(settings, now_us=world.read_clock)
    with world.db.write() as conn:
        conn.execute("UPDATE segment SET bytes = ?", (1 << 50,))
        conn.execute("UPDATE span SET bytes = ?", (1 << 50,))
    asked = body("2026-11-23T14:00:00Z", "2026-11-23T14:05:00Z")
    async with AsyncTestClient(app, base_url="http://nvr.test") as client:
        answer = await client.post("/api/holds", json=asked, headers=world.bearer(Role.INVESTIGATOR))
        assert (answer.status_code, answer.json()["code"]) == (403, "hold_too_large")
        case = (
            await client.post(
                "/api/cases", json={"number": "1", "legal_basis": "x"}, headers=world.bearer(Role.INVESTIGATOR)
            )
        ).json()["id"]
        request = {"cameras": ["gate"], "start": asked["start"], "end": asked["end"], "purpose": "p"}
        path = f"/api/cases/{case}/requests"
        again = await client.post(path, json=request, headers=world.bearer(Role.INVESTIGATOR))
        none = await client.post(path, json={**request, "cameras": ["none"]}, headers=world.bearer(Role.INVESTIGATOR))
        assert none.status_code in (403, 404)
        assert (again.status_code, again.json()["code"]) == (403, "hold_too_large")
        assert "administrator" in answer.json()["detail"]
        export = {**request, "case": "1", "legal_basis": "x", "requester": "r", "approver": "a"}
        answer = await client.post("/api/exports", json=export, headers=world.bearer(Role.INVESTIGATOR))
        assert (answer.status_code, answer.json()["code"]) == (403, "hold_too_large")
        made = (await client.post(path, json=request, headers=world.bearer(Role.ADMIN))).json()
        with world.db.write() as conn:
            holds.release_each(conn, made["holds"], reason="r", by=person("anna"), now_us=NOW)
        approve = f"/api/requests/{made['id']}/approve"
        answer = await client.post(approve, json={}, headers=world.bearer(Role.INVESTIGATOR))
        assert (answer.status_code, answer.json()["code"]) == (403, "hold_too_large")
        answer = await client.post("/api/holds", json=asked, headers=world.bearer(Role.ADMIN))
        assert answer.status_code == 201
        # What is held is held once, by however many.
        answer = await client.post(approve, json={}, headers=world.bearer(Role.INVESTIGATOR))
        assert answer.status_code == 200, answer.text


async def test_very_many_small_holds_need_an_administrator(client: Client, world: World) -> None:
    """By each way: a hold, a request, an export."""
    with world.db.write() as conn:
        conn.executemany(
            "INSERT INTO hold (id, camera, start_us, end_us, reason, placed_by, placed_us, rev)"
            " SELECT ?, key, ?, ?, 'r', 'x', 1, 1 FROM camera WHERE id = 'gate'",
            [(f"h{n}", T0 + 2 * n, T0 + 2 * n + 1) for n in range(20_000)],
        )
    headers = world.bearer(Role.INVESTIGATOR)
    asked = body("2026-11-23T14:00:00Z", "2026-11-23T14:05:00Z")
    case = (await client.post("/api/cases", json={"number": "1", "legal_basis": "x"}, headers=headers)).json()["id"]
    request = {"cameras": ["gate"], "start": asked["start"], "end": asked["end"], "purpose": "p"}
    export = {**request, "case": "1", "legal_basis": "x", "requester": "r", "approver": "a"}
    for path, given in (("/api/holds", asked), (f"/api/cases/{case}/requests", request), ("/api/exports", export)):
        answer = await client.post(path, json=given, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "hold_too_large"), path
        assert "20000" in answer.json()["detail"]
    answer = await client.post("/api/holds", json=asked, headers=world.bearer(Role.ADMIN))
    assert answer.status_code == 201
