"""The tables of a report as a document: sums by cause, figures of cameras, gaps. HTML and PDF print the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nvr.documents.tables import Cell, Column, DocumentTable
from nvr.reports.document import CameraPart, GapDocument, GapRow, detail_words
from nvr.reports.figure_rows import ROWS, cells, labels
from nvr.reports.listing import Totals
from nvr.texts import Formats
from storage.coverage.figures import category

__all__ = ["camera_table", "cause_table", "gap_table"]


def cause_table(totals: Totals, formats: Formats) -> DocumentTable:
    """What is missing by cause; the last row is the sum."""
    say, words = formats.say, formats.words
    rows = [
        [
            Cell(words.causes[cause], mark=category(cause, cause_class)),
            Cell(words.classes[cause_class]),
            Cell(formats.number(tally.gaps)),
            Cell(formats.length(tally.us)),
            Cell(formats.percent(tally.us, totals.listed.us)),
        ]
        for cause, cause_class, tally in totals.by_kind
    ]
    listed = totals.listed
    rows.append(
        [
            Cell(say("total")), Cell(""), Cell(formats.number(listed.gaps)), Cell(formats.length(listed.us)), Cell(""),
        ]
    )  # fmt: skip
    columns = [
        Column(say("cause"), 5),
        Column(say("class"), 3),
        Column(say("gaps"), 2, "R"),
        Column(say("length"), 3, "R"),
        Column(say("share"), 2, "R"),
    ]
    return DocumentTable(columns, rows)


def camera_table(report: GapDocument, *, most: int, figures: Sequence[str] = ROWS) -> DocumentTable:
    """The figures of each camera, those with the least coverage first."""
    formats = report.reader.formats
    lowest = sorted(
        report.found, key=lambda one: (one.figures.recorded_us / (one.figures.required_us or 1), one.camera.id)
    )
    columns = [Column(formats.say("camera"), 4.4), *(Column(name, 2.3, "R") for name in labels(formats, figures))]
    rows = (
        [
            Cell(one.camera.name or one.camera.id, one.camera.id if one.camera.name != one.camera.id else ""),
            *(Cell(text) for text in cells(one.figures, report.asked_us, formats, figures)),
        ]
        for one in lowest[:most]
    )
    left_out = max(0, len(lowest) - most)
    return DocumentTable(columns, rows, formats.say("more_cameras", count=formats.number(left_out)) if left_out else "")


def gap_table(part: CameraPart, formats: Formats) -> DocumentTable:
    """A camera's gaps."""
    say = formats.say
    columns = [
        Column(say("start"), 5.5),
        Column(say("end"), 5.5),
        Column(say("length"), 2.8, "R"),
        Column(say("cause"), 4.2),
        Column(say("detail"), 3.6),
    ]
    note = say("more_gaps", count=formats.number(part.omitted)) if part.omitted else ""
    return DocumentTable(columns, (_gap_row(gap, formats) for gap in part.gaps), note)


def _gap_row(gap: GapRow, formats: Formats) -> list[Cell]:
    words, length_us = formats.words, gap.end_us - gap.start_us

    def moment(at_us: int) -> Cell:
        return Cell(formats.time(at_us), "" if formats.is_utc else formats.utc(at_us))

    return [
        moment(gap.start_us),
        Cell(formats.say("still_open", time=formats.time(gap.end_us))) if gap.is_open else moment(gap.end_us),
        Cell(formats.length(length_us), formats.seconds(length_us)),
        Cell(words.causes[gap.cause], words.classes[gap.cause_class], gap.category),
        Cell(detail_words(gap.detail, words)),
    ]
