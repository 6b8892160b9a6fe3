"""Cameras and the devices that they are: bound when that is plain, and followed when the device moves.

A camera is recorded from a device other than its own where its address says another one than the device was seen at:
that is a proposal, until a person, or the setting ``follow_moves``, changes the camera. Invariant: a camera is bound by
itself only if one device alone answers at its address.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from nvr.devices import rows
from nvr.devices.rows import FoundDevice, Sighting
from storage.catalogue import audit, cameras, logins
from storage.catalogue.cameras import Camera
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.sentences import Sentence

__all__ = [
    "DeviceMove",
    "MoveError",
    "bind_new",
    "follow",
    "host_of",
    "keep",
    "move",
    "proposals",
    "replace_device",
    "retry_logins",
    "url_at",
]


class MoveError(Exception):
    """A camera can't be moved; the message says why."""


@dataclass(frozen=True, slots=True)
class DeviceMove:
    """A camera whose device is no longer where it is recorded from. ``is_fixed``: the configuration file says where
    that is."""

    camera: str
    device: str
    old: str
    new: str
    is_fixed: bool


def host_of(camera: Camera) -> str:
    """The host that a camera is recorded from, in lower case."""
    return (urlsplit(str(camera.settings.get("url", ""))).hostname or "").lower()


def url_at(url: str, address: str) -> str:
    """A camera's URL with another host; port and path stay."""
    parts = urlsplit(url)
    host = f"[{address}]" if ":" in address else address
    account, at, _ = parts.netloc.rpartition("@")
    netloc = f"{account}{at}{host}" + (f":{parts.port}" if parts.port is not None else "")
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))


def keep(
    conn: sqlite3.Connection, device: FoundDevice | None, now: Sighting, moved_from: str | None, now_us: int
) -> None:
    """Enters a device as it was seen now."""
    own = rows.put_device(conn, device.id if device is not None else None, now.facts, now.secrets, now_us=now_us)
    if moved_from is not None:
        audit.append(conn, "device_moved", detail={"device": own, "from": moved_from, "to": now.facts.address})


def bind_new(database: Database) -> None:
    """Binds cameras that belong to no device yet to the one at their address."""
    with database.read() as conn:
        bound = rows.bindings(conn)
        present = [device for device in rows.devices(conn) if device.missing_us is None]
        every = cameras.list_all(conn)
    count = Counter(device.address for device in present)
    at = {device.address: device.id for device in present if count[device.address] == 1}
    new = [(camera.id, at[host_of(camera)]) for camera in every if camera.id not in bound and host_of(camera) in at]
    in_slices(database, new, lambda conn, pair: rows.bind(conn, *pair))


def proposals(conn: sqlite3.Connection) -> list[DeviceMove]:
    """Which cameras' devices are elsewhere."""
    bound = rows.bindings(conn)
    present = {device.id: device for device in rows.devices(conn) if device.missing_us is None}
    found = (_moved(camera, present.get(bound.get(camera.id, ""))) for camera in cameras.list_all(conn))
    return [one for one in found if one is not None]


def _moved(camera: Camera, device: FoundDevice | None) -> DeviceMove | None:
    """Where a camera's device is now, if that is elsewhere."""
    host = host_of(camera)
    # A name is somebody's way to follow a device by themselves.
    if device is None or device.missing_us is not None or host == device.address or not _is_address(host):
        return None
    return DeviceMove(camera.id, device.id, host, device.address, camera.source == "file")


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def move(conn: sqlite3.Connection, camera_id: str) -> DeviceMove:
    """Records a camera from where its device is now; returns what was done.

    Raises:
        MoveError: its device has not moved, or the camera can't be changed here.
    """
    camera = cameras.find(conn, camera_id)
    # Of this camera alone: others wait for the lock.
    device = rows.find_device(conn, rows.bindings(conn).get(camera_id, ""))
    found = None if camera is None or camera.removed_us is not None else _moved(camera, device)
    if found is None:
        raise MoveError(Sentence("the device of camera {camera!r} is known nowhere else", camera=camera_id))
    _apply(conn, found)
    return found


def replace_device(conn: sqlite3.Connection, camera_id: str, device_id: str) -> None:
    """Says that a camera is another device from now on.

    Raises:
        MoveError: there is no such camera, or no such device.
    """
    camera, device = cameras.find(conn, camera_id), rows.find_device(conn, device_id)
    if camera is None or camera.removed_us is not None:
        raise MoveError(Sentence("there is no camera {camera!r}", camera=camera_id))
    if device is None:
        raise MoveError(Sentence("there is no device {device!r}", device=device_id))
    before = rows.bindings(conn).get(camera_id, "")
    rows.bind(conn, camera_id, device_id)
    audit.append(conn, "device_replaced", camera=camera_id, detail={"from": before, "to": device_id})


def retry_logins(conn: sqlite3.Connection, device: FoundDevice) -> bool:
    """Lets a login be tried again, once, at a device that refused one; says whether one had been."""
    freed = logins.retry_host(conn, device.address) > 0
    audit.append(conn, "device_retried", detail={"device": device.id, "address": device.address})
    return freed


def _apply(conn: sqlite3.Connection, found: DeviceMove) -> None:
    camera = cameras.find(conn, found.camera)
    assert camera is not None
    if found.is_fixed:
        raise MoveError(
            Sentence(
                "camera {camera!r} comes from the configuration file: write the address {new} there",
                camera=found.camera,
                new=found.new,
            )
        )
    if camera.locked is not None:
        raise MoveError(Sentence("the settings of camera {camera!r} can't be opened", camera=found.camera))
    addresses = {key: camera.settings[key] for key in ("url", "live_url") if camera.settings.get(key)}
    settings = {**camera.settings, **{key: url_at(str(url), found.new) for key, url in addresses.items()}}
    cameras.change(
        conn, camera=camera.id, name=camera.name, source=camera.source, settings=settings, labels=camera.labels
    )
    audit.append(conn, "camera_followed", camera=camera.id, detail={"from": found.old, "to": found.new})


def follow(database: Database) -> list[DeviceMove]:
    """Moves all cameras that may be; returns them."""
    with database.read() as conn:
        found = [one for one in proposals(conn) if not one.is_fixed]

    def write(conn: sqlite3.Connection, one: DeviceMove) -> None:
        camera = cameras.find(conn, one.camera)
        if camera is not None and camera.removed_us is None and camera.locked is None:
            _apply(conn, one)

    in_slices(database, found, write)
    return found
