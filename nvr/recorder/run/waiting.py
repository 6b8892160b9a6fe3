"""What is so while a connection brings no frame that can be recorded. Pure; times by the monotonic clock, in
microseconds.

Frames that come but can't be decoded wait for a keyframe; a camera may send one only every few minutes, so that is no
silence. Silence is for the source to end.
"""

from __future__ import annotations

from typing import Final

from nvr.recorder.media.packets import Ended
from storage.causes import Cause
from storage.times import iso

__all__ = ["LONG_US", "STARTING", "Waiting"]

LONG_US: Final = 10_000_000
"""A stretch without a decodable frame that is longer ends the run."""

# What a connection needs at best, which belongs to the cause before it.
_BRIEF_US: Final = 2_000_000
STARTING: Final = Ended(Cause.STALLED, {"error": "starting to record", "class": "server"})
"""From when a recorder has a camera to the answer to PLAY, and to the first frame if that comes at once: no fault of
the camera's."""


class Waiting:
    """Of one connection that began at ``now_us``. ``since_us``: when the last frame came, or else the answer to PLAY,
    or else the beginning. ``because``: whose it is (a class of causes) that there had to be a new connection, and so
    that its first keyframe is waited for."""

    def __init__(self, now_us: int) -> None:
        self.since_us = now_us
        self.because = "server"
        self.is_connected = False
        self._frames = self._polled = 0
        self._received = self._spoilt = 0

    def connected(self, now_us: int) -> None:
        """The camera plays."""
        self.is_connected, self.since_us = True, now_us

    def frame(self, now_us: int) -> None:
        """A frame came that can be decoded."""
        self.since_us = now_us
        self._frames += 1

    def why(self, verdict: str, now_us: int, monotonic_us: int, *, patience_us: int, lost: bool) -> Ended | None:
        """The cause that is in force, at this wall time, by ``poll``'s verdict; None while there is nothing to tell.
        ``patience_us``: so long silence is none; ``lost``: packets are missing."""
        quiet_us = monotonic_us - self.since_us
        if verdict == "keyframe":
            error = f"waiting for a keyframe since {iso(now_us - quiet_us)}"
            # To join in the middle of a group is usual; to have groups of more than ten seconds is the camera's.
            joins = not self._frames and quiet_us < LONG_US
            whose = "network" if lost else self.because if joins else "camera"
            return Ended(Cause.CORRUPT, {"error": error, "class": whose})
        if verdict == "connecting":
            return STARTING
        if verdict != "silent" or quiet_us <= patience_us:
            return None
        error = f"no frame for {quiet_us / 1e6:.0f} s" if patience_us else "connected, no picture yet"
        return Ended(Cause.STALLED, {"error": error})

    def poll(self, now_us: int, received: int, spoilt: int) -> str:
        """``received`` whole frames came on this connection so far, ``spoilt`` ones are known to be lost. ``""``:
        frames come; ``connecting``; ``silent``: nothing comes; ``keyframe``: frames come that lack one."""
        if self._polled != self._frames or now_us - self.since_us < _BRIEF_US:
            self._polled, self._received, self._spoilt = self._frames, received, spoilt
            return ""
        if not self.is_connected:
            return "connecting"
        return "keyframe" if received > self._received or spoilt > self._spoilt else "silent"
