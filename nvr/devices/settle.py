"""Who is who: what a search saw, held against the devices that are known. Pure.

A device is known by manufacturer and serial number; where one of two has none, by its UUID, then by its hardware
address. Invariant: two that were seen at once are never taken for one, and one that is still where it was has not
moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from nvr.devices.onvif.facts import DeviceFacts, DeviceFinding, DeviceSecrets
from nvr.devices.rows import FoundDevice, Sighting

__all__ = ["Settled", "is_same", "merged", "settle", "unsure"]


@dataclass(frozen=True, slots=True)
class Settled:
    """A sighting and whose it is: ``device`` is None for one that is new. ``moved_from``: where it was before."""

    sighting: Sighting
    device: FoundDevice | None
    moved_from: str | None = None


def is_same(a: DeviceFacts, b: DeviceFacts) -> bool:
    """Whether two are one device, by the best that both say of themselves."""
    if a.identity and b.identity:
        return a.identity == b.identity
    if a.uuid and b.uuid:
        return a.uuid == b.uuid
    if a.mac and b.mac:
        return a.mac == b.mac
    # Nothing tells them apart but where they are.
    return (a.address, a.port) == (b.address, b.port)


def _keys(facts: DeviceFacts) -> list[tuple[str, str]]:
    keys = [("identity", facts.identity), ("uuid", facts.uuid), ("mac", facts.mac)]
    return [*((kind, key) for kind, key in keys if key), ("place", f"{facts.address} {facts.port}")]


class _Index:
    """The known devices, by all that they may be known by."""

    def __init__(self, known: Collection[FoundDevice]) -> None:
        self._by: dict[tuple[str, str], list[FoundDevice]] = {}
        for device in known:
            for key in _keys(device.facts):
                self._by.setdefault(key, []).append(device)

    def same(self, facts: DeviceFacts) -> list[FoundDevice]:
        every = {device.id: device for key in _keys(facts) for device in self._by.get(key, ())}
        return [device for device in every.values() if is_same(device.facts, facts)]


def _shared(seen: Sequence[Sighting]) -> dict[str, list[str]]:
    """The identities that more than one was seen with, and where."""
    counted = Counter(one.facts.identity for one in seen if one.facts.identity)
    places: dict[str, list[str]] = {}
    for one in seen:
        if counted[one.facts.identity] > 1:
            places.setdefault(one.facts.identity, []).append(one.facts.address)
    return places


def unsure(
    known: Collection[FoundDevice], seen: Sequence[Sighting], visited: Callable[[str], bool]
) -> list[FoundDevice]:
    """The devices that seem to have moved, but whose old address was not searched: whether they are still there has to
    be asked."""
    index = _Index(known)
    found = {}
    for one in seen:
        same = index.same(one.facts)
        if len(same) == 1 and same[0].address != one.facts.address and not visited(same[0].address):
            found[same[0].id] = same[0]
    return list(found.values())


def settle(
    known: Collection[FoundDevice], seen: Sequence[Sighting], *, still_there: Collection[str] = ()
) -> list[Settled]:
    """Whose each sighting is. ``still_there``: ids of those ``unsure`` devices that answer at their old address."""
    index = _Index(known)
    shared = _shared(seen)
    taken: set[str] = set()
    settled: list[Settled] = []
    # Those that are where they were come first: what another one claims is no longer theirs to take.
    by_place: list[tuple[Sighting, FoundDevice | None, list[FoundDevice]]] = []
    for one in seen:
        same = index.same(one.facts)
        here = next((d for d in same if d.address == one.facts.address and d.id not in taken), None)
        if here is None and one.facts.kind == "rtsp":
            here = _by_address(known, one.facts.address, taken)
        if here is not None:
            taken.add(here.id)
        by_place.append((one, here, same))
    for one, here, same in by_place:
        places = [place for place in shared.get(one.facts.identity, []) if place != one.facts.address]
        if here is not None:
            settled.append(Settled(_told(one, places), here))
            continue
        free = [device for device in same if device.id not in taken]
        if not places and len(same) == 1 and len(free) == 1 and free[0].id not in still_there:
            taken.add(free[0].id)
            settled.append(Settled(one, free[0], free[0].address))
        else:
            settled.append(Settled(_told(one, places or [device.address for device in same]), None))
    return settled


def _by_address(known: Collection[FoundDevice], address: str, taken: Collection[str]) -> FoundDevice | None:
    found = [device for device in known if device.address == address and device.id not in taken]
    return found[0] if len(found) == 1 else None


def _told(one: Sighting, places: Sequence[str]) -> Sighting:
    if not places:
        return one
    finding = DeviceFinding("serial_shared", {"address": ", ".join(places[:5])})
    facts = msgspec.structs.replace(one.facts, findings=(*one.facts.findings, finding))
    return Sighting(facts, one.secrets)


def merged(old: FoundDevice | None, new: Sighting) -> Sighting:
    """What is known now: where the device was not logged in to this time, what it said of itself before stays."""
    facts, kept = new.facts, new.secrets
    if old is None or facts.login in ("none", "digest", "wsse"):
        return new
    before = old.facts
    if facts.kind == "rtsp" and before.kind != "rtsp":
        facts = msgspec.structs.replace(before, address=facts.address, findings=facts.findings)
    else:
        facts = msgspec.structs.replace(
            facts,
            path=facts.path or before.path,
            uuid=facts.uuid or before.uuid,
            manufacturer=before.manufacturer,
            model=before.model,
            firmware=before.firmware,
            serial=before.serial,
            mac=before.mac,
            profiles=before.profiles,
        )
    secrets = DeviceSecrets(urls=old.secrets.urls, username=old.secrets.username, password=old.secrets.password)
    return Sighting(facts, kept if kept.urls else secrets)
