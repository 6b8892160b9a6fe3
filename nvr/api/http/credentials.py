"""What a request brings to say who asks: the Authorization header, as bearer or as HTTP Basic, and whether a player is
to be told of the latter."""

from __future__ import annotations

import base64
import re
from typing import Final

from litestar.handlers import BaseRouteHandler

from nvr.api.http.cookies import SESSION_COOKIE
from nvr.api.http.errors import ApiError
from nvr.api.http.origins import Connection
from storage.sentences import Sentence

__all__ = ["LONGEST_SECRET", "asked_for_basic", "is_for_players", "scheme_of", "token_of"]

# What players play.
_PLAYED: Final = frozenset({"application/vnd.apple.mpegurl", "video/mp4", "image/jpeg"})
_FROM: Final = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?$", re.ASCII)
# Longer than any cookie or token of ours; hashing more is work for nothing.
LONGEST_SECRET: Final = 256


def scheme_of(connection: Connection) -> str:
    """The scheme of the Authorization header, in small letters; empty without one."""
    return connection.headers.get("authorization", "").partition(" ")[0].lower()


def is_for_players(connection: Connection, handler: BaseRouteHandler) -> bool:
    """Whether the route shows footage and no browser asks: one that is told of Basic opens a window of its own over the
    page. Players that have a token in their address send it only when they are told."""
    headers = connection.headers
    return (
        str(getattr(handler, "media_type", "")) in _PLAYED
        and not headers.get("user-agent", "").startswith("Mozilla/")
        and SESSION_COOKIE not in connection.cookies
        and "origin" not in headers
        and not any(name.startswith("sec-fetch-") for name in headers)
    )


def asked_for_basic(connection: Connection) -> dict[str, str]:
    """The headers that tell a player of HTTP Basic."""
    headers = {"WWW-Authenticate": 'Basic realm="nvr", charset="UTF-8", Bearer realm="nvr"'}
    # FFmpeg (5.1 to 8, mpv and Kodi with it) takes an answer that does not begin at the byte it asked for as broken,
    # whatever its status, and does not try again with its password (libavformat/http.c, http_connect). In a 401 the
    # header means nothing to others (RFC 9110 14.4).
    if (match := _FROM.match(connection.headers.get("range", ""))) is not None:
        headers["Content-Range"] = f"bytes {match[1]}-{match[2] or match[1]}/*"
    return headers


def token_of(header: str) -> str:
    """The token that an Authorization header brings: as bearer, or as the password of HTTP Basic, whatever the user's
    name there.

    Raises:
        ApiError: ``not_authenticated``: it brings none.
    """
    scheme, _, text = header.partition(" ")
    text = text.strip()
    if scheme.lower() == "basic" and len(text) <= 2 * LONGEST_SECRET:
        try:
            return base64.b64decode(text, validate=True).decode().partition(":")[2]
        except ValueError:
            raise ApiError("not_authenticated", Sentence("the Authorization header is no HTTP Basic")) from None
    if scheme.lower() != "bearer":
        raise ApiError(
            "not_authenticated",
            Sentence("the Authorization header must be: Bearer <token>, or HTTP Basic with a token as password"),
        )
    return text
