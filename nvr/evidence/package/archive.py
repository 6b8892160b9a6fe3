"""A package as one ZIP: stored, never compressed, with ZIP64 fields throughout, in exactly one form.

The bytes of an archive follow from the names, sizes and CRC-32s of its files: so it can be sent from any byte on
without being made first, and a reader can demand that form. Invariant: ``Archive.of_file`` accepts exactly what
``ArchiveLayout`` makes. Anything else (another order, a comment, data before, between or behind entries, compression,
an odd name) is refused and not put right: an archive that two programs read differently is no evidence.
"""

from __future__ import annotations

import bisect
import json
import os
import struct
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

import aiofiles.os

from nvr.evidence.seal.times import parse_iso

__all__ = [
    "Archive",
    "ArchiveEntry",
    "ArchiveError",
    "ArchiveLayout",
    "PackageArchive",
    "PackageFile",
    "is_package_name",
    "made_s",
]

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_EXTRA_LOCAL: Final = struct.Struct("<HHQQ")
_EXTRA_CENTRAL: Final = struct.Struct("<HHQQQ")
_END64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<IIQI")
_END: Final = struct.Struct("<IHHHHIIH")

_MANIFEST: Final = "manifest.json"
_VERSION: Final = 45
_UNIX: Final = 3 << 8
_UTF8: Final = 0x0800
# 1980-01-01, of archives made before their files had times.
_NO_DATE: Final = 0x0021
_EPOCH_1980_S: Final = 315_532_800
# The extended timestamp: seconds of the Unix epoch, which most readers prefer to a time without a zone.
_EXTRA_TIME: Final = struct.Struct("<HHBI")
_LATEST_S: Final = 0xFFFFFFFF
_MODE: Final = 0o100644 << 16
_ALL_ONES: Final = 0xFFFFFFFF
_CHUNK_BYTES: Final = 1 << 20
_MOST_ENTRIES: Final = 100_000
_LONGEST_NAME: Final = 200
_MOST_BYTES: Final = 1 << 46


class ArchiveError(ValueError):
    """Not an archive of the one form; ``where`` in it, and why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file of a package: its name without a folder, its size and its CRC-32."""

    name: str
    size: int
    crc32: int


def is_package_name(name: str) -> bool:
    """Whether a package may have a file or a folder of this name: one part, nothing that any system takes for a
    path."""
    return (
        0 < len(name) <= _LONGEST_NAME
        and name[0] != "."
        and name[-1] not in ". "
        and all(char.isascii() and (char.isalnum() or char in "._-") for char in name)
    )


def _times(made_s: int | None) -> tuple[int, int, bytes]:
    """A time as the format has it: of day and date, UTC, to two seconds, and a field with all of it."""
    if made_s is None:
        return 0, _NO_DATE, b""
    at = datetime.fromtimestamp(min(max(made_s, _EPOCH_1980_S), _LATEST_S), UTC)
    clock, date = at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day
    return clock, date, _EXTRA_TIME.pack(0x5455, 5, 1, min(max(made_s, 0), _LATEST_S))


class ArchiveLayout:
    """Where everything stands in the archive of a package whose folder in it is ``folder``. ``made_s``: when the
    package was made, seconds of the Unix epoch, which all its files carry, so that the same package is the same archive
    each time; None: none, as it was before."""

    def __init__(self, folder: str, entries: Sequence[ArchiveEntry], made_s: int | None = None) -> None:
        self.folder = folder
        self.entries = tuple(entries)
        self.made_s = made_s
        clock, date, time_field = _times(made_s)
        self.heads: list[bytes] = []
        self.offsets: list[int] = []
        at = 0
        central = []
        for entry in self.entries:
            name = f"{folder}/{entry.name}".encode("ascii")
            extra = _EXTRA_LOCAL.pack(1, 16, entry.size, entry.size) + time_field
            head = _LOCAL.pack(
                0x04034B50, _VERSION, _UTF8, 0, clock, date, entry.crc32, _ALL_ONES, _ALL_ONES, len(name), len(extra)
            )
            self.offsets.append(at)
            self.heads.append(head + name + extra)
            more = _EXTRA_CENTRAL.pack(1, 24, entry.size, entry.size, at) + time_field
            lengths = (len(name), len(more), 0, 0, 0)
            central.append(
                _CENTRAL.pack(
                    0x02014B50,
                    _UNIX | _VERSION,
                    _VERSION,
                    _UTF8,
                    0,
                    clock,
                    date,
                    entry.crc32,
                    _ALL_ONES,
                    _ALL_ONES,
                    *lengths,
                    _MODE,
                    _ALL_ONES,
                )
                + name
                + more
            )
            at += len(self.heads[-1]) + entry.size
        directory = b"".join(central)
        count = len(self.entries)
        end64 = _END64.pack(
            0x06064B50, _END64.size - 12, _UNIX | _VERSION, _VERSION, 0, 0, count, count, len(directory), at
        )
        locator = _LOCATOR.pack(0x07064B50, 0, at + len(directory), 1)
        end = _END.pack(0x06054B50, 0, 0, 0xFFFF, 0xFFFF, _ALL_ONES, _ALL_ONES, 0)
        self.directory_at = at
        self.end = directory + end64 + locator + end
        self.size = at + len(self.end)

    def data_at(self, number: int) -> int:
        """Where the bytes of file ``number`` begin."""
        return self.offsets[number] + len(self.heads[number])


def made_s(path: Path) -> int | None:
    """When the package in a folder was made, by its manifest, seconds of the Unix epoch; None: it does not say."""
    try:
        return _made_s(path)
    except (OSError, ValueError, LookupError, TypeError):
        return None


# What is made is not changed.
@lru_cache(maxsize=4096)
def _made_s(path: Path) -> int:
    return parse_iso(json.loads((path / _MANIFEST).read_bytes())["made"]) // 1_000_000


class PackageArchive:
    """The archive of a package in a folder on disk, of which any bytes can be read. Close it when it is sent."""

    def __init__(self, path: Path, folder: str, entries: Sequence[ArchiveEntry]) -> None:
        self._layout = ArchiveLayout(folder, entries, made_s(path))
        self._path = path
        self._open: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.size = self._layout.size

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``, both included.

        Raises:
            OSError: a file of the package can't be read, or is not what it was.
        """
        with self._lock:
            try:
                return self._read(first, last)
            finally:
                if self._closed:
                    self._close_file()

    def _read(self, first: int, last: int) -> bytes:
        layout, parts = self._layout, []
        while first <= last:
            if first >= layout.directory_at:
                begin = first - layout.directory_at
                parts.append(layout.end[begin : last + 1 - layout.directory_at])
                break
            number = bisect.bisect_right(layout.offsets, first) - 1
            begin, head = first - layout.offsets[number], layout.heads[number]
            if begin < len(head):
                data = head[begin : begin + last + 1 - first]
            else:
                left = layout.entries[number].size - (begin - len(head))
                data = self._file(number, begin - len(head), min(left, last + 1 - first))
            parts.append(data)
            first += len(data)
        return b"".join(parts)

    def _file(self, number: int, offset: int, count: int) -> bytes:
        entry = self._layout.entries[number]
        if self._open is None or self._open[0] != number:
            self._close_file()
            fd = os.open(self._path / entry.name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._open = (number, fd)
        data = os.pread(self._open[1], count, offset)
        if not data:
            raise OSError(f"{entry.name} is shorter than it was when it was made")
        return data

    def place_of(self, number: int) -> tuple[int, int]:
        """Where the bytes of file ``number`` begin in the archive, and how many there are."""
        return self._layout.data_at(number), self._layout.entries[number].size

    def blocks(self) -> Iterator[bytes]:
        """All of it, in order."""
        for at in range(0, self.size, _CHUNK_BYTES):
            yield self.read(at, min(at + _CHUNK_BYTES, self.size) - 1)

    async def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` (the end), read by a thread."""
        read = aiofiles.os.wrap(self.read)
        end = self.size if last is None else last + 1
        while first < end:
            data: bytes = await read(first, min(first + _CHUNK_BYTES, end) - 1)
            yield data
            first += len(data)

    def _close_file(self) -> None:
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def close(self) -> None:
        """Closes its file, or has the read under way do it: a descriptor closed under a read may be another file's a
        moment later."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._close_file()
            finally:
                self._lock.release()

    def __del__(self) -> None:
        # An answer that nobody ever began to send.
        self.close()


class PackageFile:
    """One file of a package in a folder on disk, of which any bytes can be read. Close it when it is sent."""

    def __init__(self, archive: PackageArchive, number: int) -> None:
        self._archive = archive
        self._begin, self.size = archive.place_of(number)

    async def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` (the end), read by a thread."""
        end = self.size - 1 if last is None else last
        async for data in self._archive.chunks(self._begin + first, self._begin + end):
            yield data

    def close(self) -> None:
        """Closes its archive."""
        self._archive.close()


class Archive:
    """A package's archive that was read: its layout, over an open file."""

    def __init__(self, file: BinaryIO, layout: ArchiveLayout) -> None:
        self.file, self.layout = file, layout

    @classmethod
    def of_file(cls, file: BinaryIO) -> Archive:
        """Reads names, sizes and CRC-32s, and compares every other byte of the archive's structure with what it has to
        be.

        Raises:
            ArchiveError: it is not of the one form.
        """
        size = file.seek(0, os.SEEK_END)
        directory_at, directory, count = _directory(file, size)
        layout = _layout(directory, count)
        if layout.directory_at != directory_at or layout.size != size:
            raise ArchiveError(
                "ZIP", "its files do not fill it exactly: there is something before, between or behind them"
            )
        file.seek(directory_at)
        if file.read(size - directory_at) != layout.end:
            raise ArchiveError("ZIP directory", "is not as this program writes it")
        for number, head in enumerate(layout.heads):
            file.seek(layout.offsets[number])
            if file.read(len(head)) != head:
                name = layout.entries[number].name
                raise ArchiveError(name, "its header in the ZIP contradicts the ZIP's directory")
        return cls(file, layout)


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    if at < 0:
        return b""
    file.seek(at)
    return file.read(count)


def _directory(file: BinaryIO, size: int) -> tuple[int, bytes, int]:
    """Where the directory begins, its bytes, and how many entries it has."""
    end = _read(file, size - _END.size, _END.size)
    if len(end) < _END.size or end[:4] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ArchiveError("end of the ZIP", "there is no end record: cut off, or something was appended")
    locator = _read(file, size - _END.size - _LOCATOR.size, _LOCATOR.size)
    if locator[:4] != b"PK\x06\x07":
        raise ArchiveError("end of the ZIP", "was not written by this program: it has no ZIP64 records")
    _, _, end64_at, _ = _LOCATOR.unpack(locator)
    if end64_at != size - _END.size - _LOCATOR.size - _END64.size:
        raise ArchiveError("end of the ZIP", "its records are not one behind the other")
    fields = _END64.unpack(_read(file, end64_at, _END64.size))
    count, length, at = fields[6], fields[8], fields[9]
    if fields[0] != 0x06064B50 or at + length != end64_at or count > _MOST_ENTRIES or length > count * 1000:
        raise ArchiveError("end of the ZIP", "does not say where its directory is")
    return at, _read(file, at, length), count


def _layout(directory: bytes, count: int) -> ArchiveLayout:
    at = 0
    folder: str | None = None
    made: int | None = None
    entries: list[ArchiveEntry] = []
    seen: set[str] = set()
    while at < len(directory):
        where = f"entry {len(entries) + 1} of the ZIP"
        if at + _CENTRAL.size > len(directory):
            raise ArchiveError(where, "is cut off")
        fields = _CENTRAL.unpack_from(directory, at)
        crc, name_bytes, extra_bytes = fields[7], fields[10], fields[11]
        at += _CENTRAL.size
        raw, extra = directory[at : at + name_bytes], directory[at + name_bytes : at + name_bytes + extra_bytes]
        at += name_bytes + extra_bytes
        name = raw.decode("ascii", "backslashreplace")
        first, _, last = name.partition("/")
        if name.startswith(("/", "\\")) or ":" in name or ".." in name.replace("\\", "/").split("/"):
            raise ArchiveError(where, f"the name {name!r} leads out of the package")
        if not is_package_name(first) or not is_package_name(last) or folder not in (None, first):
            raise ArchiveError(where, f"no package has a file named {name!r}")
        if fields[4] != 0:
            raise ArchiveError(name, "is compressed; files of a package are stored")
        if fields[15] != _MODE:
            raise ArchiveError(name, "is not marked as a plain file: a link or a folder")
        # Case does not count: on some systems one file would replace the other.
        if last.lower() in seen:
            raise ArchiveError(name, "is in the ZIP twice")
        if len(extra) == _EXTRA_CENTRAL.size + _EXTRA_TIME.size:
            # What else stands there, and that it is the same of all, is compared with what it has to be.
            made = _EXTRA_TIME.unpack_from(extra, _EXTRA_CENTRAL.size)[3]
        elif len(extra) != _EXTRA_CENTRAL.size:
            raise ArchiveError(name, "has fields that this program does not write")
        folder = first
        seen.add(last.lower())
        entries.append(ArchiveEntry(last, _EXTRA_CENTRAL.unpack_from(extra)[2], crc))
        if entries[-1].size > _MOST_BYTES:
            raise ArchiveError(name, "declares more bytes than any disk has")
    if folder is None or len(entries) != count:
        raise ArchiveError("ZIP directory", f"has {len(entries)} entries, and its end says {count}")
    return ArchiveLayout(folder, entries, made)
