"""What does it cost to ask a city's devices for their events?

Simulated devices in loopback addresses, in a process of their own, one subscription each; the process that asks is the
product's. Says how long it took until all were asked, and per minute after that its processor time and memory, with
motion at some devices each second; and how long an event takes to become a mark.

Exits with 1 if a device that answers is not asked, or a mark is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from ipaddress import ip_network
from pathlib import Path

from nvr.cameras import marks
from nvr.devices import rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets, VideoProfile
from nvr.devices.onvif.soap import EVENTS
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from tests.bench.bench_devices import PASSWORD, Fleet, new_database
from tests.bench.machine import describe
from tests.bench.measure import usage


def fill(database: Database, addresses: list[str], port: int) -> None:
    """A camera and its device at each address."""

    def put(conn: object, pair: tuple[int, str]) -> None:
        number, address = pair
        facts = DeviceFacts(
            address=address, port=port, path="/onvif/device_service", uuid=str(number), services=(EVENTS,),
            profiles=(VideoProfile(token="main1", source="1", use="main"),),
        )  # fmt: skip
        camera = f"cam-{number:04}"
        cameras.add(
            conn, camera=camera, name=camera, source="catalogue", settings={"url": f"rtsp://{address}/main1"},
            labels={}, node="n1", epoch=0, at_us=1,
        )  # type: ignore[arg-type]  # fmt: skip
        secrets = DeviceSecrets(username="admin", password=PASSWORD)
        rows.bind(conn, camera, rows.put_device(conn, f"d{number}", facts, secrets, now_us=1))  # type: ignore[arg-type]

    with database.write() as conn:
        node.this_node(conn, "n1")
    in_slices(database, list(enumerate(addresses)), put)


async def run(args: argparse.Namespace) -> int:
    """Prints it all; says whether all is as it should be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rng = random.Random(args.seed)
    every = [str(one) for one in ip_network(args.network)][1:-1]
    addresses = sorted(rng.sample(every, args.devices))
    print(describe())
    with tempfile.TemporaryDirectory(prefix="nvr-bench-") as name:
        fleet = await Fleet.begin(
            {
                "addresses": addresses, "http_port": args.port, "discovery_port": 0, "seed": args.seed,
                "password": PASSWORD, "events": True,
            }
        )  # fmt: skip
        database = new_database(Path(name), "events")
        fill(database, addresses, args.port)
        counts = await fleet.ask("counts")
        answering = counts["devices"] - counts["silent"]
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "nvr.devices.events", stdin=asyncio.subprocess.PIPE
        )
        assert child.stdin is not None
        first = {"catalogue": str(database.path), "kinds": {"motion": "*"}, "rate": args.rate}
        began = time.monotonic()
        child.stdin.write(json.dumps(first).encode() + b"\n")
        while (subscribed := (await fleet.ask("events"))["subscribed"]) < answering:
            if time.monotonic() - began > 60 + 3 * args.devices / args.rate:
                break
            await asyncio.sleep(1.0)
        now = usage([child.pid])
        print(
            f"{subscribed} of {answering} devices that answer are asked after {time.monotonic() - began:.0f} s,"
            f" {now.cpu_s:.1f} s of processor, {now.pss_bytes / 1e6:.0f} MB"
        )
        sent, most_bytes = 0, 0
        before, from_s = now, time.monotonic()
        for second in range(args.seconds):
            emitted = await fleet.ask("emit", count=args.motions, seed=second // 2, on=second % 2 == 0)
            sent += emitted["emitted"] if second % 2 == 0 else 0
            await asyncio.sleep(1.0)
            most_bytes = max(most_bytes, usage([child.pid]).pss_bytes)
        took_s = time.monotonic() - from_s
        after = usage([child.pid])
        pulls = (await fleet.ask("events"))["pulls"]
        print(
            f"{took_s:.0f} s with motion at {args.motions} devices each other second:"
            f" {100 * (after.cpu_s - before.cpu_s) / took_s:.1f} % of a core, {most_bytes / 1e6:.0f} MB at most,"
            f" {pulls} pulls in all"
        )
        await asyncio.sleep(3.0)
        with database.read() as conn:
            found = marks.between(conn, 0, 1 << 60, most=1_000_000)
        late_s = sorted((one.made_us - one.start_us) / 1e6 for one in found)
        print(
            f"{len(found)} marks of {sent} motions; kept {late_s[len(late_s) // 2] if late_s else 0:.1f} s after (p50)"
        )
        counts = await fleet.ask("counts")
        print(f"{counts['failed']} failed logins, {counts['locks']} locked")
        child.stdin.close()
        await child.wait()
        left = (await fleet.ask("events"))["subscribed"]
        print(f"{left} subscriptions were left behind")
        database.close()
        await fleet.end()
        return 1 if subscribed < answering or counts["failed"] or not found else 0


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", default="127.48.0.0/16")
    parser.add_argument("--devices", type=int, default=4470)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--motions", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--port", type=int, default=18_481)
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
