"""How the tests of one run are shared out among its workers.

What a module makes once for all of its tests (a server, a browser: ``scope="module"``) every worker makes that gets one
of them: so those tests are one unit, which one worker runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from xdist.scheduler import LoadScopeScheduling

__all__ = ["UnitScheduling", "in_units", "unit_of"]

_TOP = Path(__file__).parents[2]
_MAKES_ONCE = re.compile(r"^@pytest\.fixture\(.*scope=\"module\"", re.MULTILINE)

T = TypeVar("T")


def in_units(tests: Sequence[T], unit_of: Callable[[T], Hashable], is_long: Callable[[T], bool]) -> list[T]:
    """The tests so ordered that those of one unit, which one worker runs, follow each other, and units in which one is
    long come before the others; else the order stays."""
    units: dict[Hashable, list[T]] = {}
    for test in tests:
        units.setdefault(unit_of(test), []).append(test)
    long = [any(map(is_long, unit)) for unit in units.values()]
    ordered = sorted(zip(long, units.values(), strict=True), key=lambda one: not one[0])
    return [test for _, unit in ordered for test in unit]


@cache
def _makes_once(path: str) -> bool:
    file = _TOP / path
    return file.is_file() and _MAKES_ONCE.search(file.read_text(encoding="utf-8")) is not None


def unit_of(nodeid: str) -> str:
    """The unit that a test belongs to: its module, if that makes something once, else it alone."""
    path = nodeid.partition("::")[0]
    return path if _makes_once(path) else nodeid


class UnitScheduling(LoadScopeScheduling):
    """Gives each worker a unit whenever it has nearly nothing left to do, in the order of ``in_units``."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
