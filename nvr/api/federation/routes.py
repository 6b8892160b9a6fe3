"""Routes of logging in with an identity provider: which there are, the way there, and a provider's word that somebody
logged out. The way back: ``nvr.api.federation.coming_back``."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr import accounts
from nvr.accounts import federated
from nvr.accounts.sessions import LONGEST_US
from nvr.api.accounts.ceremony_cookie import ceremony_cookie
from nvr.api.federation.leading import AnyRequest, leads_back, leads_to, provider_of, redirect_of
from nvr.api.http.auth import address_of
from nvr.api.http.cookies import SESSION_COOKIE
from nvr.api.http.errors import ApiError
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.federation.claims import TokenRefused, check_logout_token
from nvr.federation.provider import ProviderUnreachable
from nvr.federation.settings import LoginProvider
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY, Actor
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)


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
    found = provider_of(services, provider)
    purpose = "again" if again else "federated"
    before = request.cookies.get(SESSION_COOKIE, "")
    cookie, ceremony = services.ceremonies.begin(
        purpose, found.id, now_us=services.now_us(), session=accounts.hash_of(before) if before else ""
    )
    try:
        where = await services.pools.providers.run(
            services.conversations.of(found).login_address,
            redirect=redirect_of(request, services, found),
            state=f"{'a' if again else 'f'}{ceremony.text('state')}",
            nonce=ceremony.text("nonce"),
            verifier=ceremony.text("verifier"),
            again=again,
            longest_s=LONGEST_US // 1_000_000,
        )
    except (ProviderUnreachable, TokenRefused) as error:
        return leads_back(request, services, found, error)
    return leads_to(where, ceremony_cookie(request, services, cookie, from_elsewhere=True))


@post(
    "/api/login/with/{provider:str}/logout",
    action="public",
    summary="An identity provider says that somebody logged out there (back-channel logout): their sessions end",
    errors=["invalid_request", "provider_not_found", "provider_refused", "provider_unreachable"],
    status=200,
)
async def provider_logout(request: AnyRequest, services: Injected, provider: FromPath[str]) -> Response[None]:
    """Takes a form with ``logout_token``, which its key has signed."""
    found = provider_of(services, provider)
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


ROUTES: list[object] = [login_ways, begin_federated, provider_logout]
