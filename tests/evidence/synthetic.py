"""Segments of any shape without an encoder: fragments of chosen sizes whose samples are random bytes, and their rows in
the catalogue.

What they hold is known to the byte, so that what is made of them can be compared with a plain reference.
"""

from __future__ import annotations

import functools
import hashlib
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.catalogue import segments
from storage.catalogue.segments import Init, Key
from storage.format.boxes import parse_init, parse_moof
from storage.format.index_builder import IndexBuilder
from storage.format.layout import segment_path
from storage.format.segment_file import Head, Tail, bases, beginning, tail_box
from tests.playback.footage import CAMERA, Studio, fragments
from tests.playback.frames import TICKS, encode

__all__ = ["FRAME_TICKS", "Recorded", "Sample", "init_of", "record"]

FRAME_TICKS = 3_600
"""25 frames a second."""


@dataclass(frozen=True)
class Sample:
    """A frame: its presentation time in ticks, its bytes, which fragment of the segment it is in, and whether it is a
    keyframe."""

    pts: int
    data: bytes
    fragment: int
    sync: bool


@dataclass(frozen=True)
class Recorded:
    """A segment that was recorded: its key, times, and everything in it. ``places`` are (offset, bytes) of its
    fragments."""

    key: Key
    end_us: int
    run_start_us: int
    media_start: int
    media_end: int
    init: bytes
    path: Path
    places: tuple[tuple[int, int], ...]
    samples: tuple[Sample, ...]
    closed: bool

    def wall_us(self, pts: int) -> int:
        """When a frame was, as the segment's row says."""
        if not self.closed:
            return self.key.start_us + (pts - self.media_start) * 1_000_000 // TICKS
        us, ticks = self.end_us - self.key.start_us, self.media_end - self.media_start
        return self.key.start_us + (pts - self.media_start) * us // ticks


@functools.cache
def init_of(codec: str) -> bytes:
    """A real init."""
    return fragments(encode(codec, 12, first=0, gop=10, jitter=0), None)[0]


def _box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def _fragment(sequence: int, decode_time: int, samples: Sequence[Sample], ticks: int) -> bytes:
    def moof(data_offset: int) -> bytes:
        rows = b"".join(
            struct.pack(">III", ticks, len(sample.data), 0x02000000 if sample.sync else 0x01010000)
            for sample in samples
        )
        trun = _box(b"trun", struct.pack(">IIi", 0x000701, len(samples), data_offset), rows)
        tfhd = _box(b"tfhd", struct.pack(">II", 0x020000, 1))
        tfdt = _box(b"tfdt", struct.pack(">IQ", 1 << 24, decode_time))
        return _box(b"moof", _box(b"mfhd", struct.pack(">II", 0, sequence)), _box(b"traf", tfhd, tfdt, trun))

    return moof(len(moof(0)) + 8) + _box(b"mdat", *(sample.data for sample in samples))


def record(
    studio: Studio,
    start_us: int,
    sizes: Sequence[Sequence[int]],
    *,
    seed: int = 0,
    gop: int = 1,
    epoch: int = 1,
    run_start_us: int | None = None,
    media_start: int = 0,
    codec: str = "h264",
    closed: bool = True,
    ppm: int = 0,
    camera: str = CAMERA,
    frame_ticks: int = FRAME_TICKS,
) -> Recorded:
    """Records a segment at ``start_us``: a fragment for each of ``sizes``, which has the bytes of each of its frames.
    The first frame of every ``gop``-th fragment is a keyframe. ``ppm``: how much longer it took by the server's clock
    than by its own."""
    init, chance = init_of(codec), random.Random(seed)
    tracks = parse_init(init)
    run_us = start_us if run_start_us is None else run_start_us
    key = Key(camera, start_us, "n1", epoch)
    # Files of both kinds: decode times from the file's beginning, and, as older ones have them, from the run's.
    base = media_start if seed % 2 else 0
    data = bytearray(beginning(init, Head(camera, "n1", epoch, run_us, start_us, media_start, TICKS, base)))
    builder = IndexBuilder(tracks, bases(base, TICKS, tracks))
    places: list[tuple[int, int]] = []
    samples: list[Sample] = []
    at = media_start
    for number, each in enumerate(sizes):
        first = at
        those = []
        for count, size in enumerate(each):
            those.append(Sample(at, chance.randbytes(size), number, count == 0 and number % gop == 0))
            at += frame_ticks
        box = _fragment(number + 1, first - base, those, frame_ticks)
        builder.add(len(data), len(box), parse_moof(box[: int.from_bytes(box[:4], "big")]))
        places.append((len(data), len(box)))
        data += box
        samples += those
    passed_us = (at - media_start) * 1_000_000 // TICKS
    end_us = start_us + passed_us + passed_us * ppm // 1_000_000
    if closed:
        tail = Tail(end_us, at, len(samples), "test", hashlib.sha256(data).hexdigest())
        data += tail_box(tail, builder.packed())
    path = studio.root / segment_path(camera, start_us, epoch, "n1", growing=not closed)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert not path.exists()
    path.write_bytes(data)
    made = Init.of(init, tracks)
    with studio.database.write() as conn:
        segments.put_init(conn, made)
        segments.begin_run(conn, Key(camera, run_us, "n1", epoch))
        segments.begin(
            conn, key, root="r1", init=made.id, run_start_us=run_us, timescale=TICKS, media_start=media_start
        )
        segments.grown(conn, key, end_us)
        if closed:
            segments.finish(
                conn,
                key,
                end_us=end_us,
                media_end=at,
                frames=len(samples),
                bytes_=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
    return Recorded(key, end_us, run_us, media_start, at, init, path, tuple(places), tuple(samples), closed)
