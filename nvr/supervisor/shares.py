"""Which worker records which camera. Pure.

Invariant: every camera has exactly one worker, and none is moved from a living worker: moving costs a connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["share"]


def share(cameras: Collection[str], workers: Collection[int], now: Mapping[str, int]) -> dict[str, int]:
    """The worker of each camera. ``now`` is who has it at present; the others go, in order of their ids, to whoever has fewest."""
    if not workers:
        raise ValueError("there is no worker")
    result = {camera: worker for camera, worker in now.items() if camera in cameras and worker in workers}
    load = dict.fromkeys(sorted(workers), 0)
    for worker in result.values():
        load[worker] += 1
    for camera in sorted(set(cameras) - result.keys()):
        worker = min(load, key=lambda number: (load[number], number))
        result[camera] = worker
        load[worker] += 1
    return result
