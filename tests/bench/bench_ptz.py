"""How long does it take from a request to move a camera to the camera, and from the last word of a lost browser until
it stands?

The API in a process of its own, a simulated camera on loopback. A move from rest is entered in the audit log before the
camera is told; the moves that follow are not. Prints both, and the stops; exits with 1 if one took over a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import httpx

from nvr.accounts.rows import Role
from nvr.devices import rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets, VideoProfile
from nvr.devices.onvif.soap import PTZ
from storage.catalogue import cameras, node
from tests.bench.bench_devices import PASSWORD, new_database
from tests.bench.machine import describe
from tests.support.cameras.onvif import OnvifDevice, OnvifServer, PtzHeadSimulator
from tests.support.people import create_token


def shares(times_s: list[float]) -> str:
    """Half, 95 in 100, and the longest, in milliseconds."""
    found = sorted(times_s)
    at = [found[len(found) // 2], found[int(len(found) * 0.95)], found[-1]]
    return "p50 {:.0f}, p95 {:.0f}, longest {:.0f} ms".format(*(1000 * one for one in at))


def last(head: PtzHeadSimulator, name: str, since: int) -> float | None:
    """When the first such command came, of those after ``since``."""
    return next((at for told, at in head.told[since:] if told == name), None)


async def told(head: PtzHeadSimulator, name: str, since: int, within_s: float) -> float:
    """Waits for a command; when it came."""
    deadline = time.monotonic() + within_s
    while (found := last(head, name, since)) is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"no {name} within {within_s:g} s")
        await asyncio.sleep(0.002)
    return found


async def run(args: argparse.Namespace) -> int:
    """Prints it all; says whether all is as it should be."""
    print(describe())
    head = PtzHeadSimulator()
    device = OnvifDevice("127.46.0.1", uuid="u", login="digest", head=head, quirks=frozenset({"ptz_ignores_timeout"}))
    server = OnvifServer([device], http_port=args.port)
    await server.start()
    with tempfile.TemporaryDirectory(prefix="nvr-bench-") as name:
        database = new_database(Path(name), "ptz")
        facts = DeviceFacts(
            address=device.address, port=args.port, path=device.path, services=(PTZ,),
            profiles=(VideoProfile(token="main1", source="1", use="main"),),
        )  # fmt: skip
        secrets = DeviceSecrets(username="admin", password=PASSWORD)
        with database.write() as conn:
            node.this_node(conn, "n1")
            cameras.add(
                conn, camera="gate", name="gate", source="catalogue", settings={"url": "rtsp://127.46.0.1/main1"},
                labels={}, node="n1", epoch=0, at_us=1,
            )  # fmt: skip
            rows.bind(conn, "gate", rows.put_device(conn, None, facts, secrets, now_us=1))
        token = create_token(database, "bench", Role.ADMIN, at_us=time.time_ns() // 1000)
        first = {"catalogue": str(database.path), "node": "n1", "port": 0, "ptz_cameras": "*"}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "nvr.api", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps(first).encode() + b"\n")
        port = json.loads(await child.stdout.readline())["port"]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{port}/api/cameras/gate/ptz"
        rested, following, stops = list[float](), list[float](), list[float]()
        async with httpx.AsyncClient(headers=headers) as client:
            (await client.post(f"{url}/lease")).raise_for_status()
            for _ in range(args.moves):
                since, asked_s = len(head.told), time.monotonic()
                (await client.post(f"{url}/move", json={"pan": 0.5})).raise_for_status()
                rested.append(await told(head, "ContinuousMove", since, 2.0) - asked_s)
                await asyncio.sleep(0.15)
                since, asked_s = len(head.told), time.monotonic()
                (await client.post(f"{url}/move", json={"pan": -0.5})).raise_for_status()
                following.append(await told(head, "ContinuousMove", since, 2.0) - asked_s)
                since = len(head.told)
                stops.append(await told(head, "Stop", since, 3.0) - asked_s)
                await asyncio.sleep(0.4)
        print(f"from rest, with an entry in the audit log: {shares(rested)}")
        print(f"another direction while it moves: {shares(following)}")
        print(f"from the last word until it is stopped: {shares(stops)}")
        child.stdin.close()
        await child.wait()
        database.close()
    await server.stop()
    return 1 if max(stops) > 1.0 or device.failed else 0


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--port", type=int, default=18_483)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
