"""HTTP: routes, roles, errors (docs/reference/http.md, docs/design/access.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvr.api.app import create_app
    from nvr.api.http.settings import ApiSettings

__all__ = ["ApiSettings", "create_app"]


def __getattr__(name: str) -> Any:
    # The process lowers its priority before it reads all of this.
    if name == "create_app":
        from nvr.api.app import create_app

        return create_app
    if name == "ApiSettings":
        from nvr.api.http.settings import ApiSettings

        return ApiSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
