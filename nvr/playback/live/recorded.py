"""What is being recorded of a camera, as it reaches the disk: for cameras without a stream of their own for watching,
and for who wants the main one.

The same look at growing files as live playlists have; nothing of it reaches a recorder.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from nvr.playback.errors import FootageGone, NotLive, PlaybackError
from nvr.playback.hls.camera_watch import CameraWatch, LiveNews
from nvr.playback.index_cache import IndexCache
from nvr.playback.live.channel import LiveChannel, LiveFragment
from nvr.playback.live.wire import LiveInit, NoPicture
from nvr.playback.reading import read_exactly
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.errors import StorageError

__all__ = ["follow_recorded"]

log = logging.getLogger(__name__)

_POLL_S: Final = 0.2
_AGAIN_S: Final = 2.0


async def follow_recorded(
    database: Database, cache: IndexCache, camera: str, channel: LiveChannel, wall_us: Callable[[], int]
) -> None:
    """Gives the channel what is recorded, until it is cancelled."""
    watch = CameraWatch(database, cache, camera, wall_us)
    reader = _Reader(database, cache, watch)
    try:
        while True:
            begun_s = time.monotonic()
            looking = asyncio.ensure_future(asyncio.to_thread(reader.look))
            try:
                found, not_live = await asyncio.shield(looking)
            except asyncio.CancelledError:
                # It has the file open, which is closed behind it.
                await asyncio.gather(looking, return_exceptions=True)
                raise
            except (OSError, sqlite3.Error, StorageError, PlaybackError) as error:
                log.warning("live view of camera %s, will try again: %s", camera, error)
                channel.away(NoPicture(None, ""))
                await asyncio.sleep(_AGAIN_S)
                continue
            for init, data in found:
                if isinstance(init, LiveInit):
                    channel.begin(init, data)
                else:
                    channel.add(init)
            if not_live is not None:
                cause = None if not_live.cause is None else str(not_live.cause)
                channel.away(NoPicture(cause, ""))
            await asyncio.sleep(max(0.0, _POLL_S - (time.monotonic() - begun_s)))
    finally:
        watch.close()


class _Reader:
    """Looks, and reads what is new; in a thread, one look at a time."""

    def __init__(self, database: Database, cache: IndexCache, watch: CameraWatch) -> None:
        self._database = database
        self._cache = cache
        self._watch = watch
        self._init: tuple[str, tuple[object, ...]] | None = None
        self._first = True

    def look(self) -> tuple[list[tuple[LiveInit | LiveFragment, bytes]], NotLive | None]:
        news, not_live = self._watch.poll()
        self._watch.take(news, not_live)
        found: list[tuple[LiveInit | LiveFragment, bytes]] = []
        for new in news:
            try:
                found += self._read(new)
            except FootageGone as error:
                log.warning("live view of camera %s: %s", self._watch.camera, error)
        return found, not_live

    def _read(self, new: LiveNews) -> list[tuple[LiveInit | LiveFragment, bytes]]:
        parts = [part for _, part in new.parts]
        if self._first and parts:
            # Nobody wants what was, but for the keyframe that it begins with.
            last = max((n for n, part in enumerate(parts) if part.sync), default=0)
            parts, self._first = parts[last:], False
        found: list[tuple[LiveInit | LiveFragment, bytes]] = []
        if not parts:
            return found
        init = new.segment.init
        run = new.segment.run_start_us, new.segment.key.epoch
        if self._init != (init, run):
            with self._database.read() as conn:
                row = segments.init(conn, init)
            if row is None:
                return found
            self._init = init, run
            found.append(
                (LiveInit("main", row.video_codec, row.audio_codec, row.width, row.height), row.data)
            )  # fmt: skip
        opened = self._cache.open(new.segment)
        try:
            for part in parts:
                data = read_exactly(opened, part.offset, part.size)
                fragment = LiveFragment(part.start_us, part.start_us + part.duration_us, part.sync, bytes(data))
                found.append((fragment, b""))
        finally:
            opened.close()
        return found
