"""Do downloads and viewers cost a recorded frame?

``python -m tests.bench.bench_load --cameras 100 --downloads 50 --viewers 20`` (``make bench-load``): the real server
records cameras that write down every frame they send; meanwhile clips of an hour of 4 Mbit/s are downloaded over HTTP
as fast as they come, again and again, and viewers follow live HLS. Cameras, server and clients share the machine.
Afterwards every recorded file is read by a foreign demuxer: of each camera, one run without a break whose frames are an
unbroken stretch of what was sent, up to the end. Exit code 1 if a frame is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from storage.catalogue.database import Database
from storage.catalogue.segments import between
from tests.bench.bench_clips import Api, url
from tests.bench.bench_crash import Sending
from tests.bench.long_footage import Long, Maker
from tests.bench.machine import describe
from tests.support.server import NVR, Server, frames, now_us

# At the end: the fragment being filled, which the recorder closes, and what was in flight.
LONGEST_TAIL_S = 1.0
_PART = re.compile(
    r'#EXT-X-PART:.*URI="([^"]+)".*BYTERANGE="(\d+)@(\d+)"|#EXT-X-PART:.*BYTERANGE="(\d+)@(\d+)".*URI="([^"]+)"'
)


class Client(Api):
    """As the other bench's, of a server that runs already."""

    def __init__(self, port: int, token: str, pid: int) -> None:
        self.port, self.token = port, token
        self.pid = pid


# -- the clients' process: gives way to everything, as it would on other machines


def load(
    port: int, token: str, pid: int, downloads: int, viewers: int, cameras: int, seconds: float, clip: str
) -> None:
    """Runs the clients for so long, and prints what they got."""
    os.nice(15)
    until = time.monotonic() + seconds
    got: list[int] = []
    parts: list[int] = []
    errors: list[str] = []

    def download() -> None:
        client = Client(port, token, pid)
        while time.monotonic() < until:
            try:
                got.append(client.get(clip, until=until).bytes)
            except (OSError, RuntimeError) as error:
                errors.append(f"clip: {error}")

    def view(number: int) -> None:
        base = f"/api/cameras/cam-{number % cameras}"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            http.headers["Authorization"] = f"Bearer {token}"
            seen: set[str] = set()
            while time.monotonic() < until:
                answer = http.get(f"{base}/live.m3u8")
                if answer.status_code != 200:
                    errors.append(f"live: {answer.status_code}")
                    time.sleep(0.5)
                    continue
                for line in answer.text.splitlines():
                    found = _PART.match(line)
                    if found is None or line in seen:
                        continue
                    seen.add(line)
                    uri, size, at = (found[1], found[2], found[3]) if found[1] else (found[6], found[4], found[5])
                    last = int(at) + int(size) - 1
                    data = http.get(f"{base}/{uri}", headers={"Range": f"bytes={at}-{last}"}).content
                    parts.append(len(data))
                time.sleep(0.25)

    threads = [threading.Thread(target=download) for _ in range(downloads)]
    threads += [threading.Thread(target=view, args=(number,)) for number in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"clips": len(got), "bytes": sum(got), "parts": len(parts), "errors": errors[:5]}))


# -- the bench


def check(server: Server, camera: str, journal: Path, stopped_us: int) -> tuple[int, float]:
    """How many frames of a camera were recorded, and how long before the end the last of them was sent.

    Raises:
        AssertionError: any is missing.
    """
    database = Database(server.catalogue)
    try:
        with database.read() as conn:
            rows = between(conn, camera, 0, now_us() + 10**9)
    finally:
        database.close()
    assert rows, f"{camera} was not recorded"
    assert len({row.run_start_us for row in rows}) == 1, f"{camera} was recorded with interruptions"
    recorded = frames([row.path for row in rows], "h264")
    sending = Sending(journal)
    sending.read()
    _, _, last_us = sending.stretch(recorded, rows[0].key.start_us)
    tail_s = (stopped_us - last_us) / 1e6
    assert tail_s < LONGEST_TAIL_S, f"{camera}: nothing of the last {tail_s:.2f} s"
    return len(recorded), tail_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--downloads", type=int, default=50)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        load(**json.loads(options.load))
        return 0
    print(
        f"{describe()}\n{options.cameras} cameras of 10 frames a second, {options.downloads} downloads,"
        f" {options.viewers} viewers"
    )
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name:
        return run(Path(name), options)


def run(folder: Path, options: argparse.Namespace) -> int:
    """The bench, in this folder."""
    serve = (
        "from pathlib import Path; from tests.bench.bench_crash import serve_cameras;"
        f" serve_cameras(Path({str(folder)!r}), {options.cameras})"
    )
    cameras = subprocess.Popen([sys.executable, "-c", serve], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert cameras.stdout is not None and cameras.stdin is not None
    urls = json.loads(cameras.stdout.readline())
    tables = [{"id": f"cam-{number}", "url": url_} for number, url_ in enumerate(urls)]
    server = Server(folder, [], segment_duration="10s", workers=1)
    # Once without cameras, so that there is a catalogue and a root to put an hour into.
    server.start()
    server.until(server.prepared, what="a catalogue")
    server.until(lambda: b"page at" in server.log.read_bytes(), what="the page")
    server.stop()
    hour: Long = Maker(folder, server=server.catalogue).make("hour", 3600, holes=False)
    made = subprocess.run(
        [NVR, "tokens", "create", "--role", "investigator", "--config", server.config],
        capture_output=True,
        text=True,
        check=True,
    )
    server.cameras = list(tables)
    server.write_config()
    server.start()
    try:
        server.until(
            lambda: len(server.growing("cam-0")) > 0 and recording(server) == len(tables),
            timeout_s=60,
            what="all recorded",
        )
        (pid,) = server.children("nvr.api")
        cpu_s = cpu_of(server)
        wanted = {
            "port": server.port,
            "token": made.stdout.strip(),
            "pid": pid,
            "downloads": options.downloads,
            "viewers": options.viewers,
            "cameras": options.cameras,
            "seconds": options.seconds,
            "clip": url(hour),
        }
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.bench_load", "--load", json.dumps(wanted)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        wall_s = time.monotonic() - began
        used = {name: after - cpu_s[name] for name, after in cpu_of(server).items()}
        found = json.loads(done.stdout)
        print(
            f"in {wall_s:.0f} s: {found['bytes'] / 1e9:.1f} GB of clips ({found['bytes'] / 1e6 / wall_s:.0f} MB/s),"
            f" {found['parts']} live parts; "
            + ", ".join(f"{name} {seconds:.1f} CPU-s" for name, seconds in used.items())
        )
    finally:
        stopped_us = now_us()
        server.stop(60)
        cameras.stdin.close()
        cameras.wait(20)
    tails, recorded, lost = [], 0, 0
    for number in range(options.cameras):
        try:
            count, tail_s = check(server, f"cam-{number}", folder / f"{number}.txt", stopped_us)
            recorded += count
            tails.append(tail_s)
        except AssertionError as error:
            print(f"NO   {str(error)[:300]}")
            lost += 1
    good = not lost and not found["errors"] and found["bytes"] > 0 and (found["parts"] > 0 or not options.viewers)
    print(
        f"{'yes' if not lost else 'NO '}  no frame lost:"
        f" {recorded} frames of {options.cameras - lost} cameras, each one unbroken run"
    )
    if tails:
        print(
            f"     the last one recorded was sent {statistics.median(tails):.2f} s (most {max(tails):.2f}) before the"
            " server was stopped"
        )
    print(f"{'yes' if not found['errors'] else 'NO '}  no request failed: {found['errors'] or 'none'}")
    return 0 if good else 1


def recording(server: Server) -> int:
    """How many cameras have a growing segment."""
    database = Database(server.catalogue)
    try:
        with database.read() as conn:
            return int(conn.execute("SELECT count(DISTINCT camera) FROM growing").fetchone()[0])
    finally:
        database.close()


def cpu_of(server: Server) -> dict[str, float]:
    """CPU seconds of the server's processes so far."""
    found = {}
    for name in ("nvr.api", "nvr.recorder"):
        found[name] = 0.0
        for pid in server.children(name):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[name] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


if __name__ == "__main__":
    sys.exit(main())
