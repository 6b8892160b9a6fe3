"""Fragments of a run of pictures alone, without FFmpeg: the same bytes as its muxer makes, for a fifth of the work.

FFmpeg copies every picture five times more, looks for start codes whose places are known, and holds half a megabyte a run
(docs/reference/performance.md). Runs with sound, and packets that FFmpeg read, go through ``Muxer``, which also makes the init. Invariant: what comes
out is byte for byte what ``Muxer`` would give (ISO/IEC 14496-12 8.8; tests hold the two against each other).
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from nvr.recorder.muxer import FRAGMENT_US, Covered, MuxedFragment, Muxer, Template
from nvr.recorder.source import Packet, Picture
from storage.boxes import Fragment, Track, TrackFragment

__all__ = ["Fragmenter", "muxer_for"]

# sample_depends_on and sample_is_non_sync_sample, ISO/IEC 14496-12 8.8.3.1
_KEYFRAME: Final = 0x02000000
_OTHER: Final = 0x01010000
# moof, mfhd, traf, tfhd (default-base-is-moof; defaults of duration, size, flags), tfdt (64 bits), trun up to its data offset
_MOOF: Final = struct.Struct(">I4s I4sII I4s I4sIIIII I4sIQ I4sIIi")
_SMALL_BYTES: Final = 16 << 10
_TFHD_FLAGS: Final = 0x020038
_DATA_OFFSET, _FIRST_FLAGS, _DURATIONS, _SIZES, _COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x800


@lru_cache(maxsize=256)
def _init(video: Template, time_base: Fraction) -> tuple[bytes, tuple[Track, ...]]:
    """The init and its tracks: shared by all cameras of one template."""
    muxer = Muxer(video, None, time_base)
    muxer.close()
    return muxer.init, muxer.tracks


def muxer_for(video: Template, audio: Template | None, time_base: Fraction, first: Packet) -> Muxer | Fragmenter:
    """What a run that begins with this packet is muxed with."""
    if audio is None and isinstance(first, Picture) and time_base.numerator == 1:
        init, tracks = _init(video, time_base)
        # FFmpeg multiplies coarse time bases.
        if tracks[0].timescale == time_base.denominator:
            return Fragmenter(init, tracks)
    return Muxer(video, audio, time_base)


class Fragmenter:
    """The muxer of one run, as ``Muxer``: a fragment ends before a keyframe, and before what begins half a second after it or later. One of fewer bytes
    than ``small_bytes`` goes on for a second: each fragment has its price, and a city of such cameras has a lot of them."""

    def __init__(self, init: bytes, tracks: tuple[Track, ...], small_bytes: int = _SMALL_BYTES) -> None:
        self.init = init
        self.tracks = tracks
        self.video_track = tracks[0]
        self._longest = FRAGMENT_US * self.video_track.timescale // 1_000_000
        self._small_bytes = small_bytes
        self._bytes = 0
        self._pictures: list[Picture] = []
        self._sequence = 0
        self._composed = False

    def video(self, packet: Packet) -> list[MuxedFragment]:
        """Adds a picture, which is changed; returns the fragment that it ended."""
        assert isinstance(packet, Picture)
        pictures = self._pictures
        if pictures:
            longest = self._longest if self._bytes >= self._small_bytes else 2 * self._longest
            if packet.is_keyframe or packet.dts - pictures[0].dts >= longest:
                fragment = self._fragment(packet.dts - pictures[-1].dts)
                self._pictures = [packet]
                self._bytes = packet.size
                return [fragment]
        pictures.append(packet)
        self._bytes += packet.size
        return []

    def audio(self, packet: Packet) -> list[MuxedFragment]:
        """There is no sound in such a run."""
        raise AssertionError(packet)

    def close(self) -> list[MuxedFragment]:
        """Ends the run; returns what was still being filled."""
        pictures = self._pictures
        if not pictures:
            return []
        fragment = self._fragment(pictures[-1].duration)
        self._pictures = []
        return [fragment]

    def _fragment(self, last_duration: int) -> MuxedFragment:
        pictures = self._pictures
        count = len(pictures)
        first = pictures[0]
        times = [picture.dts for picture in pictures]
        durations = [after - before for before, after in pairwise(times)]
        durations.append(last_duration)
        datas = [picture.length_prefixed() for picture in pictures]
        sizes = [len(data) for data in datas]
        offsets = [picture.pts - picture.dts for picture in pictures]
        # As FFmpeg does: once there was an offset, all fragments have them.
        self._composed = self._composed or any(offsets)
        duration, size = durations[0], sizes[0]
        flags, columns = _DATA_OFFSET, []
        if durations.count(duration) != count:
            flags |= _DURATIONS
            columns.append(durations)
        if sizes.count(size) != count:
            flags |= _SIZES
            columns.append(sizes)
        if self._composed:
            flags |= _COMPOSITION
            columns.append(offsets)
        words: list[int] = []
        if first.is_keyframe:
            flags |= _FIRST_FLAGS
            words.append(_KEYFRAME)
        words += columns[0] if len(columns) == 1 else [word for row in zip(*columns, strict=True) for word in row]
        trun = 20 + 4 * len(words)
        moof = _MOOF.size + 4 * len(words)
        self._sequence += 1
        track = self.video_track.track_id
        head = _MOOF.pack(
            moof, b"moof",
            16, b"mfhd", 0, self._sequence,
            moof - 24, b"traf",
            28, b"tfhd", _TFHD_FLAGS, track, duration, size, _OTHER,
            20, b"tfdt", 0x01000000, first.dts,
            trun, b"trun", flags, count, moof + 8,
        )  # fmt: skip
        total = sum(sizes)
        data = b"".join((head, struct.pack(f">{len(words)}I", *words), struct.pack(">I4s", total + 8, b"mdat"), *datas))
        samples = np.empty((count, 4), dtype=np.int64)
        samples[:, 0] = sizes
        samples[:, 1] = durations
        samples[:, 2] = offsets
        samples[:, 3] = 0
        samples[0, 3] = first.is_keyframe
        end = max(picture.pts + length for picture, length in zip(pictures, durations, strict=True))
        part = TrackFragment(track, first.dts, moof + 8, samples)
        return MuxedFragment(data, Fragment(self._sequence, (part,)), Covered(first.pts, end, count, first.is_keyframe))
