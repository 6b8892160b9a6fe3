"""What can be done, and the sets of it that have a name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = [
    "BUILT_IN",
    "FOOTAGE",
    "NOT_FOR_SERVICES",
    "ON_SCREENS",
    "RANGED",
    "AccessAction",
    "Role",
    "nearest_role",
    "parse_actions",
]


class AccessAction(StrEnum):
    """Something that can be done. ``REPORT``: gap reports, figures of the network, letters of orders, acknowledging
    alerts. ``CUT_PUBLIC``: take a camera from the public view; who brings it back decides orders."""

    STATUS = "status"
    LIVE = "live"
    PLAYBACK = "playback"
    CLIP = "clip"
    EXPORT = "export"
    HOLD = "hold"
    REQUEST = "request"
    APPROVE = "approve"
    REPORT = "report"
    PTZ = "ptz"
    CUT_PUBLIC = "cut_public"
    EDIT_CAMERAS = "edit_cameras"
    ORDERS = "orders"
    RETENTION = "retention"
    PEOPLE = "people"
    AUDIT = "audit"
    SYSTEM = "system"


class Role(StrEnum):
    """The sets of actions that every server has. There may be others, as rows."""

    VIEWER = "viewer"
    INVESTIGATOR = "investigator"
    ADMIN = "admin"
    AUDITOR = "auditor"
    TECHNICIAN = "technician"
    DISCLOSURE = "disclosure"


_VIEWER: Final = frozenset({AccessAction.STATUS, AccessAction.LIVE, AccessAction.PLAYBACK})
_INVESTIGATOR: Final = _VIEWER | {
    AccessAction.CLIP,
    AccessAction.EXPORT,
    AccessAction.HOLD,
    AccessAction.REQUEST,
    AccessAction.APPROVE,
    AccessAction.REPORT,
    AccessAction.CUT_PUBLIC,
}

BUILT_IN: Final[Mapping[str, frozenset[AccessAction]]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.INVESTIGATOR: _INVESTIGATOR,
        Role.ADMIN: frozenset(AccessAction),
        # No picture.
        Role.AUDITOR: frozenset({AccessAction.STATUS, AccessAction.REPORT, AccessAction.AUDIT}),
        Role.TECHNICIAN: frozenset({AccessAction.STATUS, AccessAction.REPORT, AccessAction.EDIT_CAMERAS}),
        # What an approved request gives, of its cameras and its range.
        Role.DISCLOSURE: frozenset(
            {AccessAction.STATUS, AccessAction.PLAYBACK, AccessAction.CLIP, AccessAction.EXPORT}
        ),
    }
)

NOT_FOR_SERVICES: Final = frozenset({AccessAction.APPROVE, AccessAction.PEOPLE})
"""What needs a person: an account of a program or a screen never has it, whatever it is given."""

ON_SCREENS: Final = frozenset({AccessAction.STATUS, AccessAction.LIVE})
"""What a screen on a wall may do at most: what is shown now."""

FOOTAGE: Final = frozenset({AccessAction.LIVE, AccessAction.PLAYBACK, AccessAction.CLIP, AccessAction.EXPORT})
"""What shows footage or hands it out: what a camera that is closed for privacy refuses."""

RANGED: Final = FOOTAGE | {
    AccessAction.STATUS,
    AccessAction.REPORT,
    AccessAction.HOLD,
    AccessAction.REQUEST,
    AccessAction.APPROVE,
    AccessAction.RETENTION,
}
"""What is asked for a range, of which a grant may give a part."""


def parse_actions(names: Iterable[str]) -> frozenset[AccessAction]:
    """The actions of these names.

    Raises:
        ValueError: one is none.
    """
    return frozenset(AccessAction(name) for name in names)


def nearest_role(actions: Collection[AccessAction]) -> Role:
    """The built-in role that whoever may do this comes closest to: the one with the most actions of those that they may
    do wholly. A word for people; nothing is decided by it."""
    whole = [role for role in Role if BUILT_IN[role] <= set(actions)]
    return max(whole, key=lambda role: len(BUILT_IN[role]), default=Role.VIEWER)
