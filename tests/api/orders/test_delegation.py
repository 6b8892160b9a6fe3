"""Who administers a district decides orders, and adds users, within it; what is beyond it is not there."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access.roles import Role
from nvr.accounts import rows, session_rows
from tests.api.catalogue import T0, World
from tests.support.grants import bearer_with, give, revoke

Client = AsyncTestClient[Litestar]
ORDER = {"reason": "budget", "letter": "12/2026", "letter_date": "2026-11-01", "approver": "Camat"}


async def ask(client: Client, headers: dict[str, str], path: str, body: Any, *, status: int) -> Any:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_orders_choose_among_ones_own_cameras(client: Client, world: World) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=north", at_us=T0)
    draft = {**ORDER, "where": "*"}
    preview = await ask(client, camat, "/api/orders/preview", draft, status=200)
    assert preview["cameras"] == ["gate"], "all that there are for them"
    for choice in ({"cameras": ["yard"]}, {"cameras": ["none"]}, {"where": "district=south"}, {"csv": "id\nyard\n"}):
        refused = await ask(client, camat, "/api/orders/preview", {**ORDER, **choice}, status=400)
        assert refused["code"] == "invalid_selection", choice
    hidden, absent = [
        (await client.post("/api/orders/preview", json={**ORDER, "cameras": [one]}, headers=camat)).text
        for one in ("yard", "none")
    ]
    assert hidden.replace("yard", "none") == absent
    made = await ask(client, camat, "/api/orders", {**draft, "plan_hash": preview["plan_hash"]}, status=201)
    assert made["cameras"] == 1
    window = {"reason": "poles", "start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z", "where": "*"}
    assert (await ask(client, camat, "/api/maintenance", window, status=201))["cameras"] == 1
    hours = {"reason": "market", "hours": "mon-fri 06:00-22:00", "where": "*"}
    assert (await ask(client, camat, "/api/schedules", hours, status=201))["cameras"] == 1


async def test_an_order_of_more_is_revoked_for_ones_own(client: Client, world: World) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=north", at_us=T0)
    lurah = bearer_with(world.db, "lurah", Role.ADMIN, "district=nowhere", at_us=T0)
    admin = world.bearer("admin")
    draft = {**ORDER, "cameras": ["gate", "yard"]}
    hash_ = (await ask(client, admin, "/api/orders/preview", draft, status=200))["plan_hash"]
    made = await ask(client, admin, "/api/orders", {**draft, "plan_hash": hash_}, status=201)
    path = f"/api/orders/{made['id']}/revoke"
    end = {"reason": "poles stand", "letter": "14/2026", "letter_date": "2026-11-02", "approver": "Camat"}
    assert (await ask(client, lurah, path, end, status=404))["code"] == "directive_not_found"
    refused = await ask(client, camat, path, {**end, "cameras": ["gate", "yard"]}, status=400)
    assert refused["code"] == "invalid_selection"
    body = await ask(client, camat, path, end, status=200)
    assert (body["cameras"], body["left"]) == (1, 0)
    whole = (await client.get(f"/api/orders/{made['id']}", headers=admin)).json()
    assert (whole["cameras"], whole["left"]) == (2, 1)


async def test_users_of_a_district_are_those_whom_its_administrator_added(client: Client, world: World) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=north", at_us=T0)
    new = {"name": "otto", "password": "otto-otto-otto"}
    refused = await ask(client, camat, "/api/users", {**new, "role": "viewer"}, status=403)
    assert refused["code"] == "beyond_own_grants"
    await ask(client, camat, "/api/users", new, status=201)
    listed = (await client.get("/api/users", headers=camat)).json()["users"]
    assert [user["name"] for user in listed] == ["otto"]
    for name in ("vera", "nobody"):
        answer = await client.delete(f"/api/users/{name}", headers=camat)
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")
    grant = {"holder": "otto", "gives": "viewer", "cameras": "*", "reason": "x"}
    assert (await ask(client, camat, "/api/access/grants", grant, status=201))["cameras"] == "district=north"
    other = give(world.db, "otto", "viewer", "id=hall", at_us=T0)
    assert (await client.delete("/api/users/otto", headers=camat)).status_code == 404, "they have something by others"
    answer = await client.post(f"/api/access/grants/{other.id}/revoke", json={}, headers=world.bearer("admin"))
    assert answer.status_code == 200
    assert (await client.delete("/api/users/otto", headers=camat)).status_code == 204


async def test_accounts_of_those_whom_one_added_are_one_s_own_until_others_give_them_more(
    client: Client, world: World
) -> None:
    camat = bearer_with(world.db, "camat", Role.ADMIN, "district=north", at_us=T0)
    await ask(client, camat, "/api/users", {"name": "otto", "password": "otto-otto-otto"}, status=201)
    give(world.db, "otto", "viewer", "district=north", at_us=T0)
    with world.db.read() as conn:
        otto = rows.find_user(conn, "otto")
        boss = rows.find_user(conn, "camat")
    assert otto is not None and boss is not None
    # Where somebody is logged in is told to who is logged in.
    logged_in = {"Cookie": f"nvr_session={accounts.create_session(world.db, boss, at_us=world.now_us)}",
                 "Origin": "http://nvr.test"}  # fmt: skip

    async def every(name: str) -> list[int]:
        value = accounts.create_session(world.db, otto, at_us=world.now_us)
        with world.db.read() as conn:
            (session, *_) = session_rows.sessions_of(conn, otto.id, now_us=world.now_us)
        found = [
            await client.get("/api/sessions", params={"user": name}, headers=logged_in),
            await client.delete(f"/api/sessions/{session.id}", headers=logged_in),
            await client.post(f"/api/users/{name}/renew", headers=camat),
            await client.delete(f"/api/users/{name}/factors", headers=camat),
            await client.post(f"/api/users/{name}/password", json={"password": "another-otto-1"}, headers=camat),
        ]
        accounts.end_session(world.db, value)
        return [one.status_code for one in found]

    assert await every("otto") == [200, 204, 204, 204, 204]
    body = {"username": "otto", "password": "another-otto-1"}
    assert (await client.post("/api/login", json=body)).status_code == 200
    more = give(world.db, "otto", "viewer", "id=hall", at_us=T0)
    assert await every("otto") == [404, 404, 404, 404, 404], "they may do more than who would let themselves in as them"
    revoke(world.db, more, at_us=T0)
    assert await every("otto") == [200, 204, 204, 204, 204]
    hidden, absent = [
        (await client.get("/api/sessions", params={"user": name}, headers=logged_in)).text for name in ("vera", "nora")
    ]
    assert hidden.replace("vera", "nora") == absent
    assert (await every("vera"))[2:] == [404, 404, 404]
