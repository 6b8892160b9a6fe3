"""Setting the clock of a device by a time server: what it has, what it would get, and doing it.

Invariant: nothing is written to a device whose cameras' labels ``[devices] may_change`` does not choose; what was
written is read back, and what is said of it is what the device answers then.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from nvr.devices import rows
from nvr.devices.accounts import KnownLogin, login_of
from nvr.devices.conversation import credentials_of
from nvr.devices.onvif.client import DeviceClient, DeviceError, LoginWanted
from nvr.devices.onvif.http_client import HttpConnection
from nvr.devices.onvif.reading import ClockReading, clean, read_clock
from nvr.devices.onvif.soap import DEVICE
from nvr.devices.onvif.xml_reader import XmlNode
from nvr.devices.rows import FoundDevice
from nvr.recorder.sources.rtp.errors import LoginError
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger
from storage.catalogue import cameras
from storage.catalogue.selection import Selection
from storage.sentences import Sentence, sentence_of

__all__ = ["ClockSetter", "ClockSetting", "SettingError", "changeable", "read_servers"]

_LONGEST_S: Final = 30.0
# A device asks its server within a few seconds, or not at all.
_SETTLES_S: Final = 10.0
_POLL_S: Final = 1.0
_CLOSE_S: Final = 2.0


class SettingError(Exception):
    """A device was not changed, or is not as it was to be; the message says why."""


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """What a device has: its time servers, whether it takes them from DHCP, and whether somebody sets it by hand.
    ``offset_s``: how far its clock is ahead of ours."""

    servers: tuple[str, ...]
    from_dhcp: bool
    is_manual: bool
    zone: str
    offset_s: float

    def needs(self, server: str) -> bool:
        """Whether it goes by anything else than this time server."""
        return self.is_manual or self.from_dhcp or self.servers != (server,)


def changeable(conn: sqlite3.Connection, query: Selection | None) -> dict[str, KnownLogin | None]:
    """The devices that may be changed, with the login of their cameras: those that a camera is which the query chooses,
    and no camera that it does not."""
    if query is None:
        return {}
    bound = rows.bindings(conn)
    found: dict[str, KnownLogin | None] = {}
    barred: set[str] = set()
    for camera in cameras.list_all(conn):
        device = bound.get(camera.id)
        if device is None:
            continue
        if query.has(camera.id, camera.labels):
            found[device] = found.get(device) or login_of(camera)
        else:
            barred.add(device)
    return {device: login for device, login in found.items() if device not in barred}


def read_servers(answer: XmlNode) -> tuple[tuple[str, ...], bool]:
    """The time servers in an answer to ``GetNTP``, and whether they come from DHCP."""
    told = answer.find("NTPInformation") or answer
    from_dhcp = told.said("FromDHCP").lower() == "true"
    nodes = told.every("NTPFromDHCP" if from_dhcp else "NTPManual")
    texts = [node.said("IPv4Address") or node.said("IPv6Address") or node.said("DNSname") for node in nodes]
    return tuple(clean(text) for text in texts if text), from_dhcp


def _kind(server: str) -> tuple[str, str]:
    try:
        version = ip_address(server).version
    except ValueError:
        return "DNS", "DNSname"
    return (f"IPv{version}", f"IPv{version}Address")


class ClockSetter:
    """One device's conversation. Opened, used and closed."""

    def __init__(
        self,
        device: FoundDevice,
        login: KnownLogin | None,
        *,
        ledger: Ledger = LEDGER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = device.facts.path
        self._now = now
        self._client = DeviceClient(HttpConnection(device.address, device.port), ledger=ledger, now=now)
        self._credentials = credentials_of(device, login)

    async def read(self) -> ClockSetting:
        """What it has.

        Raises:
            SettingError: it does not say.
        """
        return await self._bounded(self._read())

    async def _bounded(self, work: Awaitable[ClockSetting]) -> ClockSetting:
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await work
        except TimeoutError:
            raise SettingError(Sentence("it did not answer in time")) from None
        except LoginError as error:
            raise SettingError(Sentence("it can't be logged in to: {why}", why=sentence_of(error))) from None
        except DeviceError as error:
            raise SettingError(Sentence("it answers: {why}", why=clean(str(error)))) from None

    async def _clock(self) -> ClockReading:
        asked_s = self._now()
        # By a login that is dated by a clock that has just been set it would be refused.
        answer = await self._client.ask_openly(self._path, DEVICE, "GetSystemDateAndTime")
        found = read_clock(answer, asked_s, self._now())
        if found is None:
            raise SettingError(Sentence("it does not say what time it has"))
        return found

    async def _read(self) -> ClockSetting:
        clock = await self._clock()
        # A login is dated by it, before and after it was set.
        self._client.offset_s = clock.offset_s - clock.local_ahead_s
        servers, from_dhcp = read_servers(await self._protected("GetNTP"))
        offset_s = clock.offset_s - clock.local_ahead_s
        return ClockSetting(servers, from_dhcp, clock.is_manual, clock.zone, offset_s)

    async def _protected(self, operation: str, *values: str) -> XmlNode:
        try:
            return await self._client.ask(self._path, DEVICE, operation, *values)
        except LoginWanted as wanted:
            if self._credentials is None:
                raise SettingError(Sentence("no login of it is known: scan it with one")) from None
            return await self._client.log_in(self._credentials, wanted, self._path, DEVICE, operation, *values)

    async def apply(self, server: str, before: ClockSetting) -> ClockSetting:
        """Has it go by this time server; what it has then. Its clock is waited for, for ten seconds.

        Raises:
            SettingError: it was not changed, or not to that.
        """
        after = await self._bounded(self._apply(server, before))
        if after.needs(server):
            raise SettingError(Sentence("it took the setting and did not keep it"))
        return after

    async def _apply(self, server: str, before: ClockSetting) -> ClockSetting:
        kind, field = _kind(server)
        await self._protected("SetNTP", kind, field, server, field)
        # The time server alone does not switch the mode.
        await self._protected("SetSystemDateAndTime", before.zone)
        deadline = time.monotonic() + _SETTLES_S
        while True:
            after = await self._read()
            if abs(after.offset_s) < _CLOSE_S or time.monotonic() >= deadline:
                return after
            await asyncio.sleep(_POLL_S)

    def close(self) -> None:
        """Ends the conversation."""
        self._client.close()
