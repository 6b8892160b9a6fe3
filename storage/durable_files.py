"""Files that are not footage, on the disk before anything is said of them: keys, certificates, reports, copies.

Invariant: what has its name is whole. A crash at any moment leaves what was there before, or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["new_file", "replace_file", "sync"]


@contextmanager
def new_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file that must not exist, open for writing; on the disk at the end of the block.

    Raises:
        OSError: it exists, or the disk does not take it.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Puts a file in the place of what has its name, if anything has.

    Raises:
        OSError: the disk does not take it; nothing half is left, since it may be a private key.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with new_file(new, mode) as file:
        file.write(data)
    try:
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk.

    Raises:
        OSError: it is not there, or can't be synced.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
