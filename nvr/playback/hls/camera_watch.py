"""The live window of one camera, and what fills it: the files that grow, as the catalogue and the disk have them.

Invariant: a file's clock does not change between two parts of it, and of two runs of one time the newest is shown.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nvr.playback.errors import FootageGone, NotLive
from nvr.playback.groups import Fragments, fragments
from nvr.playback.hls.live_window import LivePart, LiveWindow
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.playback.mapping import TimeMap
from storage.catalogue import segments, status
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.coverage.runs import NotShown, run_of
from storage.format.boxes import Hole

__all__ = ["PATIENCE_S", "CameraWatch", "LiveNews"]

log = logging.getLogger(__name__)

# The catalogue is asked less often than the file: only a rotation, an end or a new run changes what it says.
_ASK_S: Final = 0.5
# A short loss of the connection is shown as a picture that stands still, then a discontinuity.
PATIENCE_S: Final = 10.0
_LOOK_BACK_US: Final = 20_000_000
# A recorder that goes on is behind by less, also where its next file is not listed yet.
_ENDED_US: Final = 1_500_000
# A shorter hole is a frame that is shown for longer.
_HOLE_US: Final = 1_000_000


@dataclass(slots=True)
class _Read:
    """How far a file has been read. ``row`` is what the catalogue said when it was first seen: its clock must not
    change between two parts."""

    row: Segment
    used: int
    ended: bool


@dataclass(frozen=True, slots=True)
class LiveNews:
    """Fragments that were added to a file, each after the number of long holes before it, and whether it has ended."""

    segment: Segment
    init_bytes: int
    parts: list[tuple[int, LivePart]]
    ended: bool


class CameraWatch:
    """The window of one camera and what fills it. ``poll`` looks, in a thread; ``take`` enters what it saw, on the
    event loop, so that nobody sees a window half changed."""

    def __init__(self, database: Database, cache: IndexCache, camera: str, wall_us: Callable[[], int]) -> None:
        self._database = database
        self._cache = cache
        self._wall_us = wall_us
        self.camera = camera
        self.window = LiveWindow()
        self.not_live: NotLive | None = None
        self._reads: dict[Key, _Read] = {}
        self._newest: Segment | None = None
        self._open: OpenSegment | None = None
        self._asked_s = float("-inf")
        # From when on an older recorder's footage is shown again.
        self._resume_us: int | None = None
        self.hidden: dict[Key, NotShown] = {}
        """What other runs recorded of the time that is shown: the server's clock was set back."""

    def restart(self) -> None:
        """Nobody has watched for a while: what was missed is not made up for."""
        if self.window.segments and self._wall_us() - self.window.end_us > PATIENCE_S * 1e6:
            self.window = LiveWindow()
            self._reads.clear()
            self._newest = self._resume_us = None
        self._asked_s = float("-inf")

    def poll(self) -> tuple[list[LiveNews], NotLive | None]:
        """What is new, and whether the camera is not live."""
        news: list[LiveNews] = []
        if self.has_grown and self._open is not None:
            self._read(self._open.segment, news)
        not_live = self.not_live
        if time.monotonic() - self._asked_s >= _ASK_S:
            not_live = self._ask(news)
            self._asked_s = time.monotonic()
        return news, not_live

    @property
    def has_grown(self) -> bool:
        """Whether there is something new in the file that is read. Not while it is polled."""
        opened = self._open
        if opened is None:
            return False
        try:
            return opened.data.size() > opened.file.size
        except OSError as error:
            # It is opened again as soon as the catalogue has been asked.
            log.warning(
                "live view of camera %s: %s can't be read: %s", self.camera, opened.segment.path, error.strerror
            )
            self.close()
            self._asked_s = float("-inf")
            return False

    def take(self, news: list[LiveNews], not_live: NotLive | None) -> bool:
        """Enters it; whether anything has changed."""
        version, was_live = self.window.version, self.not_live is None
        self.not_live = not_live
        for new in news:
            for holes, parts in itertools.groupby(new.parts, lambda part: part[0]):
                run = (*_run(new.segment), holes)
                self.window.add(new.segment.key, new.segment.init, new.init_bytes, run, [part for _, part in parts])
            if new.ended:
                self.window.end_file(new.segment.key)
        return version != self.window.version or was_live != (not_live is None)

    def _ask(self, news: list[LiveNews]) -> NotLive | None:
        """Asks the catalogue which files there are, and reads what is new in them."""
        now_us = self._wall_us()
        with self._database.read() as conn:
            growing = segments.growing(conn, self.camera)
            # From the file that was read last: it has ended, or it grows. One of a newer run may begin before it: the
            # clock was set back.
            since_us = now_us - _LOOK_BACK_US if self._newest is None else self._newest.key.start_us
            since_us = min([since_us, *(segment.key.start_us for segment in growing)])
            found = segments.between(conn, self.camera, since_us, now_us + _LOOK_BACK_US)
            spoken = status.find(conn, self.camera)
        is_recording = bool(growing) and (spoken is None or spoken.state == "recording")
        is_recent = bool(self.window.segments) and now_us - self.window.end_us < PATIENCE_S * 1e6
        if not is_recording and not is_recent:
            self.close()
            cause, since = (spoken.cause, spoken.since_us) if spoken is not None else (None, None)
            return NotLive(self.camera, cause, since)
        self._fall_back(growing, now_us)
        # Where two recorders overlap the higher epoch is shown, as everywhere.
        newest = max((segment.key.epoch for segment in growing), default=0)
        self.hidden = _hidden(found, growing)
        for segment in sorted(found, key=_order):
            if segment.key.epoch >= newest or segment.key in self._reads:
                self._read(segment, news)
        there = {segment.key for segment in found}
        self._reads = {key: read for key, read in self._reads.items() if key in there}
        return None

    def _fall_back(self, growing: Sequence[Segment], now_us: int) -> None:
        """Where the newest recorder has ended and an older one, whose time was not shown, goes on, that one is shown
        again."""
        last, newest = max(growing, key=_order, default=None), self._newest
        if last is None or newest is None or _order(last) >= _order(newest) or not self.window.segments:
            return
        read = self._reads.get(newest.key)
        if read is not None and read.ended and now_us - self.window.end_us >= _ENDED_US:
            self._newest, self._resume_us = None, self.window.end_us

    def _read(self, segment: Segment, news: list[LiveNews]) -> None:
        """Looks what is new in this file, and keeps it open if it is the newest."""
        done = self._reads.get(segment.key)
        if done is not None and done.ended:
            return
        if done is None and segment.key in self.hidden:
            return
        if self._newest is not None and _order(segment) < _order(self._newest):
            # The next one has begun, so nothing will be added to this; or it was entered late, and the window has gone
            # past it.
            return
        try:
            opened = self._cache.open(segment)
        except (FootageGone, OSError) as error:
            log.warning("live view of camera %s: %s", self.camera, error)
            return
        self.close()
        self._open = opened
        row = done.row if done is not None else segment
        found = fragments(opened.file.index)
        used = done.used if done is not None else 0
        if self._resume_us is not None:
            start = _first_from(found, TimeMap.of(row), self._resume_us)
            if start is None:
                return
            used, self._resume_us = max(used, start), None
        elif self._newest is None:
            used = _late_start(found, segment.timescale)
        self._newest = segment
        ended = opened.file.tail is not None or not segment.growing
        parts = _parts(found, opened.file.index.holes, TimeMap.of(row), used, ended)
        if parts or ended:
            news.append(LiveNews(segment, opened.file.init_bytes, parts, ended))
        self._reads[segment.key] = _Read(row, used + len(parts), ended)

    def close(self) -> None:
        """Closes the file that is being read."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _order(segment: Segment) -> tuple[int, int, int, int]:
    """In which order footage is shown live: a run that began later comes later, as a whole, whatever its clock said."""
    return segment.key.epoch, segment.run_seq, segment.run_start_us, segment.key.start_us


def _hidden(found: Iterable[Segment], growing: Sequence[Segment]) -> dict[Key, NotShown]:
    """Of other runs what the newest one, which grows, records once more: by segment."""
    newest = max(growing, key=_order, default=None)
    if newest is None:
        return {}
    start_us, run = newest.run_start_us, run_of(newest)
    return {
        segment.key: NotShown(run_of(segment), max(segment.key.start_us, start_us), segment.end_us)
        for segment in found
        if run_of(segment) != run and _order(segment) < _order(newest) and segment.end_us > start_us
    }


def _run(segment: Segment) -> tuple[object, ...]:
    return segment.run_start_us, segment.key.epoch, segment.key.node, segment.init


def _first_from(found: Fragments, clock: TimeMap, from_us: int) -> int | None:
    """The first fragment that begins with a keyframe at this time or later; None if there is none yet."""
    numbers = range(len(found.sync))
    return next((n for n in numbers if found.sync[n] and clock.wall_us(int(found.starts[n])) >= from_us), None)


def _late_start(found: Fragments, timescale: int) -> int:
    """Where in a file that has been growing for long a new window begins: a keyframe some 12 s before its end."""
    if not len(found.starts):
        return 0
    limit = int(found.starts[-1]) - 12 * timescale
    before = [number for number in range(len(found.sync)) if found.sync[number] and found.starts[number] <= limit]
    return before[-1] if before else 0


def _parts(
    found: Fragments, holes: Sequence[Hole], clock: TimeMap, used: int, ended: bool
) -> list[tuple[int, LivePart]]:
    """Fragments from ``used`` on, each after the number of long holes before it. Media time does not go on over such a
    hole if a keyframe follows: nobody waits for what there is none of. What follows must be there to tell, so until
    then the fragment before is left for later."""
    count = len(found.offsets)
    before: dict[int, Hole] = {}
    for hole in holes:
        follows = int(np.searchsorted(found.firsts, hole.end))
        if follows == count and not ended:
            count -= 1
        elif clock.wall_us(hole.end) - clock.wall_us(hole.start) >= _HOLE_US and (
            follows == len(found.sync) or found.sync[follows]
        ):
            before[follows] = hole
    parts = []
    for number in range(used, count):
        offset = int(found.offsets[number])
        start = int(found.starts[number])
        last = before.get(number + 1)
        end = start + int(found.durations[number]) if last is None else last.start
        part = LivePart(
            clock.wall_us(start),
            clock.wall_us(end) - clock.wall_us(start),
            offset,
            found.offset_after(number) - offset,
            bool(found.sync[number]),
        )
        parts.append((sum(follows <= number for follows in before), part))
    return parts
