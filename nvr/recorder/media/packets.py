"""What a source of frames and sound is, what it gives, and how its end is told. Both sources give the same: FFmpeg's
packets end at the edge of ``av_source``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol

from nvr.recorder.media.nal import annex_b
from storage.causes import Cause

if TYPE_CHECKING:
    from nvr.recorder.media.inits import Template

__all__ = ["LOSSES", "AudioFormat", "AudioPacket", "AudioUnit", "Ended", "Frame", "PacketLane", "PacketSink", "Source"]

LOSSES: Final = ("", "network", "camera", "server")
"""What ``Frame.loss`` may be: nothing is missing before it; numbers are missing in the sequence of packets before it;
frames before it could not be used although no number is missing; the server left them out."""


class Frame:
    """An access unit as MP4 has it, in pieces, each NAL unit after its length in four bytes: what came as one NAL unit
    is one. ``sets``: the parameter sets in front of a keyframe. ``loss``: whether frames before it are missing, and on
    whose side: a word of ``LOSSES``. Times are ticks of ``time_base`` seconds, whose numerator is 1, on the media line
    of the connection."""

    def __init__(
        self,
        parts: list[bytes],
        sets: tuple[bytes, ...],
        time_base: Fraction,
        pts: int,
        dts: int,
        is_keyframe: bool,
        loss: str,
        duration: int = 0,
        waited_us: int = 0,
    ) -> None:
        self.parts = parts
        size = 0
        for part in parts:
            # Compiled, a sum over a generator would take as long as all else here.
            size += len(part)
        self.size = size
        """Bytes."""
        self.sets = sets
        self.time_base = time_base
        self.pts = pts
        self.dts = dts
        self.is_keyframe = is_keyframe
        self.loss = loss
        self.duration = duration
        self.waited_us = waited_us
        """How long before it is handed out its last packet was read, microseconds: a frame without a marker is known to
        be whole only when the next one begins."""
        self.read_us = 0
        """When it was read, or FFmpeg gave it out, by the monotonic clock, microseconds; 0 until that is known."""

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)

    def annex_b(self) -> bytes:
        """The same with start codes."""
        return annex_b(self.data)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a sound track is. ``codec`` is FFmpeg's name: ``aac``, ``pcm_mulaw`` or ``pcm_alaw``; ``rate`` samples a
    second; ``config`` is the AudioSpecificConfig of AAC (ISO/IEC 14496-3 1.6.2.1), ``unit_samples`` what an access unit
    of it lasts."""

    codec: str
    rate: int
    channels: int
    config: bytes = b""
    unit_samples: int = 0


class AudioPacket:
    """Sound as it came: a raw AAC access unit, or bytes of G.711. ``pts``, in ticks of the format's rate, is what the
    camera says, on the line of the video as far as the source can tell; None if nothing is said. It lasts ``samples``
    ticks."""

    __slots__ = ("data", "format", "pts", "samples")

    def __init__(self, format_: AudioFormat, data: bytes, pts: int | None, samples: int) -> None:
        self.format = format_
        self.data = data
        self.pts = pts
        self.samples = samples


class AudioUnit:
    """A raw AAC access unit whose time, in ticks of its format's rate on the line of the video, was judged. It lasts
    ``samples`` ticks."""

    __slots__ = ("data", "samples", "time")

    def __init__(self, data: bytes, time: int, samples: int) -> None:
        self.data = data
        self.time = time
        self.samples = samples


class Ended(Exception):
    """Why a run, or the attempt to begin one, ended. ``detail`` holds no secrets."""

    def __init__(self, cause: Cause, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail: Mapping[str, Any] = detail or {}


class PacketLane(Protocol):
    """Who takes what is regular of a connection, from packets to fragments, and has its state meanwhile
    (``nvr.recorder.lane``)."""

    handed_over: int
    channel: int
    """Of the packets that it takes."""

    @property
    def is_in(self) -> bool:
        """Whether it has the state."""

    @property
    def frames(self) -> int:
        """Frames that it took."""

    @property
    def came_so_far(self) -> tuple[int, int]:
        """Packets and whole frames of the connection, while it has the state."""

    @property
    def open_us(self) -> int | None:
        """As in ``Source``, while it has the state."""

    @property
    def unwritten_us(self) -> int | None:
        """When the oldest frame was read that is in no fragment, while it has the state."""

    def is_newer(self, before_us: int) -> bool:
        """Whether it has a frame that was read after this."""

    def begin(self, video: Any, framing: Any) -> None:
        """The camera plays: its packets come to these."""

    def settled(self) -> None:
        """A read was settled, by whomever."""

    def read_in(self, rounds: Any, connection: Any) -> None:
        """It has the state: from now on it reads this connection's socket itself, in these rounds, until it leaves."""

    def read_no_more(self) -> None:
        """The connection has ended."""

    def take(self, end: int, why: int = -1) -> int:
        """Takes what was read, up to ``end`` of the buffer, or resumes where it stopped because of ``why``. Returns
        where the rest begins, or -1 less where the reference is to go on. Raises what handlers do."""

    def sync(self) -> None:
        """Somebody is about to ask for counts."""

    def leave(self) -> None:
        """Something is about to change: gives the state back."""

    def leave_locked(self) -> None:
        """The same, under the pipeline's lock."""


class PacketSink(Protocol):
    """Takes the frames and the sound of one connection. Every call may raise ``Ended``: the source then closes its
    connection."""

    def connected(self) -> None:
        """The camera answered that it plays."""

    def open(self, video: Template) -> None:
        """The connection stands, and this is its video; frames follow."""

    def packet(self, packet: Frame) -> None:
        """A frame has just arrived."""

    def arrived(self, ago_us: int) -> None:
        """The last frame that was given had arrived so long ago, before it was read."""

    def audio(self, packet: AudioPacket) -> None:
        """Sound has just arrived, of a format that this connection's sound has from now on."""

    def no_audio(self, why: str) -> None:
        """The camera offers sound that can't be recorded; ``why`` holds no secrets."""

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """The camera's own clock showed ``camera_us`` when the server's showed ``at_us``. ``source``: ``rtcp`` or
        ``prft``."""


class Source(Protocol):
    """A connection to a camera."""

    async def run(self) -> Ended:
        """Connects, feeds the sink, and says why it ended."""

    def stop(self) -> None:
        """Asks the source to end soon; does not wait."""

    @property
    def open_us(self) -> int | None:
        """When the frame came that the sink does not have yet, since it may not be whole: by the monotonic clock,
        microseconds. None if there is none. Any thread may ask."""

    def be_quick(self, quick: bool) -> None:
        """Whether what comes is to be read soon, since somebody waits for it. On the event loop."""

    def pause(self) -> None:
        """Nothing has come for seconds: the sink gets what is whole as far as can be told. On the event loop."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What was counted on this connection so far; names are those of storage/catalogue/counters.py."""
