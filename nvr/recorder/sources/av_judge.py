"""What FFmpeg makes of packets that make no sense to us: its packets, put together and judged anew by the rules of the
``native`` source. Pure but for what FFmpeg gives.

FFmpeg hands out what it made of packets whatever that is. Invariant: what comes out is whole slices of known types
behind a keyframe, as far as its own bytes can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av

from nvr.recorder.clocks.timestamps import Completer
from nvr.recorder.media.access_units import length_bytes, parameter_units, units_of
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.pictures import Depacketiser

__all__ = ["COMMON_BASE", "FfmpegJudge", "Judged"]

COMMON_BASE: Final = Fraction(1, 90_000)
# Coarser, and times of frames that follow each other fast are the same; finer, and a day's ticks need more than what
# boxes hold.
_COARSEST, _FINEST = 1_000, 10_000_000
# Of so many frames in a row that can't be decoded the times are kept.
_MOST_TIMES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Timed:
    """When a packet of FFmpeg's is decoded and shown, in ticks of ``base`` seconds, and when it came."""

    base: Fraction
    dts: int
    pts: int
    duration: int
    arrived_us: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame that can be decoded."""

    frame: CodedFrame
    time: Timed


class FfmpegJudge:
    """Of one connection."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._lengths = length_bytes(codec, extradata)
        self.described = tuple(parameter_units(codec, extradata))
        self._rules: Depacketiser = CODECS[codec].depacketiser(self.described, False)
        self._completer = Completer()
        self._arrivals_us: list[int] = []
        self._number = self._lost = 0
        self._times: dict[int, Timed] = {}

    @property
    def sets(self) -> tuple[bytes, ...]:
        """The parameter sets that came so far."""
        return tuple(self._rules.sets.values())

    def lose(self, loss: str) -> None:
        """What FFmpeg gives next may refer to what is missing: ``loss``, a word of ``LOSSES``."""
        if loss == "network":
            self._lost = 1
        elif loss:
            self._rules.restart()

    def take(self, packet: av.Packet[Any], arrived_us: int, skip: int = 0) -> list[Judged]:
        """What is known to be decodable with this packet, of which ``skip`` bytes are not the camera's.

        Raises:
            Ended: ``corrupt``, FFmpeg knows no times.
        """
        found: list[Judged] = []
        self._arrivals_us.append(arrived_us)
        for timed in self._completer.add(packet):
            data = bytes(timed)[skip:] if timed is packet else bytes(timed)
            found += self._judge(timed, data, self._arrivals_us.pop(0))
        return found

    def end(self) -> list[Judged]:
        """No more comes."""
        return self._timed(self._rules.end(goodbye=True))

    def _judge(self, packet: av.Packet[Any], data: bytes, arrived_us: int) -> list[Judged]:
        assert packet.dts is not None and packet.pts is not None
        base = Fraction(packet.time_base)
        dts, pts, duration = packet.dts, packet.pts, packet.duration or 0
        if base.numerator != 1 or not _COARSEST <= base.denominator <= _FINEST:
            dts, pts, duration = (round(ticks * base / COMMON_BASE) for ticks in (dts, pts, duration))
            base = COMMON_BASE
        self._number += 1
        if len(self._times) > _MOST_TIMES:
            self._times.clear()
        self._times[self._number] = Timed(base, dts, max(pts, dts), duration, arrived_us)
        # Types that stand for several units, or for parts of one, are none that FFmpeg gives.
        last = 23 if self._codec == "h264" else 47
        units = [unit for unit in units_of(self._codec, data, self._lengths) if self._kind(unit) <= last]
        found: list[Judged] = []
        for at, unit in enumerate(units, 1):
            lost, self._lost = self._lost or int(at == 1 and packet.is_corrupt), 0
            found += self._timed(self._rules.feed(memoryview(unit), self._number, at == len(units), lost))
        return found

    def _timed(self, frames: tuple[CodedFrame, ...]) -> list[Judged]:
        found = [Judged(frame, self._times[frame.timestamp]) for frame in frames if frame.timestamp in self._times]
        if frames:
            done = max(frame.timestamp for frame in frames)
            self._times = {number: time for number, time in self._times.items() if number >= done}
        return found

    def _kind(self, unit: bytes) -> int:
        return unit[0] & 0x1F if self._codec == "h264" else unit[0] >> 1 & 0x3F
