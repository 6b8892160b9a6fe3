"""Real segment files and their catalogue rows, made here: what a recorder would have left behind, and what is true of
each frame."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from nvr.playback.index_cache import IndexCache
from storage.catalogue import segments
from storage.catalogue.segments import Init, Key
from storage.format.boxes import Fragment, Track, children, header, parse_init, parse_moof
from storage.format.index_builder import IndexBuilder
from storage.format.layout import segment_path
from storage.format.segment_file import Head, Tail, bases, beginning, head_box, tail_box
from tests.playback.frames import TICKS, Encoded, interleaved
from tests.support.catalogues import new_catalogue

__all__ = ["CAMERA", "START_US", "Frame", "Growing", "Recording", "Studio"]

CAMERA = "gate-1"
START_US = 1_790_000_000_123_457


@dataclass(frozen=True, slots=True)
class Frame:
    """A recorded frame: its number, when it was presented, and its run's epoch."""

    wall_us: int
    number: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Part:
    """A segment: its key, where its time begins and ends in media and wall time."""

    key: Key
    end_us: int
    media_start: int
    media_end: int
    path: Path


@dataclass(frozen=True)
class Recording:
    """What was recorded: segments and frames of one run."""

    parts: tuple[Part, ...]
    frames: tuple[Frame, ...]

    @property
    def start_us(self) -> int:
        return self.parts[0].key.start_us

    @property
    def end_us(self) -> int:
        return self.parts[-1].end_us


class _Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self.data)
        self.data.clear()
        return data


def fragments(video: Encoded, audio: Encoded | None) -> tuple[bytes, list[tuple[bytes, Fragment]]]:
    """The init, and each fragment with what its ``moof`` says."""
    sink = _Sink()
    options = {
        "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
        "frag_duration": "500000",
        "use_editlist": "0",
        "flush_packets": "1",
    }
    container: Any = av.open(sink, "w", format="mp4", options=options)
    streams: dict[str, Any] = {}
    for kind, track in (("video", video), ("audio", audio)):
        if track is None:
            continue
        stream = container.add_stream_from_template(track.stream, opaque=True)
        stream.time_base = track.time_base
        # No camera tells its bit rate; here it would make every run's init another one.
        stream.codec_context.bit_rate = 0
        if track.stream.codec_context.name == "hevc":
            stream.codec_context.codec_tag = "hvc1"
        streams[kind] = stream
    container.start_encoding()
    init = sink.take()
    found: list[tuple[bytes, Fragment]] = []

    def collect() -> None:
        data = sink.take()
        boxes = list(children(data, 0, len(data)))
        for moof, mdat in itertools.pairwise(boxes):
            if moof.kind == b"moof":
                assert mdat.kind == b"mdat"
                found.append((data[moof.start : mdat.end], parse_moof(data[moof.start : moof.end])))

    for kind, (data, pts, dts, keyframe) in interleaved(video, audio):
        packet = av.Packet(data)
        packet.pts, packet.dts, packet.is_keyframe = pts, dts, keyframe
        packet.time_base = (video if kind == "video" or audio is None else audio).time_base
        packet.stream = streams[kind]
        packet.duration = 9000 if kind == "video" else 1024
        container.mux_one(packet)
        collect()
    container.close()
    collect()
    return init, found


class Studio:
    """A catalogue with one node, one root and a camera (and those that are added), and the footage made for it; unless
    ``in_file_time``, files as older servers wrote them."""

    in_file_time = True

    def __init__(self, folder: Path) -> None:
        self.root = folder / "footage"
        self.root.mkdir()
        self.database = new_catalogue(folder / "catalogue.sqlite")
        with self.database.write() as conn:
            conn.execute("INSERT INTO node (id) VALUES ('n1')")
            conn.execute("INSERT INTO root (id, path) VALUES ('r1', ?)", (str(self.root),))
        self.add_camera(CAMERA, "Gate")
        self.cache = IndexCache(self.database)

    def add_camera(self, camera: str, name: str) -> None:
        """Another camera; ``record`` names it."""
        with self.database.write() as conn:
            conn.execute(
                "INSERT INTO camera (id, name, source, settings, labels, added_us, rev)"
                " VALUES (?, ?, 'file', '{}', '{}', 0, 0)",
                (camera, name),
            )

    def record(
        self,
        video: Encoded,
        start_us: int,
        *,
        audio: Encoded | None = None,
        segment_s: float = 4.0,
        epoch: int = 1,
        ppm: int = 0,
        first: int = 0,
        closed: bool = True,
        camera: str = CAMERA,
    ) -> Recording:
        """Records a run that begins at ``start_us``, by a clock that runs ``ppm`` fast, in segments of at least
        ``segment_s``. Unless ``closed``, the last one still grows."""
        growing = self.growing(
            video, start_us, audio=audio, segment_s=segment_s, epoch=epoch, ppm=ppm, first=first, camera=camera
        )
        for _ in growing:
            pass
        return growing.close() if closed else growing.so_far()

    def growing(
        self,
        video: Encoded,
        start_us: int,
        *,
        audio: Encoded | None = None,
        segment_s: float = 4.0,
        epoch: int = 1,
        ppm: int = 0,
        first: int = 0,
        camera: str = CAMERA,
    ) -> Growing:
        """As ``record``, fragment by fragment: iterate, then close."""
        init, found = fragments(video, audio)
        return Growing(self, video, init, found, start_us, segment_s, epoch, ppm, first, camera)


class Growing:
    """A run being recorded: each step of the iteration writes one fragment and tells the catalogue."""

    def __init__(
        self,
        studio: Studio,
        video: Encoded,
        init: bytes,
        found: Sequence[tuple[bytes, Fragment]],
        start_us: int,
        segment_s: float,
        epoch: int,
        ppm: int,
        first: int,
        camera: str,
    ) -> None:
        self.studio, self.video, self.init, self.camera = studio, video, init, camera
        self.tracks: tuple[Track, ...] = parse_init(init)
        self.track = next(track for track in self.tracks if track.kind == "video")
        assert self.track.timescale == TICKS
        self.found = found
        self.start_us, self.segment_s, self.epoch, self.ppm, self.first = start_us, segment_s, epoch, ppm, first
        self.base: int | None = None
        self.parts: list[Part] = []
        self.key: Key | None = None
        self.media_start = self.media_end = 0
        self.end_us = start_us
        self.data = bytearray()
        self.builder = IndexBuilder(self.tracks)
        self.bases: dict[int, int] = {}

    def wall_us(self, ticks: int) -> int:
        """The recorder's clock, which knows nothing of segments."""
        assert self.base is not None
        passed = Fraction(ticks - self.base, TICKS) * 1_000_000
        return self.start_us + int(passed + passed * self.ppm / 1_000_000)

    @property
    def path(self) -> Path:
        assert self.key is not None
        return self.studio.root / segment_path(self.camera, self.key.start_us, self.epoch, "n1", growing=True)

    def __iter__(self) -> Iterator[None]:
        for data, fragment in self.found:
            video = next((t for t in fragment.tracks if t.track_id == self.track.track_id), None)
            if video is not None:
                begin = video.decode_time + int(video.samples[0, 2])
                if self.base is None:
                    self.base = begin
                wall_us = self.wall_us(begin)
                if self.key is None:
                    self._open(begin, wall_us, fragment)
                elif video.samples[0, 3] and wall_us - self.key.start_us >= self.segment_s * 1e6 - 100_000:
                    self._close(begin, wall_us)
                    self._open(begin, wall_us, fragment)
                ends = video.decode_time + video.samples[:, 1].cumsum() + video.samples[:, 2]
                self.media_end = max(self.media_end, int(ends.max()))
            assert self.key is not None
            self.builder.add(len(self.data), len(data), fragment)
            self._write(self._in_file_time(data))
            self.end_us = self.wall_us(self.media_end)
            with self.studio.database.write() as conn:
                segments.grown(conn, self.key, self.end_us)
            yield

    def _write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        self.data += data

    def _in_file_time(self, data: bytes) -> bytes:
        """A fragment as it is written: its decode times count from the file's beginning."""
        changed, moof = bytearray(data), header(data, 0, len(data))
        assert moof is not None
        for traf in (box for box in children(data, moof.payload, moof.end) if box.kind == b"traf"):
            for box in children(data, traf.payload, traf.end):
                if box.kind == b"tfhd":
                    base = self.bases.get(struct.unpack_from(">I", data, box.payload + 4)[0], 0)
                elif box.kind == b"tfdt":
                    struct.pack_into(
                        ">Q", changed, box.payload + 4, struct.unpack_from(">Q", data, box.payload + 4)[0] - base
                    )
        return bytes(changed)

    def _open(self, media_start: int, start_us: int, first: Fragment) -> None:
        self.key = Key(self.camera, start_us, "n1", self.epoch)
        self.media_start = media_start
        self.data = bytearray()
        self.builder = IndexBuilder(self.tracks)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        assert not self.path.exists()
        base = self._base(first) if self.studio.in_file_time else 0
        self.bases = bases(base, TICKS, self.tracks)
        head = Head(self.camera, "n1", self.epoch, self.start_us, start_us, media_start, TICKS, base)
        # Older servers wrote the init as it is.
        self._write(beginning(self.init, head) if self.studio.in_file_time else self.init + head_box(head))
        init = Init.of(self.init, self.tracks)
        with self.studio.database.write() as conn:
            segments.put_init(conn, init)
            segments.begin_run(conn, Key(self.camera, self.start_us, "n1", self.epoch))
            segments.begin(
                conn,
                self.key,
                root="r1",
                init=init.id,
                run_start_us=self.start_us,
                timescale=TICKS,
                media_start=media_start,
            )

    def _base(self, first: Fragment) -> int:
        """Before everything that will be in the file: FFmpeg's muxer puts audio where it likes."""
        earliest = min(part.decode_time * TICKS // self._scale(part.track_id) for part in first.tracks)
        return max(earliest - (TICKS if len(self.tracks) > 1 else 0), 0)

    def _scale(self, track_id: int) -> int:
        return next(track.timescale for track in self.tracks if track.track_id == track_id)

    def _close(self, media_end: int, end_us: int) -> None:
        assert self.key is not None
        frames = self.builder.build().video.count
        digest = hashlib.sha256(self.data).hexdigest()
        self._write(tail_box(Tail(end_us, media_end, frames, "test", digest), self.builder.packed()))
        final = self.studio.root / segment_path(self.camera, self.key.start_us, self.epoch, "n1", growing=False)
        self.path.rename(final)
        self.parts.append(Part(self.key, end_us, self.media_start, media_end, final))
        with self.studio.database.write() as conn:
            segments.finish(
                conn,
                self.key,
                end_us=end_us,
                media_end=media_end,
                frames=frames,
                bytes_=len(self.data),
                sha256=hashlib.sha256(self.data).hexdigest(),
            )

    def close(self) -> Recording:
        """Ends the run."""
        self._close(self.media_end, self.end_us)
        return Recording(tuple(self.parts), self._frames(self.parts))

    def so_far(self) -> Recording:
        """What there is, with the growing segment as the last part."""
        assert self.key is not None
        end_us = self.key.start_us + (self.media_end - self.media_start) * 1_000_000 // TICKS
        parts = [*self.parts, Part(self.key, end_us, self.media_start, self.media_end, self.path)]
        return Recording(tuple(parts), self._frames(parts))

    def _frames(self, parts: Sequence[Part]) -> tuple[Frame, ...]:
        """The truth, computed with fractions, frame by frame: the segment whose media time holds it says
        when it was."""
        starts = [part.media_start for part in parts]
        frames = []
        for index, pts in enumerate(self.video.pts):
            part = parts[max(bisect.bisect_right(starts, pts) - 1, 0)]
            rate = Fraction(part.end_us - part.key.start_us, part.media_end - part.media_start)
            if part.path.name.endswith(".part.mp4"):
                rate = Fraction(1_000_000, TICKS)
            wall_us = part.key.start_us + (pts - part.media_start) * rate // 1
            frames.append(Frame(int(wall_us), self.first + index, self.epoch))
        return tuple(frames)
