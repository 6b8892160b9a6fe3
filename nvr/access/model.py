"""A grant: who may do what, with which cameras, with which of their footage, from when until when, and why. Pure.

Invariants: rights are the union of grants, so that one more never takes anything away; the one thing beside them is a
closure, which takes footage from all grants but those that say ``sees_closed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nvr.access.roles import AccessAction
from storage.catalogue.selection import Selection
from storage.intervals import Interval

__all__ = ["ALL_FOOTAGE", "ALWAYS", "Closure", "FootageKind", "Grant", "GrantedFootage", "LabelledCamera"]

ALWAYS: Final = Interval(-(1 << 62), 1 << 62)


class FootageKind(StrEnum):
    """Which footage a grant is for. ``LIVE``: what is shown now and nothing that is past; ``LAST``: so much before now;
    ``RANGE``: a fixed one."""

    ALL = "all"
    LIVE = "live"
    LAST = "last"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class GrantedFootage:
    """``last_us`` is that of ``LAST``, ``start_us`` and ``end_us`` those of ``RANGE``."""

    kind: FootageKind = FootageKind.ALL
    last_us: int = 0
    start_us: int = 0
    end_us: int = 0

    def at(self, now_us: int) -> Interval:
        """The time whose footage it is, as of now."""
        if self.kind is FootageKind.ALL:
            return ALWAYS
        if self.kind is FootageKind.RANGE:
            return Interval(self.start_us, self.end_us)
        return Interval(now_us - (self.last_us if self.kind is FootageKind.LAST else 0), ALWAYS.end_us)


ALL_FOOTAGE: Final = GrantedFootage()


@dataclass(frozen=True, slots=True)
class Grant:
    """``holder``: the id of a user, a group, or a token of nobody in particular (``Actor.person``). ``role``: what the
    actions are called. ``until_us``: None for as long as nobody revokes it. ``request``: the approved request that it
    stands for."""

    id: str
    holder: str
    role: str
    actions: frozenset[AccessAction]
    cameras: Selection
    footage: GrantedFootage
    from_us: int
    until_us: int | None
    reason: str
    sees_closed: bool = False
    request: str | None = None
    made_us: int = 0
    made_by: str = ""
    made_by_id: str = ""
    revoked_us: int | None = None
    revoked_by: str | None = None

    def holds_at(self, now_us: int) -> bool:
        """Whether it is in force."""
        return self.from_us <= now_us and (self.until_us is None or now_us < self.until_us) and self.revoked_us is None

    @property
    def is_of_all(self) -> bool:
        """Whether it is for every camera and all footage."""
        return not self.cameras.terms and self.footage.kind is FootageKind.ALL


@dataclass(frozen=True, slots=True)
class Closure:
    """A camera, or a range of its footage (None: from the beginning, or without an end), is closed for privacy, from
    ``since_us`` until ``until_us`` (None: until somebody opens it)."""

    id: str
    camera: str
    start_us: int | None
    end_us: int | None
    reason: str
    since_us: int
    until_us: int | None
    made_by: str = ""
    made_by_id: str = ""
    ended_us: int | None = None
    ended_by: str | None = None

    def holds_at(self, now_us: int) -> bool:
        """Whether it is in force."""
        return self.since_us <= now_us and (self.until_us is None or now_us < self.until_us) and self.ended_us is None

    @property
    def range(self) -> Interval:
        """The time whose footage is closed."""
        return Interval(
            ALWAYS.start_us if self.start_us is None else self.start_us,
            ALWAYS.end_us if self.end_us is None else self.end_us,
        )


@dataclass(frozen=True, slots=True)
class LabelledCamera:
    """A camera as grants choose it."""

    id: str
    labels: Mapping[str, str]
