"""What a configured footage root is, by its identity and the catalogue's: the known one, a new one, one that moved, a
copy, or a mount point whose disk is not there.

The decision is pure; ``look_at`` asks the disks. Invariant: a folder becomes a root only if nothing says that another
disk is meant, or that the same footage is another server's too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from storage.disk.roots import identity_of
from storage.errors import RootError

__all__ = ["RootLook", "RootPlace", "RootVerdict", "admit", "is_on_system_disk", "judge", "look_at", "unmounted_above"]

_FSTAB: Final = Path("/etc/fstab")
# Where disks are mounted by custom: a folder there on the system's own disk is seldom meant.
_FOR_DISKS: Final = (Path("/mnt"), Path("/media"), Path("/run/media"))


class RootPlace(StrEnum):
    """What is at a configured path."""

    KNOWN = "known"
    NEW = "new"
    SYSTEM_DISK = "system_disk"
    MOVED = "moved"
    COPIED = "copied"
    UNMOUNTED = "unmounted"


@dataclass(frozen=True, slots=True)
class RootLook:
    """``identity``: what the path carries; ``expected``: what the catalogue has for this path. ``known_at``: where the
    catalogue has this identity, if that is elsewhere; ``still_there``: that place carries it too. ``unmounted``: a
    mount point of /etc/fstab at the path or above it that has no disk now. ``for_disks``: the path is where disks are
    mounted by custom, and on the system's own disk."""

    path: Path
    identity: str | None
    expected: str | None
    known_at: Path | None = None
    still_there: bool = False
    unmounted: Path | None = None
    for_disks: bool = False


@dataclass(frozen=True, slots=True)
class RootVerdict:
    """``is_refused``: nothing may be written there. ``words``: what people are told; empty: nothing to tell."""

    place: RootPlace
    is_refused: bool
    words: str


def judge(look: RootLook) -> RootVerdict:
    """What to make of it. A path that the catalogue knows is ``open_root``'s to compare."""
    path = look.path
    if look.identity is None and look.expected is None:
        if look.unmounted is not None:
            words = (
                f"footage root {path} is new, and the disk of {look.unmounted} is not mounted, though /etc/fstab"
                f" mounts it: mount {look.unmounted}. Nothing was written to it"
            )
            return RootVerdict(RootPlace.UNMOUNTED, True, words)
        if look.for_disks:
            words = (
                f"footage root {path} is new and ON THE SYSTEM DISK, though disks are mounted there by custom: if its"
                " disk is only not mounted yet, stop the server, remove the folder, and mount it"
            )
            return RootVerdict(RootPlace.SYSTEM_DISK, False, words)
        return RootVerdict(RootPlace.NEW, False, f"footage root {path} is new")
    if look.expected is None and look.known_at is not None:
        if look.still_there:
            words = (
                f"footage root {path} carries the identity of {look.known_at}, which is there too: was a disk copied,"
                f" or this installation? Both would be taken for the same footage. To continue with {path}, take"
                f" {look.known_at} away, or rename its identity file; if it is to be a root of its own, remove"
                f" that of {path}. Nothing was written to it"
            )
            return RootVerdict(RootPlace.COPIED, True, words)
        words = f"footage root {path} was at {look.known_at} before: it is known by its identity, with its footage"
        return RootVerdict(RootPlace.MOVED, False, words)
    return RootVerdict(RootPlace.KNOWN, False, "")


def look_at(path: Path, known: Mapping[str, str], *, fstab: Path = _FSTAB) -> RootLook:
    """Asks the disks. ``known``: the catalogue's roots, path to identity.

    Raises:
        RootError: the path's identity file can't be read, or is damaged.
    """
    identity, expected = identity_of(path), known.get(str(path))
    if expected is not None:
        return RootLook(path, identity, expected)
    if identity is None:
        unmounted = unmounted_above(path, fstab)
        above = any(place in path.parents for place in _FOR_DISKS)
        return RootLook(path, None, None, unmounted=unmounted, for_disks=above and is_on_system_disk(path))
    at = next((Path(other) for other, one in known.items() if one == identity), None)
    still = False
    if at is not None:
        try:
            still = identity_of(at) == identity and not at.samefile(path)
        except (RootError, OSError):
            still = False
    return RootLook(path, identity, None, known_at=at, still_there=still)


def admit(path: Path, known: Mapping[str, str], *, fstab: Path = _FSTAB) -> RootVerdict:
    """What to make of a root that is to be used now.

    Raises:
        RootError: it is not to be used, or can't be looked at.
    """
    verdict = judge(look_at(path, known, fstab=fstab))
    if verdict.is_refused:
        raise RootError(verdict.words)
    return verdict


def unmounted_above(path: Path, fstab: Path = _FSTAB) -> Path | None:
    """The deepest mount point of ``fstab`` at the path or above it, if nothing is mounted there."""
    try:
        lines = fstab.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found: list[Path] = []
    for line in lines:
        fields = line.split("#", 1)[0].split()
        if len(fields) >= 2 and fields[1].startswith("/"):
            # As fstab(5) writes blanks.
            point = Path(re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), fields[1]))
            if point == path or point in path.parents:
                found.append(point)
    deepest = max(found, key=lambda point: len(point.parts), default=None)
    return None if deepest is None or os.path.ismount(deepest) else deepest


def is_on_system_disk(path: Path) -> bool:
    """Whether the path, or where it would be made, is on the file system of ``/``."""
    at = next((above for above in (path, *path.parents) if above.exists()), Path("/"))
    try:
        return at.stat().st_dev == Path("/").stat().st_dev
    except OSError:
        return False
