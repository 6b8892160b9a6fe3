"""The dictionary that every language fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from storage.causes import Cause, CauseClass

__all__ = ["LANGUAGES", "Language", "Units", "Words", "words"]

Language = Literal["id", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Units:
    """Units of time, as they follow a number, and the marks of numbers."""

    day: str
    hour: str
    minute: str
    second: str
    decimal: str
    thousands: str


@dataclass(frozen=True, slots=True)
class Words:
    """``report`` holds the headings and sentences of reports; ``{name}`` in them is filled in. ``categories`` are those
    of ``storage.coverage.figures.Category``; ``alerts`` what messages about alerts say."""

    language: Language
    name: str
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]
    units: Units
    causes: Mapping[Cause, str]
    classes: Mapping[CauseClass, str]
    categories: Mapping[str, str]
    details: Mapping[str, str]
    report: Mapping[str, str]
    alerts: Mapping[str, str]


def words(language: Language) -> Words:
    """The words of a language."""
    from nvr.texts import en, id

    return {"en": en.WORDS, "id": id.WORDS}[language]
