"""Coming in: checking a password, and beginning the session of somebody who proved who they are. What all ways to log
in have in common."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from nvr import accounts
from nvr.access.roles import Role
from nvr.accounts import factor_rows, rows
from nvr.accounts.errors import no_login
from nvr.accounts.factor_rows import FactorKind
from nvr.accounts.rows import User
from nvr.accounts.screens import SCREEN
from nvr.accounts.unused import check_used
from nvr.api.http.auth import address_of
from nvr.api.http.cookies import SESSION_COOKIE, make_cookie
from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY, is_service
from storage.catalogue.audit import Act

__all__ = ["LoggedIn", "begin_session", "enter_failure", "session_cookie", "verified"]

# Cookies outlive a session at most until its own end: the server decides when it is over.
_COOKIE_AGE_S: Final = 7 * 86_400

AnyRequest = Request[Any, Any, Any]


class LoggedIn(msgspec.Struct, omit_defaults=True):
    """Who is logged in now; ``role`` as of ``Me``. ``second_factor``: by which one has still to be given (``POST
    /api/prove``) before anything else is answered; left out: by none."""

    user: str
    role: Role
    second_factor: list[FactorKind] = []


async def verified(request: AnyRequest, services: Services, name: str, password: str) -> User:
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
        await services.pools.entries.run(enter_failure, services, name, address)
        raise
    except ApiError:
        # It was not looked at.
        services.attempts.withdrawn(name, address)
        raise
    services.attempts.succeeded(name, address)
    return user


def enter_failure(
    services: Services,
    name: str,
    address: str,
    action: str = "login_failed",
    told: Mapping[str, str | None] = MappingProxyType({}),
) -> None:
    """Enters a failed attempt into the audit log, with what is ``told`` of it, unless there are too many."""
    if (left_out := services.failures_entered.take()) is None:
        return
    more: dict[str, Any] = {"left_out": left_out} if left_out else {}
    # What was typed may be a password in the wrong field: only names that exist are kept.
    with services.db.read() as conn:
        known = rows.find_user(conn, name) is not None
    with audit.acting(Act(NOBODY, address, action, services.now_us())), services.db.write() as conn:
        audit.append(conn, action, detail={"user": name if known else None, **told, **more})


async def begin_session(
    request: AnyRequest,
    services: Services,
    user: User,
    *,
    way: str = "password",
    factor: bool = False,
    proved_us: int | None = None,
    lasts_us: int | None = None,
    replaces: str | None = None,
    provider_session: str | None = None,
    before_hash: str = "",
) -> tuple[str, list[FactorKind]]:
    """Begins the session of a user; returns the cookie's value, and by which second factors one is still to be given:
    until then it is good for nothing else. The session that the browser had before ends: that of its cookie, or where
    another site led it here without, that of ``before_hash``. What is given is as of ``accounts.create_session``.

    Raises:
        ApiError: ``forbidden``, it is a program's account, or a screen's and not by the screen's code.
        AccountExpired: nobody used the account for too long.
        NoSuchAccount: the user was removed meanwhile.
    """
    if is_service(user.id) and way != SCREEN:
        raise ApiError("forbidden", no_login(user.name))
    now_us = services.now_us()
    audit.begin(Act(user.actor, address_of(request), "login", now_us))
    cookie = request.cookies.get(SESSION_COOKIE)
    before = accounts.hash_of(cookie) if cookie else before_hash

    def begin() -> tuple[str, list[FactorKind]]:
        with services.db.read() as conn:
            check_used(conn, user, after_us=services.settings.expire_unused_us, at_us=now_us)
            kinds = [] if factor else sorted({one.kind for one in factor_rows.factors_of(conn, user.id)})
        value = accounts.create_session(
            services.db,
            user,
            at_us=now_us,
            address=address_of(request),
            agent=request.headers.get("user-agent", ""),
            way=way,
            waits=bool(kinds),
            factor=factor,
            proved_us=proved_us,
            lasts_us=lasts_us,
            replaces=replaces,
            provider_session=provider_session,
        )
        if before and (replaces is None or before != accounts.hash_of(replaces)):
            accounts.end_session_of_hash(services.db, before)
        return value, kinds

    return await services.pools.changes.run(begin)


def session_cookie(request: AnyRequest, services: Services, value: str, *, lasts_us: int | None = None) -> Cookie:
    """The cookie of a session; of an empty value: that takes it back."""
    age_s = _COOKIE_AGE_S if lasts_us is None else lasts_us // 1_000_000
    return make_cookie(request, services, SESSION_COOKIE, value, age_s=age_s if value else 0)
