"""A still as a picture: what was seen, and a band below with what it is. The band covers nothing of the picture.

The same bytes for the same picture and lines, so that a still can be made again and compared.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

__all__ = ["with_band"]

_FONT: Final = Path(__file__).parent / "fonts" / "DejaVuSansCondensed.ttf"
_BACK: Final = (16, 19, 24)
_INK: Final = (240, 243, 246)
# A line of 64 hexadecimal digits and its label fit the picture's width.
_LEAST_PX: Final = 11
_WIDTHS_A_LINE: Final = 58


def with_band(picture: Image.Image, lines: Sequence[str]) -> bytes:
    """A PNG of the picture, untouched, with the lines below it, broken where they are wider than it."""
    size = max(_LEAST_PX, round(picture.width / _WIDTHS_A_LINE))
    font = ImageFont.truetype(str(_FONT), size)
    margin, step = max(6, size // 2), round(size * 1.35)
    broken = [part for line in lines for part in _broken(line, font, picture.width - 2 * margin)]
    whole = Image.new("RGB", (picture.width, picture.height + 2 * margin + step * len(broken)), _BACK)
    whole.paste(picture, (0, 0))
    draw = ImageDraw.Draw(whole)
    for number, text in enumerate(broken):
        draw.text((margin, picture.height + margin + number * step), text, fill=_INK, font=font)
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()


def _broken(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        # A word that is longer than the line is broken.
        while len(word) > 1 and font.getlength(word) > width:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font.getlength(word[:n]) <= width)
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    return lines
