"""A PDF document of A4 pages: title, facts, figures, tables that go on over pages, and what is drawn.

The same bytes for the same content and ``made_us``: a statement can be made again and compared. The font, DejaVu Sans
Condensed, lies beside this module with its licence; only the characters used get into a document.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from nvr.documents.tables import Cell, Column, DocumentTable

__all__ = ["Document"]

# Subsetting a font tells every table of it.
logging.getLogger("fontTools").setLevel(logging.WARNING)

_FONTS: Final = Path(__file__).parent / "fonts"
_FAMILY: Final = "DejaVu"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MARGIN_MM: Final = 15.0
_INK: Final = (28, 33, 40)
_SOFT: Final = (98, 106, 116)
_LINE: Final = (205, 210, 216)
_HEAD: Final = (238, 241, 244)

Colour = tuple[int, int, int]


class Document(FPDF):
    """``footer_left`` stands at the foot of each page, beside ``page_text``, in which ``{page}`` and ``{pages}`` are
    filled in. ``palette``: what the colours of marks and boxes are."""

    def __init__(
        self,
        *,
        title: str,
        language: str,
        made_us: int,
        footer_left: str,
        page_text: str,
        palette: Mapping[str, Colour],
    ) -> None:
        super().__init__(format="A4")
        self._palette = palette
        self.set_margins(MARGIN_MM, 14, MARGIN_MM)
        self.set_auto_page_break(True, 17)
        for style, name in (("", "DejaVuSansCondensed.ttf"), ("B", "DejaVuSansCondensed-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / name)
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("nvr")
        self.set_creation_date(_EPOCH + timedelta(microseconds=made_us))
        self._footer_left = footer_left
        before, _, after = page_text.partition("{pages}")
        self._page_text = f"{before}{{nb}}{after}"
        self.add_page()

    def footer(self) -> None:
        """Called by FPDF at the end of each page."""
        self.set_y(-12)
        self._rule(self.get_y() - 1)
        self._font(7.5, soft=True)
        self.cell(self.epw * 0.8, 5, self._fitting(self._footer_left, self.epw * 0.8 - 3))
        self.cell(self.epw * 0.2, 5, self._page_text.format(page=self.page_no(), nb="{nb}"), align="R")

    def _font(self, size: float, *, bold: bool = False, soft: bool = False) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*(_SOFT if soft else _INK))

    def _rule(self, y: float) -> None:
        self.set_draw_color(*_LINE)
        self.set_line_width(0.2)
        self.line(MARGIN_MM, y, MARGIN_MM + self.epw, y)

    def need(self, height_mm: float) -> None:
        """Begins a new page if so much does not fit on this one."""
        if self.will_page_break(height_mm):
            self.add_page()

    def head(self, title: str, subtitle: str) -> None:
        """The document's title."""
        self._font(17, bold=True)
        self.multi_cell(0, 8, title, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._font(9, soft=True)
        self.multi_cell(0, 4.6, subtitle, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)
        self._rule(self.get_y())
        self.ln(2.5)

    def heading(self, text: str, note: str = "") -> None:
        """A part's heading; a softer note after it."""
        self.need(22)
        self.ln(2.5)
        self._font(11.5, bold=True)
        self.cell(self.get_string_width(text) + 3, 6, text)
        self._font(8, soft=True)
        self.cell(0, 6.4, note, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0.8)

    def paragraph(self, text: str, *, soft: bool = False, size: float = 8.5) -> None:
        """Text over the whole width."""
        self._font(size, soft=soft)
        self.multi_cell(0, size * 0.48, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0.8)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and what they are, a line each or more."""
        width = self.epw * 0.19
        for name, text in rows:
            self._font(8.5, soft=True)
            y = self.get_y()
            self.multi_cell(width, 4.4, name, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            below = self.get_y()
            self.set_xy(MARGIN_MM + width, y)
            self._font(8.5)
            self.multi_cell(self.epw - width, 4.4, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_y(max(below, self.get_y()) + 0.3)

    def figures(self, boxes: Sequence[tuple[str, str]]) -> None:
        """Numbers that are to be seen first, side by side: name, value."""
        self.need(16)
        self.ln(1.5)
        y, gap = self.get_y(), 2.0
        width = (self.epw - gap * (len(boxes) - 1)) / len(boxes)
        for number, (name, value) in enumerate(boxes):
            x = MARGIN_MM + number * (width + gap)
            self.set_fill_color(*_HEAD)
            self.rect(x, y, width, 13.5, style="F", round_corners=True, corner_radius=1.2)
            self.set_xy(x + 2, y + 1.2)
            self._font(7, soft=True)
            self.cell(width - 4, 4, self._fitting(name, width - 4))
            self.set_xy(x + 2, y + 5.6)
            for size in (12, 10.5, 9, 7.5):
                self._font(size, bold=True)
                if self.get_string_width(value) <= width - 4:
                    break
            self.cell(width - 4, 6.5, self._fitting(value, width - 4))
        self.set_xy(MARGIN_MM, y + 15.5)

    def picture(self, data: bytes, *, highest_mm: float) -> None:
        """A picture (PNG or JPEG) over the whole width, or as high as that."""
        with Image.open(io.BytesIO(data)) as opened:
            ratio = opened.height / opened.width
        width = min(self.epw, highest_mm / ratio)
        self.need(width * ratio + 2)
        self.image(io.BytesIO(data), x=MARGIN_MM, y=self.get_y(), w=width)
        self.set_xy(MARGIN_MM, self.get_y() + width * ratio + 2)

    def drawn(self, height_mm: float, draw: Callable[[float, float, float], None]) -> None:
        """Room for a drawing; ``draw`` gets its left, top and width."""
        self.need(height_mm)
        y = self.get_y()
        draw(MARGIN_MM, y, self.epw)
        self.set_xy(MARGIN_MM, y + height_mm)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A rectangle filled with a colour of the palette."""
        self.set_fill_color(*self._palette[colour])
        self.rect(x, y, width, height, style="F")

    def small(
        self, x: float, y: float, width: float, text: str, align: Literal["L", "C", "R"] = "L", size: float = 6.5
    ) -> None:
        """A small label within a drawing."""
        self._font(size, soft=True)
        self.set_xy(x, y)
        self.cell(width, size * 0.45, text, align=align)

    def listing(self, table: DocumentTable) -> None:
        """Rows of one or two lines; the head is repeated on each page. Text that is too wide is wrapped."""
        self.need(18)
        columns = table.columns
        widths = [column.width / sum(c.width for c in columns) * self.epw for column in columns]
        self._table_head(columns, widths)
        for row in table.rows:
            self._row(columns, widths, row)
        self.ln(1)
        if table.note:
            self.paragraph(table.note, soft=True)

    def _table_head(self, columns: Sequence[Column], widths: Sequence[float]) -> None:
        self.set_fill_color(*_HEAD)
        self._font(7.5, bold=True)
        for column, width in zip(columns, widths, strict=True):
            self.cell(width, 5.4, self._fitting(column.title, width - 2), align=column.align, fill=True)
        self.ln(5.4)

    def _row(self, columns: Sequence[Column], widths: Sequence[float], row: Sequence[Cell]) -> None:
        lines: list[tuple[list[str], list[str]]] = []
        for cell, width in zip(row, widths, strict=True):
            inner = width - 2 - (3 if cell.mark else 0)
            self._font(7.4)
            text = self._wrapped(cell.text, inner)
            self._font(6.4)
            lines.append((text, self._wrapped(cell.below, inner) if cell.below else []))
        height = max(len(text) * 3.5 + len(below) * 2.7 for text, below in lines) + 1.1
        if self.will_page_break(height):
            self.add_page()
            self._table_head(columns, widths)
        y, x = self.get_y(), MARGIN_MM
        for column, width, cell, (text, below) in zip(columns, widths, row, lines, strict=True):
            left, at = x, y + 0.5
            if cell.mark:
                self.box(left + 1, at + 0.7, 2.1, 2.1, cell.mark)
                left += 3
            for small, part in ((False, text), (True, below)):
                self._font(6.4 if small else 7.4, soft=small)
                for line in part:
                    self.set_xy(left, at)
                    self.cell(width - (left - x), 2.7 if small else 3.5, line, align=column.align)
                    at += 2.7 if small else 3.5
            x += width
        self.set_xy(MARGIN_MM, y + height)
        self._rule(y + height)

    def _wrapped(self, text: str, width: float) -> list[str]:
        lines: list[str] = []
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.get_string_width(longer) <= width:
                lines[-1] = longer
                continue
            # A word that is longer than the column is broken.
            while len(word) > 1 and self.get_string_width(word) > width:
                fits = next(
                    n for n in range(len(word) - 1, 0, -1) if n == 1 or self.get_string_width(word[:n]) <= width
                )
                lines.append(word[:fits])
                word = word[fits:]
            lines.append(word)
        return lines

    def _fitting(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(f"{text}…") > width:
            text = text[:-1]
        return f"{text}…"

    def finished(self) -> bytes:
        """The document's bytes."""
        return bytes(self.output())
