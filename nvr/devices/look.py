"""One device asked what it is: first all that needs no login, then with at most one.

Invariant: whatever the device answers or leaves out, this ends within ``_LONGEST_S``, with what is known by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from nvr.config import Redactor
from nvr.devices.findings import judged
from nvr.devices.onvif.client import Credentials, DeviceClient, DeviceError, FaultError, LoginWanted
from nvr.devices.onvif.facts import DeviceFacts, DeviceFinding, DeviceSecrets, LoginState, VideoProfile
from nvr.devices.onvif.http_client import HttpConnection
from nvr.devices.onvif.reading import (
    ClockReading,
    ServiceAddress,
    clean,
    read_clock,
    read_endpoint,
    read_information,
    read_mac,
    read_profiles,
    read_services,
    read_stream_url,
    with_uses,
)
from nvr.devices.onvif.soap import DEVICE, MEDIA1, MEDIA2
from nvr.devices.onvif.xml_reader import XmlNode
from nvr.recorder.sources.rtp.errors import LoginError
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger

__all__ = ["PATHS", "Looked", "look"]

PATHS: Final = ("/onvif/device_service", "/onvif/devicemgmt", "/onvif/devices")
_LONGEST_S: Final = 30.0
_MOST_STREAMS: Final = 64


AskCredentials = Callable[[str], Awaitable[Credentials | None]]
"""Is called with the device's UUID, which is empty if it is not known."""


async def _nobody(_: str) -> Credentials | None:
    return None


@dataclass(frozen=True, slots=True)
class Looked:
    """A device, with what may not be shown."""

    facts: DeviceFacts
    secrets: DeviceSecrets


@dataclass
class _Known:
    """What is known so far."""

    address: str
    port: int
    path: str = ""
    uuid: str = ""
    clock: ClockReading | None = None
    values: dict[str, Any] = field(default_factory=dict)
    services: dict[str, ServiceAddress] = field(default_factory=dict)
    profiles: list[VideoProfile] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)
    found: list[DeviceFinding] = field(default_factory=list)
    accepted: Credentials | None = None
    tried: Credentials | None = None

    def note(self, code: str, **figures: Any) -> None:
        if all(one.code != code for one in self.found):
            self.found.append(DeviceFinding(code, figures))


async def look(
    address: str,
    port: int,
    *,
    path: str | None = None,
    uuid: str = "",
    credentials: AskCredentials = _nobody,
    ledger: Ledger = LEDGER,
    now: Callable[[], float] = time.time,
) -> Looked | None:
    """What answers at this address and port, if it speaks ONVIF; None if it does not. ``path``: where, if it is known;
    ``credentials`` are asked for, with the device's UUID, when it wants a login."""
    client = DeviceClient(HttpConnection(address, port), ledger=ledger, now=now)
    known = _Known(address, port, uuid=uuid)
    try:
        async with asyncio.timeout(_LONGEST_S):
            if not await _begin(client, known, [path] if path else PATHS, now):
                return None
            await _ask_openly(client, known)
            await _ask_protected(client, known, credentials)
    except TimeoutError:
        if not known.path:
            return None
        known.note("answers_unread", why=f"no end within {_LONGEST_S:g} s")
    except DeviceError as error:
        if not known.path:
            return None
        known.note("answers_unread", why=clean(str(error)))
    finally:
        client.close()
    if client.offers_basic:
        known.note("basic_offered")
    return _looked(known)


async def _begin(client: DeviceClient, known: _Known, paths: Sequence[str], now: Callable[[], float]) -> bool:
    """Finds where it answers, and what its clock shows; False if it speaks no ONVIF."""
    for path in paths:
        asked_s = now()
        try:
            answer = await client.ask(path, DEVICE, "GetSystemDateAndTime")
        except LoginWanted:
            known.path = path
            known.note("login_for_time")
            return True
        except FaultError:
            known.path = path
            return True
        except DeviceError as error:
            if not error.connected:
                return False
            continue
        known.path = path
        known.clock = read_clock(answer, asked_s, now())
        if known.clock is not None:
            # What it calls UTC is its local time: it was seen to check logins by the right one.
            client.offset_s = known.clock.offset_s - known.clock.local_ahead_s
        return True
    return False


async def _ask_openly(client: DeviceClient, known: _Known) -> None:
    """What the specification says that needs no login; firmware may think otherwise."""
    for operation in ("GetServices", "GetCapabilities"):
        answer = await _perhaps(client, known, known.path, DEVICE, operation)
        if answer is not None and (found := read_services(answer)):
            known.services = found
            other = next((one.host for one in found.values() if one.host != known.address), None)
            if other is not None:
                known.note("names_other_host", host=clean(other))
            break
    if not known.uuid:
        answer = await _perhaps(client, known, known.path, DEVICE, "GetEndpointReference")
        known.uuid = read_endpoint(answer) if answer is not None else ""


async def _perhaps(
    client: DeviceClient, known: _Known, path: str, namespace: str, operation: str, *values: str
) -> XmlNode | None:
    """The answer, if there is one."""
    try:
        return await client.ask(path, namespace, operation, *values)
    except (LoginWanted, FaultError):
        return None
    except DeviceError as error:
        if not error.connected:
            raise
        known.note("answers_unread", why=clean(str(error)))
        return None


async def _ask_protected(client: DeviceClient, known: _Known, credentials: AskCredentials) -> None:
    answer = await _with_login(client, known, credentials, known.path, DEVICE, "GetDeviceInformation")
    if answer is None:
        return
    information = read_information(answer)
    known.values |= {
        "manufacturer": information.manufacturer,
        "model": information.model,
        "firmware": information.firmware,
        "serial": information.serial,
    }
    if not known.services:
        # Those that answer nothing openly do so now.
        await _ask_openly(client, known)
    media = known.services.get(MEDIA2) or known.services.get(MEDIA1)
    if client.login is None and media is not None:
        # Its name is open to all: are its streams?
        answer = await _with_login(client, known, credentials, media.path, media.namespace, "GetProfiles")
        if answer is not None and client.login is None:
            known.values["login"] = "none"
    interfaces = await _perhaps(client, known, known.path, DEVICE, "GetNetworkInterfaces")
    if interfaces is not None:
        known.values["mac"] = read_mac(interfaces)
    await _ask_streams(client, known)


async def _with_login(
    client: DeviceClient,
    known: _Known,
    credentials: AskCredentials,
    path: str,
    namespace: str,
    operation: str,
) -> XmlNode | None:
    """The answer, without a login if the device gives it so; None if there is none."""
    try:
        return await client.ask(path, namespace, operation)
    except FaultError as error:
        known.note("answers_unread", why=clean(str(error)))
        return None
    except LoginWanted as wanted:
        given = await credentials(known.uuid)
        if given is None:
            return None
        known.tried = given
        try:
            answer = await client.log_in(given, wanted, path, namespace, operation)
        except LoginError as error:
            known.values["login"] = _why(error, client)
            known.values["why_no_login"] = clean(str(error))
            return None
        except FaultError as error:
            known.note("answers_unread", why=clean(str(error)))
            return None
    known.accepted = given
    known.values["login"] = client.login
    return answer


def _why(error: LoginError, client: DeviceClient) -> LoginState:
    if client.refused:
        return "refused"
    return "blocked" if error.until_us else "impossible"


async def _ask_streams(client: DeviceClient, known: _Known) -> None:
    # An H.265 stream is called H.264, or left out, where only the older service is asked.
    for namespace in (MEDIA2, MEDIA1):
        service = known.services.get(namespace)
        if service is None:
            continue
        answer = await _perhaps(client, known, service.path, namespace, "GetProfiles")
        profiles = with_uses(read_profiles(answer, namespace)) if answer is not None else []
        if not profiles:
            continue
        asked = 0
        for profile in profiles:
            if not profile.use or asked >= _MOST_STREAMS:
                known.profiles.append(profile)
                continue
            asked += 1
            answer = await _perhaps(client, known, service.path, namespace, "GetStreamUri", profile.token)
            url = read_stream_url(answer, known.address) if answer is not None else None
            if url is not None:
                known.urls[profile.token] = url[0]
                if url[2] != known.address:
                    known.note("names_other_host", host=clean(url[2]))
            known.profiles.append(msgspec.structs.replace(profile, url=url[1] if url is not None else ""))
        return


def _without_password(facts: DeviceFacts, password: str) -> DeviceFacts:
    """What a device says may hold its own password: in a name, in the path of a stream. What it is known by stays: of
    some devices the serial number is the first password."""
    redact = Redactor([password])

    def without(value: Any) -> Any:
        if isinstance(value, str):
            return redact(value)
        if isinstance(value, dict):
            return {key: without(inner) for key, inner in value.items()}
        return [without(inner) for inner in value] if isinstance(value, list) else value

    told = msgspec.to_builtins(facts)
    # A token is what the stream's address is kept under.
    kept = {"address", "uuid", "mac", "serial", "path", "login", "kind"}
    made = msgspec.convert({key: value if key in kept else without(value) for key, value in told.items()}, DeviceFacts)
    profiles = (
        msgspec.structs.replace(new, token=old.token) for old, new in zip(facts.profiles, made.profiles, strict=True)
    )
    return msgspec.structs.replace(made, profiles=tuple(profiles))


def _looked(known: _Known) -> Looked:
    clock = known.clock
    facts = DeviceFacts(
        address=known.address,
        port=known.port,
        path=known.path,
        uuid=known.uuid,
        profiles=tuple(known.profiles),
        clock_offset_s=round(clock.offset_s - clock.local_ahead_s, 1) if clock is not None else None,
        clock_within_s=round(clock.within_s, 1) if clock is not None else None,
        clock_zone=clock.zone if clock is not None else "",
        services=tuple(sorted(known.services)),
        findings=tuple(known.found),
        **known.values,
    )
    if known.tried is not None:
        facts = _without_password(facts, known.tried.password)
    found = judged(
        facts,
        is_clock_manual=clock is not None and clock.is_manual,
        holds_local=clock is not None and clock.holds_local,
    )
    account = known.accepted
    secrets = DeviceSecrets(
        urls=known.urls,
        username=account.username if account is not None else None,
        password=account.password if account is not None else None,
    )
    return Looked(msgspec.structs.replace(facts, findings=found), secrets)
