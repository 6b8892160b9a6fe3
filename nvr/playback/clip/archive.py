"""Several clips as one ZIP: stored, streamed, of a size that is known before the first byte.

Sizes and checksums stand in front of each member, so that it can be read as a stream too (Java's does not take stored
members otherwise). So a member is read twice: for its checksum, then to be sent. Invariant: what was streamed is as
long as ``size`` said, and each member is what its checksum says, or the answer is broken off.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nvr.playback.clip.clip import Clip
from nvr.playback.clip.extents import ClipCost
from nvr.playback.errors import ArchiveChanged
from nvr.playback.media import CHUNK_BYTES, ahead

__all__ = ["ClipArchive", "ClipMember"]

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_END_64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<IIQI")
_PLAIN: Final = 20
_ZIP64: Final = 45
_UNIX: Final = 3 << 8
_UTF8: Final = 0x0800
_MODE: Final = 0o100644 << 16
# From here on a number takes 64 bits. As the standard library: half of what the format allows, since some readers take
# numbers as signed.
_LIMIT: Final = (1 << 31) - 1
_MOST_PLAIN: Final = 0xFFFF
_ALL_ONES: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ClipMember:
    """A file of the archive."""

    name: str
    clip: Clip


def _times(at_us: int) -> tuple[int, int, bytes]:
    """A time as the format has it: to two seconds, without a zone, not before 1980; and a field with it in UTC, which
    most readers prefer."""
    at = datetime.fromtimestamp(max(at_us // 1_000_000, 315_532_800), UTC)
    clock, date = at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day
    seconds = at_us // 1_000_000
    field = struct.pack("<HHBI", 0x5455, 5, 1, seconds) if 0 <= seconds <= _LIMIT else b""
    return clock, min(date, 0xFFFF), field


def _local(member: ClipMember, crc: int) -> bytes:
    name, size = member.name.encode(), member.clip.size
    clock, date, extra = _times(member.clip.start_us)
    if size > _LIMIT:
        extra = struct.pack("<HHQQ", 1, 16, size, size) + extra
    told = _ALL_ONES if size > _LIMIT else size
    version = _ZIP64 if size > _LIMIT else _PLAIN
    return (
        _LOCAL.pack(0x04034B50, version, _UTF8, 0, clock, date, crc, told, told, len(name), len(extra)) + name + extra
    )


def _central(member: ClipMember, crc: int, at: int) -> bytes:
    name, size = member.name.encode(), member.clip.size
    clock, date, extra = _times(member.clip.start_us)
    wide = ([size, size] if size > _LIMIT else []) + ([at] if at > _LIMIT else [])
    if wide:
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) + extra
    told, place = (_ALL_ONES if value > _LIMIT else value for value in (size, at))
    version = _ZIP64 if wide else _PLAIN
    return (
        _CENTRAL.pack(
            0x02014B50,
            _UNIX | version,
            version,
            _UTF8,
            0,
            clock,
            date,
            crc,
            told,
            told,
            len(name),
            len(extra),
            0,
            0,
            0,
            _MODE,
            place,
        )
        + name
        + extra
    )


def _end(count: int, directory_bytes: int, at: int) -> bytes:
    if count <= _MOST_PLAIN and directory_bytes <= _LIMIT and at <= _LIMIT:
        return _END.pack(0x06054B50, 0, 0, count, count, directory_bytes, at, 0)
    return (
        _END_64.pack(0x06064B50, _END_64.size - 12, _UNIX | _ZIP64, _ZIP64, 0, 0, count, count, directory_bytes, at)
        + _LOCATOR.pack(0x07064B50, 0, at + directory_bytes, 1)
        + _END.pack(0x06054B50, 0, 0, 0xFFFF, 0xFFFF, _ALL_ONES, _ALL_ONES, 0)
    )


class ClipArchive:
    """A ZIP of clips. Close it: that closes their files."""

    def __init__(self, members: Sequence[ClipMember]) -> None:
        self._members = tuple(members)
        self.size = self._size()
        costs = [member.clip.cost for member in members]
        self.cost = ClipCost(sum(cost.files for cost in costs), sum(cost.bytes for cost in costs))
        digest = hashlib.blake2b(repr([(m.name, m.clip.etag) for m in members]).encode(), digest_size=16)
        self.etag = f'"{digest.hexdigest()}"'

    def _size(self) -> int:
        at = directory = 0
        for member in self._members:
            directory += len(_central(member, 0, at))
            at += len(_local(member, 0)) + member.clip.size
        return at + directory + len(_end(len(self._members), directory, at))

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """All of it, in pieces made by a thread.

        Raises:
            ValueError: only a part is asked for.
            FootageDamaged: a recorded file is shorter than it was.
            ArchiveChanged: a member read otherwise the second time.
        """
        if first or last not in (None, self.size - 1):
            raise ValueError("an archive is sent as a whole")
        pieces = self._pieces()
        return ahead(lambda: next(pieces, b""))

    def _pieces(self) -> Iterator[bytes]:
        directory: list[bytes] = []
        at = 0
        for member in self._members:
            crc = 0
            for data in _read(member.clip):
                crc = zlib.crc32(data, crc)
            head = _local(member, crc)
            directory.append(_central(member, crc, at))
            yield head
            again = 0
            for data in _read(member.clip):
                again = zlib.crc32(data, again)
                yield data
            if again != crc:
                raise ArchiveChanged(member.name)
            at += len(head) + member.clip.size
        whole = b"".join(directory)
        yield whole + _end(len(directory), len(whole), at)

    def close(self) -> None:
        """Closes the clips' files, after the read under way if there is one."""
        for member in self._members:
            member.clip.close()


def _read(clip: Clip) -> Iterator[bytes]:
    for first in range(0, clip.size, CHUNK_BYTES):
        yield clip.read(first, min(first + CHUNK_BYTES, clip.size) - 1)
