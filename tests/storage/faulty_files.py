"""A disk that fails, fills up, dies or loses power at a chosen step: the seam of ``storage.disk.files`` with every step
counted.

What power loss keeps is modelled per file (bytes that a successful sync confirmed) and per folder (entries that a sync
of the folder confirmed). A failed sync poisons: what was dirty then never reaches the disk, even if a later sync
succeeds, as kernels do it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from storage.catalogue.database import Database
from storage.disk.files import Files

Fault = Literal[
    "none",
    "EIO",  # the step fails, nothing happened
    "EIO after",  # the step happened and is reported as failed
    "EIO for good",  # this step and every one after it fails
    "ENOSPC",
    "short write",  # a legal one: fewer bytes than given
    "short ENOSPC",  # fewer bytes, and no more at the next write
    "kill before",
    "kill after",
    "kill torn",  # half of a write is done
    "kill, later power",  # killed; the next start does its work; then power is lost
    "EIO, kill, power",  # fails, is killed two steps later; the next start does its work; then power is lost
    "power before",  # unsynced bytes and entries are lost
    "power after",
    "power, names kept",  # entries reached the disk, unsynced bytes did not
    "power, zeros",  # so did the files' sizes: unsynced bytes are zeros
]
FAULTS: tuple[Fault, ...] = Fault.__args__[1:]  # type: ignore[attr-defined]


class Kill(BaseException):
    """The process ends here."""


@dataclass
class _File:
    """``image``: what the disk surely holds. ``poison``: ranges that a failed sync gave up; ``untold``: of which the
    file's own sync has not told yet."""

    image: bytes = b""
    dirty_from: int = 0
    poison: list[tuple[int, int]] = field(default_factory=list)
    untold: bool = False


class FaultyFiles(Files):
    """Does ``fault`` at step ``at`` (the first is 1)."""

    def __init__(self, at: int = 0, fault: Fault = "none") -> None:
        self.at = at
        self.fault = fault
        self.steps: list[str] = []
        self.dead = False
        self.struck = False
        self.failed_syncs = 0
        self._full = False
        self._files: dict[int, _File] = {}
        self._open: dict[int, Path] = {}
        self._pending: list[tuple[Path, Callable[[], object]]] = []
        self._folders: set[Path] = set()
        self._saved = 0

    # -- the fault

    def step(self, name: str) -> bool:
        """Counts a step; raises what is to be raised before it. True: raise after it."""
        if self.dead:
            raise Kill
        self.steps.append(name)
        if self.struck and self.fault == "EIO for good":
            self._failing(name)
            raise OSError(errno.EIO, "injected for good")
        if self.struck and self.fault == "EIO, kill, power" and len(self.steps) == self.at + self._survives():
            self.die()
        if len(self.steps) != self.at or self.fault == "none":
            return False
        if name != "write" and self.fault in ("short write", "short ENOSPC", "kill torn"):
            return False
        self.struck = True
        match self.fault:
            case "EIO" | "EIO for good" | "EIO, kill, power":
                self._failing(name)
                raise OSError(errno.EIO, "injected")
            case "ENOSPC":
                self._failing(name)
                raise OSError(errno.ENOSPC, "injected")
            case "kill before" | "power before":
                self.die()
        return True

    def _survives(self) -> int:
        """Steps that are done after an error: what it makes necessary at once, which is one call
        (docs/design/durability.md, non-goals); before it, the file that lost something has to be found."""
        return 3 if self.steps[self.at - 1] == "sync disk" else 2

    def _failing(self, name: str) -> None:
        self.failed_syncs += name.startswith("sync")

    def after(self, due: bool) -> None:
        if not due:
            return
        if self.fault == "EIO after":
            raise OSError(errno.EIO, "injected after")
        if self.fault in ("kill after", "kill, later power", "power after", "power, names kept", "power, zeros"):
            self.die()

    def die(self) -> None:
        """The process is gone: descriptors are closed, nothing works any more."""
        self.dead = True
        for fd in list(self._open):
            os.close(fd)
        self._open.clear()
        if self.fault.startswith("power"):
            self.lose_power()
        raise Kill

    def revive(self) -> None:
        """A new process on the same disk: what was not synced still is not."""
        self.dead = False
        self.fault = "none"

    def lose_power(self) -> None:
        if self.fault in ("power before", "power after"):
            for _, undo in reversed(self._pending):
                undo()
        for folder in self._folders:
            for path in folder.iterdir() if folder.is_dir() else ():
                file = self._files.get(path.stat().st_ino) if path.is_file() else None
                if file is not None:
                    size = path.stat().st_size
                    pad = bytes(max(0, size - len(file.image))) if self.fault == "power, zeros" else b""
                    path.write_bytes(file.image + pad)

    # -- the model of the disk

    def _of(self, fd: int) -> _File:
        info = os.fstat(fd)
        if info.st_ino not in self._files:
            # It was there before: all of it is on the disk.
            self._files[info.st_ino] = _File(os.pread(fd, info.st_size, 0), info.st_size)
        return self._files[info.st_ino]

    def _entry(self, path: Path, undo: Callable[[], object]) -> None:
        self._folders.add(path.parent)
        self._pending.append((path.parent, undo))

    # -- the steps

    def create(self, path: Path) -> int:
        due = self.step("create")
        fd = super().create(path)
        self._open[fd] = path
        self._files[os.fstat(fd).st_ino] = _File()
        self._entry(path, lambda: path.unlink(missing_ok=True))
        self.after(due)
        return fd

    def open_existing(self, path: Path) -> int:
        due = self.step("open")
        fd = super().open_existing(path)
        self._open[fd] = path
        self._folders.add(path.parent)
        self._of(fd)
        self.after(due)
        return fd

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        if self._full:
            self._full = False
            self.step("write")
            raise OSError(errno.ENOSPC, "injected")
        due = self.step("write")
        self._of(fd)
        whole = b"".join(buffers)
        if due and self.fault in ("short write", "short ENOSPC", "kill torn"):
            count = super().write(fd, [whole[: max(1, len(whole) // 2)]])
            if self.fault == "kill torn":
                self.die()
            self._full = self.fault == "short ENOSPC"
            return count
        count = super().write(fd, buffers)
        self.after(due)
        return count

    def truncate(self, fd: int, size: int) -> None:
        due = self.step("truncate")
        file = self._of(fd)
        super().truncate(fd, size)
        file.dirty_from = min(file.dirty_from, size)
        file.poison = [(a, min(b, size)) for a, b in file.poison if a < size]
        self.after(due)

    def sync(self, fd: int) -> None:
        file = self._of(fd)
        size = os.fstat(fd).st_size
        try:
            due = self.step("sync")
        except OSError:
            file.poison.append((min(file.dirty_from, size), size))
            raise
        if file.untold:
            file.untold = False
            self.failed_syncs += 1
            raise OSError(errno.EIO, "lost before")
        super().sync(fd)
        self._reached(fd, file, size)
        if due and self.fault == "EIO after":
            self.failed_syncs += 1
        self.after(due)

    def _reached(self, fd: int, file: _File, size: int) -> None:
        image = bytearray(os.pread(fd, size, 0))
        for a, b in file.poison:
            image[a:b] = bytes(max(0, min(b, size) - a))
        file.image, file.dirty_from = bytes(image), size

    def disk_of(self, fd: int) -> int | None:
        return 1

    def sync_disk(self, fd: int) -> None:
        """Of the open files; names are not counted on, although real ones reach the disk too. One that fails has lost
        the bytes of every second file."""
        known = {other: self._of(other) for other in self._open}
        sizes = {other: os.fstat(other).st_size for other in known}
        try:
            due = self.step("sync disk")
        except OSError:
            for number, (other, file) in enumerate(known.items()):
                if number % 2 == 0 and file.dirty_from < sizes[other]:
                    file.poison.append((file.dirty_from, sizes[other]))
                    file.untold = True
            raise
        for other, file in known.items():
            self._reached(other, file, sizes[other])
        self.after(due)

    def close(self, fd: int) -> None:
        due = self.step("close")
        self._open.pop(fd, None)
        super().close(fd)
        self.after(due)

    def rename(self, old: Path, new: Path) -> None:
        due = self.step("rename")
        super().rename(old, new)
        self._entry(new, lambda: new.rename(old))
        self.after(due)

    def unlink(self, path: Path) -> None:
        due = self.step("unlink")
        self._saved += 1
        saved = path.parent / f".saved-{self._saved}"
        os.link(path, saved)
        super().unlink(path)
        self._entry(path, lambda: saved.rename(path))
        self.after(due)

    def make_folder(self, path: Path) -> None:
        due = self.step("mkdir")
        super().make_folder(path)
        self._entry(path, lambda: shutil.rmtree(path, ignore_errors=True))
        self.after(due)

    def remove_folder(self, path: Path) -> None:
        due = self.step("rmdir")
        # The copies kept for power loss are no files of the product's.
        self.drop_saved(path)
        super().remove_folder(path)
        self._entry(path, lambda: path.mkdir())
        self.after(due)

    def sync_folder(self, path: Path) -> None:
        due = self.step("sync folder")
        super().sync_folder(path)
        kept = [(folder, undo) for folder, undo in self._pending if folder != path]
        self._pending = kept
        self.drop_saved(path)
        self.after(due)

    def drop_saved(self, folder: Path) -> None:
        for saved in folder.glob(".saved-*"):
            saved.unlink()

    def tidy(self, root: Path) -> None:
        """Takes away the copies that were kept in case power is lost."""
        for saved in root.rglob(".saved-*"):
            with contextlib.suppress(OSError):
                saved.unlink()


class FaultyDatabase(Database):
    """A catalogue whose transactions are steps too: the process may end before or after each, and one may
    be refused."""

    def __init__(self, path: Path, files: FaultyFiles) -> None:
        super().__init__(path)
        self.faults = files

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        try:
            due = self.faults.step("transaction")
        except OSError as error:
            raise sqlite3.OperationalError(f"disk I/O error: {error}") from error
        with super().write() as conn:
            yield conn
        if due and self.faults.fault != "EIO after":
            self.faults.after(due)
