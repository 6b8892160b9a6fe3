"""Marks on a camera's time: what its device reported, and what analyses of others saw in its footage.

Invariants: a mark is seen only together with its footage, and goes with it; what an analysis says has its name and
version beside it.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from storage.sentences import Sentence
from storage.texts import TextError, one_line

__all__ = [
    "CAMERA",
    "MARK_KINDS",
    "MOST_MARKS",
    "CameraMark",
    "MarkError",
    "NewMark",
    "add",
    "between",
    "close_all",
    "prune",
    "put",
]

MARK_KINDS: Final = (
    "motion", "tamper", "picture", "signal", "input", "storage", "login", "line", "area", "other",
)  # fmt: skip
"""What devices report: motion; a camera that is covered or turned; a picture too dark, too bright or out of focus; no
signal; a contact; a card that fails; a refused login; a line that was crossed; something in an area; anything else."""

CAMERA: Final = "camera"
"""The source of what devices report."""

MOST_MARKS: Final = 2_000
"""So many are listed at once."""

# Of one analysis, camera and hour: a program gone wrong; and of all, whatever they call themselves.
_MOST_AN_HOUR: Final = 1_000
_MOST_OF_ALL_AN_HOUR: Final = 4_000
_HOUR_US: Final = 3_600_000_000
_LONGEST_US: Final = 24 * _HOUR_US
_KIND: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")

_SELECT: Final = """SELECT m.id, c.id AS camera, m.kind, m.start_us, m.end_us, m.is_on, m.count, m.source, m.version,
m.detail, m.made_us FROM mark m JOIN camera c ON c.key = m.camera"""


class MarkError(ValueError):
    """A mark can't be made like this; the message says why."""

    def __init__(self, message: Sentence) -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class CameraMark:
    """Something of ``[start_us, end_us)`` of a camera; at one moment, if both are the same. ``is_on``: it has not
    ended, ``end_us`` is as far as is known. ``count``: how many of them it stands for. ``source``: ``CAMERA``, or the
    name of an analysis with its ``version``."""

    id: str
    camera: str
    kind: str
    start_us: int
    end_us: int
    is_on: bool
    count: int
    source: str
    version: str
    detail: Mapping[str, Any]
    made_us: int


@dataclass(frozen=True, slots=True)
class NewMark:
    """What an analysis saw. ``detail`` may have a ``label`` and a ``score``."""

    camera: str
    kind: str
    start_us: int
    end_us: int
    source: str
    version: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def _mark(row: sqlite3.Row) -> CameraMark:
    values = dict(row)
    values["is_on"] = bool(values["is_on"])
    values["detail"] = json.loads(values["detail"])
    return CameraMark(**values)


def put(
    conn: sqlite3.Connection,
    id_: str,
    camera: str,
    kind: str,
    start_us: int,
    end_us: int,
    *,
    is_on: bool,
    count: int,
    detail: Mapping[str, Any],
    now_us: int,
) -> None:
    """Enters what a device reported, or how far it went on since; of a camera that there is not, nothing."""
    conn.execute(
        "INSERT INTO mark (id, camera, kind, start_us, end_us, is_on, count, source, version, detail, made_us)"
        " SELECT ?, key, ?, ?, ?, ?, ?, ?, '', ?, ? FROM camera WHERE id = ?"
        " ON CONFLICT (id) DO UPDATE SET end_us = max(start_us, excluded.end_us), is_on = excluded.is_on,"
        " count = excluded.count",
        (id_, kind, start_us, max(start_us, end_us), is_on, count, CAMERA, json.dumps(dict(detail)), now_us, camera),
    )


def close_all(conn: sqlite3.Connection) -> None:
    """Ends what devices had reported as going on, where it was last known to: nobody heard what came after."""
    conn.execute("UPDATE mark SET is_on = 0 WHERE is_on = 1 AND source = ?", (CAMERA,))


def _check_sources(sources: Iterable[tuple[str, str]]) -> None:
    for source, version in sources:
        for what, text, may_be_empty in (("source", source, False), ("version", version, True)):
            try:
                one_line(what, text, longest=80, may_be_empty=may_be_empty)
            except TextError as error:
                raise MarkError(error.args[0]) from None
        if source.strip() == CAMERA:
            raise MarkError(
                Sentence("the source is the name of the analysis; {word!r} are the cameras' own", word=CAMERA)
            )


def _check(mark: NewMark, now_us: int) -> None:
    if _KIND.fullmatch(mark.kind) is None:
        raise MarkError(Sentence("a kind is a word of 1 to 40 small letters, digits, - and _"))
    if not 0 <= mark.start_us <= mark.end_us <= now_us or mark.end_us - mark.start_us > _LONGEST_US:
        raise MarkError(Sentence("a mark is of at most a day that has been, and does not end before it begins"))


def add(conn: sqlite3.Connection, marks: Sequence[NewMark], *, by: str, now_us: int) -> list[str]:
    """Enters what an analysis saw: all of it or nothing; their ids. Others wait for the lock: each camera and each hour
    is looked up once.

    Raises:
        KeyError: there is no such camera.
        MarkError: one can't be, or there are too many.
    """
    _check_sources({(mark.source, mark.version) for mark in marks})
    keys = _keys(conn, {mark.camera for mark in marks})
    counts: dict[tuple[int, int], Counter[str]] = {}
    rows = []
    for mark in marks:
        _check(mark, now_us)
        key, hour_us, source = keys[mark.camera], mark.start_us // _HOUR_US * _HOUR_US, mark.source.strip()
        if (known := counts.get((key, hour_us))) is None:
            known = counts[key, hour_us] = _counts(conn, key, hour_us)
        if known[source] >= _MOST_AN_HOUR or known.total() >= _MOST_OF_ALL_AN_HOUR:
            raise MarkError(
                Sentence(
                    "this hour of camera {camera!r} has {most} marks of {source!r}: merge them",
                    camera=mark.camera,
                    most=known[source],
                    source=source,
                )
            )
        known[source] += 1
        rows.append(
            (
                secrets.token_hex(8), key, mark.kind, mark.start_us, mark.end_us, source, mark.version.strip(),
                json.dumps(dict(mark.detail)), by, now_us,
            )
        )  # fmt: skip
    conn.executemany(
        "INSERT INTO mark (id, camera, kind, start_us, end_us, is_on, count, source, version, detail, made_by_id,"
        " made_us) VALUES (?,?,?,?,?,0,1,?,?,?,?,?)",
        rows,
    )
    return [row[0] for row in rows]


def _keys(conn: sqlite3.Connection, cameras: Collection[str]) -> dict[str, int]:
    query = "SELECT id, key FROM camera WHERE id IN (SELECT value FROM json_each(?))"
    found = {str(row[0]): int(row[1]) for row in conn.execute(query, (json.dumps(sorted(cameras)),))}
    for camera in cameras:
        if camera not in found:
            raise KeyError(camera)
    return found


def _counts(conn: sqlite3.Connection, key: int, hour_us: int) -> Counter[str]:
    """How many marks an hour of a camera has of each analysis."""
    query = (
        "SELECT source, count(*) FROM mark WHERE camera = ? AND start_us >= ? AND start_us < ? AND source <> ?"
        " GROUP BY source"
    )
    return Counter(
        {str(row[0]): int(row[1]) for row in conn.execute(query, (key, hour_us, hour_us + _HOUR_US, CAMERA))}
    )


def between(
    conn: sqlite3.Connection,
    start_us: int,
    end_us: int,
    *,
    cameras: Collection[str] | None = None,
    kinds: Iterable[str] = (),
    most: int = MOST_MARKS,
) -> list[CameraMark]:
    """Those that touch ``[start_us, end_us)``, the latest first. ``cameras`` None: of all; no ``kinds``: all of
    them."""
    wanted = list(kinds)
    # A mark is at most a day long: without that bound the index is of no use.
    where = ["m.start_us < ?", "m.end_us >= ?", "m.start_us >= ?"]
    values: list[Any] = [end_us, start_us, start_us - _LONGEST_US]
    if wanted:
        where.append(f"m.kind IN ({','.join('?' * len(wanted))})")
        values += wanted
    if cameras is not None:
        where.append("c.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(cameras)))
    query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY m.start_us DESC, m.id LIMIT ?"
    return [_mark(row) for row in conn.execute(query, (*values, most))]


def prune(conn: sqlite3.Connection, camera: str, before_us: int) -> int:
    """Removes a camera's marks that ended before its oldest footage; says how many."""
    return conn.execute(
        "DELETE FROM mark WHERE camera = (SELECT key FROM camera WHERE id = ?) AND end_us < ?", (camera, before_us)
    ).rowcount
