"""Opens segments and keeps their indexes: a closed one's is read once, from its tail; a growing one's is extended by
what was added.

Thread-safe. Invariants: an index describes only whole fragments of the very file that was opened; samples kept ≤
``most_samples`` and their bytes ≤ 64 MiB, save for a single segment larger than that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nvr.playback.errors import FootageGone
from nvr.playback.reading import answer_to, damaged
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.format.boxes import BoxError
from storage.format.index_builder import IndexBuilder, scan
from storage.format.sample_index import SegmentIndex
from storage.format.segment_file import SegmentFile, read
from storage.sentences import Sentence
from storage.tiers import LOCAL, Tier
from storage.tiers.base import OpenFile

__all__ = ["FileSet", "IndexCache", "OpenSegment", "extended", "memory_of"]

log = logging.getLogger(__name__)

# 9 bytes each and, by fragments, as much again: some 40 MB, or a day of one camera and a bit.
_MOST_SAMPLES: Final = 3_000_000
# Of a camera that sends a sample a fragment, or a fragment a segment, most is around the samples.
_MOST_BYTES: Final = 64 << 20
_BYTES_EACH: Final = 8 << 10
_BYTES_OF_A_HOLE: Final = 200
# What is read of a closed segment, nearly always.
_BEGIN_BYTES: Final = 4 << 10
_TAIL_BYTES: Final = 32 << 10


@dataclass(slots=True, eq=False)
class OpenSegment:
    """A segment whose file is open. What was whole when it was opened stays readable, even if the file is deleted
    meanwhile."""

    segment: Segment
    file: SegmentFile
    data: OpenFile

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        self.data.close()


class FileSet:
    """Open segments that are read together, maybe by several threads. ``close`` takes effect when the last read has
    ended: a descriptor that is closed under a read may be another file's a moment later."""

    def __init__(self, files: Iterable[OpenSegment]) -> None:
        self.files = tuple(files)
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Sequence[OpenSegment]]:
        """The files, open until the end of the block.

        Raises:
            ValueError: they have been closed.
        """
        with self._lock:
            if self._closed:
                raise ValueError("read of closed footage")
            self._readers += 1
        try:
            yield self.files
        finally:
            with self._lock:
                self._readers -= 1
                is_last = self._closed and not self._readers
            if is_last:
                self._close_all()

    def close(self) -> None:
        """Closes the files as soon as nobody reads; a second time does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._readers:
                return
        self._close_all()

    def _close_all(self) -> None:
        for file in self.files:
            file.close()

    def __del__(self) -> None:
        # An answer that nobody ever began to send.
        self.close()


def memory_of(file: SegmentFile) -> int:
    """Roughly what a file's index takes of memory, in bytes."""
    index = file.index
    arrays: list[npt.NDArray[Any]] = [index.fragments]
    for track in index.tracks:
        arrays += [track.fragments, track.sizes, track.durations, track.offsets, track.sync]
    # Without strides it is one value for all.
    held = sum(array.nbytes for array in arrays if any(array.strides))
    return _BYTES_EACH + held + len(index.holes) * _BYTES_OF_A_HOLE


@dataclass(frozen=True, slots=True)
class _Kept:
    file: SegmentFile
    identity: tuple[int, int]

    @property
    def weight(self) -> int:
        return sum(track.count for track in self.file.index.tracks)

    @property
    def bytes(self) -> int:
        return memory_of(self.file)


class IndexCache:
    """The indexes of the segments that were used last. One for a whole process."""

    def __init__(
        self,
        database: Database,
        *,
        most_samples: int = _MOST_SAMPLES,
        most_bytes: int = _MOST_BYTES,
        tier: Tier = LOCAL,
    ) -> None:
        self._database = database
        self._tier = tier
        self._most_samples = most_samples
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._samples = 0
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Roughly what all that is kept takes of memory."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def samples(self) -> int:
        """How many samples are kept."""
        return self._samples

    def get(self, segment: Segment) -> SegmentFile:
        """What the segment's file says of itself, with its index as far as it is whole now. A closed segment that is
        kept costs no look at the disk.

        Raises:
            FootageGone: its file is no longer there, or (``FootageDamaged``) is not that segment.
        """
        if not segment.growing:
            kept = self._find(segment.key)
            if kept is not None and kept.file.tail is not None:
                return kept.file
        opened = self.open(segment)
        opened.close()
        return opened.file

    def open(self, segment: Segment) -> OpenSegment:
        """Opens the segment's file. Raises as ``get``; ``OSError`` if this process may open no more files."""
        data, segment = self._open(segment)
        try:
            return OpenSegment(segment, self._read(data, segment), data)
        except BaseException:
            data.close()
            raise

    def open_all(self, wanted: Sequence[Segment]) -> list[OpenSegment | Exception]:
        """Opens the files of these segments; for each that can't be, what ``open`` raises."""

        found: list[OpenSegment | Exception] = []
        opened: list[tuple[OpenFile, Segment] | Exception] = []
        for segment in wanted:
            try:
                data, segment = self._open(segment)
            except Exception as error:
                opened.append(error)
                continue
            opened.append((data, segment))
            if self._find(segment.key) is None:
                # All disks begin to read all of them, before the first is waited for.
                data.will_need(0, _BEGIN_BYTES)
                data.will_need(max(segment.bytes - _TAIL_BYTES, 0), _TAIL_BYTES)
        for each in opened:
            if isinstance(each, Exception):
                found.append(each)
                continue
            data, segment = each
            try:
                found.append(OpenSegment(segment, self._read(data, segment), data))
            except Exception as error:
                data.close()
                found.append(error)
        return found

    def _open(self, segment: Segment) -> tuple[OpenFile, Segment]:
        # Closing renames the file first and tells the catalogue after, so a growing segment may have its final name
        # already; and the row that we hold may be older than both.
        for _ in range(2):
            names = [segment.path]
            if segment.growing:
                names.append(dataclasses.replace(segment, growing=False).path)
            for path in names:
                try:
                    return self._tier.open(path), segment
                except FileNotFoundError:
                    continue
                except OSError as error:
                    if error.errno in (errno.EMFILE, errno.ENFILE):
                        raise
                    raise answer_to(error, segment) from error
            with self._database.read() as conn:
                now = segments.get(conn, segment.key)
            if now is None:
                raise FootageGone(segment.key)
            segment = now
        log.error("%s is not there, and the catalogue lists it; nvr check tells more", segment.path)
        raise FootageGone(segment.key)

    def _read(self, data: OpenFile, segment: Segment) -> SegmentFile:
        try:
            return self._read_index(data, segment)
        except BoxError as error:
            raise damaged(segment, str(error)) from error
        except OSError as error:
            raise answer_to(error, segment) from error

    def _read_index(self, data: OpenFile, segment: Segment) -> SegmentFile:
        key = segment.key
        state = data.state()
        kept = self._find(key)
        if kept is not None and kept.identity == state.identity:
            is_settled = kept.file.tail is not None or segment.growing
            if kept.file.size == state.size and is_settled:
                return kept.file
            if segment.growing and kept.file.tail is None and state.size > kept.file.size:
                file = _grown(data, kept.file, state.size)
                self._keep(key, _Kept(file, state.identity))
                return file
        file = read(data)
        head = file.head
        if (head.camera, head.start_us, head.node, head.epoch) != (key.camera, key.start_us, key.node, key.epoch):
            raise damaged(segment, Sentence("the file is another segment's"))
        if file.tail is None and not segment.growing:
            # What is left of it must not pass for all of it.
            raise damaged(segment, Sentence("it was cut off"))
        self._keep(key, _Kept(file, state.identity))
        return file

    def _find(self, key: Key) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def _keep(self, key: Key, new: _Kept) -> None:
        with self._lock:
            old = self._kept.pop(key, None)
            if old is not None:
                self._samples -= old.weight
                self._bytes -= old.bytes
                if old.identity == new.identity and old.file.whole_bytes > new.file.whole_bytes:
                    # Another thread has read further meanwhile.
                    new = old
            self._kept[key] = new
            self._samples += new.weight
            self._bytes += new.bytes
            while (self._samples > self._most_samples or self._bytes > self._most_bytes) and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._samples -= gone.weight
                self._bytes -= gone.bytes


def _grown(data: OpenFile, before: SegmentFile, size: int) -> SegmentFile:
    """The file with the fragments that were added to it since; only they are read."""
    builder = IndexBuilder(before.tracks, before.bases)
    # Damage ends the footage, as it does for a file that is read whole.
    with contextlib.suppress(BoxError):
        scan(data.read_at, before.whole_bytes, size, builder)
    index = extended(before.index, builder.build())
    return dataclasses.replace(before, index=index, whole_bytes=max(before.whole_bytes, index.end_offset), size=size)


def extended(index: SegmentIndex, added: SegmentIndex) -> SegmentIndex:
    """One index of two: ``added`` lists what follows in the same file. Both name the same tracks in the same order."""
    if not len(added.fragments):
        return index
    tracks = []
    for before, after in zip(index.tracks, added.tracks, strict=True):
        rows = after.fragments + np.array([len(index.fragments), before.count, 0, 0, 0])
        tracks.append(before.followed_by(replace(after, fragments=rows)))
    return SegmentIndex(np.concatenate([index.fragments, added.fragments]), tuple(tracks), (*index.holes, *added.holes))
