"""From the text of a CSV file to rows, or to every mistake in it at once, by line. Pure.

A column is a setting of a camera, one of the known labels, or ``label:<name>`` for any other label. A column of another
name is a mistake: a mistyped ``password`` must not become a label that everybody sees.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nvr.texts.cells import cell_text
from storage.catalogue.selection import KNOWN_LABELS
from storage.format.layout import is_camera_id
from storage.sentences import Sentence, sentence_of
from storage.texts import close_to

__all__ = ["LABEL_PREFIX", "SETTINGS", "CameraRow", "CameraTable", "LineError", "read", "read_ids"]

# In the order in which they are written.
SETTINGS: Final = (
    "id",
    "name",
    "url",
    "live_url",
    "username",
    "password",
    "audio",
    "source",
    "transport",
    "login",
    "tls",
    "stall_timeout",
    "expected_interval",
    "priority",
    "max_age",
    "min_age",
    "max_bytes",
)
LABEL_PREFIX: Final = "label:"
_MOST_ERRORS: Final = 100
# Every label of a city has a column; what has more is no table of cameras.
_MOST_COLUMNS: Final = 200
# Of a column's name, in a mistake.
_MOST_SHOWN: Final = 100
_MOST_CHARACTERS: Final = 20_000_000
# A second of computing; a city's table has 5,000 lines of 30 columns.
_MOST_CELLS: Final = 600_000
_MOST_LINES: Final = 100_000


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong in which line, counted from 1; ``column`` is empty if it is the whole line. Never repeats a value
    that may be secret."""

    line: int
    column: str
    message: Sentence

    @property
    def sentence(self) -> Sentence:
        """Where and what."""
        return Sentence("{place}: {message}", place=self.place, message=self.message)

    @property
    def place(self) -> Sentence:
        """Where."""
        if self.column:
            return Sentence("line {line}, {column}", line=self.line, column=self.column)
        return Sentence("line {line}", line=self.line)

    def __str__(self) -> str:
        return str(self.sentence)


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A camera's line: settings and labels by their names; those of absent columns are absent, an empty cell is an
    empty text."""

    line: int
    settings: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CameraTable:
    """The rows that could be read, and the mistakes."""

    rows: Sequence[CameraRow]
    errors: Sequence[LineError]


def read(text: str) -> CameraTable:
    """The rows of a file; comma, semicolon or tab, as its first line has them."""
    lines, errors = _lines(text)
    if not lines:
        return CameraTable(
            (), errors or [LineError(1, "", Sentence("the file is empty; its first line names the columns"))]
        )
    number, header = lines[0]
    columns = [
        name.strip().lower() if not name.strip().lower().startswith(LABEL_PREFIX) else name.strip() for name in header
    ]
    errors += _column_errors(number, columns)
    if errors:
        return CameraTable((), errors)
    rows: list[CameraRow] = []
    first: dict[str, int] = {}
    for number, cells in lines[1:]:
        if len(errors) >= _MOST_ERRORS:
            break
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            errors.append(
                LineError(
                    number,
                    "",
                    Sentence(
                        "has {count} cells, the first line names {columns} columns",
                        count=len(cells),
                        columns=len(columns),
                    ),
                )
            )
            continue
        values = {name: _plain(cell) for name, cell in zip(columns, cells + [""] * len(columns), strict=False)}
        camera = values["id"]
        if not camera:
            errors.append(LineError(number, "id", Sentence("is missing")))
        elif camera in first:
            errors.append(
                LineError(
                    number, "id", Sentence("{camera!r} is in line {first} already", camera=camera, first=first[camera])
                )
            )
        else:
            first[camera] = number
            settings = {name: value for name, value in values.items() if name in SETTINGS}
            rows.append(
                CameraRow(number, settings, {_label(n): v for n, v in values.items() if n and n not in SETTINGS})
            )
    return CameraTable(rows, errors)


def _lines(text: str) -> tuple[list[tuple[int, list[str]]], list[LineError]]:
    """The lines that are not empty, each with its number."""
    if len(text) > _MOST_CHARACTERS:
        return [], [
            LineError(
                1,
                "",
                Sentence(
                    "the file has more than {most} characters; import it in parts",
                    most=_MOST_CHARACTERS,
                ),
            )
        ]
    text = text.removeprefix("\ufeff")
    head = text.lstrip("\r\n").partition("\n")[0]
    mark = max(",;\t", key=head.count if re.search("[,;\t]", head) else text.count)
    # By the marks, before anything is taken apart: those within quotation marks count too.
    cells_count, lines_count = text.count(mark), text.count("\n") + text.count("\r")
    if cells_count > _MOST_CELLS:
        too_many = Sentence(
            "the file has about {count} cells, {most} are the most: import it in parts, or without the columns that"
            " stay as they are",
            count=cells_count,
            most=_MOST_CELLS,
        )
        return [], [LineError(1, "", too_many)]
    # A line may end with two.
    if lines_count > 2 * _MOST_LINES:
        too_long = Sentence("the file has more than {most} lines: import it in parts", most=_MOST_LINES)
        return [], [LineError(1, "", too_long)]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    lines: list[tuple[int, list[str]]] = []
    errors: list[LineError] = []
    at = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return lines, errors
        except csv.Error as error:
            return lines, [
                *errors,
                LineError(at, "", Sentence("is not CSV from here on: {error}", error=sentence_of(error))),
            ]
        if any(cell.strip() for cell in cells):
            lines.append((at, cells))
        at = reader.line_num + 1


def _column_errors(line: int, columns: Sequence[str]) -> list[LineError]:
    errors = []
    known = [*SETTINGS, *KNOWN_LABELS]
    before: set[str] = set()
    if len(columns) > _MOST_COLUMNS:
        return [
            LineError(
                line,
                "",
                Sentence("names {count} columns; {most} are the most", count=len(columns), most=_MOST_COLUMNS),
            )
        ]
    for name in columns:
        if not name:
            continue
        if name in before:
            errors.append(LineError(line, name[:_MOST_SHOWN], Sentence("this column is there twice")))
        elif name.startswith(LABEL_PREFIX):
            if not name.removeprefix(LABEL_PREFIX).strip():
                errors.append(LineError(line, name, Sentence("names no label; write label:<name>")))
        elif name not in known:
            near = close_to(name, known)
            shown = name[:_MOST_SHOWN]
            hint = (
                Sentence("unknown column; did you mean {near}?", near=near[0])
                if near
                else Sentence("unknown column; if it is a label, name it {label}", label=f"{LABEL_PREFIX}{shown}")
            )
            errors.append(LineError(line, shown, hint))
        before.add(name)
    if "id" not in columns:
        errors.append(LineError(line, "id", Sentence("this column is missing")))
    return errors


def _label(column: str) -> str:
    return column.removeprefix(LABEL_PREFIX).strip()


def _plain(cell: str) -> str:
    """The cell without the apostrophe that keeps a spreadsheet from taking a text for a formula."""
    return cell_text(cell.strip())


def read_ids(text: str) -> tuple[list[str], list[LineError]]:
    """The camera ids of a list: the column ``id`` where the first line names columns, else the first cell of each
    line."""
    lines, errors = _lines(text)
    if not lines:
        return [], errors or [LineError(1, "", Sentence("the list is empty"))]
    header = [cell.strip().lower() for cell in lines[0][1]]
    position = header.index("id") if "id" in header else 0
    ids: list[str] = []
    for line, cells in lines[1:] if "id" in header else lines:
        if len(errors) >= _MOST_ERRORS:
            errors.append(
                LineError(
                    line,
                    "",
                    Sentence("from here on nothing was looked at: there are {most} mistakes", most=_MOST_ERRORS),
                )
            )
            break
        camera = cells[position].strip() if position < len(cells) else ""
        if is_camera_id(camera):
            ids.append(camera)
        else:
            errors.append(LineError(line, "id", Sentence("is not a camera id")))
    return list(dict.fromkeys(ids)), errors
