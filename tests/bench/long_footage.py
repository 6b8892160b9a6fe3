"""Hours of footage of 4 Mbit/s for benchmarks: real segments and their rows, made in seconds.

A group of real pictures is encoded once and brought to its size with filler units (NAL type 12), which any decoder
passes over; a segment of five minutes is muxed once by the recorder's own muxer; every further segment is that one with
its own head, its own decode times and its own tail. ``holes=True`` leaves the pictures' bytes out as holes of a sparse
file: sizes, boxes and indexes are the same and reads cost the same system calls, but a day takes 0.1 GB of disk instead
of 43.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import Template
from storage.catalogue import cameras, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Init, Key
from storage.format.boxes import Fragment, TrackFragment
from storage.format.index_builder import IndexBuilder
from storage.format.layout import segment_path
from storage.format.segment_file import Head, Tail, head_box, tail_box
from tests.recorder.frames_made import picture
from tests.support.cameras.frames import split

__all__ = ["RATE", "START_US", "TICKS", "Long", "Maker", "forget"]

TICKS = 90_000
RATE, GOP, SEGMENT_S = 25, 50, 300
# 2026-11-01T00:00:00Z
START_US = 1_793_491_200_000_000
_KEYFRAME_BYTES = 120_000
_PICTURE_BYTES = (500_000 * GOP // RATE - _KEYFRAME_BYTES) // (GOP - 1)


@dataclass(frozen=True)
class Long:
    """A camera's footage."""

    camera: str
    start_us: int
    end_us: int
    paths: Sequence[Path]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.paths)


def _padded(data: bytes, size: int) -> bytes:
    """An access unit (Annex B) brought to ``size`` bytes."""
    return data + b"\x00\x00\x00\x01\x0c" + b"\xff" * max(size - len(data) - 6, 1) + b"\x80"


class Maker:
    """Makes footage into one catalogue and one root: those of a server, or new ones below ``folder``."""

    def __init__(self, folder: Path, *, server: Path | None = None) -> None:
        self.database = Database(server or folder / "catalogue.sqlite", durable=False)
        self.database.migrate()
        with self.database.write() as conn:
            if server is None:
                conn.execute("INSERT INTO node (id) VALUES ('n1')")
                conn.execute("INSERT INTO root (id, path) VALUES ('r1', ?)", (str(folder / "footage"),))
            self._node = str(conn.execute("SELECT id FROM node").fetchone()[0])
            self._root_id, path = conn.execute("SELECT id, path FROM root").fetchone()
        self.root = Path(path)
        self._muxer, self._fragments = _segment()
        self.init = Init.of(self._muxer.init, self._muxer.tracks)
        with self.database.write() as conn:
            segments.put_init(conn, self.init)

    def make(self, camera: str, seconds: int, *, holes: bool) -> Long:
        """The camera's footage, from ``START_US`` on."""
        with self.database.write() as conn:
            cameras.add(
                conn,
                camera=camera,
                name=camera,
                source="file",
                settings={},
                labels={},
                node=self._node,
                epoch=1,
                at_us=0,
            )
            segments.begin_run(conn, Key(camera, START_US, self._node, 1))
        paths = [self._write(camera, number, holes) for number in range(seconds // SEGMENT_S)]
        return Long(camera, START_US, START_US + seconds // SEGMENT_S * SEGMENT_S * 1_000_000, paths)

    def _write(self, camera: str, number: int, holes: bool) -> Path:
        start_us = START_US + number * SEGMENT_S * 1_000_000
        end_us = start_us + SEGMENT_S * 1_000_000
        shift = number * SEGMENT_S * TICKS
        path = self.root / segment_path(camera, start_us, 1, self._node, growing=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        builder = IndexBuilder(self._muxer.tracks)
        with path.open("wb", buffering=0) as file:
            at = file.write(self._muxer.init + head_box(Head(camera, self._node, 1, START_US, start_us, shift, TICKS)))
            for each in self._fragments:
                data = memoryview(_shifted(b"".join(each.buffers), shift))
                head_bytes = struct.unpack_from(">I", data)[0] + 8
                file.write(data[:head_bytes] if holes else data)
                file.seek(at + len(data))
                tracks = tuple(_later(track, shift) for track in each.fragment.tracks)
                builder.add(at, len(data), Fragment(each.fragment.sequence, tracks))
                at += len(data)
            frames = SEGMENT_S * RATE
            tail = tail_box(Tail(end_us, shift + SEGMENT_S * TICKS, frames, "rotation", "0" * 64), builder.packed())
            file.write(tail)
        key = Key(camera, start_us, self._node, 1)
        with self.database.write() as conn:
            segments.begin(
                conn,
                key,
                root=self._root_id,
                init=self.init.id,
                run_start_us=START_US,
                timescale=TICKS,
                media_start=shift,
            )
            segments.finish(
                conn,
                key,
                end_us=end_us,
                media_end=shift + SEGMENT_S * TICKS,
                frames=frames,
                bytes_=at + len(tail),
                sha256=None,
            )
        return path


def _later(track: TrackFragment, shift: int) -> TrackFragment:
    """The same samples, so many ticks later."""
    return TrackFragment(
        track.track_id, track.decode_time + shift, track.data_offset, track.count, track.size, track.packed
    )


def forget(paths: Sequence[Path]) -> None:
    """Asks the kernel to drop these files from memory."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


def _segment() -> tuple[Fragmenter, list[MuxedFragment]]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 640, 360, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(GOP)}
    group = []
    for number in range(GOP):
        frame = av.VideoFrame(640, 360, "yuv420p")
        frame.pts = number
        size = _PICTURE_BYTES if number else _KEYFRAME_BYTES
        group += [_padded(bytes(packet), size) for packet in encoder.encode(frame)]
    muxer = Fragmenter.of(Template.of_keyframe("h264", group[0]), None, Fraction(1, TICKS))
    chance = random.Random(1)
    found: list[MuxedFragment] = []
    count = SEGMENT_S * RATE
    # As cameras' do, times stray: no two durations in a row are the same, which is the dearest case for a clip's
    # tables.
    times = [number * TICKS // RATE + chance.randint(-300, 300) for number in range(1, count)]
    times = [0, *times, count * TICKS // RATE]
    for number in range(count):
        units = split(group[number % GOP], length_prefixed=False)
        duration = times[number + 1] - times[number]
        found += muxer.video(picture(units, times[number], number % GOP == 0, duration=duration))
    return muxer, found + muxer.close()


def _later(track: TrackFragment, ticks: int) -> TrackFragment:
    decode_time = track.decode_time + ticks
    return TrackFragment(track.track_id, decode_time, track.data_offset, track.count, track.size, track.packed)


def _shifted(data: bytes, ticks: int) -> bytes:
    """The fragment, so much later."""
    at = data.index(b"tfdt") + 4
    if data[at] != 1:
        raise ValueError("a fragment whose decode time has 32 bits can't be moved by a day")
    moved = bytearray(data)
    struct.pack_into(">Q", moved, at + 4, struct.unpack_from(">Q", data, at + 4)[0] + ticks)
    return bytes(moved)
