"""A video track on its way to FFmpeg: which packets are the track's, in what order, and which frames were hit where
some are missing. Pure.

FFmpeg does not say that a packet is missing: it hands out what is left of a frame, and then the frames that refer to
it. So after a loss frames are withheld up to the next one that can be decoded, by the rules of the ``native`` source,
and in front of that one goes a mark: an SEI unit of the relay's own, which ``av_frames`` takes out again and knows by
it that frames are missing. Invariants: as long as no number is missing, all packets of the track are passed on,
whatever is in them; what is held is bounded.
"""

from __future__ import annotations

import secrets
import struct
from typing import Final

from nvr.recorder.media.packets import LOSSES
from nvr.recorder.sources.rtp import rtcp, rtp, sdp
from nvr.recorder.sources.rtp.admission import Admission, Admitted
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.errors import UnsupportedError
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.pictures import Depacketiser

__all__ = ["LossMark", "RelayedVideo", "can_judge"]

_HEADER: Final = struct.Struct("!BBHII")
# Of a camera whose frames do not end by any rule known here, so much waits, and so long.
_MOST_HELD_BYTES: Final = 8 << 20
_LONGEST_HELD_US: Final = 1_000_000
# So long frames are withheld at most, and through so many keyframes that could not be put together: what is given out
# then FFmpeg may read.
_LONGEST_WITHHELD_US: Final = 120_000_000
_KEYFRAMES_IN_VAIN: Final = 4
_NOT_UNDERSTOOD_US: Final = 5_000_000
# Packets behind a missing one wait for it so long.
_AHEAD_US: Final = 250_000
_FOLLOWS: Final = 1.5
_H264_SEI: Final = b"\x06"
_H265_SEI: Final = b"\x4e\x01"


class LossMark:
    """What tells frames before which others are missing: an SEI unit of user data (ITU-T H.264 D.1.7), with an identity
    that no camera knows."""

    def __init__(self) -> None:
        # Without zeros it needs no protection.
        identity = bytes(1 + secrets.randbelow(255) for _ in range(16))
        self._begin = b"\x05\x11" + identity

    def unit(self, codec: str, loss: str) -> bytes:
        """The unit that says ``loss``, a word of ``LOSSES``."""
        header = _H264_SEI if codec == "h264" else _H265_SEI
        return header + self._begin + bytes((LOSSES.index(loss) + 1, 0x80))

    def read(self, codec: str, unit: bytes) -> str | None:
        """What the unit says, if it is one."""
        header = _H264_SEI if codec == "h264" else _H265_SEI
        if not unit.startswith(header + self._begin) or len(unit) <= len(header) + len(self._begin):
            return None
        number = unit[len(header) + len(self._begin)] - 1
        return LOSSES[number] if 0 <= number < len(LOSSES) else None


def can_judge(media: sdp.Media) -> bool:
    """Whether the frames of a track can be told apart here: not if they are interleaved (RFC 6184 5.5, RFC 7798
    7.1)."""
    try:
        sdp.pick_video(sdp.Description((media,), None))
    except UnsupportedError:
        return False
    return media.interleaving is None


class _Packet:
    """One that waits for its frame to be whole."""

    def __init__(self, packet: rtp.RtpPacket) -> None:
        self.marker = packet.marker
        self.timestamp = packet.timestamp
        self.ssrc = packet.ssrc
        self.payload = bytes(packet.payload)


class RelayedVideo:
    """The track of one connection. ``take`` and the others return the packets that FFmpeg is to have now. Times by the
    monotonic clock, in microseconds."""

    def __init__(self, media: sdp.Media, mark: LossMark) -> None:
        self._codec = media.codec
        self._type = media.payload_type
        self._rate = media.clock_rate
        self._mark = mark
        self.sequence = rtp.Sequence()
        self.admission = Admission(self.sequence, media.payload_type, self)
        self.depacketiser: Depacketiser = CODECS[media.codec].depacketiser(media.parameter_sets, media.donl)
        self.packets = 0
        self.malformed = 0
        self.bytes = 0
        """Bytes of payloads that came, whatever becomes of them."""
        # Of the packet that was passed on last; negative before the first.
        self._number = -2
        self._held: list[_Packet] = []
        self.held_bytes = 0
        """Bytes of the packets that wait for their frame to be whole."""
        self._held_us = 0
        self._withholds = self._understands = False
        self._withheld_us = self._keyframes_begun = 0
        # What the mark in front of the next frame is to say.
        self._loss = ""
        self._latest: int | None = None
        self._usual_step = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was counted; names are those of storage/catalogue/counters.py."""
        counts = self.depacketiser.counts
        return {
            "packets": self.packets,
            "received": self.depacketiser.sense.frames,
            "received_bytes": self.bytes,
            "lost_packets": self.sequence.lost,
            "duplicate_packets": self.sequence.duplicates,
            "restarts": self.sequence.restarts,
            "damaged": counts.damaged,
            "undecodable": counts.undecodable,
            "malformed": counts.malformed + self.malformed,
            "ignored": counts.ignored + self.admission.ignored,
        }

    # What the judgement of packets asks
    # ----------------------------------------------------------------------------------

    def is_newer(self, timestamp: int) -> bool:
        """Whether nothing of this time has come before."""
        return self._ahead(timestamp) > 0

    def follows(self, timestamp: int) -> bool:
        """Whether, by its time, nothing can be missing before this one."""
        return 0 <= self._ahead(timestamp) <= _FOLLOWS * self._usual_step

    def may_follow(self, timestamp: int) -> bool:
        """The same, or, while it is not known how far frames are apart, whether it is of about now."""
        return self.follows(timestamp) or (not self._usual_step and 0 <= self._ahead(timestamp) <= 2 * self._rate)

    def worth(self, payload: memoryview) -> int:
        """What a payload says of whether it is the track's; see ``admission``."""
        return self.depacketiser.worth(payload)

    def _ahead(self, timestamp: int) -> int:
        step = timestamp - self.depacketiser.newest & 0xFFFFFFFF
        return step if step < 0x80000000 else step - 0x100000000

    # Packets
    # -----------------------------------------------------------------------------------------------------------------

    def take(self, data: memoryview, now_us: int) -> list[bytes]:
        """A packet came on the track's channel."""
        packet = rtp.parse(data)
        self.packets += 1
        if packet is None:
            self.malformed += 1
            return []
        passed: list[bytes] = []
        self.bytes += len(packet.payload)
        for admitted in self.admission.take(packet, now_us):
            self._admit(admitted, now_us, passed)
        if self._held and not self._withholds and now_us - self._held_us >= _LONGEST_HELD_US:
            self._let_go(passed)
        return passed

    def report(self, data: memoryview, now_us: int) -> tuple[list[bytes], bool]:
        """A packet came on the channel of reports: packets that FFmpeg is to have before it, and whether it is a
        report, which FFmpeg is to have too."""
        if len(data) > 12 and data[0] & 0xC0 == 0x80 and data[1] & 0x7F == self.admission.payload_type:
            # Some cameras mix the two channels up.
            return self.take(data, now_us), False
        if any(
            not isinstance(found, rtcp.SenderReport) and found.ssrc == self.sequence.ssrc for found in rtcp.parse(data)
        ):
            self.admission.said_goodbye = True
            # FFmpeg takes nothing more after it.
            return self.end(now_us), True
        return [], True

    def tick(self, now_us: int) -> list[bytes]:
        """To be called a few times a second: nothing waits for long."""
        passed: list[bytes] = []
        found: list[Admitted] = []
        if self.admission.waits_since(now_us) >= _AHEAD_US:
            self.admission.release(found)
        for admitted in found:
            self._admit(admitted, now_us, passed)
        if self._held and not self._withholds and now_us - self._held_us >= _LONGEST_HELD_US:
            self._let_go(passed)
        return passed

    def end(self, now_us: int) -> list[bytes]:
        """No more come: the frame that is open is FFmpeg's to judge."""
        passed: list[bytes] = []
        found: list[Admitted] = []
        self.admission.release(found)
        for admitted in found:
            self._admit(admitted, now_us, passed)
        if not self._withholds:
            self._let_go(passed)
        return passed

    def settle(self) -> None:
        """What was read is about to be written over."""
        self.depacketiser.settle()

    def let_go(self) -> None:
        """Nothing comes any more."""
        self.admission.let_go()

    def _admit(self, admitted: Admitted, now_us: int, passed: list[bytes]) -> None:
        packet, depacketiser = admitted.packet, self.depacketiser
        if self._withholds and self._is_in_vain(now_us):
            self._withholds, self._loss = False, "network"
        if admitted.anew:
            depacketiser.restart()
            if not self._withholds:
                self._let_go(passed)
            self._forget()
        if self._latest is not None and (step := packet.timestamp - self._latest & 0xFFFFFFFF) and step < 0x80000000:
            self._usual_step = step
        self._latest = packet.timestamp
        if self._number < -1:
            self._number = packet.sequence - 1
        before = depacketiser.finished
        pictures = list(depacketiser.feed(packet.payload, packet.timestamp, packet.marker, admitted.lost))
        ended = depacketiser.finished - before
        kept = _Packet(packet)
        if ended and (ended > 1 or depacketiser.finished_late):
            # What came before this packet is over.
            first = ended == 1 or depacketiser.finished_late or len(pictures) > 1
            first = first or (bool(pictures) and pictures[0].timestamp != packet.timestamp)
            if admitted.lost and not (first and pictures):
                self._withhold(now_us)
            self._over(pictures[:1] if first else [], now_us, passed)
            if first:
                del pictures[:1]
        if admitted.lost:
            self._withhold(now_us)
        if not self._held:
            self._held_us = now_us
        self._held.append(kept)
        self.held_bytes += len(kept.payload)
        if ended and not depacketiser.finished_late:
            self._over(pictures, now_us, passed)
        elif self.held_bytes > _MOST_HELD_BYTES:
            if self._withholds:
                self._forget()
            else:
                self._let_go(passed)

    def _withhold(self, now_us: int) -> None:
        """A packet is missing."""
        if not self._withholds:
            self._withholds, self._withheld_us = True, now_us
            self._keyframes_begun = self.depacketiser.sense.keyframes_begun

    def _is_in_vain(self, now_us: int) -> bool:
        """Whether nothing of what was withheld could be understood here: FFmpeg may have more success."""
        longest_us = _LONGEST_WITHHELD_US if self._understands else _NOT_UNDERSTOOD_US
        begun = self.depacketiser.sense.keyframes_begun - self._keyframes_begun
        return now_us - self._withheld_us >= longest_us or begun >= _KEYFRAMES_IN_VAIN

    def _over(self, pictures: list[CodedFrame], now_us: int, passed: list[bytes]) -> None:
        """The frame whose packets are held is over; ``pictures`` has it, if it can be decoded."""
        if pictures:
            self._understands, self._withholds = True, False
            self._loss = self._loss or pictures[0].loss
        if self._withholds:
            self._forget()
        else:
            self._let_go(passed)

    def _let_go(self, passed: list[bytes]) -> None:
        if self._loss and self._held:
            first = self._held[0]
            unit = self._mark.unit(self._codec, self._loss)
            passed.append(self._encoded(False, first.timestamp, first.ssrc, unit))
            self._loss = ""
        passed += [self._encoded(held.marker, held.timestamp, held.ssrc, held.payload) for held in self._held]
        self._forget()

    def _forget(self) -> None:
        self._held = []
        self.held_bytes = 0

    def _encoded(self, marker: bool, timestamp: int, ssrc: int, payload: bytes) -> bytes:
        """A packet as FFmpeg is to see it, with a number of the relay's own: FFmpeg leaves out what it thinks comes
        twice, or late."""
        self._number = self._number + 1 & 0xFFFF
        kind = (0x80 if marker else 0) | self._type
        return _HEADER.pack(0x80, kind, self._number, timestamp, ssrc) + payload
