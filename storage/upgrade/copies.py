"""The copies of a catalogue that upgrades make: a folder beside it, and a mark while an upgrade is under way.

Invariant: the copy that an upgrade goes back to is of before its first step, however often it was interrupted.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage.durable_files import new_file, sync

__all__ = ["Copy", "copies", "folder_of", "interrupted", "mark", "name_of", "own_as", "prune", "unmark"]

_FOLDER: Final = ".upgrades"
_MARK: Final = "under-way.json"
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)-(\w+)-(before|left)\.sqlite", re.ASCII)
_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Copy:
    """``at_us``: when it was made. ``is_left``: what going back left, and not what an upgrade began with."""

    path: Path
    at_us: int
    schema: str
    is_left: bool


def folder_of(catalogue: Path) -> Path:
    """Where the copies of this catalogue are."""
    return catalogue.with_name(catalogue.name + _FOLDER)


def name_of(at_us: int, schema: str, *, is_left: bool = False) -> str:
    """The file's name of a copy."""
    stamp = datetime.fromtimestamp(at_us / 1e6, UTC).strftime(_STAMP)
    return f"{stamp}-{schema}-{'left' if is_left else 'before'}.sqlite"


def copies(catalogue: Path) -> list[Copy]:
    """The copies that are there, the oldest first."""
    found = []
    folder = folder_of(catalogue)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
            found.append(Copy(path, int(at.timestamp()) * 1_000_000, match[2], match[3] == "left"))
    return found


def prune(catalogue: Path, keep: int) -> None:
    """Removes all but the last ``keep`` of each kind."""
    every = copies(catalogue)
    for is_left in (False, True):
        for old in [copy for copy in every if copy.is_left is is_left][:-keep]:
            old.path.unlink(missing_ok=True)


def mark(catalogue: Path, copy: Path) -> None:
    """An upgrade that began with this copy is under way. Durable.

    Raises:
        OSError: it can't be written.
    """
    path = folder_of(catalogue) / _MARK
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with new_file(part) as file:
        file.write(json.dumps({"copy": copy.name}).encode())
    own_as(part, catalogue)
    part.replace(path)
    sync(path.parent)


def interrupted(catalogue: Path) -> Path | None:
    """The copy that an upgrade began with that has not ended; None: there is none."""
    try:
        name = json.loads((folder_of(catalogue) / _MARK).read_text(encoding="utf-8"))["copy"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    path = folder_of(catalogue) / str(name)
    return path if _NAME.fullmatch(path.name) and path.is_file() else None


def unmark(catalogue: Path) -> None:
    """The upgrade has ended."""
    (folder_of(catalogue) / _MARK).unlink(missing_ok=True)


def own_as(path: Path, like: Path) -> None:
    """What root makes beside another user's catalogue is that user's: a command that root calls must not lock the
    server out.

    Raises:
        OSError: it can't be given away.
    """
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
