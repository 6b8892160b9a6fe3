"""What the routes of devices answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from nvr.api.http.times import format_time
from nvr.devices.events.choosing import EventAsked, EventState
from nvr.devices.findings import words_of
from nvr.devices.onvif.facts import DeviceKind, LoginState, VideoProfile
from nvr.devices.rows import FoundDevice
from nvr.devices.searches import ScanRow, ScanState
from nvr.texts import say

__all__ = ["DeviceBody", "DeviceList", "FindingBody", "PictureBody", "ScanBody", "ScanList", "device_body", "scan_body"]


class FindingBody(msgspec.Struct):
    """Something wrong about a device. ``code`` is stable; ``text``, with a proposal, is in the reader's language."""

    code: str
    text: str
    figures: dict[str, Any]


class PictureBody(msgspec.Struct):
    """A stream as the device declares it. ``use``: ``main``, ``sub`` or empty, of the picture ``source``; ``camera``:
    which one records it; ``url`` is without secrets. None: the device does not say."""

    token: str
    source: str
    name: str
    use: str
    codec: str
    width: int
    height: int
    frame_rate: float | None
    keyframe_s: float | None
    bitrate_bps: int | None
    url: str
    camera: str | None


class EventSourceBody(msgspec.Struct):
    """What becomes of asking a device for its events. ``why``: of the last failure, in the reader's language."""

    state: EventState
    since: str
    why: str


class DeviceBody(msgspec.Struct):
    """A device. ``kind``: ``onvif`` or ``rtsp``. ``login``: ``none``, ``digest``, ``wsse``, ``refused``, ``blocked``,
    ``not_tried`` or ``impossible``. ``missing_since``: since when it is not where it was. ``cameras``: which are
    this device. ``events``: None if it is not asked for any."""

    id: str
    address: str
    port: int
    kind: DeviceKind
    uuid: str
    manufacturer: str
    model: str
    firmware: str
    serial: str
    mac: str
    login: LoginState
    clock_offset_s: float | None
    first_seen: str
    last_seen: str
    missing_since: str | None
    cameras: list[str]
    pictures: list[PictureBody]
    findings: list[FindingBody]
    events: EventSourceBody | None


class DeviceList(msgspec.Struct):
    """All devices that were ever found."""

    devices: list[DeviceBody]


class ScanBody(msgspec.Struct):
    """A search. ``state``: ``running``, ``stopping``, ``done``, ``stopped``, ``failed`` or ``interrupted``; ``done`` of
    ``blocks``: how far it is, in blocks of 256 addresses; ``found``: devices so far, while it runs."""

    id: str
    begun: str
    ended: str | None
    actor: str
    networks: list[str]
    username: str | None
    state: ScanState
    done: int
    blocks: int
    found: int
    error: str | None


class ScanList(msgspec.Struct):
    """The last searches, the latest first; and the networks that may be searched."""

    networks: list[str]
    scans: list[ScanBody]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _picture(profile: VideoProfile, camera: str | None) -> PictureBody:
    return PictureBody(**msgspec.structs.asdict(profile), camera=camera)


def device_body(
    device: FoundDevice,
    cameras: list[str],
    recorded: Mapping[tuple[str, str], str],
    asked: Mapping[str, EventAsked],
    language: str,
) -> DeviceBody:
    """A device as it is answered. ``recorded``: the camera of each device's picture; ``asked``: what becomes of asking
    each for its events."""
    events = asked.get(device.id)
    facts = device.facts
    return DeviceBody(
        id=device.id,
        address=device.address,
        port=device.port,
        kind=facts.kind,
        uuid=facts.uuid,
        manufacturer=facts.manufacturer,
        model=facts.model,
        firmware=facts.firmware,
        serial=facts.serial,
        mac=facts.mac,
        login=facts.login,
        clock_offset_s=facts.clock_offset_s,
        first_seen=format_time(device.first_us),
        last_seen=format_time(device.seen_us),
        missing_since=_time(device.missing_us),
        cameras=cameras,
        pictures=[
            _picture(one, recorded.get((device.id, one.source)) if one.use == "main" else None)
            for one in facts.profiles
        ],
        findings=[FindingBody(one.code, say(words_of(one), language), one.figures) for one in facts.findings],
        events=None
        if events is None
        else EventSourceBody(
            events.state, format_time(events.since_us), "" if events.why is None else say(events.why, language)
        ),
    )


def scan_body(row: ScanRow, found: int) -> ScanBody:
    """A search as it is answered."""
    return ScanBody(
        id=row.id,
        begun=format_time(row.begun_us),
        ended=_time(row.ended_us),
        actor=row.actor,
        networks=list(row.networks),
        username=row.username,
        state=row.state,
        done=len(row.done),
        blocks=row.blocks,
        found=found,
        error=row.error,
    )
