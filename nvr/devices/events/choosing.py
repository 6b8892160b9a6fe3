"""Which devices are asked for events, and of which kinds their cameras' marks are: by the labels of cameras."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from nvr.devices import adding, rows
from nvr.devices.accounts import KnownLogin, login_of
from nvr.devices.onvif.facts import DeviceFacts
from nvr.devices.onvif.soap import EVENTS
from nvr.devices.rows import FoundDevice
from storage.catalogue import cameras
from storage.catalogue.selection import parse
from storage.sentences import Sentence, kept, restored

__all__ = ["EventAsked", "EventSource", "EventState", "chosen", "set_state", "state_of", "states"]

EventState = Literal["subscribed", "waiting", "given_up"]

# Of the whole device, whichever of its pictures is looked at.
_OF_DEVICE: Final = frozenset({"storage", "login", "input"})


@dataclass(frozen=True, slots=True)
class EventSource:
    """A device that is asked. ``cameras``: the kinds that are wanted of each; ``sources``: the camera of each of its
    pictures, as the device calls them."""

    device: FoundDevice
    login: KnownLogin | None = field(repr=False)
    cameras: Mapping[str, frozenset[str]]
    sources: Mapping[str, str]

    def cameras_of(self, kind: str, token: str) -> list[str]:
        """Whose mark an event of this kind and token is. Of several pictures it is none, if it does not say of
        which."""
        if len(self.cameras) == 1 or kind in _OF_DEVICE:
            return [camera for camera, kinds in self.cameras.items() if kind in kinds]
        camera = self.sources.get(token, "")
        return [camera] if kind in self.cameras.get(camera, ()) else []


@dataclass(frozen=True, slots=True)
class EventAsked:
    """What becomes of asking a device, since when, and why it failed last. ``given_up``: it can't bear it, and is left
    alone for a while."""

    state: EventState
    since_us: int
    why: Sentence | None


def chosen(conn: sqlite3.Connection, kinds: Mapping[str, str]) -> dict[str, EventSource]:
    """The devices to ask, by id. ``kinds``: the cameras of each kind, as a query by labels."""
    queries = {kind: parse(query) for kind, query in kinds.items() if query}
    if not queries:
        return {}
    bound, known = rows.bindings(conn), {one.id: one for one in rows.devices(conn)}
    wanted: dict[str, dict[str, frozenset[str]]] = {}
    logins: dict[str, KnownLogin | None] = {}
    for camera in cameras.list_all(conn):
        device = bound.get(camera.id)
        its = frozenset(kind for kind, query in queries.items() if query.has(camera.id, camera.labels))
        if device is None or not its or device not in known:
            continue
        wanted.setdefault(device, {})[camera.id] = its
        logins[device] = logins.get(device) or login_of(camera)
    asked = [
        known[id_]
        for id_ in wanted
        if known[id_].facts.kind == "onvif" and EVENTS in known[id_].facts.services and known[id_].missing_us is None
    ]
    sources: dict[str, dict[str, str]] = {}
    for (id_, source), recording in adding.recorded_by(conn, asked).items():
        sources.setdefault(id_, {})[source] = recording
    return {
        one.id: EventSource(
            _slim(one),
            logins[one.id],
            wanted[one.id],
            sources.get(one.id, {}),
        )
        for one in asked
    }


def _slim(device: FoundDevice) -> FoundDevice:
    """As much as a conversation needs: it is kept for each device of a city, and a device that was only seen again is
    the same."""
    facts = DeviceFacts(address=device.address, port=device.port, path=device.facts.path)
    secrets = msgspec.structs.replace(device.secrets, urls={})
    return replace(device, facts=facts, secrets=secrets, first_us=0, seen_us=0)


def state_of(conn: sqlite3.Connection, known: Mapping[str, str]) -> tuple[object, ...]:
    """Changes when what ``chosen`` answers may have."""
    row = conn.execute("SELECT count(*), max(seen_us), count(missing_us) FROM found_device").fetchone()
    bound = conn.execute("SELECT count(*), sum(camera), group_concat(device) FROM device_camera").fetchone()
    return (cameras.revision(conn), *row, bound[0], bound[1], hash(bound[2]), tuple(sorted(known.items())))


def set_state(conn: sqlite3.Connection, device: str, state: str, at_us: int, why: Sentence | None) -> None:
    """Enters what becomes of asking a device; an empty state: it is not asked any more."""
    conn.execute("DELETE FROM event_source WHERE device = ?", (device,))
    if state:
        conn.execute(
            "INSERT INTO event_source (device, state, since_us, why) SELECT id, ?, ?, ? FROM found_device WHERE id = ?",
            (state, at_us, "" if why is None else kept(why), device),
        )


def states(conn: sqlite3.Connection) -> dict[str, EventAsked]:
    """What becomes of asking each device that is asked, by id."""
    found = conn.execute("SELECT device, state, since_us, why FROM event_source")
    return {row[0]: EventAsked(row[1], row[2], restored(row[3]) if row[3] else None) for row in found}
