"""Fragments of several cameras in one answer, in the order of time.

Invariant: nothing of a camera comes before what another shows a stretch earlier, so that whoever plays them all on one
clock has all of them or none; a file that is gone ends nothing but its own stretch.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nvr.playback.errors import FootageGone
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.playback.tiles.fragments import TileFragment, TileGap, read_fragment, tile_fragments
from nvr.playback.tiles.keyframes import keyframe_at, read_keyframe
from nvr.playback.tiles.messages import MessageKind, TileInit, init_message, message, timed
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.intervals import Interval

__all__ = ["InitMessages", "TileAsked", "TileStream", "keyframe_messages"]

log = logging.getLogger(__name__)

# Read at once: few enough to be fair, and that the first picture comes at once.
_PIECE_BYTES: Final = 128 << 10


@dataclass(frozen=True, slots=True)
class TileAsked:
    """A camera of several, and what of it was granted: ``ranges``, sorted and disjoint."""

    number: int
    camera: str
    ranges: tuple[Interval, ...]


class InitMessages:
    """Names each camera's init where it changes. ``have``: ids of those that whoever asks has."""

    def __init__(self, database: Database, have: Collection[str]) -> None:
        self._database = database
        self._have = set(have)
        self._said: dict[int, str] = {}

    def of(self, tile: int, init: str) -> bytes:
        """The message that has to come before what this init decodes; none if it was the last one said."""
        if self._said.get(tile) == init:
            return b""
        with self._database.read() as conn:
            found = segments.init(conn, init)
        if found is None:
            return b""
        self._said[tile] = init
        data = b"" if init in self._have else found.data
        self._have.add(init)
        what = TileInit(found.id, found.video_codec, found.audio_codec, found.width, found.height)
        return init_message(tile, what, data)


class TileStream:
    """What shows ``[start_us, end_us)`` of several cameras; presentation times count from ``origin_us``. Used by one
    thread at a time."""

    def __init__(
        self,
        database: Database,
        cache: IndexCache,
        tiles: Sequence[TileAsked],
        *,
        origin_us: int,
        have: Collection[str] = (),
    ) -> None:
        self._cache = cache
        self._inits = InitMessages(database, have)
        self._left = heapq.merge(
            *(self._one(database, cache, tile, origin_us) for tile in tiles), key=lambda found: found[1]
        )

    @staticmethod
    def _one(
        database: Database, cache: IndexCache, tile: TileAsked, origin_us: int
    ) -> Iterator[tuple[int, int, TileFragment | TileGap | None]]:
        whole = tile.ranges[0].start_us, tile.ranges[-1].end_us
        within = tile.ranges if len(tile.ranges) > 1 else None
        at_us = whole[0]
        for found in tile_fragments(database, cache, tile.camera, *whole, origin_us=origin_us, within=within):
            at_us = max(at_us, found.start_us)
            yield tile.number, at_us, found
        yield tile.number, whole[1], None

    def produce(self) -> bytes:
        """The next messages; none at the end.

        Raises:
            OSError: this process may open no more files.
        """
        made = bytearray()
        opened: dict[Key, OpenSegment] = {}
        try:
            while len(made) < _PIECE_BYTES and (item := next(self._left, None)) is not None:
                number, _, found = item
                if found is None:
                    made += message(number, MessageKind.END, b"")
                elif isinstance(found, TileGap):
                    kind = MessageKind.LOST if found.lost else MessageKind.GAP
                    made += timed(number, kind, found.start_us, found.end_us)
                else:
                    made += self._fragment(number, found, opened)
        finally:
            for file in opened.values():
                file.close()
        return bytes(made)

    def _fragment(self, number: int, wanted: TileFragment, opened: dict[Key, OpenSegment]) -> bytes:
        key = wanted.segment.key
        try:
            if key not in opened:
                opened[key] = self._cache.open(wanted.segment)
            data = read_fragment(opened[key], wanted)
        except FootageGone as error:
            log.warning("footage of camera %s: %s", key.camera, error)
            return timed(number, MessageKind.LOST, wanted.start_us, wanted.end_us)
        return self._inits.of(number, wanted.segment.init) + timed(
            number, MessageKind.FRAGMENT, wanted.start_us, wanted.end_us, data
        )


def keyframe_messages(
    database: Database, cache: IndexCache, tiles: Sequence[TileAsked], moments: Sequence[int], inits: InitMessages
) -> Iterator[bytes]:
    """The keyframe of each camera at each of these moments, moment by moment. One that is shown at several of them
    comes once; where nothing was recorded or granted, a gap comes that is the moment."""
    last: dict[int, tuple[Key, int]] = {}
    for at_us in moments:
        for tile in tiles:
            is_granted = any(a <= at_us < b for a, b in tile.ranges)
            try:
                found = keyframe_at(database, cache, tile.camera, at_us) if is_granted else None
                if found is None:
                    yield timed(tile.number, MessageKind.GAP, at_us, at_us + 1)
                    continue
                identity = found.segment.key, found.offset
                if last.get(tile.number) == identity:
                    continue
                last[tile.number] = identity
                data = read_keyframe(cache, found)
            except FootageGone as error:
                log.warning("footage of camera %s: %s", tile.camera, error)
                yield timed(tile.number, MessageKind.LOST, at_us, at_us + 1)
                continue
            yield inits.of(tile.number, found.segment.init) + timed(
                tile.number, MessageKind.KEYFRAME, found.start_us, found.end_us, data
            )
