"""``python -m tests.support.cameras.onvif``: a fleet in a process of its own, told by lines of JSON on stdin.

First ``{"addresses", "http_port", "discovery_port", "seed", "password", "events"?}``; answers ``{"ready": true}``. Then
``ask`` for ``counts``, ``where`` (serial numbers by address), ``quirks``, ``events``, ``emit`` with ``count``, ``seed``
and ``on``, or ``swap`` with ``count`` and ``seed``. Ends with stdin.
"""

import asyncio
import json
import random
import sys
from typing import Any

from .fleet import make_fleet
from .server import OnvifServer


def _answer(server: OnvifServer, line: dict[str, Any]) -> dict[str, Any]:
    devices = list(server.devices.values())
    if line["ask"] == "swap":
        rng = random.Random(line["seed"])
        places = rng.sample(sorted(server.devices), line["count"])
        server.move(list(zip(places, [*places[1:], places[0]], strict=True)))
        return {"swapped": len(places)}
    if line["ask"] == "events":
        return {
            "subscribed": sum(bool(one.events.points) for one in devices if one.events is not None),
            "made": sum(one.events.made for one in devices if one.events is not None),
            "pulls": sum(one.events.pulls for one in devices if one.events is not None),
        }
    if line["ask"] == "emit":
        able = [one.events for one in devices if one.events is not None and one.events.points]
        for events in random.Random(line["seed"]).sample(able, min(line["count"], len(able))):
            events.emit("VideoSource/MotionAlarm", line["on"])
        return {"emitted": min(line["count"], len(able))}
    if line["ask"] == "quirks":
        return {address: sorted(device.quirks) for address, device in server.devices.items()}
    if line["ask"] == "where":
        return {address: device.serial for address, device in server.devices.items()}
    return {
        "devices": len(devices),
        "failed": sum(device.failed for device in devices),
        "most_failed": max(device.failed for device in devices),
        "locks": sum(device.locks for device in devices),
        "silent": sum("silent" in device.quirks for device in devices),
        "asked": sum(len(device.asked) for device in devices),
    }


async def main() -> None:
    """Serves until stdin ends."""
    loop = asyncio.get_running_loop()
    first = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    fleet = make_fleet(
        first["addresses"],
        seed=first["seed"],
        password=lambda number: first["password"],
        events=first.get("events", False),
    )
    server = OnvifServer(fleet, http_port=first["http_port"], discovery_port=first["discovery_port"])
    await server.start()
    sys.stdout.write('{"ready": true}\n')
    sys.stdout.flush()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(json.dumps(_answer(server, json.loads(line))) + "\n")
        sys.stdout.flush()
    await server.stop()


asyncio.run(main())
