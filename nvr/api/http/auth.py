"""Who asks, and whether they may: the one guard that every route is behind.

Invariant: a handler runs only if its route declares a right and whoever asks has it; a change asked for with a cookie
comes from a page of this server; what the audit log must hold is entered before a look, and with a change
(``storage.catalogue.audit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from litestar.handlers import BaseRouteHandler

from nvr import accounts
from nvr.access.decide import Decision, Outcome
from nvr.access.roles import BUILT_IN, ON_SCREENS, AccessAction
from nvr.access.snapshot import Rights
from nvr.accounts.screens import SCREEN
from nvr.api.http.attempts import network_of
from nvr.api.http.audited_looks import Look, entered_as
from nvr.api.http.cookies import SESSION_COOKIE
from nvr.api.http.credentials import LONGEST_SECRET, asked_for_basic, is_for_players, scheme_of, token_of
from nvr.api.http.errors import ApiError
from nvr.api.http.front import WRONG_HOST
from nvr.api.http.login_state import LoginState, check_login, login_state
from nvr.api.http.origins import Connection, check_origin
from nvr.api.http.permissions import ACTIONS, PUBLIC, check, not_all_of, refusal_of
from nvr.api.http.pools import asker
from nvr.api.http.services import Services
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.audit import Act
from storage.intervals import Interval, subtract
from storage.sentences import Sentence

__all__ = [
    "Principal",
    "address_of",
    "guard",
    "is_admin",
    "needs",
    "principal_of",
    "require",
    "require_all",
    "require_proof",
    "rights_of",
    "still_may",
]


_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
# What of a question says which footage is looked at.
_LOOKS: Final = frozenset({"start", "end", "at", "gaps", "where", "passwords", "request"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: compared by ``actor.person``, a token being its user. ``rights``: as of the request's beginning, of a
    token no more than its role. ``session`` is the cookie's value, None for a token, and ``token`` its id, None
    for a session. ``login``: how far they have come in. ``needs``: what the request was let through for."""

    actor: Actor
    rights: Rights
    session: str | None
    token: str | None = None
    login: LoginState = field(default_factory=LoginState)
    needs: list[Callable[[Rights], object]] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """For people; nothing is compared with it."""
        return self.actor.name


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Lets a request through to its handler, or raises.

    Raises:
        ApiError: ``not_authenticated``, what ``check_login`` raises, ``forbidden``, ``camera_not_found``,
            ``closed_for_privacy``, ``outside_grant``, ``cross_origin`` or ``method_not_allowed``.
    """
    needed = handler.opt.get("action")
    if needed is None:
        # Only the answers to OPTIONS that the framework adds declare none: nothing here is for other origins.
        raise ApiError("method_not_allowed", Sentence("this address does not take this method"))
    changes = connection.scope.get("method") not in _SAFE_METHODS
    asker.set(network_of(address_of(connection)))
    if needed == PUBLIC:
        if WRONG_HOST in connection.scope:
            raise ApiError("wrong_host", connection.scope[WRONG_HOST])  # type: ignore[typeddict-item]
        if changes:
            check_origin(connection, must_tell=False)
        return
    services: Services = connection.app.state.services
    try:
        principal = await _authenticate(connection, services)
    except ApiError as error:
        if error.status == 401 and is_for_players(connection, handler):
            error.headers |= asked_for_basic(connection)
        raise
    asker.set(principal.actor.person)
    if principal.session is not None:
        now_us, step_up_us = services.now_us(), services.settings.step_up_us
        check_login(principal.login, handler.opt, now_us=now_us, step_up_us=step_up_us, changes=changes)
    camera = connection.path_params.get("camera")
    need = partial(check, name=principal.name, actions=ACTIONS[needed], scope=handler.opt["scope"], camera=camera)
    try:
        by = need(principal.rights)
    except ApiError as error:
        if error.status == 403:
            route = {"route": connection.scope["path"][:200]}
            await _look(connection, services, principal, ("refused", camera, route))
        raise
    if changes and principal.session is not None:
        check_origin(connection, must_tell=True)
    elif changes and scheme_of(connection) == "basic":
        # What a browser was given once it sends along by itself, as it does a cookie.
        check_origin(connection, must_tell=False)
    connection.scope["user"] = principal
    principal.needs.append(need)
    if changes:
        # Every transaction of this request that changes something now holds an entry, or is not committed.
        word = getattr(handler, "operation_id", None) or "changed"
        audit.begin(Act(principal.actor, address_of(connection), str(word), services.now_us()))
    elif handler.opt.get("audit") is not None:
        asked = {name: value[:64] for name, value in connection.query_params.items() if name in _LOOKS}
        if by is not None and by.grants:
            asked["grant"] = by.grants[0].id
        if "export" in connection.path_params:
            asked["export"] = str(connection.path_params["export"])[:64]
        look = entered_as(handler.opt["audit"], camera, asked, connection.query_params)
        await _look(connection, services, principal, look)


async def _look(connection: Connection, services: Services, principal: Principal, look: Look) -> None:
    """Enters a look, unless it is part of one that was entered."""
    now_us = services.now_us()
    action, camera, detail = look
    act = Act(principal.actor, address_of(connection), action, now_us)
    if not services.views.goes_on(act, camera, detail, now_us):
        await services.pools.entries.run(services.views.enter, act, camera, detail, now_us)


def address_of(connection: Connection) -> str:
    """The IP address that asks, as ``nvr.api.http.front`` has settled."""
    return connection.client.host if connection.client else ""


def is_admin(request: Connection) -> bool:
    """Whether an administrator of the whole server asks: only they are shown hosts, paths, and what cameras and other
    programs said."""
    return principal_of(request).rights.everywhere(AccessAction.SYSTEM)


def rights_of(connection: Connection) -> Rights:
    """What whoever asks may do; not for public routes."""
    return principal_of(connection).rights


def require(connection: Connection, camera: str, action: AccessAction, asked: Interval | None = None) -> Decision:
    """Sees to it that whoever asks may do something with a camera, or with a part of a time of it; says with which.

    Raises:
        ApiError: ``camera_not_found``, ``forbidden``, ``closed_for_privacy`` or ``outside_grant``.
    """
    who = principal_of(connection)
    given = who.rights.on(camera, action, asked)
    if not given.allowed:
        raise refusal_of(given, who.name, camera, [action])

    def still(rights: Rights) -> None:
        now = rights.on(camera, action, asked, window_us=who.rights.now_us)
        if any(subtract(*part, now.ranges) for part in given.ranges) or not now.allowed:
            raise refusal_of(now, who.name, camera, [action])

    needs(connection, still)
    return given


def require_proof(connection: Connection) -> None:
    """Sees to it that whoever asks in a session proved lately who they are, where the settings say so.

    Raises:
        ApiError: ``proof_needed``.
    """
    services: Services = connection.app.state.services
    who = principal_of(connection)
    if who.session is not None:
        now_us, step_up_us = services.now_us(), services.settings.step_up_us
        check_login(who.login, {"proof": "step_up", "before_change": True}, now_us=now_us, step_up_us=step_up_us)


def needs(connection: Connection, still: Callable[[Rights], object]) -> None:
    """What is sent as the answer is sent for as long as ``still`` does not raise ``ApiError``."""
    principal_of(connection).needs.append(still)


def still_may(connection: Connection) -> bool:
    """Whether whoever asks may still have what they were let through for; of a public route, always. Reads the
    catalogue."""
    services: Services = connection.app.state.services
    who = connection.scope.get("user")
    if who is None:
        return True
    assert isinstance(who, Principal)
    rights = services.renewed(who.session, who.token, who.rights)
    if rights is None:
        return False
    try:
        for need in who.needs:
            need(rights)
    except ApiError:
        return False
    return True


def require_all(connection: Connection, cameras: Iterable[str], action: AccessAction, asked: Interval) -> None:
    """As ``require``, of several cameras, and of the whole time.

    Raises:
        ApiError: as ``require``; ``outside_grant`` too if it is a part of the time only.
    """
    for camera in cameras:
        decision = require(connection, camera, action, asked)
        if decision.outcome is Outcome.CUT:
            raise not_all_of(camera, asked, decision)


def principal_of(connection: Connection) -> Principal:
    """Who the guard found to be asking; not for public routes."""
    principal = connection.scope["user"]
    assert isinstance(principal, Principal)
    return principal


async def _authenticate(connection: Connection, services: Services) -> Principal:
    header = connection.headers.get("authorization")
    at_us = services.now_us()
    if header is not None:
        text = token_of(header)
        found = None
        if len(text) <= LONGEST_SECRET:
            found = await services.pools.known.run(_by_token, services, text, at_us, address_of(connection))
        if found is None:
            # Counts failures only: 256 random bits are not guessed, and who has the right token must not wait for who
            # has an old one.
            services.token_attempts.begin("token", address_of(connection))
            raise ApiError("not_authenticated", Sentence("this token is unknown or was removed"))
        return found
    cookie = connection.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise ApiError("not_authenticated", Sentence("log in first, or send a token: Authorization: Bearer <token>"))
    found = (
        await services.pools.known.run(_by_cookie, services, cookie, at_us, address_of(connection))
        if len(cookie) <= LONGEST_SECRET
        else None
    )
    if found is None:
        raise ApiError("not_authenticated", Sentence("the session is over: log in again"))
    return found


def _by_token(services: Services, text: str, at_us: int, address: str) -> Principal | None:
    token = accounts.authenticate_token(
        services.db, text, at_us=at_us, address=address, expire_unused_us=services.settings.expire_unused_us
    )
    if token is None:
        return None
    within = f"token-{token.id}" if token.limited else None
    # One that is nobody's has no other grants than its own.
    holder = token.actor.person if token.user_id is not None else within or token.actor.person
    rights = services.rights(holder, at_us, most=BUILT_IN[token.role], within=within if token.user_id else None)
    return Principal(token.actor, rights, None, token.id)


def _by_cookie(services: Services, value: str, at_us: int, address: str) -> Principal | None:
    session = accounts.authenticate_session(services.db, value, at_us=at_us, address=address)
    if session is None:
        return None
    user = session.user
    rights = services.rights(user.id, at_us, most=ON_SCREENS if session.way == SCREEN else None)
    return Principal(user.actor, rights, value, login=login_state(session, rights, services.settings.second_factor))
