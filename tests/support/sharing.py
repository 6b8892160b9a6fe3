"""How the tests of one run are shared out among its workers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

__all__ = ["in_units"]

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
