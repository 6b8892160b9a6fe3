"""Cameras from the configuration file into the catalogue, and from the catalogue to the recorders."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from nvr.config import CameraSettings, Config, to_wire
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.secrets.sealing import SEALED

__all__ = ["from_row", "provision", "settings_of"]


def settings_of(camera: CameraSettings) -> dict[str, Any]:
    """What the catalogue keeps of a camera beside id, name and labels. Secret."""
    wire: dict[str, Any] = json.loads(to_wire(camera))
    if wire["live_url"] is None:
        # Catalogues of before have no word of it: nothing is to be changed in them.
        del wire["live_url"]
    return {key: value for key, value in wire.items() if key not in ("id", "name", "labels")}


def from_row(row: cameras.Camera) -> CameraSettings:
    """The camera as its recorder needs it; one that is ``locked`` without its secrets, which is not to be recorded."""
    kept = {key: value for key, value in row.settings.items() if key != SEALED}
    return CameraSettings.model_validate({**kept, "id": row.id, "name": row.name, "labels": dict(row.labels)})


def provision(database: Database, config: Config, *, node: str, epoch: int, now_us: int) -> None:
    """Makes the catalogue's cameras of the file those that the file has now. Cameras added elsewhere stay, but one of
    the same id gives way: the file is what a person can read. Only what differs is written, in slices: recorders wait
    for the lock meanwhile. What a crash left out the next start makes good."""
    wanted = {camera.id: _values(camera) for camera in config.cameras}
    with database.read() as conn:
        known = {row.id: row for row in cameras.list_all(conn)}
    gone = [row.id for row in known.values() if row.source == "file" and row.id not in wanted]
    differs = [id_ for id_, values in wanted.items() if id_ not in known or _values_of(known[id_]) != values]

    def write(conn: sqlite3.Connection, id_: str) -> None:
        kept = cameras.find(conn, id_)
        if id_ not in wanted:
            if kept is not None and kept.source == "file":
                cameras.remove(conn, id_, at_us=now_us)
        elif kept is None or kept.removed_us is not None:
            cameras.add(conn, **wanted[id_], node=node, epoch=epoch, at_us=now_us)
        else:
            cameras.change(conn, **wanted[id_])

    in_slices(database, [*gone, *differs], write)


def _values(camera: CameraSettings) -> dict[str, Any]:
    return {
        "camera": camera.id,
        "name": camera.name,
        "source": "file",
        "settings": settings_of(camera),
        "labels": dict(camera.labels),
    }


def _values_of(row: cameras.Camera) -> dict[str, Any]:
    return {
        "camera": row.id,
        "name": row.name,
        "source": row.source,
        "settings": dict(row.settings),
        "labels": dict(row.labels),
    }
