"""What is kept of a hidden camera (orders, holds, exports, bookmarks, walls, …) is answered as what never was, on every
route that names such a thing by its id; made of the application itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access import rows as grants
from nvr.access.roles import Role
from nvr.accounts import rows as accounts
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertMember, AlertRow
from storage.catalogue import segments
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.segments import Init, Key
from tests.api.access.test_scopes import routes
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]
RANGE: Final = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
LATER: Final = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
ORDER: Final = {"letter": "12", "letter_date": "2026-11-01", "reason": "x", "approver": "Camat", "cameras": ["hall"]}
# What any body may need.
BODIES: Final[tuple[Any, ...]] = (None, {}, {"reason": "x"}, {"note": "x"}, {"recipient": "x", "expires_s": 3600})


class Made:
    """Things of hidden cameras, made by an administrator of everything; each by what paths call it."""

    def __init__(self, client: Client, world: World) -> None:
        self.client = client
        self.world = world
        self.by = world.bearer_of("anna")

    async def post(self, path: str, body: Any, key: str = "id", **more: Any) -> str:
        answer = await self.client.post(path, json=body, headers=self.by)
        assert answer.status_code in (200, 201), (path, answer.text)
        return str(answer.json()[key])

    async def bookmark(self) -> str:
        return await self.post("/api/cameras/hall/bookmarks", {"at": RANGE["start"], "note": "x"})

    async def wall(self) -> str:
        return await self.post("/api/walls", {"name": "x", "cameras": ["hall"], "shared": "everyone"})

    async def closure(self) -> str:
        return await self.post("/api/cameras/yard/closures", {"reason": "x"})

    async def hold(self) -> str:
        return await self.post("/api/holds", {"camera": "hall", "reason": "x", **RANGE})

    async def order(self) -> str:
        hash_ = await self.post("/api/orders/preview", ORDER, "plan_hash")
        return await self.post("/api/orders", {**ORDER, "plan_hash": hash_})

    async def window(self) -> str:
        return await self.post("/api/maintenance", {"reason": "x", "cameras": ["hall"], **LATER})

    async def schedule(self) -> str:
        body = {"reason": "x", "hours": "mon-fri 06:00-22:00", "cameras": ["hall"]}
        return await self.post("/api/schedules", body)

    async def case(self) -> str:
        case = await self.post("/api/cases", {"number": "S/1", "legal_basis": "law"})
        await self.post(f"/api/cases/{case}/requests", {"cameras": ["hall"], "purpose": "x", **RANGE})
        return case

    async def id(self) -> str:
        case = await self.post("/api/cases", {"number": "S/2", "legal_basis": "law"})
        return await self.post(f"/api/cases/{case}/requests", {"cameras": ["hall"], "purpose": "x", **RANGE})

    async def export(self) -> str:
        body = {"cameras": ["hall"], "case": "1", "legal_basis": "x", "purpose": "x", **RANGE}
        return await self.post("/api/exports", body)

    async def grant(self) -> str:
        with self.world.db.write() as conn:
            vera = accounts.find_user(conn, "vera")
            assert vera is not None
            return grants.insert_grant(
                conn, holder=vera.id, role="viewer", cameras="id=hall", by=SERVER_ACTOR, at_us=T0, reason="x"
            ).id

    async def token(self) -> str:
        return await self.post("/api/tokens", {"name": "x", "role": "viewer"})

    async def alert(self) -> str:
        row = AlertRow("alert-1", "camera_down", "hall", T0, T0, NOW, None, 0, ("hall",), {"count": 1},
                       members=(AlertMember("hall", T0, T0),))  # fmt: skip
        with self.world.db.write() as conn:
            alerts.put(conn, row)
        return row.id

    async def name(self, path: str) -> str:
        if path.startswith("/api/users"):
            return "vera"
        made = Init("cd" * 32, b"\0\0\0\x08ftyp" * 8, "avc1.64001f", None, 1280, 720)
        with self.world.db.write() as conn:
            segments.put_init(conn, made)
            segments.begin(conn, Key("hall", NOW, "n1", 1), root="r1", init=made.id, run_start_us=NOW,
                           timescale=90_000, media_start=0)  # fmt: skip
        return f"{made.id}.mp4"

    async def link(self) -> str:
        # None is there: its export is not either.
        return "0" * 12


def never_was(id_: str) -> str:
    """One of the same shape that nothing has."""
    if id_ == "vera":
        return "nora"
    stem, dot, kind = id_.partition(".")
    return re.sub(r"[0-9a-f](?=[^0-9a-f]*$)", lambda one: "0" if one[0] != "0" else "1", stem) + dot + kind


def _named(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


async def _hidden(made: Made, name: str, path: str, known: dict[str, str]) -> str:
    if name == "name":
        return await made.name(path)
    if name not in known:
        maker: Callable[[], Awaitable[str]] | None = getattr(made, name, None)
        assert maker is not None, f"{path} names a {name}: say in Made how one of a hidden camera is made"
        known[name] = await maker()
    return known[name]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.INVESTIGATOR])
async def test_what_is_of_a_hidden_camera_is_answered_as_what_never_was(
    app: Litestar, client: Client, world: World, role: Role
) -> None:
    world.tick_us = 0
    sari = bearer_with(world.db, "sari", role, "id=gate", at_us=T0)
    made, known, asked = Made(client, world), dict[str, str](), 0
    for method, path, _, scope in routes(app):
        if scope != "cameras" or not (names := _named(path)):
            continue
        hidden = {name: await _hidden(made, name, path, known) for name in names}
        absent = {name: never_was(id_) for name, id_ in hidden.items()}
        for way in (method, "HEAD") if method == "GET" else (method,):
            for body in BODIES if method == "POST" else (None,):
                told = []
                for ids in (hidden, absent):
                    answer = await client.request(way, path.format(**ids), json=body, headers=sari)
                    text = answer.text
                    for id_ in ids.values():
                        text = text.replace(id_, "ID")
                    told.append((answer.status_code, text, dict(answer.headers)))
                assert told[0] == told[1], (way, path, body)
                assert told[0][0] >= 400, (way, path, body)
                asked += 1
    assert asked > 40
    # And all of it is as it was.
    for path in (f"/api/orders/{known['order']}", f"/api/cases/{known['case']}", f"/api/exports/{known['export']}"):
        assert (await client.get(path, headers=made.by)).status_code == 200
    holds = (await client.get("/api/holds", headers=made.by)).json()["holds"]
    assert known["hold"] in {one["id"] for one in holds if one["released"] is None}
    closures = (await client.get("/api/closures", headers=made.by)).json()["closures"]
    assert [one["in_force"] for one in closures] == [True]


async def test_what_a_body_names_of_a_hidden_camera_is_answered_as_what_never_was(client: Client, world: World) -> None:
    world.tick_us = 0
    sari = bearer_with(world.db, "sari", Role.ADMIN, "id=gate", at_us=T0)
    made = Made(client, world)
    request, wall, grant, alert = await made.id(), await made.wall(), await made.grant(), await made.alert()
    for path, body_of, id_ in (
        ("/api/exports", lambda one: {"request": one}, request),
        ("/api/walls", lambda one: {"name": "x", "cameras": ["gate"], "wall": one}, wall),
        ("/api/access/preview", lambda one: {"revoke": one}, grant),
        ("/api/alerts/acknowledge", lambda one: {"alerts": [one]}, alert),
    ):
        told = []
        for one in (id_, never_was(id_)):
            answer = await client.post(path, json=body_of(one), headers=sari)
            told.append((answer.status_code, answer.text.replace(one, "ID"), dict(answer.headers)))
        assert told[0] == told[1], path


async def test_a_shared_wall_of_hidden_cameras_alone_is_not_there(client: Client, world: World) -> None:
    sari = bearer_with(world.db, "sari", Role.VIEWER, "id=gate", at_us=T0)
    made = Made(client, world)
    await made.wall()
    await made.post("/api/walls", {"name": "Both", "cameras": ["hall", "gate"], "shared": "everyone"})
    walls = (await client.get("/api/walls", headers=sari)).json()["walls"]
    assert [(one["name"], one["cameras"]) for one in walls] == [("Both", ["gate"])]


async def test_a_case_is_closed_by_who_opened_it_or_sees_all_of_it(client: Client, world: World) -> None:
    world.tick_us = 0
    made = Made(client, world)
    case = await made.case()
    both = {"cameras": ["gate"], "purpose": "y", **RANGE}
    await made.post(f"/api/cases/{case}/requests", both)
    sari = bearer_with(world.db, "sari", Role.ADMIN, "id=gate", at_us=T0)
    answer = await client.get(f"/api/cases/{case}", headers=sari)
    assert [one["cameras"] for one in answer.json()["requests"]] == [["gate"]]
    answer = await client.post(f"/api/cases/{case}/close", json={"reason": "x"}, headers=sari)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for one in (await client.get(f"/api/cases/{case}", headers=made.by)).json()["requests"]:
        await made.post(f"/api/requests/{one['id']}/refuse", {"reason": "x"})
    assert (await client.post(f"/api/cases/{case}/close", json={"reason": "x"}, headers=made.by)).status_code == 200
