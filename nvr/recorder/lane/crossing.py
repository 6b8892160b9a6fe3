"""The state of a connection, from the reference into the lane and back. No decisions but one: whether it is regular.

The order of numbers in each row is that of the structs in ``packets/src``. Invariant: what is given back is what the
reference would have, had it read all itself; ``tests/recorder/lane`` holds the two against each other.
"""

from __future__ import annotations

from typing import Any, Final

from nvr.recorder.media.packets import Frame
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.sources.rtp.continuity import Mark
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtsp.receiving import VideoReceiver
from nvr.recorder.sources.rtsp.source import NativeSource

__all__ = ["Crossing"]

_NEVER: Final = 1 << 62
# As ``frame`` has it: what frames say of their order was compared often enough.
_COMPARED: Final = 64


class Crossing:
    """Of one connection: the reference's objects that the lane stands for."""

    def __init__(self, source: NativeSource, video: VideoReceiver, pipeline: Pipeline) -> None:
        self._source = source
        self._video = video
        self._pipeline = pipeline

    # Into the lane ---------------------------------------------------------------------------------------------------

    def enter(self, extension: Any, buffer: bytearray) -> Any:
        """A lane in this state, which reads from this buffer; None if it is not regular."""
        if not (self._is_between_frames() and self._is_recording()):
            return None
        source, video, pipeline = self._source, self._video, self._pipeline
        depacketiser, run = video.depacketiser, pipeline.run
        timeline, times, watch = pipeline._timeline, source._times, pipeline._watch
        assert run is not None and timeline is not None and times is not None and watch is not None
        sense, sequence, received = depacketiser.sense, video.sequence, source._received
        clock, muxer, own = timeline.clock, run._muxer, pipeline.counting.own
        is_h264 = isinstance(depacketiser, H264Depacketiser)
        pictures = muxer._pictures
        packets = [
            video.track.channel,
            video._plain_type,
            sequence.ssrc,
            sequence.highest,
            sequence.received,
            video.packets,
            video.bytes,
            source._packets_read,
            source._whole_at,
            source._whole_dts,
            video.took_us,
            video._read_us,
            received.us,
            _NEVER if received._last_us is None else received._last_us,
            received._silence_us,
        ]
        counts = [
            sense.units,
            sense.keyframes_begun,
            sense.keyframes,
            sense.frames,
            sense.ends,
            depacketiser.finished,
            depacketiser._ends,
            depacketiser._usual_slices,
            depacketiser._steady_slices,
            depacketiser._alike,
            depacketiser._usual,
        ]
        line = [
            video.unwrapper._last,
            video._zero,
            video.latest,
            video._usual_step,
            video._latest_at_us,
            times._jump_on,
            int(times._learns),
            timeline._num,
            timeline._den,
            timeline._offset,
            timeline._number,
            timeline._raw_before,
            timeline._raw,
            timeline._last,
            timeline._last_us,
            timeline._last_late_us,
            timeline.usual,
            timeline.step_us,
            timeline.usual_us,
            timeline.media_us,
            timeline._again,
            int(timeline._catching_up),
            timeline._believed_us,
            timeline._unmoving,
            timeline._least_us,
            timeline._least_at_us,
            timeline._second_end_us,
            timeline._pulled_us,
            timeline.slack_us,
            clock._base_media_us,
            clock._base_wall_us,
            clock._ppm,
            _NEVER if clock._least_us is None else clock._least_us,
            _NEVER if clock._window_end_us is None else clock._window_end_us,
            clock.late_us,
            watch._offset_us,
            watch.change_us,
            _NEVER if pipeline._keyframe_us is None else pipeline._keyframe_us,
            own["keyframe_interval_us"],
            pipeline.longest_keyframe_us,
            pipeline._received,
            pipeline._waiting.since_us,
            pipeline._waiting._frames,
        ]
        cut = [
            run._origin,
            run._last_dts,
            run._before,
            run._earlier,
            run._delta,
            run._longest,
            muxer._longest,
            muxer._small_bytes,
            muxer._sequence,
            muxer._base,
            muxer._spared,
            muxer.video_track.track_id,
            pictures[-1].duration,
        ]
        return extension.Lane(
            buffer,
            is_h264,
            depacketiser._sublayers if isinstance(depacketiser, H265Depacketiser) else -1,
            packets,
            counts,
            line,
            cut,
            (depacketiser._timestamp, depacketiser._newest),
            (_row(depacketiser._before), _row(depacketiser._last)),
            (self._is_order_believed(), depacketiser._compared >= _COMPARED),
            self._known_sets(),
            list(source._sets),
            times._sorted,
            list(zip(timeline._drift._at_us, timeline._drift._least_us, strict=True)),
            [(each.dts, each.size, each.read_us, each.is_keyframe) for each in pictures],
            b"".join([part for each in pictures for part in each.parts]),
        )

    def _is_between_frames(self) -> bool:
        """Whether packets and frames are regular, and none is open."""
        video, source, times = self._video, self._source, self._source._times
        depacketiser, unwrapper = video.depacketiser, video.unwrapper
        if (
            depacketiser._has_slice
            or not (depacketiser._marked and depacketiser._trusted and depacketiser.finished)
            or depacketiser._probes
            or depacketiser._parts
            or depacketiser._fragment
            or depacketiser._damaged
            or depacketiser._deferred
            or depacketiser._check
            or depacketiser._pending
            or depacketiser._waiting
            or depacketiser._suspect
            or depacketiser._doubtful
            or depacketiser._markers_lie
            or depacketiser._may_be_fields
            or depacketiser._unheard
            or depacketiser._recoveries
            or depacketiser._lost
            or depacketiser._leading_to is not None
            or depacketiser._timestamp is None
        ):
            return False
        if isinstance(depacketiser, H264Depacketiser):
            if depacketiser._ignoring or depacketiser._empty_start >= 0 or not depacketiser._had_idr:
                return False
        elif isinstance(depacketiser, H265Depacketiser):
            if depacketiser._ignoring or depacketiser._empty_start or depacketiser._donl:
                return False
        else:
            return False
        if self._is_order_believed() and depacketiser._compared < _COMPARED:
            return False
        return (
            type(video) is VideoReceiver
            and video._plain_type >= 0
            and video.sequence.ssrc is not None
            and video._zero is not None
            and not video._began_anew
            and unwrapper._last is not None
            and unwrapper._last - video._zero == video.latest
            and times is not None
            and times._depth == 0
            and times._highest == times._last == video.latest
            and source._audio is None
            and source._session is not None
        )

    def _is_order_believed(self) -> bool:
        """Whether frames behind a hole in time are compared with those before it."""
        depacketiser = self._video.depacketiser
        return not depacketiser._order_lies and depacketiser._continuity().tells_skips

    def _is_recording(self) -> bool:
        """Whether a run grows to which frames are added, one like the other."""
        pipeline, timeline, run = self._pipeline, self._pipeline._timeline, self._pipeline.run
        if (
            run is None
            or timeline is None
            or pipeline._ended is not None
            or pipeline._held
            or pipeline._kept
            or pipeline._watch is None
            or pipeline._audio is not None
            or pipeline._clock is not timeline.clock
        ):
            return False
        muxer = run._muxer
        return (
            timeline.clock.anchored
            and timeline._has_last
            and not timeline._scaled
            and not timeline._has_candidate
            and timeline._held is None
            and timeline._creep is None
            and not timeline._turn_text
            and not timeline._composition
            and not timeline._odd
            and run.audio_format is None
            and not run._is_after_hole
            and not run._is_refused
            and run._last_dts is not None
            and muxer._audio_track is None
            and not muxer._composed
            and len(muxer._pictures) > 0
            and pipeline._sets.issuperset(self._source._sets)
        )

    def _known_sets(self) -> list[bytes]:
        """Parameter sets that change nothing if they come: of those that tell frames apart only the last."""
        depacketiser = self._video.depacketiser
        if not isinstance(depacketiser, H264Depacketiser | H265Depacketiser):
            return []
        kind = 7 if isinstance(depacketiser, H264Depacketiser) else 33
        return [unit for key, unit in depacketiser.sets.items() if key[0] != kind or unit == depacketiser._sps]

    # And back --------------------------------------------------------------------------------------------------------

    def counted(self, lane: Any) -> None:
        """What others may want to know while the lane goes on: counts, and when the last frame came."""
        source, video, pipeline = self._source, self._video, self._pipeline
        depacketiser, timeline = video.depacketiser, pipeline._timeline
        assert timeline is not None and pipeline._watch is not None
        sense, sequence, received, clock = depacketiser.sense, video.sequence, source._received, timeline.clock
        (
            _, _, _, sequence.highest, sequence.received, video.packets, video.bytes, source._packets_read,
            source._whole_at, source._whole_dts, video.took_us, video._read_us, received.us, last_us, _,
        ) = lane.packets  # fmt: skip
        received._last_us = None if last_us == _NEVER else last_us
        (
            sense.units, sense.keyframes_begun, sense.keyframes, sense.frames, sense.ends,
            depacketiser.finished, depacketiser._ends, depacketiser._usual_slices, depacketiser._steady_slices,
            depacketiser._alike, depacketiser._usual,
        ) = lane.counts  # fmt: skip
        (
            video.unwrapper._last, _, video.latest, video._usual_step, video._latest_at_us, _, _, _, _, _,
            timeline._number, timeline._raw_before, timeline._raw, timeline._last, timeline._last_us,
            timeline._last_late_us, timeline.usual, timeline.step_us, timeline.usual_us, timeline.media_us,
            timeline._again, catching_up, timeline._believed_us, timeline._unmoving, timeline._least_us,
            timeline._least_at_us, timeline._second_end_us, timeline._pulled_us, timeline.slack_us,
            clock._base_media_us, clock._base_wall_us, clock._ppm, least_us, window_end_us, clock.late_us,
            _, pipeline._watch.change_us, keyframe_us, pipeline.counting.own["keyframe_interval_us"],
            pipeline.longest_keyframe_us, pipeline._received, pipeline._waiting.since_us, pipeline._waiting._frames,
        ) = lane.times  # fmt: skip
        timeline._catching_up, timeline._seen_late_us = catching_up != 0, timeline._last_late_us
        clock._least_us = None if least_us == _NEVER else least_us
        clock._window_end_us = None if window_end_us == _NEVER else window_end_us
        pipeline._keyframe_us = None if keyframe_us == _NEVER else keyframe_us

    def leave(self, lane: Any) -> None:
        """All of it: from now on the reference goes on."""
        self.counted(lane)
        self._leave_frames(lane)
        video, source, pipeline = self._video, self._source, self._pipeline
        timeline, run, times = pipeline._timeline, pipeline.run, source._times
        assert timeline is not None and run is not None and times is not None and video.latest is not None
        timeline._last_raw = timeline._raw
        timeline.dts = timeline.pts = timeline._last
        seconds = lane.seconds
        timeline._drift._at_us = [second[0] for second in seconds]
        timeline._drift._least_us = [second[1] for second in seconds]
        times._sorted = lane.remembered
        times._last = times._highest = video.latest
        muxer = run._muxer
        (
            _, run._last_dts, run._before, run._earlier, run._delta, _,
            _, _, muxer._sequence, _, muxer._spared, _, duration,
        ) = lane.cut  # fmt: skip
        base, pictures = run._time_base, []
        for (time, size, read_us, is_keyframe), data in zip(lane.samples, lane.data, strict=True):
            picture = Frame([data], (), base, time, time, is_keyframe, "", duration)
            picture.size, picture.read_us = size, read_us
            pictures.append(picture)
        muxer._pictures = pictures
        muxer._bytes = sum([picture.size for picture in pictures])

    def _leave_frames(self, lane: Any) -> None:
        depacketiser = self._video.depacketiser
        timestamp, newest = lane.at
        before, last = lane.marks
        if timestamp != depacketiser._timestamp or last is not None:
            depacketiser.finished_late = False
        depacketiser._timestamp, depacketiser._newest = timestamp, newest
        depacketiser._before, depacketiser._last = _mark(before), _mark(last)
        if last is not None:
            depacketiser._head, depacketiser._finished_at = last[0], last[1]
        is_open, state, slices, unit_state, mark, data, unit = lane.open
        depacketiser._marked = not is_open
        if not is_open:
            return
        has_slice, keyframe, has_sets, open_group, leading = state
        depacketiser._has_slice = depacketiser._begins_well = has_slice
        depacketiser._beginnings = int(has_slice)
        depacketiser._slices, depacketiser._recovery = slices
        depacketiser._keyframe, depacketiser._has_sets = keyframe, has_sets
        depacketiser._open_group, depacketiser._leading = open_group, leading
        if has_slice:
            depacketiser._head, _, depacketiser._reference = mark
        parts: list[bytes | memoryview] = [data] if data else []
        size = len(data)
        if unit is not None:
            header, more = unit
            depacketiser._header, depacketiser._header_at = header, len(parts)
            depacketiser._unit_bytes = len(header) + len(more)
            depacketiser._fragment = True
            depacketiser._unit_ended, depacketiser._middle = unit_state
            parts += [header, more]
            size += 4 + depacketiser._unit_bytes
        depacketiser._parts, depacketiser._bytes = parts, size
        # What came with this read is not settled: the reference tells by that when a frame was whole.
        depacketiser._owned = len(parts) if self._video.packets == self._source._packets_read else 0


def _row(mark: Mark | None) -> tuple[bytes, int, bool] | None:
    return None if mark is None else (mark.head, mark.timestamp, mark.reference)


def _mark(row: tuple[bytes, int, bool] | None) -> Mark | None:
    return None if row is None else Mark(row[0], row[1], row[2])
