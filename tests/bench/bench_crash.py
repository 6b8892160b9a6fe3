"""kill -9 of the whole server at random moments while it records: what is lost, and how soon is it back?

``python -m tests.bench.bench_crash --kills 200 --cameras 20`` (``make bench-crash``). The cameras run in a process of
their own and write down every frame they send. After each kill the server is started again; once its catalogue is
reconciled, every file of the life before is read by a foreign demuxer and compared with what its camera sent. Any
difference ends the run with an error.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Segment
from storage.coverage.one_camera import coverage
from tests.bench.machine import describe
from tests.storage.world import assert_partition
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.scripted import Journal, ScriptedCamera, Sent
from tests.support.server import NVR, Server, frames, now_us, whole

# Ten frames a second, a keyframe and so a fragment every half second; twenty seconds without a repeated frame.
CLIP = ClipSpec(frames=200, frame_rate=10, group=5, width=320, height=96, bit_rate_bps=40_000)
LONGEST_LIFE_S = 6.0
FRAGMENT_LOSS_S = 1.2
# A run's first second is held until its clock is known; then come the fragment and what is in flight. Counted, but no
# error: when twenty cameras connect at once beside the start of all processes, it may well take longer.
UNBEGUN_LOSS_S = 1.0 + FRAGMENT_LOSS_S + 0.5
READY = re.compile(rb"ready in ([\d.]+) s: (\d+) segments adopted")


# -- the cameras' process


class FileJournal(Journal):
    """Writes what was sent into a file, a line a frame."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("w", buffering=1)

    def add(self, entry: Sent) -> None:
        self._file.write(f"{entry.client} {entry.at_us} {entry.hash}\n")


def serve_cameras(folder: Path, count: int) -> None:
    """Runs until standard input closes; first prints the URLs."""

    async def serve() -> None:
        film = clip(CLIP)
        made = [ScriptedCamera(film, at_end="repeat") for _ in range(count)]
        for number, camera in enumerate(made):
            camera.journal = FileJournal(folder / f"{number}.txt")
        print(json.dumps([await camera.start() for camera in made]), flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(serve())


class Sending:
    """What one camera sent, read from its journal as it grows: per client the hashes and times (µs)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open()
        self._rest = ""
        self.clients: dict[int, list[tuple[str, int]]] = defaultdict(list)

    def read(self) -> None:
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            client, at_us, digest = line.split()
            self.clients[int(client)].append((digest, int(at_us)))

    def stretch(self, recorded: list[str], start_us: int) -> tuple[int, int, int]:
        """Which client's frames these are: client, index of the first, and when the last was sent.

        Raises:
            AssertionError: they are not one unbroken stretch of what any client got then.
        """
        for client, sent in self.clients.items():
            if not sent or abs(sent[0][1] - start_us) > 5_000_000:
                continue
            hashes = [digest for digest, _ in sent]
            for at in (at for at, digest in enumerate(hashes) if digest == recorded[0]):
                if hashes[at : at + len(recorded)] == recorded:
                    return client, at, sent[at + len(recorded) - 1][1]
        raise AssertionError(f"{len(recorded)} frames from {start_us} on are no unbroken stretch of what was sent")


# -- the server


def kill(server: Server) -> int:
    """Kills supervisor and children at once; returns how many. Held first, so that it starts no child that would be
    missed."""
    assert server.process is not None
    assert server.process.poll() is None, f"the server ended by itself:\n{server.tail()}"
    os.kill(server.process.pid, signal.SIGSTOP)
    family = [server.process.pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == server.process.pid:
                family.append(int(entry.name))
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(10)
    return len(family)


def start(server: Server) -> tuple[float, float, int]:
    """Starts the server; returns seconds until its catalogue was reconciled as seen from outside, those of that work
    alone, and the segments adopted."""
    size = server.log.stat().st_size if server.log.exists() else 0
    began = time.monotonic()
    server.start()
    assert server.process is not None
    while True:
        if server.log.exists():
            with server.log.open("rb") as log:
                log.seek(size)
                found = READY.search(log.read())
            if found:
                return time.monotonic() - began, float(found[1]), int(found[2])
        assert server.process.poll() is None and time.monotonic() - began < 60, server.tail()
        time.sleep(0.005)


# -- what must hold


@dataclass
class Findings:
    """Figures of all rounds. Times in seconds."""

    outside_s: list[float] = field(default_factory=list)
    prepare_s: list[float] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    unbegun_s: list[float] = field(default_factory=list)
    adopted: int = 0
    early: int = 0
    runs: int = 0
    files: int = 0
    frames: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Judge:
    """Looks at what a life of the server left."""

    def __init__(self, server: Server, sendings: dict[str, Sending], findings: Findings) -> None:
        self._server = server
        self._sendings = sendings
        self._findings = findings
        self._since_us = now_us()
        self.began_us = self._since_us
        self._seen: set[object] = set()

    def judge(self, born_us: int, killed_us: int) -> None:
        """The life that began at ``born_us`` and ended at ``killed_us``. The catalogue is reconciled."""
        database = Database(self._server.catalogue)
        try:
            _adopted(database, killed_us)
            for camera, sending in self._sendings.items():
                sending.read()
                with database.read() as conn:
                    answer = coverage(conn, camera, self._since_us, now_us(), now_us=now_us())
                    found = segments.between(conn, camera, self._since_us - 60_000_000, killed_us)
                assert_partition(answer)
                left = [s for s in found if s.key.start_us < killed_us]
                growing = [s for s in left if s.growing and s.key.start_us < killed_us - 60_000_000]
                assert not growing, f"{camera}: still growing after a start: {growing}"
                self._camera(camera, sending, [s for s in left if s.key not in self._seen], born_us, killed_us)
                self._seen.update(s.key for s in left)
        finally:
            database.close()
        self._since_us = killed_us - 10_000_000

    def _camera(self, camera: str, sending: Sending, found: list[Segment], born_us: int, killed_us: int) -> None:
        runs: dict[int, list[Segment]] = defaultdict(list)
        for segment in found:
            assert not segment.growing, f"{segment.path} still grows"
            runs[segment.run_start_us].append(segment)
            data = segment.path.read_bytes()
            assert hashlib.sha256(data).hexdigest() == segment.sha256, segment.path
            assert len(data) == segment.bytes, segment.path
            assert whole(segment.path).index.video.count == segment.frames, segment.path
        last: dict[int, int] = {}
        for start_us, parts in runs.items():
            for before, after in itertools.pairwise(parts):
                assert before.end_us == after.key.start_us, f"{camera}: a hole within a run"
            recorded = frames([segment.path for segment in parts], "h264")
            assert len(recorded) == sum(segment.frames for segment in parts)
            client, _, until_us = sending.stretch(recorded, start_us)
            last[client] = until_us
            self._findings.files += len(parts)
            self._findings.frames += len(recorded)
        self._findings.runs += len(runs)
        # A client of this life that the kill cut off, and what was sent to it before.
        for client, sent in sending.clients.items():
            times = [at_us for _, at_us in sent if at_us <= killed_us]
            if not times or times[0] < born_us or times[-1] < killed_us - 1_000_000:
                continue
            if client in last:
                lost_s = (times[-1] - min(last[client], times[-1])) / 1e6
                self._findings.lost_s.append(lost_s)
                if lost_s > FRAGMENT_LOSS_S:
                    self._findings.problems.append(f"{camera}: {lost_s:.2f} s lost before the kill at {killed_us}")
            else:
                unbegun_s = (killed_us - times[0]) / 1e6
                self._findings.unbegun_s.append(unbegun_s)

    def all(self) -> None:
        """From the first moment to now, when the server is stopped."""
        database = Database(self._server.catalogue)
        try:
            for camera in self._sendings:
                with database.read() as conn:
                    answer = coverage(conn, camera, self.began_us, now_us(), now_us=now_us())
                assert_partition(answer)
                self._findings.causes.update(gap.cause for gap in answer.gaps)
        finally:
            database.close()
        assert not list(self._server.folder.rglob("*.part.mp4"))


def _adopted(database: Database, killed_us: int) -> None:
    """Returns when nothing of the life before grows any more: a start leaves for later what would keep its recorders
    waiting."""
    deadline = time.monotonic() + 60
    while True:
        with database.read() as conn:
            if not [row for row in segments.growing(conn) if row.key.start_us < killed_us]:
                return
        assert time.monotonic() < deadline, "segments of the life before are not adopted"
        time.sleep(0.05)


def spread(values: list[float]) -> str:
    """Median, 99th percentile and most."""
    ordered = sorted(values) or [0.0]
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"median {statistics.median(ordered):.2f} s, 99 % {high:.2f} s, most {ordered[-1]:.2f} s"


def run(kills: int, count: int, minutes: float, seed: int) -> int:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cameras = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bench_crash", "--serve", folder, "--cameras", str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert cameras.stdout is not None and cameras.stdin is not None
        try:
            urls = json.loads(cameras.stdout.readline())
            ids = [f"cam-{number:02d}" for number in range(count)]
            tables = [{"id": id_, "url": url} for id_, url in zip(ids, urls, strict=True)]
            server = Server(folder, [*tables], segment_duration="2s", workers=2)
            sendings = {id_: Sending(folder / f"{number}.txt") for number, id_ in enumerate(ids)}
            return _rounds(server, sendings, kills, minutes, chance)
        finally:
            cameras.stdin.close()
            cameras.wait(10)


def _rounds(server: Server, sendings: dict[str, Sending], kills: int, minutes: float, chance: random.Random) -> int:
    findings = Findings()
    judge = Judge(server, sendings, findings)
    began = time.monotonic()
    done, processes = 0, 0
    born_us = now_us()
    start(server)
    while done < kills and time.monotonic() - began < minutes * 60:
        time.sleep(chance.uniform(0.0, LONGEST_LIFE_S))
        processes += kill(server)
        killed_us = now_us()
        done += 1
        if chance.random() < 0.15:
            # A start can be killed as well; then it is begun again.
            server.start()
            time.sleep(chance.uniform(0.05, 1.2))
            processes += kill(server)
            done += 1
            findings.early += 1
        again_us = now_us()
        outside_s, prepare_s, adopted = start(server)
        findings.outside_s.append(outside_s)
        findings.prepare_s.append(prepare_s)
        findings.adopted += adopted
        judge.judge(born_us, killed_us)
        born_us = again_us
        if done % 10 < 2:
            print(f"{done} kills, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    time.sleep(3)
    assert server.stop() == 0, server.tail()
    judge.all()
    checked = subprocess.run([NVR, "check", "--hash", "--config", server.config], capture_output=True, text=True)
    if checked.returncode:
        findings.problems.append(checked.stdout)
    _report(findings, done, processes, time.monotonic() - began, checked.stdout.strip().splitlines()[-1])
    return 1 if findings.problems else 0


def _report(findings: Findings, done: int, processes: int, took_s: float, checked: str) -> None:
    print(describe())
    print(
        f"kills            {done} ({processes} processes; {findings.early} of them during a start), in {took_s:.0f} s"
    )
    print(f"start, outside   {spread(findings.outside_s)} (process start to catalogue reconciled)")
    print(f"start, prepare   {spread(findings.prepare_s)} ({findings.adopted} segments adopted)")
    print(
        f"recorded         {findings.runs} runs, {findings.files} files, {findings.frames} frames:"
        " each a stretch of what was sent"
    )
    print(f"lost at a kill   {spread(findings.lost_s)} of {len(findings.lost_s)} connections that had footage")
    print(
        f"not begun yet    {spread(findings.unbegun_s)} of {len(findings.unbegun_s)} connections in their first second"
    )
    print(f"gaps             {dict(findings.causes)}; unknown: {findings.causes['unknown']}")
    print(f"nvr check --hash {checked}")
    print(f"problems         {len(findings.problems)}")
    for problem in findings.problems[:50]:
        print(f"  {problem}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=30.0, help="end after so long, with fewer kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve_cameras(args.serve, args.cameras)
        return
    sys.exit(run(args.kills, args.cameras, args.minutes, args.seed))


if __name__ == "__main__":
    main()
