"""Footage of a day in small: rotations, a gap, runs that abut, a short break, another recorder in between, a segment
that grows."""

from __future__ import annotations

import functools
import io
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from storage.coverage import one_camera
from storage.coverage.one_camera import Piece
from tests.playback.footage import CAMERA, START_US, Frame, Recording, Studio
from tests.playback.frames import Encoded, encode, number_of, sound, with_ids

__all__ = ["World", "decoded", "ffmpeg_complaints", "make_world"]

GAP_US = 7_300_000
SHORT_US = 150_000
GOP = 10


@dataclass
class World:
    """Recordings, and what should be seen of them."""

    studio: Studio
    runs: list[Recording] = field(default_factory=list)

    @property
    def end_us(self) -> int:
        return max(run.end_us for run in self.runs)

    @functools.cached_property
    def frames(self) -> list[Frame]:
        return sorted((frame for run in self.runs for frame in run.frames), key=lambda frame: frame.wall_us)

    def pieces(self) -> list[Piece]:
        with self.studio.database.read() as conn:
            return one_camera.pieces(conn, CAMERA, START_US - 10**9, self.end_us + 10**9)

    @functools.cached_property
    def shown(self) -> list[tuple[int, int, int]]:
        """(start, end, epoch) of what is shown, each stretch from a keyframe on."""
        shown: list[tuple[int, int, int]] = []
        for piece in self.pieces():
            key, start_us = piece.segment.key, piece.start_us
            if shown and start_us > key.start_us and shown[-1][1] == start_us and shown[-1][2] != key.epoch:
                start_us = max(
                    f.wall_us
                    for run in self.runs
                    for number, f in enumerate(run.frames)
                    if f.epoch == key.epoch and number % GOP == 0 and f.wall_us <= start_us
                )
                shown = [(a, min(b, start_us), epoch) for a, b, epoch in shown if a < start_us]
            shown.append((start_us, piece.end_us, key.epoch))
        return shown

    def expected(self, start_us: int, end_us: int) -> list[Frame]:
        """The frames of a range, by the rule: ``start <= wall < end``, of the recorder that is shown then."""
        return [
            frame
            for frame in self.frames
            if start_us <= frame.wall_us < end_us
            and any(a <= frame.wall_us < b and epoch == frame.epoch for a, b, epoch in self.shown)
        ]


def make_world(
    folder: Path, codec: str, *, audio: bool = False, overlap: bool = False, growing: bool = True, ids: bool = False
) -> World:
    """Makes the footage; with ``ids``, each packet carries the number of its picture."""
    world = World(Studio(folder))

    def record(count: int, first: int, start_us: int, epoch: int, ppm: int = 0, *, closed: bool = True) -> Recording:
        video = encode(codec, count, first=first, gop=GOP, jitter=500)
        if ids:
            video = with_ids(video, first)
        tone: Encoded | None = sound(count / 10) if audio else None
        run = world.studio.record(video, start_us, audio=tone, ppm=ppm, first=first, epoch=epoch, closed=closed)
        world.runs.append(run)
        return run

    one = record(120, 0, START_US, 1, 200)
    two = record(80, 1000, one.end_us + GAP_US, 2)
    three = record(80, 2000, two.end_us, 3, -300)
    if overlap:
        record(33, 3000, START_US + 5_250_000, 9)
    record(75, 4000, three.end_us + SHORT_US, 5, closed=not growing)
    return world


def decoded(data: bytes | Path) -> list[tuple[int, float]]:
    """Numbers and times (seconds) of the pictures of a file."""
    with av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data), "r") as container:
        video: Any = container.streams.video[0]
        return [(number_of(frame), float(frame.time)) for frame in container.decode(video)]


def ffmpeg_complaints(path: Path) -> str:
    """What FFmpeg says when it decodes all of a file."""
    # Frames closer than the average distance are no error: each keeps its own time.
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-fps_mode",
        "passthrough",
        "-enc_time_base:v",
        "1:90000",
        "-f",
        "null",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")
