"""What is known of a device, as it is kept and answered. Nothing in it is secret: addresses of streams are in
``DeviceSecrets``, since some devices want their password in them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["DeviceFacts", "DeviceFinding", "DeviceKind", "DeviceSecrets", "LoginState", "VideoProfile"]

DeviceKind = Literal["onvif", "rtsp"]
LoginState = Literal["none", "digest", "wsse", "refused", "blocked", "not_tried", "impossible"]


class VideoProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as the device declares it. ``use``: ``main``, ``sub`` or empty, of the picture ``source``; rates are
    per second; None: it does not say. ``url`` is without what may be secret."""

    token: str
    source: str
    name: str = ""
    use: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    frame_rate: float | None = None
    keyframe_s: float | None = None
    bitrate_bps: int | None = None
    url: str = ""


class DeviceFinding(msgspec.Struct, frozen=True):
    """Something wrong about a device. ``code`` is one of ``nvr.devices.findings.FINDINGS``."""

    code: str
    figures: dict[str, Any] = {}


class DeviceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """``uuid``, ``manufacturer``, ``serial`` and ``mac`` are what it is known by. ``kind``: ``onvif``, or ``rtsp`` if
    nothing else answers. ``login``: ``none`` (it asks for none), ``digest``, ``wsse``, ``refused``, ``blocked`` (the
    ledger has no room), ``not_tried`` or ``impossible``. ``clock_offset_s``: how far its clock is ahead of ours, give
    or take ``clock_within_s``."""

    address: str
    port: int
    kind: DeviceKind = "onvif"
    path: str = ""
    uuid: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    mac: str = ""
    login: LoginState = "not_tried"
    why_no_login: str = ""
    profiles: tuple[VideoProfile, ...] = ()
    clock_offset_s: float | None = None
    clock_within_s: float | None = None
    clock_zone: str = ""
    services: tuple[str, ...] = ()
    findings: tuple[DeviceFinding, ...] = ()

    @property
    def identity(self) -> str:
        """Manufacturer and serial number; empty without a serial number that can tell devices apart."""
        serial = self.serial.strip()
        if len(set(serial.strip("0"))) < 2 or serial in ("123456", "1234567890", "123456789"):
            return ""
        return f"{self.manufacturer.strip().lower()}\n{serial.lower()}"


class DeviceSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """``urls``: of streams, by token. ``username`` and ``password``: those that the device accepted."""

    urls: dict[str, str] = {}
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "DeviceSecrets(…)"
