"""The order in which tests are handed to the workers of one run. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["long_first"]

T = TypeVar("T")


def long_first(tests: Sequence[T], is_long: Callable[[T], bool], workers: int) -> list[T]:
    """The tests so ordered that the long ones begin the shares of the workers, in turn; the order of the others stays.
    A share is what xdist gives a worker at first: as many of the list as each of the others, in a row."""
    long = [test for test in tests if is_long(test)]
    others = deque(test for test in tests if not is_long(test))
    ordered: list[T] = []
    left = len(tests)
    for worker in range(workers):
        share = left // (workers - worker)
        left -= share
        mine = long[worker::workers]
        mine += [others.popleft() for _ in range(min(len(others), max(0, share - len(mine))))]
        ordered += mine
    return [*ordered, *others]
