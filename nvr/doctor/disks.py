"""The footage disks and that of the catalogue."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.config import Config
from nvr.doctor.finding import DoctorFinding, good, notice, unknown, wrong
from storage.catalogue.database import Database
from storage.disk.files import FILES
from storage.disk.root_places import RootLook, RootPlace, is_on_system_disk, judge, look_at
from storage.disk.roots import known_roots
from storage.disk.smart import ask_smart, device_of, judge_smart
from storage.errors import CatalogueError, RootError
from storage.sentences import Sentence, quoted

__all__ = ["RootState", "catalogue_disk", "disk_health", "examine_disks", "footage_root"]

_LEAST_INODES: Final = 0.02
# Room for a copy of the catalogue, as an upgrade makes one, and as much again to continue.
_COPIES: Final = 3
_LEAST_BYTES: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RootState:
    """What was measured of a root's disk. ``inodes``: the part of its files that can still be made; None: it does not
    count them."""

    free_bytes: int
    total_bytes: int
    inodes: float | None
    is_writable: bool
    is_on_system_disk: bool


def examine_disks(config: Config) -> Iterator[DoctorFinding]:
    """Looks at each root, and at the catalogue's disk."""
    known = _known(config.storage.catalogue)
    for root in config.storage.roots:
        try:
            look = look_at(root, known)
        except RootError as error:
            yield wrong("root", quoted(str(error)), Sentence("mount its disk, or put the file right"))
            continue
        yield footage_root(look, _state(root), config.storage.free_space_floor.of)
        if look.identity is not None and (device := device_of(root)) is not None:
            yield disk_health(device, ask_smart(device))
    yield catalogue_disk(config.storage.catalogue, *_catalogue_bytes(config.storage.catalogue))


def _known(catalogue: Path) -> Mapping[str, str]:
    if not catalogue.is_file():
        return {}
    database = Database(catalogue)
    try:
        with database.read() as conn:
            return known_roots(conn)
    except (sqlite3.Error, CatalogueError):
        # Said where the catalogue is looked at.
        return {}
    finally:
        database.close()


def _nearest(path: Path) -> Path:
    return next((above for above in (path, *path.parents) if above.exists()), Path("/"))


def _state(root: Path) -> RootState:
    at = _nearest(root)
    free, total = FILES.usage(at)
    counts = os.statvfs(at)
    inodes = counts.f_favail / counts.f_files if counts.f_files else None
    return RootState(free, total, inodes, os.access(at, os.W_OK | os.X_OK), is_on_system_disk(root))


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"


def footage_root(look: RootLook, state: RootState, floor_of: Callable[[int], int]) -> DoctorFinding:
    """``floor_of``: bytes that must stay free, by those in all."""
    root, verdict = look.path, judge(look)
    if look.expected is not None and look.identity != look.expected:
        return wrong(
            "root",
            Sentence(
                "footage root {root} is not the disk that the catalogue knows: nothing is recorded there", root=root
            ),
            Sentence("mount the right disk"),
        )
    if verdict.is_refused:
        if verdict.place is RootPlace.COPIED:
            what = Sentence("footage root {root} is a copy of {other}", root=root, other=look.known_at)
            return wrong("root", what, Sentence("take one of them away"))
        what = Sentence("the disk of footage root {root} is not mounted", root=root)
        return wrong("root", what, Sentence("mount {point}", point=look.unmounted))
    if not state.is_writable:
        return wrong(
            "root",
            Sentence("footage root {root} can't be written by who asks", root=root),
            Sentence("ask as the server's user; a disk that went read-only has failed"),
        )
    floor_bytes = floor_of(state.total_bytes)
    if state.inodes is not None and state.inodes < _LEAST_INODES:
        what = Sentence("footage root {root} can make few more files, though it has bytes left", root=root)
        return wrong("root", what, Sentence("make its file system anew with more inodes, or use XFS"))
    values = {"root": root, "free": _gigabytes(state.free_bytes), "total": _gigabytes(state.total_bytes)}
    if state.free_bytes < floor_bytes / 2:
        return wrong(
            "root",
            Sentence("footage root {root} has {free} of {total} left, less than half of what must stay free", **values),
            Sentence("see what keeps footage (nvr retention forecast, nvr holds list), or add a disk"),
        )
    if state.is_on_system_disk:
        return notice(
            "root",
            Sentence("footage root {root} is on the system disk: {free} of {total} left", **values),
            Sentence("give footage a disk of its own: one that is full stops the machine"),
        )
    return good("root", Sentence("footage root {root}: {free} of {total} left", **values))


def disk_health(device: Path, said: Mapping[str, Any] | None) -> DoctorFinding:
    """By what the disk says of itself."""
    if said is None:
        what = Sentence("what the disk {device} says of itself can't be asked (smartctl, as root)", device=device)
        return unknown("disk_health", what)
    if faults := judge_smart(said):
        what = Sentence("the disk {device} is worn: {faults}", device=device, faults="; ".join(faults))
        return wrong("disk_health", what, Sentence("empty it before it fails: nvr roots drain"))
    return good("disk_health", Sentence("the disk {device} says that it is well", device=device))


def _catalogue_bytes(catalogue: Path) -> tuple[int, int]:
    size = catalogue.stat().st_size if catalogue.is_file() else 0
    return size, FILES.usage(_nearest(catalogue))[0]


def catalogue_disk(catalogue: Path, size_bytes: int, free_bytes: int) -> DoctorFinding:
    """By the catalogue's size and what is free on its disk."""
    needed = max(_LEAST_BYTES, _COPIES * size_bytes)
    values = {"path": catalogue, "free": _gigabytes(free_bytes)}
    if free_bytes < needed:
        return wrong(
            "catalogue_disk",
            Sentence("the disk of the catalogue {path} has {free} left", **values),
            Sentence("make room: {needed} are needed, for a copy too", needed=_gigabytes(needed)),
        )
    return good("catalogue_disk", Sentence("the disk of the catalogue {path} has {free} left", **values))
