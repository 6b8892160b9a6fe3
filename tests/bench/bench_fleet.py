"""A city on one machine: 4,470 cameras through the real server, people asking meanwhile, and all cameras gone at once.

``python -m tests.bench.bench_fleet`` (``make bench-fleet``): starts the server with as many cameras of 64 kbit/s and 5
fps, waits until all are read, measures the recorders while one person asks for coverage and another watches a
recording, until every segment was rotated. Then the cameras drop for 20 s and return. At the end every recorded frame
is compared with what its camera sent, and every gap reported with what happened. Exit code 1 if a target is not met.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.load.fleet import Sent
from tests.bench.load.material import clip
from tests.bench.load.odd import Odd
from tests.bench.load.trial import LOW, Trial, baseline_bytes, trial
from tests.bench.load.viewers import Asker, Player, client, iso, percentile
from tests.bench.machine import describe
from tests.bench.measure import usage

DROP_S = 20.0
BACK_WITHIN_S = 30.0
# The recorder's anchor is the least delayed packet; a loaded machine delays them all.
TOLERANCE_S = 0.5


def seconds(text: str) -> float:
    """An API time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def check_gaps(
    report: dict[str, Any], sent: list[Sent], cameras: int, dropped: float, back: float
) -> tuple[int, int, float, str]:
    """How many cameras have exactly one stretch without footage, as it was; how many gaps that makes; the latest return
    after ``back`` in seconds; and an example of what is wrong."""
    gaps: dict[int, list[tuple[float, float]]] = defaultdict(list)
    wrong = ""
    for gap in report["gaps"]:
        if not gap["camera"].startswith("cam-"):
            continue
        if gap["cause"] == "unknown":
            wrong = f"an unknown gap: {gap}"
        gaps[int(gap["camera"].rpartition("-")[2])].append((seconds(gap["start"]), seconds(gap["end"])))
    last: dict[int, float] = {}
    first: dict[int, float] = {}
    frame_s, keyframe = 1 / LOW.frame_rate, clip(LOW)
    for stretch in sent:
        if stretch.end == "drop":
            last[stretch.camera] = stretch.ended + frame_s
        elif stretch.began > back and stretch.camera not in first:
            number = next(
                n for n in range(stretch.first, stretch.first + len(keyframe.frames)) if keyframe.at(n).keyframe
            )
            first[stretch.camera] = stretch.began + (number - stretch.first) * frame_s
    exact = 0
    latest_s = 0.0
    for camera in range(cameras):
        pieces = sorted(gaps[camera])
        joined = bool(pieces) and all(abs(a[1] - b[0]) < 1e-6 for a, b in pairwise(pieces))
        if not joined or camera not in first or camera not in last:
            wrong = wrong or f"camera {camera}: {len(pieces)} gaps that do not join, or it did not return"
            continue
        begin_off, end_off = pieces[0][0] - last[camera], pieces[-1][1] - first[camera]
        latest_s = max(latest_s, pieces[-1][1] - back)
        if abs(begin_off) <= TOLERANCE_S and abs(end_off) <= TOLERANCE_S:
            exact += 1
        else:
            wrong = (
                wrong
                or f"camera {camera}: its gap begins {begin_off:+.2f} s and ends {end_off:+.2f} s beside what happened"
            )
    return exact, len(report["gaps"]), latest_s, wrong


def until_recording(run: Trial, http: Any, count: int, timeout_s: float) -> float:
    """Waits until the server says of so many cameras that they record."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        cameras = http.get("/api/cameras").raise_for_status().json()["cameras"]
        if sum(camera["status"]["state"] == "recording" for camera in cameras) >= count:
            break
        time.sleep(1.0)
    return time.monotonic() - began


def share(text: str) -> float:
    """A share: 5% or 0.05."""
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=4470)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--segment", default="4m", help="segment_duration: each segment has to rotate within the time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--back", type=float, default=90, help="seconds within which all must be read again")
    parser.add_argument("--cost-only", action="store_true", help="end once the processor time is measured")
    parser.add_argument("--odd", type=share, default=0.0, help="share of the cameras that are odd, such as 5%%")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    odd_count = round(args.cameras * args.odd)
    count = args.cameras - odd_count
    print(describe())
    idle_bytes = baseline_bytes(args.dir, args.workers)
    lines: list[str] = []

    def target(met: bool, what: str) -> None:
        lines.append(f"{'met' if met else 'NOT MET'}: {what}")
        print(lines[-1], flush=True)

    with (
        Odd(odd_count, LOW.frame_rate, LOW.bit_rate_bps) if odd_count else contextlib.nullcontext() as odd,
        trial(
            args.dir,
            count,
            LOW,
            segment_duration=args.segment,
            workers=args.workers,
            beside=odd.tables if odd else (),
        ) as run,
    ):
        if odd_count:
            print(f"{odd_count} odd cameras are recorded beside, and counted in what recording takes")
        took_s = run.until_playing(count, 120 + count * 0.1)
        print(
            f"{count} cameras of {run.fleet.bit_rate_bps / 1000:.0f} kbit/s,"
            f" {LOW.frame_rate} fps are read {took_s:.0f} s after the start",
            flush=True,
        )
        http = client(run.server)
        until_recording(run, http, count, 120)
        began = time.time()
        time.sleep(20)
        asker, player = Asker(http, count, began - 600), Player(client(run.server), count // 2, began + 5)
        asker.start()
        player.start()
        cost = run.cost(args.minutes * 60)
        asker.stop()
        player.stop()
        print(f"recording took {cost.core_percent:.1f} % of a core, {cost.overruns} frames not sent", flush=True)
        if args.cost_only:
            return
        others = {
            name: usage(run.server.children(name), memory=False).cpu_s for name in ("nvr.api", "nvr.housekeeping")
        }
        steady_until = time.time()
        dropped = run.fleet.tell("drop")["at"]
        time.sleep(DROP_S)
        back = time.time()
        run.fleet.tell("accept")
        again_s = run.until_playing(count, args.back)
        print(f"all are read again {again_s:.1f} s after their return", flush=True)
        until_recording(run, http, count, 60)
        time.sleep(5)
        report = (
            http.get("/api/gaps", params={"start": iso(steady_until - 5), "end": iso(time.time() - 3)}, timeout=120)
            .raise_for_status()
            .json()
        )
        before = (
            http.get("/api/gaps", params={"start": iso(began + 5), "end": iso(steady_until - 5)}, timeout=120)
            .raise_for_status()
            .json()
        )
        sent = run.fleet.log(run.folder / "sent.jsonl")
        run.stop()
        verdict = run.verdict()
    per_camera = max(0, cost.pss_bytes - idle_bytes) / count / 1e6
    exact, gaps, latest_s, wrong = check_gaps(report, sent, count, dropped, back)
    print(f"other processes since their start: {others} s of CPU")
    print(
        f"generator: {cost.generator_percent:.0f} % of a core, at most {cost.late_ms:.0f} ms late,"
        f" {cost.overruns} frames not sent for want of a reader\n"
        f"viewers: {len(asker.times_s)} coverage queries; {player.played_s:.0f} s played, {player.bytes / 1e6:.1f} MB\n"
        f"{verdict}\n"
    )
    target(
        verdict.good and not cost.overruns,
        f"{verdict.frames} frames: {verdict.lost} lost, {verdict.twice} twice, {verdict.damaged} damaged",
    )
    target(
        verdict.least_segments >= 2,
        f"every segment was rotated ({verdict.least_segments} to {verdict.most_segments} a camera)",
    )
    target(
        cost.core_percent < 100,
        f"recording took {cost.core_percent:.0f} % of a core ({cost.core_percent / count:.4f} % a camera;"
        " less than 100)",
    )
    target(per_camera <= 1.0, f"{per_camera:.2f} MB a camera (at most 1)")
    p99_ms = percentile(asker.times_s, 0.99) * 1000
    target(
        p99_ms < 250 and not asker.faults,
        f"coverage: p50 {percentile(asker.times_s, 0.5) * 1000:.0f} ms,"
        f" p99 {p99_ms:.0f} ms (less than 250) {asker.faults or ''}",
    )
    target(
        not player.stalls_s and not player.faults,
        f"playback: {len(player.stalls_s)} stalls {player.stalls_s[:5] or ''} {player.faults or ''}",
    )
    ours = [gap for gap in before["gaps"] if gap["camera"].startswith("cam-")]
    total = len(ours) if odd_count else before["total"]["gaps"]
    target(total == 0, f"{total} gaps while all was well {ours[:2] or ''}")
    target(
        0 < latest_s <= BACK_WITHIN_S,
        f"after {DROP_S:.0f} s of silence the last camera recorded {latest_s:.1f} s after its return (at most"
        f" {BACK_WITHIN_S:.0f})",
    )
    target(
        exact == count and not wrong, f"the report has {exact} of {count} silences as they were, in {gaps} gaps {wrong}"
    )
    sys.exit(any(line.startswith("NOT") for line in lines))


if __name__ == "__main__":
    main()
