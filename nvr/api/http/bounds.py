"""What a body may be before anything parses it: how deep, how many values, how long a number. And what a number may be
at all.

Belongs here: bounds that hold for every route, so that a new one needs no thought. What a field means is for its route.
Invariant: no parser, no handler and no database sees what is beyond them; the check itself takes time in proportion to
the body, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["BIGGEST", "MOST_DEPTH", "MOST_VALUES", "BoundedRequest", "check_json", "check_numbers"]

MOST_DEPTH: Final = 16
"""Lists and objects within each other. The deepest body of ours has 4."""
MOST_VALUES: Final = 50_000
"""Elements and members of a whole body. An order over 10,000 cameras by their ids has 10,000."""
BIGGEST: Final = (1 << 53) - 1
"""The largest whole number that every JSON reader takes for what it is (RFC 8259, 6); the database's own bound is
above."""
_LONGEST_NUMBER: Final = 40
# Longer bodies are looked through beside the event loop.
_SHORT_BYTES: Final = 32 << 10

# One that has no end reaches to the body's: otherwise each quote in it would be tried as a beginning.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+\\?+(?:"|\Z)', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_LONG_NUMBER: Final = re.compile(rb"[-+.0-9eE]{%d}" % (_LONGEST_NUMBER + 1))


def check_json(body: bytes) -> None:
    """Lets a body through that may be parsed as JSON.

    Raises:
        ApiError: ``invalid_request``: it is nested too deep, or a number is too long; ``too_large``: it has too many
            values.
    """
    body = _STRING.sub(b'""', body)
    if body.count(b",") + body.count(b":") > MOST_VALUES or body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise ApiError("too_large", Sentence("the body has more than {most} values", most=MOST_VALUES))
    depth = 0
    for match in _BRACKET.finditer(body):
        depth += 1 if match[0] in b"[{" else -1
        if depth > MOST_DEPTH:
            raise ApiError(
                "invalid_request",
                Sentence("the body is nested deeper than {most} lists and objects", most=MOST_DEPTH),
            )
    if _LONG_NUMBER.search(body) is not None:
        raise ApiError(
            "invalid_request",
            Sentence("the body has a number of more than {most} characters", most=_LONGEST_NUMBER),
        )


def check_numbers(value: Any, name: str, code: str = "invalid_request") -> None:
    """Lets a decoded body, or a parameter, through whose whole numbers can be kept.

    Raises:
        ApiError: ``code``: one is beyond ``BIGGEST`` either way.
    """
    if isinstance(value, int):
        if not -BIGGEST <= value <= BIGGEST:
            raise ApiError(
                code,
                Sentence(
                    "{name} must be a whole number of at most {most}", name=name or Sentence("the body"), most=BIGGEST
                ),
            )
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            check_numbers(getattr(value, field), f"{name}.{field}" if name else field, code)
    elif isinstance(value, Mapping):
        for inner in value.values():
            check_numbers(inner, name, code)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_numbers(inner, name, code)


class BoundedRequest(Request[Any, Any, Any]):
    """The request of every route: its JSON is looked at before it is parsed. How large a body may be in all is the
    route's (``largest_body_bytes``)."""

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            ApiError: ``invalid_request``: the client left, or was put out, before it was whole; no fault of ours that
                needs a line in the log.
        """
        try:
            return await super().body()
        except InternalServerException as error:
            raise ApiError("invalid_request", Sentence("the client left before its body was whole")) from error

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            ApiError: as ``check_json``.
        """
        body = await self.body()
        if len(body) > _SHORT_BYTES:
            await self.app.state.services.pools.quick.run(check_json, body)
        else:
            check_json(body)
        return await super().json()
