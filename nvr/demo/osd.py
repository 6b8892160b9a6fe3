"""What a camera burns into its picture: its name, the clock, and the same instant as a time code for programs."""

from datetime import UTC, datetime, tzinfo

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from . import timecode

_NAME_SIZE_PX = 20
_CLOCK_SIZE_PX = 15
_MARGIN_PX = 8
_PADDING_PX = 5
_SMALL_PX = 560

Picture = npt.NDArray[np.uint8]


class Display:
    """Draws onto pictures of one camera. Glyphs are drawn once and copied: text is most of what changes in a frame."""

    def __init__(self, name: str, zone: tzinfo) -> None:
        self._zone = zone
        self._name = _text(name, _NAME_SIZE_PX)
        self._glyphs: dict[str, Picture] = {}
        digits = [_text(digit, _CLOCK_SIZE_PX).shape[1] for digit in "0123456789"]
        # All digits as wide as the widest: the clock must not jitter.
        self._digit_px = max(digits)

    def draw(self, picture: Picture, at_us: int) -> None:
        """Burn in name, clock and time code of an instant (microseconds, UTC), in place."""
        # Truncated, as every clock does: a frame must not claim a later millisecond than its own.
        at_ms = at_us // 1000
        instant = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
        local = instant.astimezone(self._zone)
        lines = [
            f"{local:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d} {local:%Z}",
            f"{instant:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d} UTC",
        ]
        drawn = [self._line(line) for line in lines]
        # In a small picture there is room for one clock, below the name.
        is_small = picture.shape[1] < _SMALL_PX
        below = self._name.shape[0] + 2 * _PADDING_PX if is_small else 0
        _label(picture, [self._name], left=_MARGIN_PX, top=_MARGIN_PX)
        right = picture.shape[1] - _MARGIN_PX
        if is_small:
            _label(picture, drawn[:1], left=_MARGIN_PX, top=_MARGIN_PX + below)
        else:
            _label(picture, drawn, right=right, top=_MARGIN_PX)
        timecode.burn(picture, at_ms)

    def _line(self, text: str) -> Picture:
        return np.concatenate([self._glyph(character) for character in text], axis=1)

    def _glyph(self, character: str) -> Picture:
        glyph = self._glyphs.get(character)
        if glyph is None:
            glyph = _text(character, _CLOCK_SIZE_PX)
            if character.isdecimal():
                spare = self._digit_px - glyph.shape[1]
                glyph = np.pad(glyph, ((0, 0), (spare // 2, spare - spare // 2)))
            self._glyphs[character] = glyph
        return glyph


def _text(text: str, size_px: int) -> Picture:
    """The coverage (0–255) of a line of text; all lines of one size are equally high."""
    font = ImageFont.load_default(size_px)
    width = max(1, round(font.getlength(text)))
    image = Image.new("L", (width, round(size_px * 1.25)))
    ImageDraw.Draw(image).text((0, size_px * 1.02), text, fill=255, font=font, anchor="ls")
    return np.asarray(image)


def _label(picture: Picture, lines: list[Picture], *, top: int, left: int | None = None, right: int = 0) -> None:
    """White text on a darkened box."""
    height = sum(line.shape[0] for line in lines) + 2 * _PADDING_PX - 2
    width = max(line.shape[1] for line in lines) + 2 * _PADDING_PX
    x = right - width if left is None else left
    box = picture[top : top + height, max(x, 0) : x + width]
    box[...] = box * 0.38
    y = top + _PADDING_PX
    for line in lines:
        area = picture[y : y + line.shape[0], x + _PADDING_PX : x + _PADDING_PX + line.shape[1]]
        area[...] = np.maximum(area, (line.astype(np.uint16) * 245 // 255).astype(np.uint8)[:, :, np.newaxis])
        y += line.shape[0]
