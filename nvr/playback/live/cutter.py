"""One camera's live messages cut into parts, with the playlist of the last ones. Pure, but for being told.

Invariants: a part begins with a keyframe, its number and its bytes stay; media time goes on from part to part and is
wall time, but where the playlist says a discontinuity; there is no sound in it.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from nvr.playback.hls.names import date_time, seconds
from nvr.playback.live.channel import LiveViewer
from nvr.playback.live.wire import LiveKind
from storage.format.boxes import BoxError, children, header, parse_init

__all__ = ["PartCutter"]

_PART_S: Final = 2.0
_SLACK_US: Final = 60_000
_PARTS: Final = 6
# Of one camera's parts: as much as 32 Mbit/s for as long as they are kept.
_MOST_BYTES: Final = 48 << 20
_LONGEST_PART_US: Final = 20_000_000
# Beyond this between two fragments media time does not go on.
_HOLE_US: Final = 500_000
_HEAD: Final = struct.Struct(">BBHI")
_TIMES: Final = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    start_us: int
    end_us: int
    init: int
    breaks: bool
    data: bytes


class PartCutter(LiveViewer):
    """Takes one camera's messages and makes parts of them."""

    def __init__(self) -> None:
        super().__init__()
        self.inits: dict[int, bytes] = {}
        self.parts: deque[_Part] = deque()
        self.came = asyncio.Event()
        self.has_sound = False
        # Inits of another watching of the same camera have other names.
        self.began_us = 0
        self._scales: dict[int, int] = {}
        self._init = -1
        self._gone = 0
        self._zero_us = 0
        self._number = 0
        self._pieces: list[bytes] = []
        self._start_us = self._end_us = 0
        self._breaks = True
        self._target_s = 2

    def put(self, tile: int, message: bytes, *, sync: bool = False, droppable: bool = False) -> None:
        """As of every viewer; nothing waits here."""
        kind = message[1]
        if kind == LiveKind.INIT:
            self._begin(message[message.index(b"\0", _HEAD.size) + 1 :])
        elif kind == LiveKind.FRAGMENT and self._scales:
            start_us, end_us = _TIMES.unpack_from(message, _HEAD.size)
            self._add(start_us, end_us, message[_HEAD.size + _TIMES.size :], sync=sync)
        elif kind == LiveKind.AWAY:
            self._drop()

    def _begin(self, data: bytes) -> None:
        self._drop()
        try:
            tracks = parse_init(data)
        except BoxError:
            tracks = ()
        self.has_sound = any(track.kind == "audio" for track in tracks)
        self._scales = {} if self.has_sound else {track.track_id: track.timescale for track in tracks}
        self._init += 1
        self.inits[self._init] = data
        self.came.set()

    def _drop(self) -> None:
        """What was begun is not whole."""
        self._pieces, self._breaks = [], True

    def _add(self, start_us: int, end_us: int, data: bytes, *, sync: bool) -> None:
        if self._pieces and not -_HOLE_US <= start_us - self._end_us <= _HOLE_US:
            self._drop()
        if sync and self._pieces and self._end_us - self._start_us >= _PART_S * 1_000_000 - _SLACK_US:
            self._close()
        if not self._pieces:
            if not sync:
                return
            if not self.began_us:
                self.began_us, self._number = start_us, start_us // 2_000_000
            # Of a clock that was set back media time begins again.
            self._zero_us = min(self._zero_us or start_us, start_us)
            self._start_us = start_us
        try:
            self._pieces.append(_timed(data, start_us - self._zero_us, self._scales))
            self._end_us = max(end_us, start_us)
        except (BoxError, struct.error, KeyError):
            self._drop()
        if self._end_us - self._start_us > _LONGEST_PART_US:
            self._drop()

    def _close(self) -> None:
        part = _Part(
            self._number, self._start_us, self._end_us, self._init, self._breaks and bool(self.parts or self._gone),
            b"".join(self._pieces),
        )  # fmt: skip
        self._number += 1
        self._target_s = max(self._target_s, -(-(part.end_us - part.start_us) // 1_000_000))
        self._pieces, self._breaks = [], False
        self.parts.append(part)
        while len(self.parts) > _PARTS or (
            len(self.parts) > 1 and sum(len(one.data) for one in self.parts) > _MOST_BYTES
        ):
            self._gone += self.parts.popleft().breaks
        wanted = {one.init for one in self.parts} | {self._init}
        self.inits = {number: data for number, data in self.inits.items() if number in wanted}
        self.came.set()

    def text(self) -> str:
        """The playlist. Everything in it is named relative to it."""
        first = self.parts[0].number if self.parts else self._number
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{self._target_s}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._gone}",
        ]
        init = None
        for part in self.parts:
            if part.breaks:
                lines.append("#EXT-X-DISCONTINUITY")
            if part.init != init:
                lines.append(f'#EXT-X-MAP:URI="live/{self.began_us}-{part.init}.mp4"')
                init = part.init
            lines += [
                f"#EXT-X-PROGRAM-DATE-TIME:{date_time(part.start_us)}",
                f"#EXTINF:{seconds(part.end_us - part.start_us)},",
                f"live/{part.number}-{part.start_us}.m4s",
            ]
        return "\n".join(lines) + "\n"

    def bytes_of(self, name: str) -> bytes | None:
        """What a playlist named so; None if there is no such thing, or no more."""
        for part in self.parts:
            if name == f"{part.number}-{part.start_us}.m4s":
                return part.data
        for number, data in self.inits.items():
            if name == f"{self.began_us}-{number}.mp4":
                return data
        return None


def _timed(data: bytes, since_us: int, scales: dict[int, int]) -> bytes:
    """The fragment with decode times that are wall time."""
    changed = bytearray(data)
    moof = header(data, 0, len(data))
    if moof is None or moof.kind != b"moof":
        raise BoxError("no moof")
    for traf in children(data, moof.payload, moof.end):
        if traf.kind != b"traf":
            continue
        scale = 0
        for box in children(data, traf.payload, traf.end):
            if box.kind == b"tfhd":
                scale = scales[struct.unpack_from(">I", data, box.payload + 4)[0]]
            elif box.kind == b"tfdt":
                if data[box.payload] != 1:
                    raise BoxError("a decode time of 32 bits")
                struct.pack_into(">Q", changed, box.payload + 4, max(since_us * scale // 1_000_000, 0))
    return bytes(changed)
