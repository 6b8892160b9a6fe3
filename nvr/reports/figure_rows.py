"""The one table of figures: which there are, in which order, with which words. JSON, the command line, HTML, PDF and
the page have it from here (the page's words are compared by a test)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nvr.texts import Formats
from storage.coverage.account import TimeAccount
from storage.coverage.figures import REQUIRED, Figures

__all__ = ["ROWS", "account_body", "account_rows", "cells", "figures_body", "labels", "worth_saying"]

ROWS: Final = (
    "coverage",
    "recorded",
    "not_recorded",
    "no_longer_there",
    "not_required",
    "not_known_yet",
    "outages",
    "longest",
    "mtbf",
    "mttr",
)
"""Keys of the words of reports."""

_OF_ACCOUNT: Final = ROWS[1:6]
# Said only where there is any.
_SELDOM: Final = frozenset({"no_longer_there", "not_required", "not_known_yet"})


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def _of_account(account: TimeAccount) -> dict[str, int]:
    return {
        "recorded": account.recorded_us,
        "not_recorded": account.not_recorded_us,
        "no_longer_there": account.no_longer_there_us,
        "not_required": account.not_required_us,
        "not_known_yet": account.not_known_us,
    }


def labels(formats: Formats, rows: Sequence[str] = ROWS) -> list[str]:
    """What the rows are called."""
    return [formats.say(row) for row in rows]


def cells(mine: Figures, asked_us: int, formats: Formats, rows: Sequence[str] = ROWS) -> list[str]:
    """What they are, for a person. ``asked_us``: the time asked for, each camera's counted."""
    lengths: dict[str, int | None] = {
        **_of_account(TimeAccount.of_figures(mine, asked_us)),
        "longest": mine.longest_us,
        "mtbf": mine.mtbf_us,
        "mttr": mine.mttr_us,
    }
    found = []
    for row in rows:
        if row == "coverage":
            found.append(formats.percent(mine.recorded_us, mine.required_us))
        elif row == "outages":
            found.append(formats.number(mine.outages))
        else:
            us = lengths[row]
            found.append("–" if us is None else formats.length(us))
    return found


def worth_saying(mine: Figures, asked_us: int) -> list[str]:
    """The rows that are to be seen first: without means, and without what there is none of."""
    account = _of_account(TimeAccount.of_figures(mine, asked_us))
    return [row for row in ROWS if row not in ("mtbf", "mttr") and (row not in _SELDOM or account[row])]


def account_rows(account: TimeAccount, formats: Formats) -> list[tuple[str, str]]:
    """The part of the table that adds up, exact, each with its word."""
    values = _of_account(account)
    rows = [(formats.say(row), formats.seconds(values[row])) for row in _OF_ACCOUNT]
    return [*rows, (formats.say("asked"), formats.seconds(account.asked_us))]


def account_body(account: TimeAccount) -> dict[str, Any]:
    """The part of the table that adds up, as it is answered: seconds."""
    values = _of_account(account)
    return {
        "asked_s": _seconds(account.asked_us),
        **{f"{row.removesuffix('_yet')}_s": _seconds(values[row]) for row in _OF_ACCOUNT},
    }


def figures_body(mine: Figures, asked_us: int) -> dict[str, Any]:
    """As it is answered: seconds; ``coverage`` from 0 to 1, null where nothing was required."""
    return {
        "coverage": mine.recorded_us / mine.required_us if mine.required_us else None,
        **account_body(TimeAccount.of_figures(mine, asked_us)),
        "required_s": _seconds(mine.required_us),
        "missing_s": _seconds(mine.outage_us),
        "by_class": {name.value: _seconds(getattr(mine, f"{name}_us")) for name in REQUIRED},
        "planned_s": _seconds(mine.planned_us),
        "administrative_s": _seconds(mine.administrative_us),
        "absent_s": _seconds(mine.absent_us),
        "removed_s": _seconds(mine.removed_us),
        "outages": mine.outages,
        "longest_s": _seconds(mine.longest_us),
        "mtbf_s": _seconds(mine.mtbf_us),
        "mttr_s": _seconds(mine.mttr_us),
    }
