"""A connection's way from bytes to a disk that notes what it is given, without a socket: once with the lane, once
without; and streams for it."""

from __future__ import annotations

import random
import socket
import struct
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from nvr import extension
from nvr.recorder.lane.lane import FastLane
from nvr.recorder.lane.pool import pool_of
from nvr.recorder.loop.rounds import Rounds
from nvr.recorder.media.packets import Ended, Frame
from nvr.recorder.run import pipeline
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer
from nvr.recorder.sources.rtsp.receiving import Clocks
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.causes import Cause
from tests.recorder.sources.harness import camera
from tests.recorder.sources.odd import packet
from tests.support.cameras.clips import ClipSpec, clip

START_US = 1_800_000_000_000_000
MODULE: Any = extension.load()
IS_COMPILED = not str(pipeline.__file__).endswith(".py")
WHY_NOT = (
    "NOT TESTED compiled: all state of the two ways is compared, which compiled classes do not show (make test)"
    if IS_COMPILED
    else ""
    if MODULE is not None
    else "NOT TESTED: the extension is not built (python -m nvr.extension)"
)
"""Why the two ways can't be compared here."""
BUFFER = ReadBuffer()
SPECS = {"h264": ClipSpec(frames=20, in_band=True), "hevc": ClipSpec(codec="h265", frames=20, in_band=True)}


class NotedDisk:
    """Takes what a run gives a disk; refuses it from the fragment ``full_at`` on."""

    def __init__(self) -> None:
        self.root = SimpleNamespace(path="/nowhere")
        self.told: list[Any] = []
        self.full_at = 1 << 30
        self.appended = 0

    def choose(self) -> NotedDisk:
        return self

    def failed(self, disk: Any) -> None:
        self.told.append("failed")

    def open(self, head: Any, init: Any, index: Any, first_run: bool) -> Any:
        self.told.append(("open", head, init.id, first_run))
        return SimpleNamespace(head=head, offset=0, error=None, written_until_us=head.start_us, key=None, index=index)

    def append(self, handle: Any, buffers: Any, fragment: Any, end_us: int, read_s: float | None = None) -> bool:
        if self.appended >= self.full_at:
            return False
        self.appended += 1
        data = b"".join(buffers)
        handle.index.add(handle.offset, len(data), fragment)
        handle.offset += len(data)
        handle.written_until_us = end_us
        parts = [(each.decode_time, each.data_offset, each.count, each.size, each.packed) for each in fragment.tracks]
        self.told.append(("append", data, fragment.sequence, parts, fragment.hole, end_us, read_s))
        return True

    def keep(self, handle: Any, fragment: Any, read_s: float) -> bool:
        self.told.append(("keep", b"".join(fragment), read_s))
        return True

    def close_segment(self, handle: Any, **how: Any) -> None:
        self.told.append(("close", how))


class NotedCatalogue:
    """Counts what it is given."""

    def __init__(self) -> None:
        self.count = 0

    def put(self, operation: Any) -> None:
        self.count += 1


@dataclass
class Way:
    """One way. ``codec`` as FFmpeg names it."""

    codec: str
    has_lane: bool
    now_us: int = START_US
    monotonic_us: int = 10_000_000
    ended: Exception | None = None
    asked: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = "H264" if self.codec == "h264" else "H265"
        text = f"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\n"
        self.disk, self.catalogue = NotedDisk(), NotedCatalogue()
        disks: Any = self.disk
        catalogue: Any = self.catalogue
        clocks = Clocks(lambda: self.now_us, lambda: self.monotonic_us)
        self.pipeline = Pipeline(
            Identity("cam", "n1", 1), Cutter("cam", 10_000_000, 10**9), disks, catalogue, audio=None,
            handles=deque(), realtime_us=clocks.realtime_us, monotonic_us=clocks.monotonic_us,
        )  # fmt: skip
        self.source = NativeSource(camera("rtsp://127.0.0.1/x"), self.pipeline, burst_us=0, clocks=clocks)
        self.pipeline.counting.source = lambda: self.source.counters
        self.framing = Framing(BUFFER, lambda _: None)
        connection: Any = self
        track = RtspTrack(sdp.pick_video(sdp.parse(text.encode())), "u", 0, 1)
        handlers = self.source.handlers(track)
        self.framing.handle(0, handlers.rtp, handlers.skim, handlers.settle)
        self.framing.handle(1, handlers.rtcp)
        self.lane: FastLane | None = None
        if self.has_lane:
            self.lane = self.source.lane = self.pipeline.lane = FastLane(self.source, self.pipeline)
        session: Any = SimpleNamespace(connection=connection)
        self.source.begin(session)
        assert self.source.video is not None
        self.video = self.source.video
        self.pipeline.connected()

    # As a connection -------------------------------------------------------------------------------------------------

    def offer(self, lane: Any) -> Framing:
        self.framing.lane = lane
        return self.framing

    def read_in_rounds(self, *, quick: bool = False) -> None:
        """There is no loop."""

    @property
    def tail(self) -> int:
        return self.framing.tail

    @property
    def junk_bytes(self) -> int:
        return self.framing.junk_bytes

    @property
    def strangers(self) -> int:
        return self.framing.strangers

    def quiet_us(self) -> int | None:
        self.asked.append(self.monotonic_us)
        return (self.monotonic_us // 1000) % 40_000

    def send_packet(self, channel: int, data: bytes) -> None:
        # Without what is drawn by lot.
        self.sent.append(data[8:32])

    def fail(self, error: Exception) -> None:
        self.ended = self.ended or error

    # As a camera -----------------------------------------------------------------------------------------------------

    def wait(self, us: int, *, step_us: int = 0) -> None:
        """Time passes; the server's clock is set meanwhile by ``step_us``."""
        self.now_us += us + step_us
        self.monotonic_us += us

    def read(self, data: bytes) -> None:
        """These bytes come in one read."""
        if self.ended is not None:
            return
        self.framing.get_buffer()[: len(data)] = data
        try:
            self.framing.received(len(data))
        except Exception as error:
            self.ended = error
        BUFFER.view[: len(data) + 70_000] = b"\xee" * min(len(data) + 70_000, len(BUFFER.view))

    def ask(self, what: str) -> Any:
        """What a worker asks, or does, meanwhile."""
        if what == "counters":
            return self.counted(), self.source.seen, self.pipeline.usual_us
        if what == "report":
            self.source.report()
            return list(self.sent)
        if what == "risk":
            open_us, unwritten_us = self.source.open_us, self.pipeline.unwritten_us
            return min([us for us in (open_us, unwritten_us) if us is not None], default=None)
        if what == "keep":
            before_us = self.monotonic_us - 1_700_000
            if (open_us := self.source.open_us) is not None and open_us <= before_us:
                self.source.pause()
            ended = self.pipeline.keep(before_us)
            return None if ended is None else ended.args
        if what == "poll":
            ended = self.pipeline.poll()
            return None if ended is None else ended.args, self.pipeline.idle and self.pipeline.idle.args
        raise AssertionError(what)

    def end(self) -> None:
        """The camera hangs up."""
        if self.lane is not None:
            self.lane.leave()
        if self.ended is None:
            try:
                self.video.end()
            except Exception as error:
                self.ended = error
        self.pipeline.end(self.ended if isinstance(self.ended, Ended) else Ended(Cause.ENDED))

    @property
    def outcome(self) -> Any:
        """All that came of it."""
        ended = self.ended.args if isinstance(self.ended, Ended) else repr(self.ended)
        return self.disk.told, self.catalogue.count, ended, self.counted(), self.asked

    def counted(self) -> dict[str, int]:
        """All but what only the lane counts."""
        own = ("by_extension", "handed_over")
        return {name: count for name, count in self.pipeline.counted().items() if name not in own}


@dataclass
class SocketWay(Way):
    """One whose lane reads the socket itself, as soon as it has the state."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.camera, self.socket = socket.socketpair()
        self.socket.setblocking(False)
        for each in (self.camera, self.socket):
            weakref.finalize(self, each.close)
        nothing: Any = None
        self.rounds = Rounds(nothing)
        self.pool = pool_of(self.rounds, MODULE, lambda: self.now_us, lambda: self.monotonic_us)
        self.is_read_by_lane = False
        self.resumptions = 0

    def read(self, data: bytes) -> None:
        if self.ended is not None:
            return
        if not self.is_read_by_lane:
            super().read(data)
            lane: Any = self.lane
            if self.ended is None and lane.is_in:
                self.is_read_by_lane = True
                lane.read_in(self.rounds, self)
            return
        self.camera.sendall(data)
        while self.pool.read():
            pass
        BUFFER.view[: len(data) + 70_000] = b"\xee" * min(len(data) + 70_000, len(BUFFER.view))

    def resumed(self, rest: bytes, why: int) -> None:
        self.resumptions += 1
        try:
            self.framing.resumed(rest, why)
        except Exception as error:
            self.fail(error)

    def left(self) -> None:
        self.is_read_by_lane = False

    def fail(self, error: Exception) -> None:
        super().fail(error)
        if self.lane is not None:
            self.lane.read_no_more()

    def eof_received(self) -> None:
        self.fail(ConnectionError("the camera hung up"))

    def broke(self, error: OSError) -> None:
        self.fail(error)


class Stream:
    """A camera's bytes, frame by frame, with what ``rng`` does to them."""

    def __init__(self, codec: str, rng: random.Random, recovers: float = 0.0, *, is_real: bool = False) -> None:
        self.codec = codec
        self.recovers = recovers
        self.rng = rng
        film = clip(SPECS[codec]).video
        self.sets = list(film.parameter_sets)
        key = next(unit for unit in film.units if unit.keyframe)
        self.key = key.payload[-1]
        # An encoder's frames, over and over, which say what is so of their order.
        self.units = film.units if is_real else ()
        self.number = rng.randrange(65_536)
        self.timestamp = rng.choice((0, 90_000, 0xFFFF_0000, rng.getrandbits(32)))
        self.frame = 0
        self.ssrc = 7

    def slice(self, *, key: bool, first: bool, size: int) -> bytes:
        """A slice that looks like one."""
        body = bytes((0x80 if first else 0x40,)) + self.rng.randbytes(size).replace(b"\0", b"\1")
        if self.codec == "h264":
            return (b"\x65" if key else b"\x41") + body
        return (b"\x26\x01" if key else b"\x02\x01") + body

    def messages(self) -> bytes:
        """An SEI message: of a user, or so often a recovery point."""
        kind = 6 if self.rng.random() < self.recovers else 5
        return (b"\x06" if self.codec == "h264" else b"\x4e\x01") + bytes((kind, 3)) + b"sei\x80"

    def fragments(self, unit: bytes, size: int) -> list[bytes]:
        """In FU-A or FU payloads."""
        header = 1 if self.codec == "h264" else 2
        body, found = unit[header:], []
        for at in range(0, len(body), size):
            flags = (at == 0) << 7 | (at + size >= len(body)) << 6
            if header == 1:
                head = bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F))
            else:
                head = bytes((unit[0] & 0x81 | 49 << 1, unit[1], flags | unit[0] >> 1 & 0x3F))
            found.append(head + body[at : at + size])
        return found

    def pack(self, units: list[bytes]) -> bytes:
        """In an aggregation packet."""
        head = b"\x78" if self.codec == "h264" else b"\x60\x01"
        return head + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)

    def payloads(self, *, key: bool, slices: int, size: int) -> list[bytes]:
        """A frame's."""
        rng = self.rng
        front: list[bytes] = []
        if rng.random() < 0.3:
            front.append(b"\x09\xf0" if self.codec == "h264" else b"\x46\x01\x50")
        if key and (self.frame == 0 or rng.random() < 0.9):
            front += self.sets
        if rng.random() < 0.3:
            front.append(self.messages())
        found: list[bytes] = []
        if rng.random() < 0.05:
            # Filler data.
            front.append(b"\x0c\xff\x80" if self.codec == "h264" else b"\x4c\x01\xff\x80")
        if front and rng.random() < 0.5:
            found.append(self.pack(front))
            front = []
        found += front
        units = [self.slice(key=key, first=number == 0, size=size) for number in range(slices)]
        if self.units:
            units = [self.units[self.frame % len(self.units)].payload[-1]]
        elif key and self.frame == 0:
            units = [self.key]
        for unit in units:
            if len(unit) > 1200 or rng.random() < 0.4:
                found += self.fragments(unit, rng.choice((50, 1000)) if len(unit) < 5000 else 1400)
            else:
                found.append(unit)
        return found

    def packets(self, payloads: list[bytes], step: int = 3600) -> list[bytes]:
        """In packets, the last one marked."""
        self.timestamp = self.timestamp + step & 0xFFFFFFFF
        made: list[bytes] = []
        for at, payload in enumerate(payloads):
            last = at == len(payloads) - 1
            made.append(packet(payload, self.number, self.timestamp, last, ssrc=self.ssrc))
            self.number = self.number + 1 & 0xFFFF
        self.frame += 1
        return made


def framed(made: bytes, channel: int = 0) -> bytes:
    """Interleaved."""
    return b"$" + bytes((channel,)) + struct.pack("!H", len(made)) + made


def report(camera_us: int) -> bytes:
    """A sender report of this camera's clock."""
    seconds = camera_us // 1_000_000 + 2_208_988_800
    made = struct.pack("!BBHIIIIII", 0x80, 200, 6, 7, seconds & 0xFFFFFFFF, 0, 0, 0, 0)
    return made + struct.pack("!BBHI", 0x81, 202, 2, 7) + b"\1\2no"


# What no two connections have in common, and what is left over from frames that have ended.
IGNORED = frozenset({"lane", "reports", "tail", "_at_run", "_at_loss", "_leading_lost", "_header_at", "_unit_bytes",
                     "_header", "_middle", "_owned", "_buffer", "_order"})  # fmt: skip
# Pieces of one thing, of which it does not matter where it is cut.
JOINED = frozenset({"_parts", "parts"})


def differences(one: Any, other: Any, path: str, seen: set[int]) -> Iterator[str]:
    """Where the state of two objects of ours differs."""
    name = path.rpartition(".")[2]
    if name in IGNORED or path == "framing._last":
        return
    if name in JOINED:
        one, other = b"".join(one), b"".join(other)
    if path.endswith("_muxer._pictures"):
        one, other = _frames(one), _frames(other)
    if type(one) is not type(other):
        yield f"{path}: {one!r:.80} {other!r:.80}"
    elif id(one) in seen:
        return
    elif isinstance(one, dict):
        if one.keys() != other.keys():
            yield f"{path}: {list(one)} {list(other)}"
            return
        for key in one:
            yield from differences(one[key], other[key], f"{path}[{key!r}]", seen)
    elif isinstance(one, list | tuple | deque):
        if len(one) != len(other):
            yield f"{path}: {len(one)} and {len(other)} of them"
            return
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{path}[{number}]", seen)
    elif type(one).__module__.startswith(("nvr.", "storage.")) and not isinstance(one, type):
        seen.add(id(one))
        slots = {slot for kind in type(one).__mro__ for slot in getattr(kind, "__slots__", ())}
        for each in sorted(slots | set(getattr(one, "__dict__", {}))):
            yield from differences(getattr(one, each), getattr(other, each), f"{path}.{each}", seen)
    elif not callable(one) and not isinstance(one, memoryview) and one != other and not _is_foreign(one):
        yield f"{path}: {one!r:.200} {other!r:.200}"


def _frames(frames: list[Frame]) -> list[Any]:
    """What anybody asks of frames that wait for their fragment: how long it lasts of the last one alone."""
    found = [(each.data, each.size, each.pts, each.dts, each.is_keyframe, each.read_us) for each in frames]
    return [*found, frames[-1].duration if frames else 0]


def _is_foreign(value: Any) -> bool:
    return type(value).__module__ not in ("builtins", "fractions", "collections")
