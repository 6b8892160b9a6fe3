"""Cookies: what all of ours have in common, and which are ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.datastructures import Cookie

if TYPE_CHECKING:
    from nvr.api.http.services import Services

__all__ = ["CEREMONY_COOKIE", "LINK_COOKIE", "SESSION_COOKIE", "make_cookie", "own_cookies"]

SESSION_COOKIE: Final = "nvr_session"
LINK_COOKIE: Final = "nvr_link"
# What a login began and is to end (``nvr.api.http.ceremonies``).
CEREMONY_COOKIE: Final = "nvr_login"

_OWN: Final = (SESSION_COOKIE.encode(), LINK_COOKIE.encode(), CEREMONY_COOKIE.encode())
_LONGEST: Final = 400
_MOST: Final = 8


def own_cookies(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, but of cookies only those of this server: others of the same host are nobody's business here, and
    the framework would remember a thousand of them, whatever their size."""
    return [(name, _ours(value) if name == b"cookie" else value) for name, value in headers]


def _ours(value: bytes) -> bytes:
    found = [
        part
        for part in map(bytes.strip, value.split(b";"))
        if len(part) <= _LONGEST and part.partition(b"=")[0].strip() in _OWN
    ]
    # Of several of one name the last counts.
    return b"; ".join(found[-_MOST:])


def make_cookie(
    request: Request[Any, Any, Any], services: Services, key: str, value: str, *, age_s: int, path: str = "/"
) -> Cookie:
    """A cookie that no script reads and no other site sends along, for ``path`` of this server and below."""
    setting = services.settings.secure_cookies
    secure = request.scope.get("scheme") == "https" if setting == "auto" else setting
    return Cookie(
        key=key, value=value, max_age=age_s, path=services.url(path), httponly=True, samesite="strict", secure=secure
    )
