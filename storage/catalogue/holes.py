"""Holes: stretches within a segment in which no frame could be decoded, though its run went on
(``storage.format.boxes.Hole``).

Their ticks are the file's; their wall times follow from the segment's mapping, as those of its frames do, so that
coverage and playback agree to the frame. Invariants: the holes of a segment are those of its file, within it; each is
explained by facts of the recorder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage.catalogue import facts
from storage.catalogue.facts import Fact
from storage.causes import Cause, Layer
from storage.format.boxes import Hole
from storage.intervals import Interval, merge, subtract

__all__ = ["KEY", "grown", "parsed", "settle"]

KEY: Final = (
    "camera = (SELECT key FROM camera WHERE id = :camera) AND start_us = :start_us"
    " AND node = (SELECT key FROM node WHERE id = :node) AND epoch = :epoch"
)
# While it grows, a second is ``timescale`` ticks.
_INSERT: Final = (
    "INSERT INTO hole (camera, start_us, node, epoch, media_start, media_end, from_us, until_us, loss)"
    " SELECT camera, start_us, node, epoch, :a, :b, start_us + (:a - media_start) * 1000000 / timescale,"
    f" start_us + (:b - media_start) * 1000000 / timescale, :loss FROM segment WHERE {KEY} AND end_us IS NULL"
)
# So far a run's clock may have led a fact's times away from those of the closed segment.
_SLACK_US: Final = 200_000


def parsed(text: str | None) -> tuple[Interval, ...]:
    """What ``storage.catalogue.segments`` reads of a row's holes."""
    if not text:
        return ()
    pairs = (pair.partition(" ") for pair in text.split(","))
    return tuple(sorted(Interval(int(a), int(b)) for a, _, b in pairs))


def grown(conn: sqlite3.Connection, key: Mapping[str, Any], found: Sequence[Hole]) -> None:
    """A growing segment has these holes so far; those that are known already are passed over."""
    if not found:
        return
    known = conn.execute(f"SELECT max(media_start) FROM hole WHERE {KEY}", key).fetchone()[0]
    for hole in found:
        if known is None or hole.start > known:
            conn.execute(_INSERT, {**key, "a": hole.start, "b": hole.end, "loss": hole.loss})


def settle(
    conn: sqlite3.Connection, key: Mapping[str, Any], found: Sequence[Hole], *, end_us: int, media_end: int
) -> list[Interval]:
    """A segment is closed, and these are its holes: their wall times are now those of the closed segment, and so are
    those of the facts that explain them. Facts of holes that the file turned out not to have go. Returns the holes that
    there are."""
    known = conn.execute(f"SELECT media_start, from_us, until_us FROM hole WHERE {KEY}", key).fetchall()
    if not known and not found:
        return []
    row = conn.execute(f"SELECT media_start, timescale FROM segment WHERE {KEY}", key).fetchone()
    start_us, media_start = key["start_us"], row["media_start"]
    us, ticks = end_us - start_us, media_end - media_start
    if us <= 0 or ticks <= 0:
        us, ticks = 1_000_000, row["timescale"]
    conn.execute(f"DELETE FROM hole WHERE {KEY}", key)
    there = {hole.start for hole in found}
    before = {old["media_start"]: Interval(old["from_us"], old["until_us"]) for old in known}
    for number, old in before.items():
        if number not in there:
            _forget_facts(conn, key, *old)
    # Read once: a camera that loses much has hundreds of holes a segment.
    lasting = max([end_us, *(old.end_us for old in before.values())])
    story = [
        fact
        for fact in facts.between(conn, key["camera"], start_us, lasting)
        # One that is still open is of before the segment, and ends where that began.
        if fact.layer is Layer.RECORDER and fact.end_us is not None
    ]
    made = []
    for hole in found:
        a = start_us + (hole.start - media_start) * us // ticks
        b = min(start_us + (hole.end - media_start) * us // ticks, end_us)
        if a >= b:
            # Nothing came after it.
            continue
        conn.execute(
            "INSERT INTO hole (camera, start_us, node, epoch, media_start, media_end, from_us, until_us, loss)"
            " SELECT key, :start_us, (SELECT key FROM node WHERE id = :node), :epoch, :a, :b, :from, :until, :loss"
            " FROM camera WHERE id = :camera",
            {**key, "a": hole.start, "b": hole.end, "from": a, "until": b, "loss": hole.loss},
        )
        now = Interval(a, b)
        _explain(conn, key, story, now, before.get(hole.start, now), hole)
        made.append(now)
    return made


def _forget_facts(conn: sqlite3.Connection, key: Mapping[str, Any], from_us: int, until_us: int) -> None:
    conn.execute(
        "DELETE FROM fact WHERE camera = (SELECT key FROM camera WHERE id = :camera) AND layer = 'recorder'"
        " AND start_us >= :a AND start_us < :b AND end_us <= :b + :slack"
        " AND node = (SELECT key FROM node WHERE id = :node) AND epoch = :epoch AND cause IN ('corrupt', 'stalled')",
        {**key, "a": from_us - _SLACK_US, "b": until_us, "slack": _SLACK_US},
    )


def _explain(
    conn: sqlite3.Connection,
    key: Mapping[str, Any],
    story: Sequence[Fact],
    now: Interval,
    before: Interval,
    hole: Hole,
) -> None:
    """The facts of this hole, among those of the recorder, which they knew as ``before``, cover it as it is ``now``;
    where there is none, the file is what is known."""
    camera, node, epoch = key["camera"], key["node"], key["epoch"]
    touching = [
        (fact, fact.end_us or 0)
        for fact in story
        if (fact.start_us < before.end_us and (fact.end_us or 0) > before.start_us)
        or (fact.start_us < now.end_us and (fact.end_us or 0) > now.start_us)
    ]
    own = [
        fact
        for fact, end_us in touching
        if (fact.node, fact.epoch) == (node, epoch) and fact.start_us < before.end_us and end_us > before.start_us
    ]
    known = []
    for fact, end_us in touching:
        a = min(fact.start_us, now.start_us) if own and fact is own[0] else fact.start_us
        b = max(end_us, now.end_us) if own and fact is own[-1] else end_us
        if (a, b) != (fact.start_us, end_us):
            facts.move(conn, fact, a, b)
        known.append(Interval(a, b))
    cause = Cause.CORRUPT if hole.loss else Cause.STALLED
    detail = {"reason": "found in the file", **({"class": hole.loss} if hole.loss else {})}
    for a, b in subtract(*now, merge(known)):
        facts.insert(conn, camera, cause, a, b, detail, node=node, epoch=epoch, layer=Layer.RECORDER)
