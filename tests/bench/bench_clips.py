"""What does a clip cost, beside the cheapest ways to move the same bytes?

``python -m tests.bench.bench_clips`` (``make bench-clips``): an hour (real bytes) and a day (43 GB; real boxes and
indexes, the pictures' bytes are holes of sparse files) of a 4 Mbit/s camera. The clip comes over HTTP from the real API
process; ``ffmpeg -f concat -c copy`` writes a fragmented MP4 and ``cat`` the files to a pipe. One reader drains them
all with a buffer of 1 MiB. Rounds alternate; medians count. Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nvr.accounts.rows import Role
from tests.bench.long_footage import Long, Maker, forget
from tests.bench.machine import describe
from tests.support.api_process import ApiProcess
from tests.support.people import create_token

FIRST_BYTE_S = {"hour": 0.050, "day": 0.300}
LEAST_OF_CAT = 0.6
MOST_MEMORY_MB = 64
_BUFFER = 1 << 20


@dataclass
class Measured:
    """Of one way: bytes, wall seconds, CPU seconds of what produced them; seconds to the first byte."""

    bytes: int
    wall_s: float
    cpu_s: float
    first_s: float

    @property
    def mb_s(self) -> float:
        return self.bytes / 1e6 / self.wall_s


@dataclass
class Way:
    rounds: list[Measured] = field(default_factory=list)

    def median(self, value: Callable[[Measured], float]) -> float:
        return statistics.median(map(value, self.rounds))


class Api(ApiProcess):
    """The API's process, and its answers measured."""

    def __init__(self, maker: Maker, token: str) -> None:
        super().__init__(maker.database.path, log_level="warning")
        self.token = token
        self.port = int(self.hear()["port"])

    def get(self, path: str, *headers: str, until: float | None = None) -> Measured:
        """Asks, reads all of the answer and forgets it; breaks off at ``until``, by the monotonic clock."""
        lines = [f"GET {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {self.token}", "Connection: close"]
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            cpu_s, began = self.cpu_s, time.perf_counter()
            sock.sendall("\r\n".join([*lines, *headers, "", ""]).encode())
            head = b""
            while b"\r\n\r\n" not in head or head.endswith(b"\r\n\r\n"):
                data = sock.recv(_BUFFER)
                if not data:
                    break
                head += data
            first_s = time.perf_counter() - began
            text, _, body = head.partition(b"\r\n\r\n")
            if text.split()[1] not in (b"200", b"206"):
                raise RuntimeError(text.decode())
            size = int(text.lower().partition(b"content-length: ")[2].split()[0])
            got = len(body) + _drain(lambda buffer: sock.recv_into(buffer), until)
        if got != size and (until is None or time.monotonic() < until):
            raise RuntimeError(f"{got} bytes of {size}")
        return Measured(got, time.perf_counter() - began, self.cpu_s - cpu_s, first_s)

    def memory_mb(self, name: str) -> float:
        """As ``memory_bytes``."""
        return self.memory_bytes(name) / 1e6

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def api(maker: Maker, token: str) -> Iterator[Api]:
    made = Api(maker, token)
    try:
        yield made
    finally:
        made.stop()


def _drain(read: Callable[[memoryview], int], until: float | None = None) -> int:
    buffer = memoryview(bytearray(_BUFFER))
    total = 0
    while count := read(buffer):
        total += count
        if until is not None and time.monotonic() >= until:
            break
    return total


def piped(command: Sequence[str]) -> Measured:
    """A program that writes to a pipe."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    fd = process.stdout.fileno()
    buffer = memoryview(bytearray(_BUFFER))
    got = os.readv(fd, [buffer])
    first_s = time.perf_counter() - began
    got += _drain(lambda buffer: os.readv(fd, [buffer]))
    wall_s = time.perf_counter() - began
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return Measured(got, wall_s, used.ru_utime + used.ru_stime, first_s)


def url(footage: Long, *, seconds: int | None = None) -> str:
    """A clip of all of it, or of its first seconds; it begins in the middle of a group of pictures."""

    def iso(at_us: int) -> str:
        return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat().replace("+00:00", "Z")

    end_us = footage.end_us if seconds is None else footage.start_us + seconds * 1_000_000
    return f"/api/cameras/{footage.camera}/clip.mp4?start={iso(footage.start_us + 1_234_567)}&end={iso(end_us)}"


def first_bytes(maker: Maker, token: str, footage: Long, other: Long, rounds: int) -> dict[str, list[float]]:
    """Seconds to the first byte of the body: of a process that knows no index of it, its files not in memory; the same
    with its files in memory; with the indexes kept; and of the same request again (``Range``)."""
    found: dict[str, list[float]] = {"disk": [], "cold": [], "kept": [], "again": []}
    wanted = {True: url(footage), False: url(footage).replace("1.234567", "2.345678")}
    for _ in range(rounds):
        for name in ("disk", "cold"):
            with api(maker, token) as server:
                server.get(url(other, seconds=20))
                if name == "disk":
                    forget(footage.paths)
                found[name].append(server.get(wanted[True], "Range: bytes=0-0").first_s)
                found["kept"].append(server.get(wanted[False], "Range: bytes=0-0").first_s)
                found["again"].append(server.get(wanted[True], "Range: bytes=1000000-1000000").first_s)
    return found


def throughput(
    maker: Maker, token: str, footage: Long, rounds: int, folder: Path, *, holes: bool
) -> tuple[dict[str, Way], float]:
    """The three ways, and by how many MB the API process grew."""
    listed = folder / f"{footage.camera}.txt"
    listed.write_text("".join(f"file '{path}'\n" for path in footage.paths))
    # Without the conversion of NAL units, which neither way needs.
    ffmpeg = ["ffmpeg", "-v", "fatal", "-f", "concat", "-auto_convert", "0", "-safe", "0", "-i"]
    copy = ["-c", "copy", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
    # ffmpeg gives up at the first picture that is a hole.
    ways = {"clip": Way(), "cat": Way()} if holes else {"clip": Way(), "ffmpeg": Way(), "cat": Way()}
    grown = 0.0
    for _ in range(rounds):
        with api(maker, token) as server:
            idle = server.memory_mb("VmRSS")
            server.forget_peak()
            ways["clip"].rounds.append(server.get(url(footage)))
            grown = max(grown, server.memory_mb("VmHWM") - idle)
        if "ffmpeg" in ways:
            ways["ffmpeg"].rounds.append(piped([*ffmpeg, str(listed), *copy]))
        ways["cat"].rounds.append(piped(["cat", *map(str, footage.paths)]))
    return ways, grown


def verdict(what: str, value: str, holds: bool) -> bool:
    print(f"{'yes' if holds else 'NO ':3}  {what}: {value}")
    return holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["hour", "day"], help="only this length")
    parser.add_argument("--seconds", type=int, default=3600, help="of real bytes, instead of the hour")
    parser.add_argument("--no-throughput", action="store_true", help="only first bytes")
    parser.add_argument("--dir", type=Path, help="where the footage is made (2.4 GB of disk)")
    options = parser.parse_args()
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    print(f"{describe()}, ffmpeg {version}")
    folder = Path(tempfile.mkdtemp(prefix="bench-clips-", dir=options.dir))
    good = True
    try:
        maker = Maker(folder)
        token = create_token(maker.database, "bench", Role.INVESTIGATOR)
        other = maker.make("other", 300, holes=True)
        for name, seconds, holes in (("hour", options.seconds, False), ("day", 86_400, True)):
            if options.only not in (None, name):
                continue
            footage = maker.make(name, seconds, holes=holes)
            print(f"\n{name}: {len(footage.paths)} segments, {footage.bytes / 1e9:.2f} GB" + ", sparse" * holes)
            for state, times in first_bytes(maker, token, footage, other, options.rounds).items():
                value = f"{statistics.median(times) * 1000:.0f} ms (most {max(times) * 1000:.0f})"
                limit = FIRST_BYTE_S[name]
                text = f"first byte under {limit * 1000:.0f} ms, indexes {STATES[state]}"
                good &= verdict(text, value, statistics.median(times) < limit)
            if options.no_throughput:
                continue
            ways, grown = throughput(maker, token, footage, options.rounds, folder, holes=holes)
            print("     way       MB/s  of cat's  CPU-s/GB  first byte")
            for way, measured in ways.items():
                print(
                    f"     {way:8}{measured.median(lambda m: m.mb_s):7.0f}"
                    f"{measured.median(lambda m: m.mb_s) / ways['cat'].median(lambda m: m.mb_s):10.2f}"
                    f"{measured.median(lambda m: m.cpu_s / m.bytes * 1e9):10.2f}"
                    f"{measured.median(lambda m: m.first_s) * 1000:9.0f} ms"
                )
            ours, cat = (ways[way].median(lambda m: m.mb_s) for way in ("clip", "cat"))
            if "ffmpeg" in ways:
                ffmpeg = ways["ffmpeg"].median(lambda m: m.mb_s)
                good &= verdict("at least ffmpeg's speed", f"{ours / ffmpeg:.2f}", ours >= ffmpeg)
            good &= verdict(f"at least {LEAST_OF_CAT} of cat's speed", f"{ours / cat:.2f}", ours >= LEAST_OF_CAT * cat)
            text = f"memory under {MOST_MEMORY_MB} MB above the idle process"
            good &= verdict(text, f"{grown:.1f} MB", grown < MOST_MEMORY_MB)
        maker.database.close()
    finally:
        shutil.rmtree(folder)
    return 0 if good else 1


STATES = {
    "disk": "not kept, files not in memory",
    "cold": "not kept, files in memory",
    "kept": "kept",
    "again": "kept, the same clip again",
}


if __name__ == "__main__":
    sys.exit(main())
