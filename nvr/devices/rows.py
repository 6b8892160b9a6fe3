"""Devices that were found, and which cameras they are: their rows in the catalogue.

Invariant: what may not be shown is sealed as the secrets of cameras are, and never anywhere else in a row.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import msgspec

from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from storage.secrets.sealing import KeyLost, keys_of

__all__ = [
    "FoundDevice",
    "Sighting",
    "bind",
    "bindings",
    "devices",
    "each_device",
    "find_device",
    "put_device",
    "seal",
    "set_missing",
    "unseal",
]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a search found at an address and port."""

    facts: DeviceFacts
    secrets: DeviceSecrets


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device. ``missing_us``: since when it is no longer where it was seen; ``locked``: its secrets can't be
    opened."""

    id: str
    address: str
    port: int
    facts: DeviceFacts
    secrets: DeviceSecrets
    first_us: int
    seen_us: int
    missing_us: int | None
    locked: bool = False


def seal(conn: sqlite3.Connection, name: str, value: object) -> str:
    """A value as it may be kept, for what is called so.

    Raises:
        CatalogueError: there is no key, and none can be made.
    """
    text = msgspec.json.encode(value).decode()
    return json.dumps(keys_of(conn).seal(f"device {name}", {"password": text}))


def unseal(conn: sqlite3.Connection, name: str, text: str) -> Any:
    """The value that ``seal`` was given.

    Raises:
        KeyLost: it can't be opened.
    """
    return msgspec.json.decode(keys_of(conn).open(f"device {name}", json.loads(text))["password"])


def _secrets(conn: sqlite3.Connection, name: str, text: str) -> DeviceSecrets:
    return msgspec.convert(unseal(conn, name, text), DeviceSecrets)


def _device(conn: sqlite3.Connection, row: sqlite3.Row) -> FoundDevice:
    locked = False
    try:
        opened = _secrets(conn, row["id"], row["sealed"])
    except KeyLost:
        opened, locked = DeviceSecrets(), True
    return FoundDevice(
        row["id"],
        row["address"],
        row["port"],
        msgspec.json.decode(row["facts"], type=DeviceFacts),
        opened,
        row["first_us"],
        row["seen_us"],
        row["missing_us"],
        locked,
    )


def each_device(conn: sqlite3.Connection) -> Iterator[FoundDevice]:
    """All devices that were ever found, one after the other, in no order: a city's are 20 MB."""
    for row in conn.execute("SELECT * FROM found_device"):
        yield _device(conn, row)


def devices(conn: sqlite3.Connection) -> list[FoundDevice]:
    """All devices that were ever found, by address."""
    found = list(each_device(conn))
    return sorted(found, key=lambda device: (":" in device.address, int(ip_address(device.address)), device.id))


def find_device(conn: sqlite3.Connection, device: str) -> FoundDevice | None:
    """The device of this id."""
    row = conn.execute("SELECT * FROM found_device WHERE id = ?", (device,)).fetchone()
    return None if row is None else _device(conn, row)


def put_device(
    conn: sqlite3.Connection, device: str | None, facts: DeviceFacts, kept: DeviceSecrets, *, now_us: int
) -> str:
    """Enters what is known of a device now; a new one for None. Returns its id."""
    own = device or secrets.token_hex(6)
    text = msgspec.json.encode(facts).decode()
    conn.execute(
        "INSERT INTO found_device (id, address, port, facts, sealed, first_us, seen_us) VALUES (?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET address = excluded.address, port = excluded.port, facts = excluded.facts,"
        " sealed = excluded.sealed, seen_us = excluded.seen_us, missing_us = NULL",
        (own, facts.address, facts.port, text, seal(conn, own, kept), now_us, now_us),
    )
    return own


def set_missing(conn: sqlite3.Connection, device: str, *, now_us: int) -> None:
    """The device was not found where it was."""
    conn.execute("UPDATE found_device SET missing_us = coalesce(missing_us, ?) WHERE id = ?", (now_us, device))


# Cameras


def bindings(conn: sqlite3.Connection) -> dict[str, str]:
    """Which device each camera is: by camera."""
    rows = conn.execute("SELECT c.id, b.device FROM device_camera b JOIN camera c ON c.key = b.camera")
    return {row[0]: row[1] for row in rows}


def bind(conn: sqlite3.Connection, camera: str, device: str | None) -> None:
    """The camera is this device; None: none that is known."""
    conn.execute("DELETE FROM device_camera WHERE camera = (SELECT key FROM camera WHERE id = ?)", (camera,))
    if device is not None:
        conn.execute(
            "INSERT INTO device_camera (camera, device) SELECT key, ? FROM camera WHERE id = ?", (device, camera)
        )
