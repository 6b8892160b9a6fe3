"""Where a package's files are read from: a folder, or an archive of the one form. Nothing is ever extracted or
followed."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from nvr.evidence.package.archive import Archive, is_package_name
from nvr.evidence.verify.report import FindingKind, VerificationReport

__all__ = ["ArchiveSource", "FolderSource", "PackageSource"]


class PackageSource(Protocol):
    """Files by name."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of each."""

    @property
    def folder(self) -> str | None:
        """What the container calls the package's folder; None if it says nothing: a folder on a disk is called what its
        owner likes."""

    @property
    def made_s(self) -> int | None:
        """When the package was made, as the container says it of every file, seconds of the Unix epoch; None if it says
        nothing."""

    def open(self, name: str) -> BinaryIO:
        """The file's bytes, from the beginning on."""

    def crc32(self, name: str) -> int | None:
        """What the container says of the file's CRC-32; None if it says nothing."""


class FolderSource:
    """A folder. Whatever in it is not a plain file is a finding, and is left alone. Times of its files say nothing:
    copying changes them."""

    folder: str | None = None
    made_s: int | None = None

    def __init__(self, path: Path, report: VerificationReport) -> None:
        self._path = path
        self.sizes: dict[str, int] = {}
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISLNK(info.st_mode):
                    report.add(FindingKind.MALFORMED, entry.name, "symlink")
                elif not stat.S_ISREG(info.st_mode):
                    report.add(FindingKind.ADDED, entry.name, "not_a_file")
                elif not is_package_name(entry.name):
                    report.add(FindingKind.ADDED, entry.name, "not_listed")
                else:
                    self.sizes[entry.name] = info.st_size

    def open(self, name: str) -> BinaryIO:
        """The file's bytes; a link that took its place meanwhile is not followed."""
        fd = os.open(self._path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return os.fdopen(fd, "rb", buffering=0)

    def crc32(self, name: str) -> int | None:
        """A folder says nothing."""
        return None


class _Window(io.RawIOBase):
    """Part of a file, read in order."""

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        self._file, self._at, self._end = file, begin, begin + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: max(self._end - self._at, 0)]
        if not view:
            return 0
        self._file.seek(self._at)
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class ArchiveSource:
    """An archive's files."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.folder = archive.layout.folder
        self.made_s = archive.layout.made_s
        entries = archive.layout.entries
        self._numbers = {entry.name: number for number, entry in enumerate(entries)}
        self.sizes: dict[str, int] = {entry.name: entry.size for entry in entries}

    def open(self, name: str) -> BinaryIO:
        """The file's bytes."""
        number = self._numbers[name]
        layout = self._archive.layout
        return io.BufferedReader(
            _Window(self._archive.file, layout.data_at(number), layout.entries[number].size), 1 << 20
        )

    def crc32(self, name: str) -> int | None:
        """What the archive's directory says."""
        return self._archive.layout.entries[self._numbers[name]].crc32
