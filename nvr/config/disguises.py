"""Secrets in a text of somebody who wants them to be kept: spaced out, escaped as pages escape, in other letters, in
the middle of base64.

Belongs here: what a camera may do to its login before it says it. There is no end of that; what programs and people do
without much thought is here, and others' words are for administrators alone. Invariant: a text without such a secret
comes back as it was.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

__all__ = ["Disguises"]

# Shorter ones stand in other words as soon as the spaces are gone.
_LEAST: Final = 6
# One character, or what stands for one in HTML, JSON, JavaScript, C, a URL, or quoted-printable.
_UNIT: Final = re.compile(
    r"&#[xX](?P<hex>[0-9A-Fa-f]{1,6});|&#(?P<dec>[0-9]{1,7});|&(?P<name>[A-Za-z]{2,8});"
    r"|(?:\\u|%u)(?P<u>[0-9A-Fa-f]{4})|(?:\\x|%|=)(?P<x>[0-9A-Fa-f]{2})|\\(?P<oct>[0-7]{3})|.",
    re.DOTALL,
)

_View = tuple[str, list[tuple[int, int]]]


class Disguises:
    """Finds secrets in what they were made of. Takes time in proportion to the text and the secrets."""

    def __init__(self) -> None:
        self._letters: set[str] = set()
        self._base64: set[str] = set()

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds secrets."""
        for secret in secrets:
            plain = _letters_of(secret)
            if len(plain) < _LEAST:
                continue
            raws = [secret.encode(), secret.encode("utf-16-le")]
            self._letters |= {plain, plain[::-1], "".join(str(ord(char)) for char in secret)}
            self._letters |= {raw.hex() for raw in raws}
            self._letters |= {part.lower() for raw in raws for part in _within(raw, base64.b32encode, 5, 8)}
            once = {part for raw in raws for part in _within(raw, base64.b64encode, 3, 4)}
            self._base64 |= once | {part for text in once for part in _within(text.encode(), base64.b64encode, 3, 4)}

    def found(self, text: str) -> list[tuple[int, int]]:
        """Where they stand, in order; none overlaps another."""
        spans: list[tuple[int, int]] = []
        if self._letters:
            spans += _in(_view((char, (at, at + 1)) for at, char in enumerate(text)), self._letters)
            if any(mark in text for mark in "&\\%="):
                decoded = ((_char(match), match.span()) for match in _UNIT.finditer(text))
                spans += _in(_view(decoded), self._letters)
            spans += _in(_without_spaces(text), self._base64)
        merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        return merged


def _char(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:
        return match[0]
    text = match[kind]
    if kind == "name":
        return html.unescape(match[0])
    code = int(text, {"dec": 10, "oct": 8}.get(kind, 16))
    return chr(code) if code < 0x110000 else match[0]


def _letters_of(text: str) -> str:
    """Letters and digits alone, the same for small and large ones and for those of other widths."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def _view(units: Iterable[tuple[str, tuple[int, int]]]) -> _View:
    chars: list[str] = []
    spans: list[tuple[int, int]] = []
    for text, span in units:
        if text.isascii() and len(text) == 1:
            if text.isalnum():
                chars.append(text.lower())
                spans.append(span)
            continue
        for char in _letters_of(text):
            chars.append(char)
            spans.append(span)
    return "".join(chars), spans


def _without_spaces(text: str) -> _View:
    kept = [(char, (at, at + 1)) for at, char in enumerate(text) if not char.isspace()]
    return "".join(char for char, _ in kept).translate({45: "+", 95: "/"}), [span for _, span in kept]


def _in(view: _View, forms: set[str]) -> Iterator[tuple[int, int]]:
    text, spans = view
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield spans[at][0], spans[at + len(form) - 1][1]
            at = text.find(form, at + 1)


def _within(raw: bytes, encode: Callable[[bytes], bytes], whole_bytes: int, whole_chars: int) -> Iterator[str]:
    """How the bytes look in the middle of a longer text that was encoded: what does not depend on its neighbours."""
    for before in range(whole_bytes):
        text = encode(bytes(before) + raw).decode()
        first = -(-before * whole_chars // whole_bytes)
        last = (before + len(raw)) * whole_chars // whole_bytes
        if last - first >= _LEAST:
            yield text[first:last]
