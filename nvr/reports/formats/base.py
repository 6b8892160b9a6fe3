"""What a format of reports is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nvr.reports.document import Reader
from nvr.reports.query import GapQuery, ReportCamera

__all__ = ["MakeReport", "ReportFormat"]


class MakeReport(Protocol):
    """Makes a gap report in pieces, while they are taken. ``conn`` must be in a transaction."""

    def __call__(
        self,
        conn: sqlite3.Connection,
        cameras: Sequence[ReportCamera],
        query: GapQuery,
        reader: Reader,
        /,
        *,
        now_us: int,
    ) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """``name`` is what is asked for, and the ending of its files."""

    name: str
    media_type: str
    make: MakeReport
