"""Where the chosen samples stand in a clip: decode times, and when each part is shown. Pure.

The clip's media timeline has the parts one behind the other, and one edit shows it from the first frame of the range to
the end of the last. More edits would be allowed, but are not understood alike: FFmpeg shows frames again after an edit
that is empty, and feeds decoders twice at one that begins within a group of pictures. So no part but the first may hide
anything at its beginning, none but the last at its end; ``chains`` sees to that. Where wall time is to be kept, the
last frame before a gap lasts as long as the gap.

Invariants: decode times rise strictly; parts are shown in order, none before the end of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nvr.playback.chains import FootageSelection
from nvr.playback.errors import GapTooLong

__all__ = ["ClipTimeline", "Edit", "PartPlace", "lay_out"]

# Durations of samples have 32 bits; FFmpeg takes those near the limit for damage.
_LONGEST_TICKS: Final = (1 << 32) - 1_000_000


@dataclass(frozen=True, slots=True)
class Edit:
    """An entry of an edit list: ``duration`` in ticks of the movie shows the media from ``media_time`` on; nothing if
    that is -1."""

    media_time: int
    duration: int


@dataclass(frozen=True, slots=True)
class PartPlace:
    """``shift`` turns the part's decode and presentation times into the clip's media times; ``movie`` is when in the
    movie its first frame is shown. In ticks."""

    shift: int
    movie: int


@dataclass(frozen=True, slots=True)
class ClipTimeline:
    """Everything's place. Movie and video track have the same timescale, so that the edit is exact."""

    parts: tuple[PartPlace, ...]
    edit: Edit


def lay_out(
    selections: Sequence[FootageSelection],
    decode: Sequence[tuple[int, int]],
    starts_us: Sequence[int] | None,
    timescale: int,
) -> ClipTimeline:
    """Lays the parts out.

    ``decode`` are the decode times of the first and last sample of each part. ``starts_us`` are the wall times of their
    first frames, if the movie is to keep wall time between parts; None to put them one right behind the other.

    Raises:
        GapTooLong: a gap to be kept is longer than a sample may last.
    """
    parts: list[PartPlace] = []
    begin = selections[0].shown_from - decode[0][0]
    end = last_decode = 0
    for number, (part, (first, last)) in enumerate(zip(selections, decode, strict=True)):
        if number == 0:
            shift = -first
        else:
            start = end
            if starts_us is not None:
                # From the beginning of all, so that errors of rounding and of clocks don't add up from part to part.
                start = max(start, begin + _ticks(starts_us[number] - starts_us[0], timescale))
            # A run may reorder its frames less than the one before: its first must wait for the other's last.
            shift = max(start - part.shown_from, last_decode + 1 - first)
            if first + shift - last_decode > _LONGEST_TICKS:
                raise GapTooLong((first + shift - last_decode) // timescale, _LONGEST_TICKS // timescale)
        parts.append(PartPlace(shift, part.shown_from + shift - begin))
        last_decode = last + shift
        end = part.shown_end + shift
    return ClipTimeline(tuple(parts), Edit(begin, end - begin))


def _ticks(us: int, timescale: int) -> int:
    return (us * timescale + 500_000) // 1_000_000
