"""From answers to facts. Pure. Tolerant: what a device leaves out or misspells is not known, and the rest counts."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from nvr.config import redact
from nvr.config.urls import parse_camera_url
from nvr.devices.onvif.facts import VideoProfile
from nvr.devices.onvif.soap import DEVICE, EVENTS, MEDIA1, MEDIA2, PTZ
from nvr.devices.onvif.xml_reader import XmlNode

__all__ = [
    "ClockReading",
    "DeviceInformation",
    "ServiceAddress",
    "clean",
    "read_clock",
    "read_endpoint",
    "read_information",
    "read_mac",
    "read_profiles",
    "read_services",
    "read_stream_url",
    "with_uses",
]

_LONGEST: Final = 200
_MOST_PROFILES: Final = 400
# A sub-stream that is narrower shows nothing.
_LEAST_WIDTH: Final = 320
# POSIX: what is added to local time to get UTC, so that WIB-7 is seven hours ahead of it.
_ZONE: Final = re.compile(r"^(?:<[^>]+>|[A-Za-z]+)([+-]?\d{1,2})(?::(\d{2}))?")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)


def clean(text: str) -> str:
    """What a device says of itself, as one line that can be kept and shown."""
    return "".join(char if char.isprintable() else " " for char in text).strip()[:_LONGEST]


@dataclass(frozen=True, slots=True)
class ClockReading:
    """``offset_s``: how far the device's clock is ahead of ours, give or take ``within_s``. ``is_manual``: nobody sets
    it. ``local_ahead_s``: by how much, if what it calls UTC is off by just its time zone; else 0."""

    offset_s: float
    within_s: float
    zone: str
    is_manual: bool
    local_ahead_s: int = 0

    @property
    def holds_local(self) -> bool:
        """Whether what it calls UTC is its local time."""
        return self.local_ahead_s != 0


def _when(node: XmlNode | None) -> int | None:
    """Seconds since the Unix epoch of a ``Time`` and a ``Date``; None if they are no time."""
    if node is None:
        return None
    values = [node.number("Date", name) for name in ("Year", "Month", "Day")]
    values += [node.number("Time", name) for name in ("Hour", "Minute", "Second")]
    if any(value is None for value in values):
        return None
    year, month, day, hour, minute, second = (int(value) for value in values if value is not None)
    if not (1970 <= year <= 2200 and 1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour < 24 and 0 <= minute < 60):
        return None
    return calendar.timegm((year, month, day, hour, minute, min(second, 60)))


def zone_ahead_s(zone: str) -> int | None:
    """By how many seconds local time is ahead of UTC in a POSIX time zone, without daylight saving; None if it can't be
    read."""
    found = _ZONE.match(zone)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2] or 0)
    seconds = abs(hours) * 3600 + minutes * 60
    return seconds if found[1].startswith("-") else -seconds


def read_clock(answer: XmlNode, asked_s: float, answered_s: float) -> ClockReading | None:
    """The clock in an answer that was asked for and came at these times of ours; None if it has none."""
    told = answer.find("SystemDateAndTime") or answer
    zone = clean(told.said("TimeZone", "TZ"))
    ahead_s = zone_ahead_s(zone)
    shown_s, local_s = _when(told.find("UTCDateTime")), _when(told.find("LocalDateTime"))
    # Both were filled from one time: then the clock by which it checks logins is right.
    is_one = shown_s is not None and shown_s == local_s
    if shown_s is None:
        if local_s is None or ahead_s is None:
            return None
        shown_s = local_s - ahead_s - (3600 if told.said("DaylightSavings").lower() == "true" else 0)
    # It shows whole seconds: on average half of one has passed.
    offset_s = shown_s + 0.5 - (asked_s + answered_s) / 2
    within_s = 0.5 + (answered_s - asked_s) / 2
    holds_local = is_one and ahead_s is not None and abs(ahead_s) >= 1800 and abs(offset_s - ahead_s) < 60
    is_manual = told.said("DateTimeType").lower() == "manual"
    return ClockReading(offset_s, within_s, zone, is_manual, ahead_s if holds_local and ahead_s is not None else 0)


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """``path`` with its query; ``host`` is what the device calls itself, which is not where it is asked."""

    namespace: str
    path: str
    host: str


def _address(namespace: str, xaddr: str) -> ServiceAddress | None:
    try:
        parts = urlsplit(xaddr.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    path = parts.path or "/"
    path += f"?{parts.query}" if parts.query else ""
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        return None
    return ServiceAddress(namespace, path, host)


def read_services(answer: XmlNode) -> dict[str, ServiceAddress]:
    """The services of an answer to ``GetServices`` or ``GetCapabilities``, by namespace."""
    found: dict[str, ServiceAddress] = {}
    if answer.name.startswith("GetCapabilities"):
        by_name = {"Device": DEVICE, "Media": MEDIA1, "PTZ": PTZ, "Events": EVENTS}
        for node in answer.walk():
            if node.name in by_name and (one := _address(by_name[node.name], node.said("XAddr"))) is not None:
                found.setdefault(one.namespace, one)
        return found
    for service in answer.every("Service")[:100]:
        one = _address(service.said("Namespace"), service.said("XAddr"))
        if one is not None and one.namespace:
            found.setdefault(one.namespace, one)
    return found


def read_endpoint(answer: XmlNode) -> str:
    """The UUID in an endpoint reference, in lower case; empty if there is none."""
    for node in answer.walk():
        if found := _UUID.search(node.text):
            return found[0].lower()
    return ""


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """What the device says that it is."""

    manufacturer: str
    model: str
    firmware: str
    serial: str


def read_information(answer: XmlNode) -> DeviceInformation:
    """The names of a device."""
    names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
    return DeviceInformation(*(clean(answer.said(name)) for name in names))


def read_mac(answer: XmlNode) -> str:
    """The hardware address of the first interface that is enabled, else of the first; empty if there is none."""
    interfaces = answer.every("NetworkInterfaces")
    interfaces.sort(key=lambda node: node.said("Enabled").lower() == "false")
    for interface in interfaces:
        if found := _MAC.search(interface.said("Info", "HwAddress")):
            return found[0].lower().replace("-", ":")
    return ""


def read_profiles(answer: XmlNode, namespace: str) -> list[VideoProfile]:
    """The profiles with video of an answer to ``GetProfiles``, without their addresses; one of several with the same
    encoder."""
    found: list[VideoProfile] = []
    encoders: set[str] = set()
    for node in answer.every("Profiles")[:_MOST_PROFILES]:
        inner = node.find("Configurations") or node
        suffix = "" if namespace == MEDIA2 else "Configuration"
        encoder, source = inner.find(f"VideoEncoder{suffix}"), inner.find(f"VideoSource{suffix}")
        token = node.attributes.get("token", "")
        if encoder is None or not token or len(token) > _LONGEST:
            continue
        name = encoder.attributes.get("token") or token
        if name in encoders:
            continue
        encoders.add(name)
        codec = encoder.said("Encoding").upper()
        rate = encoder.number("RateControl", "FrameRateLimit")
        group = encoder.attributes.get("GovLength") or encoder.said("H264", "GovLength") or encoder.said("GovLength")
        kbits = encoder.number("RateControl", "BitrateLimit")
        found.append(
            VideoProfile(
                token=token,
                source=clean((source.said("SourceToken") if source is not None else "") or "0"),
                name=clean(node.said("Name")),
                codec=clean(
                    {"H264": "h264", "H265": "h265", "HEVC": "h265", "JPEG": "mjpeg"}.get(codec, codec.lower())
                ),
                width=_size(encoder, "Width"),
                height=_size(encoder, "Height"),
                frame_rate=rate or None,
                keyframe_s=round(int(group) / rate, 3) if group.isdecimal() and len(group) < 6 and rate else None,
                bitrate_bps=int(kbits * 1000) if kbits else None,
            )
        )
    return found


def _size(encoder: XmlNode, name: str) -> int:
    value = encoder.number("Resolution", name)
    return int(value) if value is not None and 0 < value < 100_000 else 0


def with_uses(profiles: Sequence[VideoProfile]) -> list[VideoProfile]:
    """The profiles, with which is the main and which the sub-stream of its source: most pixels, and fewest that still
    show something."""
    uses: dict[str, str] = {}
    for source in dict.fromkeys(profile.source for profile in profiles):
        own = [one for one in profiles if one.source == source]
        main = max(own, key=lambda one: one.width * one.height)
        uses[main.token] = "main"
        small = [one for one in own if one.width >= _LEAST_WIDTH and one.width * one.height < main.width * main.height]
        if small:
            uses[min(small, key=lambda one: one.width * one.height).token] = "sub"
    return [msgspec.structs.replace(one, use=uses.get(one.token, "")) for one in profiles]


def read_stream_url(answer: XmlNode, address: str) -> tuple[str, str, str] | None:
    """The address of a stream, without an account and with the address at which the device was asked in the place of
    the host that it names; the same without what may be secret; and that host. None if it is no RTSP."""
    node = answer.anywhere("Uri")
    text = node.text.strip() if node is not None else ""
    try:
        parts = urlsplit(text)
        named, port = parts.hostname or "", parts.port
        if parts.scheme.lower() not in ("rtsp", "rtsps") or len(text) > 1000:
            return None
        host = f"[{address}]" if ":" in address else address
        netloc = host if port is None else f"{host}:{port}"
        url = urlunsplit((parts.scheme.lower(), netloc, parts.path, parts.query, ""))
        parse_camera_url(url)
    except ValueError:
        return None
    return url, redact(url), named
