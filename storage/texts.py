"""The rules for texts that people enter, and how any text is shown where it can do harm.

One line: printable characters and plain spaces; no controls (ESC clears a terminal), no line or paragraph separators,
no bidirectional overrides and other invisible marks (what is shown would not be what is kept). Several lines: the same,
and line ends. Invariant: what a person's text is kept as has passed one of the two, whichever way it came; ``escaped``
is for all else, and for what is older than the rules.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Final

from storage.sentences import Sentence

__all__ = ["LINE", "LINES", "TextError", "close_to", "escaped", "is_plain", "many_lines", "one_line", "wrong_in"]

LINE: Final = 200
"""The most characters of one line, unless a use says otherwise."""
LINES: Final = 2_000
"""The most characters of several lines."""

# Joiners are letters' business in some scripts, and in emoji; they hide nothing.
_JOINERS: Final = "\u200c\u200d"
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


def is_plain(char: str) -> bool:
    """Whether a character may stand in one line."""
    return " " <= char <= "~" or char in _JOINERS or unicodedata.category(char) not in _REFUSED


def wrong_in(text: str, *, lines: bool = False) -> str | None:
    """The first character that may not stand in it, as its code; with ``lines``, line ends and tabs may."""
    if text.isascii() and text.isprintable():
        return None
    for char in text:
        if not is_plain(char) and not (lines and char in "\n\t"):
            return f"U+{ord(char):04X}"
    return None


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
