"""Routes of proving who one is: the second factor of a login, and once more before what a session left open must not
do."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import JSONBody

from nvr import accounts
from nvr.accounts import factor_rows, rows, second_factors
from nvr.accounts.errors import BadProof, NoSuchAccount
from nvr.accounts.factor_rows import FactorKind
from nvr.accounts.rows import User
from nvr.accounts.session_rows import Session, find_session
from nvr.api.accounts.entering import begin_session, enter_failure, session_cookie, verified
from nvr.api.http.auth import address_of, principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from storage.sentences import Sentence

__all__ = ["ROUTES", "attempt_proof", "session_of"]


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """One of them. ``code``: of an app; ``recovery_code``: one of those that were shown when the first factor was set
    up; ``password``: of who has no second factor."""

    code: str | None = None
    recovery_code: str | None = None
    password: str | None = None


class WaysToProve(msgspec.Struct):
    """By what whoever asks can prove who they are; ``password`` if they have no second factor. ``provider``: the id of
    the one by which they came, which can ask them anew."""

    factors: list[FactorKind]
    password: bool
    provider: str | None


def session_of(services: Services, value: str | None) -> tuple[User, Session]:
    """The user and session of a cookie's value. Reads the catalogue.

    Raises:
        ApiError: ``invalid_request``: it is a token that asks.
    """
    if value is None:
        raise ApiError("invalid_request", Sentence("a token proves itself: this is for who is logged in on a page"))
    with services.db.read() as conn:
        session = find_session(conn, accounts.hash_of(value))
    if session is None:
        raise ApiError("not_authenticated", Sentence("the session is over: log in again"))
    return session.user, session


def attempt_proof(services: Services, user: User) -> None:
    """An attempt with a second factor begins, and counts as failed until it has succeeded.

    Raises:
        ApiError: ``too_many_attempts``.
    """
    # By the user alone: whoever guesses has their password, and as many addresses as they like.
    services.factor_attempts.begin(user.id, user.id)


@get(
    "/api/prove",
    action="own",
    summary="By what one can prove who one is",
    errors=["invalid_request"],
    answer=WaysToProve,
    before_factor=True,
    before_setup=True,
)
def ways_to_prove(request: ApiRequest, services: Injected) -> WaysToProve:
    """Of whoever asks."""
    user, session = session_of(services, principal_of(request).session)
    with services.db.read() as conn:
        kinds = sorted({one.kind for one in factor_rows.factors_of(conn, user.id)})
        has_password = bool(rows.password_hash(conn, user.id))
    provider = session.way if any(one.id == session.way for one in services.settings.providers) else None
    return WaysToProve(kinds, not kinds and has_password, None if kinds else provider)


@post(
    "/api/prove",
    action="own",
    summary="Prove who one is: the second factor of a login, or once more within a session",
    errors=["invalid_request", "bad_credentials", "bad_proof", "too_many_attempts"],
    status=204,
    before_factor=True,
    before_setup=True,
)
async def prove(request: ApiRequest, services: Injected, data: JSONBody[Proof]) -> Response[None]:
    """A login that waited has another cookie then. Each code is good once."""
    value = principal_of(request).session
    user, session = await services.pools.quick.run(session_of, services, value)
    assert value is not None
    given = [one for one in (data.code, data.recovery_code, data.password) if one is not None]
    if len(given) != 1:
        raise ApiError("invalid_request", Sentence("give one of code, recovery_code and password"))
    if data.password is not None:
        if session.has_factor:
            raise ApiError("invalid_request", Sentence("prove it by your second factor: the password is not enough"))
        await verified(request, services, user.name, data.password)
    else:
        attempt_proof(services, user)
        try:
            if data.code is not None:
                now_us = services.now_us()
                await services.pools.changes.run(second_factors.check_code, services.db, user, data.code, at_us=now_us)
            else:
                await services.pools.changes.run(
                    second_factors.take_recovery_code, services.db, user, data.recovery_code or ""
                )
        except BadProof:
            await services.pools.entries.run(enter_failure, services, user.name, address_of(request), "proof_failed")
            raise
        services.factor_attempts.succeeded(user.id, user.id)
    return await proved(request, services, user, session, by_factor=data.password is None)


async def proved(
    request: ApiRequest, services: Services, user: User, session: Session, *, by_factor: bool
) -> Response[None]:
    """What is answered to whoever proved who they are in a session: one that waited is followed by another.

    Raises:
        ApiError: ``not_authenticated``, the session is over.
    """
    value = principal_of(request).session
    assert value is not None
    if not session.waits:
        await services.pools.changes.run(
            accounts.prove_session, services.db, value, at_us=services.now_us(), by_factor=by_factor
        )
        return Response(None, status_code=204)
    try:
        new, _ = await begin_session(
            request,
            services,
            user,
            way=session.way,
            factor=by_factor,
            replaces=value,
            provider_session=session.provider_session,
        )
    except NoSuchAccount:
        raise ApiError("not_authenticated", Sentence("the session is over: log in again")) from None
    return Response(None, status_code=204, cookies=[session_cookie(request, services, new)])


ROUTES: list[object] = [ways_to_prove, prove]
