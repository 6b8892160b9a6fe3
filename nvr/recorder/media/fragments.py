"""Fragments of a run, written without FFmpeg: the same bytes as its muxer makes, for a fifth of the work.

FFmpeg's muxer copies every frame five times more, looks for start codes whose places are known, holds half a megabyte a
run, and ends the process at times that it did not expect (docs/design/recording.md). Invariants: what comes out is byte
for byte what FFmpeg would give for the same samples (ISO/IEC 14496-12 8.8; tests hold the two against each other), but
that decode times count from the beginning of the file, not of the run; sound never holds a frame back.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Final

from nvr.recorder.media.inits import Template, init_of
from nvr.recorder.media.packets import AudioFormat, AudioUnit, Frame
from storage.format.boxes import Fragment, Hole, Track, TrackFragment, hole_box

__all__ = ["FRAGMENT_US", "QUICK_US", "Covered", "Fragmenter", "MuxedFragment"]

FRAGMENT_US: Final = 500_000
"""A fragment ends with the first frame that makes it this long, and before a keyframe."""

QUICK_US: Final = 180_000
"""The same while somebody watches: at 5, 10, 15, 25 or 30 frames a second a fifth of a second, also where cameras'
times stray by some milliseconds."""

# sample_depends_on and sample_is_non_sync_sample, ISO/IEC 14496-12 8.8.3.1
_KEYFRAME: Final = 0x02000000
_OTHER: Final = 0x01010000
# moof, mfhd, traf, tfhd (default-base-is-moof; defaults of duration, size, flags), tfdt (64 bits), trun up to its data
# offset
_MOOF: Final = struct.Struct(">I4s I4sII I4s I4sIIIII I4sIQ I4sIIi")
# The same without moof and mfhd
_TRAF: Final = struct.Struct(">I4s I4sIIIII I4sIQ I4sIIi")
_MDAT: Final = struct.Struct(">I4s")
_SMALL_BYTES: Final = 16 << 10
# Sound that waits for a frame: a minute and a half of 96 kbit/s.
_MOST_AUDIO_BYTES: Final = 1 << 20
# What is larger goes to the disk in its pieces: to put it together would be one more copy.
_JOINED_BYTES: Final = 32 << 10
# Where the decode time stands in a traf, and the first traf in its moof.
_TIME_AT: Final = 48
_FIRST_TRAF: Final = 24
_TIME: Final = struct.Struct(">Q")
# Sound that comes after the first fragment of a file may belong to a time before it.
_LATE_AUDIO_S: Final = 1
_TFHD_FLAGS: Final = 0x020038
_DATA_OFFSET, _FIRST_FLAGS, _DURATIONS, _SIZES, _COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x800


class Covered:
    """What a fragment has of the video: presentation time of its first sample and the greatest end of any, in ticks;
    how many samples, and whether the first is a keyframe."""

    __slots__ = ("end", "frames", "start", "sync")

    def __init__(self, start: int, end: int, frames: int, sync: bool) -> None:
        self.start = start
        self.end = end
        self.frames = frames
        self.sync = sync


class MuxedFragment:
    """``moof`` + ``mdat``, in ``size`` bytes, and what its ``moof`` says, in the run's time. ``audio_at`` is where the
    ``traf`` of its sound begins; ``read_us`` when its first frame was read of which there is no spare, as in ``Frame``;
    0 if there is one of all."""

    __slots__ = ("audio_at", "buffers", "fragment", "read_us", "size", "video")

    def __init__(
        self, buffers: list[bytes], size: int, fragment: Fragment, video: Covered, audio_at: int, read_us: int
    ) -> None:
        self.audio_at = audio_at
        self.buffers = buffers
        self.size = size
        self.fragment = fragment
        self.video = video
        self.read_us = read_us

    def rebase(self, base: int, audio_base: int) -> None:
        """Lets the decode times in its bytes count from these, in ticks of each track."""
        head = bytearray(self.buffers[0])
        tracks = self.fragment.tracks
        _TIME.pack_into(head, _FIRST_TRAF + _TIME_AT, tracks[0].decode_time - base)
        if len(tracks) > 1:
            _TIME.pack_into(head, self.audio_at + _TIME_AT, tracks[1].decode_time - audio_base)
        self.buffers[0] = bytes(head)


class Fragmenter:
    """The muxer of one run: a fragment ends before a keyframe, and before what begins half a second after it or later.
    One of fewer bytes than ``small_bytes`` goes on for a second: each fragment has its price, and a city of such
    cameras has a lot of them. Sound is in the fragment of the frames that it belongs to, or, if it comes late, in the
    next one."""

    @classmethod
    def of(cls, video: Template, audio: AudioFormat | None, time_base: Fraction) -> Fragmenter:
        """The muxer of frames whose times are ticks of ``time_base``, and of sound, if there is any.

        Raises:
            av.FFmpegError, LookupError, ValueError: MP4 has no place for these.
        """
        if time_base.numerator != 1:
            raise ValueError(f"a time base of {time_base} s")
        init, tracks = init_of(video, audio, time_base.denominator)
        return cls(init, tracks)

    def __init__(self, init: bytes, tracks: tuple[Track, ...], small_bytes: int = _SMALL_BYTES) -> None:
        self.init = init
        self.tracks = tracks
        self.video_track = tracks[0]
        self._audio_track = tracks[1] if len(tracks) > 1 else None
        self._units: list[AudioUnit] = []
        self._unit_bytes = 0
        self._usual_small_bytes = small_bytes
        self.be_quick(False)
        self._bytes = 0
        self._pictures: list[Frame] = []
        # Of how many of these there is a spare.
        self._spared = 0
        self._sequence = 0
        # What the decode times written count from, in ticks of each track.
        self._base = self._audio_base = 0
        self._composed = False
        # Where the last fragment ends, if that is known, in ticks.
        self._ends = 0

    def begin_file(self, first: MuxedFragment) -> int:
        """A file begins with this fragment: its decode times, and those of all that follow, count from the earliest
        that is in it, which is returned: ticks of the video in the run's time."""
        scale, tracks = self.video_track.timescale, first.fragment.tracks
        base = tracks[0].decode_time
        if self._audio_track is not None:
            rate = self._audio_track.timescale
            base = min(
                base, tracks[1].decode_time * scale // rate if len(tracks) > 1 else max(base - _LATE_AUDIO_S * scale, 0)
            )
            self._audio_base = base * rate // scale
        self._base = base
        first.rebase(base, self._audio_base)
        return base

    def be_quick(self, quick: bool) -> None:
        """Whether fragments are short: somebody waits for each."""
        self._longest = (QUICK_US if quick else FRAGMENT_US) * self.video_track.timescale // 1_000_000
        self._small_bytes = 0 if quick else self._usual_small_bytes

    @property
    def unwritten_us(self) -> int | None:
        """When the first frame of the fragment that is being filled was read of which there is no spare, as in
        ``Frame``. Any thread may ask."""
        pictures, spared = self._pictures, self._spared
        return pictures[spared].read_us if len(pictures) > spared else None

    def spare(self, before_us: int) -> MuxedFragment | None:
        """The fragment that is being filled, as it would be if nothing came any more: for a spare of these frames. None
        if the last was read after ``before_us``, or there is a spare of all. Nothing changes until ``spared``."""
        pictures = self._pictures
        if len(pictures) <= self._spared or pictures[-1].read_us > before_us:
            return None
        last, limit = pictures[-1], self._audio_base
        end = (last.dts + last.duration) * (self._audio_track.timescale if self._audio_track is not None else 0)
        scale = self.video_track.timescale
        units = [unit for unit in self._units if limit <= unit.time and unit.time * scale < end]
        sequence, composed = self._sequence, self._composed
        fragment = self._fragment(last.duration, units)
        self._sequence, self._composed = sequence, composed
        return fragment

    def spared(self) -> None:
        """There is a spare of all frames so far."""
        self._spared = len(self._pictures)

    def video(self, packet: Frame) -> list[MuxedFragment]:
        """Adds a frame; returns the fragment that it ended."""
        pictures = self._pictures
        if pictures:
            longest = self._longest if self._bytes >= self._small_bytes else 2 * self._longest
            if packet.is_keyframe or packet.dts - pictures[0].dts >= longest:
                units = self._units_before(packet.dts) if self._units else []
                fragment = self._fragment(packet.dts - pictures[-1].dts, units)
                self._pictures = [packet]
                self._spared = 0
                self._bytes = packet.size
                return [fragment]
        pictures.append(packet)
        self._bytes += packet.size
        return []

    def audio(self, unit: AudioUnit) -> None:
        """Adds sound, whose times rise. If no frame comes for very long, so that a lot waits, it is left out."""
        assert self._audio_track is not None
        if self._unit_bytes < _MOST_AUDIO_BYTES:
            self._units.append(unit)
            self._unit_bytes += len(unit.data)

    def _units_before(self, end: int) -> list[AudioUnit]:
        """Takes the sound that begins before this time of the video."""
        if self._audio_track is None:
            return []
        scale, limit = self.video_track.timescale, end * self._audio_track.timescale
        units = self._units
        count = early = 0
        while count < len(units) and units[count].time * scale < limit:
            # Of before the file: so late that it can't be in it.
            early += units[count].time < self._audio_base
            count += 1
        taken, self._units = units[:count], units[count:]
        for unit in taken:
            self._unit_bytes -= len(unit.data)
        return taken[early:]

    def hole(self, usual: int, reached: int, dts: int, pts: int, loss: str) -> MuxedFragment | None:
        """Ends the fragment before a frame of these times that does not follow at once: what is shown before it ends
        ``usual`` ticks after the last frame began, and not before ``reached``. None if that leaves no hole worth the
        name."""
        pictures = self._pictures
        if not pictures:
            return None
        end = reached
        if self._composed or any(picture.pts != picture.dts for picture in pictures):
            # Of frames that are reordered those that are lost may belong between the last ones that came.
            for at in sorted(picture.pts for picture in pictures):
                if end > reached and at - end > usual // 2:
                    break
                end = max(end, at + usual)
        else:
            end = max(end, pictures[-1].pts + usual)
        if pts - end <= usual // 2:
            return None
        fragment = self._fragment(dts - pictures[-1].dts, self._units_before(dts), Hole(end, pts, loss))
        self._pictures = []
        self._spared = 0
        self._bytes = 0
        return fragment

    def lengthen(self, duration: int) -> None:
        """The last frame so far lasts at least so long, in ticks, if none follows."""
        if self._pictures:
            last = self._pictures[-1]
            last.duration = max(last.duration, duration)

    def ends_at(self, duration: int, shown: int, *, at_once: bool) -> None:
        """The last frame so far lasts no longer than ``duration``, in ticks, since another run's follows; and exactly
        so long if that follows ``at_once``: then what is shown ends at ``shown``, whatever order frames are shown
        in."""
        if self._pictures:
            last = self._pictures[-1]
            last.duration = max(1, duration if at_once else min(last.duration, duration))
            self._ends = shown if at_once else 0

    def close(self) -> list[MuxedFragment]:
        """Ends the run; returns what was still being filled."""
        pictures = self._pictures
        if not pictures:
            return []
        fragment = self._fragment(
            pictures[-1].duration, [unit for unit in self._units if unit.time >= self._audio_base]
        )
        covered = fragment.video
        if self._ends > covered.start:
            covered.end = self._ends
        self._pictures, self._units, self._unit_bytes = [], [], 0
        self._spared = 0
        return [fragment]

    def _fragment(self, last_duration: int, units: list[AudioUnit], hole: Hole | None = None) -> MuxedFragment:
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
        traf = 56 + trun
        audio = _AudioSamples(units) if units else None
        moof = 24 + traf + (0 if audio is None else audio.traf_bytes) + len(after)
        self._sequence += 1
        track = self.video_track.track_id
        parts: tuple[TrackFragment, ...]
        parts = (TrackFragment(track, first.dts, moof + 8, count, total, struct.pack(f"={4 * count}q", *rows)),)
        if audio is None and hole is None:
            tail = struct.pack(f">{len(words)}II4s", *words, total + 8, b"mdat")
        elif audio is None:
            tail = struct.pack(f">{len(words)}I", *words) + after + _MDAT.pack(total + 8, b"mdat")
        else:
            assert self._audio_track is not None
            other, at = self._audio_track.track_id, moof + 8 + total
            parts += (audio.part(other, at),)
            buffers.append(audio.data)
            total += len(audio.data)
            tail = (
                struct.pack(f">{len(words)}I", *words)
                + audio.traf(other, at, self._audio_base)
                + after
                + _MDAT.pack(total + 8, b"mdat")
            )
        head = _MOOF.pack(
            moof, b"moof",
            16, b"mfhd", 0, self._sequence,
            traf, b"traf",
            28, b"tfhd", _TFHD_FLAGS, track, first_duration, first_size, _OTHER,
            20, b"tfdt", 0x01000000, first.dts - self._base,
            trun, b"trun", flags, count, moof + 8,
        )  # fmt: skip
        buffers.insert(0, head + tail)
        if total < _JOINED_BYTES:
            buffers = [b"".join(buffers)]
        covered = Covered(first.pts, end if hole is None else hole.start, count, first.is_keyframe)
        return MuxedFragment(
            buffers,
            moof + 8 + total,
            Fragment(self._sequence, parts, hole),
            covered,
            _FIRST_TRAF + traf,
            pictures[self._spared].read_us if self._spared < count else 0,
        )


class _AudioSamples:
    """The samples of a fragment's sound: a ``traf`` of them, and their bytes."""

    __slots__ = ("_durations", "_rows", "_sizes", "_units", "_words", "data", "traf_bytes")

    def __init__(self, units: list[AudioUnit]) -> None:
        self._units = units
        rows: list[int] = []
        count = len(units)
        first_size, first_duration = len(units[0].data), units[0].samples
        self._sizes = self._durations = False
        for number in range(count):
            unit = units[number]
            size = len(unit.data)
            duration = units[number + 1].time - unit.time if number + 1 < count else unit.samples
            if number == 0:
                first_duration = duration
            rows += (size, duration, 0, 1)
            self._sizes = self._sizes or size != first_size
            self._durations = self._durations or duration != first_duration
        self._rows = rows
        self._words: list[int] = []
        for at in range(0, 4 * count, 4):
            if self._durations:
                self._words.append(rows[at + 1])
            if self._sizes:
                self._words.append(rows[at])
        self.traf_bytes = 76 + 4 * len(self._words)
        self.data = b"".join([unit.data for unit in units])

    def traf(self, track: int, data_offset: int, base: int) -> bytes:
        """The box. ``data_offset`` counts from the first byte of the ``moof``, its decode time from ``base``."""
        words = self._words
        flags = _DATA_OFFSET | (_DURATIONS if self._durations else 0) | (_SIZES if self._sizes else 0)
        head = _TRAF.pack(
            self.traf_bytes, b"traf",
            28, b"tfhd", _TFHD_FLAGS, track, self._rows[1], self._rows[0], _KEYFRAME,
            20, b"tfdt", 0x01000000, self._units[0].time - base,
            20 + 4 * len(words), b"trun", flags, len(self._units), data_offset,
        )  # fmt: skip
        return head + struct.pack(f">{len(words)}I", *words)

    def part(self, track: int, data_offset: int) -> TrackFragment:
        """The same for the index."""
        count = len(self._units)
        packed = struct.pack(f"={4 * count}q", *self._rows)
        return TrackFragment(track, self._units[0].time, data_offset, count, len(self.data), packed)
