"""Routes of logging in with an identity provider: the way there, the way back, and its word that somebody logged out.

Invariant: a browser that comes back is let in only with what it was sent away with, once; what went wrong is said on
the page by a code, and in the log by words.
"""

from __future__ import annotations

import hmac
import logging
from typing import Any, Final
from urllib.parse import parse_qs, quote

import msgspec
from litestar import Request, Response
from litestar.params import FromPath, FromQuery

from nvr.access.errors import AccessError
from nvr.access.groups import set_members_of_provider
from nvr.accounts import federated
from nvr.accounts.errors import AccountError
from nvr.accounts.rows import User
from nvr.accounts.sessions import LONGEST_US
from nvr.api.accounts.ceremony_cookie import ceremony_cookie, ceremony_of
from nvr.api.accounts.entering import begin_session, session_cookie
from nvr.api.http.auth import address_of
from nvr.api.http.ceremonies import Ceremony
from nvr.api.http.errors import ApiError
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.federation.claims import TokenRefused, check_id_token, check_logout_token, texts_of
from nvr.federation.provider import ProviderUnreachable
from nvr.federation.settings import LoginProvider
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY, Actor
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]

_LONGEST_CODE: Final = 4_096


class LoginProviderBody(msgspec.Struct):
    """An identity provider: begin at ``/api/login/with/`` and its id."""

    id: str
    name: str


class LoginWays(msgspec.Struct):
    """How people log in beside a password and a passkey."""

    providers: list[LoginProviderBody]


@get("/api/login-ways", action="public", summary="With which identity providers people log in", answer=LoginWays)
def login_ways(services: Injected) -> LoginWays:
    """In the order of the settings."""
    return LoginWays([LoginProviderBody(one.id, one.name) for one in services.settings.providers])


def _provider(services: Services, id_: str) -> LoginProvider:
    found = next((one for one in services.settings.providers if one.id == id_), None)
    if found is None:
        raise ApiError("provider_not_found", Sentence("there is no identity provider {id!r}", id=id_))
    return found


def _redirect(request: AnyRequest, services: Services, provider: LoginProvider) -> str:
    """Where the provider leads back to: this server by the name by which it was asked."""
    host = request.headers.get("host", "")
    return f"{request.scope['scheme']}://{host}{services.url(f'/api/login/with/{provider.id}/back')}"


def _to(location: str, *cookies: Any) -> Response[None]:
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(None, status_code=303, headers=headers, cookies=list(cookies))


@get(
    "/api/login/with/{provider:str}",
    action="public",
    summary="Begin a login with an identity provider: leads there",
    errors=["provider_not_found", "provider_unreachable"],
)
async def begin_federated(
    request: AnyRequest, services: Injected, provider: FromPath[str], again: FromQuery[bool] = False
) -> Response[None]:
    """Authorization code with PKCE. ``again``: it asks anew who it is, though they are logged in there."""
    found = _provider(services, provider)
    purpose = "again" if again else "federated"
    cookie, ceremony = services.ceremonies.begin(purpose, found.id, now_us=services.now_us())
    try:
        where = await services.pools.providers.run(
            services.conversations.of(found).login_address,
            redirect=_redirect(request, services, found),
            state=f"{'a' if again else 'f'}{ceremony.text('state')}",
            nonce=ceremony.text("nonce"),
            verifier=ceremony.text("verifier"),
            again=again,
            longest_s=LONGEST_US // 1_000_000,
        )
    except (ProviderUnreachable, TokenRefused) as error:
        return _failed(request, services, found, error)
    return _to(where, ceremony_cookie(request, services, cookie, from_elsewhere=True))


def _failed(request: AnyRequest, services: Services, provider: LoginProvider, error: Exception) -> Response[None]:
    """Back to the page, which says why by a code; the log says more."""
    if isinstance(error, ApiError | AccountError | AccessError):
        code = error.code
    else:
        code = "provider_unreachable" if isinstance(error, ProviderUnreachable) else "provider_refused"
        log.warning("login with %s: %s", provider.id, error)
    services.refusals.add(code)
    cookie = ceremony_cookie(request, services, "", from_elsewhere=True)
    return _to(f"{services.url('/')}#/login/{quote(code)}", cookie)


@get(
    "/api/login/with/{provider:str}/back",
    action="public",
    summary="Where an identity provider leads back to: begins a session",
    errors=["provider_not_found"],
)
async def end_federated(request: AnyRequest, services: Injected, provider: FromPath[str]) -> Response[None]:
    """Answers with a session's cookie and the way to the page; or with the way to the page and why not."""
    found = _provider(services, provider)
    # By hand: what a provider sends beside it is no mistake of anybody's here.
    sent = {name: request.query_params.get(name, "") for name in ("code", "state", "iss", "error")}
    try:
        user, value = await _entered(request, services, found, sent)
    except (ApiError, AccountError, AccessError, ProviderUnreachable, TokenRefused) as error:
        return _failed(request, services, found, error)
    log.info("%s logged in with %s", user.name, found.id)
    # The page, not what a browser was sent away from: an address in a query could lead anywhere.
    return _to(
        services.url("/"),
        session_cookie(request, services, value),
        ceremony_cookie(request, services, "", from_elsewhere=True),
    )


async def _entered(
    request: AnyRequest, services: Services, provider: LoginProvider, sent: dict[str, str]
) -> tuple[User, str]:
    again = sent["state"].startswith("a")

    def is_its(ceremony: Ceremony) -> bool:
        expected = f"{'a' if again else 'f'}{ceremony.text('state')}"
        return hmac.compare_digest(expected.encode(), sent["state"].encode("utf-8", "surrogateescape"))

    ceremony = ceremony_of(request, services, "again" if again else "federated", provider.id, is_its=is_its)
    if sent["error"] or not 0 < len(sent["code"]) <= _LONGEST_CODE:
        raise TokenRefused(f"it let nobody in ({sent['error'][:60] if sent['error'].isprintable() else ''})")
    user, at_s, session = await services.pools.providers.run(
        _exchanged, services, provider, ceremony, sent, _redirect(request, services, provider), address_of(request)
    )
    value, _ = await begin_session(
        request,
        services,
        user,
        way=provider.id,
        factor=provider.second_factor,
        # What they did not prove now was not proved now: it may have been a week ago.
        proved_us=0 if at_s is None else round(at_s * 1_000_000),
        provider_session=session,
    )
    return user, value


def _exchanged(
    services: Services, provider: LoginProvider, ceremony: Ceremony, sent: dict[str, str], redirect: str, address: str
) -> tuple[User, float | None, str | None]:
    """Who comes back with a code, when they proved it there, and what the provider calls their session. Blocks."""
    talk = services.conversations.of(provider)
    # RFC 9207: the answer of another provider, mixed up with this one's.
    if (sent["iss"] or talk.discovered().says_issuer) and sent["iss"] != provider.issuer:
        raise TokenRefused("the answer is another provider's")
    claims, access = talk.exchange(sent["code"], verifier=ceremony.text("verifier"), redirect=redirect)
    subject, at_s = check_id_token(
        claims,
        issuer=provider.issuer,
        client=provider.client_id,
        nonce=ceremony.text("nonce"),
        now_s=services.now_us() / 1_000_000,
        fresh_since_s=ceremony.begun_us / 1_000_000 if sent["state"].startswith("a") else None,
    )
    more = talk.userinfo(access, subject) if access is not None else {}
    said = {**more, **claims}
    session = claims.get("sid")
    now_us = services.now_us()
    by = Actor("server", f"provider {provider.id}")
    with audit.acting(Act(by, address, "login", now_us)), services.db.write() as conn:
        user = federated.user_at(conn, provider.id, subject)
        if user is None:
            if not provider.new_users:
                log.warning("login with %s: its %r is no user here (nvr users link)", provider.id, subject)
                raise ApiError(
                    "user_unknown",
                    Sentence("you are no user here yet: an administrator adds you (nvr users link)"),
                )
            name = said.get(provider.username_claim)
            user = federated.add_federated(conn, provider.id, subject, name, at_us=now_us)
        theirs = texts_of(said.get(provider.groups_claim), provider.groups)
        here = {provider.groups[one] for one in theirs}
        set_members_of_provider(conn, user.id, here, provider=provider.id, by=by, at_us=now_us)
    return user, at_s, session if isinstance(session, str) and 0 < len(session) <= 255 else None


@post(
    "/api/login/with/{provider:str}/logout",
    action="public",
    summary="An identity provider says that somebody logged out there (back-channel logout): their sessions end",
    errors=["invalid_request", "provider_not_found", "provider_refused", "provider_unreachable"],
    status=200,
)
async def provider_logout(request: AnyRequest, services: Injected, provider: FromPath[str]) -> Response[None]:
    """Takes a form with ``logout_token``, which its key has signed."""
    found = _provider(services, provider)
    try:
        form = parse_qs((await request.body()).decode("ascii"), max_num_fields=20)
    except ValueError:
        form = {}
    token = (form.get("logout_token") or [""])[0]
    if not token:
        raise ApiError("invalid_request", Sentence("there is no logout_token"))
    # Who guesses has no key of the provider's: slowed down as with tokens.
    try:
        claims = await services.pools.providers.run(services.conversations.of(found).verified, token)
        subject, session, id_ = check_logout_token(
            claims, issuer=found.issuer, client=found.client_id, now_s=services.now_us() / 1_000_000
        )
    except TokenRefused as error:
        services.token_attempts.begin("logout", address_of(request))
        log.warning("logout by %s: %s", found.id, error)
        raise ApiError("provider_refused", Sentence("this logout token is not good")) from None
    except ProviderUnreachable as error:
        log.warning("logout by %s: %s", found.id, error)
        raise ApiError("provider_unreachable", Sentence("the identity provider does not answer")) from None
    once = f"{found.id} {id_}"
    if once in services.logouts_seen:
        raise ApiError("provider_refused", Sentence("this logout token is not good"))
    await services.pools.changes.run(_end, services, found, subject, session, address_of(request))
    # Not before: what could not be done is asked for again with the same.
    services.logouts_seen.take(once)
    return Response(None, status_code=200, headers={"Cache-Control": "no-store"})


def _end(services: Services, provider: LoginProvider, subject: str | None, session: str | None, address: str) -> None:
    act = Act(Actor(NOBODY.id, f"provider {provider.id}"), address, "provider_logged_out", services.now_us())
    with audit.acting(act), services.db.write() as conn:
        federated.end_sessions_of_provider(conn, provider.id, subject, session)


ROUTES: list[object] = [login_ways, begin_federated, end_federated, provider_logout]
