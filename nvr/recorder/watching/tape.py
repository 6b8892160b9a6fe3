"""One connection's frames as an init and fragments that a browser plays as they come.

Invariant: what is said begins with an init and a keyframe; after a change of the picture's parameters comes another
init.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av

from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import init_of
from nvr.recorder.media.packets import AudioPacket, Ended, Frame
from nvr.recorder.watching.restamp import TIMESCALE, Restamp
from nvr.sources.watched import Watched, encoded
from storage.causes import Cause

if TYPE_CHECKING:
    from nvr.recorder.media.inits import Template

__all__ = ["Tape"]

_BASE: Final = Fraction(1, TIMESCALE)


class Tape:
    """Takes frames (``PacketSink``); ``say`` takes messages."""

    def __init__(self, camera: str, say: Callable[[bytes], None]) -> None:
        self._camera = camera
        self._say = say
        self._video: Template | None = None
        self._fragmenter: Fragmenter | None = None
        self._restamp = Restamp()
        self._began_us = 0
        self.frames = 0

    def connected(self) -> None:
        """As in ``PacketSink``."""

    def open(self, video: Template) -> None:
        """The picture has these parameters from now on."""
        self._close()
        self._video = video
        self._fragmenter = None

    def packet(self, packet: Frame) -> None:
        """A frame has just arrived."""
        if self._fragmenter is None:
            if not packet.is_keyframe or self._video is None:
                return
            self._begin(self._video)
        assert self._fragmenter is not None
        now_us = time.time_ns() // 1000
        scale = packet.time_base * TIMESCALE
        dts, pts = self._restamp.next(int(packet.dts * scale), int(packet.pts * scale), now_us)
        if self.frames == 0:
            self._began_us = now_us
        self.frames += 1
        mine = Frame(
            packet.parts, packet.sets, _BASE, pts, dts, packet.is_keyframe, packet.loss, TIMESCALE // 25
        )  # fmt: skip
        for fragment in self._fragmenter.video(mine):
            self._tell(fragment)

    def _begin(self, video: Template) -> None:
        try:
            init, tracks = init_of(video, None, TIMESCALE)
        except (av.FFmpegError, LookupError, ValueError) as error:
            raise Ended(Cause.CORRUPT, {"error": f"no browser could show this: {type(error).__name__}"}) from None
        # A picture that is watched is wanted now: no fragment is longer for being small.
        self._fragmenter = Fragmenter(init, tracks, small_bytes=0)
        track = tracks[0]
        what = Watched(
            camera=self._camera, kind="init", codec=track.codec, width=track.width, height=track.height
        )  # fmt: skip
        self._say(encoded(what, init))

    def _tell(self, fragment: MuxedFragment) -> None:
        covered = fragment.video
        what = Watched(
            camera=self._camera,
            kind="fragment",
            start_us=self._began_us + covered.start * 1_000_000 // TIMESCALE,
            duration_us=max(0, covered.end - covered.start) * 1_000_000 // TIMESCALE,
            sync=covered.sync,
        )
        self._say(encoded(what, b"".join(fragment.buffers)))

    def _close(self) -> None:
        if self._fragmenter is not None:
            for fragment in self._fragmenter.close():
                self._tell(fragment)

    def arrived(self, ago_us: int) -> None:
        """As in ``PacketSink``."""

    def audio(self, packet: AudioPacket) -> None:
        """Sound is not watched."""

    def no_audio(self, why: str) -> None:
        """As in ``PacketSink``."""

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """As in ``PacketSink``."""
