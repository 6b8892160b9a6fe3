"""When does a segment end? Pure decisions.

Invariant: every segment ends at a keyframe at or past its target, or for a stated reason before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from storage.writing.rotation import boundary_after, stagger_us

__all__ = ["Cut", "Cutter"]

# A keyframe this little before the target is the one that was meant: cameras' and server's seconds differ.
_SLACK_US: Final = 100_000
# Some cameras send a keyframe only every few minutes. A file that is longer costs nobody anything; one without an end
# does.
_PATIENCE_US: Final = 900_000_000


class Cut:
    """Why a segment ends."""

    ROTATION: Final = "rotation"
    BYTES: Final = "byte_cap"


@dataclass(frozen=True, slots=True)
class Cutter:
    """The rule for one camera: segments end at wall-clock multiples of ``duration_us``, shifted by the camera's own
    share of it, so that thousands do not rotate in one second; and at ``most_bytes``."""

    camera: str
    duration_us: int
    most_bytes: int

    @property
    def stagger_us(self) -> int:
        """This camera's shift in ``[0, duration_us)``: the same in every process and at every start."""
        return stagger_us(self.camera, self.duration_us)

    def target_us(self, start_us: int) -> int:
        """When a segment that starts at ``start_us`` should end: the first boundary after it that leaves it at least a
        tenth of ``duration_us``, so that a run which begins just before a boundary does not begin with a crumb."""
        boundary_us = boundary_after(self.camera, self.duration_us, start_us)
        return boundary_us if boundary_us - start_us >= self.duration_us // 10 else boundary_us + self.duration_us

    def cut(self, target_us: int, keyframe_us: int, bytes_: int) -> str | None:
        """Whether a segment of this target and size ends at the keyframe shown at ``keyframe_us``: the reason, or
        None."""
        if keyframe_us >= target_us - _SLACK_US:
            return Cut.ROTATION
        if bytes_ >= self.most_bytes:
            return Cut.BYTES
        return None

    def overdue(self, target_us: int, now_us: int, bytes_: int) -> bool:
        """Whether no keyframe has come for so long that the run must end: a quarter of an hour past the target, or at
        twice the bytes."""
        patience_us = max(self.duration_us, _PATIENCE_US)
        return now_us >= target_us + patience_us or bytes_ >= 2 * self.most_bytes
