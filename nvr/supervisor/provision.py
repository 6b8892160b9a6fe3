"""Cameras from the configuration file into the catalogue, and from the catalogue to the recorders."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from nvr.config import CameraSettings, Config, to_wire
from storage.catalogue import cameras
from storage.secrets.sealing import SEALED

__all__ = ["from_row", "provision", "settings_of"]


def settings_of(camera: CameraSettings) -> dict[str, Any]:
    """What the catalogue keeps of a camera beside id, name and labels. Secret."""
    wire: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in wire.items() if key not in ("id", "name", "labels")}


def from_row(row: cameras.Camera) -> CameraSettings:
    """The camera as its recorder needs it; one that is ``locked`` without its secrets, which is not to be recorded."""
    kept = {key: value for key, value in row.settings.items() if key != SEALED}
    return CameraSettings.model_validate({**kept, "id": row.id, "name": row.name, "labels": dict(row.labels)})


def provision(conn: sqlite3.Connection, config: Config, *, node: str, epoch: int, now_us: int) -> None:
    """Makes the catalogue's cameras of the file those that the file has now. Cameras added elsewhere stay, but one of
    the same id gives way: the file is what a person can read."""
    wanted = {camera.id: camera for camera in config.cameras}
    for row in cameras.list_all(conn):
        if row.source == "file" and row.id not in wanted:
            cameras.remove(conn, row.id, at_us=now_us)
    for camera in wanted.values():
        kept = cameras.find(conn, camera.id)
        values: dict[str, Any] = {
            "camera": camera.id,
            "name": camera.name,
            "source": "file",
            "settings": settings_of(camera),
            "labels": dict(camera.labels),
        }
        if kept is None or kept.removed_us is not None:
            cameras.add(conn, **values, node=node, epoch=epoch, at_us=now_us)
        else:
            cameras.change(conn, **values)
