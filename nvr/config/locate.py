"""On which line of a TOML document a key stands: ``tomllib`` doesn't say once it has parsed.

Only for documents that ``tomllib`` accepts: this scanner knows just enough TOML to walk over values, and checks
nothing. Paths are those of the parsed document: ``("camera", 2, "url")``.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence

__all__ = ["Locator"]

Path = tuple[str | int, ...]

_KEY_PART = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.?)""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\]|\\.)*"' r"|'[^']*'",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")


class Locator:
    """The lines, counted from 1, of all tables, keys and array elements of a document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[Path, int] = {}
        self._scan()

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the path, or of its nearest ancestor that stands in the document; 0 if there is none."""
        known = tuple(path)
        while known and known not in self._lines:
            known = known[:-1]
        return self._lines.get(known, 0)

    def _note(self, path: Path, at: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], bisect_right(self._line_starts, at))

    def _scan(self) -> None:
        text, at = self._text, 0
        table: Path = ()
        counts: dict[Path, int] = {}
        while (at := self._skip_blank(at)) < len(text):
            start = at
            if text.startswith("[[", at):
                keys, at = self._keys(at + 2)
                array = self._resolve(keys, counts, last=False)
                index = counts[array] = counts.get(array, -1) + 1
                table, at = (*array, index), at + 2
                self._note(table, start)
            elif text[at] == "[":
                keys, at = self._keys(at + 1)
                table, at = self._resolve(keys, counts, last=True), at + 1
                self._note(table, start)
            else:
                at = self._pair(at, table)

    @staticmethod
    def _resolve(keys: Sequence[str], counts: dict[Path, int], *, last: bool) -> Path:
        """A header's path, with the current index after each array of tables: ``[camera.labels]`` is the last
        camera's."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if path in counts and (last or position < len(keys) - 1):
                path = (*path, counts[path])
        return path

    def _skip_blank(self, at: int) -> int:
        match = _BLANK.match(self._text, at)
        return match.end() if match else at

    def _keys(self, at: int) -> tuple[list[str], int]:
        keys: list[str] = []
        while match := _KEY_PART.match(self._text, at):
            part, at = match[1], match.end()
            keys.append(tomllib.loads(f"k = {part}")["k"] if part[0] in "\"'" else part)
            if not match[2]:
                break
        return keys, at

    def _pair(self, at: int, table: Path) -> int:
        """Notes ``key = value`` and returns where it ends."""
        keys, end = self._keys(at)
        path = (*table, *keys)
        self._note(path, at)
        return self._value(self._text.index("=", end) + 1, path)

    def _value(self, at: int, path: Path) -> int:
        text = self._text
        while text[at] in " \t":
            at += 1
        if text[at] == "[":
            at, index = self._skip_blank(at + 1), 0
            while text[at] != "]":
                self._note((*path, index), at)
                at, index = self._skip_blank(self._value(at, (*path, index))), index + 1
            return at + 1
        if text[at] == "{":
            at = self._skip_blank(at + 1)
            while text[at] != "}":
                at = self._skip_blank(self._pair(at, path))
            return at + 1
        match = _STRING.match(text, at) or _BARE_VALUE.match(text, at)
        return match.end() if match else at + 1
