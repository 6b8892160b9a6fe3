"""Which worker records which camera. Pure.

Invariants: every camera has exactly one worker; ``share`` moves none from a living worker; ``moves`` names none unless the load is clearly uneven, never more than
it is allowed, and each one makes the busiest worker's load less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Move", "loads", "moves", "share", "weight"]

# What a camera costs besides its bytes, as bits per second: frames, timers, rows.
_EACH_BPS: Final = 250_000
# Not measured yet: an ordinary camera.
_USUAL_BPS: Final = 2_000_000
# Uneven by so much of the mean before anything moves, and by so much when enough has moved: a move costs a connection, load goes up and down.
_BEGIN: Final = 0.25
_ENOUGH: Final = 0.10
# Below this no core is near its limit, whatever the shares.
_NEGLIGIBLE_BPS: Final = 40_000_000


@dataclass(frozen=True, slots=True)
class Move:
    """A camera that should change its worker."""

    camera: str
    source: int
    target: int


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
    """The worker of each camera. ``now`` is who has it at present; the others go, the heaviest first, to whoever carries least."""
    if not workers:
        raise ValueError("there is no worker")
    result = {camera: worker for camera, worker in now.items() if camera in weights and worker in workers}
    load = loads(weights, result, workers)
    for camera in sorted(weights.keys() - result.keys(), key=lambda camera: (-weights[camera], camera)):
        worker = min(load, key=lambda number: (load[number], number))
        result[camera] = worker
        load[worker] += weights[camera]
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
