"""What this node records of the fleet's cameras. Pure: times are seconds of a monotonic clock.

Invariant: a lease decides who may start, and only a seen assignment of a higher epoch makes anyone stop. So a node that
hears of nothing goes on with what it has, for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nvr.fleet.model import Assignment

__all__ = ["LEAVING_S", "Holdings"]

LEAVING_S: Final = 15.0
"""So long a node goes on with a camera that is to move, before it gives it up without the other one's footage: some
cameras allow one session."""


class Holdings:
    """Of one ``node``. ``known``: what it knew when it ended, so that a start needs nobody."""

    def __init__(self, node: str, known: Mapping[str, Assignment] | None = None, epoch: int = 0) -> None:
        self._node = node
        self.epoch = epoch
        self.known: dict[str, Assignment] = dict(known or {})
        # Cameras that it had and that are to be another's, and until when it goes on with them.
        self._leaving: dict[str, float] = {}
        # Under which epoch of the fleet it records each camera.
        self._epochs = {id_: found.epoch for id_, found in self.known.items() if found.node == node}

    def saw(self, at_s: float, epoch: int, assignments: Mapping[str, Assignment]) -> dict[str, Assignment]:
        """What the coordinator holds; returns what is new in it. One that knows less than was known before (a copy that
        was behind when it took over) is not believed.

        Raises:
            ValueError: it knows less.
        """
        if epoch < self.epoch:
            raise ValueError(f"the coordinator is at epoch {epoch}, and was at {self.epoch}")
        news = {id_: found for id_, found in assignments.items() if self.known.get(id_) != found}
        for id_, found in news.items():
            before = self.known.get(id_)
            was_mine = (before is not None and before.node == self._node) or id_ in self._leaving
            if found.node == self._node:
                self._epochs[id_] = found.epoch
            if found.node == self._node or found.has_footage or not found.is_planned or not was_mine:
                self._leaving.pop(id_, None)
            elif id_ not in self._leaving:
                self._leaving[id_] = at_s + LEAVING_S
        self.known.update(news)
        self.epoch = epoch
        return news

    def left(self, at_s: float) -> bool:
        """Gives up what was to move and has waited for long enough; returns whether there was any."""
        over = [id_ for id_, until_s in self._leaving.items() if at_s >= until_s]
        for id_ in over:
            del self._leaving[id_]
        return bool(over)

    def is_mine(self, id_: str) -> bool:
        """Whether this node records the camera."""
        found = self.known.get(id_)
        return id_ in self._leaving or (found is not None and found.node == self._node)

    @property
    def mine(self) -> dict[str, int]:
        """The cameras that this node records, each with the epoch of the fleet under which it was given it."""
        return {id_: self._epochs[id_] for id_ in self.known if self.is_mine(id_)}

    def unconfirmed(self, id_: str) -> bool:
        """Whether the others wait to hear that this node has footage of the camera."""
        found = self.known.get(id_)
        return found is not None and found.node == self._node and not found.has_footage
