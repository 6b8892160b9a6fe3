"""Whoever may see one camera learns nothing of the others: two installations that differ in hidden cameras alone answer
everything alike, once ids are replaced by the order in which they come."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access.closures import close_footage
from nvr.access.roles import Role
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertMember, AlertRow
from nvr.api import ApiSettings, create_app
from nvr.cameras import walls
from nvr.cases import bookmarks, cases, requests
from nvr.orders import register
from nvr.orders.model import DirectiveKind, Draft
from storage.catalogue import cameras, status
from storage.catalogue.actors import Actor
from storage.catalogue.status import Status
from storage.causes import Cause
from storage.retention import holds
from tests.api import catalogue
from tests.api.access.test_scopes import routes
from tests.api.catalogue import NOW, T0, World, add_camera, add_segment, enter
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]
S = 1_000_000
BOSS = Actor("user-boss", "boss")
# Ids, hashes, tags.
_RANDOM = re.compile(r"[0-9a-f]{12,64}|(?<=api/watch/)[\w-]{43}")


def hidden_differ(world: World) -> None:
    """What only the second installation has."""
    add_camera(world, "dock", district="west", owner="harbour", isp="Secretnet")
    add_segment(world, "dock", T0, NOW)
    enter(world, "hall", NOW - 60 * S, Cause.UNAUTHORIZED, error="401")
    with world.db.write() as conn:
        status.put(conn, [Status("dock", "recording", T0, recorded_until_us=NOW, updated_us=NOW)])
        cameras.change(conn, camera="yard", name="Harbour mouth", source="catalogue", labels={"district": "west"},
                       settings={"url": "rtsp://192.0.2.7/x"})  # fmt: skip
        holds.place(conn, "yard", T0, T0 + 60 * S, reason="secret case", by=BOSS, now_us=NOW)
        case = cases.open_case(conn, number="S/1", legal_basis="law", title="secret", by=BOSS, now_us=NOW)
        requests.ask(conn, case.id, ["hall", "yard"], T0, T0 + S, purpose="secret", by=BOSS, now_us=NOW)
        bookmarks.make(conn, "yard", T0, "secret note", by=BOSS, now_us=NOW)
        walls.save_wall(conn, wall=None, name="Harbour", cameras=("yard", "dock"), places=4, shared=walls.EVERYONE,
                        by=BOSS, at_us=NOW)  # fmt: skip
        close_footage(conn, "dock", reason="secret home", by=BOSS, at_us=NOW - S)
        window = Draft(kind=DirectiveKind.MAINTENANCE, reason="secret works", start_us=NOW, end_us=NOW + 60 * S)
        register.add(conn, window, ["yard"], node_id="n1", by=BOSS, now_us=NOW)
        members = (AlertMember("yard", T0, T0), AlertMember("gate", T0 + 1200 * S, T0))
        alerts.put(conn, AlertRow("alert-1", "camera_down", "west", T0, T0, NOW, None, 0, ("yard",), {"count": 1},
                                  members=members[:1]))  # fmt: skip


@pytest.fixture
def two(tmp_path: Path) -> tuple[World, World]:
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        world = catalogue.make(tmp_path / name)
        # The same moment for all: times are compared as they are.
        world.tick_us = 0
        found.append(world)
    hidden_differ(found[1])
    return found[0], found[1]


def plain(text: str) -> str:
    """The text with random ids replaced by their order."""
    seen: dict[str, str] = {}
    return _RANDOM.sub(lambda one: seen.setdefault(one[0], f"<{len(seen)}:{len(one[0])}>"), text)


RANGE = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
QUERIES: list[dict[str, Any]] = [
    {},
    RANGE,
    {**RANGE, "by": "district"},
    {**RANGE, "by": "isp"},
    {**RANGE, "where": "district=west"},
    {**RANGE, "where": "isp=Secretnet"},
    {**RANGE, "camera": "dock"},
    {**RANGE, "camera": "gate"},
    {"at": "2026-11-23T14:01:00Z", "camera": "gate"},
    {**RANGE, "group": "owner:harbour"},
    {**RANGE, "format": "csv"},
    {"at": "2026-11-23T14:01:00Z"},
    {"_HLS_msn": "1"},
]
BODIES: list[Any] = [
    {},
    {"live": True},
    RANGE,
    {"camera": "dock", **RANGE, "reason": "x"},
    {"cameras": ["dock"], **RANGE, "purpose": "x"},
    {"cameras": ["yard"], **RANGE, "case": "1", "legal_basis": "x", "purpose": "x"},
    {"where": "district=west", "reason": "x", "letter": "1", "approver": "x"},
    {"where": "district=west", **RANGE, "reason": "x"},
    {"reason": "x"},
    {"number": "N/1", "legal_basis": "x", "title": "x"},
    {"holder": "sari", "gives": "viewer", "cameras": "district=west", "reason": "x"},
    {"give": {"holder": "sari", "gives": "viewer", "cameras": "*", "reason": "x"}},
    {"labels": {"dock": {"district": "north"}}},
    {"link": "abc.def"},
]


def asked_of(method: str, address: str) -> list[Any]:
    """What is asked there. The live view of a camera whose footage can't be read waits for some that can, twelve
    seconds each time."""
    if address.endswith("/gate/live.m3u8"):
        return [QUERIES[0], QUERIES[-1]]
    return QUERIES if method == "GET" else BODIES


@pytest.mark.long
@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.ADMIN])
async def test_two_installations_that_differ_in_hidden_cameras_answer_alike(
    two: tuple[World, World], role: Role
) -> None:
    told: list[list[str]] = []
    for world in two:
        app = create_app(
            ApiSettings(catalogue=str(world.db.path), node="n1", zone="Asia/Jakarta", public=False),
            now_us=world.read_clock,
        )
        # Of what is random, how long it is when it is compressed is random too.
        headers = {**bearer_with(world.db, "sari", role, "id=gate", at_us=T0), "Accept-Encoding": "identity"}
        answers = []
        async with AsyncTestClient(app, base_url="http://nvr.test") as client:
            for method, path, _, _ in routes(app):
                # A login costs time, and the way out would end it all.
                is_login = path.startswith("/api/login")
                if is_login or path in ("/api/logout", "/api/probe") or method in ("PATCH", "DELETE"):
                    continue
                for camera in ("gate", "dock", "none") if "{camera}" in path else ("",):
                    address = re.sub(r"[{}]", "", path.replace("{camera}", camera))
                    for asked in asked_of(method, address):
                        given: dict[str, Any] = {"params": asked} if method == "GET" else {"json": asked}
                        answer = await client.request(method, address, headers=headers, **given)
                        said = {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.text}
                        said["length"] = len(answer.content)
                        answers.append(plain(f"{method} {address} {json.dumps(asked)} {json.dumps(said)}"))
        told.append(answers)
        world.db.close()
    one, other = told
    assert len(one) == len(other) > 500
    for mine, theirs in zip(one, other, strict=True):
        assert mine == theirs


def test_the_other_installation_does_differ(two: tuple[World, World]) -> None:
    """Or the test above would say nothing."""
    one, other = two
    with one.db.read() as conn, other.db.read() as more:
        assert len(cameras.list_all(more)) == len(cameras.list_all(conn)) + 1
        assert holds.list_all(more) and not holds.list_all(conn)
        assert cases.list_all(more) and not cases.list_all(conn)
    one.db.close()
    other.db.close()
