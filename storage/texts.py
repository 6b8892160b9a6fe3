"""The rules for texts that people enter, and how any text is shown where it can do harm.

One line: printable characters and plain spaces; no controls (ESC clears a terminal), no line or paragraph separators,
no bidirectional overrides and other invisible marks, letters or blanks (what is shown would not be what is kept).
Several lines: the same, and line ends. Invariant: what a person's text is kept as has passed one of the two, whichever
way it came; ``escaped`` is for all else, and for what is older than the rules.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Final

from storage.sentences import Sentence

__all__ = [
    "LINE",
    "LINES",
    "TextError",
    "close_to",
    "escaped",
    "is_plain",
    "look_of",
    "many_lines",
    "one_line",
    "wrong_in",
]

LINE: Final = 200
"""The most characters of one line, unless a use says otherwise."""
LINES: Final = 2_000
"""The most characters of several lines."""

# Joiners and selectors are letters' business in some scripts, and in emoji: each after something that is seen. Alone,
# or many, they hide what is kept.
_JOINERS: Final = frozenset("\u200c\u200d")
_SELECTORS: Final = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x180B, 0x180C, 0x180D)))
# Letters, marks and symbols by their category, of which nothing is seen: fillers, a blank in Braille, vowels that are
# not written, and what Unicode keeps for more of them.
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F, 0x2065, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159),
            *range(0xFFF0, 0xFFF9),
            *range(0xFDD0, 0xFDF0),
            *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)),
            *(code for code in range(0xE0000, 0xE1000) if not 0xE0100 <= code < 0xE01F0),
        ),
    )
)
# Controls, formats (bidirectional overrides, zero width), surrogates, private use, line and paragraph separators.
_REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


class TextError(ValueError):
    """A text can't be kept like this; the message says why, and is itself safe to show."""


# Comparing takes time with the square of the length.
_LONGEST_COMPARED: Final = 100


def close_to(word: str, known: Iterable[str], *, most: int = 1, alike: float = 0.6) -> list[str]:
    """Which of the known words somebody may have meant by this one, the likeliest first; nobody means a word by a text
    of more than 100 characters."""
    return [] if len(word) > _LONGEST_COMPARED else difflib.get_close_matches(word, list(known), most, alike)


def look_of(text: str) -> str:
    """What two texts have in common that are the same to whoever reads them: of large and small letters, of letters
    with marks in one piece or two, of other widths, of several spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_plain(char: str) -> bool:
    """Whether a character may stand in one line."""
    if " " <= char <= "~" or char in _JOINERS:
        return True
    return char not in _UNSEEN and unicodedata.category(char) not in _REFUSED


def wrong_in(text: str, *, lines: bool = False) -> str | None:
    """The first character that may not stand in it, as its code; with ``lines``, line ends and tabs may."""
    if text.isascii() and text.isprintable():
        return None
    before = ""
    for char in text:
        if not is_plain(char) and not (lines and char in "\n\t"):
            return f"U+{ord(char):04X}"
        # A joiner may follow a selector; nothing else of the two follows another.
        hides = char in _SELECTORS and (before in _SELECTORS or before in _JOINERS)
        hides = hides or (char in _JOINERS and before in _JOINERS)
        if hides or ((char in _JOINERS or char in _SELECTORS) and before.strip() == ""):
            return f"U+{ord(char):04X}"
        before = char
    return f"U+{ord(before):04X}" if before in _JOINERS else None


def one_line(name: str | Sentence, text: str, *, longest: int = LINE, may_be_empty: bool = False) -> str:
    """The text as one line, without spaces around it; spaces of other widths become plain ones.

    Raises:
        TextError: it is none: ``name`` is what it is called there.
    """
    text = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text).strip(" \n")
    return _checked(name, text, longest, may_be_empty, lines=False)


def many_lines(name: str | Sentence, text: str, *, longest: int = LINES, may_be_empty: bool = False) -> str:
    """The text as lines that end with ``\\n``, without spaces and line ends around it.

    Raises:
        TextError: it can't be kept: ``name`` is what it is called there.
    """
    text = text.replace("\r\n", "\n").strip(" \t\r\n")
    return _checked(name, text, longest, may_be_empty, lines=True)


def _checked(name: str | Sentence, text: str, longest: int, may_be_empty: bool, *, lines: bool) -> str:
    if not text and not may_be_empty:
        raise TextError(Sentence("{name} is missing", name=name))
    if len(text) > longest:
        raise TextError(Sentence("{name} is longer than {most} characters", name=name, most=longest))
    wrong = wrong_in(text, lines=lines)
    if wrong is not None:
        if lines:
            raise TextError(
                Sentence("{name} must be printable characters and line ends: {wrong} is none", name=name, wrong=wrong)
            )
        raise TextError(
            Sentence("{name} must be one line of printable characters: {wrong} is none", name=name, wrong=wrong)
        )
    return text


def escaped(text: str, *, keep: str = "") -> str:
    """The text as a terminal can be given it: whatever may not stand in a line, but for ``keep``, as ``\\x1b``,
    ``\\n``, ``\\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if is_plain(char) or char in keep else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )
