"""The way back from an identity provider: who comes, and the session that it begins.

Invariant: a browser that comes back is let in only with what it was sent away with, once; what went wrong is said on
the page by a code, in the log by words, and is in the audit log if it was begun here.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import Final

from litestar import Response
from litestar.params import FromPath

from nvr.access.errors import AccessError
from nvr.access.groups import set_members_of_provider
from nvr.accounts import federated
from nvr.accounts.errors import AccountError
from nvr.accounts.rows import User
from nvr.api.accounts.ceremony_cookie import ceremony_cookie, ceremony_of
from nvr.api.accounts.entering import begin_session, enter_failure, session_cookie
from nvr.api.federation.leading import AnyRequest, code_of, leads_back, leads_to, provider_of, redirect_of
from nvr.api.http.auth import address_of
from nvr.api.http.ceremonies import Ceremony
from nvr.api.http.errors import ApiError
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.federation.claims import TokenRefused, check_id_token, texts_of
from nvr.federation.provider import ProviderUnreachable
from nvr.federation.settings import LoginProvider
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)

_LONGEST_CODE: Final = 4_096


@get(
    "/api/login/with/{provider:str}/back",
    action="public",
    summary="Where an identity provider leads back to: begins a session",
    errors=["provider_not_found"],
)
async def end_federated(request: AnyRequest, services: Injected, provider: FromPath[str]) -> Response[None]:
    """Answers with a session's cookie and the way to the page; or with the way to the page and why not."""
    found = provider_of(services, provider)
    # By hand: what a provider sends beside it is no mistake of anybody's here.
    sent = {name: request.query_params.get(name, "") for name in ("code", "state", "iss", "error")}
    came = _Comer()
    try:
        user, value = await _entered(request, services, found, sent, came)
    except (ApiError, AccountError, AccessError, ProviderUnreachable, TokenRefused) as error:
        if came.began:
            told = {"provider": found.id, "subject": came.subject, "code": code_of(error)}
            await services.pools.entries.run(enter_failure, services, "", address_of(request), told=told)
        return leads_back(request, services, found, error)
    log.info("%s logged in with %s", user.name, found.id)
    # The page, not what a browser was sent away from: an address in a query could lead anywhere.
    return leads_to(
        services.url("/"),
        session_cookie(request, services, value),
        ceremony_cookie(request, services, "", from_elsewhere=True),
    )


@dataclass(slots=True)
class _Comer:
    """What is known of who comes back, as far as it is: ``began``: their browser began it here; ``subject``: what the
    provider calls them, once its word of it was checked."""

    began: bool = False
    subject: str | None = None


async def _entered(
    request: AnyRequest, services: Services, provider: LoginProvider, sent: dict[str, str], came: _Comer
) -> tuple[User, str]:
    again = sent["state"].startswith("a")

    def is_its(ceremony: Ceremony) -> bool:
        expected = f"{'a' if again else 'f'}{ceremony.text('state')}"
        return hmac.compare_digest(expected.encode(), sent["state"].encode("utf-8", "surrogateescape"))

    ceremony = ceremony_of(request, services, "again" if again else "federated", provider.id, is_its=is_its)
    came.began = True
    if sent["error"] or not 0 < len(sent["code"]) <= _LONGEST_CODE:
        raise TokenRefused(f"it let nobody in ({sent['error'][:60] if sent['error'].isprintable() else ''})")
    where, address = redirect_of(request, services, provider), address_of(request)
    user, at_s, session = await services.pools.providers.run(
        _exchanged, services, provider, ceremony, sent, where, address, came
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
        # The provider led here: the browser did not send that session's cookie along.
        before_hash=ceremony.session,
    )
    return user, value


def _exchanged(
    services: Services,
    provider: LoginProvider,
    ceremony: Ceremony,
    sent: dict[str, str],
    redirect: str,
    address: str,
    came: _Comer,
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
    came.subject = subject if subject.isprintable() else None
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


ROUTES: list[object] = [end_federated]
