"""Routes of passkeys: making one, logging in with one alone, and giving one as the second factor."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.params import JSONBody

from nvr import accounts
from nvr.access.roles import nearest_role
from nvr.accounts import factor_rows, passkeys, rows, second_factors
from nvr.accounts.errors import BadProof, InvalidFactor
from nvr.accounts.factor_rows import Factor, FactorKind
from nvr.accounts.passkeys import RelyingParty
from nvr.accounts.rows import User
from nvr.api.accounts.ceremony_cookie import ceremony_cookie, ceremony_of
from nvr.api.accounts.entering import LoggedIn, begin_session, enter_failure, session_cookie
from nvr.api.accounts.factors import RecoveryCodes
from nvr.api.accounts.proving import attempt_proof, proved, session_of
from nvr.api.http.auth import address_of, principal_of
from nvr.api.http.ceremonies import Ceremony
from nvr.api.http.errors import ApiError
from nvr.api.http.front import host_of, parse_address
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import post
from nvr.api.http.services import Injected, Services
from storage.catalogue import audit
from storage.catalogue.actors import is_service
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES"]

AnyRequest = Request[Any, Any, Any]

_NO_STORE: Final = {"Cache-Control": "no-store"}


class PasskeyOptions(msgspec.Struct):
    """``options``: JSON, for ``PublicKeyCredential.parseCreationOptionsFromJSON`` or ``parseRequestOptionsFromJSON`` of
    a browser. What it answers with comes with the cookie that was set, within ten minutes, once."""

    options: str


class NewPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """``credential``: JSON, as the browser's ``toJSON`` says it."""

    name: str
    credential: str


class PasskeyProof(msgspec.Struct, forbid_unknown_fields=True):
    """``credential``: as of ``NewPasskey``."""

    credential: str


def _party(request: AnyRequest, services: Services) -> RelyingParty:
    """This server as the browser sees it.

    Raises:
        ApiError: ``no_passkeys_here``: it was asked by an address, which passkeys can't be bound to.
    """
    header = request.headers.get("host", "").strip().lower()
    host = host_of(header)
    if host is None or parse_address(host) is not None:
        raise ApiError("no_passkeys_here", Sentence("passkeys need a name of this server, with HTTPS, not its address"))
    local = host == "localhost" or host.endswith(".localhost")
    origins = (f"https://{header}", *([f"http://{header}"] if local else []))
    return RelyingParty(host, origins, services.settings.name)


def _options(request: AnyRequest, services: Services, text: str, cookie: str) -> Response[PasskeyOptions]:
    made = [ceremony_cookie(request, services, cookie)]
    return Response(PasskeyOptions(text), status_code=200, headers=_NO_STORE, cookies=made)


@post(
    "/api/passkeys/options",
    action="own",
    summary="Begin to make a passkey",
    errors=["invalid_request", "invalid_factor", "no_passkeys_here"],
    status=200,
    answer=PasskeyOptions,
    before_setup=True,
    proof="always",
)
def begin_passkey(request: ApiRequest, services: Injected) -> Response[PasskeyOptions]:
    """What the browser needs for it."""
    who = principal_of(request)
    party = _party(request, services)
    user, _ = session_of(services, who.session)
    with services.db.read() as conn:
        known = factor_rows.factors_of(conn, user.id)
    second_factors.check_room(user, known)
    cookie, ceremony = services.ceremonies.begin("passkey", user.id, now_us=services.now_us())
    text = passkeys.making_options(party, user, known, ceremony.secret("challenge"))
    return _options(request, services, text, cookie)


@post(
    "/api/passkeys",
    action="own",
    summary="Keep the passkey that the browser made",
    errors=["invalid_request", "invalid_factor", "no_passkeys_here", "login_over"],
    answer=RecoveryCodes,
    before_setup=True,
    proof="always",
)
def keep_passkey(request: ApiRequest, services: Injected, data: JSONBody[NewPasskey]) -> Response[RecoveryCodes]:
    """With one's first factor all other sessions end, and recovery codes are answered."""
    who = principal_of(request)
    party = _party(request, services)
    user, _ = session_of(services, who.session)
    assert who.session is not None
    name = second_factors.factor_name(data.name)
    ceremony = ceremony_of(request, services, "passkey", user.id)
    credential, key, counter = passkeys.made_passkey(party, data.credential, ceremony.secret("challenge"))
    now_us, codes = services.now_us(), second_factors.recovery_codes()
    factor = Factor(
        second_factors.new_factor_id(), user.id, FactorKind.PASSKEY, name, now_us,
        credential=credential, public_key=key, counter=counter,
    )  # fmt: skip
    try:
        with services.db.write() as conn:
            second_factors.check_room(user, factor_rows.factors_of(conn, user.id))
            factor_rows.add_factor(conn, factor)
            first = second_factors.add_confirmed(
                conn, user, factor, at_us=now_us, session=accounts.hash_of(who.session), codes=codes
            )
    except sqlite3.IntegrityError:
        raise InvalidFactor(Sentence("this passkey is known already")) from None
    return Response(RecoveryCodes(codes if first else []), status_code=201, headers=_NO_STORE)


@post(
    "/api/prove/passkey/options",
    action="own",
    summary="Begin to prove who one is by a passkey",
    errors=["invalid_request", "no_passkeys_here"],
    status=200,
    answer=PasskeyOptions,
    before_factor=True,
)
def begin_passkey_proof(request: ApiRequest, services: Injected) -> Response[PasskeyOptions]:
    """What the browser needs for it: one of one's own passkeys."""
    party = _party(request, services)
    user, _ = session_of(services, principal_of(request).session)
    with services.db.read() as conn:
        known = factor_rows.factors_of(conn, user.id)
    cookie, ceremony = services.ceremonies.begin("prove", user.id, now_us=services.now_us())
    text = passkeys.asking_options(party, known, ceremony.secret("challenge"), alone=False)
    return _options(request, services, text, cookie)


@post(
    "/api/prove/passkey",
    action="own",
    summary="Prove who one is by a passkey: the second factor of a login, or once more within a session",
    errors=["invalid_request", "bad_proof", "no_passkeys_here", "login_over", "too_many_attempts"],
    status=204,
    before_factor=True,
)
async def prove_by_passkey(request: ApiRequest, services: Injected, data: JSONBody[PasskeyProof]) -> Response[None]:
    """As ``POST /api/prove``."""
    party = _party(request, services)
    user, session = await services.pools.quick.run(session_of, services, principal_of(request).session)
    ceremony = ceremony_of(request, services, "prove", user.id)
    attempt_proof(services, user)
    try:
        await services.pools.changes.run(
            _take, services, party, data.credential, ceremony, address_of(request), alone=False, of=user.id
        )
    except BadProof:
        await services.pools.entries.run(enter_failure, services, user.name, address_of(request), "proof_failed")
        raise
    services.factor_attempts.succeeded(user.id, user.id)
    return await proved(request, services, user, session, by_factor=True)


def _take(
    services: Services,
    party: RelyingParty,
    credential: str,
    ceremony: Ceremony,
    address: str,
    *,
    alone: bool,
    of: str | None = None,
) -> User:
    """Whose passkey signed the challenge.

    Raises:
        BadProof: no person's, not that of the user of the id ``of``, or of a device of which there are two.
    """
    id_ = passkeys.credential_of(credential)
    with services.db.read() as conn:
        factor = factor_rows.factor_of_credential(conn, id_)
        user = None if factor is None else rows.user_of_id(conn, factor.user)
    if factor is None or user is None or is_service(user.id) or of not in (None, user.id):
        raise BadProof
    found = passkeys.signed_by(party, credential, ceremony.secret("challenge"), factor, alone=alone)
    now_us = services.now_us()
    with audit.acting(Act(user.actor, address, "proved", now_us)), services.db.write() as conn:
        if not factor_rows.take_count(conn, factor.id, found.counter, at_us=now_us):
            raise BadProof
        audit.append(conn, "proved", detail={"user": user.name, "factor": factor.id, "kind": factor.kind})
    return user


@post(
    "/api/login/passkey/options",
    action="public",
    summary="Begin a login by a passkey alone",
    errors=["no_passkeys_here"],
    status=200,
    answer=PasskeyOptions,
)
def begin_passkey_login(request: AnyRequest, services: Injected) -> Response[PasskeyOptions]:
    """What the browser needs for it: whichever passkey its device has for this page."""
    party = _party(request, services)
    cookie, ceremony = services.ceremonies.begin("login", "", now_us=services.now_us())
    text = passkeys.asking_options(party, (), ceremony.secret("challenge"), alone=True)
    return _options(request, services, text, cookie)


@post(
    "/api/login/passkey",
    action="public",
    summary="Begin a session by a passkey alone",
    errors=[
        "invalid_request",
        "bad_proof",
        "no_passkeys_here",
        "login_over",
        "account_expired",
        "too_many_attempts",
    ],
    status=200,
    answer=LoggedIn,
)
async def login_by_passkey(request: AnyRequest, services: Injected, data: JSONBody[PasskeyProof]) -> Response[LoggedIn]:
    """The device knows its user: that is what somebody has, and what they are or know. No other factor is asked for."""
    party = _party(request, services)
    ceremony = ceremony_of(request, services, "login", "")
    try:
        user = await services.pools.passwords.run(
            _take, services, party, data.credential, ceremony, address_of(request), alone=True
        )
    except BadProof:
        # Signatures are not guessed; who tries again and again waits all the same.
        services.token_attempts.begin("passkey", address_of(request))
        await services.pools.entries.run(enter_failure, services, "", address_of(request))
        raise
    value, _ = await begin_session(request, services, user, way="passkey", factor=True)
    rights = await services.pools.known.run(services.rights, user.id, services.now_us())
    cookies = [session_cookie(request, services, value), ceremony_cookie(request, services, "")]
    return Response(LoggedIn(user.name, nearest_role(rights.actions)), status_code=200, cookies=cookies)


ROUTES: list[object] = [
    begin_passkey,
    keep_passkey,
    begin_passkey_proof,
    prove_by_passkey,
    begin_passkey_login,
    login_by_passkey,
]
