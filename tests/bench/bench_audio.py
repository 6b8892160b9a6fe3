"""What does audio cost? ``python -m tests.bench.bench_audio`` (``make bench-audio``).

The same cameras without and with G.711 beside their frames, recorded by the real server, in turns. CPU and memory (PSS)
are those of the recorder workers and of whatever processes they have begun, without what they need for no camera. Every
frame is compared with what its camera sent, and how much is heard is counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import av

from tests.bench.load.trial import LOW, trial
from tests.bench.machine import describe
from tests.bench.measure import usage


def family(pids: list[int]) -> list[int]:
    """These processes and their descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found = list(pids)
    for pid in found:
        found += parents.get(pid, [])
    return found


def heard_s(footage: Path) -> float:
    """Seconds of audio in all files."""
    total = 0.0
    for path in footage.rglob("*.mp4"):
        with av.open(str(path)) as container:
            if container.streams.audio:
                (track,) = container.streams.audio
                rate = track.codec_context.sample_rate
                total += sum(packet.size > 0 for packet in container.demux(track)) * 1024 / rate
    return total


def measure(args: argparse.Namespace, count: int, audio: bool, idle_bytes: int) -> int:
    """Prints a row; returns the memory in bytes."""
    profile = dataclasses.replace(LOW, audio=audio)
    with trial(args.dir, count, profile, workers=args.workers) as run:
        run.until_playing(count, 30 + count)
        time.sleep(args.warm if count else 3)
        pids = family(run.recorders())
        before, began = usage(pids, memory=False), time.monotonic()
        time.sleep(args.seconds if count else 1)
        after, passed = usage(pids), time.monotonic() - began
        alone = usage(run.recorders())
        run.stop()
        if not count:
            return after.pss_bytes
        verdict = run.verdict()
        heard = heard_s(run.folder / "data" / "footage")
    cpu = (after.cpu_s - before.cpu_s) / passed * 100
    print(
        f"| {count} × 64 kbit/s{', G.711' if audio else ''} | {len(pids)} | {cpu:.1f} % |"
        f" {(after.pss_bytes - idle_bytes) / 1e6:.1f} MB |"
        f" {(alone.pss_bytes - idle_bytes) / 1e6:.1f} MB | {verdict.frames} compared;"
        f" {verdict.lost}, {verdict.twice}, {verdict.damaged} | {heard:.0f} s |",
        flush=True,
    )
    return after.pss_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30, help="how long each is measured")
    parser.add_argument("--warm", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    idle_bytes = measure(args, 0, False, 0)
    print(
        "| cameras | processes | CPU of a core | memory | of it workers' | frames; lost, twice, damaged | heard |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    for _ in range(args.rounds):
        for audio in (False, True):
            measure(args, args.cameras, audio, idle_bytes)


if __name__ == "__main__":
    main()
