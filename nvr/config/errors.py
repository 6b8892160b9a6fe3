"""What can be wrong with a configuration: problems with file and line, and the error that carries all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from storage.texts import escaped

__all__ = ["ConfigError", "ConfigProblem"]


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong: where, what, and what to do about it.

    ``line`` counts from 1; 0 stands for the file as a whole. ``key`` is empty if no key is to blame.
    """

    path: Path
    line: int
    key: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        parts = [place, self.key, self.what] if self.key else [place, self.what]
        text = ": ".join(parts)
        # Keys and values are the file's, and this is printed and logged.
        return escaped(f"{text}; {self.remedy}" if self.remedy else text)


class ConfigError(Exception):
    """A configuration that can't be used. Its text is one line a problem, in the order of the file."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__("\n".join(str(problem) for problem in self.problems))
