"""When was this heard? Judges what a camera says of its audio's time, against how much of it came and against the
video. Pure.

A camera's word is one of three. Samples that came say how long they last, which no camera can get wrong. The video that
arrived just before says what time it is, to half a second. And the time stamp says it to the sample, or repeats itself,
steps back, counts in other units or strays into another year. Invariants: times that are given out rise, and do not
overlap; none is further from where the video is than ``_STRAYED_S`` for longer than ``_WINDOW_S``.
"""

from __future__ import annotations

from typing import Final

__all__ = ["AudioTime"]

# Times of packets wander by this much without a sample missing.
_TOLERANCE_S: Final = 0.1
# A stamp that leaves a hole is believed unless it lies so far ahead of the video.
_EARLY_S: Final = 0.5
# What a source says at the beginning about audio and video belonging together is believed against arrival by so much.
_BELIEVED_S: Final = 2.0
_STRAYED_S: Final = 0.3
_FIRST_S: Final = 2.0
_WINDOW_S: Final = 5.0
# So many stamps that can't be true within so long, and only what came counts for the rest of the connection.
_STRIKES: Final = 3
_STRIKES_WITHIN_S: Final = 10.0


class AudioTime:
    """The time of one connection's audio, in ticks of ``rate`` a second. ``realigned`` counts stamps that were not
    believed and corrections of what had drifted away, ``left_out`` packets that there was no time for."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.realigned = 0
        self.left_out = 0
        self.counts_samples = False
        self._strikes: list[int] = []
        self.restart()

    def restart(self) -> None:
        """The video has another timeline from here on."""
        self._shift = 0
        self._next: int | None = None
        self._given_until: int | None = None
        # How far the audio usually is ahead of the video it comes with; the least delayed packet tells.
        self._usual: int | None = None
        self._most: int | None = None
        self._window_until = 0

    def place(self, stamp: int | None, samples: int, video: int) -> int | None:
        """The time of a packet of so many samples, None if it is to be left out. ``stamp``: what is said of it;
        ``video``: where the video is as it arrives."""
        at = None if stamp is None or self.counts_samples else stamp + self._shift
        if self._next is None:
            if at is None or abs(at - video) > _BELIEVED_S * self._rate:
                self._shift += 0 if at is None else video - at
                at = video
            time = at
            self._window_until = video + round(_FIRST_S * self._rate)
        else:
            time = self._follow(at, self._next, video)
        time = self._correct(time, video)
        self._next = time + samples
        if self._given_until is not None and time < self._given_until:
            self.left_out += 1
            return None
        self._given_until = self._next
        return time

    def _follow(self, at: int | None, due: int, video: int) -> int:
        """The time of what comes after something that ended at ``due``."""
        step = 0 if at is None else at - due
        if at is None or abs(step) <= _TOLERANCE_S * self._rate:
            return due
        if step > 0 and at - video <= (self._usual or 0) + _EARLY_S * self._rate:
            # Nothing came in between, or it was lost.
            return at
        self._shift -= step
        self.realigned += 1
        self._strikes = [then for then in self._strikes if abs(video - then) < _STRIKES_WITHIN_S * self._rate]
        self._strikes.append(video)
        self.counts_samples = len(self._strikes) >= _STRIKES
        return due

    def _correct(self, time: int, video: int) -> int:
        """Compares with the video, once every few seconds, what has been given out since."""
        ahead = time - video
        self._most = ahead if self._most is None else max(self._most, ahead)
        if video < self._window_until:
            return time
        most, self._most = self._most, None
        self._window_until = video + round(_WINDOW_S * self._rate)
        if self._usual is None:
            is_believed = not self._strikes and abs(most) <= _BELIEVED_S * self._rate
            self._usual = most if is_believed else 0
        strayed = most - self._usual
        if abs(strayed) <= _STRAYED_S * self._rate:
            return time
        self._shift -= strayed
        self.realigned += 1
        return time - strayed
