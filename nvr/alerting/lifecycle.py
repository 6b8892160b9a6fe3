"""Alerts and what changes of them: how they are opened and resolved for conditions. Cameras that are down: ``outages``.
Pure.

Something must last for a while to be an alert (``after_us``), and must have been away for a while to be over
(``clear_us``). What comes back within an hour of its end is the same alert, flapping: each time it does, it must stay
away twice as long, up to an hour.

Invariants: of one key at most one alert is open; what an alert is kept by is all in ``Alert``, so that a restart
between two steps changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nvr.alerting.conditions import AlertKind, Condition
from nvr.alerting.rows import AlertMember

__all__ = ["AGAIN_US", "Alert", "Change", "Event", "hold_us", "new_id", "newest", "step"]

AGAIN_US: Final = 3_600_000_000
_LONGEST_HOLD_US: Final = 3_600_000_000

Key = tuple[AlertKind, str]
Event = str
"""``opened``, ``changed`` (of a group: many more are down, or many less), ``parted`` (a group is over, and names those
that are down still) or ``resolved``."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is kept; see ``nvr.alerting.rows.Row``. ``resolved_us``: None while it is open. ``acknowledged``:
    when, by whom (name), a note, and by whom (id), of one that is new."""

    id: str
    kind: AlertKind
    subject: str
    since_us: int
    opened_us: int
    resolved_us: int | None = None
    flaps: int = 0
    cameras: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[AlertMember, ...] = ()
    well_us: int | None = None
    told: int = 0
    told_us: int | None = None
    acknowledged: tuple[int | None, str | None, str | None, str | None] = (None, None, None, None)

    @property
    def key(self) -> Key:
        """As ``Condition.key``."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Change:
    """The alert as it is now. ``event``: what people are notified of, if anything."""

    alert: Alert
    event: Event | None


def hold_us(usual_us: int, flaps: int) -> int:
    """How long something must stay as it is to be believed: each time that it came back, twice as long, up to an
    hour."""
    return max(usual_us, min(usual_us << min(flaps, 20), _LONGEST_HOLD_US))


def new_id() -> str:
    """An id for an alert."""
    return secrets.token_hex(6)


def newest(alerts: Iterable[Alert], *, now_us: int) -> dict[Key, Alert]:
    """Of each key the alert that ended last, within the last hour, by itself: it would come back."""
    found: dict[Key, Alert] = {}
    for alert in alerts:
        ended_us = alert.resolved_us
        if ended_us is None or "folded_into" in alert.detail or now_us - ended_us >= AGAIN_US:
            continue
        if alert.key not in found or (found[alert.key].resolved_us or 0) < ended_us:
            found[alert.key] = alert
    return found


def step(
    alerts: Iterable[Alert],
    conditions: Iterable[Condition],
    pending: Mapping[tuple[str, str], int],
    *,
    after_us: Mapping[AlertKind, int],
    clear_us: int,
    now_us: int,
) -> tuple[list[Change], dict[tuple[str, str], int]]:
    """What changes, and what is pending now. ``alerts``: those open, and those resolved within the last hour.
    ``pending``: since when what is no alert yet is so."""
    known = list(alerts)
    open_ = {alert.key: alert for alert in known if alert.resolved_us is None}
    ended = newest(known, now_us=now_us)
    now = {condition.key: condition for condition in conditions}
    waits: dict[tuple[str, str], int] = {}
    changes: list[Change] = []
    for key, condition in now.items():
        alert = open_.get(key)
        if alert is not None:
            seen = replace(alert, well_us=None, cameras=condition.cameras, detail=dict(condition.detail))
            if seen != alert:
                changes.append(Change(seen, None))
            continue
        since_us = condition.since_us if condition.since_us is not None else pending.get(key, now_us)
        if now_us - since_us >= after_us.get(condition.kind, 0):
            changes.append(Change(_opened(condition, since_us, ended.get(key), now_us), "opened"))
        elif condition.since_us is None:
            waits[key] = since_us
    for key, alert in open_.items():
        if key in now:
            continue
        well_us = min(now_us, alert.well_us if alert.well_us is not None else now_us)
        if now_us - well_us >= hold_us(clear_us, alert.flaps):
            changes.append(Change(replace(alert, well_us=well_us, resolved_us=well_us), "resolved"))
        elif alert.well_us != well_us:
            changes.append(Change(replace(alert, well_us=well_us), None))
    return changes, waits


def _opened(condition: Condition, since_us: int, before: Alert | None, now_us: int) -> Alert:
    values: dict[str, Any] = {
        "since_us": since_us,
        "cameras": condition.cameras,
        "detail": dict(condition.detail),
    }
    if before is not None:
        return replace(before, **values, resolved_us=None, well_us=None, flaps=before.flaps + 1)
    return Alert(new_id(), condition.kind, condition.subject, opened_us=now_us, **values)
