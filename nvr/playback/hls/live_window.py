"""The sliding window of a live playlist: which segments and parts it has, and their numbers. Pure; knows neither files
nor clocks.

Parts are fragments, media segments are groups of fragments that begin with a keyframe and last at least ``SEGMENT_S``.
Numbers: within a process they count up by one. A new window, as after a restart, begins with the number of quarter
seconds since 2026 at its first segment. Segments last nearly two seconds, so two seconds after a window began that is
more than any number it has given, although a new window begins some 12 s in the past: a player that was there sees a
playlist that has moved on, not one that goes back. Invariant: a number, once given, names the same bytes for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from nvr.playback.hls.names import INIT_FOLDER, date_time, map_tag, seconds, segment_uri
from storage.catalogue.segments import Key

__all__ = ["SEGMENT_S", "LivePart", "LiveSegment", "LiveWindow"]

SEGMENT_S: Final = 2.0
"""The least length of a live media segment; a keyframe a quarter of a second early will do."""

_SLACK_US: Final = 250_000
_DISCONTINUITIES_SINCE_S: Final = 1_767_225_600  # 2026-01-01T00:00:00Z
_NUMBERS_SINCE_US: Final = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
_NUMBER_US: Final = 250_000
_SEGMENTS: Final = 6
# Players that fall behind by this many segments' parts load whole segments; older parts only make the playlist long.
_SEGMENTS_WITH_PARTS: Final = 3
_LEAST_PART_TARGET_US: Final = 200_000
# Of parts that are no longer than that players stay so far behind: two or three of them.
_SHORT_PART_US: Final = 250_000
_SHORT_HOLD_BACK_US: Final = 500_000
_LEAST_TARGET_S: Final = 4


@dataclass(frozen=True, slots=True)
class LivePart:
    """A fragment: ``size`` bytes from ``offset``, shown from ``start_us`` for ``duration_us``; ``sync`` if it begins
    with a keyframe."""

    start_us: int
    duration_us: int
    offset: int
    size: int
    sync: bool


@dataclass(slots=True)
class LiveSegment:
    """A media segment; ``whole`` when no part will be added. ``run`` tells stretches apart within which media time goes
    on."""

    msn: int
    key: Key
    init: str
    init_bytes: int
    run: tuple[object, ...]
    parts: list[LivePart] = field(default_factory=list)
    whole: bool = False

    @property
    def start_us(self) -> int:
        """When it begins."""
        return self.parts[0].start_us

    @property
    def duration_us(self) -> int:
        """How long it is so far."""
        return sum(part.duration_us for part in self.parts)


def _first_number(start_us: int) -> int:
    return max(0, start_us - _NUMBERS_SINCE_US) // _NUMBER_US


class LiveWindow:
    """The window of one camera. ``version`` changes whenever the playlist does."""

    def __init__(self) -> None:
        self.segments: list[LiveSegment] = []
        self.version = 0
        # Before the window: of runs, and of inits alone.
        self._discontinuities: int | None = None
        self._changes = 0
        self._target_s = _LEAST_TARGET_S

    @property
    def last(self) -> tuple[int, int]:
        """Number of the newest segment, and of the newest part in it."""
        newest = self.segments[-1]
        return newest.msn, len(newest.parts) - 1

    @property
    def target_s(self) -> int:
        """The longest a segment may be, in seconds. It grows if a camera's keyframes are further apart than they
        were."""
        return self._target_s

    @property
    def end_us(self) -> int:
        """Where the footage in it ends."""
        newest = self.segments[-1].parts[-1]
        return newest.start_us + newest.duration_us

    def has(self, msn: int, part: int | None) -> bool:
        """Whether a player that waits for this part (or whole segment, if None) has something new to fetch."""
        if not self.segments or msn < self.segments[0].msn:
            return bool(self.segments)
        newest = self.segments[-1]
        if msn > newest.msn:
            return False
        wanted = self.segments[msn - self.segments[0].msn]
        return wanted.whole if part is None else wanted.whole or part < len(wanted.parts)

    def add(self, key: Key, init: str, init_bytes: int, run: tuple[object, ...], parts: Sequence[LivePart]) -> None:
        """Adds fragments of a segment's file, in order, each once. ``run`` must differ wherever media time does not go
        on."""
        for part in parts:
            current = self.segments[-1] if self.segments else None
            is_new = current is None or current.whole or current.key != key or current.run != run
            if current is not None and not is_new:
                is_new = part.sync and current.duration_us >= SEGMENT_S * 1_000_000 - _SLACK_US
            if is_new:
                if not part.sync and current is None:
                    # A window begins with a keyframe.
                    continue
                self._end_segment()
                msn = _first_number(part.start_us) if current is None else current.msn + 1
                self.segments.append(LiveSegment(msn, key, init, init_bytes, run))
                self._slide()
            segment = self.segments[-1]
            segment.parts.append(part)
            self._target_s = max(self._target_s, -(-segment.duration_us // 1_000_000))
            self.version += 1

    def end_file(self, key: Key) -> None:
        """This file has ended: the next fragment begins a new segment."""
        if self.segments and self.segments[-1].key == key:
            self._end_segment()

    def _end_segment(self) -> None:
        if self.segments and not self.segments[-1].whole:
            self.segments[-1].whole = True
            self.version += 1

    def _slide(self) -> None:
        if self._discontinuities is None:
            # After a restart hardly ever less than before, since runs begin less than once an hour or so; and small:
            # players keep a list as long as this number, hls.js walks through all of it.
            self._discontinuities = max(0, self.segments[0].msn - _DISCONTINUITIES_SINCE_S) // 3600
            self._changes = self._discontinuities
        while len(self.segments) > _SEGMENTS + 1:
            gone = self.segments.pop(0)
            self._discontinuities += gone.run != self.segments[0].run
            self._changes += gone.init != self.segments[0].init

    def text(self, init_folder: str = INIT_FOLDER, *, breaks: bool = True) -> str:
        """The playlist. Without ``breaks`` a new run of the same init is no discontinuity: times are wall time and go
        on, but for what was not recorded. For VLC, which stops at each for good."""
        first, with_parts = self.segments[0], self.segments[-1].msn - _SEGMENTS_WITH_PARTS
        # Of those that are listed: they are shorter once somebody watches.
        durations_us = [part.duration_us for one in self.segments if one.msn >= with_parts for part in one.parts]
        part_target_us = max(_LEAST_PART_TARGET_US, *durations_us)
        hold_back_us = _SHORT_HOLD_BACK_US if part_target_us <= _SHORT_PART_US else 3 * part_target_us
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:9",
            f"#EXT-X-TARGETDURATION:{self._target_s}",
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={seconds(hold_back_us)}",
            f"#EXT-X-PART-INF:PART-TARGET={seconds(part_target_us)}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f"#EXT-X-MEDIA-SEQUENCE:{first.msn}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuities if breaks else self._changes}",
        ]
        run, init = first.run, first.init
        for segment in self.segments:
            if segment.run != run and (breaks or segment.init != init):
                lines.append("#EXT-X-DISCONTINUITY")
            if segment is first or segment.init != init:
                # Not once more where it is the same: VLC stops there for good.
                lines.append(map_tag(segment.init, segment.init_bytes, init_folder))
            run, init = segment.run, segment.init
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(segment.start_us)}")
            uri = segment_uri(segment.key)
            if segment.msn >= with_parts:
                lines += [
                    f'#EXT-X-PART:DURATION={seconds(part.duration_us)},URI="{uri}",BYTERANGE="{part.size}@{part.offset}"'
                    + (",INDEPENDENT=YES" if part.sync else "")
                    for part in segment.parts
                ]
            if segment.whole:
                offset = segment.parts[0].offset
                size = segment.parts[-1].offset + segment.parts[-1].size - offset
                lines += [f"#EXTINF:{seconds(segment.duration_us)},", f"#EXT-X-BYTERANGE:{size}@{offset}", uri]
        # hls.js 1.7.4 fetches nothing by it, but loses its place at the next segment's border without it
        # (docs/design/web.md).
        last = self.segments[-1]
        end = last.parts[-1].offset + last.parts[-1].size
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{segment_uri(last.key)}",BYTERANGE-START={end}')
        return "\n".join(lines) + "\n"
