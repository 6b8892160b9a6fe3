"""How much disk and uplink a number of cameras need, and what it costs. Pure.

Model: every camera sends and is recorded day and night at its bitrate, which is of footage as it is stored.
``overhead`` is what the way through the network adds to that (headers of RTP, TCP and IP, repetition), as a share. A
month has 30 days.

Invariant: what a camera sends and what that costs is said here for everybody, the planner and the orders' dry run
alike. A camera whose rate nobody knows is never free: it counts as the mean of the others, and how many there are is
said; where no rate is known at all, nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from storage.sentences import Sentence

__all__ = ["MONTH_US", "OVERHEAD", "CapacityPlan", "NoBitrateError", "Rates", "cost_a_month", "each", "plan", "rates"]

OVERHEAD: Final = 0.05
"""What headers add, unless somebody says otherwise."""
MONTH_US: Final = 30 * 86_400_000_000

_DAY_S: Final = 86_400


class NoBitrateError(ValueError):
    """No camera's bitrate is known, and none was given."""


@dataclass(frozen=True, slots=True)
class Rates:
    """``total_bps``: the sum over ``cameras``. ``measured`` of them have a bitrate of their own; the ``unknown`` count
    as the mean of those."""

    cameras: int
    measured: int
    unknown: int
    total_bps: float


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """``disk_days``: for how many days the present disks last; None without cameras. ``uplink_bps`` is with overhead.
    ``cost_a_month``: rupiah; None: no price is known."""

    rates: Rates
    bytes_a_day: float
    disk_bytes: float
    disk_days: float | None
    uplink_bps: float
    cost_a_month: float | None


def rates(
    cameras: Collection[str],
    measured: Mapping[str, float],
    *,
    bitrate_bps: float | None = None,
    count: int | None = None,
) -> Rates:
    """What the chosen ``cameras`` send together. ``bitrate_bps``: as if each of them sent that. ``count``: as if there
    were so many like them.

    Raises:
        NoBitrateError: nothing is known to go by.
    """
    if bitrate_bps is not None:
        number = len(cameras) if count is None else count
        return Rates(number, 0, 0, number * bitrate_bps)
    number = len(cameras) if count is None else count
    if not number:
        return Rates(0, 0, 0, 0.0)
    sent = each(cameras, measured)
    if count is None:
        own = sum(camera in measured for camera in sent)
        return Rates(number, own, number - own, sum(sent.values()))
    return Rates(number, 0, 0, number * fmean(measured[camera] for camera in sent if camera in measured))


def each(cameras: Collection[str], measured: Mapping[str, float]) -> dict[str, float]:
    """What each camera sends, bits a second.

    Raises:
        NoBitrateError: it is known of none.
    """
    known = [measured[camera] for camera in cameras if camera in measured]
    if not known:
        raise NoBitrateError(Sentence("no bitrate was measured yet: give one"))
    mean = fmean(known)
    return {camera: measured.get(camera, mean) for camera in cameras}


def cost_a_month(sent_bps: float, price_per_mbit: float | None, overhead: float = OVERHEAD) -> float | None:
    """Rupiah a month for an uplink that carries this, at a price for a Mbit/s; None: no price is known."""
    return sent_bps * (1 + overhead) / 1e6 * price_per_mbit if price_per_mbit else None


def plan(
    sent: Rates, *, days: float, overhead: float, price_per_mbit: float | None, capacity_bytes: int | None
) -> CapacityPlan:
    """What ``days`` of footage need. ``capacity_bytes``: what footage may take of the present disks; None: not
    known."""
    bytes_a_day = sent.total_bps / 8 * _DAY_S
    return CapacityPlan(
        sent,
        bytes_a_day,
        bytes_a_day * days,
        capacity_bytes / bytes_a_day if bytes_a_day and capacity_bytes is not None else None,
        sent.total_bps * (1 + overhead),
        cost_a_month(sent.total_bps, price_per_mbit, overhead),
    )
