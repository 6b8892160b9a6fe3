"""One run: its packets become fragments, its fragments segments.

Invariants: segments of a run abut to the microsecond; runs by one clock abut or lie apart; a segment starts on a
keyframe; what the disk refuses ends the run with a cause.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from nvr.recorder.clocks.clock import RunClock
from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import AudioFormat, AudioUnit, Ended, Frame
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from storage.catalogue.segments import Init, Key
from storage.causes import Cause
from storage.format.boxes import Hole
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.broken_segments import disk_cause
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle

__all__ = ["Identity", "Run"]

_LONGEST_FRAME_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who records: camera, node and epoch."""

    camera: str
    node: str
    epoch: int


class Run:
    """A run under way. Its own media time is zero at its first frame. Every segment it opens is also put into
    ``handles``. ``not_before_us``: until when the run before reaches by the same clock, which may have been slewed
    meanwhile; ``abuts``: it begins right there, since nothing is missing in between."""

    def __init__(
        self,
        identity: Identity,
        clock: RunClock,
        cutter: Cutter,
        disks: Disks,
        video: Template,
        audio: AudioFormat | None,
        first: Frame,
        handles: deque[SegmentHandle],
        not_before_us: int = 0,
        abuts: bool = False,
    ) -> None:
        time_base = first.time_base
        self._identity = identity
        self._clock = clock
        self._cutter = cutter
        self._disks = disks
        self._handles = handles
        self._muxer = Fragmenter.of(video, audio, time_base)
        self._init = Init.of(self._muxer.init, self._muxer.tracks)
        self._origin = first.dts
        self._time_base = time_base
        self._timescale = self._muxer.video_track.timescale
        self._segment: SegmentHandle | None = None
        self._disk: DiskWriter | None = None
        self._target_us = 0  # when the growing segment should end
        self._frames = 0
        # How long the frames before the newest lasted, in ticks, the last one first, and how long the newest will, as
        # far as is known.
        self._before = self._earlier = 0
        self._delta = round(Fraction(40, 1000) / time_base)
        self._is_after_hole = False
        self._is_refused = False  # by the disk
        self._longest = round(Fraction(_LONGEST_FRAME_US, 1_000_000) / time_base)
        self._not_before_us = not_before_us
        self._abuts = abuts
        self._last_dts: int | None = None
        self._media_end = 0
        # Where the run's sound has its zero, in ticks of its rate.
        self._audio_origin = round(first.dts * time_base * audio.rate) if audio is not None else 0
        self.audio_format = audio
        self.start_us: int | None = None
        self.until_us: int | None = None
        self.frames = 0
        self.bytes = 0
        self.last: SegmentHandle | None = None
        self.holes: list[Hole] = []
        """Of the newest segment."""

    @property
    def key(self) -> Key | None:
        """The run's identity, once it has footage."""
        return None if self.start_us is None else self._key(self.start_us)

    def _key(self, start_us: int) -> Key:
        return Key(self._identity.camera, start_us, self._identity.node, self._identity.epoch)

    @property
    def recorded_us(self) -> int:
        """How much footage the disk has accepted, microseconds."""
        return 0 if self.start_us is None or self.until_us is None else self.until_us - self.start_us

    @property
    def init(self) -> Init:
        """The run's init."""
        return self._init

    @property
    def segment(self) -> SegmentHandle | None:
        """The growing segment."""
        return self._segment

    @property
    def disk(self) -> DiskWriter | None:
        """Where the growing segment is, or the last one was."""
        return self._disk

    @property
    def unwritten_us(self) -> int | None:
        """When the oldest frame was read that no disk was given yet, as in ``Frame``."""
        return self._muxer.unwritten_us

    def be_quick(self, quick: bool) -> None:
        """As ``Fragmenter``."""
        self._muxer.be_quick(quick)

    def video(self, packet: Frame) -> bool:
        """Adds a frame; its timestamps become the run's own. Says whether that was the end of a fragment. Raises
        ``Ended`` if the disk refuses."""
        dts, pts = packet.dts - self._origin, packet.pts - self._origin
        if self._last_dts is not None and not self._is_after_hole:
            self._learn(dts - self._last_dts)
        self._is_after_hole = False
        self._last_dts = dts
        packet.dts, packet.pts = dts, pts
        # Counts only for the very last frame of a run; all others last until the next one.
        packet.duration = min(self._delta, self._longest)
        fragments = self._muxer.video(packet)
        for muxed in fragments:
            self._write(muxed)
        return bool(fragments)

    def audio(self, unit: AudioUnit) -> None:
        """Adds sound of ``audio_format``; what was before the run's first frame is left out."""
        time = unit.time - self._audio_origin
        if time >= 0:
            self._muxer.audio(AudioUnit(unit.data, time, unit.samples))

    def _learn(self, step: int) -> None:
        # The middle one of the last three: one frame that lasted long, as it does where a scene stands still, says
        # nothing of the next.
        a, b = self._before or step, self._earlier or step
        self._delta = max(min(a, b), min(max(a, b), step))
        self._before, self._earlier = step, self._before

    def hole_before(self, picture: Frame) -> tuple[int, int] | None:
        """To be called right before ``video(picture)`` where frames that were sent before it can't be decoded, or where
        nothing came for long: what was before ends after its usual duration. Returns from when to when there is no
        footage, in microseconds by the server's clock, for the fact that says why; it may reach a little into footage
        on both sides, since the segment's mapping of time is not final. None if there is no hole: nothing was before,
        or the frame follows at once.

        Raises:
            Ended: the disk refuses.
        """
        if self._last_dts is None:
            return None
        dts, pts = picture.dts - self._origin, picture.pts - self._origin
        muxed = self._muxer.hole(self._delta, self._media_end, dts, pts, picture.loss)
        if muxed is None or muxed.fragment.hole is None:
            return None
        self._is_after_hole = True
        self._write(muxed)
        assert self._segment is not None
        head, hole = self._segment.head, muxed.fragment.hole
        self.holes.append(hole)
        # By the run's clock, and as times of a growing segment are told.
        starts, ends = (
            (self._wall_us(ticks), head.start_us + (ticks - head.media_start) * 1_000_000 // self._timescale)
            for ticks in (hole.start, hole.end)
        )
        return min(starts), max(ends)

    def _wall_us(self, ticks: int) -> int:
        # By the connection's ticks, so that what is one tick in two runs is one microsecond.
        return self._clock.wall_us((ticks + self._origin) * 1_000_000 // self._timescale)

    def _end_us(self, ticks: int) -> int:
        """When the growing segment ends that ends there. Where by the clock that was before it began, since frames came
        late by seconds at first or a run before reaches beyond them, it lasts as long as its media."""
        assert self._segment is not None
        head, end_us = self._segment.head, self._wall_us(ticks)
        if end_us > head.start_us:
            return end_us
        return head.start_us + max(1, (ticks - head.media_start) * 1_000_000 // self._timescale)

    def _write(self, muxed: MuxedFragment) -> None:
        video = muxed.video
        self._begin_or_cut(muxed)
        media_end = max(self._media_end, video.end)
        assert self._segment is not None and self._disk is not None
        self._refuse_if_broken()
        end_us = self._end_us(media_end)
        read_s = muxed.read_us / 1e6 if muxed.read_us else None
        if not self._disk.append(self._segment, muxed.buffers, muxed.fragment, end_us, read_s):
            self._is_refused = True
            raise Ended(Cause.OVERLOAD, {"error": "the disk does not keep up", "root": str(self._disk.root.path)})
        # Counted once it is accepted: what was refused is not footage.
        self._media_end = media_end
        self._frames += video.frames
        self.frames += video.frames
        self.bytes += muxed.size
        self.until_us = end_us
        if self._cutter.overdue(self._target_us, end_us, self._segment.offset):
            raise Ended(Cause.CORRUPT, {"error": "no keyframe for too long"})

    def keep(self, before_us: int) -> None:
        """If nothing was read since ``before_us`` (as in ``Frame``), the newest frames, whose duration the next one is
        going to tell, are put into the segment as a spare, so that a power cut does not cost them.

        Raises:
            Ended: the disk refuses.
        """
        muxed = self._muxer.spare(before_us)
        if muxed is None:
            return
        self._begin_or_cut(muxed)
        assert self._segment is not None and self._disk is not None
        self._refuse_if_broken()
        if self._disk.keep(self._segment, muxed.buffers, muxed.read_us / 1e6):
            self._muxer.spared()

    def _begin_or_cut(self, muxed: MuxedFragment) -> None:
        video = muxed.video
        first = video.start
        if self._segment is None:
            self._open(muxed, self._not_before_us if self._abuts else max(self._wall_us(first), self._not_before_us))
            return
        if not video.sync:
            return
        keyframe_us = self._end_us(first)
        reason = self._cutter.cut(self._target_us, keyframe_us, self._segment.offset)
        if reason is not None:
            self._close(keyframe_us, first, reason)
            self._open(muxed, keyframe_us)

    def _open(self, muxed: MuxedFragment, start_us: int) -> None:
        is_first = self.start_us is None
        if self.start_us is None:
            self.start_us = start_us
        head = Head(
            self._identity.camera,
            self._identity.node,
            self._identity.epoch,
            self.start_us,
            start_us,
            muxed.video.start,
            self._timescale,
            self._muxer.begin_file(muxed),
        )
        self._target_us = self._cutter.target_us(start_us)
        self._disk = self._disks.choose()
        self._segment = self._disk.open(head, self._init, IndexBuilder(self._muxer.tracks), is_first)
        self._handles.append(self._segment)
        if self.until_us is None:
            self.until_us = start_us
        self.last = self._segment
        self.holes = []
        self._frames = 0

    def _close(self, end_us: int, media_end: int, reason: str) -> None:
        if self._segment is not None and self._disk is not None:
            self._refuse_if_broken()
            self._disk.close_segment(
                self._segment, end_us=end_us, media_end=media_end, frames=self._frames, reason=reason
            )
            self.until_us = end_us
            self._segment = None

    def _refuse_if_broken(self) -> None:
        if self._segment is not None and self._segment.error is not None and self._disk is not None:
            error = self._segment.error
            self._disks.failed(self._disk)
            self.until_us = self._segment.written_until_us
            self._segment = None
            self._is_refused = True
            raise Ended(disk_cause(error), {"error": error.strerror or str(error), "root": str(self._disk.root.path)})

    def lasts(self, until_us: int) -> None:
        """The last frame is still shown at ``until_us``, by the server's clock: the camera is one that sends a frame
        now and then, and the next is not due."""
        if self._last_dts is not None:
            self._muxer.lengthen((until_us - self._wall_us(self._last_dts)) * self._timescale // 1_000_000)

    def followed_by(self, picture: Frame, *, at_once: bool) -> None:
        """To be called before ``end`` where the next run begins with this frame. ``at_once``: nothing is missing in
        between."""
        if self._last_dts is not None:
            duration, shown = picture.dts - self._origin - self._last_dts, picture.pts - self._origin
            self._muxer.ends_at(duration, shown, at_once=at_once)

    def end(self, ended: Ended) -> Ended:
        """Writes what is still being filled and closes the segment; returns the cause that counts, which is the disk's
        if it refuses now."""
        try:
            for muxed in self._muxer.close():
                # Behind a fragment that the disk refused there is no place for another. Who else stops a camera leaves
                # what came.
                if not self._is_refused:
                    self._write(muxed)
            if self._segment is not None:
                self._close(self._end_us(self._media_end), self._media_end, ended.cause)
        except Ended as worse:
            return worse
        return ended
