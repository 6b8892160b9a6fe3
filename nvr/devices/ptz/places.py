"""Which cameras can be moved, and why others can't: where an administrator switched it on, and the device says that it
turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nvr.devices import adding, rows
from nvr.devices.accounts import KnownLogin, login_of
from nvr.devices.onvif.soap import PTZ
from nvr.devices.rows import FoundDevice
from storage.catalogue import cameras
from storage.catalogue.cameras import Camera
from storage.catalogue.selection import Selection, parse
from storage.sentences import Sentence

__all__ = ["DEFAULT_PRIORITY", "NotMovable", "PtzPlace", "find_place", "movable", "priority_of"]

DEFAULT_PRIORITY: Final = 10


class NotMovable(Exception):
    """This camera can't be moved; the message says why."""


@dataclass(frozen=True, slots=True)
class PtzPlace:
    """A camera that can be moved: its device, the login to try, and the token of its stream there."""

    camera: str
    device: FoundDevice
    login: KnownLogin | None
    profile: str


def _check_allowed(camera: Camera, query: Selection | None) -> None:
    if query is None or not query.has(camera.id, camera.labels):
        raise NotMovable(
            Sentence("moving this camera is not switched on; an administrator does so by [ptz] in the configuration")
        )


def _place(camera: Camera, device: FoundDevice | None, recorded: Mapping[tuple[str, str], str]) -> PtzPlace:
    if device is None:
        raise NotMovable(Sentence("no device is known of this camera: search its network first"))
    if device.facts.kind != "onvif" or PTZ not in device.facts.services:
        raise NotMovable(Sentence("its device does not say that it can be moved"))
    streams = [one for one in device.facts.profiles if one.use == "main"]
    own = [one for one in streams if recorded.get((device.id, one.source)) == camera.id] or streams
    if len(own) != 1:
        raise NotMovable(Sentence("its device has several pictures, and it is not known which one this camera is"))
    return PtzPlace(camera.id, device, login_of(camera), own[0].token)


def find_place(conn: sqlite3.Connection, camera: str, allowed: str) -> PtzPlace:
    """Where a camera is moved. ``allowed``: the query by labels that switches it on; empty: for none.

    Raises:
        NotMovable: it is not.
    """
    found = cameras.find(conn, camera)
    if found is None or found.removed_us is not None:
        raise NotMovable(Sentence("there is no camera {camera!r}", camera=camera))
    _check_allowed(found, parse(allowed) if allowed else None)
    id_ = rows.bindings(conn).get(camera)
    device = rows.find_device(conn, id_) if id_ is not None else None
    several = device is not None and len([one for one in device.facts.profiles if one.use == "main"]) > 1
    return _place(found, device, adding.recorded_by(conn, [device]) if device is not None and several else {})


def movable(conn: sqlite3.Connection, allowed: str) -> dict[str, PtzPlace | NotMovable]:
    """Every camera that it is switched on for: where it is moved, or why it can't be."""
    query = parse(allowed) if allowed else None
    if query is None:
        return {}
    chosen = [one for one in cameras.list_all(conn) if query.has(one.id, one.labels)]
    bound, devices = rows.bindings(conn), {one.id: one for one in rows.devices(conn)}
    recorded = adding.recorded_by(conn, devices.values())
    found: dict[str, PtzPlace | NotMovable] = {}
    for camera in chosen:
        try:
            found[camera.id] = _place(camera, devices.get(bound.get(camera.id, "")), recorded)
        except NotMovable as error:
            found[camera.id] = error
    return found


def priority_of(roles: list[str], priorities: Mapping[str, int]) -> int:
    """The priority of somebody who may move a camera by grants of these roles: the highest."""
    return max((priorities.get(role, DEFAULT_PRIORITY) for role in roles), default=DEFAULT_PRIORITY)
