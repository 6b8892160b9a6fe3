"""A sink that notes what a source gives it, and running a source to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import uvloop

from nvr.config import Camera
from nvr.recorder.native import NativeSource
from nvr.recorder.source import Ended, Picture
from tests.cameras.frames import frame_hash


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
    audio: list[Got] = field(default_factory=list)
    opened: list[tuple[Any, Any]] = field(default_factory=list)
    clocks: list[tuple[int, int, str]] = field(default_factory=list)
    stop_after: int | None = None
    stop_with: Exception | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self, video: Any, audio: Any) -> None:
        self.opened.append((video, audio))

    def packet(self, packet: Any) -> None:
        assert self.opened, "a packet came before the streams were known"
        codec = packet.stream.codec_context.name
        is_ours = isinstance(packet, Picture)
        data = packet.data if is_ours else bytes(packet)
        # FFmpeg's flush has no bytes.
        got = Got(
            frame_hash(codec, data, is_ours) if data else "",
            packet.pts,
            packet.dts,
            packet.is_keyframe,
            packet.loss if is_ours else "network" * packet.is_corrupt,
            data,
        )
        (self.video if packet.stream.type == "video" else self.audio).append(got)
        self.begun.set()
        if self.stop_after is not None and len(self.video) >= self.stop_after:
            assert self.stop_with is not None
            raise self.stop_with

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        self.clocks.append((at_us, camera_us, source))

    @property
    def hashes(self) -> list[str]:
        return [got.hash for got in self.video]


def camera(url: str, **keys: Any) -> Camera:
    """The settings of a camera, times short."""
    return Camera.model_validate({"id": "cam", "url": url, "stall_timeout": "1s", "source": "native", **keys})


def record(
    url: str, *, stop_after: int | None = None, stop_with: Exception | None = None, **keys: Any
) -> tuple[Ended, Sink, NativeSource]:
    """Runs a source to its end, within 20 s."""
    sink = Sink(stop_after=stop_after, stop_with=stop_with)

    async def run() -> tuple[Ended, NativeSource]:
        source = NativeSource(camera(url, **keys), sink)
        async with asyncio.timeout(20):
            ended = await source.run()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left over: {left}"
        return ended, source

    # The loop that a worker runs on.
    ended, source = uvloop.run(run())
    return ended, sink, source
