"""Which footage, as it is asked for and answered: of grants, and of tokens that hold one."""

from __future__ import annotations

import msgspec

from nvr.access.model import ALL_FOOTAGE, FootageKind, GrantedFootage
from nvr.api.http.errors import ApiError
from nvr.api.http.times import format_time, parse_time
from storage.sentences import Sentence

__all__ = ["FootageBody", "footage_body", "footage_of"]


class FootageBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which footage a grant is for: ``all``, ``live`` (nothing that is past), the ``last`` seconds before now
    (``last_s``), or a fixed ``range`` (``start``, ``end``)."""

    kind: FootageKind = FootageKind.ALL
    last_s: float | None = None
    start: str | None = None
    end: str | None = None


def footage_of(body: FootageBody) -> GrantedFootage:
    """The footage.

    Raises:
        ApiError: ``invalid_grant``, or what is wrong with a time.
    """
    if body.kind is FootageKind.LAST:
        if body.last_s is None or not 0 < body.last_s <= 1e9:
            raise ApiError("invalid_grant", Sentence("say how much footage before now, as in 7d"))
        return GrantedFootage(FootageKind.LAST, last_us=round(body.last_s * 1_000_000))
    if body.kind is FootageKind.RANGE:
        start_us, end_us = parse_time("start", body.start), parse_time("end", body.end)
        return GrantedFootage(FootageKind.RANGE, start_us=start_us, end_us=end_us)
    return ALL_FOOTAGE if body.kind is FootageKind.ALL else GrantedFootage(body.kind)


def footage_body(footage: GrantedFootage) -> FootageBody:
    """The footage as it is answered."""
    if footage.kind is FootageKind.LAST:
        return FootageBody(footage.kind, last_s=footage.last_us / 1_000_000)
    if footage.kind is FootageKind.RANGE:
        return FootageBody(footage.kind, start=format_time(footage.start_us), end=format_time(footage.end_us))
    return FootageBody(footage.kind)
