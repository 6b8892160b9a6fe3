"""Whether what arrives from a camera makes sense to the native source. Pure.

A camera may send what this source misreads and FFmpeg does not. Then packets come, and no frames of them, or far too
few. That must not be confused with two ordinary things: waiting for a keyframe (frames are put together, though none
can be shown yet), and loss (numbers are missing, and FFmpeg would have no more). Invariant: whole frames, with or
without a keyframe, are never called nonsense.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["SENSELESS_S", "Seen", "SenseCheck"]

SENSELESS_S: Final = 10.0
# Fewer say nothing: a camera may send a frame every few seconds.
_FEWEST: Final = 5
# Packets missing of so many that came excuse frames that did not come out whole.
_LOSS_EXCUSES: Final = 50


class Seen(NamedTuple):
    """What was counted on a connection so far. ``packets`` of RTP came, ``lost`` is missing by their numbers; ``units``
    of known types were in them; ``begun`` access units, by marker or time stamp, of which ``frames`` were put together;
    so many of these were to be keyframes, and were."""

    packets: int = 0
    lost: int = 0
    units: int = 0
    begun: int = 0
    frames: int = 0
    keyframes_begun: int = 0
    keyframes: int = 0


class SenseCheck:
    """Of one connection. Times are seconds of a monotonic clock."""

    def __init__(self, now_s: float, seen: Seen | None = None) -> None:
        self._since_s = self._keyframe_since_s = now_s
        self._then = self._then_keyframe = seen or Seen()

    def judge(self, seen: Seen, now_s: float) -> str | None:
        """To be called every few seconds. Why the stretch of ``SENSELESS_S`` or more up to now made no sense; None: it
        did, or nothing can be said of it."""
        then = self._then
        packets, lost, units = seen.packets - then.packets, seen.lost - then.lost, seen.units - then.units
        begun, frames = seen.begun - then.begun, seen.frames - then.frames
        reason: str | None = None
        if packets >= _FEWEST and units == 0:
            reason = f"no unit of a known type in {packets} packets"
        elif begun >= _FEWEST and frames < begun / 2 and lost * _LOSS_EXCUSES <= packets:
            reason = f"{frames} frames could be put together of {begun} that began"
        elif frames:
            self._since_s, self._then = now_s, seen
        if reason is not None and now_s - self._since_s >= SENSELESS_S:
            return f"{reason} within {now_s - self._since_s:.0f} s"
        return self._keyframes(seen, now_s)

    def _keyframes(self, seen: Seen, now_s: float) -> str | None:
        then = self._then_keyframe
        if seen.keyframes > then.keyframes or seen.lost > then.lost:
            self._keyframe_since_s, self._then_keyframe = now_s, seen
            return None
        begun = seen.keyframes_begun - then.keyframes_begun
        if begun >= 2 and now_s - self._keyframe_since_s >= SENSELESS_S:
            return f"none of {begun} keyframes could be put together within {now_s - self._keyframe_since_s:.0f} s"
        return None
