"""Which keyframes of a stretch differ from their background: made when somebody asks, five minutes at a time, and kept
for a while.

One thread asks the idle process; what is asked for last is made first, and what nobody asks for any more is not made.
Invariant: what is kept is bounded in bytes, and is of keyframes alone: times, and which blocks differ.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nvr.playback.activity import AROUND, Blocks, Grid, changed
from nvr.playback.activity_process import ActivityProcess
from nvr.playback.errors import PlaybackError
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.playback.mapping import TimeMap
from nvr.playback.reading import read_exactly
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Segment
from storage.coverage import one_camera
from storage.errors import CatalogueError

__all__ = ["SLICE_US", "ActivitySlice", "ActivitySlices"]

log = logging.getLogger(__name__)

SLICE_US: Final = 300 * 1_000_000
# What is before and after a slice, for the background of its first and last keyframes.
_BESIDE_US: Final = 120 * 1_000_000
# Cameras whose every frame is a keyframe are looked at once a second.
_APART_US: Final = 900_000
_MOST_BYTES: Final = 32 << 20
_MOST_WANTED: Final = 96
# Not asked for again within so long: nobody looks any more.
_FORGET_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class ActivitySlice:
    """Of each keyframe of a slice when it began to be shown (microseconds), and which blocks differ, packed."""

    times_us: npt.NDArray[np.int64]
    shapes: tuple[tuple[int, tuple[int, int]], ...]
    packed: bytes

    @property
    def bytes(self) -> int:
        """What it weighs, nearly."""
        return len(self.packed) + self.times_us.nbytes + 400

    def grids(self) -> Iterator[Grid]:
        """Of stretches of pictures of one size, in order."""
        bits, at = np.unpackbits(np.frombuffer(zlib.decompress(self.packed), np.uint8)), 0
        for count, (high, wide) in self.shapes:
            size = count * high * wide
            yield bits[at : at + size].reshape(count, high, wide).astype(bool)
            at += size


@dataclass(frozen=True, slots=True)
class _Key:
    time_us: int
    segment: Segment
    offset: int
    size: int


class ActivitySlices:
    """One for the whole application; safe to use from several threads. ``close`` at the end."""

    def __init__(self, database: Database, cache: IndexCache, *, most_bytes: int = _MOST_BYTES) -> None:
        self._database = database
        self._cache = cache
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], ActivitySlice] = OrderedDict()
        # When it was asked for last; what was asked for last comes last.
        self._wanted: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._making: tuple[str, int] | None = None
        self._thread: threading.Thread | None = None
        self._process = ActivityProcess()
        self._closed = False
        self.bytes = 0

    @property
    def pid(self) -> int | None:
        """Of the process that decodes, while there is one."""
        return self._process.pid

    def of(self, camera: str, start_us: int) -> ActivitySlice | None:
        """The slice that begins then (a multiple of ``SLICE_US``); None: it is being made, ask again."""
        key = camera, start_us
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
            if key == self._making:
                return None
            self._wanted[key] = time.monotonic()
            self._wanted.move_to_end(key)
            while len(self._wanted) > _MOST_WANTED:
                self._wanted.popitem(last=False)
            if not self._closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="activity", daemon=True)
                self._thread.start()
        return None

    def _next(self) -> tuple[str, int] | None:
        with self._lock:
            now_s = time.monotonic()
            while self._wanted and not self._closed:
                key, asked_s = self._wanted.popitem(last=True)
                if now_s - asked_s < _FORGET_S:
                    self._making = key
                    return key
            self._making = None
            return None

    def _run(self) -> None:
        try:
            while (key := self._next()) is not None:
                try:
                    made = self._made(*key)
                except (LookupError, sqlite3.Error, CatalogueError) as error:
                    log.warning("keyframes of camera %s can't be compared: %s", key[0], error)
                    made = ActivitySlice(np.empty(0, np.int64), (), zlib.compress(b""))
                self._keep(key, made)
        finally:
            self._process.close()

    def _keep(self, key: tuple[str, int], made: ActivitySlice) -> None:
        with self._lock:
            if (old := self._kept.pop(key, None)) is not None:
                self.bytes -= old.bytes
            self._making = None
            self._kept[key] = made
            self.bytes += made.bytes
            while self.bytes > self._most_bytes and len(self._kept) > 1:
                self.bytes -= self._kept.popitem(last=False)[1].bytes

    def _made(self, camera: str, start_us: int) -> ActivitySlice:
        end_us = start_us + SLICE_US
        keys = self._keys(camera, start_us - _BESIDE_US, end_us + _BESIDE_US)
        first = next((n for n, key in enumerate(keys) if key.time_us >= start_us), len(keys))
        last = next((n for n, key in enumerate(keys) if key.time_us >= end_us), len(keys))
        keys = keys[max(first - AROUND, 0) : last + AROUND]
        times: list[int] = []
        blocks: list[Blocks] = []
        for init, group in itertools.groupby(keys, key=lambda one: one.segment.init):
            mine = list(group)
            with self._database.read() as conn:
                row = segments.init(conn, init)
            if row is None:
                continue
            for key, found in zip(mine, self._process.blocks(row.data, self._read(mine)), strict=True):
                if found is not None:
                    times.append(key.time_us)
                    blocks.append(found)
        kept: list[int] = []
        shapes: list[tuple[int, tuple[int, int]]] = []
        bits: list[npt.NDArray[np.bool_]] = []
        at = 0
        for (high, wide), alike in itertools.groupby(blocks, key=lambda one: (one.shape[0], one.shape[1])):
            pictures = np.stack(list(alike))
            here = np.array(times[at : at + len(pictures)])
            at += len(pictures)
            within = (here >= start_us) & (here < end_us)
            if within.any():
                grid = changed(pictures)[within]
                kept += here[within].tolist()
                shapes.append((len(grid), (high, wide)))
                bits.append(grid.ravel())
        packed = np.packbits(np.concatenate(bits)).tobytes() if bits else b""
        return ActivitySlice(np.array(kept, np.int64), tuple(shapes), zlib.compress(packed))

    def _keys(self, camera: str, start_us: int, end_us: int) -> list[_Key]:
        with self._database.read() as conn:
            pieces = one_camera.pieces(conn, camera, start_us, end_us)
        found: list[_Key] = []
        for piece in pieces:
            try:
                video, map_ = self._cache.get(piece.segment).index.video, TimeMap.of(piece.segment)
            except PlaybackError as error:
                log.warning("keyframes of camera %s: %s", camera, error)
                continue
            for number in np.flatnonzero(video.sync).tolist():
                time_us = map_.wall_us(int(video.decode_times[number] + video.offsets[number]))
                is_apart = not found or time_us - found[-1].time_us >= _APART_US
                if piece.start_us <= time_us < piece.end_us and is_apart:
                    size = int(video.sizes[number])
                    found.append(_Key(time_us, piece.segment, int(video.byte_offsets[number]), size))
        return found

    def _read(self, keys: list[_Key]) -> Iterator[bytes]:
        """The samples; nothing of one that can't be read."""
        for _, group in itertools.groupby(keys, key=lambda one: one.segment.key):
            mine = list(group)
            try:
                opened = self._cache.open(mine[0].segment)
            except PlaybackError as error:
                log.warning("keyframes: %s", error)
                yield from (b"" for _ in mine)
                continue
            try:
                for key in mine:
                    yield self._sample(opened, key)
            finally:
                opened.close()

    @staticmethod
    def _sample(opened: OpenSegment, key: _Key) -> bytes:
        try:
            return bytes(read_exactly(opened, key.offset, key.size))
        except PlaybackError as error:
            log.warning("keyframes: %s", error)
            return b""

    def close(self) -> None:
        """Ends the thread and its process."""
        with self._lock:
            self._closed = True
            self._wanted.clear()
            thread = self._thread
        if thread is not None:
            self._process.close()
            thread.join(10)
