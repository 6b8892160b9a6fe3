"""Whether a request was made by a page of this server: what another page made a browser send is refused."""

from __future__ import annotations

import unicodedata
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["Connection", "check_origin", "same_origin"]

Connection = ASGIConnection[Any, Any, Any, Any]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_origin(connection: Connection, *, must_tell: bool) -> None:
    """Refuses what a page of another origin made the browser send. Every browser tells, by ``Sec-Fetch-Site`` (only
    over TLS or to localhost) or by ``Origin``; with ``must_tell``, a request that tells nothing is refused as well.

    Raises:
        ApiError: ``cross_origin``.
    """
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    if site is not None:
        fine = site == "same-origin"
    elif origin is not None:
        fine = same_origin(origin, connection.headers.get("host", ""))
    else:
        fine = not must_tell
    if not fine:
        raise ApiError(
            "cross_origin",
            Sentence(
                "this was not sent by a page of this server; programs use a token (Authorization: "
                "Bearer …) instead of a cookie, and a proxy in front must pass the Host header on"
            ),
        )


def same_origin(origin: str, host: str) -> bool:
    """Whether an ``Origin`` header names the server that the ``Host`` header names. Their schemes can't be compared:
    behind a proxy that speaks TLS, the server does not see it."""
    try:
        ours = urlsplit(f"//{host}")
        theirs = urlsplit(origin)
        port = _DEFAULT_PORTS.get(theirs.scheme)
        return (
            port is not None
            and bool(theirs.hostname)
            and _host(theirs.hostname) == _host(ours.hostname)
            and (theirs.port or port) == (ours.port or port)
        )
    except ValueError:
        return False


def _host(name: str | None) -> str:
    return unicodedata.normalize("NFC", name or "").lower().rstrip(".")
