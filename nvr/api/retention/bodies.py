"""Rules of retention, their previews and what waits, as they are asked for and answered."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = [
    "LEAST_BYTES",
    "LONGEST_S",
    "AppliedRules",
    "CameraRules",
    "CauseConfirmation",
    "Confirmation",
    "ForecastBody",
    "LabelBody",
    "MissBody",
    "NewLabelRule",
    "PolicyBody",
    "PolicyChange",
    "Preview",
    "RecordedBody",
    "RetentionBody",
    "RootBody",
    "RuleChange",
    "RuleCount",
    "ShortfallBody",
    "WaitingBody",
    "WaitingList",
]

# As in config.toml: 1 s to a hundred years, from 1 MB up.
LONGEST_S = 36_525 * 86_400


LEAST_BYTES = 1_000_000


_Age = float | None | msgspec.UnsetType


_Bytes = int | None | msgspec.UnsetType


class PolicyBody(msgspec.Struct):
    """Rules; null: none of this kind."""

    max_age_s: float | None
    min_age_s: float | None
    max_bytes: int | None


class LabelBody(PolicyBody):
    """Rules of the cameras that have all these labels."""

    match: Mapping[str, str]


class CameraRules(msgspec.Struct):
    """A camera's own rules, and what comes of these, its labels' and the default."""

    camera: str
    own: PolicyBody
    in_force: PolicyBody


class RootBody(msgspec.Struct):
    """A root whose disk is there."""

    root: str
    path: str
    free_bytes: int
    floor_bytes: int


class RetentionBody(msgspec.Struct):
    """The rules in force."""

    as_of: str
    default: PolicyBody
    labels: list[LabelBody]
    cameras: list[CameraRules]
    roots: list[RootBody]


class PolicyChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is to differ; what is absent stays, null removes the rule."""

    max_age_s: _Age = msgspec.UNSET
    min_age_s: _Age = msgspec.UNSET
    max_bytes: _Bytes = msgspec.UNSET


class NewLabelRule(PolicyChange, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Rules for cameras by their labels."""

    match: dict[str, str]


class RuleChange(msgspec.Struct, forbid_unknown_fields=True):
    """Rules to try. ``labels`` takes the place of all label rules."""

    default: PolicyChange = PolicyChange()
    labels: list[NewLabelRule] | None = None
    cameras: dict[str, PolicyChange] = {}


class RuleCount(msgspec.Struct):
    """What goes by one rule."""

    segments: int
    bytes: int


class ShortfallBody(msgspec.Struct):
    """Bytes that a root lacks to its floor, and that nothing may be deleted for."""

    root: str
    bytes: int


class Preview(msgspec.Struct):
    """What would be deleted now."""

    as_of: str
    plan_hash: str
    segments: int
    hours: float
    bytes: int
    cameras: int
    oldest: str | None
    by_rule: dict[str, RuleCount]
    complete: bool
    shortfalls: list[ShortfallBody]
    overdue: int
    held_beyond: dict[str, int]


class Confirmation(msgspec.Struct, forbid_unknown_fields=True):
    """The plan that was previewed."""

    plan_hash: str


class AppliedRules(msgspec.Struct):
    """What was deleted; ``gone`` of the plan's segments went by themselves since."""

    deleted: RuleCount
    gone: int


class WaitingBody(msgspec.Struct):
    """Deletions that wait for a person. ``cause``: what to confirm; ``reason``: why it waits, where that is more than
    the amount; ``confirmed_by``: who has confirmed it, until the next pass carries it out."""

    cause: str
    since: str
    reason: str | None
    segments: int
    hours: float
    bytes: int
    cameras: int
    oldest: str | None
    confirmed_by: str | None


class WaitingList(msgspec.Struct):
    """What waits."""

    as_of: str
    waiting: list[WaitingBody]


class CauseConfirmation(msgspec.Struct, forbid_unknown_fields=True):
    """A cause of the list."""

    cause: str


class MissBody(msgspec.Struct):
    """A promise that will not be kept."""

    camera: str
    min_age_s: float
    reachable_s: float
    at: str


class RecordedBody(msgspec.Struct):
    """What a camera records, by its last day, and since when there is footage of it; null: there is none."""

    camera: str
    bytes_per_s: int
    oldest: str | None


class ForecastBody(msgspec.Struct):
    """Whether all ``min_age`` can be kept."""

    as_of: str
    capacity_bytes: int
    needed_bytes: int
    bytes_per_s: int
    full: str | None
    misses: list[MissBody]
    cameras: list[RecordedBody]
