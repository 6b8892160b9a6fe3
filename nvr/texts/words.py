"""The catalogue of words: a file a language in ``languages/``, for the page, reports, alerts and evidence alike.

Invariant: a text that a language lacks is English, and English has them all. Adding a language is adding a file.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from storage.causes import Cause, CauseClass
from storage.sentences import Sentence

__all__ = ["LANGUAGES", "Language", "Units", "Words", "accepted", "languages", "read_words", "say", "words"]

Language = str
"""The name of a language's file, a tag of BCP 47 such as ``id``."""

_FOLDER: Final = Path(__file__).parent / "languages"
_COMPLETE: Final = "en"


def languages(folder: Path) -> tuple[Language, ...]:
    """The languages of a folder of catalogues, by name."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


LANGUAGES: Final = languages(_FOLDER)


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
    """What of a catalogue the server itself says; the rest is the page's. ``{name}`` in a text is filled in.
    ``categories`` are those of ``storage.coverage.figures.Category``; ``report`` is what reports say, ``alerts``
    messages about alerts, ``public`` what citizens read of a camera, ``statement`` the labels and ``sentences`` the
    sentences of an export's statement, ``outcomes`` and ``findings`` what verifying a package finds; ``errors`` are the
    titles of error codes, ``messages`` sentences by their English (``storage.sentences``)."""

    name: str
    short_months: tuple[str, ...]
    units: Units
    causes: Mapping[Cause, str]
    classes: Mapping[CauseClass, str]
    categories: Mapping[str, str]
    details: Mapping[str, str]
    report: Mapping[str, str]
    alerts: Mapping[str, str]
    public: Mapping[str, str]
    statement: Mapping[str, str]
    sentences: Mapping[str, str]
    outcomes: Mapping[str, str]
    findings: Mapping[str, str]
    errors: Mapping[str, str]
    messages: Mapping[str, str]


def _over(english: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _over(text, own.get(key, {})) if isinstance(text, dict) else own.get(key, text)
        for key, text in english.items()
    }


def read_words(folder: Path, language: Language) -> Words:
    """The words of a language of a folder of catalogues.

    Raises:
        FileNotFoundError: there is no such language.
        msgspec.ValidationError: the file is no catalogue; the message says where.
    """
    english, own = (msgspec.json.decode((folder / f"{name}.json").read_bytes()) for name in (_COMPLETE, language))
    whole = _over(english, own)
    # Sentences of English are the source's own; but findings are both a table and sentences.
    findings = {text: whole["findings"][code] for code, text in english["findings"].items()}
    return msgspec.convert({**whole, "messages": {**findings, **own.get("messages", {})}}, Words)


@functools.cache
def words(language: Language) -> Words:
    """The words of a language of ``LANGUAGES``."""
    return read_words(_FOLDER, language)


def say(sentence: Sentence, language: Language) -> str:
    """The sentence in a language of ``LANGUAGES``; English where that has none for it."""
    messages = words(language).messages
    return sentence.said(lambda text: messages.get(text, text))


def accepted(header: str) -> Language:
    """The language of ``LANGUAGES`` that an ``Accept-Language`` header likes best; English if it names none."""
    liked: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        name = tag.partition("-")[0]
        try:
            # ``in`` is what old programs call Indonesian.
            liked.append((float(weight or 1), "id" if name == "in" else name))
        except ValueError:
            continue
    # Of those that are liked alike, the first.
    return max(
        ((w, name) for w, name in liked if name in LANGUAGES and w > 0), key=lambda one: one[0], default=(0, _COMPLETE)
    )[1]
