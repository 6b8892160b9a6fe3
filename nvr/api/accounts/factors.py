"""Routes of second factors: one's own, and an administrator's reset of those that somebody lost."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr import accounts
from nvr.accounts import factor_rows, second_factors
from nvr.accounts.factor_rows import Factor, FactorKind
from nvr.accounts.unused import renew_user
from nvr.api.accounts.proving import attempt_proof, session_of
from nvr.api.accounts.theirs import user_of
from nvr.api.http.auth import principal_of
from nvr.api.http.login_state import needs_factor
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time

__all__ = ["ROUTES", "FactorBody", "NewFactor", "factor_body"]

_NO_STORE = {"Cache-Control": "no-store"}


class FactorBody(msgspec.Struct):
    """A second factor. ``used``: null if it never was."""

    id: str
    kind: FactorKind
    name: str
    made: str
    used: str | None


class Factors(msgspec.Struct):
    """One's own, how many recovery codes are left, and whether a role of one's own needs a factor."""

    factors: list[FactorBody]
    recovery_codes: int
    required: bool


class NewFactor(msgspec.Struct, forbid_unknown_fields=True):
    """What its user calls it."""

    name: str


class NewTotp(msgspec.Struct):
    """``secret``, in base32, and ``uri``, which apps read as a QR code, are answered this once. It counts as soon as a
    code of it was confirmed."""

    id: str
    secret: str
    uri: str


class FactorCode(msgspec.Struct, forbid_unknown_fields=True):
    """What the app shows now."""

    code: str


class RecoveryCodes(msgspec.Struct):
    """Codes that let in once each in the place of a factor: answered this once. Empty if there are some already."""

    recovery_codes: list[str]


def factor_body(factor: Factor) -> FactorBody:
    """A factor as it is answered."""
    used = None if factor.used_us is None else format_time(factor.used_us)
    return FactorBody(factor.id, factor.kind, factor.name, format_time(factor.made_us), used)


@get(
    "/api/factors",
    action="own",
    summary="One's own second factors",
    errors=["invalid_request"],
    answer=Factors,
    before_setup=True,
)
def list_factors(request: ApiRequest, services: Injected) -> Factors:
    """Those that count."""
    who = principal_of(request)
    user, _ = session_of(services, who.session)
    with services.db.read() as conn:
        found = factor_rows.factors_of(conn, user.id)
        left = factor_rows.count_recovery_codes(conn, user.id)
    return Factors([factor_body(one) for one in found], left, needs_factor(who.rights, services.settings.second_factor))


@post(
    "/api/factors/totp",
    action="own",
    summary="Begin to set up an app that makes codes (TOTP)",
    errors=["invalid_request", "invalid_factor"],
    answer=NewTotp,
    before_setup=True,
    proof="always",
)
def begin_totp(request: ApiRequest, services: Injected, data: JSONBody[NewFactor]) -> Response[NewTotp]:
    """It counts once a code of it was confirmed."""
    user, _ = session_of(services, principal_of(request).session)
    factor, seed, uri = second_factors.begin_totp(
        services.db, user, data.name, issuer=services.settings.name, at_us=services.now_us()
    )
    return Response(NewTotp(factor.id, seed, uri), status_code=201, headers=_NO_STORE)


@post(
    "/api/factors/{factor:str}/confirm",
    action="own",
    summary="Let an app that makes codes count, by a code of it",
    errors=["invalid_request", "account_not_found", "bad_proof", "too_many_attempts"],
    answer=RecoveryCodes,
    before_setup=True,
    proof="always",
)
def confirm_totp(
    request: ApiRequest, services: Injected, factor: FromPath[str], data: JSONBody[FactorCode]
) -> Response[RecoveryCodes]:
    """With one's first factor all other sessions end, and recovery codes are answered."""
    who = principal_of(request)
    user, _ = session_of(services, who.session)
    assert who.session is not None
    attempt_proof(services, user)
    codes = second_factors.recovery_codes()
    first = second_factors.confirm_totp(
        services.db,
        user,
        factor,
        data.code,
        at_us=services.now_us(),
        session=accounts.hash_of(who.session),
        codes=codes,
    )
    services.factor_attempts.succeeded(user.id, user.id)
    return Response(RecoveryCodes(codes if first else []), status_code=201, headers=_NO_STORE)


@post(
    "/api/recovery-codes",
    action="own",
    summary="Make new recovery codes in the place of those that there are",
    errors=["invalid_request", "invalid_factor"],
    answer=RecoveryCodes,
    proof="always",
)
def make_recovery_codes(request: ApiRequest, services: Injected) -> Response[RecoveryCodes]:
    """Those of before are good for nothing any more."""
    user, _ = session_of(services, principal_of(request).session)
    codes = second_factors.new_recovery_codes(services.db, user, at_us=services.now_us())
    return Response(RecoveryCodes(codes), status_code=201, headers=_NO_STORE)


@delete(
    "/api/factors/{factor:str}",
    action="own",
    summary="Remove a second factor of one's own",
    errors=["invalid_request", "invalid_factor", "account_not_found"],
    proof="always",
)
def remove_factor(request: ApiRequest, services: Injected, factor: FromPath[str]) -> None:
    """With the last one one's recovery codes go. Where a role needs a factor, the last one stays."""
    who = principal_of(request)
    user, _ = session_of(services, who.session)
    required = needs_factor(who.rights, services.settings.second_factor)
    second_factors.remove_factor(services.db, user, factor, is_required=required)


@delete(
    "/api/users/{name:str}/factors",
    action="people",
    scope="cameras",
    summary="Remove all second factors of a user who lost them, and end their sessions",
    errors=["account_not_found"],
)
def reset_factors(request: ApiRequest, services: Injected, name: FromPath[str]) -> None:
    """They log in with their password alone then; where a role needs a factor they set one up first. Who administers
    some cameras resets those of whom they added and who has nothing by anybody else."""
    with services.db.read() as conn:
        user_of(conn, principal_of(request), name)
    second_factors.reset_factors(services.db, name)


@post(
    "/api/users/{name:str}/renew",
    action="people",
    scope="cameras",
    summary="Let an account go on that was over since nobody used it",
    errors=["account_not_found"],
    status=204,
)
def renew(request: ApiRequest, services: Injected, name: FromPath[str]) -> None:
    """From now on it is counted as used. Of who administers some cameras as their reset."""
    with services.db.read() as conn:
        user_of(conn, principal_of(request), name)
    renew_user(services.db, name, at_us=services.now_us())


ROUTES: list[object] = [
    list_factors,
    begin_totp,
    confirm_totp,
    make_recovery_codes,
    remove_factor,
    reset_factors,
    renew,
]
