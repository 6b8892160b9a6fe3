"""Footage and gaps of many cameras over a range, read in batches: a fleet's month of two million gaps in seconds, in
flat memory.

Invariant: for every camera, gaps and ``as_of_us`` are those that ``tests/storage/oracle.py`` comes to fact by fact.

Rows come out of SQLite as a few long texts a batch, not as a Python object a value: that takes half the time, and none
of it holds the interpreter's lock, so that the next batch is read while this one is used.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from storage.catalogue import facts as fact_rows
from storage.catalogue.facts import Fact
from storage.causes import Cause, Layer
from storage.coverage.fleet_partition import CAUSES, CODE, LAYER_OF_RANK, OPEN, FactArrays, Gaps, Int64, partition_many
from storage.coverage.original_causes import Attribution, attribute
from storage.coverage.partition import CausedInterval, rank
from storage.coverage.pending import pending
from storage.intervals import DAY_US, Interval, subtract

__all__ = ["FleetBatch", "batches", "read_batch", "told_until"]

# Rows of a batch: enough that arrays pay, few enough that the first answer comes at once and memory stays flat.
_ROWS: Final = 20_000
_FIRST_CAMERAS: Final = 8
_MOST_CAMERAS: Final = 1_000

_SPANS: Final = """SELECT group_concat(k.key), group_concat(s.start_us - :start), group_concat(s.end_us - s.start_us)
FROM json_each(:keys) k CROSS JOIN span s ON s.camera = k.value
WHERE s.start_us >= :least AND s.start_us < :end AND s.end_us > :start"""
# By primary key those that begin in the range; by their end the few that reach into it from before.
_BEGIN: Final = """json_each(:keys) k CROSS JOIN fact f ON f.camera = k.value
WHERE f.layer IN ('footage', 'order', 'recorder') AND f.start_us >= :start AND f.start_us < :end"""
_REACH: Final = """json_each(:keys) k CROSS JOIN (SELECT camera, layer, start_us, node, epoch
  FROM fact INDEXED BY fact_end WHERE end_us > :start AND start_us < :start) i ON i.camera = k.value
CROSS JOIN fact f ON f.camera = i.camera AND f.layer = i.layer AND f.start_us = i.start_us AND f.node = i.node
  AND f.epoch = i.epoch"""
_LASTING: Final = """json_each(:keys) k CROSS JOIN (SELECT camera, layer, start_us, node, epoch
  FROM fact INDEXED BY fact_end WHERE end_us IS NULL AND start_us < :start) i ON i.camera = k.value
CROSS JOIN fact f ON f.camera = i.camera AND f.layer = i.layer AND f.start_us = i.start_us AND f.node = i.node
  AND f.epoch = i.epoch"""
# A recorder that was told to stop repeats a decision's cause in its own layer; told apart here by a star. Whose the
# evidence says that it is stands after a slash.
_CAUSE: Final = """CASE WHEN f.layer = 'recorder' AND f.cause IN ('disabled', 'schedule', 'maintenance')
THEN '*' || f.cause
WHEN f.cause IN ('corrupt', 'stalled') AND f.cause || '/' || json_extract(f.detail, '$.class')
  IN ('corrupt/camera', 'corrupt/server', 'stalled/network', 'stalled/server')
THEN f.cause || '/' || json_extract(f.detail, '$.class') ELSE f.cause END"""
_FACT: Final = (
    f"k.key AS place, f.start_us AS start, f.end_us, {_CAUSE} AS cause, f.detail, f.epoch, f.node AS node_key"
)
# Rank and code of a cause in one number.
_RANKED: Final = {
    **{name: rank(cause, cause.layer) * len(CODE) + CODE[name] for name, cause in zip(CODE, CAUSES, strict=True)},
    **{f"*{cause}": rank(cause, Layer.RECORDER) * len(CODE) + CODE[cause] for cause in Cause},
}
_GROWING: Final = """SELECT k.key, g.start_us, max(g.start_us, g.until_us), g.node, g.epoch
FROM json_each(:keys) k CROSS JOIN growing g ON g.camera = k.value"""
_GROWING_HOLES: Final = """SELECT k.key, g.start_us, g.node, g.epoch, h.from_us, h.until_us
FROM json_each(:keys) k CROSS JOIN growing g ON g.camera = k.value
CROSS JOIN hole h ON h.camera = g.camera AND h.start_us = g.start_us AND h.node = g.node AND h.epoch = g.epoch
ORDER BY 1, 2, 3, 4, 5"""
_WITHOUT_FOOTAGE: Final = """SELECT k.key FROM json_each(:keys) k WHERE EXISTS (SELECT 1 FROM fact f INDEXED BY fact_end
  WHERE f.camera = k.value AND f.end_us IS NULL AND f.layer = 'recorder')"""
# No JSON text holds one: a break inside of a text is written \n.
_BREAK: Final = b"\n"
_DECISIONS: Final = [number for number, layer in LAYER_OF_RANK.items() if layer is Layer.ORDER]


@dataclass(frozen=True, slots=True)
class FleetBatch:
    """``gaps.camera`` and ``as_of_us`` count ``cameras``, whose ids they are. ``detail`` has the facts' details as JSON
    texts, if asked for."""

    cameras: Sequence[str]
    start_us: int
    end_us: int
    as_of_us: Int64
    gaps: Gaps
    facts: FactArrays
    detail: Sequence[bytes]

    @property
    def known_us(self) -> Int64:
        """Of each camera, how much of the range is known."""
        return np.clip(self.as_of_us, self.start_us, self.end_us) - self.start_us

    @property
    def missing_us(self) -> Int64:
        """Of each camera, the length of its gaps. Exact: sums stay below 2^53."""
        weights = self.gaps.length_us.astype(np.float64)
        return np.bincount(self.gaps.camera, weights, len(self.cameras)).astype(np.int64)

    @property
    def open(self) -> NDArray[np.bool_]:
        """Of each gap, whether it may go on: it reaches what is known, and its fact is still so."""
        gaps = self.gaps
        if not len(gaps):
            return np.zeros(0, np.bool_)
        at_end = (gaps.end_us == self.as_of_us[gaps.camera]) & (gaps.end_us < self.end_us) & (gaps.fact >= 0)
        if not len(self.facts.end_us):
            return np.zeros(len(gaps), np.bool_)
        found: NDArray[np.bool_] = at_end & (self.facts.end_us[gaps.fact] == OPEN)
        return found

    def details(self, rows: Int64) -> list[bytes]:
        """The details of these gaps as JSON: their facts', and what stays beside a decision of people
        (``storage.coverage.original_causes``)."""
        facts = self.gaps.fact[rows]
        texts = [self.detail[fact] if fact >= 0 else b"{}" for fact in facts.tolist()]
        # The facts' ranks; one that there is not has none.
        decided = np.flatnonzero(np.isin(np.append(self.facts.rank, -1)[facts], _DECISIONS))
        cameras = self.gaps.camera[rows[decided]]
        for camera in np.unique(cameras).tolist():
            mine = decided[cameras == camera]
            for place, beside in zip(mine.tolist(), self._beside(camera, rows[mine]), strict=True):
                if beside is not None:
                    texts[place] = msgspec.json.encode({**msgspec.json.decode(texts[place]), **beside.detail()})
        return texts

    def of_one(self) -> tuple[list[Fact], list[CausedInterval]]:
        """Of a batch of one camera: its facts, by start, and its gaps, which point into them."""
        order = np.argsort(self.facts.start_us, kind="stable")
        places = np.append(np.argsort(order), -1)
        gaps = self.gaps
        rows = zip(
            gaps.start_us.tolist(), gaps.end_us.tolist(), gaps.cause.tolist(), places[gaps.fact].tolist(), strict=True
        )
        known = [self._fact(number) for number in order.tolist()]
        return known, [CausedInterval(start, end, CAUSES[cause], fact) for start, end, cause, fact in rows]

    def spans_of_one(self) -> tuple[Int64, Int64]:
        """Of a batch of one camera, what is recorded of it: starts and ends."""
        known_us = self.start_us + self.known_us[:1]
        start = np.concatenate([[self.start_us], self.gaps.end_us])
        end = np.concatenate([self.gaps.start_us, known_us])
        # Two gaps that touch have nothing between them.
        real = end > start
        return start[real], end[real]

    def _beside(self, camera: int, rows: Int64) -> list[Attribution | None]:
        """What stays beside each of these gaps of one camera, which are by time."""
        gaps, facts = self.gaps, self.facts
        start_us, end_us = int(gaps.start_us[rows].min()), int(gaps.end_us[rows].max())
        near = np.flatnonzero((facts.camera == camera) & (facts.start_us < end_us) & (facts.end_us > start_us))
        near = near[np.argsort(facts.start_us[near], kind="stable")]
        known = [self._fact(number) for number in near.tolist()]
        place = {number: at for at, number in enumerate(near.tolist())}
        found = [
            CausedInterval(a, b, CAUSES[cause], place[fact])
            for a, b, cause, fact in zip(
                *(column[rows].tolist() for column in (gaps.start_us, gaps.end_us, gaps.cause, gaps.fact)), strict=True
            )
        ]
        return attribute(found, known)

    def _fact(self, number: int) -> Fact:
        facts = self.facts
        end_us = int(facts.end_us[number])
        return Fact(
            self.cameras[int(facts.camera[number])],
            LAYER_OF_RANK[int(facts.rank[number])],
            int(facts.start_us[number]),
            None if end_us == OPEN else end_us,
            CAUSES[int(facts.cause[number])],
            msgspec.json.decode(self.detail[number]),
            "",
            0,
        )


def batches(
    conn: sqlite3.Connection,
    cameras: Sequence[tuple[int, str]],
    start_us: int,
    end_us: int,
    *,
    now_us: int,
    with_detail: bool = False,
    most_cameras: int = _MOST_CAMERAS,
) -> Iterator[FleetBatch]:
    """The cameras (key, id) in their order, in batches of ``most_cameras`` at most. ``conn`` must be in a transaction,
    and is used by another thread until this ends or is closed.

    Raises:
        ValueError: the range is empty or reversed.
    """
    if end_us <= start_us:
        raise ValueError("the range is empty: end must be after start")
    at, size = 0, min(_FIRST_CAMERAS, most_cameras)
    with ThreadPoolExecutor(1, thread_name_prefix="fleet-coverage") as pool:

        def read(some: Sequence[tuple[int, str]]) -> Future[_Read]:
            return pool.submit(_read, conn, some, start_us, end_us, now_us, with_detail)

        ahead = read(cameras[:size]) if cameras else None
        at = size
        while ahead is not None:
            now = ahead.result()
            size = max(1, min(most_cameras, len(now.cameras) * _ROWS // now.rows, len(now.cameras) * 4))
            ahead = read(cameras[at : at + size]) if at < len(cameras) else None
            at += size
            yield now.batch()


def read_batch(
    conn: sqlite3.Connection,
    cameras: Sequence[tuple[int, str]],
    start_us: int,
    end_us: int,
    *,
    now_us: int,
    with_detail: bool = False,
) -> FleetBatch:
    """All of the cameras (key, id) in one batch: for few cameras, or a short range."""
    return _read(conn, cameras, start_us, end_us, now_us, with_detail).batch()


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of some cameras."""

    cameras: Sequence[str]
    start_us: int
    end_us: int
    as_of_us: Int64
    spans: tuple[Int64, Int64, Int64]
    facts: FactArrays
    detail: Sequence[bytes]

    @property
    def rows(self) -> int:
        """Spans and facts; at least one."""
        return len(self.spans[0]) + len(self.facts.camera) + 1

    def batch(self) -> FleetBatch:
        """Its gaps."""
        gaps = partition_many(self.start_us, self.end_us, self.as_of_us, self.spans, self.facts)
        return FleetBatch(self.cameras, self.start_us, self.end_us, self.as_of_us, gaps, self.facts, self.detail)


def _read(
    conn: sqlite3.Connection,
    cameras: Sequence[tuple[int, str]],
    start_us: int,
    end_us: int,
    now_us: int,
    with_detail: bool,
) -> _Read:
    keys = json.dumps([key for key, _ in cameras])
    values = {"keys": keys, "start": start_us, "end": end_us, "least": start_us - DAY_US}
    growing = conn.execute(_GROWING, values).fetchall()
    as_of_us = _known_until(conn, cameras, values, growing, now_us)
    camera, start, length = (_numbers(text) for text in conn.execute(_SPANS, values).fetchone())
    grown = np.array(_without_holes(growing, conn.execute(_GROWING_HOLES, values)), np.int64).reshape(-1, 3)
    spans = (
        np.concatenate([camera, grown[:, 0]]),
        np.concatenate([start + start_us, grown[:, 1]]),
        np.concatenate([start + length + start_us, grown[:, 2]]),
    )
    facts, detail = _facts(conn, values, with_detail)
    return _Read([id_ for _, id_ in cameras], start_us, end_us, as_of_us, spans, facts, detail)


def _without_holes(growing: Iterable[sqlite3.Row], rows: Iterable[sqlite3.Row]) -> list[tuple[int, int, int]]:
    """Camera, start and end of the growing segments' footage."""
    holes = defaultdict[tuple[int, ...], list[Interval]](list)
    for *segment, a, b in rows:
        holes[tuple(segment)].append(Interval(a, b))
    return [
        (camera, a, b)
        for camera, start_us, end_us, *recorder in growing
        for a, b in subtract(start_us, end_us, holes.get((camera, start_us, *recorder), ()))
    ]


def _numbers(text: str | None) -> Int64:
    return np.array(msgspec.json.decode(f"[{text}]", type=list[int]) if text else (), np.int64)


def _facts(conn: sqlite3.Connection, values: dict[str, Any], with_detail: bool) -> tuple[FactArrays, list[bytes]]:
    more = ", CAST(group_concat(f.detail, char(10)) AS BLOB)" if with_detail else ""
    columns, causes, detail = [], list[int](), list[bytes]()
    for source in (_REACH, _LASTING, _BEGIN):
        row = conn.execute(
            "SELECT group_concat(k.key), group_concat(f.start_us - :start),"
            f" group_concat(coalesce(f.end_us - f.start_us, -1)), group_concat({_CAUSE}){more} FROM {source}",
            values,
        ).fetchone()
        columns.append([_numbers(text) for text in row[:3]])
        if row[3]:
            causes += [_RANKED[name] for name in row[3].split(",")]
            detail += row[4].split(_BREAK) if with_detail else ()
    camera, start, length = (np.concatenate([part[number] for part in columns]) for number in range(3))
    start = start + values["start"]
    end = np.where(length < 0, OPEN, start + length)
    found = FactArrays(camera, start, end, *_apart(causes))
    return _in_order(conn, values) if _any_tie(columns) else (found, detail)


def _any_tie(parts: Sequence[Sequence[Int64]]) -> bool:
    """Whether facts of a camera may begin at the same time, so that their order counts."""
    *before, (camera, start, _) = parts
    if bool(np.any((camera[1:] == camera[:-1]) & (start[1:] == start[:-1]))):
        return True
    # Those that begin in the range come sorted; the few others don't.
    few = [pair for part in before for pair in zip(part[0].tolist(), part[1].tolist(), strict=True)]
    return len(set(few)) < len(few)


def _in_order(conn: sqlite3.Connection, values: dict[str, Any]) -> tuple[FactArrays, list[bytes]]:
    """The facts in the order in which a later one wins."""
    sources = " UNION ALL ".join(f"SELECT {_FACT} FROM {source}" for source in (_REACH, _LASTING, _BEGIN))
    rows = conn.execute(
        f"SELECT place, start, end_us, cause, detail FROM ({sources}) f JOIN node n ON n.key = f.node_key"
        " ORDER BY place, start, epoch, n.id",
        values,
    ).fetchall()
    camera, start = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    end = np.array([OPEN if row[2] is None else row[2] for row in rows], np.int64)
    found = FactArrays(camera, start, end, *_apart([_RANKED[row[3]] for row in rows]))
    return found, [row[4].encode() for row in rows]


def _apart(ranked: Sequence[int]) -> tuple[Int64, Int64]:
    """Codes of causes, and ranks."""
    ranks, codes = np.divmod(np.array(ranked, np.int64), len(CODE))
    return codes, ranks


def told_until(conn: sqlite3.Connection, cameras: Sequence[tuple[int, str]], now_us: int) -> list[int]:
    """Until when the story of each of the cameras (key, id) is told."""
    values = {"keys": json.dumps([key for key, _ in cameras])}
    found: list[int] = _known_until(conn, cameras, values, conn.execute(_GROWING, values).fetchall(), now_us).tolist()
    return found


def _known_until(
    conn: sqlite3.Connection,
    cameras: Sequence[tuple[int, str]],
    values: Mapping[str, Any],
    growing: Iterable[sqlite3.Row],
    now_us: int,
) -> Int64:
    """Until when each camera's story is told: see ``storage.coverage.one_camera``."""
    grown_us: dict[int, int] = {}
    for place, _, until_us, *_ in growing:
        grown_us[place] = max(until_us, grown_us.get(place, 0))
    without = {row[0] for row in conn.execute(_WITHOUT_FOOTAGE, values)}
    waiting_us = pending(conn, values, now_us)
    known = []
    for place, (_, camera) in enumerate(cameras):
        if place in without:
            known.append(min(now_us, waiting_us.get(place, now_us)))
            continue
        told_us = grown_us.get(place) or fact_rows.story_end(conn, camera, now_us)
        known.append(min(now_us if told_us is None else min(told_us, now_us), waiting_us.get(place, now_us)))
    return np.array(known, np.int64)
