"""The gap report as PDF. A report for a case (one camera, some days) is one page.

It is made in memory, so it has a limit: so many cameras' gaps, so many of each. What is left out is said where it would
stand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from nvr.documents.pdf import Cell, Column, Document
from nvr.reports.document import (
    COLOURS,
    LONGEST_PICTURE_US,
    CameraPart,
    GapDocument,
    GapRow,
    HeatDay,
    Reader,
    camera_parts,
    cell_fill,
    detail_words,
    figure_boxes,
    heat,
    report_facts,
)
from nvr.reports.figure_rows import ROWS, cells, labels
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.texts import Formats
from storage.coverage.figures import Category, Figures, category

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
    say = formats.say
    one = report.found[0].camera if len(report.found) == 1 else None
    title = say("title") if one is None else f"{say('title')}: {one.name or one.id}"
    document = Document(
        title=title,
        language=reader.language,
        made_us=now_us,
        footer_left=f"{title} · {formats.period(*query.range)} · {say('server', version=reader.version)}",
        page_text=formats.words.report["page"],
    )
    document.head(title, say("subtitle"))
    document.facts([*_whose(report, one, formats), *report_facts(report, totals)])
    document.figures(figure_boxes(report))
    whole = [found.camera for found in report.found]
    if query.range.end_us - query.range.start_us <= LONGEST_PICTURE_US and whole:
        _picture(document, heat(conn, whole, report), formats, one=one is not None)
    if one is None:
        _summary(document, report, totals, formats)
    _parts(document, conn, report, parts, formats, is_one=one is not None)
    document.ln(1.5)
    document.paragraph(say("definition"), soft=True, size=7)
    return document.finished()


def _whose(report: GapDocument, one: ReportCamera | None, formats: Formats) -> list[tuple[str, str]]:
    say = formats.say
    if one is None:
        return [(say("cameras"), formats.number(len(report.found)))]
    labels = ", ".join(f"{key} = {value}" for key, value in one.labels.items())
    name = f"{one.name} ({say('camera_id')}: {one.id})" if one.name != one.id else one.id
    return [(say("camera"), name), *([(say("labels"), labels)] if labels else [])]


def _picture(
    document: Document, days: Sequence[HeatDay], formats: Formats, *, one: bool, is_first: bool = True
) -> None:
    """A row a day, a column an hour, and what the colours mean."""
    row_mm = max(1.6, min(3.9, 96 / max(len(days), 1)))
    every = next(n for n in (1, 2, 3, 5, 7, 14, 31) if row_mm * n >= 2.9)
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
            if number % every == 0:
                text = f"{row.day.day} {formats.words.short_months[row.day.month - 1]}"
                document.small(x, top + (row_mm - 2.9) / 2, label_mm - 1, text)
            sums = [mine for mine in row.hours if mine is not None]
            part, all_ = sum(mine.recorded_us for mine in sums), sum(mine.required_us for mine in sums)
            if number % every == 0:
                document.small(
                    x + width - share_mm, top + (row_mm - 2.9) / 2, share_mm, formats.percent(part, all_), "R"
                )
            for hour, mine in enumerate(row.hours):
                if mine is not None:
                    _cell(document, x + label_mm + hour * cell_mm, top, cell_mm - 0.25, row_mm - 0.25, mine, one=one)

    document.drawn(len(days) * row_mm + 4.5, draw)
    if is_first:
        _legend(document, days, formats)


def _cell(document: Document, x: float, y: float, width: float, height: float, mine: Figures, *, one: bool) -> None:
    colour, share = cell_fill(mine, one=one)
    document.box(x, y, width, height, COLOURS[colour])
    if share:
        document.box(x, y, width * share, height, COLOURS["recorded"])


def _legend(document: Document, days: Sequence[HeatDay], formats: Formats) -> None:
    sums = [mine for row in days for mine in row.hours if mine is not None]
    seen = [name.value for name in Category if any(getattr(mine, f"{name}_us") for mine in sums)]
    names = [(name, formats.words.categories[name]) for name in seen]
    if any(not mine.known_us for mine in sums):
        names.append(("unknown", formats.say("not_known")))

    def draw(x: float, y: float, width: float) -> None:
        for name, text in names:
            document.box(x, y + 0.8, 2.6, 2.2, COLOURS[name])
            document.small(x + 3.4, y + 0.4, 30, text, size=7)
            x += 5.4 + document.get_string_width(text) + 2

    document.drawn(4.2, draw)
    document.paragraph(formats.say("picture_text"), soft=True, size=7)


def _summary(document: Document, report: GapDocument, totals: Totals, formats: Formats) -> None:
    """Sums by cause, and the figures of each camera."""
    say, words = formats.say, formats.words
    if totals.kinds:
        document.heading(say("by_cause"))
        rows = []
        for cause, cause_class, tally in totals.by_kind:
            mark = COLOURS[category(cause, cause_class)]
            rows.append(
                [
                    Cell(words.causes[cause], mark=mark),
                    Cell(words.classes[cause_class]),
                    Cell(formats.number(tally.gaps)),
                    Cell(formats.length(tally.us)),
                    Cell(formats.percent(tally.us, totals.listed.us)),
                ]
            )
        rows.append(
            [
                Cell(say("total")),
                Cell(""),
                Cell(formats.number(totals.listed.gaps)),
                Cell(formats.length(totals.listed.us)),
                Cell(""),
            ]
        )
        document.listing(
            [
                Column(say("cause"), 5),
                Column(say("class"), 3),
                Column(say("gaps"), 2, "R"),
                Column(say("length"), 3, "R"),
                Column(say("share"), 2, "R"),
            ],
            rows,
        )
    document.heading(say("cameras"))
    lowest = sorted(
        report.found, key=lambda one: (one.figures.recorded_us / (one.figures.required_us or 1), one.camera.id)
    )
    document.listing(
        [
            Column(say("camera"), 4.4), *(Column(name, 2.3, "R") for name in labels(formats, _CAMERA_ROWS)),
        ],
        [
            [
                Cell(one.camera.name or one.camera.id, one.camera.id if one.camera.name != one.camera.id else ""),
                *(Cell(text) for text in cells(one.figures, report.asked_us, formats, _CAMERA_ROWS)),
            ]
            for one in lowest[:_MOST_ROWS]
        ],
    )  # fmt: skip
    if len(lowest) > _MOST_ROWS:
        document.paragraph(say("more_cameras", count=formats.number(len(lowest) - _MOST_ROWS)), soft=True)


def _parts(
    document: Document,
    conn: sqlite3.Connection,
    report: GapDocument,
    parts: Sequence[CameraPart],
    formats: Formats,
    *,
    is_one: bool,
) -> None:
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
            pictured = (
                number < _MOST_PICTURES
                and report.query.range.end_us - report.query.range.start_us <= LONGEST_PICTURE_US
            )
            if pictured and len(report.found) > 1:
                _picture(document, heat(conn, [part.camera], report), formats, one=True, is_first=False)
        document.listing(_gap_columns(formats), [_gap_cells(gap, formats) for gap in part.gaps])
        if part.omitted:
            document.paragraph(say("more_gaps", count=formats.number(part.omitted)), soft=True)
    with_gaps = sum(1 for one in report.found if one.figures.known_us > one.figures.recorded_us)
    if len(parts) == _MOST_PARTS and with_gaps > len(parts):
        document.paragraph(say("more_cameras", count=formats.number(with_gaps - len(parts))), soft=True)


def _gap_columns(formats: Formats) -> list[Column]:
    say = formats.say
    return [
        Column(say("start"), 5.5), Column(say("end"), 5.5), Column(say("length"), 2.5, "R"), Column("", 0.3),
        Column(say("cause"), 4.2), Column(say("detail"), 3.6),
    ]  # fmt: skip


def _gap_cells(gap: GapRow, formats: Formats) -> list[Cell]:
    words = formats.words

    def moment(at_us: int) -> Cell:
        return Cell(formats.time(at_us), "" if formats.is_utc else formats.utc(at_us))

    end = Cell(formats.say("still_open", time=formats.time(gap.end_us))) if gap.is_open else moment(gap.end_us)
    return [
        moment(gap.start_us),
        end,
        Cell(formats.length(gap.end_us - gap.start_us), formats.seconds(gap.end_us - gap.start_us)),
        Cell(""),
        Cell(words.causes[gap.cause], words.classes[gap.cause_class], COLOURS[gap.category]),
        Cell(detail_words(gap.detail, words)),
    ]
