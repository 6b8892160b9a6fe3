"""Does recording feel a hostile network, and does the API still answer? 100 cameras are recorded while strangers hold
on, flood and send nonsense.

``python -m tests.bench.bench_hostile`` (``make bench-hostile``): slow headers and bodies, floods of logins, nested
bodies, readers that read nothing, 60 live viewers, 20 who load clips, and a camera that answers with anything. Exit
code 1 if a frame is lost, health takes over a second, or memory or descriptors grow without bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.load.hostile import HealthWatch, HostileCamera
from tests.bench.load.material import Profile
from tests.bench.load.trial import trial
from tests.bench.load.viewers import client, percentile
from tests.bench.machine import describe
from tests.bench.measure import usage

_PROFILE = Profile(320, 180, 10, 100_000)
_MOST_HEALTH_S = 1.0
_MOST_API_BYTES = 500_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    camera = HostileCamera()
    odd = {"id": "hostile", "url": f"rtsp://127.0.0.1:{camera.port}/", "username": "root", "password": "hunter22-x"}
    with trial(args.dir, args.cameras, _PROFILE, beside=[odd]) as run:
        run.until_playing(args.cameras, 120)
        time.sleep(30)
        http = client(run.server)
        token = http.headers["Authorization"].removeprefix("Bearer ")
        attackers = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load.hostile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert attackers.stdin is not None
        attackers.stdin.write(json.dumps({"port": run.server.port, "token": token, "cameras": args.cameras}) + "\n")
        attackers.stdin.flush()
        print(
            "| minute | cameras playing | recorders: memory, descriptors | API: memory, descriptors, CPU s |\n"
            + "| --- " * 4
            + "|"
        )
        watch = HealthWatch(run.server.port)
        began, api_most, descriptors_most, recorders = time.monotonic(), [], 0, []
        pids = run.recorders()
        apis = run.server.children("nvr.api")
        while (at_s := time.monotonic() - began) < args.minutes * 60:
            time.sleep(min(60.0, args.minutes * 60 - at_s))
            found, api = usage(pids), usage(apis)
            api_most.append(api.pss_bytes)
            recorders.append(found.pss_bytes)
            descriptors_most = max(descriptors_most, api.descriptors)
            playing = run.fleet.tell("stats")["playing"]
            print(
                f"| {(time.monotonic() - began) / 60:.1f} | {playing} |"
                f" {found.pss_bytes / 1e6:.0f} MB, {found.descriptors} "
                f"| {api.pss_bytes / 1e6:.0f} MB, {api.descriptors}, {api.cpu_s:.0f} |",
                flush=True,
            )
        watch.stop()
        did = json.loads(attackers.communicate("stop\n", timeout=120)[0])
        length_s = time.monotonic() - began
        refused = [line for line in http.get("/metrics").text.splitlines() if line.startswith("nvr_api_")]
        # One that falls back to FFmpeg gets a worker of its own.
        same = set(pids) <= set(run.recorders()) and apis == run.server.children("nvr.api")
        log_bytes = run.server.log.stat().st_size
        run.stop()
        text = run.server.log.read_text(errors="replace")
        verdict = run.verdict()
    health = watch.took_s
    print(f"\n{verdict}\n")
    print("what they did:", json.dumps(did["counts"], sort_keys=True))
    print("what was refused:", *refused, sep="\n  ")
    print(
        f"health, s: p50 {percentile(health, 0.5):.3f}, p99 {percentile(health, 0.99):.3f},"
        f" most {max(health):.3f} of {len(health)}; who asked was woken {watch.late_s:.3f} s late at most"
    )
    at_s, connecting_s, answering_s = watch.slowest
    print(f"the slowest: after {at_s:.0f} s, {connecting_s:.3f} s to connect, {answering_s:.3f} s for the answer")
    lines = []

    def target(met: bool, what: str) -> None:
        lines.append(f"{'met' if met else 'NOT MET'}: {what}")
        print(lines[-1])

    target(verdict.good, f"{length_s:.0f} s, {verdict.frames} frames: {verdict.lost} lost, {verdict.twice} twice")
    target(max(health) <= _MOST_HEALTH_S, f"health within {max(health):.2f} s, {len(health)} times")
    target(set(watch.statuses) == {200}, "health was always 200")
    half = api_most[: max(1, len(api_most) // 2)]
    target(
        max(api_most) <= _MOST_API_BYTES,
        f"API's memory: {max(api_most) / 1e6:.0f} MB at most, {max(half) / 1e6:.0f} MB in the first half",
    )
    target(descriptors_most <= 2_000, f"API's descriptors: {descriptors_most} at most")
    target(same, "no process died")
    target(
        "hunter22" not in text and "\x1b" not in text,
        f"no secret and no control character in the log, {log_bytes / 1e3:.0f} kB",
    )
    sys.exit(any(line.startswith("NOT") for line in lines))


if __name__ == "__main__":
    main()
