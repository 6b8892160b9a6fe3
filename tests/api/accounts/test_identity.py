"""Who acts is an id that never comes again: names may be given to others, and nothing is decided by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access import groups
from nvr.access import rows as grants
from nvr.access.closures import close_footage, open_footage
from nvr.access.roles import AccessAction, Role
from nvr.accounts import InvalidAccount, rows
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertRow
from nvr.cameras import public_view
from nvr.cases import addresses, bookmarks, cases, export_queue, links, requests
from nvr.cases.requests import RequestState
from nvr.devices import searches
from nvr.orders import register
from nvr.orders.model import DirectiveKind, Draft
from storage.catalogue import audit
from storage.catalogue.actors import RESERVED_NAMES, SERVER_ACTOR, Actor, of_link
from storage.integrity import audit_log as audit_check
from storage.retention import confirmations, holds
from tests.api.catalogue import NOW, T0, World
from tests.support.people import create_token, token_of

Client = AsyncTestClient[Litestar]
Headers = dict[str, str]
S = 1_000_000
RANGE = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}


def bearer(text: str) -> Headers:
    return {"Authorization": f"Bearer {text}"}


def user(world: World, name: str, role: Role = Role.INVESTIGATOR) -> Headers:
    """A new user of this name, and a token of theirs."""
    made = accounts.create_user(world.db, name, f"{name}-{name}-{name}", role, at_us=world.now_us)
    return bearer(create_token(world.db, "own", role, user=made.id, at_us=world.now_us))


def id_of(world: World, name: str) -> str:
    with world.db.read() as conn:
        found = rows.find_user(conn, name)
    assert found is not None
    return found.id


async def made_by(client: Client, who: Headers, camera: str = "hall") -> str:
    answer = await client.post("/api/exports", json={"cameras": [camera], **RANGE}, headers=who)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def is_theirs(client: Client, who: Headers, export: str) -> bool:
    return bool((await client.get(f"/api/exports/{export}", headers=who)).json()["may_download"])


async def asked(client: Client, who: Headers, number: str = "LP/1") -> dict[str, Any]:
    case = (await client.post("/api/cases", json={"number": number, "legal_basis": "KUHAP"}, headers=who)).json()
    body = {"cameras": ["hall"], "purpose": "plate", **RANGE}
    answer = await client.post(f"/api/cases/{case['id']}/requests", json=body, headers=who)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


async def code(client: Client, who: Headers, request: str, verb: str) -> str:
    answer = await client.post(f"/api/requests/{request}/{verb}", json={"reason": "because"}, headers=who)
    return "fine" if answer.status_code == 200 else str(answer.json()["code"])


def two_persons(app: Litestar) -> None:
    services = app.state.services
    services.configure(msgspec.structs.replace(services.settings, second_person=True))


async def test_tokens_of_one_name_do_not_share_exports(client: Client, world: World) -> None:
    one, other = (bearer(create_token(world.db, "copies", Role.INVESTIGATOR)) for _ in range(2))
    export = await made_by(client, one)
    assert await is_theirs(client, one, export)
    assert not await is_theirs(client, other, export)
    answer = await client.post(f"/api/exports/{export}/links", json={"recipient": "x", "expires_s": 99}, headers=other)
    assert answer.json()["code"] == "not_your_export"


async def test_a_user_and_their_tokens_are_one_and_two_users_are_not(client: Client, world: World) -> None:
    ines, again, budi = world.bearer_of("ines"), world.bearer_of("ines"), user(world, "budi")
    export = await made_by(client, ines)
    assert await is_theirs(client, again, export)
    assert not await is_theirs(client, budi, export)
    made = await asked(client, ines)
    assert made["mine"]
    (case,) = (await client.get("/api/cases", headers=again)).json()["cases"]
    assert case["requests"][0]["mine"]
    (case,) = (await client.get("/api/cases", headers=budi)).json()["cases"]
    assert not case["requests"][0]["mine"]
    assert await code(client, budi, made["id"], "withdraw") == "not_your_request"
    assert await code(client, again, made["id"], "withdraw") == "fine"


async def test_who_is_called_as_somebody_before_is_somebody_else(client: Client, world: World) -> None:
    before = user(world, "budi")
    user_before = accounts.verify_password(world.db, "budi", "budi-budi-budi")
    session = accounts.create_session(world.db, user_before)
    export, request = await made_by(client, before), await asked(client, before)
    removed = await client.delete("/api/users/budi", headers=world.bearer("admin"))
    assert removed.status_code == 204
    # Nothing of the predecessor goes on: neither the session nor the token.
    assert (await client.get("/api/me", headers=before)).status_code == 401
    assert accounts.authenticate_session(world.db, session) is None
    with pytest.raises(accounts.NoSuchAccount):
        accounts.create_session(world.db, user_before)
    after = user(world, "budi")
    assert (await client.get("/api/me", headers=before)).status_code == 401
    assert not await is_theirs(client, after, export)
    assert (await client.get(f"/api/exports/{export}/download", headers=after)).json()["code"] == "not_your_export"
    assert await code(client, after, request["id"], "withdraw") == "not_your_request"
    (case,) = (await client.get("/api/cases", headers=after)).json()["cases"]
    assert not case["requests"][0]["mine"]
    listed = (await client.get("/api/tokens", headers=world.bearer("admin"))).json()["tokens"]
    assert [token["name"] for token in listed if token["user"] == "budi"] == ["own"]
    # And the log tells them apart: by name both, by id each.
    log = (await client.get("/api/audit?actor=budi (token own)", headers=world.bearer("admin"))).json()["entries"]
    ids = {entry["actor_id"].partition("/")[0] for entry in log}
    assert ids == {user_before.id, id_of(world, "budi")}
    only = (await client.get(f"/api/audit?actor={user_before.id}", headers=world.bearer("admin"))).json()["entries"]
    assert {entry["actor_id"].partition("/")[0] for entry in only} == {user_before.id}


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "user-1", "token-1", "link-1", "address-1"])
def test_names_of_what_is_no_person_are_no_users(world: World, name: str) -> None:
    with pytest.raises(InvalidAccount):
        accounts.create_user(world.db, name, "a-fine-long-password", Role.VIEWER)


async def test_a_token_says_whose_it_is_who_made_it_and_ends_with_its_user(client: Client, world: World) -> None:
    anna = world.bearer_of("anna")
    made = (await client.post("/api/tokens", json={"name": "cron", "role": "viewer"}, headers=anna)).json()
    assert (made["user"], made["made_by"]) == ("anna", "anna (token test)")
    # One made by a token is no way out: it is the same person's.
    deeper = bearer(
        (await client.post("/api/tokens", json={"name": "2", "role": "admin"}, headers=anna)).json()["token"]
    )
    third = (await client.post("/api/tokens", json={"name": "3", "role": "admin"}, headers=deeper)).json()
    assert third["user"] == "anna"
    orphan = world.bearer("admin")
    nobodys = (await client.post("/api/tokens", json={"name": "4", "role": "viewer"}, headers=orphan)).json()
    assert (nobodys["user"], nobodys["made_by"]) == (None, "token for admin")
    await client.get("/api/me", headers=bearer(made["token"]))
    listed = {t["id"]: t for t in (await client.get("/api/tokens", headers=orphan)).json()["tokens"]}
    assert listed[made["id"]]["last_used"] is not None
    user(world, "otto", Role.ADMIN)
    assert (await client.delete("/api/users/anna", headers=orphan)).status_code == 204
    for text in (made["token"], third["token"]):
        assert (await client.get("/api/me", headers=bearer(text))).status_code == 401
    assert (await client.get("/api/me", headers=bearer(nobodys["token"]))).status_code == 200


async def test_a_token_may_do_no_more_than_its_user(client: Client, world: World) -> None:
    with pytest.raises(InvalidAccount):
        create_token(world.db, "x", Role.ADMIN, user=id_of(world, "vera"))
    text = create_token(world.db, "x", Role.ADMIN, user=id_of(world, "anna"))
    assert (await client.get("/api/users", headers=bearer(text))).status_code == 200
    anna = id_of(world, "anna")
    with world.db.write() as conn:
        grants.revoke_grants_of(conn, anna, by=SERVER_ACTOR, at_us=NOW)
        grants.insert_grant(conn, holder=anna, role="viewer", cameras="*", by=SERVER_ACTOR, at_us=NOW, reason="less")
    assert (await client.get("/api/users", headers=bearer(text))).status_code == 403
    assert (await client.get("/api/me", headers=bearer(text))).json()["role"] == "viewer"


async def test_ones_own_password_needs_the_present_one_with_a_token_too(client: Client, world: World) -> None:
    anna = world.bearer_of("anna")
    new = {"password": "another-long-one"}
    answer = await client.post("/api/users/anna/password", json=new, headers=anna)
    assert answer.json()["code"] == "bad_credentials"
    assert (await client.post("/api/users/vera/password", json=new, headers=anna)).status_code == 204


async def test_the_second_person_is_another_person(app: Litestar, client: Client, world: World) -> None:
    two_persons(app)
    anna = world.bearer_of("anna")
    own = bearer((await client.post("/api/tokens", json={"name": "2", "role": "admin"}, headers=anna)).json()["token"])
    made = await asked(client, anna)
    assert await code(client, own, made["id"], "approve") == "second_person_needed"
    # The other way round: the token asks, the person approves.
    by_token = await asked(client, own, "LP/2")
    assert await code(client, anna, by_token["id"], "approve") == "second_person_needed"
    # A token of nobody may be anybody's: it is no second person, whichever of the two it is.
    nobodys = world.bearer("admin")
    assert await code(client, nobodys, made["id"], "approve") == "second_person_needed"
    by_nobody = await asked(client, nobodys, "LP/3")
    assert await code(client, anna, by_nobody["id"], "approve") == "second_person_needed"
    assert await code(client, world.bearer_of("ines"), made["id"], "approve") == "fine"
    assert await code(client, world.bearer_of("ines"), by_token["id"], "approve") == "fine"


async def test_a_request_of_before_ids_has_nobody_to_be_compared_with(
    app: Litestar, client: Client, world: World
) -> None:
    made = await asked(client, world.bearer_of("ines"))
    with world.db.write() as conn:
        conn.execute("UPDATE request SET requester_id = NULL")
    assert await code(client, world.bearer_of("ines"), made["id"], "withdraw") == "not_your_request"
    two_persons(app)
    assert await code(client, world.bearer_of("anna"), made["id"], "approve") == "second_person_needed"


# -- Every place where somebody's name is kept has an id beside it


def _request(conn: Any, by: Actor) -> None:
    case = cases.open_case(conn, number="LP/7", legal_basis="x", title="", by=by, now_us=NOW)
    made = requests.ask(conn, case.id, ["hall"], T0, T0 + S, purpose="p", by=by, now_us=NOW)
    requests.decide(conn, made.id, RequestState.REFUSED, reason="r", by=by, now_us=NOW, second_person=False)
    cases.close(conn, case.id, reason="r", release=True, by=by, now_us=NOW)
    holds.release_each(conn, made.holds, reason="r", by=by, now_us=NOW)


def _hold(conn: Any, by: Actor) -> None:
    made = holds.place(conn, "hall", T0, T0 + S, reason="r", by=by, now_us=NOW)
    holds.release(conn, made.id, reason="r", by=by, now_us=NOW)


def _export(conn: Any, by: Actor) -> None:
    wanted = {"cameras": ["hall"], "start_us": T0, "end_us": T0 + S}
    export_queue.queue(conn, "e1", wanted, by=by, owner_id=by.person, now_us=NOW)
    conn.execute("UPDATE export SET state = 'done' WHERE id = 'e1'")
    link, _ = links.make(conn, "e1", recipient="Sari", until_us=NOW + 3600 * S, by=by, now_us=NOW)
    links.revoke(conn, link.id, by=by, now_us=NOW)


def _order(conn: Any, by: Actor) -> None:
    draft = Draft(kind=DirectiveKind.ORDER, reason="r", start_us=NOW, letter="1", approver="mayor", selection="one")
    made = register.add(conn, draft, ["hall"], node_id="n1", by=by, now_us=NOW)
    register.revoke(conn, made.id, reason="r", by=by, now_us=NOW + S)


def _cut(conn: Any, by: Actor) -> None:
    public_view.cut(conn, "hall", reason="r", by=by, now_us=NOW)
    public_view.restore(conn, "hall", reason="r", by=by, now_us=NOW + S)


def _alert(conn: Any, by: Actor) -> None:
    alerts.put(conn, AlertRow("a1", "camera_down", "hall", T0, T0, T0, None, 0, ("hall",), {}))
    alerts.acknowledge(conn, "a1", note="", by=by, now_us=NOW)


def _confirmation(conn: Any, by: Actor) -> None:
    conn.execute("INSERT INTO waiting_deletion (cause, since_us, detail) VALUES ('clock', 1, '{}')")
    confirmations.confirm(conn, "clock", by=by, now_us=NOW)


def _account(conn: Any, by: Actor) -> None:
    rows.add_user(conn, id_="user-x", name="xena", password_hash="x", role=Role.VIEWER, by=by, at_us=NOW)
    rows.add_token(conn, id_="x", hash_="x", name="x", role=Role.VIEWER, user="user-x", by=by, at_us=NOW)


def _address(conn: Any, by: Actor) -> None:
    rows.add_user(conn, id_=by.person, name="ina", password_hash="x", role=Role.VIEWER, by=by, at_us=T0)
    more = {"start_us": T0, "end_us": T0 + S, "until_us": NOW + 3600 * S}
    made, _ = addresses.make(conn, "hall", maker=addresses.Maker(by, None), now_us=NOW, **more)
    addresses.revoke(conn, made.id, by=by, now_us=NOW)


def _grant(conn: Any, by: Actor) -> None:
    made = grants.insert_grant(conn, holder="user-y", role="viewer", cameras="*", by=by, at_us=NOW, reason="r")
    grants.revoke_grant(conn, made.id, by=by, at_us=NOW)
    grants.save_role(conn, "own", [AccessAction.LIVE], by=by, at_us=NOW)


def _closure(conn: Any, by: Actor) -> None:
    made = close_footage(conn, "hall", reason="r", by=by, at_us=NOW)
    open_footage(conn, made.id, by=by, at_us=NOW)


def _search(conn: Any, by: Actor) -> None:
    with audit.acting(audit.Act(by, "127.0.0.1", "scan_begun")):
        searches.begin_scan(conn, networks=["192.0.2.0/24"], blocks=1, username=None, password=None, now_us=NOW)


def _bookmark(conn: Any, by: Actor) -> None:
    made = bookmarks.make(conn, "hall", T0, "a red lorry", by=by, now_us=NOW)
    bookmarks.remove(conn, made.id, by=by, now_us=NOW)


PLACES: dict[str, tuple[Callable[[Any, Actor], None], tuple[str, ...]]] = {
    "cases and requests": (
        _request,
        ("legal_case.opened_by", "legal_case.closed_by", "request.requester", "request.decided_by"),
    ),
    "holds": (_hold, ("hold.placed_by", "hold.released_by")),
    "exports and links": (_export, ("export.requested_by", "export_link.made_by", "export_link.revoked_by")),
    "orders": (_order, ("directive.entered_by", "revocation.entered_by")),
    "the public view": (_cut, ("public_cut.cut_by", "public_cut.ended_by")),
    "acknowledgements": (_alert, ("alert.acknowledged_by",)),
    "confirmations": (_confirmation, ("waiting_deletion.confirmed_by",)),
    "addresses": (_address, ("address.made_by", "address.revoked_by")),
    "grants": (_grant, ("access_grant.made_by", "access_grant.revoked_by", "access_role.made_by")),
    "groups": (lambda conn, by: groups.create_group(conn, "Heads", by=by, at_us=NOW), ("user_group.made_by",)),
    "closures": (_closure, ("closure.made_by", "closure.ended_by")),
    "searches": (_search, ("scan.actor",)),
    "bookmarks": (_bookmark, ("bookmark.made_by", "bookmark.removed_by")),
    "accounts": (_account, ("user.made_by", "token.made_by")),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_keeps_who_it_was(world: World, place: str) -> None:
    act, columns = PLACES[place]
    by = Actor("user-0123/token-4567", "ines (token backup)")
    with world.db.write() as conn:
        act(conn, by)
        for column in columns:
            table, _, name = column.partition(".")
            kept = conn.execute(f"SELECT {name}, {name}_id FROM {table} WHERE {name} IS NOT NULL AND {name} <> ''")
            assert ("ines (token backup)", "user-0123") in [tuple(row) for row in kept], column


def test_no_place_is_forgotten(world: World) -> None:
    """A column that names who did something has an id beside it, and is among those tried above."""
    tried = {column for _, columns in PLACES.values() for column in columns}
    with world.db.read() as conn:
        tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            (table, row["name"])
            for table in tables
            for row in conn.execute(f"SELECT name FROM pragma_table_info('{table}')")
        }
    named = {(t, c) for t, c in columns if c.endswith("_by") or c in ("requester", "actor")}
    assert {f"{table}.{column}" for table, column in named} == tried | {"audit.actor"}
    assert {(table, f"{column}_id") for table, column in named} <= columns


def test_the_log_has_the_id_of_whoever_acts(world: World) -> None:
    anna = id_of(world, "anna")
    text = token_of(world.db, "anna", Role.ADMIN)
    token = accounts.authenticate_token(world.db, text)
    assert token is not None
    for who, expected in (
        (token.actor, f"{anna}/token-{token.id}"),
        (of_link("ab12", "Sari"), "link-ab12"),
        (None, "server"),
    ):
        with audit.acting(None if who is None else audit.Act(who, "", "x")), world.db.write() as conn:
            audit.append(conn, "x", detail={})
        with world.db.read() as conn:
            assert next(audit.entries(conn)).actor_id == expected
            assert audit_check.verify(conn).faults == ()


def test_an_id_never_comes_again(world: World) -> None:
    """Rows of users and tokens stay, so that the database itself refuses an id a second time."""
    anna = id_of(world, "anna")
    accounts.create_user(world.db, "otto", "otto-otto-otto", Role.ADMIN)
    accounts.remove_user(world.db, "anna")
    with world.db.read() as conn:
        row = conn.execute("SELECT * FROM user WHERE id = ?", (anna,)).fetchone()
        kept = json.dumps(dict(row))
    assert row["removed_us"] is not None and "argon2" not in kept
    for sql in (
        "DELETE FROM user WHERE id = ?",
        "DELETE FROM token WHERE user IS NULL OR user = ?",
        "UPDATE user SET removed_us = NULL, password = 'x' WHERE id = ?",
        "UPDATE user SET name = 'vera2' WHERE id = ?",
        "INSERT INTO user (id, name, password, created_us) VALUES (?, 'new', '', 1)",
    ):
        with (
            pytest.raises(Exception, match=r"never deleted|does not come back|keeps id|UNIQUE"),
            world.db.write() as conn,
        ):
            conn.execute(sql, (anna,))
