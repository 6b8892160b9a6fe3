"""Routes of accounts of programs and screens, and of letting a screen in."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import Role
from nvr.accounts.errors import BadProof
from nvr.accounts.screens import CODE_LASTS_US, SCREEN, make_screen_code, take_screen_code
from nvr.accounts.users import create_service
from nvr.api.accounts.entering import LoggedIn, begin_session, enter_failure, session_cookie
from nvr.api.accounts.user_bodies import UserBody, user_body
from nvr.api.http.auth import address_of
from nvr.api.http.routing import post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY
from storage.catalogue.audit import Act

__all__ = ["ROUTES"]

_S: Final = 1_000_000


class NewService(msgspec.Struct, forbid_unknown_fields=True):
    """An account to add. ``role``: over every camera and all footage; null: without any grant."""

    name: str
    role: Role | None = None


class NewScreen(msgspec.Struct, forbid_unknown_fields=True):
    """For how long a screen stays logged in: 366 days at most."""

    lasts_s: int


class ScreenCode(msgspec.Struct):
    """``code`` is typed at the screen, once, until ``until``; it is answered this once."""

    code: str
    until: str


class ScreenLogin(msgspec.Struct, forbid_unknown_fields=True):
    """The code that an administrator made."""

    code: str


@post(
    "/api/services",
    action="people",
    scope="fleet",
    summary="Add the account of a program or a screen: nobody logs in to it, and it never approves nor gives rights",
    errors=["invalid_request", "invalid_account", "user_exists"],
    answer=UserBody,
)
def add_service(services: Injected, data: JSONBody[NewService]) -> UserBody:
    """A program has tokens of it; a screen is let in by a code."""
    return user_body(create_service(services.db, data.name, data.role, at_us=services.now_us()))


@post(
    "/api/services/{name:str}/screen",
    action="people",
    scope="fleet",
    summary="Make a code that lets one screen in, to watch live and nothing else",
    errors=["invalid_request", "invalid_account", "account_not_found"],
    answer=ScreenCode,
)
def add_screen(services: Injected, name: FromPath[str], data: JSONBody[NewScreen]) -> Response[ScreenCode]:
    """The screen that is logged in to the account goes on until the code is used."""
    now_us = services.now_us()
    code = make_screen_code(services.db, name, lasts_us=data.lasts_s * _S, at_us=now_us)
    body = ScreenCode(code, format_time(now_us + CODE_LASTS_US))
    return Response(body, status_code=201, headers={"Cache-Control": "no-store"})


@post(
    "/api/login/screen",
    action="public",
    summary="Let this browser in as a screen, by a code",
    errors=["invalid_request", "bad_proof", "account_expired", "too_many_attempts"],
    status=200,
    answer=LoggedIn,
)
async def login_screen(
    request: Request[Any, Any, Any], services: Injected, data: JSONBody[ScreenLogin]
) -> Response[LoggedIn]:
    """It watches live, for as long as was said, until somebody ends its session."""
    now_us, address = services.now_us(), address_of(request)
    audit.begin(Act(NOBODY, address, "screen_let_in", now_us))
    try:
        user, lasts_us = await services.pools.passwords.run(take_screen_code, services.db, data.code, at_us=now_us)
    except BadProof:
        services.token_attempts.begin("screen", address)
        await services.pools.entries.run(enter_failure, services, "", address)
        raise
    value, _ = await begin_session(request, services, user, way=SCREEN, factor=True, lasts_us=lasts_us)
    cookie = session_cookie(request, services, value, lasts_us=lasts_us)
    return Response(LoggedIn(user.name, Role.VIEWER), status_code=200, cookies=[cookie])


ROUTES: list[object] = [add_service, add_screen, login_screen]
