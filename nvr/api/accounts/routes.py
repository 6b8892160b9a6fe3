"""Routes of logging in and out, users and tokens."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from nvr import accounts
from nvr.access.roles import AccessAction, Role, nearest_role
from nvr.accounts import rows
from nvr.api.accounts import factors, passkeys, proving, service_accounts
from nvr.api.accounts.entering import LoggedIn, begin_session, session_cookie, verified
from nvr.api.accounts.sessions import end_session, list_sessions
from nvr.api.accounts.theirs import user_of
from nvr.api.accounts.tokens import add_token, list_tokens, remove_token
from nvr.api.accounts.user_bodies import UserBody, user_body
from nvr.api.http.auth import Principal, principal_of, require_proof, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.login_state import check_login
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from storage.catalogue.actors import Actor
from storage.sentences import Sentence

__all__ = ["ROUTES"]


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who logs in."""

    username: str
    password: str


class Me(msgspec.Struct):
    """Who asks, the zone in which to show times, the server's version and clock. ``actions``: what they may do with
    some camera at least, and ``role`` the built-in role that comes closest to that: a word for people.
    ``must_change_password``: all else is refused until they have. ``second_person``: an export needs a request that
    somebody else approves. ``second_factor``: ``needed``, all else is refused until it is given, or ``set_up``, until
    they have set one up."""

    user: str
    role: Role
    actions: list[AccessAction]
    zone: str
    version: str
    time: str
    must_change_password: bool
    second_person: bool
    second_factor: Literal["needed", "set_up"] | None


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A user to add. ``role``: over every camera and all footage; null: without any grant."""

    name: str
    password: str
    role: Role | None = None


class Users(msgspec.Struct):
    """All users."""

    users: list[UserBody]


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """``current`` must be given by whoever changes their own."""

    password: str
    current: str | None = None


@post(
    "/api/login",
    action="public",
    summary="Begin a session",
    errors=["invalid_request", "bad_credentials", "account_expired", "too_many_attempts"],
    status=200,
    answer=LoggedIn,
)
async def login(request: Request[Any, Any, Any], services: Injected, data: JSONBody[LoginBody]) -> Response[LoggedIn]:
    """Answers with the session's cookie. The session that the browser had before ends. Whoever has a second factor
    gives it next; until then the session is good for nothing else."""
    user = await verified(request, services, data.username.strip().lower(), data.password)
    value, kinds = await begin_session(request, services, user)
    rights = await services.pools.known.run(services.rights, user.id, services.now_us())
    role = Role.VIEWER if kinds else nearest_role(rights.actions)
    return Response(
        LoggedIn(user.name, role, kinds), cookies=[session_cookie(request, services, value)], status_code=200
    )


@post(
    "/api/logout",
    action="own",
    summary="End the session",
    status=204,
    before_change=True,
    before_factor=True,
    on_screens=True,
)
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
        cookies=[session_cookie(request, services, "")],
    )


@get(
    "/api/me",
    action="own",
    summary="Who asks, and the server's zone, version and clock",
    answer=Me,
    before_change=True,
    before_factor=True,
)
async def me(request: ApiRequest, services: Injected) -> Me:
    """Who asks."""
    who = principal_of(request)
    settings = services.settings
    now = format_time(services.now_us())
    state = who.login
    actions = frozenset[AccessAction]() if state.waits else who.rights.actions
    wanted: Literal["needed", "set_up"] | None = "needed" if state.waits else "set_up" if state.must_set_up else None
    return Me(
        who.name,
        nearest_role(actions),
        sorted(actions),
        settings.zone,
        settings.version,
        now,
        state.must_change and not state.waits,
        settings.second_person,
        wanted,
    )


@get(
    "/api/users",
    action="people",
    scope="cameras",
    summary="Users: all, or of who administers some cameras those whom they added",
    answer=Users,
)
def list_users(request: ApiRequest, services: Injected) -> Users:
    """By name."""
    who = principal_of(request)
    everybody = who.rights.everywhere(AccessAction.PEOPLE)
    with services.db.read() as conn:
        found = rows.users(conn)
    return Users([user_body(user) for user in found if everybody or user.made_by_id == who.actor.person])


@post(
    "/api/users",
    action="people",
    scope="cameras",
    summary="Add a user",
    errors=["invalid_request", "invalid_account", "weak_password", "user_exists", "beyond_own_grants"],
    answer=UserBody,
)
async def add_user(request: ApiRequest, services: Injected, data: JSONBody[NewUser]) -> UserBody:
    """Adds a user. The password is known to who sets it: it is good for setting another, and for nothing else. Who
    administers some cameras adds users without a role, and gives them grants of those."""
    if data.role is not None and not rights_of(request).everywhere(AccessAction.PEOPLE):
        raise ApiError("beyond_own_grants", Sentence("nobody gives more than they have themselves"))
    user = await services.pools.passwords.run(
        accounts.create_user,
        services.db,
        data.name,
        data.password,
        data.role,
        must_change=True,
        at_us=services.now_us(),
    )
    return user_body(user)


@delete(
    "/api/users/{name:str}",
    action="people",
    scope="cameras",
    summary="Remove a user with their sessions and tokens",
    errors=["account_not_found", "last_admin"],
)
def remove_user(request: ApiRequest, services: Injected, name: FromPath[str]) -> None:
    """Removes a user; the last administrator stays. Who administers some cameras removes whom they added and who has
    nothing by anybody else."""
    with services.db.read() as conn:
        user_of(conn, principal_of(request), name)
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
    if not own:
        # What lets in who has still to change theirs, or to set up a factor, is for their own.
        check_login(who.login, {}, now_us=services.now_us(), step_up_us=None)
        if AccessAction.PEOPLE not in who.rights.actions:
            raise ApiError("forbidden", Sentence("only an administrator may set another one's password"))
        require_proof(request)
        await services.pools.quick.run(_is_theirs, services, who, name)
    accounts.check_password(data.password, of=name)
    if own:
        await verified(request, services, name, data.current or "")
    keep = accounts.hash_of(who.session) if own and who.session is not None else None
    await services.pools.passwords.run(
        accounts.set_password, services.db, name, data.password, must_change=not own, keep_session=keep
    )


def _is_theirs(services: Services, who: Principal, name: str) -> None:
    with services.db.read() as conn:
        user_of(conn, who, name)


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
    *proving.ROUTES,
    *factors.ROUTES,
    *passkeys.ROUTES,
    *service_accounts.ROUTES,
]
