"""What a source of packets is, and how its end is told."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Protocol, TypeAlias

import av

from nvr.recorder.nal import annex_b
from storage.causes import Cause

__all__ = ["LOSSES", "Ended", "Packet", "PacketSink", "Picture", "Source"]

LOSSES: Final = ("", "network", "camera", "server")
"""What ``Picture.loss`` may be: nothing is missing before it; numbers are missing in the sequence of packets before it; frames before it could not be used although
no number is missing; the server left them out."""


class Picture:
    """A video packet that FFmpeg has no part in: an access unit as MP4 has it, in pieces, each NAL unit after its length in four bytes. ``sets``: the parameter sets in
    front of a keyframe. ``loss``: whether frames before it are missing, and on whose side: a word of ``LOSSES``. Other attributes are as those of PyAV's packets."""

    def __init__(
        self,
        parts: list[bytes],
        sets: tuple[bytes, ...],
        stream: Any,
        time_base: Fraction,
        pts: int,
        dts: int,
        is_keyframe: bool,
        loss: str,
        duration: int = 0,
        waited_us: int = 0,
    ) -> None:
        self.parts = parts
        self.size = sum(len(part) for part in parts)
        """Bytes."""
        self.sets = sets
        self.stream = stream
        self.time_base = time_base
        self.pts = pts
        self.dts = dts
        self.is_keyframe = is_keyframe
        self.loss = loss
        self.duration = duration
        self.waited_us = waited_us
        """How long before it is handed out its last packet was read, microseconds: a frame without a marker is known to be whole only when the next one begins."""

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)

    def annex_b(self) -> bytes:
        """The same with start codes."""
        return annex_b(self.data)

    def packet(self) -> av.Packet[Any]:
        """The same for FFmpeg."""
        made: av.Packet[Any] = av.Packet(self.annex_b())
        made.pts, made.dts, made.duration, made.time_base = self.pts, self.dts, self.duration, self.time_base
        made.is_keyframe = self.is_keyframe
        return made


Packet: TypeAlias = "av.Packet[Any] | Picture"


class Ended(Exception):
    """Why a run, or the attempt to begin one, ended. ``detail`` holds no secrets."""

    def __init__(self, cause: Cause, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail: Mapping[str, Any] = detail or {}


class PacketSink(Protocol):
    """Takes the packets of one connection. Every call may raise ``Ended``: the source then closes its connection."""

    def open(self, video: av.VideoStream, audio: av.AudioStream | None) -> None:
        """The connection stands; these are its streams."""

    def packet(self, packet: Packet) -> None:
        """A packet has just arrived."""

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """The camera's own clock showed ``camera_us`` when the server's showed ``at_us``. ``source``: ``rtcp`` or ``prft``."""


class Source(Protocol):
    """A connection to a camera."""

    async def run(self) -> Ended:
        """Connects, feeds the sink, and says why it ended."""

    def stop(self) -> None:
        """Asks the source to end soon; does not wait."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What was counted on this connection so far; names are those of storage/counters.py."""
