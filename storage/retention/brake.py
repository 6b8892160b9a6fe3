"""The brake: which deletions wait for a person. Pure.

Retention follows rules, and a rule can be wrong: a floor of 500 TB where 500 GB was meant, a ``max_age`` in minutes, a
clock that is 40 days ahead, a disk that shrank. Whatever the rules *confirmed so far*, at a true time, would delete
goes by itself. What goes beyond that may go by itself only as long as it is little, summed over 24 hours; more waits,
with its cause, until a person confirms the cause. Invariants: confirmed rules are never held up; what waits is never
deleted in slices; where nothing was ever confirmed, nothing is explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from storage.retention.plan import MAX_AGE, MAX_BYTES, Deletion, Disk
from storage.retention.policies import Policy

__all__ = [
    "Amount",
    "Moment",
    "allowed",
    "amounts",
    "at_pace",
    "cause_of",
    "clock_error",
    "floor_error",
    "gentle",
    "is_much",
    "space_budget",
    "true_us",
    "within",
]

_CAMERA_SHARE: Final = 0.1
_CAMERA_US: Final = 3_600_000_000
_FLEET_SHARE: Final = 0.05
_FLOOR_SHARE: Final = 0.25
_DAY_US: Final = 86_400_000_000
# The clock may be set by this much without anybody asking: what goes ten minutes early is no archive.
_CLOCK_SLACK_US: Final = 600_000_000
# A server that was off for longer than a long weekend may as well have a wrong clock: a person knows.
_PLAUSIBLE_OUTAGE_US: Final = 3 * _DAY_US
# Pruning must outrun recording, or the disk fills.
_PACE: Final = 1.2


@dataclass(frozen=True, slots=True)
class Amount:
    """Some footage: its length and its bytes."""

    us: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.us + other.us, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Moment:
    """A reading of the clocks: wall time, and time since boot ``boot`` (empty: unknown), which nobody can set."""

    wall_us: int
    boot: str
    up_us: int


def _is_looser(new: int | None, old: int | None) -> bool:
    """Whether a limit spares at least what ``old`` spared; None is no limit."""
    return new is None or (old is not None and new >= old)


def gentle(in_force: Policy, confirmed: Policy | None) -> Policy:
    """Of the rules in force, what is confirmed: each limit no tighter, the promise no shorter than confirmed."""
    if confirmed is None:
        return replace(in_force, max_age_us=None, max_bytes=None)
    promise = in_force.min_age_us
    if confirmed.min_age_us is not None and (promise is None or promise < confirmed.min_age_us):
        promise = confirmed.min_age_us
    return Policy(
        in_force.max_age_us if _is_looser(in_force.max_age_us, confirmed.max_age_us) else confirmed.max_age_us,
        in_force.max_bytes if _is_looser(in_force.max_bytes, confirmed.max_bytes) else confirmed.max_bytes,
        promise,
    )


def allowed(disk: Disk, confirmed_bytes: int | None) -> Disk:
    """The disk with the floor that retention may keep by itself. A root without a confirmed floor keeps what it has
    free now, so that what is recorded makes what is oldest go, and no more."""
    most = min(disk.free_bytes, disk.total_bytes // 4) if confirmed_bytes is None else confirmed_bytes
    return replace(disk, floor_bytes=min(disk.floor_bytes, most))


def floor_error(floor_bytes: int, total_bytes: int, bytes_a_day: int = 0) -> str:
    """Why a floor can't be meant: over a quarter of its disk, or it leaves less than a day of what is recorded; empty
    if it can."""
    if floor_bytes > total_bytes * _FLOOR_SHARE:
        return f"{floor_bytes} bytes are more than a quarter of the disk ({total_bytes} bytes)"
    if bytes_a_day and total_bytes - floor_bytes < bytes_a_day:
        return (
            f"it leaves room for less than a day of footage ({bytes_a_day} bytes a day,"
            f" {total_bytes - floor_bytes} bytes of room)"
        )
    return ""


def cause_of(deletion: Deletion, in_force: Policy, confirmed: Policy | None) -> str:
    """What has to be confirmed for this deletion, which confirmed rules would not make: ``max_age=<us>``,
    ``max_bytes=<bytes>``, ``min_age=<us>`` or ``floor=<root>``."""
    was = confirmed or Policy()
    if deletion.rule == MAX_AGE:
        return f"max_age={in_force.max_age_us}"
    if deletion.rule == MAX_BYTES and not _is_looser(in_force.max_bytes, was.max_bytes):
        return f"max_bytes={in_force.max_bytes}"
    if was.min_age_us is not None and (in_force.min_age_us is None or in_force.min_age_us < was.min_age_us):
        return f"min_age={in_force.min_age_us}"
    return f"floor={deletion.candidate.root}"


def amounts(deletions: Iterable[Deletion]) -> dict[str, Amount]:
    """What would go of each camera."""
    found: dict[str, Amount] = {}
    for deletion in deletions:
        c = deletion.candidate
        found[c.key.camera] = found.get(c.key.camera, Amount()) + Amount(c.end_us - c.key.start_us, c.bytes)
    return found


def is_much(going: Mapping[str, Amount], lately: Mapping[str, Amount], footage: Mapping[str, Amount]) -> bool:
    """Whether what would go beyond confirmed rules, with what went so in the last 24 hours, is more than a tenth of a
    camera's footage and more than an hour of it, or more than 5 % of the fleet's bytes. ``footage``: what there is now,
    by camera."""
    cameras = going.keys() | lately.keys()
    total = {camera: going.get(camera, Amount()) + lately.get(camera, Amount()) for camera in cameras}
    for camera, amount in total.items():
        had = footage.get(camera, Amount()) + lately.get(camera, Amount())
        if camera in going and amount.us > _CAMERA_US and amount.us > had.us * _CAMERA_SHARE:
            return True
    had_bytes = sum(amount.bytes for amount in (*footage.values(), *lately.values()))
    return bool(going) and sum(amount.bytes for amount in total.values()) > had_bytes * _FLEET_SHARE


def space_budget(lately_bytes: int, recorded_a_day: float, footage_bytes: int) -> int:
    """How many bytes more may go for free space within these 24 hours: twice what is recorded in a day, or 5 % of the
    footage, is explained by recording. Beyond that the disk has become smaller or fills with something else, and
    pruning keeps pace with recording (``at_pace``), no more."""
    return max(0, round(max(2 * recorded_a_day, footage_bytes * _FLEET_SHARE)) - lately_bytes)


def at_pace(recorded_a_day: float, elapsed_us: int) -> int:
    """Bytes that recording needs in this time, and a little more."""
    return int(recorded_a_day * _PACE * min(max(elapsed_us, 0), _DAY_US) / _DAY_US)


def clock_error(now: Moment, anchor: Moment | None, last_footage_us: int | None, synchronised: bool | None) -> str:
    """Why the clock can't be trusted with deleting by age; empty if it can. ``anchor``: the last reading that was
    trusted; without one, footage must not end long ago. ``synchronised``: what the system says, None if it does not."""
    if anchor is None:
        if synchronised is False:
            return "the clock is not synchronised"
        if last_footage_us is not None and now.wall_us - last_footage_us > _PLAUSIBLE_OUTAGE_US:
            return f"the clock is {_days(now.wall_us - last_footage_us)} after the last footage"
        return ""
    ahead_us = now.wall_us - anchor.wall_us
    if now.boot and now.boot == anchor.boot:
        ahead_us -= now.up_us - anchor.up_us
        if ahead_us > _CLOCK_SLACK_US:
            return f"the clock was set forward by {_days(ahead_us)}"
    elif ahead_us > _PLAUSIBLE_OUTAGE_US:
        return f"the clock is {_days(ahead_us)} after the server was last running"
    if ahead_us < -_CLOCK_SLACK_US:
        return f"the clock was set back by {_days(-ahead_us)}"
    return "the clock is not synchronised" if synchronised is False else ""


def true_us(now: Moment, anchor: Moment | None) -> int:
    """The time that can be relied on while the clock can't: since the last trusted reading at least this much has
    passed."""
    if anchor is None:
        return now.wall_us
    passed_us = now.up_us - anchor.up_us if now.boot and now.boot == anchor.boot else now.up_us
    return min(now.wall_us, anchor.wall_us + max(0, passed_us))


def _days(us: int) -> str:
    return f"{us / _DAY_US:.1f} days" if us >= _DAY_US else f"{us / 60e6:.0f} min"


def within(deletions: Sequence[Deletion], bytes_: int, rule: str) -> list[Deletion]:
    """The deletions, of those by ``rule`` only the first that fit into so many bytes."""
    kept, left = [], bytes_
    for deletion in deletions:
        if deletion.rule == rule:
            if deletion.candidate.bytes > left:
                left = 0
                continue
            left -= deletion.candidate.bytes
        kept.append(deletion)
    return kept
