"""Live view: low-latency HLS over the growing segment; a part is a fragment.

One tail a camera, however many watch, and only while somebody does. Media sequence numbers go on over file and run, and begin with the time in
seconds, so that they go on over a restart of this process as well. Invariant: a part once listed keeps its number, bytes and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from nvr.playback.errors import FootageGone, LiveTooFarAhead, NotLive
from nvr.playback.hls import date, media_uri
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from storage import facts, segments
from storage.database import Database
from storage.segments import Segment

__all__ = ["LiveView"]

_POLL_S: Final = 0.1
_IDLE_S: Final = 20.0
# How much of the past a first playlist has, and every playlist keeps.
_HISTORY_US: Final = 12_000_000
_ENTRIES: Final = 8
_ENTRIES_WITH_PARTS: Final = 3
_ENTRY_S: Final = 2.0
# A camera whose last fragment is older than this is not live, whatever the catalogue says yet.
_STALE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Part:
    offset: int
    size: int
    duration_s: float
    sync: bool


@dataclass(slots=True)
class _Entry:
    msn: int
    segment: Segment
    start_us: int
    discontinuity: bool
    parts: list[_Part] = field(default_factory=list)
    complete: bool = False

    @property
    def duration_s(self) -> float:
        return sum(part.duration_s for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far a tail has read: its segment, how many of its fragments, and whether that was all."""

    segment: Segment | None = None
    rows: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A fragment that a look found."""

    segment: Segment
    part: _Part
    start_us: int


class _Tail:
    """Follows one camera's footage as it is written."""

    def __init__(self, database: Database, cache: IndexCache, camera: str) -> None:
        self._database = database
        self._cache = cache
        self._camera = camera
        self._cursor = _Cursor()
        self._entries: deque[_Entry] = deque()
        self._dropped_discontinuities = 0
        self._next_msn = int(time.time())
        self._part_target_s = 0.6
        self._target_s = 4
        self._until_us = 0
        self._grew = asyncio.Condition()
        self.asked = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.looked = asyncio.Event()

    async def follow(self) -> None:
        """Reads on until nobody has asked for a while."""
        try:
            while time.monotonic() - self.asked < _IDLE_S:
                cursor, fresh = await asyncio.to_thread(self._look, self._cursor)
                self._cursor = cursor
                for found in fresh:
                    self._add(found)
                if cursor.finished and self._entries:
                    # No more parts will come to this file's last entry.
                    self._entries[-1].complete = True
                self.looked.set()
                if fresh or cursor.finished:
                    async with self._grew:
                        self._grew.notify_all()
                await asyncio.sleep(_POLL_S)
        finally:
            self.looked.set()

    def _look(self, cursor: _Cursor) -> tuple[_Cursor, list[_Fresh]]:
        """What was added since. Runs in a thread."""
        fresh: list[_Fresh] = []
        for _ in range(20):
            if cursor.segment is None or cursor.finished:
                following = self._following(cursor)
                if following is None:
                    return cursor, fresh
                cursor = _Cursor(following)
            assert cursor.segment is not None
            try:
                file = self._cache.get(cursor.segment)
            except FootageGone:
                return _Cursor(cursor.segment, cursor.rows, finished=True), fresh
            rows = file.index.rows()
            times = TimeMap.of(cursor.segment)
            for number in range(cursor.rows, len(rows)):
                row = rows[number]
                begin = rows[number - 1].end if number else row.start
                part = _Part(row.offset, row.size, (row.end - begin) / cursor.segment.timescale, row.sync)
                fresh.append(_Fresh(cursor.segment, part, times.wall_us(row.start)))
            closed = file.tail is not None
            cursor = _Cursor(cursor.segment, len(rows), finished=closed)
            if not closed:
                break
        return cursor, fresh

    def _following(self, cursor: _Cursor) -> Segment | None:
        """The segment after the one that was read: the next by time, or at first the one that was growing some seconds ago."""
        now_us = time.time_ns() // 1000
        after_us = cursor.segment.key.start_us if cursor.segment is not None else -1
        with self._database.read() as conn:
            found = segments.between(conn, self._camera, now_us - _HISTORY_US, now_us + 60_000_000)
        later = [segment for segment in found if segment.key.start_us > after_us]
        return min(later, key=lambda segment: segment.key.start_us, default=None)

    def _add(self, found: _Fresh) -> None:
        last = self._entries[-1] if self._entries else None
        segment, part = found.segment, found.part
        same_file = last is not None and last.segment.key == segment.key
        begins = last is None or not same_file or (part.sync and last.duration_s >= _ENTRY_S)
        if begins:
            if not part.sync:
                # Before the first keyframe nothing can be shown.
                return
            if last is None and found.start_us < time.time_ns() // 1000 - _HISTORY_US:
                return
            is_other = last is not None and (
                last.segment.run_start_us != segment.run_start_us or last.segment.key.epoch != segment.key.epoch
            )
            if last is not None:
                last.complete = True
                self._target_s = max(self._target_s, math.ceil(last.duration_s))
            self._entries.append(_Entry(self._next_msn, segment, found.start_us, is_other))
            self._next_msn += 1
            while len(self._entries) > _ENTRIES:
                self._dropped_discontinuities += self._entries.popleft().discontinuity
        self._entries[-1].parts.append(part)
        self._part_target_s = max(self._part_target_s, math.ceil(part.duration_s * 10) / 10)
        self._until_us = found.start_us + round(part.duration_s * 1e6)

    def _has(self, msn: int, part: int | None) -> bool:
        last = self._entries[-1]
        if msn != last.msn:
            return msn < last.msn
        return last.complete or (part is not None and part < len(last.parts))

    async def playlist(self, msn: int | None, part: int | None) -> str:
        """The playlist, once it has that part (or after three targets). Raises ``NotLive``, ``LiveTooFarAhead``."""
        self.asked = time.monotonic()
        await self.looked.wait()
        self._check_live()
        if msn is not None:
            last = self._entries[-1].msn
            if msn > last + 2:
                raise LiveTooFarAhead(msn, last)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3 * self._target_s), self._grew:
                    await self._grew.wait_for(lambda: self._has(msn, part))
            self.asked = time.monotonic()
            self._check_live()
        return self._render()

    def _check_live(self) -> None:
        age_s = time.time() - self._until_us / 1e6
        with self._database.read() as conn:
            fact = facts.open_fact(conn, self._camera)
        if not self._entries or age_s > _STALE_S or (fact is not None and age_s > 2.0):
            raise NotLive(
                self._camera,
                fact.cause if fact is not None else None,
                fact.start_us if fact is not None else (self._until_us or None),
            )

    def _render(self) -> str:
        part_target_s = self._part_target_s
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:9",
            f"#EXT-X-TARGETDURATION:{self._target_s}",
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3 * part_target_s:.3f}",
            f"#EXT-X-PART-INF:PART-TARGET={part_target_s:.3f}",
            f"#EXT-X-MEDIA-SEQUENCE:{self._entries[0].msn}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._dropped_discontinuities}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        init = ""
        with_parts_from = self._entries[-1].msn - _ENTRIES_WITH_PARTS
        for number, entry in enumerate(self._entries):
            key = entry.segment.key
            uri = media_uri(key.start_us, key.epoch, key.node)
            if entry.discontinuity and number:
                lines.append("#EXT-X-DISCONTINUITY")
            if entry.segment.init != init or (entry.discontinuity and number):
                init = entry.segment.init
                lines.append(f'#EXT-X-MAP:URI="/api/inits/{init}.mp4"')
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date(entry.start_us)}")
            if entry.msn >= with_parts_from:
                lines += [_part_line(part, uri) for part in entry.parts]
            if entry.complete:
                first, last = entry.parts[0], entry.parts[-1]
                size = last.offset + last.size - first.offset
                lines += [f"#EXTINF:{entry.duration_s:.6f},", f"#EXT-X-BYTERANGE:{size}@{first.offset}", uri]
            elif entry.parts:
                # Where the next part will begin. Players need to be told, although none fetches it early from a range without an end.
                at = entry.parts[-1].offset + entry.parts[-1].size
                lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri}",BYTERANGE-START={at}')
        return "\n".join([*lines, ""])


def _part_line(part: _Part, uri: str) -> str:
    independent = ",INDEPENDENT=YES" if part.sync else ""
    return f'#EXT-X-PART:DURATION={part.duration_s:.6f},URI="{uri}",BYTERANGE="{part.size}@{part.offset}"{independent}'


class LiveView:
    """The tails of all cameras that somebody watches. Belongs to one event loop."""

    def __init__(self, database: Database, cache: IndexCache) -> None:
        self._database = database
        self._cache = cache
        self._tails: dict[str, _Tail] = {}

    async def playlist(self, camera: str, msn: int | None = None, part: int | None = None) -> str:
        """The camera's live playlist; with ``msn`` (and ``part``) it waits until that is in it, as ``_HLS_msn`` and ``_HLS_part`` ask.

        Raises:
            NotLive: the camera is not being recorded.
            LiveTooFarAhead: that can't be the next one.
        """
        tail = self._tails.get(camera)
        if tail is None or tail.task is None or tail.task.done():
            tail = self._tails[camera] = _Tail(self._database, self._cache, camera)
            tail.task = asyncio.create_task(tail.follow(), name=f"live-{camera}")
            tail.task.add_done_callback(lambda _, gone=tail: self._forget(camera, gone))
        return await tail.playlist(msn, part)

    def _forget(self, camera: str, tail: _Tail) -> None:
        if self._tails.get(camera) is tail:
            del self._tails[camera]
        if tail.task is not None and not tail.task.cancelled():
            # Takes the exception, if there was one, so that it is logged once, by the next request that meets it.
            tail.task.exception()

    async def close(self) -> None:
        """Ends all tails."""
        tasks = [tail.task for tail in self._tails.values() if tail.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
