"""Where a browser is led that logs in with an identity provider: there, and back to the page."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from litestar import Request, Response

from nvr.access.errors import AccessError
from nvr.accounts.errors import AccountError
from nvr.api.accounts.ceremony_cookie import ceremony_cookie
from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from nvr.federation.claims import TokenRefused
from nvr.federation.provider import ProviderUnreachable
from nvr.federation.settings import LoginProvider
from storage.sentences import Sentence

__all__ = ["AnyRequest", "code_of", "leads_back", "leads_to", "provider_of", "redirect_of"]

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]


def provider_of(services: Services, id_: str) -> LoginProvider:
    """The provider of this id.

    Raises:
        ApiError: ``provider_not_found``.
    """
    found = next((one for one in services.settings.providers if one.id == id_), None)
    if found is None:
        raise ApiError("provider_not_found", Sentence("there is no identity provider {id!r}", id=id_))
    return found


def redirect_of(request: AnyRequest, services: Services, provider: LoginProvider) -> str:
    """Where the provider leads back to: this server by the name by which it was asked."""
    host = request.headers.get("host", "")
    return f"{request.scope['scheme']}://{host}{services.url(f'/api/login/with/{provider.id}/back')}"


def leads_to(location: str, *cookies: Any) -> Response[None]:
    """Leads a browser to an address."""
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(None, status_code=303, headers=headers, cookies=list(cookies))


def code_of(error: Exception) -> str:
    """The word for what went wrong that the page goes by."""
    if isinstance(error, ApiError | AccountError | AccessError):
        return error.code
    return "provider_unreachable" if isinstance(error, ProviderUnreachable) else "provider_refused"


def leads_back(request: AnyRequest, services: Services, provider: LoginProvider, error: Exception) -> Response[None]:
    """Back to the page, which says why by a code; the log says more."""
    code = code_of(error)
    if isinstance(error, ProviderUnreachable | TokenRefused):
        log.warning("login with %s: %s", provider.id, error)
    services.refusals.add(code)
    cookie = ceremony_cookie(request, services, "", from_elsewhere=True)
    return leads_to(f"{services.url('/')}#/login/{quote(code)}", cookie)
