"""One address of a search asked what is there: by ONVIF wherever it may answer, then whether it speaks RTSP at all.

Invariant: whatever answers at an address is in the table, though a fault of ours keeps it from being known.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from nvr.devices.accounts import Logins
from nvr.devices.discovery import ProbeMatch, open_ports, speaks_rtsp
from nvr.devices.findings import judged
from nvr.devices.look import look
from nvr.devices.onvif.client import Credentials
from nvr.devices.onvif.facts import DeviceFacts, DeviceFinding, DeviceSecrets
from nvr.devices.rows import Sighting
from nvr.recorder.sources.rtsp.ledger import Ledger

__all__ = ["MOST_CONNECTING", "ask", "broke_off"]

log = logging.getLogger(__name__)

MOST_CONNECTING: Final = 1_000
"""At most so many connections wait for an answer at the same time."""


async def ask(
    address: str,
    open_at: Sequence[int],
    match: ProbeMatch | None,
    logins: Logins,
    *,
    ports: Sequence[int],
    known_at: int | None,
    ledger: Ledger,
) -> Sighting | None:
    """What is there; None: nothing that speaks ONVIF or RTSP. ``open_at``: the ports that are known to be open, of
    ``ports``; ``match``: its answer to WS-Discovery, if it gave one; ``known_at``: the port of the device that was
    there before, if one was."""
    try:
        found = await _look_everywhere(address, open_at, match, logins, ledger)
        if found is None and match is not None:
            # It answers, but not where it says.
            asked_for = [(address, port) for port in ports]
            at_once = min(MOST_CONNECTING, len(asked_for))
            open_at = sorted(port for _, port in await open_ports(asked_for, rate=float(at_once), at_once=at_once))
            found = await _look_everywhere(address, open_at, None, logins, ledger)
        if found is not None:
            return found
        for port in open_at:
            if _is_rtsp(port) and await speaks_rtsp(address, port):
                uuid = match.uuid if match is not None else ""
                facts = DeviceFacts(address=address, port=port, kind="rtsp", uuid=uuid)
                return Sighting(msgspec.structs.replace(facts, findings=judged(facts)), DeviceSecrets())
    except Exception as error:
        # Whatever one device answers, the others are searched.
        log.exception("the look at %s failed: report this, with these lines", address)
        port = known_at or (match.port if match is not None else 0) or [*open_at, *ports][0]
        finding = DeviceFinding("look_failed", {"why": type(error).__name__})
        uuid = match.uuid if match is not None else ""
        return Sighting(DeviceFacts(address=address, port=port, uuid=uuid, findings=(finding,)), DeviceSecrets())
    return None


async def _look_everywhere(
    address: str, open_at: Sequence[int], match: ProbeMatch | None, logins: Logins, ledger: Ledger
) -> Sighting | None:
    asked = False

    async def credentials(uuid: str) -> Credentials | None:
        nonlocal asked
        given, asked = await logins.at(address, uuid)
        return given

    uuid = match.uuid if match is not None else ""
    places: list[tuple[int, str | None]] = [(match.port, match.path)] if match is not None and match.port else []
    places += [(port, None) for port in open_at if not _is_rtsp(port) and port not in [one for one, _ in places]]
    for port, path in places:
        found = None
        try:
            found = await look(address, port, path=path, uuid=uuid, credentials=credentials, ledger=ledger)
        finally:
            if asked:
                await logins.outcome(found.facts.login if found is not None else "")
                asked = False
        if found is not None:
            return Sighting(found.facts, found.secrets)
    return None


def broke_off(facts: DeviceFacts) -> bool:
    """Whether a device began to answer, and was neither logged in to nor said why not."""
    return facts.login == "not_tried" and any(finding.code == "answers_unread" for finding in facts.findings)


def _is_rtsp(port: int) -> bool:
    return port % 1000 == 554
