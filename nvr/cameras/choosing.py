"""Which cameras a person chose: by a label query, by ids, or by a list in a CSV file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from nvr.cameras.csv_table import read_ids
from nvr.orders.impact import missing
from storage.catalogue import cameras, selection
from storage.catalogue.cameras import Camera
from storage.catalogue.selection import SelectionError
from storage.sentences import Sentence, joined, listed, quoted, sentence_of

__all__ = ["ChoiceError", "Chosen", "choose"]


class ChoiceError(ValueError):
    """The choice can't be read, names unknown cameras, or chooses none. ``errors``: (where, what), all of them."""

    def __init__(self, message: Sentence, errors: Sequence[tuple[Sentence, Sentence]] = ()) -> None:
        super().__init__(message)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ids, sorted, and how they were chosen, for people."""

    ids: Sequence[str]
    how: str


def _among(conn: sqlite3.Connection, among: Collection[str] | None) -> list[Camera]:
    return [row for row in cameras.list_all(conn) if among is None or row.id in among]


def choose(
    conn: sqlite3.Connection,
    *,
    where: str | None = None,
    ids: Iterable[str] | None = None,
    csv: str | None = None,
    among: Collection[str] | None = None,
) -> Chosen:
    """The cameras chosen in one of these ways, as if there were those of ``among`` alone; None: all.

    Raises:
        ChoiceError: what is wrong with the choice.
    """
    if sum(way is not None for way in (where, ids, csv)) != 1:
        raise ChoiceError(Sentence("choose cameras in one way: by where, by ids, or by a CSV list"))
    if where is not None:
        if not where.strip():
            raise ChoiceError(Sentence("where is empty; for every camera, write *"))
        try:
            found = [row.id for row in selection.select(selection.parse(where), _among(conn, among))]
        except SelectionError as error:
            raise ChoiceError(sentence_of(error)) from None
        how = where.strip()
    elif ids is not None:
        found, how = sorted(set(ids)), "ids"
    else:
        found, errors = read_ids(csv or "")
        if errors:
            told = [(Sentence("line {line}", line=e.line), e.message) for e in errors]
            raise ChoiceError(joined(e.sentence for e in errors[:20]), told)
        how = "csv"
    if unknown := missing(conn, found, among=among):
        told = [(quoted(id_), Sentence("there is no such camera")) for id_ in unknown]
        raise ChoiceError(Sentence("there are no cameras {unknown}", unknown=listed(unknown, 20)), told)
    if not found:
        raise ChoiceError(Sentence("no camera is chosen: see which labels the cameras have"))
    return Chosen(sorted(found), how)
