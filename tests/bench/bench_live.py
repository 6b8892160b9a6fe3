"""How long is a frame under way from a camera to somebody who watches live?

``python -m tests.bench.bench_live`` (``make bench-live``): cameras of 25 frames a second, each watched by somebody who
asks for the playlist as hls.js does and loads each part as soon as it is told of. The time of a frame is that from its
last packet to the last byte of the part that it is in; of each way the workers' processor time is told, too.
"""

from __future__ import annotations

import argparse
import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from storage.format.boxes import parse_moof
from tests.bench.load.viewers import client, percentile
from tests.bench.machine import describe
from tests.bench.measure import usage
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.frames import frame_hash
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, serving

_PART = re.compile(r'#EXT-X-PART:DURATION=([\d.]+),URI="([^"]+)",BYTERANGE="(\d+)@(\d+)"')
_SEQUENCE = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")


class Viewer(threading.Thread):
    """Watches one camera until told to stop; ``times_s`` of frames once ``counts`` is set."""

    def __init__(self, http: httpx.Client, camera: ScriptedCamera, id_: str) -> None:
        super().__init__(daemon=True)
        self._http, self._camera, self._id = http, camera, id_
        self.counts = self.ends = False
        self.times_s: list[float] = []
        self.parts_s: list[float] = []
        self.fault = ""
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> None:
        try:
            wait = ""
            while not self.ends:
                text = self._http.get(f"/api/cameras/{self._id}/live.m3u8{wait}").raise_for_status().text
                wait = self._take(text)
        except httpx.HTTPError as error:
            self.fault = repr(error)

    def _take(self, text: str) -> str:
        found = _SEQUENCE.search(text)
        assert found is not None
        msn, part, is_first = int(found[1]), 0, not self._seen
        for line in text.splitlines():
            if line.startswith("#EXTINF:"):
                msn, part = msn + 1, 0
            elif (one := _PART.match(line)) is not None:
                part += 1
                if (one[2], one[4]) not in self._seen:
                    self._seen.add((one[2], one[4]))
                    if not is_first:
                        self._load(float(one[1]), one[2], int(one[3]), int(one[4]))
        return f"?_HLS_msn={msn}&_HLS_part={part}"

    def _load(self, duration_s: float, uri: str, bytes_: int, offset: int) -> None:
        headers = {"Range": f"bytes={offset}-{offset + bytes_ - 1}"}
        data = self._http.get(f"/api/cameras/{self._id}/{uri}", headers=headers).raise_for_status().content
        came_us = time.time_ns() // 1000
        if not self.counts:
            return
        self.parts_s.append(duration_s)
        sent = {entry.hash: entry.at_us for entry in self._camera.journal.entries()}
        video = parse_moof(data).tracks[0]
        at = video.data_offset
        for size in video.samples[:, 0].tolist():
            hash_ = frame_hash("h264", data[at : at + size], length_prefixed=True)
            at += size
            if hash_ in sent:
                self.times_s.append((came_us - sent[hash_]) / 1e6)


def measure(folder: Path, count: int, seconds: float, quick: int) -> str:
    """A row of the table."""
    with ExitStack() as stack:
        film = clip(ClipSpec(frames=250, frame_rate=25, group=25))
        cameras = [ScriptedCamera(film, at_end="repeat") for _ in range(count)]
        tables = [{"id": f"cam-{n}", "url": stack.enter_context(running(each))} for n, each in enumerate(cameras)]
        server: Server = stack.enter_context(
            serving(folder, *tables, workers=1, segment_duration="5m", of_server=f"quick_live = {quick}")
        )
        server.until(lambda: all(server.growing(f"cam-{n}") for n in range(count)))
        viewers = [Viewer(stack.enter_context(client(server)), each, f"cam-{n}") for n, each in enumerate(cameras)]
        for viewer in viewers:
            viewer.start()
        # What was recorded before somebody watched is listed for some seconds.
        threading.Event().wait(12)
        pids = server.children("nvr.recorder")
        before_s, began_s = usage(pids, memory=False).cpu_s, time.monotonic()
        for viewer in viewers:
            viewer.counts = True
        threading.Event().wait(seconds)
        cpu = (usage(pids, memory=False).cpu_s - before_s) / (time.monotonic() - began_s)
        for viewer in viewers:
            viewer.ends = True
        times_s = [one for viewer in viewers for one in viewer.times_s]
        parts_s = [one for viewer in viewers for one in viewer.parts_s]
        faults = [viewer.fault for viewer in viewers if viewer.fault]
        assert not faults, faults
        return (
            f"| {count} | {'quick' if quick else 'as usual'} | {percentile(parts_s, 0.5):.2f} s"
            f" | {percentile(times_s, 0.5):.3f} s | {percentile(times_s, 0.95):.3f} s | {max(times_s):.3f} s"
            f" | {len(times_s)} | {100 * cpu / count:.2f} % |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    print(describe())
    print("| watched | recorder | part | frame to last byte, p50 | p95 | most | frames | workers' CPU a camera |")
    print("| --- " * 8 + "|")
    for count in args.cameras:
        for quick in (0, 64):
            with TemporaryDirectory() as folder:
                print(measure(Path(folder), count, args.seconds, quick), flush=True)


if __name__ == "__main__":
    main()
