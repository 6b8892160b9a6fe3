"""What a gap report asks for: the query parameters, checked. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from nvr.api.errors import ApiError
from nvr.api.times import seconds
from storage.causes import Cause
from storage.intervals import Interval

__all__ = ["GapQuery", "Group", "parse_gap_query"]

_LONGEST_FOLD_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Group:
    """Cameras whose label ``key`` is ``value``."""

    key: str
    value: str

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether a camera with these labels belongs to it."""
        return labels.get(self.key) == self.value


@dataclass(frozen=True, slots=True)
class GapQuery:
    """``cameras``: those named, empty for all. A camera must be in every one of ``groups``; a gap must have one of ``causes``, if
    any are named. Stretches shorter than ``fold_us`` count as footage."""

    range: Interval
    cameras: Sequence[str]
    groups: Sequence[Group]
    causes: frozenset[Cause]
    fold_us: int
    format: Literal["json", "csv"]

    def filters(self) -> dict[str, Any]:
        """The filters as they are answered."""
        return {
            "camera": list(self.cameras),
            "group": [f"{group.key}:{group.value}" for group in self.groups],
            "cause": sorted(self.causes),
        }

    @property
    def fold_s(self) -> float:
        """The threshold in seconds."""
        return seconds(self.fold_us)


def parse_gap_query(
    asked: Interval,
    *,
    cameras: Sequence[str],
    groups: Sequence[str],
    causes: Sequence[str],
    fold_s: str | None,
    format_: str,
) -> GapQuery:
    """The checked query.

    Raises:
        ApiError: ``invalid_parameter``.
    """
    if format_ not in ("json", "csv"):
        raise ApiError("invalid_parameter", "format must be json or csv")
    return GapQuery(
        asked,
        tuple(dict.fromkeys(cameras)),
        tuple(_group(text) for text in groups),
        frozenset(_cause(text) for text in causes),
        _fold_us(fold_s),
        "csv" if format_ == "csv" else "json",
    )


def _group(text: str) -> Group:
    at = min((i for i in (text.find(":"), text.find("=")) if i > 0), default=-1)
    if at < 0 or at == len(text) - 1:
        raise ApiError("invalid_parameter", "group must be a label and its value, as in group=district:north")
    return Group(text[:at].strip(), text[at + 1 :].strip())


def _cause(text: str) -> Cause:
    try:
        return Cause(text)
    except ValueError:
        raise ApiError("invalid_parameter", f"there is no such cause; causes are {', '.join(Cause)}") from None


def _fold_us(text: str | None) -> int:
    if not text:
        return 0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST_FOLD_S:
        raise ApiError("invalid_parameter", f"fold_s must be a number of seconds from 0 to {_LONGEST_FOLD_S}")
    return round(value * 1_000_000)
