"""A table as a document has it, whatever prints it: columns and rows of cells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Cell", "Column", "DocumentTable"]


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` is a share of the page's."""

    title: str
    width: float
    align: Literal["L", "R"] = "L"


class Cell(NamedTuple):
    """A line, a softer line below it, and a mark in front: the name of its colour in the document's palette."""

    text: str
    below: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """``rows`` can be gone through once: they are made while they are printed. ``note`` stands below them: what is not
    there."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    note: str = ""
