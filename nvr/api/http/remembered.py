"""What the framework remembers of requests, which strangers decide: paths, queries and cookies of the last thousand.

Belongs here: what keeps that small. Litestar keeps each in a cache of 1,024 entries, whatever their size: a query of
10,000 parameters is a megabyte there. Invariant: what is remembered after a request has a bound in bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar._kwargs.extractors import create_query_default_dict
from litestar._parsers import parse_query_string

__all__ = ["LINK_COOKIE", "LONGEST_PATH", "SESSION_COOKIE", "forget_query", "own_cookies"]

SESSION_COOKIE: Final = "nvr_session"
LINK_COOKIE: Final = "nvr_link"
LONGEST_PATH: Final = 1_024
"""Bytes. The longest of ours has some 300."""

_OWN: Final = (SESSION_COOKIE.encode(), LINK_COOKIE.encode())
_LONGEST_COOKIE: Final = 400
_MOST_COOKIES: Final = 8
_LONGEST_QUERY: Final = 512


def own_cookies(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, but of cookies only those of this server: others of the same host are nobody's business here."""
    return [(name, _ours(value) if name == b"cookie" else value) for name, value in headers]


def _ours(value: bytes) -> bytes:
    found = [
        part
        for part in map(bytes.strip, value.split(b";"))
        if len(part) <= _LONGEST_COOKIE and part.partition(b"=")[0].strip() in _OWN
    ]
    # Of several of one name the last counts.
    return b"; ".join(found[-_MOST_COOKIES:])


def forget_query(query: bytes) -> None:
    """After a request: nothing is kept of a long query, nor of others then."""
    if len(query) > _LONGEST_QUERY:
        parse_query_string.cache_clear()
        create_query_default_dict.cache_clear()
