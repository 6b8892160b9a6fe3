"""Routes of logging in and out, users and tokens."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from nvr import accounts
from nvr.access.roles import AccessAction, Role, nearest_role
from nvr.accounts import rows
from nvr.accounts.rows import User
from nvr.api.accounts.sessions import end_session, list_sessions
from nvr.api.accounts.tokens import add_token, list_tokens, remove_token
from nvr.api.http.auth import address_of, principal_of
from nvr.api.http.cookies import SESSION_COOKIE, make_cookie
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY, Actor
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES"]

# Cookies outlive a session at most until its own end: the server decides when it is over.
_COOKIE_AGE_S = 7 * 86_400


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who logs in."""

    username: str
    password: str


class LoggedIn(msgspec.Struct):
    """Who is logged in now; ``role`` as of ``Me``."""

    user: str
    role: Role


class Me(msgspec.Struct):
    """Who asks, the zone in which to show times, the server's version and clock. ``actions``: what they may do with
    some camera at least, and ``role`` the built-in role that comes closest to that: a word for people.
    ``must_change_password``: all else is refused until they have. ``second_person``: an export needs a request that
    somebody else approves."""

    user: str
    role: Role
    actions: list[AccessAction]
    zone: str
    version: str
    time: str
    must_change_password: bool
    second_person: bool


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A user to add. ``role``: over every camera and all footage; null: without any grant."""

    name: str
    password: str
    role: Role | None = None


class UserBody(msgspec.Struct):
    """A user. ``role``: the built-in one that they have over every camera and all footage, null if they have none;
    what else they may do is in their grants. ``id`` is never given again; ``made_by``: who added them, null if that is
    not known. ``must_change_password``: all that they can do is to set a password of their own."""

    id: str
    name: str
    role: Role | None
    created: str
    made_by: str | None
    must_change_password: bool


class Users(msgspec.Struct):
    """All users."""

    users: list[UserBody]


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """``current`` must be given by whoever changes their own."""

    password: str
    current: str | None = None


async def _verified(request: Request[Any, Any, Any], services: Services, name: str, password: str) -> User:
    """The user if the password is theirs; guessing gets slower and slower.

    Raises:
        ApiError: ``too_many_attempts``.
        BadCredentials: it is not.
    """
    address = address_of(request)
    services.attempts.begin(name, address)
    try:
        user = await services.pools.passwords.run(accounts.verify_password, services.db, name, password)
    except accounts.BadCredentials:
        await services.pools.entries.run(_enter_failure, services, name, address)
        raise
    except ApiError:
        # It was not looked at.
        services.attempts.withdrawn(name, address)
        raise
    services.attempts.succeeded(name, address)
    return user


def _enter_failure(services: Services, name: str, address: str) -> None:
    if (left_out := services.failures_entered.take()) is None:
        return
    more: dict[str, Any] = {"left_out": left_out} if left_out else {}
    # What was typed may be a password in the wrong field: only names that exist are kept.
    with services.db.read() as conn:
        known = rows.find_user(conn, name) is not None
    with audit.acting(Act(NOBODY, address, "login_failed", services.now_us())), services.db.write() as conn:
        audit.append(conn, "login_failed", detail={"user": name if known else None, **more})


@post(
    "/api/login",
    action="public",
    summary="Begin a session",
    errors=["invalid_request", "bad_credentials", "too_many_attempts"],
    status=200,
    answer=LoggedIn,
)
async def login(request: Request[Any, Any, Any], services: Injected, data: JSONBody[LoginBody]) -> Response[LoggedIn]:
    """Answers with the session's cookie. The session that the browser had before ends."""
    user = await _verified(request, services, data.username.strip().lower(), data.password)
    now_us = services.now_us()
    audit.begin(Act(user.actor, address_of(request), "login", now_us))
    value = await services.pools.changes.run(
        accounts.create_session,
        services.db,
        user,
        at_us=now_us,
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
    )
    if old := request.cookies.get(SESSION_COOKIE):
        await services.pools.changes.run(accounts.end_session, services.db, old)
    rights = await services.pools.known.run(services.rights, user.id, now_us)
    return Response(
        LoggedIn(user.name, nearest_role(rights.actions)),
        cookies=[make_cookie(request, services, SESSION_COOKIE, value, age_s=_COOKIE_AGE_S)],
        status_code=200,
    )


@post("/api/logout", action="own", summary="End the session", status=204, before_change=True)
async def logout(request: ApiRequest, services: Injected) -> Response[None]:
    """Ends the session and takes the cookie back. With a token there is none to end."""
    session = principal_of(request).session
    if session is not None:
        await services.pools.changes.run(accounts.end_session, services.db, session)
    return Response(
        None,
        status_code=204,
        # Only what is kept of answers: storage may be another program's under the same name.
        headers={"Clear-Site-Data": '"cache"'},
        cookies=[make_cookie(request, services, SESSION_COOKIE, "", age_s=0)],
    )


@get(
    "/api/me",
    action="own",
    summary="Who asks, and the server's zone, version and clock",
    answer=Me,
    before_change=True,
)
async def me(request: ApiRequest, services: Injected) -> Me:
    """Who asks."""
    who = principal_of(request)
    settings = services.settings
    now = format_time(services.now_us())
    actions = who.rights.actions
    role = nearest_role(actions)
    second = settings.second_person
    return Me(who.name, role, sorted(actions), settings.zone, settings.version, now, who.must_change, second)


def _user_body(user: User) -> UserBody:
    return UserBody(user.id, user.name, user.role, format_time(user.created_us), user.made_by, user.must_change)


@get("/api/users", action="people", scope="fleet", summary="All users", answer=Users)
def list_users(services: Injected) -> Users:
    """All users by name."""
    with services.db.read() as conn:
        return Users([_user_body(user) for user in rows.users(conn)])


@post(
    "/api/users",
    action="people",
    scope="fleet",
    summary="Add a user",
    errors=["invalid_request", "invalid_account", "weak_password", "user_exists"],
    answer=UserBody,
)
async def add_user(services: Injected, data: JSONBody[NewUser]) -> UserBody:
    """Adds a user. The password is known to who sets it: it is good for setting another, and for nothing else."""
    user = await services.pools.passwords.run(
        accounts.create_user,
        services.db,
        data.name,
        data.password,
        data.role,
        must_change=True,
        at_us=services.now_us(),
    )
    return _user_body(user)


@delete(
    "/api/users/{name:str}",
    action="people",
    scope="fleet",
    summary="Remove a user with their sessions and tokens",
    errors=["account_not_found", "last_admin"],
)
def remove_user(services: Injected, name: FromPath[str]) -> None:
    """Removes a user; the last administrator stays."""
    accounts.remove_user(services.db, name, at_us=services.now_us())


@post(
    "/api/users/{name:str}/password",
    action="own",
    summary="Set a password: one's own, or as an administrator anyone's",
    errors=["invalid_request", "bad_credentials", "weak_password", "account_not_found", "too_many_attempts"],
    status=204,
    before_change=True,
)
async def set_password(
    request: ApiRequest, services: Injected, name: FromPath[str], data: JSONBody[NewPassword]
) -> None:
    """Ends the user's sessions, but for the one that asks. A session left open must not be enough to take an account
    over: one's own password needs the present one. One that an administrator sets for somebody else is good for setting
    another, and for nothing else."""
    who = principal_of(request)
    own = await services.pools.quick.run(_is_of, services, who.actor, name)
    if not own and who.must_change:
        raise ApiError(
            "password_change_needed", Sentence("set a password of your own first: this one was made for you")
        )
    if not own and not who.rights.everywhere(AccessAction.PEOPLE):
        raise ApiError("forbidden", Sentence("only an administrator may set another one's password"))
    accounts.check_password(data.password, of=name)
    if own:
        await _verified(request, services, name, data.current or "")
    keep = accounts.hash_of(who.session) if own and who.session is not None else None
    await services.pools.passwords.run(
        accounts.set_password, services.db, name, data.password, must_change=not own, keep_session=keep
    )


def _is_of(services: Services, who: Actor, name: str) -> bool:
    """Whether this is the user who has this name now; a token of theirs is them."""
    with services.db.read() as conn:
        user = rows.find_user(conn, name)
    return user is not None and user.id == who.person


ROUTES: list[object] = [
    login,
    logout,
    me,
    list_users,
    add_user,
    remove_user,
    set_password,
    list_sessions,
    end_session,
    list_tokens,
    add_token,
    remove_token,
]
