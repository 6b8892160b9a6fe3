"""Which worker records which camera. Pure.

There are two kinds of workers: those that read cameras by ourselves share all of theirs, and those that feed FFmpeg
have few each, since one abort ends them.

Invariants: every camera has exactly one worker, and none that feeds FFmpeg more than ``ROOM``; ``share`` moves none
from a living worker; ``moves`` names none unless the load is clearly uneven, never more than it is allowed, and each
one makes the busiest worker's load less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from nvr.recorder.assignments import Leaving

__all__ = ["ROOM", "HeldCameras", "Move", "loads", "moves", "pack", "share", "weight"]

# What a camera costs besides its bytes, as bits per second: frames, timers, rows.
_EACH_BPS: Final = 250_000
# Not measured yet: an ordinary camera.
_USUAL_BPS: Final = 2_000_000
# Uneven by so much of the mean before anything moves, and by so much when enough has moved: a move costs a connection,
# load goes up and down.
_BEGIN: Final = 0.25
_ENOUGH: Final = 0.10
# Below this no core is near its limit, whatever the shares.
_NEGLIGIBLE_BPS: Final = 40_000_000
ROOM: Final = 16
"""Cameras of one worker that feeds FFmpeg."""


@dataclass(frozen=True, slots=True)
class Move:
    """A camera that should change its worker."""

    camera: str
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class HeldCameras:
    """``epochs``: the cameras that this node records, each with the epoch of the fleet under which it was given it.
    ``others``: those that it does not, and the cause and detail to say so with. Of a camera that is in neither nothing
    is known yet: nobody here begins with it."""

    epochs: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, Leaving] = field(default_factory=dict)


def weight(bitrate_bps: float | None) -> float:
    """What a camera of this bitrate costs its worker."""
    return _EACH_BPS + (_USUAL_BPS if bitrate_bps is None else bitrate_bps)


def loads(weights: Mapping[str, float], shares: Mapping[str, int], workers: Collection[int]) -> dict[int, float]:
    """The weight that each worker carries."""
    found = dict.fromkeys(sorted(workers), 0.0)
    for camera, worker in shares.items():
        if worker in found:
            found[worker] += weights.get(camera, weight(None))
    return found


def share(weights: Mapping[str, float], workers: Collection[int], now: Mapping[str, int]) -> dict[str, int]:
    """The worker of each camera. ``now`` is who has it at present; the others go, the heaviest first, to whoever
    carries least.

    Raises:
        ValueError: there is no worker.
    """
    if not workers:
        raise ValueError("there is no worker")
    result = {camera: worker for camera, worker in now.items() if camera in weights and worker in workers}
    load = loads(weights, result, workers)
    for camera in sorted(weights.keys() - result.keys(), key=lambda camera: (-weights[camera], camera)):
        worker = min(load, key=lambda number: (load[number], number))
        result[camera] = worker
        load[worker] += weights[camera]
    return result


def pack(cameras: Collection[str], shares: Mapping[str, int], taken: Mapping[int, int], free: int) -> dict[str, int]:
    """Workers of cameras that FFmpeg reads. None leaves the worker that it has, if that is one of ``taken``: those that
    feed FFmpeg, and how many cameras each is to have besides. New workers get numbers from ``free`` on, and only when
    all others have ``ROOM`` cameras."""
    result = {camera: shares[camera] for camera in cameras if shares.get(camera) in taken}
    counts = Counter(dict(taken))
    counts.update(result.values())
    for camera in sorted(cameras):
        if camera in result:
            continue
        worker = next((number for number in sorted(counts) if counts[number] < ROOM), None)
        if worker is None:
            worker, free = free, free + 1
        result[camera] = worker
        counts[worker] += 1
    return result


def moves(
    weights: Mapping[str, float],
    shares: Mapping[str, int],
    workers: Collection[int],
    *,
    movable: Collection[str],
    most: int,
    negligible_bps: float = _NEGLIGIBLE_BPS,
) -> list[Move]:
    """What to move, if anything. ``movable``: cameras that may be moved; others weigh where they are."""
    load = loads(weights, shares, workers)
    mean = sum(load.values()) / len(load)
    candidates = {worker: sorted(c for c in movable if shares.get(c) == worker) for worker in load}
    result: list[Move] = []
    limit = max(_BEGIN * mean, negligible_bps)
    while len(result) < most:
        source = max(load, key=lambda number: (load[number], -number))
        target = min(load, key=lambda number: (load[number], number))
        if load[source] - mean <= limit:
            break
        # More than half of the difference would only turn it round.
        fitting = [c for c in candidates[source] if weights[c] <= (load[source] - load[target]) / 2]
        if not fitting:
            break
        camera = max(fitting, key=lambda c: (weights[c], c))
        candidates[source].remove(camera)
        load[source] -= weights[camera]
        load[target] += weights[camera]
        result.append(Move(camera, source, target))
        limit = max(_ENOUGH * mean, negligible_bps / 2)
    return result
