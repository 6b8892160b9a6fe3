"""What is wrong now beside cameras that are down: conditions, from what is known of disks, promises, logins and the
clock. Pure, but for the files of a certificate.

Invariant: what a condition says of a camera is only said while the camera should be recorded.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from nvr.backups.state import BackupState
from nvr.tls.errors import TlsError
from storage.catalogue.devices import Device
from storage.catalogue.logins import LedgerEntry
from storage.integrity.findings import Wrong
from storage.retention.confirmations import CLOCK, WaitingDeletion
from storage.retention.forecast import Forecast
from storage.retention.plan import Disk
from storage.writing.at_risk import Risk

__all__ = [
    "AlertKind",
    "Condition",
    "backups",
    "certificates_changed",
    "deletions_waiting",
    "disks_low",
    "disks_worn",
    "held_beyond",
    "holds_large",
    "logins_refused",
    "of_required",
    "page_certificate",
    "promises_at_risk",
    "syncs_late",
    "tampered",
]


class AlertKind(StrEnum):
    """What a condition is."""

    CAMERA_DOWN = "camera_down"
    CAMERAS_DOWN = "cameras_down"
    DISK_LOW = "disk_low"
    SYNC_LATE = "sync_late"
    HELD_BEYOND = "held_beyond"
    HOLDS_LARGE = "holds_large"
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
    TAMPERED = "tampered"
    PAGE_CERTIFICATE_ENDING = "page_certificate_ending"
    PAGE_CERTIFICATE_UNUSABLE = "page_certificate_unusable"
    DISK_WORN = "disk_worn"
    BACKUP_LATE = "backup_late"
    BACKUP_DRILL_FAILED = "backup_drill_failed"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something is wrong with ``subject`` since ``since_us``, or since it was first seen (None). ``cameras`` are those
    it is about."""

    kind: AlertKind
    subject: str
    since_us: int | None = None
    cameras: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[AlertKind, str]:
        """Two conditions of one key are the same one, seen again."""
        return self.kind, self.subject


# They are about footage that is there.
_OF_FOOTAGE: Final = (AlertKind.PROMISE_AT_RISK, AlertKind.DELETION_WAITING, AlertKind.HELD_BEYOND)


def of_required(found: Iterable[Condition], required: Collection[str]) -> list[Condition]:
    """The conditions without cameras that need not be recorded, and without those that are about none then."""
    kept = []
    for condition in found:
        if condition.cameras and condition.kind not in _OF_FOOTAGE:
            left = tuple(camera for camera in condition.cameras if camera in required)
            if not left:
                continue
            condition = replace(condition, cameras=left)
        kept.append(condition)
    return kept


def disks_low(disks: Sequence[Disk], names: Mapping[str, str]) -> list[Condition]:
    """Roots with less than half of their free space floor: pruning does not keep up, or may not. ``names``: paths of
    roots."""
    return [
        Condition(
            AlertKind.DISK_LOW,
            names.get(disk.root, disk.root),
            detail={"free_bytes": disk.free_bytes, "floor_bytes": disk.floor_bytes},
        )
        for disk in disks
        if disk.free_bytes < disk.floor_bytes / 2
    ]


def disks_worn(worn: Mapping[str, Sequence[str]]) -> list[Condition]:
    """Roots whose disk says of itself that it is worn. ``worn``: what it says, by the root's path."""
    return [
        Condition(AlertKind.DISK_WORN, path, detail={"reason": "; ".join(faults)[:500]})
        for path, faults in worn.items()
        if faults
    ]


def syncs_late(risks: Mapping[str, Risk], names: Mapping[str, str]) -> list[Condition]:
    """Roots of which a power cut could have cost more than was promised, within the last five minutes or now.
    ``names``: paths of roots."""
    return [
        Condition(
            AlertKind.SYNC_LATE,
            names.get(root, root),
            # In tenths, rounded up: more than was promised is never as much.
            detail={
                "worst_us": math.ceil(max(risk.worst_s, risk.oldest_s) * 10) * 100_000,
                "limit_us": round(risk.limit_s * 1e6),
            },
        )
        for root, risk in risks.items()
        if max(risk.worst_s, risk.oldest_s) > risk.limit_s
    ]


def held_beyond(bytes_of: Mapping[str, int]) -> list[Condition]:
    """One condition for all cameras that have more than their ``max_bytes`` because of holds. ``bytes_of``: how much
    more."""
    if not bytes_of:
        return []
    detail = {"beyond_bytes": sum(bytes_of.values())}
    return [Condition(AlertKind.HELD_BEYOND, "", None, tuple(sorted(bytes_of)), detail)]


def holds_large(kept_bytes: int, disks: Sequence[Disk], share: int) -> list[Condition]:
    """Holds keep more than ``share`` percent of the footage disks, whoever placed them: what is left to record on
    shrinks. ``kept_bytes``: once their ranges are over."""
    total = sum(disk.total_bytes for disk in disks)
    if not total or kept_bytes * 100 <= total * share:
        return []
    # In whole percents and tenths of gigabytes: what changes with each segment is no news.
    detail = {"kept_bytes": round(kept_bytes, -8), "percent": kept_bytes * 100 // total, "share": share}
    return [Condition(AlertKind.HOLDS_LARGE, "", None, detail=detail)]


def deletions_waiting(waiting: Sequence[WaitingDeletion]) -> list[Condition]:
    """One condition for each cause that deletions wait for, until a person confirms it or the rules are put right. A
    clock in doubt is none as long as nothing waits for it: at a start no clock is synchronised yet."""
    return [
        Condition(AlertKind.DELETION_WAITING, row.cause, row.since_us, detail=row.detail)
        for row in waiting
        if row.cause != CLOCK or row.detail.get("segments")
    ]


def tampered(found: Sequence[Wrong]) -> list[Condition]:
    """One condition each for log, schema and holds that are not as they should be."""
    return [
        Condition(
            AlertKind.TAMPERED, one.what, one.since_us, detail={"count": len(one.faults), "text": list(one.faults)}
        )
        for one in found
    ]


def page_certificate(certificate: str | None, key: str | None, *, now_us: int) -> list[Condition]:
    """The certificate that the server shows can't be used, or ends within three weeks or has. Reads the files."""
    if certificate is None or key is None:
        return []
    # Most servers have no certificate, and what reads one is large.
    from nvr.tls.pair import read_pair

    try:
        pair = read_pair(Path(certificate), Path(key))
    except TlsError:
        # The message names files; check-config has it.
        return [Condition(AlertKind.PAGE_CERTIFICATE_UNUSABLE, "")]
    if not pair.ends_soon(now_us):
        return []
    return [Condition(AlertKind.PAGE_CERTIFICATE_ENDING, "", detail={"until_us": pair.ends_us})]


def backups(
    state: BackupState, every_us: int | None, *, started_us: int, now_us: int, copied: bool = False
) -> list[Condition]:
    """No backup, or, where they are to be ``copied`` elsewhere, no copy for twice as long as it should take, whatever
    the reason; the last drill failed. ``every_us``: how often there should be one, None: never."""
    if every_us is None:
        return []
    found = []
    # Before there is a first one it counts from the start.
    at_us, reason = state.made_us, state.failed
    if copied and state.copied_us != at_us:
        at_us, reason = state.copied_us, state.failed or state.copy_failed
    if now_us - max(at_us or 0, 0 if at_us else started_us) > 2 * every_us:
        detail = {"reason": reason or "", **({"from_us": at_us} if at_us else {})}
        found.append(Condition(AlertKind.BACKUP_LATE, "", detail=detail))
    if state.drill_failed is not None:
        found.append(Condition(AlertKind.BACKUP_DRILL_FAILED, "", detail={"reason": state.drill_failed[:500]}))
    return found


def promises_at_risk(forecast: Forecast) -> list[Condition]:
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
    return [Condition(AlertKind.PROMISE_AT_RISK, "", None, cameras, detail)]


def logins_refused(entries: Sequence[LedgerEntry], open_: Collection[str] = ()) -> list[Condition]:
    """Accounts whose password a device refused, from the first time on. The subject is a camera that was refused, of an
    alert that is open (``open_``: their subjects) the same one; host and account are known to whoever may see its
    settings."""
    return [
        Condition(
            AlertKind.LOGIN_REFUSED,
            min(set(entry.cameras) & set(open_) or entry.cameras),
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
        Condition(AlertKind.CERTIFICATE_CHANGED, device.camera, device.offered_us, (device.camera,))
        for device in changed
        if device.camera is not None and device.offered_us is not None
    ]
