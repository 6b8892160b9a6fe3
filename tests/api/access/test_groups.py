"""Groups: what one is given its members may do, as long as they are in it; and somebody always administers."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access import groups
from nvr.access.administrators import administrators
from nvr.access.effects import effects, with_grant, with_labels
from nvr.access.errors import LastAdministrator
from nvr.access.snapshot import AccessSnapshot
from nvr.accounts import rows
from nvr.accounts.users import remove_user
from storage.catalogue.actors import SERVER_ACTOR
from tests.api.catalogue import NOW, T0, World
from tests.support.grants import bearer_with

Client = AsyncTestClient[Litestar]


async def ask(client: Client, world: World, method: str, path: str, body: Any = None, *, status: int) -> Any:
    answer = await client.request(method, path, json=body, headers=world.bearer("admin"))
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def seen(client: Client, headers: dict[str, str]) -> list[str]:
    return [one["id"] for one in (await client.get("/api/cameras", headers=headers)).json()["cameras"]]


async def test_what_a_group_is_given_its_members_may_do(client: Client, world: World) -> None:
    sari = bearer_with(world.db, "sari", "viewer", "id=gate", at_us=T0)
    await ask(client, world, "POST", "/api/groups", {"name": "South"}, status=201)
    wanted = {"holder": "group:South", "gives": "viewer", "cameras": "district=south", "reason": "letter 12"}
    preview = await ask(client, world, "POST", "/api/access/preview", {"give": wanted}, status=200)
    assert preview["given"] == [], "nobody is in it"
    await ask(client, world, "POST", "/api/access/grants", wanted, status=201)
    assert await seen(client, sari) == ["gate"]
    await ask(client, world, "POST", "/api/groups/South/members", {"user": "sari"}, status=204)
    assert await seen(client, sari) == ["gate", "hall", "yard"]
    who = await ask(client, world, "GET", "/api/access/cameras/yard/who", status=200)
    assert "sari" in [one["name"] for one in who["holders"]] and "group:South" not in str(
        [one["name"] for one in who["holders"]]
    )
    explained = await ask(client, world, "GET", "/api/access/cameras/yard/explain?user=sari", status=200)
    live = next(one for one in explained["actions"] if one["action"] == "live")
    assert live["outcome"] == "allowed" and "letter 12" in live["sentence"]
    await ask(client, world, "DELETE", "/api/groups/South/members/sari", status=204)
    assert await seen(client, sari) == ["gate"]
    await ask(client, world, "DELETE", "/api/groups/South/members/sari", status=404)
    await ask(client, world, "POST", "/api/groups/South/members", {"user": "sari"}, status=204)
    await ask(client, world, "DELETE", "/api/groups/South", status=204)
    assert await seen(client, sari) == ["gate"]
    listed = await ask(client, world, "GET", "/api/access/grants?revoked=true", status=200)
    assert [one["revoked"] is not None for one in listed["grants"] if one["cameras"] == "district=south"] == [True]


async def test_whom_a_provider_put_in_can_be_taken_out(client: Client, world: World) -> None:
    """Who was dismissed there never logs in again, and would stay what their groups give."""
    with world.db.write() as conn:
        vera = rows.find_user(conn, "vera")
        assert vera is not None
        groups.set_members_of_provider(conn, vera.id, {"South"}, provider="city", by=SERVER_ACTOR, at_us=NOW)
    await ask(client, world, "DELETE", "/api/groups/South/members/vera", status=204)
    with world.db.read() as conn:
        assert groups.find_group(conn, "South").members == ()


async def test_names_and_rights(client: Client, world: World) -> None:
    await ask(client, world, "POST", "/api/groups", {"name": "South"}, status=201)
    for name in ("South", "", "x" * 64, "a\nb"):
        await ask(client, world, "POST", "/api/groups", {"name": name}, status=400)
    await ask(client, world, "POST", "/api/groups/North/members", {"user": "vera"}, status=404)
    await ask(client, world, "POST", "/api/groups/South/members", {"user": "nobody"}, status=404)
    answer = await client.get("/api/groups", headers=world.bearer("investigator"))
    assert answer.status_code == 403


def test_what_a_change_does_to_members_is_seen_before(world: World) -> None:
    with world.db.write() as conn:
        made = groups.create_group(conn, "South", by=SERVER_ACTOR, at_us=T0)
        vera = rows.find_user(conn, "vera")
        assert vera is not None
        groups.add_member(conn, made.id, vera.id, at_us=T0)
    from tests.support.grants import give

    give(world.db, "sari", "viewer", "id=none", at_us=T0)
    with world.db.write() as conn:
        from nvr.access import rows as grants

        grant = grants.insert_grant(
            conn, holder=made.id, role="viewer", cameras="owner=x", by=SERVER_ACTOR, at_us=T0, reason="x"
        )
    with world.db.read() as conn:
        before = AccessSnapshot.read(conn)
    assert vera.id in before.holders() and made.id not in before.holders()
    assert [one.id for one in before.grants(vera.id)][-1] == grant.id
    changed = with_labels(before, {"gate": {"owner": "x"}, "new": {"owner": "x"}})
    assert effects(before, changed, NOW).given[vera.id] == {"new"}, "vera sees gate anyhow"
    assert grant not in with_grant(before, without={grant.id}).grants(vera.id)


def test_somebody_administers_everything_always(world: World) -> None:
    with world.db.write() as conn:
        anna, vera = (rows.find_user(conn, name) for name in ("anna", "vera"))
        assert anna is not None and vera is not None
        made = groups.create_group(conn, "Heads", by=SERVER_ACTOR, at_us=T0)
        from nvr.access import rows as grants

        grants.insert_grant(conn, holder=made.id, role="admin", cameras="*", by=SERVER_ACTOR, at_us=T0, reason="x")
        groups.add_member(conn, made.id, vera.id, at_us=T0, provider="city")
        assert administrators(conn) == {anna.id}, "what a provider says may end with it"
    with pytest.raises(LastAdministrator):
        remove_user(world.db, "anna")
    with world.db.write() as conn:
        groups.add_member(conn, made.id, vera.id, at_us=T0)
        assert administrators(conn) == {anna.id, vera.id}
    remove_user(world.db, "anna")
    for take in (
        lambda conn: groups.remove_member(conn, "Heads", vera.id),
        lambda conn: groups.remove_group(conn, "Heads", by=SERVER_ACTOR, at_us=NOW),
    ):
        with pytest.raises(LastAdministrator), world.db.write() as conn:
            take(conn)
    with pytest.raises(LastAdministrator):
        remove_user(world.db, "vera")
    with world.db.read() as conn:
        assert administrators(conn) == {vera.id}
