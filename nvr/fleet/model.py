"""What nodes agree on: nodes, the cameras that each could record, and who has which. Pure values.

Invariant: an epoch of the fleet is given once, in one transaction of the coordinator, and only ever rises; of two
assignments of a camera the one with the higher epoch counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = [
    "BEAT_S",
    "EPOCH_STEP",
    "TTL_S",
    "Assignment",
    "Failover",
    "FleetNode",
    "NodeBeat",
    "NodeCause",
    "Offer",
    "Picture",
    "Standing",
    "Transfer",
    "local_epoch",
]

BEAT_S: Final = 1.0
"""How often a node says that it lives, seconds."""
TTL_S: Final = 5.0
"""After so long without a beat, seen by whoever plans, a node is lost."""
EPOCH_STEP: Final = 1 << 24
"""A node's own epochs (a start of a recorder, a move between workers) between two of the fleet's."""

Standing = Literal["member", "draining", "left"]
"""``draining``: it keeps its cameras until others have them; ``left``: it has none."""
Failover = Literal["any", "site", "none"]
"""Who may record a camera when its node is lost: whoever knows it, a node of its site, nobody."""
NodeCause = Literal[
    "first", "node_lost", "unable", "drained", "left", "not_offered", "balanced", "no_capacity", "displaced"
]
"""Why an assignment was made."""
_PLANNED: Final = frozenset({"drained", "balanced"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A camera that a node knows and could record. ``bitrate_bps``: measured, or what is usual. Of two cameras for
    which there is room for one, the one of the higher ``priority`` is recorded. ``site``: where it stands."""

    bitrate_bps: int
    priority: int = 0
    failover: Failover = "any"
    site: str = ""


@dataclass(frozen=True, slots=True)
class NodeBeat:
    """What a node says of itself. ``incarnation``: of this start of its server; ``alive_us``: by its own clock, until
    when it has recorded; ``offset_us``: of that clock against the coordinator's, as measured last.
    ``is_able``: it has a disk to record to."""

    node: str
    incarnation: str
    alive_us: int
    offset_us: int | None = None
    version: str = ""
    is_able: bool = True


@dataclass(frozen=True, slots=True)
class FleetNode:
    """A node as the others see it. ``token`` changes with every beat and means nothing else; ``capacity_bps`` None: as
    much as it is given."""

    id: str
    site: str = ""
    capacity_bps: int | None = None
    standing: Standing = "member"
    token: tuple[str, int] = ("", 0)
    alive_us: int | None = None
    offset_us: int | None = None
    version: str = ""
    is_able: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who has a camera, since which epoch of the fleet, and why. ``node`` None: nobody. ``previous``: who had it
    before. ``lost_us``: until when that one is known to have recorded, if it was lost. ``has_footage``: its node says
    so."""

    node: str | None
    epoch: int
    cause: NodeCause
    previous: str | None = None
    lost_us: int | None = None
    has_footage: bool = False

    @property
    def is_planned(self) -> bool:
        """Whether the one before still records, and goes on until this one has footage."""
        return self.cause in _PLANNED and self.node is not None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A camera that is to get this node, for this reason."""

    camera: str
    node: str | None
    cause: NodeCause
    previous: str | None = None
    lost_us: int | None = None

    def made(self, epoch: int) -> Assignment:
        """As an assignment of this epoch."""
        return Assignment(self.node, epoch, self.cause, self.previous, self.lost_us)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the coordinator holds at one time. ``epoch``: the last that was given; ``offers`` by node and camera.
    ``rev`` and ``offers_rev`` are revisions of assignments and offers; -1: none was seen yet."""

    epoch: int = 0
    nodes: Mapping[str, FleetNode] = field(default_factory=dict)
    rev: int = -1
    assignments: Mapping[str, Assignment] = field(default_factory=dict)
    offers_rev: int = -1
    offers: Mapping[str, Mapping[str, Offer]] = field(default_factory=dict)


def local_epoch(epoch: int) -> int:
    """The least epoch under which footage is recorded that was assigned under this epoch of the fleet. All that were
    given before are below it, whichever node recorded under them."""
    return epoch * EPOCH_STEP
