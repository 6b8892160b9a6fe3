"""A gap report's rows, piece by piece, from one snapshot of the catalogue: what all formats are made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from nvr.reports.listing import Listing, Totals, list_batch
from nvr.reports.query import GapQuery, ReportCamera
from nvr.texts.plain import PlainDetails
from storage.coverage.clock_steps import FleetStep
from storage.coverage.fleet import batches
from storage.coverage.fleet_partition import Int64

__all__ = ["iso_time", "limited", "listings", "steps_body"]

_EPOCH: Final = datetime(1970, 1, 1)


def iso_time(at_us: int) -> str:
    """``2026-11-23T14:05:06.123456Z``."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds") + "Z"


def listings(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, now_us: int, with_detail: bool = True
) -> Iterator[Listing]:
    """The report's gaps in batches. ``conn`` must be in a transaction."""
    keys = [(camera.key, camera.id) for camera in cameras]
    for batch in batches(conn, keys, *query.range, now_us=now_us, with_detail=with_detail):
        if query.plain and with_detail:
            batch = replace(batch, detail=PlainDetails(batch.detail))
        yield list_batch(batch, query)


def limited(found: Iterator[Listing], limit: int | None, totals: Totals) -> Iterator[tuple[Listing, Int64]]:
    """The rows that are listed of each batch; all are counted."""
    left = limit
    for listing in found:
        totals.add(listing)
        rows = listing.listed if left is None else listing.listed[:left]
        left = None if left is None else left - len(rows)
        yield listing, rows


def steps_body(steps: Sequence[FleetStep]) -> list[dict[str, Any]]:
    """Steps of the server's clock, as they are answered."""
    return [
        {
            "at": iso_time(step.at_us),
            "to": iso_time(step.to_us),
            "by_s": step.by_us / 1_000_000,
            "cameras": step.cameras,
        }
        for step in steps
    ]
