"""Timestamps that FFmpeg does not give its packets: the first ones of a connection, until it knows how far pictures are
reordered. Pure.

Invariant: every packet given comes out once, in order, with both timestamps; decode times rise, and none is after its
presentation time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, TypeAlias

import av

from nvr.recorder.media.packets import Ended
from storage.causes import Cause

__all__ = ["Completer"]

Packet: TypeAlias = "av.Packet[Any]"

_MOST_UNTIMED: Final = 7
_GUESSED_FRAME_S: Final = Fraction(1, 25)


class Completer:
    """Completes the timestamps of one connection's video packets.

    FFmpeg knows a stream's first timestamp only with its second packet, and decode times only once it has seen how many
    pictures are sent ahead of their time. Until then packets wait here; the first of them is the keyframe without which
    the others are nothing.
    """

    def __init__(self) -> None:
        self._waiting: list[Packet] = []
        self._presentation_is_decode = False

    def add(self, packet: Packet) -> list[Packet]:
        """The packets whose timestamps are known now.

        Raises:
            Ended: ``corrupt``, seven packets in a row had no timestamp at all.
        """
        if packet.dts is None and self._presentation_is_decode and packet.pts is not None:
            packet.dts = packet.pts
        if packet.dts is None:
            self._waiting.append(packet)
            if len(self._waiting) < _MOST_UNTIMED:
                return []
            return self._give_up_waiting()
        if packet.pts is None:
            packet.pts = packet.dts
        if not self._waiting:
            return [packet]
        waiting, self._waiting = self._waiting, []
        step = _step(packet)
        for number, early in enumerate(waiting):
            early.dts = packet.dts - step * (len(waiting) - number)
        _present(waiting, packet.pts, step)
        return [*waiting, packet]

    def _give_up_waiting(self) -> list[Packet]:
        """No decode times will come: this demuxer gives presentation times alone, in the order of decoding."""
        waiting, self._waiting = self._waiting, []
        known = [packet.pts for packet in waiting if packet.pts is not None]
        if len(known) < len(waiting) - 1:
            raise Ended(Cause.CORRUPT, {"error": "packets without timestamps"})
        self._presentation_is_decode = True
        _present(waiting, min(known), _step(waiting[-1]))
        for packet in waiting:
            packet.dts = packet.pts
        return waiting


def _step(packet: Packet) -> int:
    return packet.duration or round(_GUESSED_FRAME_S / Fraction(packet.time_base))


def _present(waiting: list[Packet], following: int, step: int) -> None:
    """Presentation times of those that lack one: a step before the earliest that follows, and never before they are
    decoded."""
    earliest = following
    for packet in reversed(waiting):
        if packet.pts is None:
            packet.pts = earliest - step if packet.dts is None else max(earliest - step, packet.dts)
        earliest = min(earliest, packet.pts)
