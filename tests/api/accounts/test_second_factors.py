"""Second factors: setting them up, giving them at a login, losing them, and proving once more who one is."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts import factor_rows, rows, second_factors
from nvr.accounts.errors import BadProof
from nvr.api.http.attempts import Attempts
from nvr.api.http.services import Services
from tests.api.accounts.test_sessions import OURS, log_in
from tests.api.catalogue import PASSWORDS, World

Client = AsyncTestClient[Litestar]
S = 1_000_000
MINUTE = 60 * S


def code_of(seed: str, world: World, *, later_s: int = 0) -> str:
    return pyotp.TOTP(seed).at(world.now_us // S + later_s)


async def set_up(client: Client, world: World) -> tuple[str, list[str]]:
    """Sets an app up for who is logged in; returns its seed and the recovery codes."""
    made = await client.post("/api/factors/totp", json={"name": "phone"}, headers=OURS)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    seed = made.json()["secret"]
    body = {"code": code_of(seed, world, later_s=-30)}
    path = f"/api/factors/{made.json()['id']}/confirm"
    wrong = await client.post(path, json={"code": "000000"}, headers=OURS)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_proof")
    answer = await client.post(path, json=body, headers=OURS)
    assert answer.status_code == 201, answer.text
    return seed, answer.json()["recovery_codes"]


def services_of(app: Litestar) -> Services:
    found: Services = app.state.services
    return found


def settings(app: Litestar, **more: Any) -> None:
    import msgspec

    services = services_of(app)
    services.configure(msgspec.structs.replace(services.settings, **more))


async def test_a_login_needs_the_factor_and_each_code_is_good_once(app: Litestar, client: Client, world: World) -> None:
    world.tick_us = 0
    await log_in(client)
    seed, codes = await set_up(client, world)
    assert len(set(codes)) == 10
    async with AsyncTestClient(app, base_url="http://nvr.test") as other:
        body = {"username": "vera", "password": PASSWORDS["vera"]}
        answer = await other.post("/api/login", json=body)
        assert answer.json() == {"user": "vera", "role": "viewer", "second_factor": ["totp"]}
        waiting = other.cookies["nvr_session"]
        me = (await other.get("/api/me")).json()
        assert (me["second_factor"], me["actions"]) == ("needed", [])
        assert (await other.get("/api/prove")).json() == {"factors": ["totp"], "password": False, "provider": None}
        for bad in ({"code": "123456"}, {"recovery_code": "k7mw-p3hx-qrvd-9tne"}, {"code": ""}):
            refused = await other.post("/api/prove", json=bad, headers=OURS)
            assert (refused.status_code, refused.json()["code"]) == (401, "bad_proof")
        by_password = await other.post("/api/prove", json={"password": PASSWORDS["vera"]}, headers=OURS)
        assert by_password.json()["code"] == "invalid_request"
        code = code_of(seed, world)
        given = await other.post("/api/prove", json={"code": f" {code[:3]} {code[3:]} "}, headers=OURS)
        assert given.status_code == 204, given.text
        assert other.cookies["nvr_session"] != waiting, "a session that waited is not the one that is let in"
        assert (await other.get("/api/me")).json()["second_factor"] is None
        assert (await other.get("/api/cameras")).status_code == 200
        again = await other.get("/api/me", headers={"Cookie": f"nvr_session={waiting}"})
        assert again.status_code == 401
        await log_in(other)
        for used in (code, code_of(seed, world, later_s=-30)):
            refused = await other.post("/api/prove", json={"code": used}, headers=OURS)
            assert refused.json()["code"] == "bad_proof", "a code of a step that was taken, or before it, is none"
        world.now_us += 30 * S
        later = await other.post("/api/prove", json={"code": code_of(seed, world)}, headers=OURS)
        assert later.status_code == 204


async def test_a_session_that_waits_reaches_nothing_else_and_is_over_soon(
    app: Litestar, client: Client, world: World
) -> None:
    await log_in(client, "anna")
    await set_up(client, world)
    await log_in(client, "anna")
    open_ = {("GET", "/api/me"), ("POST", "/api/logout"), ("GET", "/api/prove"), ("POST", "/api/prove")}
    open_ |= {("POST", "/api/prove/passkey/options"), ("POST", "/api/prove/passkey")}
    asked = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in set(handler.http_methods) - {"OPTIONS", "HEAD"}:
                path = re.sub(r"\{[^}]*\}", "1", route.path)
                if handler.opt.get("action", "public") == "public" or (method, path) in open_:
                    continue
                answer = await client.request(method, path, headers=OURS)
                assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed"), (method, path)
                asked += 1
    assert asked > 60
    world.now_us += 601 * S
    assert (await client.get("/api/me")).status_code == 401


async def test_recovery_codes_are_good_once_and_guessing_is_bounded_from_anywhere(
    app: Litestar, client: Client, world: World
) -> None:
    world.tick_us = 0
    await log_in(client)
    _, codes = await set_up(client, world)
    await log_in(client)
    spaced = codes[0].upper().replace("-", " ")
    assert (await client.post("/api/prove", json={"recovery_code": spaced}, headers=OURS)).status_code == 204
    assert (await client.get("/api/factors")).json()["recovery_codes"] == 9
    await log_in(client)
    assert (await client.post("/api/prove", json={"recovery_code": codes[0]}, headers=OURS)).status_code == 401
    settings(app, trusted_proxies=["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"])
    # A second's wait is over by itself where the machine is busy.
    services_of(app).factor_attempts = Attempts(clock=lambda: 0.0)
    found = []
    for number in range(8):
        headers = {**OURS, "X-Forwarded-For": f"198.51.100.{number}"}
        found.append((await client.post("/api/prove", json={"code": "000000"}, headers=headers)).status_code)
    assert found[-1] == 429, found
    right = await client.post("/api/prove", json={"recovery_code": codes[1]}, headers=OURS)
    assert right.status_code == 429, "who guesses waits, whatever comes next"


async def test_with_the_first_factor_other_sessions_end(app: Litestar, client: Client, world: World) -> None:
    async with AsyncTestClient(app, base_url="http://nvr.test") as other:
        await log_in(other)
        await log_in(client)
        await set_up(client, world)
        assert (await other.get("/api/me")).status_code == 401
        assert (await client.get("/api/me")).status_code == 200


async def test_a_role_that_needs_a_factor_lets_nobody_without_do_anything_but_set_one_up(
    app: Litestar, client: Client, world: World
) -> None:
    settings(app, second_factor=["admin"])
    await log_in(client, "anna")
    assert (await client.get("/api/me")).json()["second_factor"] == "set_up"
    assert (await client.get("/api/users")).json()["code"] == "second_factor_setup_needed"
    assert (await client.get("/api/factors")).json() == {"factors": [], "recovery_codes": 0, "required": True}
    # However long ago they logged in: whoever must set one up can prove who they are before.
    world.now_us += 20 * MINUTE
    late = await client.post("/api/factors/totp", json={"name": "phone"}, headers=OURS)
    assert late.json()["code"] == "proof_needed"
    assert (await client.get("/api/prove")).json()["password"]
    answer = await client.post("/api/prove", json={"password": PASSWORDS["anna"]}, headers=OURS)
    assert answer.status_code == 204, answer.text
    await set_up(client, world)
    assert (await client.get("/api/users")).status_code == 200
    (one,) = (await client.get("/api/factors")).json()["factors"]
    answer = await client.delete(f"/api/factors/{one['id']}", headers=OURS)
    assert answer.json()["code"] == "invalid_factor", "the last one stays where a role needs it"
    await log_in(client, "vera")
    assert (await client.get("/api/me")).json()["second_factor"] is None
    # Programs are not asked.
    assert (await client.get("/api/users", headers=world.bearer("admin"))).status_code == 200


async def test_who_lost_the_factor_starts_over_by_an_administrator(app: Litestar, client: Client, world: World) -> None:
    await log_in(client)
    await set_up(client, world)
    await log_in(client)
    assert (await client.delete("/api/users/vera/factors", headers=world.bearer("investigator"))).status_code == 403
    assert (await client.delete("/api/users/nobody/factors", headers=world.bearer("admin"))).status_code == 404
    assert (await client.delete("/api/users/vera/factors", headers=world.bearer("admin"))).status_code == 204
    assert (await client.get("/api/me")).status_code == 401
    await log_in(client)
    assert (await client.get("/api/me")).json()["second_factor"] is None
    with world.db.read() as conn:
        assert conn.execute("SELECT count(*) FROM factor").fetchone()[0] == 0
        assert conn.execute("SELECT count(*) FROM recovery_code").fetchone()[0] == 0


async def test_what_gives_footage_away_needs_a_fresh_proof_where_settings_say_so(
    app: Litestar, client: Client, world: World
) -> None:
    world.tick_us = 0
    body = {"name": "t", "role": "viewer"}
    await log_in(client, "anna")
    world.now_us += 16 * MINUTE
    assert (await client.post("/api/tokens", json=body, headers=OURS)).status_code == 201
    settings(app, step_up_us=15 * MINUTE)
    assert (await client.post("/api/tokens", json=body, headers=OURS)).json()["code"] == "proof_needed"
    assert (await client.post("/api/tokens", json=body, headers=world.bearer("admin"))).status_code == 201
    assert (await client.get("/api/tokens")).status_code == 200, "looking needs none"
    wrong = await client.post("/api/prove", json={"password": "wrong-wrong"}, headers=OURS)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")
    right = await client.post("/api/prove", json={"password": PASSWORDS["anna"]}, headers=OURS)
    assert right.status_code == 204, right.text
    assert (await client.post("/api/tokens", json=body, headers=OURS)).status_code == 201
    others = {"password": "gerbang-tua-berlumut"}
    world.now_us += 16 * MINUTE
    answer = await client.post("/api/users/vera/password", json=others, headers=OURS)
    assert answer.json()["code"] == "proof_needed"
    # All passwords of cameras in one file, clips, packages, and an address that anybody plays for a day.
    for path in ("/api/camera-table?passwords=yes", "/api/cameras/gate/clip.mp4", "/api/exports/x/download"):
        assert (await client.get(path)).json()["code"] == "proof_needed", path
        answer = await client.get(path, headers=world.bearer("admin"))
        assert "proof_needed" not in answer.text, "a program is not asked"
    assert (await client.get("/api/camera-table")).status_code == 200
    live = {"live": True, "expires_s": 3600}
    answer = await client.post("/api/cameras/gate/addresses", json=live, headers=OURS)
    assert answer.json()["code"] == "proof_needed"
    # A look is no proof's matter.
    params = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:05:00Z"}
    assert "proof_needed" not in (await client.get("/api/cameras/gate/playlist.m3u8", params=params)).text


def test_every_change_that_gives_away_or_lets_in_needs_a_fresh_proof(app: Litestar) -> None:
    found = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            action = handler.opt.get("action")
            taken = ("/api/cameras/{camera:str}/addresses", "/api/exports/{export:str}/download")
            if action == "clip" or (action is not None and route.path in taken):
                assert handler.opt["proof"] == "step_up", route.path
                found += 1
            for method in set(handler.http_methods) - {"OPTIONS", "HEAD", "GET"}:
                if action in ("export", "approve", "orders", "retention", "people") and "preview" not in route.path:
                    assert handler.opt["proof"] == "step_up", (method, route.path)
                    found += 1
                if route.path.startswith(("/api/factors", "/api/recovery-codes")):
                    assert handler.opt["proof"] == "always", (method, route.path)
    assert found > 29


async def test_factors_are_changed_by_whoever_proved_lately_who_they_are(client: Client, world: World) -> None:
    world.tick_us = 0
    await log_in(client)
    world.now_us += 16 * MINUTE
    answer = await client.post("/api/factors/totp", json={"name": "phone"}, headers=OURS)
    assert answer.json()["code"] == "proof_needed"


async def test_no_seed_or_code_lies_about(client: Client, world: World) -> None:
    await log_in(client)
    seed, codes = await set_up(client, world)
    with world.db.read() as conn:
        everything = "\n".join(conn.iterdump())
    for secret in (seed, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in everything
    assert "sealed" in everything
    assert seed not in (await client.get("/api/factors")).text


async def test_a_seed_that_was_put_into_another_row_opens_nothing(client: Client, world: World) -> None:
    await log_in(client)
    seed, _ = await set_up(client, world)
    with world.db.write() as conn:
        user = rows.find_user(conn, "vera")
        assert user is not None
        (one,) = factor_rows.factors_of(conn, user.id)
        conn.execute("UPDATE factor SET id = 'factor-other', step = NULL WHERE id = ?", (one.id,))
    with pytest.raises(BadProof):
        second_factors.check_code(world.db, user, code_of(seed, world), at_us=world.now_us)


async def test_an_account_that_nobody_uses_is_over_but_for_the_last_administrator(
    app: Litestar, client: Client, world: World
) -> None:
    day = 86_400 * S
    world.tick_us = 0
    token = world.bearer_of("vera")
    await log_in(client)
    settings(app, expire_unused_us=90 * day)
    world.now_us += 400 * day
    for name in ("vera", "ines"):
        body = {"username": name, "password": PASSWORDS[name]}
        answer = await client.post("/api/login", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "account_expired"), name
    wrong = await client.post("/api/login", json={"username": "vera", "password": "wrong-wrong"})
    assert wrong.json()["code"] == "bad_credentials", "who does not know the password is told nothing of the account"
    assert (await client.get("/api/me", headers=token)).json()["code"] == "account_expired"
    await log_in(client, "anna")
    answer = await client.post("/api/users/vera/renew", headers=OURS)
    assert answer.status_code == 204, answer.text
    assert (await client.get("/api/me", headers=token)).status_code == 200
    world.now_us += 89 * day
    assert (await client.get("/api/me", headers=token)).status_code == 200
    world.now_us += 89 * day
    await log_in(client, "vera")
