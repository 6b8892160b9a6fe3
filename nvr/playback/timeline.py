"""Where the chosen samples stand in a clip: decode times, edit list, position in the movie. Pure.

The clip's media timeline has the parts one behind the other; the edit list says what of it is shown, and when. A part of which nothing
needs to be hidden goes on in the entry of the part before. One that begins in the middle of a group of pictures, or ends with frames that only serve
as references, gets an entry of its own, and so much media time to itself that no other entry shows what it hides. Invariants: decode times
rise strictly; each shown frame is in exactly one entry; nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nvr.playback.chains import Selection

__all__ = ["Edit", "PartPlace", "Timeline", "lay_out"]

# A break shorter than this between two parts is bridged by their last frame, when wall time is to be kept: less than the eye sees, and players
# stumble over edits that are empty for a moment.
_BRIDGED_US: Final = 100_000


@dataclass(frozen=True, slots=True)
class Edit:
    """An entry of an edit list: ``duration`` in ticks of the movie shows the media from ``media_time`` on; nothing if that is -1."""

    media_time: int
    duration: int


@dataclass(frozen=True, slots=True)
class PartPlace:
    """``shift`` turns the part's decode and presentation times into the clip's media times; ``movie`` is when in the movie its first frame is
    shown; ``empty`` for how long the movie shows nothing before it. In ticks."""

    shift: int
    movie: int
    empty: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything's place. ``duration`` is the movie's, in ticks; movie and video track have the same timescale."""

    parts: tuple[PartPlace, ...]
    edits: tuple[Edit, ...]
    duration: int


@dataclass(slots=True)
class _Window:
    start: int
    end: int
    empty_before: int


def lay_out(
    selections: Sequence[Selection],
    decode: Sequence[tuple[int, int]],
    starts_us: Sequence[int] | None,
    timescale: int,
) -> Timeline:
    """Lays the parts out.

    ``decode`` are the decode times of the first and last sample of each part. ``starts_us`` are the wall times of their first frames, if the
    movie is to keep wall time between parts; None to put them one right behind the other.
    """
    parts: list[PartPlace] = []
    windows: list[_Window] = []
    movie = top = last_decode = 0
    for number, (part, (first, last)) in enumerate(zip(selections, decode, strict=True)):
        length = part.shown_end - part.shown_from
        empty = 0
        if number == 0:
            shift = -first
            windows.append(_Window(part.shown_from + shift, part.shown_end + shift, 0))
        else:
            before = windows[-1]
            if starts_us is not None:
                empty = max(_ticks(starts_us[number] - starts_us[0], timescale) - movie, 0)
                if empty <= _BRIDGED_US * timescale // 1_000_000:
                    before.end, movie, top, empty = before.end + empty, movie + empty, top + empty, 0
            shift = before.end - part.shown_from
            shift = max(shift, last_decode + 1 - first)
            if part.hides_before or top > before.end:
                shift = max(shift, top - part.lowest)
            start, end = part.shown_from + shift, part.shown_end + shift
            movie += empty
            if start == before.end and not empty:
                before.end = end
            else:
                windows.append(_Window(start, end, empty))
        parts.append(PartPlace(shift, movie, empty))
        movie += length
        last_decode = last + shift
        top = max(part.shown_end, part.highest + 1) + shift
    edits: list[Edit] = []
    for window in windows:
        if window.empty_before:
            edits.append(Edit(-1, window.empty_before))
        edits.append(Edit(window.start, window.end - window.start))
    return Timeline(tuple(parts), tuple(edits), movie)


def _ticks(us: int, timescale: int) -> int:
    return (us * timescale + 500_000) // 1_000_000
