"""Which devices are looked for because their cameras can't be reached, where, and when again. Pure, but for what it
reads of the catalogue.

Invariant: what is looked for is in networks that may be searched, and each device at most as often as ``_WAITS_US``
says: a device that was switched off must not have its street searched all day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from nvr.devices import moves, rows
from nvr.devices.rows import FoundDevice
from storage.catalogue import cameras, status
from storage.causes import Cause

__all__ = ["Sought", "due", "lost", "nearby"]

LOST_US: Final = 600_000_000
# After the first time it is looked for again after half an hour, two hours, six, and then once a day.
_WAITS_US: Final = (1_800_000_000, 7_200_000_000, 21_600_000_000, 86_400_000_000)
# More are no matter of single devices: a line or a router is down.
_MOST: Final = 50
_BLOCK_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class Sought:
    """How often a device was looked for since it was lost, and when last."""

    times: int
    last_us: int


def lost(conn: sqlite3.Connection, *, now_us: int) -> list[FoundDevice]:
    """The devices of cameras that can't be reached for ten minutes, which were not found elsewhere yet, and which can
    be known again."""
    states = status.list_all(conn)
    bound = rows.bindings(conn)
    known = {device.id: device for device in rows.devices(conn)}
    found: dict[str, FoundDevice] = {}
    for camera in cameras.list_all(conn):
        now = states.get(camera.id)
        device = known.get(bound.get(camera.id, ""))
        if now is None or device is None or now.state != "waiting" or now.cause is not Cause.UNREACHABLE:
            continue
        is_there = moves.host_of(camera) == device.address
        if now.since_us <= now_us - LOST_US and is_there and (device.facts.uuid or device.facts.identity):
            found[device.id] = device
    return list(found.values())


def due(found: Sequence[FoundDevice], before: Mapping[str, Sought], *, now_us: int) -> list[FoundDevice]:
    """Those that are to be looked for now. Of many at once none: they have not all moved."""
    if len(found) > _MOST:
        return []
    chosen = []
    for device in found:
        last = before.get(device.id)
        wait_us = _WAITS_US[min(last.times, len(_WAITS_US)) - 1] if last is not None else 0
        if last is None or not 0 <= now_us - last.last_us < wait_us:
            chosen.append(device)
    return chosen


def nearby(devices: Collection[FoundDevice], allowed: Sequence[str]) -> list[str]:
    """The blocks of addresses around where the devices were, as far as they may be searched."""
    nets = [ip_network(text) for text in allowed]
    found: set[str] = set()
    for device in devices:
        address = ip_address(device.address)
        block = ip_network((int(address), address.max_prefixlen - _BLOCK_BITS), strict=False)
        if block.version != address.version:
            continue
        for net in nets:
            if net.version != block.version:
                continue
            if block.subnet_of(net):  # type: ignore[arg-type]
                found.add(str(block))
            elif net.subnet_of(block):  # type: ignore[arg-type]
                found.add(str(net))
    return sorted(found)
