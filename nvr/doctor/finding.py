"""One thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storage.sentences import Sentence

__all__ = ["DoctorFinding", "DoctorHealth", "good", "notice", "unknown", "wrong"]


class DoctorHealth(StrEnum):
    """``notice``: it works, and somebody should know. ``unknown``: it could not be looked at."""

    GOOD = "good"
    NOTICE = "notice"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """``look``: a stable snake_case word for what was looked at. ``advice``: what to do, where there is something."""

    look: str
    health: DoctorHealth
    what: Sentence
    advice: Sentence | None = None


def good(look: str, what: Sentence) -> DoctorFinding:
    """It is well."""
    return DoctorFinding(look, DoctorHealth.GOOD, what)


def notice(look: str, what: Sentence, advice: Sentence | None = None) -> DoctorFinding:
    """It works, and somebody should know."""
    return DoctorFinding(look, DoctorHealth.NOTICE, what, advice)


def wrong(look: str, what: Sentence, advice: Sentence) -> DoctorFinding:
    """It is not well."""
    return DoctorFinding(look, DoctorHealth.WRONG, what, advice)


def unknown(look: str, what: Sentence) -> DoctorFinding:
    """It could not be looked at."""
    return DoctorFinding(look, DoctorHealth.UNKNOWN, what)
