"""HTTP: routes, roles, errors (docs/reference/http.md, docs/design/access.md)."""

from __future__ import annotations

from nvr.api.app import create_app
from nvr.api.http.settings import ApiSettings

__all__ = ["ApiSettings", "create_app"]
