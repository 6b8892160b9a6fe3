"""Which alerts are opened and which are over, given what is wrong now. Pure.

Something must last for a while to be told (``after_us``), and must have been away for a while to be over (``clear_us``). What comes back within an hour of
its end is the same alert, flapping: each time it does, it must stay away twice as long, up to an hour, so that a camera with a loose plug makes a
handful of messages a day.

Invariant: of one key at most one alert is open.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from nvr.alerting.conditions import Condition, Kind

__all__ = ["Alert", "Change", "step"]

_AGAIN_US: Final = 3_600_000_000
_LONGEST_CLEAR_US: Final = 3_600_000_000

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is kept. ``seen_us``: when it was last so. ``resolved_us``: None while it is open."""

    id: str
    kind: Kind
    subject: str
    since_us: int
    opened_us: int
    seen_us: int
    resolved_us: int | None
    flaps: int
    cameras: tuple[str, ...]
    detail: Mapping[str, Any]

    @property
    def key(self) -> Key:
        """As ``Condition.key``."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Change:
    """The alert as it is now. ``event``: ``opened`` or ``resolved`` if somebody is to be told, else None."""

    alert: Alert
    event: str | None


def step(
    alerts: Iterable[Alert],
    conditions: Iterable[Condition],
    *,
    after_us: Mapping[Kind, int],
    clear_us: int,
    now_us: int,
) -> list[Change]:
    """What changes. ``alerts``: those open, and those resolved within the last hour."""
    open_: dict[Key, Alert] = {}
    ended: dict[Key, Alert] = {}
    for alert in alerts:
        if alert.resolved_us is None:
            open_[alert.key] = alert
        elif "folded_into" in alert.detail:
            continue
        elif now_us - alert.resolved_us < _AGAIN_US and (
            alert.key not in ended or (ended[alert.key].resolved_us or 0) < alert.resolved_us
        ):
            ended[alert.key] = alert
    now = {condition.key: condition for condition in conditions}
    covered = {camera: c.subject for c in now.values() if c.kind is Kind.CAMERAS_DOWN for camera in c.cameras}
    changes: list[Change] = []
    for key, condition in now.items():
        known = open_.get(key)
        if known is not None:
            seen = replace(known, seen_us=now_us, cameras=condition.cameras, detail=dict(condition.detail))
            changes.append(Change(seen, None))
        elif now_us - condition.since_us >= after_us.get(condition.kind, 0):
            changes.append(Change(_opened(condition, ended.get(key), now_us), "opened"))
    for key, alert in open_.items():
        if key in now:
            continue
        if alert.kind is Kind.CAMERA_DOWN and alert.subject in covered:
            # It is told as part of the group: two messages about its end would be one too many.
            detail = {**alert.detail, "folded_into": covered[alert.subject]}
            changes.append(Change(replace(alert, resolved_us=now_us, detail=detail), None))
        elif now_us - alert.seen_us >= min(clear_us << min(alert.flaps, 20), _LONGEST_CLEAR_US):
            changes.append(Change(replace(alert, resolved_us=alert.seen_us), "resolved"))
    return changes


def _opened(condition: Condition, before: Alert | None, now_us: int) -> Alert:
    if before is not None:
        return replace(
            before,
            since_us=condition.since_us,
            seen_us=now_us,
            resolved_us=None,
            flaps=before.flaps + 1,
            cameras=condition.cameras,
            detail=dict(condition.detail),
        )
    return Alert(
        secrets.token_hex(6),
        condition.kind,
        condition.subject,
        condition.since_us,
        now_us,
        now_us,
        None,
        0,
        condition.cameras,
        dict(condition.detail),
    )
