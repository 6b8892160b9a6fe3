"""Texts in the cells of CSV files: what a spreadsheet would run as a formula is made harmless. Pure.

Invariants: no cell begins with what a spreadsheet takes for a formula, after any of the blanks that it passes over;
``cell_text(csv_cell(t)) == t``.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["cell_text", "csv_cell"]

# Also the wide forms, which some take for the narrow ones. A tab or a line's end at the beginning is passed over, or
# begins another cell.
_RUN: Final = r"'*(?:[\t\r\n]|[\s'\0]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA: Final = re.compile(_RUN)
_MADE_HARMLESS: Final = re.compile(f"'{_RUN}")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


def csv_cell(text: str, *, numbers: bool = False) -> str:
    """The text as a spreadsheet can't mistake it for a formula: what a camera's owner or a stranger chose must not run
    on the desk of whoever reads the file. With ``numbers``, negative ones stay as they are."""
    if _FORMULA.match(text) and not (numbers and _NUMBER.fullmatch(text)):
        return f"'{text}"
    return text


def cell_text(cell: str) -> str:
    """The text that ``csv_cell`` was given."""
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell
