"""Setting the clocks of many devices, one after the other: which may be, what would be changed, and doing it.

Invariant: after the first device that is not as it was to be nothing more is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nvr.devices.clocks import ClockSetter, ClockSetting, SettingError, changeable
from nvr.devices.rows import FoundDevice
from nvr.recorder.sources.rtsp.ledger import LEDGER
from nvr.texts import say as in_language
from storage.catalogue import audit
from storage.catalogue.database import Database
from storage.catalogue.selection import parse
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.config import DeviceSearch

__all__ = ["NothingChosen", "run"]


class NothingChosen(Exception):
    """There is no device that may be changed; the message says why."""


def run(
    database: Database,
    told: DeviceSearch,
    chosen: Sequence[FoundDevice],
    *,
    named: bool,
    apply: bool,
    say: Callable[[str], None],
) -> bool:
    """Says what each device has and would get, and with ``apply`` does it; says whether one failed. ``named``: a person
    named them, so that one that may not be changed is a mistake.

    Raises:
        NothingChosen: none may be changed.
    """
    if not told.may_change or told.time_server is None:
        raise NothingChosen(
            Sentence("no device may be changed; allow it in the configuration: [devices] may_change and time_server")
        )
    with database.read() as conn:
        logins = changeable(conn, parse(told.may_change))
    barred = [device.id for device in chosen if device.id not in logins]
    if named and barred:
        raise NothingChosen(
            Sentence(
                "{devices} may not be changed: [devices] may_change does not choose them", devices=", ".join(barred)
            )
        )
    server, failed = told.time_server, False
    LEDGER.open(database)
    try:
        for device in chosen:
            if device.id not in logins or device.facts.kind != "onvif" or device.missing_us is not None:
                continue
            failed |= not asyncio.run(
                _one(database, device, ClockSetter(device, logins[device.id]), server, apply, say)
            )
            if failed and apply:
                break
    finally:
        LEDGER.close()
    return failed


async def _one(
    database: Database,
    device: FoundDevice,
    setter: ClockSetter,
    server: str,
    apply: bool,
    say: Callable[[str], None],
) -> bool:
    """One device; whether it is, or could be, as it is to be."""
    name = f"{device.id} {device.address}"
    try:
        before = await setter.read()
        if not before.needs(server):
            say(f"{name}: goes by {server}, {before.offset_s:+.0f} s")
            return True
        say(f"{name}: {_has(before)}, {before.offset_s:+.0f} s -> goes by {server}")
        if not apply:
            return True
        with database.write() as conn:
            detail = {"device": device.id, "address": device.address, "from": _has(before), "to": server}
            audit.append(conn, "device_clock_set", detail=detail)
        after = await setter.apply(server, before)
        say(f"{name}: goes by {server}, {after.offset_s:+.0f} s")
        return True
    except SettingError as error:
        why = error.args[0]
        say(f"{name}: failed: {in_language(why, 'en')}")
        return False
    finally:
        setter.close()


def _has(setting: ClockSetting) -> str:
    if setting.is_manual:
        return "set by hand"
    if setting.from_dhcp:
        return "goes by DHCP"
    return f"goes by {', '.join(setting.servers) or 'nothing'}"
