"""The cameras that a request chooses: by a label query, by ids, or by an imported list."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from nvr.api.http.errors import ApiError
from nvr.cameras import ChoiceError, Chosen, OvertakenError, choose
from nvr.cameras import planned as write_planned
from storage.catalogue import selection
from storage.catalogue.database import Database
from storage.catalogue.selection import SelectionError
from storage.sentences import sentence_of

__all__ = ["Choice", "chosen", "knowing", "parse_where", "planned"]

_T = TypeVar("_T")


class Choice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One of these: ``where``, a label query such as ``district=Tembalang,isp=Telkom``; ``cameras``, ids; ``csv``, the
    text of a CSV file with a camera's id in each line."""

    where: str | None = None
    cameras: list[str] | None = None
    csv: str | None = None


def parse_where(text: str | None) -> selection.Selection:
    """The query.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        return selection.parse(text or "")
    except SelectionError as error:
        raise ApiError("invalid_selection", sentence_of(error)) from None


@contextmanager
def knowing() -> Iterator[None]:
    """What names a label, a value or a camera that there is not is refused.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        yield
    except SelectionError as error:
        raise ApiError("invalid_selection", sentence_of(error)) from None


def chosen(conn: sqlite3.Connection, choice: Choice, among: Collection[str] | None) -> Chosen:
    """The cameras chosen, as if there were those of ``among`` alone; None: all.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        return choose(conn, where=choice.where, ids=choice.cameras, csv=choice.csv, among=among)
    except ChoiceError as error:
        told = [{"field": where, "message": what} for where, what in error.errors[:1000]]
        raise ApiError("invalid_selection", sentence_of(error), extra={"errors": told} if told else {}) from None


@contextmanager
def planned(db: Database, plan: Callable[[sqlite3.Connection], _T]) -> Iterator[tuple[sqlite3.Connection, _T]]:
    """As ``nvr.cameras.planned``.

    Raises:
        ApiError: ``plan_changed``: others changed cameras, again and again.
    """
    try:
        with write_planned(db, plan) as found:
            yield found
    except OvertakenError as error:
        raise ApiError("plan_changed", sentence_of(error)) from None
