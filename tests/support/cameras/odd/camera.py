"""A camera without fault, whose every step a habit may change.

One object for each connection; what belongs to the camera itself (its clip, when it films, its settings in the
recorder) is in class attributes and class methods. Frames are numbered from 0, from when the first client played: all
clients of a camera see one film, as with a real one.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from nvr.demo.rtsp import Auth, DemoRequest, Response
from nvr.demo.rtsp.rtp import h264_payloads, h265_payloads
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.odd.rtp import Rtp

if TYPE_CHECKING:
    from nvr.demo.rtsp.connection import DemoConnection

__all__ = ["H264", "H265", "LONG_GROUP", "RATE", "Camera", "Raw", "Shot"]

#: Frames a second of most habits. Few, so that a hundred cameras fit into a test.
RATE = 10
_FRAMES = 900
H264 = ClipSpec(frames=_FRAMES, frame_rate=RATE, group=20, bit_rate_bps=120_000)
H265 = ClipSpec(codec="h265", frames=_FRAMES, frame_rate=RATE, group=20, bit_rate_bps=120_000)
LONG_GROUP = ClipSpec(frames=_FRAMES, frame_rate=RATE, group=100, bit_rate_bps=120_000)


@dataclass(frozen=True, slots=True)
class Shot:
    """Frame `number` of the film: when what it shows happened and when it is sent (seconds from the film's beginning),
    and what its stamp says (ticks)."""

    number: int
    true_s: float
    due_s: float
    pts: int


@dataclass(slots=True)
class Raw(Response):
    """An answer whose bytes a habit changes: `before` comes first, `edit` rewrites its head."""

    before: bytes = b""
    edits: tuple[tuple[str, str], ...] = ()
    after: bytes = b""

    def encode(self, cseq: str) -> bytes:
        # Not super(): a dataclass with slots is another class than the one this method was defined in.
        head, blank, body = Response.encode(self, cseq).partition(b"\r\n\r\n")
        text = (head + blank).decode()
        for old, new in self.edits:
            text = text.replace(old, new)
        return self.before + text.encode() + body + self.after


class Camera:
    """Nothing is odd about this one.

    settings        keys of the camera's table in the recorder's configuration
    sources         which sources are to record it ("native", "av", "auto")
    limit           payload bytes of a packet
    stamps_right    whether the stamps tell the true time: then a recorded frame may be 0.3 s off, otherwise 1 s
    begins_at_s     how long the film has been running when the first client plays
    prebuffer       whether a client first gets at once what came since the last keyframe
    decodes         whether decoded frames can be compared with those of the clip
    reconnects      whether the camera makes a recorder connect more than once
    exact           whether all units but parameter sets and delimiters must be recorded as they were sent
    alone           whether it might harm others in the same recorder: tests record it beside plain cameras only
    plays           whether a recorder gets it to play at all
    may_lose        frames that may be lost, where nothing tells the recorder in time
    """

    clip_spec: ClassVar[ClipSpec] = H264
    settings: ClassVar[Mapping[str, Any]] = {}
    sources: ClassVar[tuple[str, ...]] = ("native", "av")
    limit: ClassVar[int] = 1_200
    stamps_right: ClassVar[bool] = True
    begins_at_s: ClassVar[float] = 0.0
    prebuffer: ClassVar[bool] = False
    decodes: ClassVar[bool] = True
    reconnects: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    plays: ClassVar[bool] = True
    may_lose: ClassVar[int] = 0

    def __init__(self, connection: DemoConnection, path: str) -> None:
        self.connection = connection
        self.path = path
        self.sequence: int | None = None
        self.playing = False
        # Numbers of frames of which something was lost on the way.
        self.spoiled: set[int] = set()

    # The film ------------------------------------------------------------------------------------------------------

    @classmethod
    @functools.cache
    def clip(cls) -> Clip:
        """What it shows, over and over."""
        return clip(cls.clip_spec)

    @classmethod
    def film(cls) -> Iterator[Shot]:
        """When each frame is filmed and sent, in the order of sending."""
        made, spec = cls.clip(), cls.clip_spec
        units = made.video.units
        for number in itertools.count():
            rounds, index = divmod(number, len(units))
            pts = units[index].pts + round(rounds * made.duration_s * 90_000)
            # What is shown late is coded early, but no camera codes what it has not seen.
            yield Shot(number, pts / 90_000, (number + spec.b_frames) / spec.frame_rate, pts)

    # Messages ------------------------------------------------------------------------------------------------------

    @classmethod
    def auth(cls) -> Auth | None:
        """Who may connect."""
        return None

    @classmethod
    def url(cls, url: str) -> str:
        """The address that the recorder is given."""
        return url

    def asked(self, request: DemoRequest) -> DemoRequest:
        """The request that the well-behaved server is to answer instead."""
        return request

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        """The answer, or the bytes of one; none at all: b""."""
        return response

    def describe(self, text: str) -> str:
        """The session description."""
        return text

    def greeting(self) -> bytes:
        """Sent before the first request."""
        return b""

    # Media ---------------------------------------------------------------------------------------------------------

    @property
    def codec(self) -> str:
        return self.clip_spec.codec

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        """The NAL units to send of a frame."""
        return list(nals)

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        """A frame's RTP payloads."""
        pack = h264_payloads if self.codec == "h264" else h265_payloads
        return pack(nals, self.limit)

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        """The packets to send of a frame."""
        return packets

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        """The packets to send of a frame of sound."""
        return packets

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        """What is written to the connection of a frame: framed packets, perhaps a report before them."""
        return data

    async def wire_sound(self, number: int, data: list[bytes]) -> list[bytes]:
        """What is written to the connection of a frame of sound."""
        return data

    def report(self, packet: bytes) -> bytes:
        """An RTCP sender report about to be sent; nothing: b""."""
        return packet

    # For habits ----------------------------------------------------------------------------------------------------

    def once_a_second(self, number: int, at: int = 5) -> bool:
        """True for one frame a second."""
        return number % self.clip_spec.frame_rate == at % self.clip_spec.frame_rate

    def like(self, packet: Rtp, payload: bytes, **changes: Any) -> Rtp:
        """A packet beside another one: of its stream and time, without marker."""
        made = Rtp(payload, packet.timestamp, False, packet.payload_type, packet.ssrc, None)
        for name, value in changes.items():
            setattr(made, name, value)
        return made
