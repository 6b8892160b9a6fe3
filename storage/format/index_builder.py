"""An index while it grows: by the writer as it writes, and by a scan as it reads.

Who writes needs no NumPy: a worker would have it for this alone. Invariant: ``packed`` is ``encode`` of what ``build``
gives.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.format.boxes import BoxError, Fragment, Hole, Track, parse_moof
from storage.format.boxes import header as box_header
from storage.format.index_bytes import index_bytes, little_endian
from storage.format.sample_rows import SampleRows

if TYPE_CHECKING:
    from storage.format.sample_index import SegmentIndex

__all__ = ["IndexBuilder", "scan"]

# A fragment holds half a second; a moof larger than this is damage, not a fragment, and must not be read into memory.
LARGEST_MOOF_BYTES = 4 << 20
# Two hours of 60 pictures and 50 sounds a second are 0.8 M samples. What declares more is damage and must not fill the
# memory.
_MOST_SAMPLES = 4 << 20


def _declares(tracks: tuple[Track, ...], track_id: int) -> bool:
    for track in tracks:  # noqa: SIM110 - a generator would cost more than all of it
        if track.track_id == track_id:
            return True
    return False


@dataclass(slots=True)
class IndexBuilder:
    """Collects an index fragment by fragment: by the writer as it writes, and by a scan as it reads. ``bases`` are
    added to the decode times of each track: what a scan finds in a file counts from the file's own beginning."""

    tracks: tuple[Track, ...]
    bases: Mapping[int, int] = field(default_factory=dict)
    _fragments: array[int] = field(default_factory=lambda: array("q"))
    _of_tracks: dict[int, SampleRows] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)

    def add(self, offset: int, size: int, fragment: Fragment) -> None:
        """Adds the fragment whose ``moof`` begins at ``offset`` and which is ``size`` bytes long, ``mdat`` included.

        Raises:
            BoxError: samples of an undeclared track, or outside the fragment; a hole that begins before another ends.
        """
        total = 0
        for rows in self._of_tracks.values():
            total += rows.count
        for part in fragment.tracks:
            total += part.count
            if not _declares(self.tracks, part.track_id):
                raise BoxError(f"fragment at {offset} has track {part.track_id}, which the init does not declare")
            if part.data_offset < 0 or part.data_offset + part.size > size:
                raise BoxError(f"fragment at {offset} has samples outside itself")
        if total > _MOST_SAMPLES:
            raise BoxError(f"more than {_MOST_SAMPLES} samples by the fragment at {offset}")
        if fragment.hole is not None:
            if self.holes and fragment.hole.start <= self.holes[-1].end:
                raise BoxError(f"fragment at {offset} has a hole that begins before another ends")
            self.holes.append(fragment.hole)
        number = len(self._fragments) // 2
        self._fragments.extend((offset, size))
        for part in fragment.tracks:
            if not part.count:
                continue
            found = self._of_tracks.get(part.track_id)
            if found is None:
                found = self._of_tracks[part.track_id] = SampleRows()
            time = part.decode_time + self.bases.get(part.track_id, 0)
            found.add(number, part.count, offset + part.data_offset, time, part.packed)

    def build(self) -> SegmentIndex:
        """The index of what was added so far."""
        # Who only writes has no use for it.
        import numpy as np

        from storage.format.sample_index import SegmentIndex, TrackIndex

        tracks = []
        for track in self.tracks:
            found = self._of_tracks.get(track.track_id) or SampleRows()
            tracks.append(TrackIndex.of(track, found.rows(), found.samples()))
        return SegmentIndex(np.array(self._fragments, dtype=np.int64).reshape(-1, 2), tuple(tracks), tuple(self.holes))

    def packed(self) -> bytes:
        """The same as the bytes of a segment's tail: ``encode(build())`` of ``storage.format.sample_index_codec``."""
        tracks = []
        for track in self.tracks:
            found = self._of_tracks.get(track.track_id) or SampleRows()
            tracks.append(found.packed(track.track_id))
        return index_bytes(little_endian(self._fragments), tracks, self.holes)


def scan(read: Callable[[int, int], bytes], start: int, limit: int, builder: IndexBuilder) -> int:
    """Adds every whole fragment in ``[start, limit)`` of a file to the builder; returns where the next one would begin.

    ``read(offset, size)`` gives the file's bytes. Boxes between fragments are passed over. Stops without an error at
    the first box that is not whole yet: that is how a growing file looks.

    Raises:
        BoxError: what stands there can never become a fragment.
    """
    at = start
    while True:
        head = read(at, min(16, limit - at))
        moof = box_header(head, 0, len(head))
        if moof is None or at + moof.end > limit:
            return at
        if moof.kind != b"moof":
            if not moof.kind.isalnum():
                raise BoxError(f"no box at {at}")
            at += moof.end
            continue
        if moof.end > LARGEST_MOOF_BYTES:
            raise BoxError(f"moof at {at} declares {moof.end} bytes")
        data = read(at, min(moof.end + 16, limit - at))
        mdat = box_header(data, moof.end, len(data))
        if mdat is None or at + mdat.end > limit:
            return at
        if mdat.kind != b"mdat":
            raise BoxError(f"moof at {at} is followed by {mdat.kind!r}, not by its mdat")
        builder.add(at, mdat.end, parse_moof(data[: moof.end]))
        at += mdat.end
