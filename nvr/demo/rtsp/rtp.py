"""RTP packets of access units (RFC 3550, 6184, 7798, 3640, 3551) and RTCP sender reports.

Pure: bytes in, bytes out. Payload splitting is apart from packet headers so that each can be tested alone.
"""

import struct
from collections.abc import Iterator, Sequence

from .nal import nal_type
from .stream import AccessUnit, Codec

# Payload bytes of a packet. Interleaved TCP would carry 64 KiB, but cameras send what fits an Ethernet frame.
PAYLOAD_LIMIT_BYTES = 1400

# Seconds from the NTP epoch (1900) to the Unix epoch (1970).
NTP_UNIX_OFFSET_S = 2_208_988_800

_H264_STAP_A = 24
_H264_FU_A = 28
_H265_AP = 48
_H265_FU = 49


def h264_payloads(nals: Sequence[bytes], limit: int = PAYLOAD_LIMIT_BYTES, *, aggregate: bool = False) -> list[bytes]:
    """RTP payloads of a picture: single NAL units, FU-A, and with `aggregate` STAP-A for runs of small units."""
    payloads: list[bytes] = []
    for group in _groups(nals, limit, 1, aggregate):
        if len(group) > 1:
            header = max(nal[0] & 0x60 for nal in group) | _H264_STAP_A
            payloads.append(bytes([header]) + b"".join(struct.pack("!H", len(nal)) + nal for nal in group))
        elif len(nal := group[0]) <= limit:
            payloads.append(nal)
        else:
            indicator = nal[0] & 0xE0 | _H264_FU_A
            payloads += (
                bytes([indicator, flags | nal[0] & 0x1F]) + part for flags, part in _fragments(nal[1:], limit - 2)
            )
    return payloads


def h265_payloads(nals: Sequence[bytes], limit: int = PAYLOAD_LIMIT_BYTES, *, aggregate: bool = False) -> list[bytes]:
    """RTP payloads of a picture: single NAL units, FU, and with `aggregate` AP for runs of small units."""
    payloads: list[bytes] = []
    for group in _groups(nals, limit, 2, aggregate):
        nal = group[0]
        if len(group) > 1:
            header = bytes([nal[0] & 0x81 | _H265_AP << 1, nal[1]])
            payloads.append(header + b"".join(struct.pack("!H", len(unit)) + unit for unit in group))
        elif len(nal) <= limit:
            payloads.append(nal)
        else:
            header = bytes([nal[0] & 0x81 | _H265_FU << 1, nal[1]])
            kind = nal_type("h265", nal)
            payloads += (header + bytes([flags | kind]) + part for flags, part in _fragments(nal[2:], limit - 3))
    return payloads


def aac_payloads(frame: bytes, limit: int = PAYLOAD_LIMIT_BYTES) -> list[bytes]:
    """RTP payloads of one AAC frame, AAC-hbr (13 bits of size, 3 of index); a large frame is split (RFC 3640 3.2.3)."""
    header = struct.pack("!HH", 16, len(frame) << 3 & 0xFFFF)
    room = limit - len(header)
    return [header + frame[at : at + room] for at in range(0, len(frame), room)]


def _groups(nals: Sequence[bytes], limit: int, header_bytes: int, aggregate: bool) -> Iterator[list[bytes]]:
    """Neighbouring units that share a packet: each alone, unless aggregating."""
    group: list[bytes] = []
    size = header_bytes
    for nal in nals:
        if group and (not aggregate or size + 2 + len(nal) > limit):
            yield group
            group, size = [], header_bytes
        group.append(nal)
        size += 2 + len(nal)
    if group:
        yield group


def _fragments(body: bytes, room: int) -> Iterator[tuple[int, bytes]]:
    """Parts of a unit's body with the start (0x80) and end (0x40) flags of their fragmentation header."""
    for at in range(0, len(body), room):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + room >= len(body) else 0)
        yield flags, body[at : at + room]


class Packetiser:
    """RTP state of one stream towards one client: sequence numbers, timestamps, counts for the sender reports."""

    def __init__(
        self,
        codec: Codec,
        payload_type: int,
        clock_rate: int,
        *,
        ssrc: int,
        sequence: int,
        timestamp_base: int,
        limit: int = PAYLOAD_LIMIT_BYTES,
        aggregate: bool = False,
    ) -> None:
        self.codec = codec
        self.payload_type = payload_type
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp_base = timestamp_base
        self._limit = limit
        self._aggregate = aggregate
        self._packets = 0
        self._octets = 0

    def timestamp(self, pts: int) -> int:
        """The RTP timestamp of a presentation time."""
        return (self.timestamp_base + pts) & 0xFFFFFFFF

    def packets(self, unit: AccessUnit) -> list[bytes]:
        """The RTP packets of one access unit; the marker bit ends a picture (and, RFC 3640, an AAC frame)."""
        payloads = self._payloads(unit)
        timestamp = self.timestamp(unit.pts)
        packets: list[bytes] = []
        for number, payload in enumerate(payloads, 1):
            # G.711 marks the start of a talk spurt only: a continuous stream has none.
            marker = 0x80 if number == len(payloads) and self.codec not in ("pcmu", "pcma") else 0
            header = struct.pack("!BBHII", 0x80, marker | self.payload_type, self.sequence, timestamp, self.ssrc)
            packets.append(header + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self._octets += len(payload)
        self._packets += len(packets)
        return packets

    def _payloads(self, unit: AccessUnit) -> list[bytes]:
        match self.codec:
            case "h264":
                return h264_payloads(unit.payload, self._limit, aggregate=self._aggregate)
            case "h265":
                return h265_payloads(unit.payload, self._limit, aggregate=self._aggregate)
            case "aac":
                return aac_payloads(unit.payload[0], self._limit)
            case "pcmu" | "pcma":
                return list(unit.payload)

    def sender_report(self, unit: AccessUnit, now_us: int) -> bytes:
        """A compound RTCP packet (sender report and CNAME) that ties the wall clock `now_us` to the RTP clock."""
        seconds, micros = divmod(now_us, 1_000_000)
        ahead = round((now_us - unit.wall_us) * self.clock_rate / 1_000_000)
        report = struct.pack(
            "!BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            (seconds + NTP_UNIX_OFFSET_S) & 0xFFFFFFFF,
            (micros << 32) // 1_000_000,
            self.timestamp(unit.pts + ahead),
            self._packets & 0xFFFFFFFF,
            self._octets & 0xFFFFFFFF,
        )
        item = b"\x01\x06camera"
        chunk = item + bytes(4 - len(item) % 4)  # ends with at least one zero, padded to 32 bits
        return report + struct.pack("!BBHI", 0x81, 202, 1 + len(chunk) // 4, self.ssrc) + chunk


def interleaved(channel: int, packet: bytes) -> bytes:
    """A packet framed for the RTSP connection (RFC 2326 10.12)."""
    return struct.pack("!BBH", 0x24, channel, len(packet)) + packet
