"""What a recorder counts for a camera. Kept in a camera's status since its recorder took it, and in a run's detail for
that run alone.

Counts only rise, but for those that say how it is now (``LEVELS``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["LEVELS", "NAMES", "added", "difference"]

NAMES: Final[Mapping[str, str]] = {
    "connections": "connections that brought a picture; all but the first are reconnections",
    "frames": "pictures written",
    "bytes": "bytes written",
    "recorded_us": "microseconds of footage written",
    "packets": "RTP packets that came (video)",
    "lost_packets": "RTP packets missing, by their numbers (video)",
    "duplicate_packets": "RTP packets that came twice",
    "restarts": "times that the camera began to count its packets anew, or as another sender",
    "malformed": "packets and payloads that can't be read",
    "ignored": (
        "packets and NAL units that belong to no picture:"
        " empty ones, another sender's, types that the codec does not have"
    ),
    "split": "pictures in which several NAL units came as one and had to be taken apart",
    "junk_bytes": "bytes between packets that belong to nothing",
    "damaged": "pictures of which a part is missing, left out",
    "undecodable": "whole pictures left out, as what they refer to is missing",
    "unmarked": "pictures whose end the camera did not mark",
    "doubtful": (
        "pictures that look as if a part was missing although no packet is: fewer slices than all before them, or a"
        " last fragment without its end; they are recorded as they came"
    ),
    "retimed": "pictures shown at another time than the camera's, to keep the order of decoding",
    "out_of_order": "frames placed a tick after the one before, because their time stamp was not after it",
    "outliers": (
        "frames placed after the one before, because their time stamp could not be and that of the next ones was as"
        " before"
    ),
    "camera_clock_steps": (
        "times that the camera's time stamps stepped or stood still, so that a new run begins at the next keyframe"
    ),
    "by_arrival": (
        "times that time stamps were seen to run at a wrong rate or to say nothing, so that frames go by arrival"
    ),
    "lost_frames": "frames that are missing in the footage because of a loss, as far as is known",
    "received": "whole frames that came, decodable or not",
    "received_bytes": "bytes of picture and sound that came, whatever became of them",
    "received_us": (
        "microseconds in which they came, silences up to the time after which a connection is given up included"
    ),
    "corrupt": "pictures before which others are missing",
    "audio_realigned": (
        "times that a camera's audio was put beside its video because its time stamps could not be right"
    ),
    "audio_left_out": "packets of audio left out: no time was left for them, or nobody to encode them",
    "overloads": "runs that ended because a disk, or this machine, did not keep up or refused",
    "keyframe_interval_us": "how far the last two keyframes lay apart, microseconds",
    "late_us": "how late the least delayed picture of the last ten seconds came, microseconds",
    "interarrival_jitter_us": "interarrival jitter of RFC 3550 6.4.1, by pictures instead of packets, microseconds",
    "jitter_sum_us": (
        "differences of the ways of two frames, in absolute value, that interarrival jitter is made of, microseconds"
    ),
    "jitter_readings": "how many of them",
    "by_extension": "whole frames that the extension took, from packets to fragments",
    "handed_over": "times that the extension found something that is not regular, and left it to the reference",
}
"""Every count, and what it counts."""

LEVELS: Final = frozenset({"keyframe_interval_us", "late_us", "interarrival_jitter_us"})
"""Those that are no sums."""


def added(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The counts of both together, without zeros; of a level the later."""
    sums = dict(before)
    for name, count in more.items():
        sums[name] = count if name in LEVELS else sums.get(name, 0) + count
    return {name: count for name, count in sums.items() if count and name in NAMES}


def difference(now: Mapping[str, int], then: Mapping[str, int]) -> dict[str, int]:
    """What was counted since ``then``, without zeros and levels."""
    return {
        name: now[name] - then.get(name, 0)
        for name in NAMES
        if name in now and name not in LEVELS and now[name] != then.get(name, 0)
    }
