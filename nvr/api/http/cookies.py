"""Cookies: what all of them have in common."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from nvr.api.http.services import Services

__all__ = ["make_cookie"]


def make_cookie(
    request: Request[Any, Any, Any], services: Services, key: str, value: str, *, age_s: int, path: str = "/"
) -> Cookie:
    """A cookie that no script reads and no other site sends along, for ``path`` of this server and below."""
    setting = services.settings.secure_cookies
    secure = request.scope.get("scheme") == "https" if setting == "auto" else setting
    return Cookie(
        key=key, value=value, max_age=age_s, path=services.url(path), httponly=True, samesite="strict", secure=secure
    )
