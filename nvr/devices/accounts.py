"""Which login a search tries at which device: a known device's own, else the one that the search was given.

Invariant: of the given one no more than ``_MOST_REFUSED`` attempts are refused, or without an outcome, before a first
one is accepted: a mistyped password must not be tried at every device of a city.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

from nvr.devices.onvif.client import Credentials
from nvr.devices.rows import FoundDevice
from storage.catalogue.cameras import Camera
from storage.catalogue.logins import LoginAccount, device_of

__all__ = ["RTSP_PORT", "KnownLogin", "Logins", "credentials_at", "login_of", "port_of"]

_MOST_REFUSED: Final = 20
RTSP_PORT: Final = 554

KnownLogin = tuple[int, str, str]
"""The port of RTSP, with which the ledger knows a device, user name and password."""


class Logins:
    """The logins of one search: ``by_device`` those of known devices by their ids, ``by_host`` those of cameras that
    are recorded, ``given`` the search's own."""

    def __init__(
        self,
        devices: Collection[FoundDevice],
        by_device: Mapping[str, KnownLogin],
        by_host: Mapping[str, KnownLogin],
        given: tuple[str, str] | None,
    ) -> None:
        own = [device for device in devices if device.id in by_device]
        self._by_uuid = {device.facts.uuid: by_device[device.id] for device in own if device.facts.uuid}
        self._by_host = {**{device.address: by_device[device.id] for device in own}, **by_host}
        self._uuid_at = {device.address: device.facts.uuid for device in devices}
        self._given = given
        self._accepted = 0
        self._refused = 0
        self._tried = 0
        self._change = asyncio.Condition()

    @property
    def given_up(self) -> bool:
        """Whether the given login was refused so often that it is not tried any more."""
        return not self._accepted and self._refused >= _MOST_REFUSED

    async def at(self, address: str, uuid: str) -> tuple[Credentials | None, bool]:
        """What to try at an address, where a device of this UUID answers (empty: not known); and whether it is the
        given one, of which ``outcome`` must be told."""
        known = self._by_uuid.get(uuid) if uuid else None
        before = self._uuid_at.get(address, "")
        if known is None and (not uuid or not before or uuid == before):
            # It can't be told from the one that was there.
            known = self._by_host.get(address)
        if known is not None:
            return credentials_at(address, *known), False
        if self._given is None:
            return None, False
        async with self._change:
            await self._change.wait_for(
                lambda: self._accepted > 0 or self._tried < _MOST_REFUSED or self._refused >= _MOST_REFUSED
            )
            if self.given_up:
                return None, False
            self._tried += 1
        return credentials_at(address, RTSP_PORT, *self._given), True

    async def outcome(self, login: str) -> None:
        """What became of an attempt with the given login."""
        async with self._change:
            if login in ("digest", "wsse"):
                self._accepted += 1
            elif login == "refused":
                self._refused += 1
            else:
                # It was not tried, or nobody knows.
                self._tried -= 1
            self._change.notify_all()


def port_of(url: str) -> int:
    """The port of a camera's URL, as the ledger knows it."""
    return int(device_of(url).rpartition(":")[2])


def login_of(camera: Camera) -> KnownLogin | None:
    """The login of a camera that is recorded, as it is tried at its device; None if it has none that can be opened."""
    username = camera.settings.get("username")
    if not username or camera.locked is not None:
        return None
    url = str(camera.settings.get("url", ""))
    return port_of(url), str(username), str(camera.settings.get("password") or "")


def credentials_at(address: str, port: int, username: str, password: str) -> Credentials:
    """A login at an address, as the ledger knows it."""
    host = f"[{address}]" if ":" in address else address
    device = device_of(f"rtsp://{host}:{port}/")
    return Credentials(username, password, LoginAccount.of(device, username, password))
