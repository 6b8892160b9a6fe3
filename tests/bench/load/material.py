"""What the cameras of a load send: real H.264, encoded once and cut into RTP packets, shared by all of them.

Each frame has its own identity all the same: a SEI message with the frame's number and the camera's, whose place is
known. A frame on the wire is ``head | camera | tail``; head and tail belong to all cameras, numbers in them are patched
once a frame, and only the three bytes of the camera differ.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
import struct
import tempfile
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np

from nvr.demo.rtsp.nal import is_parameter_set, split_annexb

__all__ = ["Clip", "Frame", "Profile", "camera_bytes", "clip", "number_bytes", "read_camera", "read_number"]

_VERSION: Final = 1
CLOCK_RATE: Final = 90_000
_UUID: Final = b"nvr-load-frame-1"
_LARGEST_PAYLOAD: Final = 1400
_PAYLOAD_TYPE: Final = 96
SSRC: Final = 0x6E767231
_AUDIO_RATE: Final = 8000
_TONE: Final = bytes.fromhex("d5a5b58580858585b5a5d5253505000505")[:16]
_NUMBERS: Final = struct.Struct("!HI")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a camera is set to. ``seconds`` is how much is encoded before it repeats; ``audio``: G.711 beside it, a
    packet a frame."""

    width: int
    height: int
    frame_rate: int
    bit_rate_bps: int
    group_s: int = 2
    seconds: int = 4
    audio: bool = False


def number_bytes(number: int) -> bytes:
    """28 bits in four bytes, none of which can look like a part of a start code."""
    return bytes(0x80 | number >> shift & 0x7F for shift in (21, 14, 7, 0))


def camera_bytes(camera: int) -> bytes:
    """21 bits in three bytes."""
    return bytes(0x80 | camera >> shift & 0x7F for shift in (14, 7, 0))


def read_number(data: bytes) -> int:
    """The inverse of ``number_bytes``."""
    return (data[0] & 0x7F) << 21 | (data[1] & 0x7F) << 14 | (data[2] & 0x7F) << 7 | data[3] & 0x7F


def read_camera(data: bytes) -> int:
    """The inverse of ``camera_bytes``."""
    return (data[0] & 0x7F) << 14 | (data[1] & 0x7F) << 7 | data[2] & 0x7F


@dataclass(slots=True)
class Frame:
    """One frame. ``before`` and ``after``: what an MP4 sample of it has around frame number and camera."""

    keyframe: bool
    before: bytes
    after: bytes
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    packets: int = 0
    _head_at: list[int] = field(default_factory=list)
    _tail_at: list[int] = field(default_factory=list)
    _patched: tuple[int, int] | None = None

    def patch(self, number: int, sequence: int, timestamp: int) -> None:
        """Makes it the frame of this number, whose first packet has this sequence number."""
        if self._patched == (number, sequence):
            return
        self._patched = (number, sequence)
        for buffer, places in ((self.head, self._head_at), (self.tail, self._tail_at)):
            for at in places:
                _NUMBERS.pack_into(buffer, at, sequence & 0xFFFF, timestamp)
                sequence += 1
        self.head[-4:] = number_bytes(number)

    def sample(self, number: int, camera: int) -> bytes:
        """What must stand in a recording."""
        return self.before + number_bytes(number) + camera_bytes(camera) + self.after


@dataclass(slots=True)
class Clip:
    """The frames of a profile, which repeat; all numbers go on."""

    profile: Profile
    frames: list[Frame]
    parameter_sets: tuple[bytes, ...]
    packets_before: list[int]
    packets: int

    @property
    def bits_per_second(self) -> int:
        """What a camera really sends."""
        total = sum(len(frame.head) + 3 + len(frame.tail) for frame in self.frames)
        return total * 8 * self.profile.frame_rate // len(self.frames)

    def at(self, number: int) -> Frame:
        """The frame that has this number."""
        return self.frames[number % len(self.frames)]

    def sequence(self, number: int) -> int:
        """How many packets were before the frame of this number."""
        turn, place = divmod(number, len(self.frames))
        return turn * self.packets + self.packets_before[place]

    def ticks(self, number: int) -> int:
        """The RTP timestamp of a frame."""
        return number * (CLOCK_RATE // self.profile.frame_rate) & 0xFFFFFFFF

    def sdp(self) -> str:
        """The session description."""
        sets = ",".join(base64.b64encode(unit).decode() for unit in self.parameter_sets)
        profile = self.parameter_sets[0][1:4].hex()
        audio = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track1\r\n" if self.profile.audio else ""
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=load\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
            f"m=video 0 RTP/AVP {_PAYLOAD_TYPE}\r\na=rtpmap:{_PAYLOAD_TYPE} H264/{CLOCK_RATE}\r\n"
            f"a=fmtp:{_PAYLOAD_TYPE} packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}\r\n"
            f"a=control:track0\r\n{audio}"
        )

    def audio(self, number: int) -> bytes:
        """The interleaved packet of what is heard during the frame of this number, on channel 2: a tone of 500 Hz."""
        samples = _AUDIO_RATE // self.profile.frame_rate
        head = struct.pack("!cBH", b"$", 2, 12 + samples)
        stamp = number * samples & 0xFFFFFFFF
        return (
            head
            + struct.pack("!BBHII", 0x80, 8, number & 0xFFFF, stamp, SSRC + 1)
            + (_TONE * (samples // 16 + 1))[:samples]
        )


def clip(profile: Profile) -> Clip:
    """The clip of a profile, encoded at the first call for it on this machine."""
    encoded = {name: value for name, value in asdict(profile).items() if name != "audio"}
    digest = hashlib.sha256(repr((_VERSION, av.__version__, encoded)).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"nvr-bench-clips-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    cached = folder / f"{digest}.pickle"
    if cached.exists():
        units: list[list[bytes]] = pickle.loads(cached.read_bytes())
    else:
        units = _encode(profile)
        part = cached.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(units))
        part.replace(cached)
    frames = [_frame(nals) for nals in units]
    before, total = [], 0
    for frame in frames:
        before.append(total)
        total += frame.packets
    sets = tuple(nal for nal in units[0] if is_parameter_set("h264", nal))
    return Clip(profile, frames, sets, before, total)


def _encode(profile: Profile) -> list[list[bytes]]:
    """Noise, since that takes whatever rate it is given."""
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = profile.width, profile.height, "yuv420p"
    context.framerate, context.time_base = Fraction(profile.frame_rate), Fraction(1, profile.frame_rate)
    context.bit_rate = profile.bit_rate_bps
    group = profile.group_s * profile.frame_rate
    rate = profile.bit_rate_bps // 1000
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0:bframes=0:vbv-maxrate={rate}:vbv-bufsize={rate}"
        ":sliced-threads=0",
    }
    random = np.random.default_rng(1)
    units = []
    for number in range(profile.seconds * profile.frame_rate):
        picture = random.integers(100, 156, (profile.height, profile.width), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")
        frame.pts = number
        units += [split_annexb(bytes(packet)) for packet in context.encode(frame)]
    units += [split_annexb(bytes(packet)) for packet in context.encode(None)]
    # The encoder's own SEI goes: each frame gets one of ours.
    return [[nal for nal in nals if nal[0] & 0x1F in (1, 5, 7, 8)] for nals in units]


def _frame(nals: list[bytes]) -> Frame:
    """Parameter sets, the SEI message, slices."""
    sets = [nal for nal in nals if is_parameter_set("h264", nal)]
    slices = [nal for nal in nals if not is_parameter_set("h264", nal)]
    sei = b"\x06\x05" + bytes((len(_UUID) + 7,)) + _UUID
    size = len(sei) + 7 + 1
    before = b"".join(len(nal).to_bytes(4, "big") + nal for nal in sets) + size.to_bytes(4, "big") + sei
    after = b"\x80" + b"".join(len(nal).to_bytes(4, "big") + nal for nal in slices)
    frame = Frame(any(nal[0] & 0x1F == 5 for nal in nals), before, after)
    for nal in sets:
        _packet(frame.head, frame._head_at, nal, False)
    _packet(frame.head, frame._head_at, sei, False, more=8)
    frame.head += bytes(4)
    frame.tail += b"\x80"
    for number, nal in enumerate(slices):
        last = number == len(slices) - 1
        if len(nal) <= _LARGEST_PAYLOAD:
            _packet(frame.tail, frame._tail_at, nal, last)
            continue
        rest = nal[1:]
        for at in range(0, len(rest), _LARGEST_PAYLOAD - 2):
            part = rest[at : at + _LARGEST_PAYLOAD - 2]
            begins, ends = at == 0, at + len(part) == len(rest)
            flags = begins << 7 | ends << 6 | nal[0] & 0x1F
            _packet(frame.tail, frame._tail_at, bytes((nal[0] & 0xE0 | 28, flags)) + part, last and ends)
    frame.packets = len(frame._head_at) + len(frame._tail_at)
    return frame


def _packet(buffer: bytearray, places: list[int], payload: bytes, marker: bool, more: int = 0) -> None:
    """Adds an interleaved RTP packet, of whose payload ``more`` bytes follow later."""
    buffer += struct.pack("!cBH", b"$", 0, 12 + len(payload) + more)
    places.append(len(buffer) + 2)
    buffer += struct.pack("!BBHII", 0x80, marker << 7 | _PAYLOAD_TYPE, 0, 0, SSRC)
    buffer += payload
