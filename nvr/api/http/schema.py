"""The OpenAPI description of the routes.

Litestar's own schema routes would be outside the rules of all others (HTML for an unknown path, no HEAD), so the
description is made from an application that is never served.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from litestar import Litestar, Response
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Server
from litestar.serialization import encode_json

from nvr.api.http.codes import CODES
from nvr.api.http.respond import ApiRequest, encoded
from nvr.api.http.routing import get
from nvr.api.http.services import PROVIDED

__all__ = ["ROUTES", "Describer"]


class Describer:
    """Makes the description when it is first asked for: it costs as much as starting the application."""

    def __init__(self, routes: Callable[[], list[Any]], version: str, base_path: str = "") -> None:
        """``routes`` gives handlers of which no application has any."""
        self._base_path = base_path
        self._routes = routes
        self._version = version
        self.body = cache(self._make)

    def _make(self) -> bytes:
        config = OpenAPIConfig(
            title="nvr",
            version=self._version,
            servers=[Server(url=self._base_path or "/")],
            description="Every second of a camera is recorded, or is a gap with a stated cause.",
        )
        # Without logging_config=None it would configure logging: no redaction, no escapes in the log from then on.
        app = Litestar(self._routes(), dependencies=PROVIDED, openapi_config=config, logging_config=None)
        description = app.openapi_schema.to_schema()
        # A type that lists a hundred codes would stand beside the table that says what they mean.
        description["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] = list(CODES)
        return encode_json(description)


@get("/api/schema", action="own", summary="This description", in_schema=False, pool="heavy")
def schema(request: ApiRequest) -> Response[bytes]:
    """OpenAPI 3.1."""
    body: bytes = request.app.state.describer.body()
    return encoded(request, body, "application/vnd.oai.openapi+json", headers={"Cache-Control": "no-store"})


ROUTES: list[object] = [schema]
