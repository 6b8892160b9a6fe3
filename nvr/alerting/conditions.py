"""What is wrong now: conditions, from what is known of cameras, disks, promises and the clock. Pure.

Invariant: a camera that should be recorded and is not is in exactly one condition, alone or with others of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from storage.causes import Cause
from storage.confirmations import CLOCK, Waiting
from storage.devices import Device
from storage.forecast import Forecast
from storage.logins import Entry
from storage.retention import Disk
from storage.status import Status

__all__ = [
    "PLANNED",
    "Condition",
    "DownTimes",
    "Kind",
    "certificates_changed",
    "deletions_waiting",
    "disks_low",
    "logins_refused",
    "promises_at_risk",
]

# Not recording for one of these is as somebody decided.
PLANNED: Final = frozenset({Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE, Cause.NOT_CONFIGURED})
# A recorder reports every second; a status older than this is no word of now.
_SILENT_US: Final = 30_000_000


class Kind(StrEnum):
    """What a condition is."""

    CAMERA_DOWN = "camera_down"
    CAMERAS_DOWN = "cameras_down"
    DISK_LOW = "disk_low"
    ROOT_ABSENT = "root_absent"
    PROMISE_AT_RISK = "promise_at_risk"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    RECORDED_LITTLE = "recorded_little"
    FRAMES_LOST = "frames_lost"
    TIME_STAMPS_OFF = "time_stamps_off"
    KEYFRAMES_APART = "keyframes_apart"
    LOGIN_REFUSED = "login_refused"
    CERTIFICATE_CHANGED = "certificate_changed"
    DELETION_WAITING = "deletion_waiting"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something is wrong with ``subject`` since ``since_us``. ``cameras`` are those it is about."""

    kind: Kind
    subject: str
    since_us: int
    cameras: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Kind, str]:
        """Two conditions of one key are the same one, seen again."""
        return self.kind, self.subject


class DownTimes:
    """Since when each camera that should be recorded is not. A change of cause does not begin it anew; footage, an order or a window
    ends it."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}

    def update(
        self, added_us: Mapping[str, int], statuses: Mapping[str, Status], *, now_us: int
    ) -> dict[str, tuple[int, Cause | None]]:
        """``added_us``: all cameras that are recorded, with the time they were added. Returns those that are down: since when, and why."""
        down: dict[str, tuple[int, Cause | None]] = {}
        for camera, added in added_us.items():
            status = statuses.get(camera)
            silent = status is None or now_us - status.updated_us > _SILENT_US
            if status is not None and not silent and (status.state == "recording" or status.cause in PLANNED):
                self._since.pop(camera, None)
                continue
            known_us = added if status is None else max(added, status.since_us, status.recorded_until_us or 0)
            if status is not None and silent:
                known_us = max(known_us, status.updated_us)
            since_us = self._since.setdefault(camera, min(known_us, now_us))
            down[camera] = since_us, None if status is None else status.cause
        for camera in self._since.keys() - added_us.keys():
            del self._since[camera]
        return down


def disks_low(disks: Sequence[Disk], names: Mapping[str, str], *, now_us: int) -> list[Condition]:
    """Roots with less than half of their free space floor: pruning does not keep up, or may not. ``names``: paths of roots."""
    return [
        Condition(
            Kind.DISK_LOW,
            names.get(disk.root, disk.root),
            now_us,
            detail={"free_bytes": disk.free_bytes, "floor_bytes": disk.floor_bytes},
        )
        for disk in disks
        if disk.free_bytes < disk.floor_bytes / 2
    ]


def deletions_waiting(waiting: Sequence[Waiting], *, now_us: int) -> list[Condition]:
    """One condition for each cause that deletions wait for, until a person confirms it or the rules are put right. A clock in doubt is none as long as nothing waits for
    it: at a start no clock is synchronised yet."""
    return [
        Condition(Kind.DELETION_WAITING, row.cause, now_us, detail=row.detail)
        for row in waiting
        if row.cause != CLOCK or row.detail.get("segments")
    ]


def promises_at_risk(forecast: Forecast, *, now_us: int) -> list[Condition]:
    """One condition for all cameras that will miss their ``min_age``."""
    if not forecast.misses:
        return []
    first = min(forecast.misses, key=lambda miss: miss.at_us)
    detail = {
        "from_us": first.at_us,
        "needed_bytes": forecast.needed_bytes,
        "capacity_bytes": forecast.capacity_bytes,
    }
    cameras = tuple(miss.camera for miss in forecast.misses)
    return [Condition(Kind.PROMISE_AT_RISK, "", now_us, cameras, detail)]


def logins_refused(entries: Sequence[Entry]) -> list[Condition]:
    """Accounts whose password a device refused, from the first time on. The subject is a camera that was refused; host and account are known to whoever may see its
    settings."""
    return [
        Condition(
            Kind.LOGIN_REFUSED,
            min(entry.cameras),
            entry.first_us,
            tuple(sorted(entry.cameras)),
            {"failures": entry.failures, "until_us": entry.next_us},
        )
        for entry in entries
        if entry.cameras
    ]


def certificates_changed(changed: Sequence[Device]) -> list[Condition]:
    """Cameras that show another certificate than at first."""
    return [
        Condition(Kind.CERTIFICATE_CHANGED, device.camera, device.offered_us, (device.camera,))
        for device in changed
        if device.camera is not None and device.offered_us is not None
    ]
