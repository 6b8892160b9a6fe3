"""The registry of habits: what a camera does, which real ones do it, and what a recorder should make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tests.support.cameras.odd.camera import Camera

__all__ = ["ALL", "HABITS", "Habit", "habit"]

#: What is right for most: nothing is lost, and every frame has its time.
ALL: Final = "every frame is recorded at its time"

_Class = TypeVar("_Class", bound=type[Camera])


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit. `kind` is the module it is in; `seen`: the public report of a camera, server or program that has it;
    `right`: what a recorder should do."""

    name: str
    kind: str
    title: str
    seen: str
    right: str
    camera: type[Camera]


#: All habits by name, in the order of the modules.
HABITS: Final[dict[str, Habit]] = {}


def habit(name: str, title: str, *, seen: str, right: str = ALL) -> Callable[[_Class], _Class]:
    """Registers a camera's class under a name: small letters, digits and hyphens."""

    def register(camera: _Class) -> _Class:
        assert name not in HABITS, name
        HABITS[name] = Habit(name, camera.__module__.rpartition(".")[2], title, seen, right, camera)
        return camera

    return register
