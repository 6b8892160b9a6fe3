"""The cameras that a request chooses: by a label query, by ids, or by an imported list."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from nvr.api.errors import ApiError
from nvr.camera_csv import read_ids
from storage import cameras, selection
from storage.impact import missing
from storage.selection import SelectionError

__all__ = ["Choice", "Chosen", "chosen", "parse_where"]


class Choice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One of these: ``where``, a label query such as ``district=Tembalang,isp=Telkom``; ``cameras``, ids; ``csv``, the text of a CSV file with
    a camera's id in each line."""

    where: str | None = None
    cameras: list[str] | None = None
    csv: str | None = None


class Chosen(msgspec.Struct, frozen=True):
    """The ids, sorted, and how they were chosen, for people."""

    ids: Sequence[str]
    how: str


def parse_where(text: str | None) -> selection.Selection:
    """The query.

    Raises:
        ApiError: ``invalid_selection``.
    """
    try:
        return selection.parse(text or "")
    except SelectionError as error:
        raise ApiError("invalid_selection", str(error)) from None


def chosen(conn: sqlite3.Connection, choice: Choice) -> Chosen:
    """The cameras chosen.

    Raises:
        ApiError: ``invalid_selection``: not one way to choose, a query or list that can't be read, unknown cameras, or none at all.
    """
    ways = [way for way in (choice.where, choice.cameras, choice.csv) if way is not None]
    if len(ways) != 1:
        raise ApiError("invalid_selection", "choose cameras in one way: where, cameras or csv")
    if choice.where is not None:
        if not choice.where.strip():
            raise ApiError("invalid_selection", "where is empty; for every camera, write *")
        query = parse_where(choice.where)
        ids = [row.id for row in cameras.every(conn) if query.has(row.id, row.labels)]
        how = choice.where.strip()
    elif choice.cameras is not None:
        ids, how = sorted(set(choice.cameras)), "ids"
    else:
        ids, errors = read_ids(choice.csv or "")
        if errors:
            found = [{"field": f"line {e.line}", "message": e.message} for e in errors[:1000]]
            raise ApiError("invalid_selection", "; ".join(map(str, errors[:20])), extra={"errors": found})
        how = "csv"
    if unknown := missing(conn, ids):
        found = [{"field": id_, "message": "there is no such camera"} for id_ in unknown[:1000]]
        raise ApiError("invalid_selection", f"there are no cameras {', '.join(unknown[:20])}", extra={"errors": found})
    if not ids:
        raise ApiError("invalid_selection", "no camera is chosen: see which labels the cameras have")
    return Chosen(sorted(ids), how)
