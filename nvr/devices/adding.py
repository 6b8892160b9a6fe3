"""Found devices made cameras: which they are to be, by a list or by a pattern for all, and their rows as an import
takes them.

Invariant: what is added is added by the import of tables, with all of its checks; a picture that a camera records
already is never added again.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from nvr.cameras import CameraTable, LineError
from nvr.cameras.csv_table import CameraRow
from nvr.devices import moves, rows
from nvr.devices.onvif.facts import VideoProfile
from nvr.devices.rows import FoundDevice
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.format.layout import is_camera_id
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.cameras import ImportPlan

__all__ = ["PatternError", "Wanted", "add", "all_ids", "by_pattern", "main_streams", "plan", "recorded_by"]

_MOST_ID: Final = 63
# What would reach into the values, or make a text of any length.
_ODD: Final = re.compile(r"\{[^{}]*[.\[!]|:[^{}]*\d{3}")


class PatternError(ValueError):
    """A pattern for ids can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that is to become a camera; ``source``: which of its pictures, empty for the only one. ``line`` is where
    that was said."""

    line: int
    device: str
    camera: str
    source: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def main_streams(device: FoundDevice) -> list[VideoProfile]:
    """The main stream of each of its pictures, of those whose address is known."""
    return [one for one in device.facts.profiles if one.use == "main" and one.token in device.secrets.urls]


def _sub_stream(device: FoundDevice, source: str) -> str | None:
    """The address of the smaller stream of a picture, for walls; None where it has none, or one with a login in it."""
    small = [one for one in device.facts.profiles if (one.use, one.source) == ("sub", source)]
    found = device.secrets.urls.get(small[0].token) if small else None
    return None if found is None or "@" in found else found


def all_ids(conn: sqlite3.Connection) -> set[str]:
    """The ids of all cameras there ever were: none is given to another one."""
    return {camera.id for camera in cameras.list_all(conn, removed=True)}


def recorded_by(conn: sqlite3.Connection, devices: Iterable[FoundDevice]) -> dict[tuple[str, str], str]:
    """Which camera records a device's picture: by the id of the device and the picture's source."""
    bound = rows.bindings(conn)
    paths = {
        (bound[camera.id], _tail(str(camera.settings.get("url", "")))): camera.id
        for camera in cameras.list_all(conn)
        if camera.id in bound
    }
    of_device: dict[str, list[str]] = {}
    for camera, its in bound.items():
        of_device.setdefault(its, []).append(camera)
    found: dict[tuple[str, str], str] = {}
    for device in devices:
        own = of_device.get(device.id, [])
        mains = main_streams(device)
        for stream in device.facts.profiles:
            url = device.secrets.urls.get(stream.token)
            camera = paths.get((device.id, _tail(url)), "") if url is not None else ""
            if camera:
                found[device.id, stream.source] = camera
        if len(mains) <= 1 and len(own) == 1:
            # It has but one, whatever the address that the camera was given.
            found.setdefault((device.id, mains[0].source if mains else ""), own[0])
    return found


def _tail(url: str) -> str:
    """What a URL says after the host: which picture it is, wherever the device is now."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def by_pattern(
    devices: Iterable[FoundDevice],
    pattern: str,
    labels: Mapping[str, str],
    *,
    recorded: Mapping[tuple[str, str], str],
    taken: Collection[str],
) -> list[Wanted]:
    """All pictures of the devices that are not ``recorded``, with ids by a pattern such as ``tembalang-{number:03}``;
    it may have ``{number}``, ``{address}``, ``{serial}``, ``{model}`` and ``{source}``. ``taken`` ids are passed over.

    Raises:
        PatternError: it has other blanks, or gives what is no id.
    """
    made: list[Wanted] = []
    number = 0
    for device in devices:
        for profile in main_streams(device):
            if (device.id, profile.source) in recorded:
                continue
            camera = ""
            while not camera or camera in taken:
                number += 1
                before, camera = camera, _id(pattern, number, device, profile.source)
                if camera == before:
                    raise PatternError(
                        Sentence("there is a camera {id!r} already, and the pattern has no number", id=camera)
                    )
            made.append(Wanted(len(made) + 1, device.id, camera, profile.source, "", labels))
    return made


def _id(pattern: str, number: int, device: FoundDevice, source: str) -> str:
    facts = device.facts
    values = {"number": number, "address": facts.address, "serial": facts.serial, "model": facts.model}
    if _ODD.search(pattern):
        raise PatternError(_no_pattern(pattern))
    try:
        text = pattern.format(source=source, **values)
    except (KeyError, IndexError, ValueError):
        raise PatternError(_no_pattern(pattern)) from None
    camera = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MOST_ID].rstrip("-")
    if not is_camera_id(camera):
        raise PatternError(Sentence("the pattern {pattern!r} gives {id!r}, which is no id", pattern=pattern, id=camera))
    return camera


def _no_pattern(pattern: str) -> Sentence:
    return Sentence(
        "{pattern!r} is no pattern of ids; it may have number, address, serial, model and source, each in braces",
        pattern=pattern,
    )


def _table(conn: sqlite3.Connection, wanted: Sequence[Wanted], login: tuple[str, str] | None) -> CameraTable:
    devices = {device.id: device for device in rows.devices(conn)}
    recorded = {camera.id: camera for camera in cameras.list_all(conn)}
    bound = rows.bindings(conn)
    already = recorded_by(conn, devices.values())
    urls = {str(camera.settings.get("url")): camera.id for camera in recorded.values()}
    made: list[CameraRow] = []
    errors: list[LineError] = []
    ids: set[str] = set()
    for one in wanted:
        device = devices.get(one.device)
        if device is None:
            errors.append(LineError(one.line, "device", Sentence("there is no device {device!r}", device=one.device)))
            continue
        if one.camera in recorded:
            if bound.get(one.camera) != one.device:
                errors.append(
                    LineError(one.line, "camera", Sentence("there is a camera {id!r} already", id=one.camera))
                )
            continue
        if one.camera in ids:
            errors.append(LineError(one.line, "camera", Sentence("the id {id!r} is there twice", id=one.camera)))
            continue
        ids.add(one.camera)
        streams = [stream for stream in main_streams(device) if one.source in ("", stream.source)]
        if len(streams) != 1:
            wrong = (
                Sentence("the addresses of its streams are not known: scan it again with its login")
                if not streams
                else Sentence("it has {count} pictures: say which in the column source", count=len(streams))
            )
            errors.append(LineError(one.line, "device", wrong))
            continue
        url = device.secrets.urls[streams[0].token]
        # Also where the device has moved since, and the camera has not.
        other = already.get((device.id, streams[0].source)) or urls.get(url)
        if other is not None:
            errors.append(LineError(one.line, "device", Sentence("camera {camera!r} records it already", camera=other)))
            continue
        settings = {"id": one.camera, "name": one.name or one.camera, "url": url}
        if (small := _sub_stream(device, streams[0].source)) is not None:
            settings["live_url"] = small
        account = login
        if device.secrets.username is not None:
            account = device.secrets.username, device.secrets.password or ""
        if account is not None:
            settings |= {"username": account[0], "password": account[1]}
        made.append(CameraRow(one.line, settings, dict(one.labels)))
    return CameraTable(made, errors)


def plan(conn: sqlite3.Connection, wanted: Sequence[Wanted], *, login: tuple[str, str] | None = None) -> ImportPlan:
    """What adding these would do. ``login``: of devices that none was accepted by yet."""
    from nvr.cameras import plan_import

    return plan_import(conn, _table(conn, wanted, login))


def add(
    database: Database, wanted: Sequence[Wanted], *, login: tuple[str, str] | None = None, node: str, at_us: int
) -> ImportPlan:
    """Adds them, unless there are mistakes; they are in the plan that is returned.

    Raises:
        OvertakenError: some of it may be added.
    """
    with database.read() as conn:
        table = _table(conn, wanted, login)
    from nvr.cameras import import_table

    made = import_table(database, table, node=node, at_us=at_us)
    if not made.errors:
        devices = {one.camera: one.device for one in wanted}
        in_slices(database, list(made.added), lambda conn, camera: rows.bind(conn, camera, devices[camera]))
        moves.bind_new(database)
    return made
