"""Why there is no footage: the closed list of causes, their class for the operator, and which wins where
several apply."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

__all__ = ["Cause", "CauseClass", "Layer", "class_of", "is_required"]


class CauseClass(StrEnum):
    """Who has to act on a gap."""

    ADMINISTRATIVE = "administrative"
    NETWORK = "network"
    CAMERA = "camera"
    SERVER = "server"
    POLICY = "policy"


class Layer(StrEnum):
    """Where a fact comes from. Facts of one layer never contradict; between layers the order below decides, first wins.

    ``footage`` facts describe stretches that *had* footage (their intervals are those of former segments), so whatever
    else was true then, footage existed: they win. ``order`` facts are decisions of people. ``recorder`` facts are what
    the recorder saw: per camera a step function without holes. A recorder that was told to stop says why with a cause
    of ``order``, in its own layer: so its story has no hole, and the decision's own fact comes before it.
    """

    FOOTAGE = "footage"
    ORDER = "order"
    RECORDER = "recorder"


class Cause(StrEnum):
    """The cause of a gap."""

    DISABLED = "disabled"
    MAINTENANCE = "maintenance"
    SCHEDULE = "schedule"
    NOT_CONFIGURED = "not_configured"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"
    STALLED = "stalled"
    ENDED = "ended"
    CORRUPT = "corrupt"
    CLOCK_STEP = "clock_step"
    OVERLOAD = "overload"
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    RECORDER_CRASHED = "recorder_crashed"
    SERVER_DOWN = "server_down"
    NODE_LOST = "node_lost"
    NO_CAPACITY = "no_capacity"
    PRUNED = "pruned"
    DELETED = "deleted"
    MISSING = "missing"
    UNKNOWN = "unknown"

    @property
    def layer(self) -> Layer:
        """The layer that facts of this cause belong to, unless the recorder repeats it."""
        if self in _FOOTAGE:
            return Layer.FOOTAGE
        if self in _ORDER:
            return Layer.ORDER
        return Layer.RECORDER

    @property
    def cause_class(self) -> CauseClass:
        """The class under which an operator looks for it, unless the detail of its fact knows better: see
        ``class_of``."""
        return _CLASSES[self]


_FOOTAGE = frozenset({Cause.PRUNED, Cause.DELETED, Cause.MISSING})
_ORDER = frozenset({Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE})

_NOT_REQUIRED = _ORDER | {Cause.NOT_CONFIGURED}


def is_required(cause: Cause) -> bool:
    """Whether a camera that is not recorded for this cause should be: it is down. Not if people decided so (an order, a
    window, a schedule), or if it is not set up."""
    return cause not in _NOT_REQUIRED


_CLASSES: dict[Cause, CauseClass] = {
    Cause.DISABLED: CauseClass.ADMINISTRATIVE,
    Cause.MAINTENANCE: CauseClass.ADMINISTRATIVE,
    Cause.SCHEDULE: CauseClass.ADMINISTRATIVE,
    Cause.NOT_CONFIGURED: CauseClass.ADMINISTRATIVE,
    Cause.UNREACHABLE: CauseClass.NETWORK,
    Cause.UNAUTHORIZED: CauseClass.CAMERA,
    Cause.REJECTED: CauseClass.CAMERA,
    Cause.STALLED: CauseClass.CAMERA,
    Cause.ENDED: CauseClass.CAMERA,
    Cause.CORRUPT: CauseClass.NETWORK,
    Cause.CLOCK_STEP: CauseClass.SERVER,
    Cause.OVERLOAD: CauseClass.SERVER,
    Cause.DISK_FULL: CauseClass.SERVER,
    Cause.DISK_ERROR: CauseClass.SERVER,
    Cause.RECORDER_CRASHED: CauseClass.SERVER,
    Cause.SERVER_DOWN: CauseClass.SERVER,
    Cause.NODE_LOST: CauseClass.SERVER,
    Cause.NO_CAPACITY: CauseClass.SERVER,
    Cause.PRUNED: CauseClass.POLICY,
    Cause.DELETED: CauseClass.POLICY,
    Cause.MISSING: CauseClass.SERVER,
    Cause.UNKNOWN: CauseClass.SERVER,
}

_BY_EVIDENCE = frozenset({Cause.CORRUPT, Cause.STALLED})
_NAMED_CLASSES = {name.value: name for name in (CauseClass.NETWORK, CauseClass.CAMERA, CauseClass.SERVER)}


def class_of(cause: Cause, detail: Mapping[str, Any]) -> CauseClass:
    """Who has to act on a gap of this cause whose fact has this detail. Of ``corrupt`` the evidence decides, which the
    detail's ``class`` names: packets missing (network), none missing (camera), or dropped by us (server). So it does of
    ``stalled``, while a recorder begins (server). Facts without it have their cause's class."""
    if cause in _BY_EVIDENCE:
        return _NAMED_CLASSES.get(str(detail.get("class")), cause.cause_class)
    return cause.cause_class
