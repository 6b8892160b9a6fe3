"""Fragments of a run of pictures alone, without FFmpeg: the same bytes as its muxer makes, for a fifth of the work.

FFmpeg copies every picture five times more, looks for start codes whose places are known, and holds half a megabyte a run
(docs/reference/performance.md). Runs with sound, and packets that FFmpeg read, go through ``Muxer``, which also makes the init. Invariant: what comes
out is byte for byte what ``Muxer`` would give (ISO/IEC 14496-12 8.8; tests hold the two against each other).
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import lru_cache
from typing import Final

from nvr.recorder.muxer import FRAGMENT_US, Covered, MuxedFragment, Muxer, Template
from nvr.recorder.source import Packet, Picture
from storage.boxes import Fragment, Hole, Track, TrackFragment, hole_box

__all__ = ["Fragmenter", "muxer_for"]

# sample_depends_on and sample_is_non_sync_sample, ISO/IEC 14496-12 8.8.3.1
_KEYFRAME: Final = 0x02000000
_OTHER: Final = 0x01010000
# moof, mfhd, traf, tfhd (default-base-is-moof; defaults of duration, size, flags), tfdt (64 bits), trun up to its data offset
_MOOF: Final = struct.Struct(">I4s I4sII I4s I4sIIIII I4sIQ I4sIIi")
_SMALL_BYTES: Final = 16 << 10
# What is larger goes to the disk in its pieces: to put it together would be one more copy.
_JOINED_BYTES: Final = 32 << 10
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

    def hole(self, usual: int, reached: int, dts: int, pts: int, loss: str) -> MuxedFragment | None:
        """Ends the fragment before a frame of these times that does not follow at once: what is shown before it ends ``usual`` ticks after the last frame began, and
        not before ``reached``. None if that leaves no hole worth the name."""
        pictures = self._pictures
        if not pictures:
            return None
        end = max(reached, pictures[-1].pts + usual)
        for number in range(len(pictures) - 1):
            end = max(end, pictures[number].pts + pictures[number + 1].dts - pictures[number].dts)
        if pts - end <= usual // 2:
            return None
        fragment = self._fragment(dts - pictures[-1].dts, Hole(end, pts, loss))
        self._pictures = []
        self._bytes = 0
        return fragment

    def close(self) -> list[MuxedFragment]:
        """Ends the run; returns what was still being filled."""
        pictures = self._pictures
        if not pictures:
            return []
        fragment = self._fragment(pictures[-1].duration)
        self._pictures = []
        return [fragment]

    def _fragment(self, last_duration: int, hole: Hole | None = None) -> MuxedFragment:
        pictures = self._pictures
        count = len(pictures)
        first = pictures[0]
        # A row a sample, as in TrackFragment; what differs between samples, the trun says of each.
        rows: list[int] = []
        buffers: list[bytes] = []
        total, end = 0, first.pts
        first_duration, first_size = last_duration, first.size
        even_durations = even_sizes = True
        for number in range(count):
            picture = pictures[number]
            dts, size = picture.dts, picture.size
            duration = pictures[number + 1].dts - dts if number + 1 < count else last_duration
            if number == 0:
                first_duration = duration
            offset = picture.pts - dts
            rows += (size, duration, offset, 0)
            buffers += picture.parts
            total += size
            end = max(end, picture.pts + duration)
            even_durations = even_durations and duration == first_duration
            even_sizes = even_sizes and size == first_size
            # As FFmpeg does: once there was an offset, all fragments have them.
            self._composed = self._composed or offset != 0
        flags = _DATA_OFFSET
        words: list[int] = []
        if first.is_keyframe:
            rows[3] = 1
            flags |= _FIRST_FLAGS
            words.append(_KEYFRAME)
        if not even_durations:
            flags |= _DURATIONS
        if not even_sizes:
            flags |= _SIZES
        if self._composed:
            flags |= _COMPOSITION
        for at in range(0, 4 * count, 4):
            if not even_durations:
                words.append(rows[at + 1])
            if not even_sizes:
                words.append(rows[at])
            if self._composed:
                words.append(rows[at + 2])
        trun = 20 + 4 * len(words)
        after = b"" if hole is None else hole_box(hole)
        moof = _MOOF.size + 4 * len(words) + len(after)
        self._sequence += 1
        track = self.video_track.track_id
        head = _MOOF.pack(
            moof, b"moof",
            16, b"mfhd", 0, self._sequence,
            moof - len(after) - 24, b"traf",
            28, b"tfhd", _TFHD_FLAGS, track, first_duration, first_size, _OTHER,
            20, b"tfdt", 0x01000000, first.dts,
            trun, b"trun", flags, count, moof + 8,
        )  # fmt: skip
        tail = struct.pack(f">{len(words)}I", *words) + after + struct.pack(">I4s", total + 8, b"mdat")
        buffers.insert(0, head + tail)
        if total < _JOINED_BYTES:
            buffers = [b"".join(buffers)]
        part = TrackFragment(track, first.dts, moof + 8, count, total, struct.pack(f"={4 * count}q", *rows))
        covered = Covered(first.pts, end if hole is None else hole.start, count, first.is_keyframe)
        return MuxedFragment(buffers, moof + 8 + total, Fragment(self._sequence, (part,), hole), covered)
