"""The cookie by which a browser goes on with what it began: a passkey, or a login at a provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from nvr.api.http.ceremonies import LASTS_US, Ceremony
from nvr.api.http.cookies import CEREMONY_COOKIE, make_cookie
from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from storage.sentences import Sentence

__all__ = ["ceremony_cookie", "ceremony_of"]

AnyRequest = Request[Any, Any, Any]


def ceremony_cookie(request: AnyRequest, services: Services, value: str, *, from_elsewhere: bool = False) -> Cookie:
    """The cookie of something that was begun; of an empty value: that takes it back. ``from_elsewhere``: it has to come
    along when another site leads back here."""
    age_s = LASTS_US // 1_000_000 if value else 0
    made = make_cookie(request, services, CEREMONY_COOKIE, value, age_s=age_s, path="/api")
    if from_elsewhere:
        made.samesite = "lax"
    return made


def ceremony_of(
    request: AnyRequest,
    services: Services,
    purpose: str,
    of: str,
    *,
    is_its: Callable[[Ceremony], bool] = lambda _: True,
) -> Ceremony:
    """What this browser began, which is over with it; not with what is not ``is_its``, which another site may have
    sent the browser to.

    Raises:
        ApiError: ``login_over``: nothing, or nothing any more.
    """
    cookie = request.cookies.get(CEREMONY_COOKIE, "")
    found = services.ceremonies.find(cookie, purpose, of, now_us=services.now_us())
    if found is None or not is_its(found) or not services.ceremonies.take(found):
        raise ApiError("login_over", Sentence("what this browser began is over, or was begun in another: try again"))
    return found
