"""The gap report as one HTML file that needs nothing else, sent while it is made: sums by cause stand at its end.

How it looks is in ``templates/``, filled in by Jinja2. Invariant: whatever a name or a camera's error has in it is text
there; templates escape all that they fill in, and none may say ``safe`` (a test reads them).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nvr.documents.tables import DocumentTable
from nvr.reports.document import GapDocument, Reader, camera_parts, figure_boxes, report_facts
from nvr.reports.document_tables import camera_table, cause_table, gap_table
from nvr.reports.heat import COLOURS, HeatDay, cell_fill, heat, is_pictured, legend
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.texts import Formats
from storage.coverage.figures import Figures

__all__ = ["TEMPLATES", "html_report"]

TEMPLATES: Final = Path(__file__).parent / "templates"

# A browser shows no more than that without becoming slow; CSV and JSON have no limit.
_MOST_PARTS: Final = 400
_MOST_GAPS: Final = 20_000
_MOST_PICTURES: Final = 40
_MOST_ROWS: Final = 5_000
# Most pieces of a template are a few letters, others 50 rows of a table; so many of them are sent at once.
_PIECES_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class _HourCell:
    """``filled``: the share of it that is drawn as recorded, from the left."""

    hour: int
    colour: str
    filled: float
    title: str


@dataclass(frozen=True, slots=True)
class _DayRow:
    label: str
    share: str
    cells: Sequence[_HourCell]


@dataclass(frozen=True, slots=True)
class _Picture:
    rows: Sequence[_DayRow]
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    camera: ReportCamera
    picture: _Picture | None
    table: DocumentTable


@dataclass(slots=True)
class _Page:
    """What the template asks for, in its order. ``left_out`` and ``totals`` hold once ``parts`` were gone through."""

    conn: sqlite3.Connection
    report: GapDocument
    totals: Totals = field(default_factory=Totals)
    left_out: str = ""

    @property
    def picture(self) -> _Picture | None:
        """Of all cameras together."""
        report = self.report
        if not is_pictured(report):
            return None
        days = heat(self.conn, [found.camera for found in report.found], report)
        formats = report.reader.formats
        return _Picture(_rows(days, formats, one=report.only_camera is not None), legend(days, formats))

    @property
    def cameras(self) -> DocumentTable | None:
        """Their figures, if there are several."""
        return camera_table(self.report, most=_MOST_ROWS) if self.report.only_camera is None else None

    @property
    def parts(self) -> Iterator[_Part]:
        """Each camera that has gaps."""
        report, formats, told = self.report, self.report.reader.formats, 0
        pictures = _MOST_PICTURES if is_pictured(report) and report.only_camera is None else 0
        for part in camera_parts(self.conn, report, self.totals, most_gaps=_MOST_GAPS, parts=_MOST_PARTS):
            days = heat(self.conn, [part.camera], report) if told < pictures else None
            told += 1
            picture = None if days is None else _Picture(_rows(days, formats, one=True))
            yield _Part(part.camera, picture, gap_table(part, formats))
        self.left_out = report.parts_left_out(told, _MOST_PARTS)

    @property
    def causes(self) -> DocumentTable | None:
        """Sums by cause."""
        return cause_table(self.totals, self.report.reader.formats) if self.totals.kinds else None

    @property
    def folded(self) -> str:
        """What was not listed, since it is shorter than asked for."""
        formats, fold_us, folded = self.report.reader.formats, self.report.query.fold_us, self.totals.folded
        if not fold_us:
            return ""
        return formats.say(
            "folded",
            length=formats.length(fold_us),
            gaps=formats.number(folded.gaps),
            missing=formats.length(folded.us),
        )


def html_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
) -> Iterator[bytes]:
    """The document in pieces. ``conn`` must be in a transaction."""
    report = GapDocument.of(conn, cameras, query, reader, now_us=now_us)
    stream = (
        _templates()
        .get_template("gaps.html")
        .stream(
            page=_Page(conn, report),
            report=report,
            reader=reader,
            say=reader.formats.say,
            zip=zip,
            facts=report_facts(report, None),
            boxes=figure_boxes(report),
            colours={name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in COLOURS.items()},
        )
    )
    stream.enable_buffering(_PIECES_AT_ONCE)
    for text in stream:
        yield text.encode()


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _rows(days: Sequence[HeatDay], formats: Formats, *, one: bool) -> list[_DayRow]:
    return [
        _DayRow(
            day.label(formats),
            day.share(formats),
            [
                _cell(hour, mine, formats, f"{day.label(formats)} {hour:02d}:00", one=one)
                for hour, mine in enumerate(day.hours)
                if mine is not None
            ],
        )
        for day in days
    ]


def _cell(hour: int, mine: Figures, formats: Formats, when: str, *, one: bool) -> _HourCell:
    # The same figure as everywhere: what is no longer there, or was not required, is beside it.
    figures = {
        "coverage": formats.percent(mine.recorded_us, mine.required_us),
        "recorded": formats.length(mine.recorded_us),
    }
    title = " · ".join([when, *(f"{formats.say(name)}: {value}" for name, value in figures.items())])
    colour, share = cell_fill(mine, one=one)
    return _HourCell(hour, colour, share, title)
