"""How long does a search of a city's network take, and what does it cost?

Simulated devices (five vendors, mixed logins, 15 % wrong clocks, slow, silent and mute ones) in a network of loopback
addresses, in a process of their own; the search is the product's process. Three searches: with the right password;
with none, after devices changed places; and with a wrong password, in a catalogue of its own. Says for each how long it
took, its processor time and memory, what was found, and what the devices say: failed logins and lockouts.

Exits with 1 if a device was lost or taken for another one, if more than one login failed at a device, or any was
locked.
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
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from nvr.devices import rows, searches
from nvr.devices.settings import ScanSettings
from nvr.devices.targets import blocks_of
from storage.catalogue.database import Database
from tests.bench.machine import describe
from tests.bench.measure import usage

PASSWORD = "Semarang2026"
_LOOK_S = 0.5


class Fleet:
    """The simulator's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(cls, first: dict[str, Any]) -> Fleet:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.cameras.onvif",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        made = cls(process)
        await made._say(first)
        return made

    async def _say(self, line: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer

    async def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """What the devices say."""
        return await self._say({"ask": what, **more})

    async def end(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


def new_database(folder: Path, name: str) -> Database:
    """An empty catalogue."""
    made = Database(folder / name / "catalogue.sqlite", durable=False)
    made.migrate()
    return made


async def search(
    database: Database, args: argparse.Namespace, networks: Sequence[str], password: str | None
) -> tuple[str, float, float, float]:
    """Runs a search in the product's process: how it ended, seconds, seconds of processor, megabytes at most."""
    with database.write() as conn:
        scan = searches.begin_scan(
            conn,
            networks=networks,
            blocks=len(blocks_of(networks)),
            username="admin" if password is not None else None,
            password=password,
            now_us=time.time_ns() // 1000,
        )
    settings = ScanSettings(
        catalogue=str(database.path),
        scan=scan,
        networks=tuple(networks),
        ports=(args.port, 554),
        rate=args.rate,
        at_once=args.at_once,
        discovery_port=args.discovery_port,
    )
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "nvr.devices",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(msgspec.json.encode(settings) + b"\n")
    most_bytes, cpu_s, state = 0, 0.0, "?"
    ended = asyncio.create_task(child.wait())
    reading = asyncio.create_task(child.stdout.read())
    while not ended.done():
        with suppress(OSError, StopIteration):
            now = usage([child.pid])
            most_bytes, cpu_s = max(most_bytes, now.pss_bytes), max(cpu_s, now.cpu_s)
        await asyncio.wait({ended}, timeout=_LOOK_S)
    for line in (await reading).splitlines():
        state = json.loads(line).get("state", state)
    return state, time.monotonic() - began, cpu_s, most_bytes / 1e6


def wrong_places(database: Database, where: dict[str, str]) -> tuple[int, int]:
    """How many devices are known where they are, and how many are believed to be where another one is."""
    with database.read() as conn:
        found = {one.address: one.facts.serial for one in rows.devices(conn) if one.missing_us is None}
    known = {address: serial for address, serial in found.items() if serial}
    return (
        sum(where.get(address) == serial for address, serial in known.items()),
        sum(where.get(address) != serial for address, serial in known.items()),
    )


def lost(database: Database, where: dict[str, str], quirks: dict[str, list[str]]) -> None:
    """Says of some that are not known where they are what they are like, and what is known of them."""
    with database.read() as conn:
        found = {one.address: one for one in rows.devices(conn)}
    missed = [address for address, serial in where.items() if "silent" not in quirks[address]]
    missed = [one for one in missed if one not in found or found[one].facts.serial != where[one]]
    for address in missed[:10]:
        one = found.get(address)
        known = "not found" if one is None else f"{one.facts.login} {[f.code for f in one.facts.findings]}"
        print(f"  lost: {address} {quirks[address]}: {known}")


async def run(args: argparse.Namespace) -> int:
    """Prints it all; says whether all is as it should be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    networks = [args.network]
    rng = random.Random(args.seed)
    every = [str(one) for one in ip_network(args.network)][1:-1]
    addresses = sorted(rng.sample(every, args.devices))
    first = {
        "addresses": addresses,
        "http_port": args.port,
        "discovery_port": args.discovery_port,
        "seed": args.seed,
        "password": PASSWORD,
    }
    failed = False
    print(describe())
    print(f"{args.devices} devices in {args.network}, {args.rate} addresses a second, {args.at_once} devices at once")
    with tempfile.TemporaryDirectory(prefix="nvr-bench-") as name:
        folder = Path(name)
        fleet = await Fleet.begin(first)
        database = new_database(folder, "right")
        for what, password, swapped in (("right password", PASSWORD, 0), ("places changed", None, args.swap)):
            if swapped:
                await fleet.ask("swap", count=swapped, seed=args.seed)
            state, seconds, cpu_s, megabytes = await search(database, args, networks, password)
            right, wrong = wrong_places(database, await fleet.ask("where"))
            counts = await fleet.ask("counts")
            answering = counts["devices"] - counts["silent"]
            print(
                f"{what}: {state} in {seconds:.0f} s, {cpu_s:.1f} s of processor, {megabytes:.0f} MB;"
                f" {right} of {answering} known where they are, {wrong} taken for another;"
                f" {counts['failed']} failed logins, at most {counts['most_failed']} at a device,"
                f" {counts['locks']} locked"
            )
            lost(database, await fleet.ask("where"), await fleet.ask("quirks"))
            failed |= state != "done" or wrong > 0 or right < answering or counts["failed"] > 0
        database.close()
        await fleet.end()
        fleet = await Fleet.begin(first)
        database = new_database(folder, "wrong")
        state, seconds, cpu_s, megabytes = await search(database, args, networks, "wrong")
        counts = await fleet.ask("counts")
        with database.read() as conn:
            found = len(rows.devices(conn))
        print(
            f"wrong password: {state} in {seconds:.0f} s, {cpu_s:.1f} s of processor, {megabytes:.0f} MB;"
            f" {found} found; {counts['failed']} failed logins, at most {counts['most_failed']} at a device,"
            f" {counts['locks']} locked"
        )
        failed |= state != "done" or counts["most_failed"] > 1 or counts["locks"] > 0
        database.close()
        await fleet.end()
    return 1 if failed else 0


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", default="127.40.0.0/16")
    parser.add_argument("--devices", type=int, default=4470)
    parser.add_argument("--swap", type=int, default=500)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--port", type=int, default=18_480)
    parser.add_argument("--discovery-port", type=int, default=13_702)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sys.exit(asyncio.run(run(args)))


if __name__ == "__main__":
    main()
