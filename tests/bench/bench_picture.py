"""What does a picture cost the recorder's loop, from bytes read to fragments queued, and how much of that are cold
caches?

``python -m tests.bench.bench_picture`` (``make bench-picture``): packets of the load's cameras go through framing,
native source, pipeline and run into a real disk writer, without sockets: so only the code counts, in time of its
thread. Without pauses, and with as many pictures between two pauses as a worker meets. ``--interpreted`` leaves out
what is compiled, ``--small-pages`` the large pages that workers ask for.
"""

# ruff: noqa: E402  which code it is that runs is decided before it is imported

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from nvr import compiled

IS_COMPILED = "--interpreted" not in sys.argv and compiled.use()

from nvr.config import CameraSettings
from nvr.recorder.loop.rounds import ROUND_S
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer
from nvr.recorder.sources.rtsp.source import NativeSource
from nvr.supervisor.worker_process import recorder_environment
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.disk.roots import register
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from tests.bench.load.material import Clip, camera_bytes, clip
from tests.bench.load.trial import HD, LOW
from tests.bench.machine import describe

# Cameras and pictures of each between two pauses.
LOOKS = ((10, 2), (10, 6), (30, 6))
_WARM_S = 2.0
_MOST_QUEUED_BYTES = 64 << 20


class Fed:
    """A camera whose bytes come from here."""

    def __init__(self, number: int, made: Clip, buffer: ReadBuffer, pipeline: Pipeline) -> None:
        self._clip = made
        self._who = camera_bytes(number)
        self._number = 0
        self.pipeline = pipeline
        self._source = NativeSource(
            CameraSettings.model_validate({"id": f"cam-{number}", "url": "rtsp://h/x"}), pipeline
        )
        media = sdp.pick_video(sdp.parse(made.sdp().encode()))
        handlers = self._source.handlers(RtspTrack(media, "u", 0, 1))
        self._framing = Framing(buffer, lambda _: None)
        self._framing.handle(0, handlers.rtp, handlers.skim, handlers.settle)

    def picture(self) -> int:
        """Reads one more picture; returns the nanoseconds of this thread that it took."""
        frame = self._clip.at(self._number)
        frame.patch(self._number, self._clip.sequence(self._number), self._clip.ticks(self._number))
        data = frame.head + self._who + frame.tail
        self._number += 1
        at, began = 0, time.thread_time_ns()
        while at < len(data):
            room = self._framing.get_buffer()
            count = min(len(room), len(data) - at)
            room[:count] = data[at : at + count]
            self._framing.received(count)
            at += count
        return time.thread_time_ns() - began


def measure(made: Clip, count: int, pictures: int, pause_s: float, seconds: float, folder: Path) -> float:
    """Microseconds a picture."""
    database = Database(folder / "catalogue.sqlite", durable=False)
    database.migrate()
    with database.write() as conn:
        here, root = node.this_node(conn, "n"), register(conn, [folder / "footage"])[0]
        for number in range(count):
            cameras.add(
                conn, camera=f"cam-{number}", name="", source="file", settings={}, labels={}, node=here, epoch=1,
                at_us=1
            )  # fmt: skip
    catalogue = CatalogueWriter(database)
    # What a run begins with, a second's worth, is a lot if nothing is waited for.
    disk = DiskWriter(root, catalogue, sync_interval_s=5, queue_bytes=2 << 30, segment_queue_bytes=1 << 30)
    disk.gathers = True
    catalogue.start()
    disk.start()
    buffer = ReadBuffer()
    fed = [
        Fed(
            number,
            made,
            buffer,
            Pipeline(
                Identity(f"cam-{number}", here, 1),
                Cutter(f"cam-{number}", 60_000_000, 1 << 30),
                Disks([disk]),
                catalogue,
                audio=None,
                handles=deque(),
            ),
        )
        for number in range(count)
    ]
    began = time.monotonic()
    taken_ns = done = 0
    while (passed_s := time.monotonic() - began) < _WARM_S + seconds or not done:
        for each in fed:
            for _ in range(pictures):
                took_ns = each.picture()
                if passed_s > _WARM_S:
                    taken_ns, done = taken_ns + took_ns, done + 1
        disk.hand_over()
        if pause_s:
            time.sleep(pause_s)
        while disk.queued_bytes > _MOST_QUEUED_BYTES:
            time.sleep(0.005)
    for each in fed:
        each.pipeline.end(Ended(Cause.ENDED))
    assert disk.stop(60) and catalogue.close(60)
    database.close()
    return taken_ns / done / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long each is measured")
    parser.add_argument("--interpreted", action="store_true")
    parser.add_argument("--small-pages", action="store_true")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    started_as = recorder_environment(os.environ)
    if not args.small_pages and os.environ.get("GLIBC_TUNABLES") != started_as["GLIBC_TUNABLES"]:
        # How memory is taken is decided when a process begins.
        os.execve(sys.executable, [sys.executable, "-m", "tests.bench.bench_picture", *sys.argv[1:]], started_as)
    print(describe() + (", recording compiled" if IS_COMPILED else ", recording interpreted"))
    print("| load | pictures between two pauses | pause | a picture |\n| --- | --- | --- | --- |")
    for profile, looks in ((HD, LOOKS), (LOW, ((1000, 1),))):
        for count, pictures in looks:
            for pause_s in (0.0, ROUND_S):
                with tempfile.TemporaryDirectory(dir=args.dir) as folder:
                    us = measure(clip(profile), count, pictures, pause_s, args.seconds, Path(folder))
                load = f"{count} × {profile.bit_rate_bps // 1000} kbit/s"
                print(f"| {load} | {count * pictures} | {pause_s * 1000:.0f} ms | {us:.1f} µs |", flush=True)


if __name__ == "__main__":
    main()
