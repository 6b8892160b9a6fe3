"""A camera's packets for a video receiver, made by hand, and the frames that come out."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer
from nvr.recorder.sources.rtsp.interleaving import video_receiver
from nvr.recorder.sources.rtsp.receiving import Clocks
from tests.support.cameras.frames import split

__all__ = ["BUFFER", "FRAME", "H264", "H265", "Camera", "packet"]

BUFFER = ReadBuffer()
FRAME = 3600


def packet(
    payload: bytes,
    number: int,
    timestamp: int,
    marker: bool = False,
    *,
    kind: int = 96,
    ssrc: int = 7,
    flags: int = 0x80,
    middle: bytes = b"",
) -> bytes:
    """An RTP packet; ``middle`` stands between header and payload."""
    head = struct.pack("!BBHII", flags, marker << 7 | kind, number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + middle + payload


class Kind:
    """Units of a codec, as short as they may be. A frame's slice carries its number, so that frames can be
    told apart."""

    def __init__(self, name: str, sets: tuple[bytes, ...], sei: bytes, suffix: bytes) -> None:
        self.name = name
        self.sets = sets
        self.sei = sei
        self.suffix = suffix

    def slice(self, number: int, *, key: bool = False, first: bool = True, size: int = 30) -> bytes:
        """A slice, of frame ``number``."""
        body = bytes((0x80 if first else 0x40,)) + b"%08d" % number + b"\x5a" * (size - 9)
        if self.name == "H264":
            return (b"\x65" if key else b"\x41") + body
        return (b"\x26\x01" if key else b"\x02\x01") + body

    def fragments(self, unit: bytes, size: int = 12) -> list[bytes]:
        """The unit in FU-A or FU payloads of so many bytes."""
        header = 1 if self.name == "H264" else 2
        body, found = unit[header:], []
        for at in range(0, len(body), size):
            flags = (at == 0) << 7 | (at + size >= len(body)) << 6
            if header == 1:
                head = bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F))
            else:
                head = bytes((unit[0] & 0x81 | 49 << 1, unit[1], flags | unit[0] >> 1 & 0x3F))
            found.append(head + body[at : at + size])
        return found

    def pack(self, *units: bytes) -> bytes:
        """An aggregation packet."""
        head = b"\x78" if self.name == "H264" else b"\x60\x01"
        return head + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


H264 = Kind("H264", (b"\x67\x42\x00\x1f\xda", b"\x68\xce\x38\x80"), b"\x06\x05\x03sei\x80", b"\x0b")
H265 = Kind(
    "H265",
    (b"\x40\x01\x0c\x01\xff", b"\x42\x01\x01\x01\x60", b"\x44\x01\xc0\x73"),
    b"\x4e\x01\x05\x03sei\x80",
    b"\x48\x01",
)


class Camera:
    """Sends packets by hand into a receiver; its numbers go on by themselves."""

    def __init__(self, kind: Kind = H264, *, payload_type: int = 96, start: int = 65_500, parameters: str = "") -> None:
        text = f"v=0\r\nm=video 0 RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {kind.name}/90000\r\n"
        text += f"a=fmtp:{payload_type} {parameters}\r\n" if parameters else ""
        self.kind = kind
        self.now_us = 1_000_000
        self.came: list[tuple[CodedFrame, int, int, int]] = []
        self.byes = 0
        media = sdp.pick_video(sdp.parse(text.encode()))
        self.receiver = video_receiver(
            RtspTrack(media, "u", 0, 1),
            1,
            Clocks(lambda: self.now_us, lambda: self.now_us),
            lambda *came: self.came.append(came),
            lambda *_: None,
            self._bye,
        )
        self.framing = Framing(BUFFER, lambda _: None)
        self.framing.handle(0, self.receiver.on_rtp, self.receiver.skim, self.receiver.settle)
        self.framing.handle(1, self.receiver.on_rtcp)
        self.number = start
        self.payload_type = payload_type
        self.ssrc = 7

    def _bye(self) -> None:
        self.byes += 1

    def read(self, *packets: bytes, channel: int = 0) -> None:
        """These packets come with one read."""
        self.raw(b"".join(b"$" + bytes((channel,)) + struct.pack("!H", len(each)) + each for each in packets))

    def raw(self, data: bytes) -> None:
        """These bytes do."""
        self.framing.get_buffer()[: len(data)] = data
        self.framing.received(len(data))
        BUFFER.view[: len(data)] = b"\xee" * len(data)

    def packets(self, timestamp: int, payloads: Iterable[bytes], marker: bool = True) -> list[bytes]:
        """These payloads in packets, the last of them with the marker; numbers go on."""
        listed = list(payloads)
        made: list[bytes] = []
        for at, payload in enumerate(listed):
            made.append(
                packet(
                    payload,
                    self.number,
                    timestamp,
                    marker and at == len(listed) - 1,
                    kind=self.payload_type,
                    ssrc=self.ssrc,
                )
            )
            self.number += 1
        return made

    def send(self, timestamp: int, *payloads: bytes, marker: bool = True) -> None:
        """A frame's payloads, in one read."""
        self.read(*self.packets(timestamp, payloads, marker))
        self.now_us += 40_000

    def units(self, number: int) -> list[bytes]:
        """The units of frame ``number``: each tenth is a keyframe with its sets."""
        if number % 10 == 0:
            return [*self.kind.sets, self.kind.slice(number, key=True, size=100)]
        return [self.kind.slice(number, size=60)]

    def payloads(self, number: int) -> list[bytes]:
        """The same as a good camera sends it: in fragments what is large."""
        *before, last = self.units(number)
        return [*before, *self.kind.fragments(last, 25)]

    def frames(self, *numbers: int) -> None:
        """Good frames."""
        for number in numbers:
            self.send(number * FRAME, *self.payloads(number))

    def end(self) -> None:
        """The connection ends."""
        self.receiver.end()

    @property
    def numbers(self) -> list[int]:
        """Which frames came out: by what they hold, all of it, and nothing else that is a slice."""
        found: list[int] = []
        for picture, _, _, _ in self.came:
            slices = [unit for unit in split(picture.data, length_prefixed=True) if self._is_slice(unit)]
            at = 2 if self.kind.name == "H264" else 3
            number = int(slices[0][at : at + 8])
            assert all(int(unit[at : at + 8]) == number for unit in slices), "slices of two frames in one"
            found.append(number)
        return found

    def _is_slice(self, unit: bytes) -> bool:
        return 1 <= unit[0] & 0x1F <= 5 if self.kind.name == "H264" else unit[0] >> 1 < 32

    @property
    def whole(self) -> bool:
        """Whether every frame that came out is byte for byte what a good camera's is."""
        return all(
            split(came[0].data, length_prefixed=True) == self.units(number)
            for came, number in zip(self.came, self.numbers, strict=True)
        )

    @property
    def losses(self) -> list[str]:
        """What each frame says of those before it."""
        return [came[0].loss for came in self.came]

    @property
    def times(self) -> list[int]:
        """Frames' times, in frames since the first timestamp."""
        return [came[1] // FRAME for came in self.came]
