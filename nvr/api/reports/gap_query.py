"""The query parameters of reports, checked. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeVar

from nvr.api.cameras.choosing import parse_where
from nvr.api.http.errors import ApiError
from nvr.reports.formats import FORMATS, ReportFormat
from nvr.reports.query import GapQuery, ReportGroup
from nvr.texts import LANGUAGES, Language
from storage.causes import Cause, CauseClass
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["parse_format", "parse_gap_query", "parse_language"]

_LONGEST_FOLD_S: Final = 86_400
_Word = TypeVar("_Word", Cause, CauseClass)


def parse_gap_query(
    asked: Interval,
    *,
    cameras: Sequence[str] = (),
    groups: Sequence[str] = (),
    causes: Sequence[str] = (),
    classes: Sequence[str] = (),
    fold_s: str | None = None,
    limit: str | None = None,
    where: str | None = None,
) -> GapQuery:
    """The checked query.

    Raises:
        ApiError: ``invalid_parameter``, ``invalid_selection``.
    """
    return GapQuery(
        asked,
        tuple(dict.fromkeys(cameras)),
        tuple(_group(text) for text in groups),
        frozenset(_word(Cause, "cause", text) for text in causes),
        frozenset(_word(CauseClass, "class", text) for text in classes),
        _fold_us(fold_s),
        _limit(limit),
        where=parse_where(where),
    )


def parse_format(text: str) -> ReportFormat:
    """One of ``FORMATS``.

    Raises:
        ApiError: ``invalid_parameter``.
    """
    if text not in FORMATS:
        raise ApiError("invalid_parameter", Sentence("format must be one of {known}", known=", ".join(FORMATS)))
    return FORMATS[text]


def parse_language(text: str) -> Language:
    """A language that the server speaks.

    Raises:
        ApiError: ``invalid_parameter``.
    """
    if text not in LANGUAGES:
        raise ApiError("invalid_parameter", Sentence("lang must be one of {known}", known=", ".join(LANGUAGES)))
    return text


def _group(text: str) -> ReportGroup:
    at = min((i for i in (text.find(":"), text.find("=")) if i > 0), default=-1)
    if at < 0 or at == len(text) - 1:
        raise ApiError("invalid_parameter", Sentence("group must be a label and its value, as in group=district:north"))
    return ReportGroup(text[:at].strip(), text[at + 1 :].strip())


def _word(kind: type[_Word], name: str, text: str) -> _Word:
    try:
        return kind(text)
    except ValueError:
        raise ApiError(
            "invalid_parameter",
            Sentence("{name} must be one of {known}", name=name, known=", ".join(kind)),
        ) from None


def _fold_us(text: str | None) -> int:
    if not text:
        return 0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST_FOLD_S:
        raise ApiError(
            "invalid_parameter",
            Sentence("fold_s must be a number of seconds from 0 to {most}", most=_LONGEST_FOLD_S),
        )
    return round(value * 1_000_000)


def _limit(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ApiError("invalid_parameter", Sentence("limit must be a number of gaps, 0 or more"))
    return int(text)
