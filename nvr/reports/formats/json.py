"""JSON. Its sums come last, since they are known last; a reader that needs the whole object does not notice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from nvr.reports.document import Reader
from nvr.reports.formats.base import ReportFormat
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.reports.stream import iso_time, limited, listings, steps_body
from nvr.reports.tables import json_lines
from storage.coverage.clock_steps import fleet_steps

__all__ = ["JSON", "json_report"]


def json_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, _: Reader, *, now_us: int
) -> Iterator[bytes]:
    """The report as JSON."""
    head = {
        "start": iso_time(query.range.start_us),
        "end": iso_time(query.range.end_us),
        "as_of": iso_time(max(query.range.start_us, min(query.range.end_us, now_us))),
        "fold_s": query.fold_s,
        "filters": query.filters(),
    }
    yield msgspec.json.encode(head).removesuffix(b"}") + b',"gaps":['
    by_id = {camera.id: camera for camera in cameras}
    totals = Totals()
    is_first, told = True, 0
    for listing, rows in limited(listings(conn, cameras, query, now_us=now_us), query.limit, totals):
        if text := json_lines(listing, rows, by_id):
            yield text.removeprefix(b",\n") if is_first else text
            is_first = False
            told += len(rows)
    steps = steps_body(fleet_steps(conn, totals.members, *query.range))
    yield b'],"omitted":%d,"total":' % (totals.listed.gaps - told) + msgspec.json.encode(totals.body())
    yield b',"clock_steps":' + msgspec.json.encode(steps) + b"}"


JSON: Final = ReportFormat("json", "application/json", json_report)
