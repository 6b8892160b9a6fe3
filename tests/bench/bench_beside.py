"""Which of two ways to run the server takes less to record the same?

``python -m tests.bench.bench_beside`` (``make bench-beside``): two servers record as many cameras each at the same
time, so that what else the machine does, it does to both: on a shared one the cost of the same work doubles from minute
to minute. They differ by their environment (``--a``, ``--b``: NAME=VALUE, with commas) or by the checkout that they are
started from (``--tree-a``, ``--tree-b``). By turns the one or the other is started first.

With ``--peer NAME=PATH``, beside other recorders instead: FFmpeg always, and those whose programs are named
(``tests.bench.load.peers``), with odd cameras beside the server's. All of the server's processes count; its recorders
alone stand below. ``--loads`` names several loads for one table: ``20xhd,200xmid,1000xlow``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

from tests.bench.load.peers import PEERS
from tests.bench.load.table import HEAD, OURS, beside, medians
from tests.bench.load.trial import HD, LOW, MID, trial
from tests.bench.machine import describe
from tests.bench.measure import ratio, usage
from tests.support import server

PROFILES = {"hd": HD, "mid": MID, "low": LOW}


@contextmanager
def way(environment: str, tree: Path | None) -> Iterator[None]:
    """Servers that are started meanwhile are started like this."""
    before, command = dict(os.environ), server.NVR
    os.environ.update(pair.split("=", 1) for pair in environment.split(",") if pair)
    if tree is not None:
        server.NVR = tree / ".venv" / "bin" / "nvr"
    try:
        # Workers of older checkouts look for their code where they are started.
        with chdir(tree or Path.cwd()):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.NVR = command


def peers(args: argparse.Namespace) -> int:
    """The table of all recorders; 1 if the server lost a frame."""
    paths = {
        "ffmpeg": "ffmpeg",
        **{name: path or name for name, _, path in (word.partition("=") for word in args.peer)},
    }
    print(describe())
    good = True
    for load in args.loads.split(",") if args.loads else [f"{args.cameras}x{args.profile}"]:
        count, profile = int(load.partition("x")[0]), PROFILES[load.partition("x")[2]]
        print(f"\n{load}, {args.rounds} rounds of {args.seconds:.0f} s after {args.warm:.0f} s, {args.odd} odd\n{HEAD}")
        rounds = []
        for number in range(args.rounds):
            made = {name: PEERS[name](path) for name, path in paths.items()}
            shares, verdict = beside(
                args.dir,
                made,
                count,
                profile,
                warm_s=args.warm,
                seconds=args.seconds,
                odd=args.odd,
                ours_first=number % 2 == 0,
            )
            rounds.append(shares)
            good &= verdict.good
            if not verdict.good:
                print(verdict)
        found = medians(rounds)
        ours = next(share.cpu_percent for share in found if share.name == OURS)
        print("\n".join(share.row(ours) for share in found), flush=True)
    return 0 if good else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="hd")
    parser.add_argument("--cameras", type=int, default=20, help="of each server")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--a", default="", help="environment of the one")
    parser.add_argument("--b", default="", help="environment of the other")
    parser.add_argument("--tree-a", type=Path)
    parser.add_argument("--tree-b", type=Path)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME[=PATH]", help=f"{', '.join(PEERS)}")
    parser.add_argument("--loads", default="", help="of --peer: CAMERASxPROFILE, with commas")
    parser.add_argument("--odd", type=int, default=0, help="of --peer: odd cameras beside the server's")
    args = parser.parse_args()
    if args.peer:
        sys.exit(peers(args))
    ways = {"a": (args.a, args.tree_a), "b": (args.b, args.tree_b)}
    profile = PROFILES[args.profile]
    print(describe())
    print(
        "| CPU a camera: a | b | memory a camera, with the workers' own: a | b | b of a's CPU |\n" + "| --- " * 5 + "|"
    )
    ratios = []
    for number in range(args.rounds):
        with ExitStack() as stack:
            runs = {}
            for name in sorted(ways, reverse=number % 2 == 1):
                with way(*ways[name]):
                    runs[name] = stack.enter_context(trial(args.dir, args.cameras, profile))
            for run in runs.values():
                run.until_playing(args.cameras, 60 + args.cameras / 20)
            time.sleep(args.warm)
            pids = {name: run.recorders() for name, run in runs.items()}
            before = {name: usage(ids, memory=False).cpu_s for name, ids in pids.items()}
            began = time.monotonic()
            time.sleep(args.seconds)
            after = {name: usage(ids, memory=False).cpu_s for name, ids in pids.items()}
            passed = time.monotonic() - began
            memory = {name: usage(ids).pss_bytes / args.cameras / 1e6 for name, ids in pids.items()}
            for run in runs.values():
                run.stop()
        cpu = {name: (after[name] - before[name]) / passed * 100 / args.cameras for name in ways}
        ratios.append(ratio(cpu["b"], cpu["a"]))
        print(
            f"| {cpu['a']:.4f} % | {cpu['b']:.4f} % | {memory['a']:.2f} MB | {memory['b']:.2f} MB | {ratios[-1]:.2f} |",
            flush=True,
        )
    print(f"\nb takes {statistics.median(ratios):.2f} of what a takes, in the median of {args.rounds} rounds")


if __name__ == "__main__":
    main()
