"""The gap report as one HTML file that needs nothing else, sent while it is made: sums by cause stand at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

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
from nvr.reports.figure_rows import cells, labels
from nvr.reports.formats.base import ReportFormat
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.texts import Formats
from storage.coverage.figures import Category, Figures, category

__all__ = ["HTML", "html_report"]

# A browser shows no more than that without becoming slow; CSV and JSON have no limit.
_MOST_PARTS: Final = 400
_MOST_GAPS: Final = 20_000
_MOST_PICTURES: Final = 40
_MOST_ROWS: Final = 5_000

_STYLE: Final = """
:root{font:14px/1.45 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:#1c2128;background:#fff}
body{max-width:1080px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:26px;margin:0 0 2px}h2{font-size:18px;margin:30px 0 8px}h3{font-size:15px;margin:24px 0 6px}
.soft{color:#626a74}.small{font-size:12px}
header{border-bottom:1px solid #cdd2d8;padding-bottom:10px;margin-bottom:14px}
dl{display:grid;grid-template-columns:150px 1fr;gap:3px 14px;margin:0}dt{color:#626a74}dd{margin:0}
.boxes{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0}\
.boxes div{background:#eef1f4;border-radius:6px;padding:8px 14px;flex:1 1 120px}
.boxes span{display:block;color:#626a74;font-size:12px}.boxes b{font-size:19px}
table{border-collapse:collapse;width:100%;margin:6px 0 12px}th,td{text-align:left;padding:5px 8px;vertical-align:top}
th{background:#eef1f4;font-size:12px}tr{border-bottom:1px solid #dfe3e7}td.n,th.n{text-align:right;white-space:nowrap}
td small{display:block;color:#626a74}td.t{white-space:nowrap}
i.m{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.legend span{margin-right:16px;white-space:nowrap}svg{display:block;width:100%;height:auto;margin:4px 0}
@media print{body{padding:0}h3,tr{break-inside:avoid}}
"""


def html_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
) -> Iterator[bytes]:
    """The document in pieces. ``conn`` must be in a transaction."""
    for piece in _pieces(conn, cameras, query, reader, now_us):
        yield piece.encode()


def _pieces(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, now_us: int
) -> Iterator[str]:
    formats = reader.formats
    say = formats.say
    title = say("title")
    one = cameras[0] if len(cameras) == 1 else None
    if one is not None:
        title += f": {one.name or one.id}"
    colours = "".join(f".{name}{{fill:{_hex(name)};background:{_hex(name)}}}" for name in COLOURS)
    yield (
        f'<!doctype html><html lang="{reader.language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}{colours}</style></head><body>'
        f'<header><h1>{escape(title)}</h1><div class="soft">{escape(say("subtitle"))}</div></header>\n'
    )
    report = GapDocument.of(conn, cameras, query, reader, now_us=now_us)
    facts = report_facts(report, None)
    facts.insert(0, _whose(report, one, formats))
    yield "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{_lines(text)}</dd>" for name, text in facts) + "</dl>\n"
    boxes = figure_boxes(report)
    yield (
        '<div class="boxes">'
        + "".join(f"<div><span>{escape(a)}</span><b>{escape(b)}</b></div>" for a, b in boxes)
        + "</div>\n"
    )
    pictured = query.range.end_us - query.range.start_us <= LONGEST_PICTURE_US
    if pictured and report.found:
        yield f"<h2>{escape(say('picture'))}</h2>"
        members = [found.camera for found in report.found]
        yield from _picture(heat(conn, members, report), formats, one=one is not None, with_text=True)
    if one is None:
        yield from _camera_table(report, formats)
    yield f"<h2>{escape(say('gaps'))}</h2>\n"
    totals, told = Totals(), 0
    pictures = _MOST_PICTURES if pictured and one is None else 0
    for part in camera_parts(conn, report, totals, most_gaps=_MOST_GAPS, parts=_MOST_PARTS):
        if one is None:
            yield (
                f"<h3>{escape(part.camera.name or part.camera.id)}"
                f' <span class="soft small">{escape(part.camera.id)}</span></h3>'
            )
            if told < pictures:
                yield from _picture(heat(conn, [part.camera], report), formats, one=True)
        yield from _gap_table(part, formats)
        told += 1
    if not told:
        yield f"<p>{escape(say('no_gaps'))}</p>"
    with_gaps = sum(1 for found in report.found if found.figures.known_us > found.figures.recorded_us)
    if told == _MOST_PARTS and with_gaps > told:
        yield f'<p class="soft">{escape(say("more_cameras", count=formats.number(with_gaps - told)))}</p>'
    yield from _sums(totals, report, formats)
    yield (
        f'<p class="soft small">{escape(say("definition"))}</p>'
        f'<p class="soft small">{escape(say("server", version=reader.version))}</p></body></html>\n'
    )


def _hex(name: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[name])


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _whose(report: GapDocument, one: ReportCamera | None, formats: Formats) -> tuple[str, str]:
    if one is None:
        return formats.say("cameras"), formats.number(len(report.found))
    labels = ", ".join(f"{key} = {value}" for key, value in one.labels.items())
    return formats.say("camera"), "\n".join(
        filter(None, (f"{one.name} ({formats.say('camera_id')}: {one.id})", labels))
    )


def _picture(days: Sequence[HeatDay], formats: Formats, *, one: bool, with_text: bool = False) -> Iterator[str]:
    """An SVG: a row a day, a column an hour."""
    label, share, cell, row = 70, 60, 38, 15
    width = label + 24 * cell + share
    yield (
        f'<svg viewBox="0 0 {width} {len(days) * row + 18}" font-size="11" role="img"'
        f' aria-label="{escape(formats.say("picture"))}">'
    )
    for hour in range(0, 24, 3):
        yield f'<text x="{label + hour * cell}" y="11" fill="#626a74">{hour:02d}:00</text>'
    for number, line in enumerate(days):
        y = 16 + number * row
        sums = [mine for mine in line.hours if mine is not None]
        percent = formats.percent(sum(mine.recorded_us for mine in sums), sum(mine.required_us for mine in sums))
        day = f"{line.day.day} {formats.words.short_months[line.day.month - 1]}"
        yield f'<text x="0" y="{y + 11}" fill="#626a74">{day}</text>'
        yield f'<text x="{width}" y="{y + 11}" fill="#626a74" text-anchor="end">{percent}</text>'
        for hour, mine in enumerate(line.hours):
            if mine is not None:
                yield from _cell(
                    label + hour * cell, y, cell - 1, row - 1, mine, formats, f"{day} {hour:02d}:00", one=one
                )
    yield "</svg>\n"
    sums = [mine for line in days for mine in line.hours if mine is not None]
    names = [
        (name.value, formats.words.categories[name]) for name in Category if any(getattr(m, f"{name}_us") for m in sums)
    ]
    if any(not mine.known_us for mine in sums):
        names.append(("unknown", formats.say("not_known")))
    if with_text:
        yield '<p class="legend small soft">'
        yield "".join(f'<span><i class="m {name}"></i>{escape(text)}</span>' for name, text in names)
        yield f"<br>{escape(formats.say('picture_text'))}</p>\n"


def _cell(
    x: int, y: int, width: int, height: int, mine: Figures, formats: Formats, when: str, *, one: bool
) -> Iterator[str]:
    # The same figure as everywhere: what is no longer there, or was not required, is beside it.
    told = [("coverage", formats.percent(mine.recorded_us, mine.required_us))]
    told.append(("recorded", formats.length(mine.recorded_us)))
    words = " · ".join(f"{formats.say(name)}: {value}" for name, value in told)
    yield f"<g><title>{when} · {escape(words)}</title>"
    colour, share = cell_fill(mine, one=one)
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{colour}"/>'
    if share:
        yield f'<rect x="{x}" y="{y}" width="{width * share:.1f}" height="{height}" class="recorded"/>'
    yield "</g>"


def _camera_table(report: GapDocument, formats: Formats) -> Iterator[str]:
    say = formats.say
    heads = [(say("camera"), ""), *((name, "n") for name in labels(formats))]
    yield (
        f"<h2>{escape(say('cameras'))}</h2><table><tr>"
        + "".join(f'<th class="{kind}">{escape(name)}</th>' for name, kind in heads)
        + "</tr>\n"
    )
    lowest = sorted(
        report.found, key=lambda one: (one.figures.recorded_us / (one.figures.required_us or 1), one.camera.id)
    )
    for one in lowest[:_MOST_ROWS]:
        yield (
            f"<tr><td>{escape(one.camera.name or one.camera.id)}<small>{escape(one.camera.id)}</small></td>"
            + "".join(f'<td class="n">{escape(text)}</td>' for text in cells(one.figures, report.asked_us, formats))
            + "</tr>\n"
        )
    yield "</table>"
    if len(lowest) > _MOST_ROWS:
        yield f'<p class="soft">{escape(say("more_cameras", count=formats.number(len(lowest) - _MOST_ROWS)))}</p>'


def _gap_table(part: CameraPart, formats: Formats) -> Iterator[str]:
    say = formats.say
    yield "<table><tr>" + "".join(
        f'<th class="{kind}">{escape(say(key))}</th>'
        for key, kind in (("start", ""), ("end", ""), ("length", "n"), ("cause", ""), ("detail", ""))
    ) + "</tr>\n"  # fmt: skip
    for gap in part.gaps:
        yield _gap_row(gap, formats)
    yield "</table>\n"
    if part.omitted:
        yield f'<p class="soft">{escape(say("more_gaps", count=formats.number(part.omitted)))}</p>'


def _gap_row(gap: GapRow, formats: Formats) -> str:
    words, length_us = formats.words, gap.end_us - gap.start_us

    def moment(at_us: int) -> str:
        utc = "" if formats.is_utc else f"<small>{formats.utc(at_us)}</small>"
        return f"{escape(formats.time(at_us))}{utc}"

    end = escape(formats.say("still_open", time=formats.time(gap.end_us))) if gap.is_open else moment(gap.end_us)
    return (
        f'<tr><td class="t">{moment(gap.start_us)}</td><td class="t">{end}</td>'
        f'<td class="n">{escape(formats.length(length_us))}<small>{escape(formats.seconds(length_us))}</small></td>'
        f'<td><i class="m {gap.category}"></i>{escape(words.causes[gap.cause])}'
        f"<small>{escape(words.classes[gap.cause_class])}</small></td>"
        f"<td>{escape(detail_words(gap.detail, words))}</td></tr>\n"
    )


def _sums(totals: Totals, report: GapDocument, formats: Formats) -> Iterator[str]:
    say, words = formats.say, formats.words
    if totals.kinds:
        yield f"<h2>{escape(say('by_cause'))}</h2><table><tr>"
        yield "".join(
            f'<th class="{kind}">{escape(say(key))}</th>'
            for key, kind in (("cause", ""), ("class", ""), ("gaps", "n"), ("length", "n"), ("share", "n"))
        )
        yield "</tr>\n"
        for cause, cause_class, tally in totals.by_kind:
            yield (
                f'<tr><td><i class="m {category(cause, cause_class)}"></i>{escape(words.causes[cause])}</td>'
                f"<td>{escape(words.classes[cause_class])}</td>"
                f'<td class="n">{formats.number(tally.gaps)}</td><td class="n">{escape(formats.length(tally.us))}</td>'
                f'<td class="n">{formats.percent(tally.us, totals.listed.us)}</td></tr>\n'
            )
        yield (
            f"<tr><td><b>{escape(say('total'))}</b></td><td></td>"
            f'<td class="n"><b>{formats.number(totals.listed.gaps)}</b></td>'
            f'<td class="n"><b>{escape(formats.length(totals.listed.us))}</b></td><td></td></tr></table>\n'
        )
    if report.query.fold_us:
        text = say(
            "folded",
            length=formats.length(report.query.fold_us),
            gaps=formats.number(totals.folded.gaps),
            missing=formats.length(totals.folded.us),
        )
        yield f"<p>{escape(say('folding'))}: {escape(text)}</p>"


HTML: Final = ReportFormat("html", "text/html", html_report)
