"""The cameras that a request chooses: by a label query, by ids, or by an imported list."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec

from nvr.api.http.errors import ApiError
from nvr.cameras import ChoiceError, Chosen, choose
from storage.catalogue import cameras, selection
from storage.catalogue.database import Database
from storage.catalogue.selection import SelectionError

__all__ = ["Choice", "chosen", "knowing", "parse_where", "planned"]

_T = TypeVar("_T")
_TRIES: Final = 3


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
        raise ApiError("invalid_selection", str(error)) from None


@contextmanager
def knowing() -> Iterator[None]:
    """What names a label, a value or a camera that there is not is refused.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        yield
    except SelectionError as error:
        raise ApiError("invalid_selection", str(error)) from None


def chosen(conn: sqlite3.Connection, choice: Choice) -> Chosen:
    """The cameras chosen.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        return choose(conn, where=choice.where, ids=choice.cameras, csv=choice.csv)
    except ChoiceError as error:
        told = [{"field": where, "message": what} for where, what in error.errors[:1000]]
        raise ApiError("invalid_selection", str(error), extra={"errors": told} if told else {}) from None


class _OvertakenError(Exception):
    """A camera changed since the plan was made. Raised, so that the transaction leaves nothing."""


@contextmanager
def planned(db: Database, plan: Callable[[sqlite3.Connection], _T]) -> Iterator[tuple[sqlite3.Connection, _T]]:
    """A write transaction, and what ``plan`` made of the catalogue before it: choosing among thousands of cameras takes
    longer than others should wait for the lock. No camera has changed in between.

    Raises:
        ApiError: ``plan_changed``: some did, again and again.
    """
    for _ in range(_TRIES):
        with db.read() as conn:
            made, revision = plan(conn), cameras.revision(conn)
        try:
            with db.write() as conn:
                if cameras.revision(conn) != revision:
                    raise _OvertakenError
                yield conn, made
                return
        except _OvertakenError:
            continue
    raise ApiError("plan_changed", "others change the cameras just now: try again")
