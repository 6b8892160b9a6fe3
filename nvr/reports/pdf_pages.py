"""The gap report as PDF. A report for a case (one camera, some days) is one page.

It is made in memory, so it has a limit: so many cameras' gaps, so many of each. What is left out is said where it would
stand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from nvr.documents.pdf import Document
from nvr.reports.document import CameraPart, GapDocument, Reader, camera_parts, figure_boxes, report_facts
from nvr.reports.document_tables import camera_table, cause_table, gap_table
from nvr.reports.figure_rows import ROWS
from nvr.reports.heat import COLOURS, HeatDay, cell_fill, heat, is_pictured, legend
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.texts import Formats
from storage.coverage.figures import Figures

__all__ = ["pdf_report"]

_MOST_PARTS: Final = 60
_MOST_GAPS: Final = 2_000
_MOST_PICTURES: Final = 12
_MOST_ROWS: Final = 400
# A page is too narrow for the means.
_CAMERA_ROWS: Final = ROWS[:8]


def pdf_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
) -> bytes:
    """The document. ``conn`` must be in a transaction."""
    report = GapDocument.of(conn, cameras, query, reader, now_us=now_us)
    totals = Totals()
    parts = list(camera_parts(conn, report, totals, most_gaps=_MOST_GAPS, parts=_MOST_PARTS))
    formats = reader.formats
    say, one = formats.say, report.only_camera
    document = Document(
        title=report.title,
        language=reader.language,
        made_us=now_us,
        footer_left=f"{report.title} · {formats.period(*query.range)} · {say('server', version=reader.version)}",
        page_text=formats.words.report["page"],
        palette=COLOURS,
    )
    document.head(report.title, say("subtitle"))
    document.facts(report_facts(report, totals))
    document.figures(figure_boxes(report))
    if is_pictured(report):
        whole = [found.camera for found in report.found]
        _picture(document, heat(conn, whole, report), formats, one=one is not None)
    if one is None:
        if totals.kinds:
            document.heading(say("by_cause"))
            document.listing(cause_table(totals, formats))
        document.heading(say("cameras"))
        document.listing(camera_table(report, most=_MOST_ROWS, figures=_CAMERA_ROWS))
    _parts(document, conn, report, parts)
    document.ln(1.5)
    document.paragraph(say("definition"), soft=True, size=7)
    return document.finished()


def _picture(
    document: Document, days: Sequence[HeatDay], formats: Formats, *, one: bool, is_first: bool = True
) -> None:
    """A row a day, a column an hour, and what the colours mean."""
    row_mm = max(1.6, min(3.9, 96 / max(len(days), 1)))
    days_a_label = next(n for n in (1, 2, 3, 5, 7, 14, 31) if row_mm * n >= 2.9)
    if is_first:
        document.need(len(days) * row_mm + 30)
        document.heading(formats.say("picture"))

    def draw(x: float, y: float, width: float) -> None:
        label_mm, share_mm = 15.0, 13.0
        cell_mm = (width - label_mm - share_mm) / 24
        for hour in range(0, 24, 3):
            document.small(x + label_mm + hour * cell_mm - 1, y, cell_mm * 3, f"{hour:02d}:00")
        y += 3.2
        for number, row in enumerate(days):
            top = y + number * row_mm
            if number % days_a_label == 0:
                middle = top + (row_mm - 2.9) / 2
                document.small(x, middle, label_mm - 1, row.label(formats))
                document.small(x + width - share_mm, middle, share_mm, row.share(formats), "R")
            for hour, mine in enumerate(row.hours):
                if mine is not None:
                    _cell(document, x + label_mm + hour * cell_mm, top, cell_mm - 0.25, row_mm - 0.25, mine, one=one)

    document.drawn(len(days) * row_mm + 4.5, draw)
    if is_first:
        _legend(document, days, formats)


def _cell(document: Document, x: float, y: float, width: float, height: float, mine: Figures, *, one: bool) -> None:
    colour, share = cell_fill(mine, one=one)
    document.box(x, y, width, height, colour)
    if share:
        document.box(x, y, width * share, height, "recorded")


def _legend(document: Document, days: Sequence[HeatDay], formats: Formats) -> None:
    def draw(x: float, y: float, width: float) -> None:
        for name, text in legend(days, formats):
            document.box(x, y + 0.8, 2.6, 2.2, name)
            document.small(x + 3.4, y + 0.4, 30, text, size=7)
            x += 5.4 + document.get_string_width(text) + 2

    document.drawn(4.2, draw)
    document.paragraph(formats.say("picture_text"), soft=True, size=7)


def _parts(document: Document, conn: sqlite3.Connection, report: GapDocument, parts: Sequence[CameraPart]) -> None:
    formats, is_one = report.reader.formats, report.only_camera is not None
    say = formats.say
    if not parts:
        document.heading(say("gaps"))
        document.paragraph(say("no_gaps"))
    for number, part in enumerate(parts):
        count = formats.number(len(part.gaps) + part.omitted)
        if is_one:
            document.heading(say("gaps"), count)
        else:
            document.need(70)
            document.heading(part.camera.name or part.camera.id, f"{part.camera.id} · {say('gaps')}: {count}")
            if number < _MOST_PICTURES and is_pictured(report):
                _picture(document, heat(conn, [part.camera], report), formats, one=True, is_first=False)
        document.listing(gap_table(part, formats))
    if left_out := report.parts_left_out(len(parts), _MOST_PARTS):
        document.paragraph(left_out, soft=True)
