"""The audio of one connection, from what the camera sends to what is written beside its frames.

Invariants: the times of what is given out rise; no fault of audio raises, costs a frame, or is told more than once a
camera.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import av

from nvr.recorder.audio.audio_time import AudioTime
from nvr.recorder.audio.encoding import EncodedStream, Encoding
from nvr.recorder.media.audio_config import lc_config
from nvr.recorder.media.inits import describe_audio
from nvr.recorder.media.packets import AudioFormat, AudioPacket, AudioUnit

__all__ = ["AudioRefusals", "AudioTrack"]

log = logging.getLogger(__name__)

_SILENT_US: Final = 5_000_000
_LARGEST_BYTES: Final = 1 << 16
# What may wait for the first frame of a run: half a minute.
_MOST_READY: Final = 2048
# A camera that changes what it sends more often than this is not worth following.
_MOST_FORMATS: Final = 8
# Different words of one camera's.
_MOST_REFUSALS: Final = 5
_ENCODED_SAMPLES: Final = 1024
_CODECS: Final = ("pcm_mulaw", "pcm_alaw")


class AudioRefusals:
    """What was said of cameras whose audio can't be had, or not as they say: once each, however often they connect, and
    a few different ones of each: a camera may say another one each time."""

    def __init__(self) -> None:
        self._said: dict[str, set[str]] = {}

    def say(self, camera: str, what: str) -> None:
        """Logs it if it was not yet."""
        said = self._said.setdefault(camera, set())
        if what not in said and len(said) < _MOST_REFUSALS:
            said.add(what)
            log.warning("camera %s: %s", camera, what)

    def forget(self, camera: str) -> None:
        """The camera's settings changed, or it is gone."""
        self._said.pop(camera, None)


class AudioTrack:
    """One connection's audio. ``format`` is what is written, None as long as nothing is. ``note`` is what a person
    should know of it, or empty. ``redact``: takes the camera's own secrets out of what it calls its sound."""

    def __init__(
        self, camera: str, encoding: Encoding, refusals: AudioRefusals, redact: Callable[[str], str] = str
    ) -> None:
        self._camera = camera
        self._redact = redact
        self._encoding = encoding
        self._refusals = refusals
        self._came: AudioFormat | None = None
        self._formats = 0
        self._time = AudioTime(1)
        self._stream: EncodedStream | None = None
        self._part = bytearray()
        self._part_time = 0
        self._ready: deque[AudioUnit] = deque(maxlen=_MOST_READY)
        self._came_us: int | None = None
        self._gave_us: int | None = None
        self.format: AudioFormat | None = None
        self.note: dict[str, str] = {}
        self.realigned = 0
        self.left_out = 0

    def refuse(self, why: str) -> None:
        """The camera offers audio that can't be recorded. ``why`` may be its own words."""
        why = self._redact(why)
        self.note = {"audio": "unrecorded", "audio_reason": why}
        self._refusals.say(self._camera, f"its audio can't be recorded ({why}), recording frames only")

    def restart(self) -> None:
        """The video has another timeline from here on: what was on the old one is left out."""
        self._time.restart()
        self._ready.clear()
        self._part.clear()
        if self._stream is not None:
            self._stream.restart()

    def close(self) -> None:
        """Nothing more comes."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def take(self, packet: AudioPacket, now_us: int, video_us: int) -> None:
        """What has just arrived, while the video is at ``video_us`` of its media time."""
        if packet.format != self._came:
            self._change(packet.format)
        form, came = self.format, self._came
        size = len(packet.data)
        if form is None or came is None or not 0 < size <= _LARGEST_BYTES or packet.samples <= 0:
            return
        track = self._time
        realigned, left_out = track.realigned, track.left_out
        time = track.place(packet.pts, packet.samples, video_us * came.rate // 1_000_000)
        if track.realigned != realigned:
            self.realigned += 1
            self.note = {"audio": "realigned"}
            what = "its audio's time stamps can't be right: its audio is aligned with the video as it comes"
            self._refusals.say(self._camera, what)
        self.left_out += track.left_out - left_out
        if time is None:
            return
        if self._stream is None:
            self._came_us = self._gave_us = now_us
            self._ready.append(AudioUnit(packet.data, time, packet.samples))
        else:
            self._encode(self._stream, time, packet, now_us)

    def _encode(self, stream: EncodedStream, time: int, packet: AudioPacket, now_us: int) -> None:
        assert self._came is not None
        channels = self._came.channels
        if self._part and time != self._part_time + len(self._part) // channels:
            self._hand_over(stream, now_us)
        if not self._part:
            self._part_time = time
        self._part += packet.data
        if len(self._part) >= _ENCODED_SAMPLES * channels:
            self._hand_over(stream, now_us)

    def _hand_over(self, stream: EncodedStream, now_us: int) -> None:
        if stream.put(self._part_time, bytes(self._part)):
            self._came_us = now_us
        else:
            self.left_out += 1
        self._part.clear()

    def _change(self, came: AudioFormat) -> None:
        """What comes from here on is something else."""
        self.close()
        self.restart()
        self._came, self.format = came, None
        self._came_us = self._gave_us = None
        self._formats += 1
        if self._formats > _MOST_FORMATS:
            self.refuse("it changes all the time")
            return
        if came.codec not in _CODECS:
            form = came if came.codec == "aac" else None
        elif (config := lc_config(came.rate, came.channels)) is not None and came.channels <= 2:
            form = AudioFormat("aac", came.rate, came.channels, config, _ENCODED_SAMPLES)
        else:
            form = None
        try:
            if form is not None:
                describe_audio(form)
        except (av.FFmpegError, LookupError, ValueError):
            form = None
        if form is None:
            self.refuse(f"{came.codec}, {came.rate} samples a second, {came.channels} channels")
            return
        self.format = form
        self._time = AudioTime(came.rate)
        if came.codec in _CODECS:
            self._stream = self._encoding.open(came.codec, came.rate, came.channels)

    def ready(self, now_us: int) -> list[AudioUnit]:
        """What is to be written now."""
        if self._stream is not None:
            for at, frame in self._stream.take():
                self._gave_us = now_us
                self._ready.append(AudioUnit(frame, at, _ENCODED_SAMPLES))
        found = list(self._ready)
        self._ready.clear()
        return found

    def living(self, now_us: int) -> AudioFormat | None:
        """What audio a run that begins now has: none if none was to be had for seconds."""
        last_us = self._came_us if self._gave_us is None else self._gave_us
        return self.format if last_us is not None and now_us - last_us < _SILENT_US else None

    def counted(self) -> dict[str, Any]:
        """Names are those of storage/catalogue/counters.py."""
        return {"audio_realigned": self.realigned, "audio_left_out": self.left_out}
