"""A sink that notes what a source gives it, and running a source to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import uvloop

from nvr.config import CameraSettings
from nvr.recorder.media.packets import AudioFormat, AudioPacket, Ended, Frame
from nvr.recorder.sources.rtsp.source import NativeSource
from tests.support.cameras.frames import frame_hash


@dataclass(frozen=True)
class Got:
    """A packet as it came."""

    hash: str
    pts: int
    dts: int
    keyframe: bool
    loss: str
    data: bytes


@dataclass
class Sink:
    """Takes packets; ``stop_after`` so many pictures it ends the connection as a full disk would."""

    video: list[Got] = field(default_factory=list)
    sound: list[Got] = field(default_factory=list)
    formats: set[AudioFormat] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)
    clocks: list[tuple[int, int, str]] = field(default_factory=list)
    stop_after: int | None = None
    stop_with: Exception | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ago_us: list[int] = field(default_factory=list)

    def connected(self) -> None:
        pass

    def open(self, video: Any) -> None:
        self.opened.append(video)

    def packet(self, packet: Frame) -> None:
        assert self.opened, "a packet came before the streams were known"
        data = packet.data
        hash_ = frame_hash(self.opened[-1].codec, data, True)
        self.video.append(Got(hash_, packet.pts, packet.dts, packet.is_keyframe, packet.loss, data))
        self.begun.set()
        if self.stop_after is not None and len(self.video) >= self.stop_after:
            assert self.stop_with is not None
            raise self.stop_with

    def audio(self, packet: AudioPacket) -> None:
        self.formats.add(packet.format)
        at = -1 if packet.pts is None else packet.pts
        self.sound.append(Got(frame_hash("aac", packet.data), at, at, True, False, packet.data))

    def no_audio(self, why: str) -> None:
        self.refused.append(why)

    def arrived(self, ago_us: int) -> None:
        self.ago_us.append(ago_us)

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        self.clocks.append((at_us, camera_us, source))

    @property
    def hashes(self) -> list[str]:
        return [got.hash for got in self.video]


def camera(url: str, **keys: Any) -> CameraSettings:
    """The settings of a camera, times short."""
    return CameraSettings.model_validate({"id": "cam", "url": url, "stall_timeout": "1s", "source": "native", **keys})


def record(
    url: str, *, stop_after: int | None = None, stop_with: Exception | None = None, **keys: Any
) -> tuple[Ended, Sink, NativeSource]:
    """Runs a source to its end, within a minute."""
    sink = Sink(stop_after=stop_after, stop_with=stop_with)

    async def run() -> tuple[Ended, NativeSource]:
        source = NativeSource(camera(url, **keys), sink)
        async with asyncio.timeout(60):
            ended = await source.run()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left over: {left}"
        return ended, source

    # The loop that a worker runs on.
    ended, source = uvloop.run(run())
    return ended, sink, source
