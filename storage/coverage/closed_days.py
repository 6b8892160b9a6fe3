"""Coverage of closed days, kept in ``coverage_day``, and the figures of a range made of them.

Invariant: a row with ``dirty = 0`` says what ``storage.coverage.figures`` would find in its day; any change of footage
or facts in the day raises ``dirty`` by a trigger, in its own transaction. So an answer never depends on which rows
there are, only how long it takes.

A day is made when all of it is known and nothing that grows began before its end.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

import msgspec
import numpy as np

from storage.catalogue.database import Database
from storage.coverage.figures import Figures, FigureTable, figure_table, joined
from storage.coverage.fleet import batches, read_batch
from storage.coverage.fleet_partition import Int64
from storage.intervals import DAY_US

__all__ = ["figures", "figures_between", "refresh", "tables_between"]

_COLUMNS: Final = tuple(f.name for f in fields(FigureTable))
# A row for every day from the first of the camera's story to yesterday, as long as it was not removed.
_NEW: Final = f"""INSERT INTO coverage_day (camera, day, dirty) WITH first AS (
  SELECT c.key, c.removed_us, coalesce((SELECT max(day) + 1 FROM coverage_day WHERE camera = c.key),
    min(c.added_us, coalesce((SELECT min(start_us) FROM span WHERE camera = c.key), c.added_us)) / {DAY_US}) AS day
  FROM camera c),
next (camera, removed_us, day) AS (
  SELECT key, removed_us, day FROM first UNION ALL SELECT camera, removed_us, day + 1 FROM next WHERE day < :today)
SELECT camera, day, 1 FROM next
WHERE day < :today AND (removed_us IS NULL OR removed_us >= day * {DAY_US}) ORDER BY camera, day LIMIT :most"""
_DIRTY: Final = f"""SELECT d.day, d.camera, d.dirty FROM coverage_day d INDEXED BY coverage_day_dirty
WHERE d.dirty > 0 AND (d.day, d.camera) > (:day, :camera)
AND NOT EXISTS (SELECT 1 FROM growing g WHERE g.camera = d.camera AND g.start_us < (d.day + 1) * {DAY_US})
ORDER BY d.day, d.camera LIMIT :most"""
_FILL: Final = (
    f"UPDATE coverage_day SET dirty = 0, {', '.join(f'{name} = ?' for name in _COLUMNS)}"
    " WHERE camera = ? AND day = ? AND dirty = ?"
)
_NEW_STEP: Final = 10_000
_STEP: Final = 1_000
# Of a table: cameras times columns.
_CELLS: Final = 200_000
# Cameras whose days are read at once.
_CAMERAS: Final = 500


def refresh(database: Database, *, now_us: int, ending: threading.Event | None = None) -> int:
    """Makes the rows of days that have closed, and recomputes dirty ones; returns how many. Stops early when ``ending``
    is set."""
    added = _NEW_STEP
    while added == _NEW_STEP and not (ending and ending.is_set()):
        with database.write() as conn:
            added = conn.execute(_NEW, {"today": now_us // DAY_US, "most": _NEW_STEP}).rowcount
    made, at = 0, (-1, 0)
    while not (ending and ending.is_set()):
        with database.read() as conn:
            found = conn.execute(_DIRTY, {"day": at[0], "camera": at[1], "most": _STEP}).fetchall()
            # What was read and what was counted as dirty is of one moment.
            rows = [row for day in sorted({row[0] for row in found}) for row in _made(conn, day, found, now_us)]
        if not found:
            return made
        at = (found[-1][0], found[-1][1])
        with database.write() as conn:
            # A change since then has raised the mark: the row stays dirty.
            made += conn.executemany(_FILL, rows).rowcount
    return made


def _made(conn: sqlite3.Connection, day: int, found: Sequence[sqlite3.Row], now_us: int) -> Iterator[tuple[int, ...]]:
    """The values of a day's rows."""
    marks = [(row[1], row[2]) for row in found if row[0] == day]
    ids = _ids(conn, [key for key, _ in marks])
    batch = read_batch(conn, ids, day * DAY_US, (day + 1) * DAY_US, now_us=now_us)
    table = figure_table(batch, (day * DAY_US, (day + 1) * DAY_US))
    columns = np.stack([getattr(table, name)[:, 0] for name in _COLUMNS], 1).tolist()
    known = (batch.known_us == DAY_US).tolist()
    for (key, dirty), values, whole in zip(marks, columns, known, strict=True):
        if whole:
            yield (*values, key, day, dirty)


def _ids(conn: sqlite3.Connection, keys: Sequence[int]) -> list[tuple[int, str]]:
    rows = conn.execute(
        "SELECT k.value, c.id FROM json_each(?) k CROSS JOIN camera c ON c.key = k.value", (json.dumps(list(keys)),)
    )
    return [(row[0], row[1]) for row in rows]


def figures(
    conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], start_us: int, end_us: int, *, now_us: int
) -> Iterator[Figures]:
    """Figures of each camera (key, id) over ``[start_us, end_us)``, in their order. ``conn`` must be in a
    transaction."""
    for at in range(0, len(cameras), _CAMERAS):
        some = cameras[at : at + _CAMERAS]
        table = joined([*_parts(conn, some, start_us, end_us, now_us)])
        yield from (table.figures(number) for number in range(len(some)))


def tables_between(
    conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], edges_us: Sequence[int], *, now_us: int
) -> Iterator[FigureTable]:
    """Figures of the cameras between each two of the edges, whatever days they cut: from footage and facts alone, some
    cameras at a time."""
    most = max(1, _CELLS // len(edges_us))
    for batch in batches(conn, cameras, edges_us[0], edges_us[-1], now_us=now_us, most_cameras=most):
        yield figure_table(batch, edges_us)


def figures_between(
    conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], edges_us: Sequence[int], *, now_us: int
) -> FigureTable:
    """The same in one table."""
    found = list(tables_between(conn, cameras, edges_us, now_us=now_us))
    return FigureTable(*(np.concatenate([getattr(table, name) for table in found]) for name in _COLUMNS))


def _parts(
    conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], start_us: int, end_us: int, now_us: int
) -> Iterator[FigureTable]:
    """The range in pieces: its whole days, and what is before and after them."""
    first, last = -(-start_us // DAY_US), end_us // DAY_US
    if first >= last:
        yield figures_between(conn, cameras, (start_us, end_us), now_us=now_us)
        return
    if start_us < first * DAY_US:
        yield figures_between(conn, cameras, (start_us, first * DAY_US), now_us=now_us)
    yield _days(conn, cameras, first, last, now_us)
    if last * DAY_US < end_us:
        yield figures_between(conn, cameras, (last * DAY_US, end_us), now_us=now_us)


def _days(
    conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], first: int, last: int, now_us: int
) -> FigureTable:
    """Days ``first`` to ``last`` (excluded): kept ones, and those made now that are not kept or dirty."""
    values = {"keys": json.dumps([key for key, _ in cameras]), "first": first, "last": last}
    row = conn.execute(
        "SELECT group_concat(k.key), group_concat(d.day - :first),"
        f" {', '.join(f'group_concat(d.{name})' for name in _COLUMNS)}"
        " FROM json_each(:keys) k CROSS JOIN coverage_day d ON d.camera = k.value"
        " WHERE d.day >= :first AND d.day < :last AND d.dirty = 0",
        values,
    ).fetchone()
    camera, day, *columns = (_numbers(text) for text in row)
    shape = (len(cameras), last - first)
    have = np.zeros(shape, np.bool_)
    have[camera, day] = True
    table = FigureTable(*(np.zeros(shape, np.int64) for _ in _COLUMNS))
    for name, column in zip(_COLUMNS, columns, strict=True):
        getattr(table, name)[camera, day] = column
    for a, b in _runs(~have.all(0)):
        lacking = np.flatnonzero(~have[:, a:b].all(1)).tolist()
        edges = [(first + number) * DAY_US for number in range(a, b + 1)]
        made = figures_between(conn, [cameras[number] for number in lacking], edges, now_us=now_us)
        for name in _COLUMNS:
            getattr(table, name)[lacking, a:b] = getattr(made, name)
    return table


def _numbers(text: str | None) -> Int64:
    return np.array(msgspec.json.decode(f"[{text}]", type=list[int]) if text else (), np.int64)


def _runs(flags: Any) -> list[tuple[int, int]]:
    """Where the flags are set, as half-open ranges."""
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    change = np.diff(padded)
    return list(zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True))
