"""A footage root that is to be taken away: nothing new is recorded there, and what it holds moves to the others.

A file in the root says so, since every recorder looks at the disk anyway, and a disk keeps what was decided of it
wherever it goes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from storage.disk.files import FILES, Files
from storage.disk.roots import IDENTITY_FILE

__all__ = ["DRAINING_FILE", "MOVING_FILE", "OWN_FILES", "drain", "is_draining", "undrain"]

DRAINING_FILE: Final = ".nvr-draining.json"
MOVING_FILE: Final = ".nvr-moving.mp4"
"""A segment that is being copied to this root, until it is whole and gets its name."""
OWN_FILES: Final = frozenset({IDENTITY_FILE, DRAINING_FILE, MOVING_FILE})
"""What lies in a root beside footage, by name."""


def is_draining(root: Path) -> bool:
    """Whether nothing new is to be recorded there.

    Raises:
        OSError: the disk does not say.
    """
    try:
        os.stat(root / DRAINING_FILE)  # noqa: PTH116 - exists() would take a failure for no
    except FileNotFoundError:
        return False
    return True


def drain(root: Path, *, by: str, at: str, files: Files = FILES) -> None:
    """From now on nothing new is recorded there.

    Raises:
        OSError: it can't be written.
    """
    if is_draining(root):
        return
    new = root / f"{DRAINING_FILE}.new"
    if new.exists():
        files.unlink(new)
    fd = files.create(new)
    try:
        files.write_all(fd, [json.dumps({"by": by, "since": at}).encode()])
        files.sync(fd)
    finally:
        files.close(fd)
    files.rename(new, root / DRAINING_FILE)
    files.sync_folder(root)


def undrain(root: Path, *, files: Files = FILES) -> None:
    """It is recorded there again.

    Raises:
        OSError: the disk refuses.
    """
    if is_draining(root):
        files.unlink(root / DRAINING_FILE)
        files.sync_folder(root)
