"""Comparing files with the catalogue. Only ever reports: nothing here writes, renames or removes anything.

A segment's file may lawfully come, change its name or go while this runs, since recorders and retention go on: what
looks wrong is looked at again, by the catalogue's word of then, before it is reported.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.disk.draining import OWN_FILES
from storage.disk.roots import Root
from storage.format.boxes import BoxError
from storage.format.layout import SegmentName, parse
from storage.format.segment_file import read
from storage.recovery.comparing import ListedSegment, altered, rows, still_listed, unreadable
from storage.tiers import LOCAL, Tier
from storage.tiers.base import OpenFile

__all__ = ["CheckFinding", "CheckKind", "check"]

_NEWS_EVERY: Final = 500
# A recorder's file is there before the catalogue hears of it, which may have to wait for other writers.
_GRACE_S: Final = 15.0
_YOUNG_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.25
_HOUR_US: Final = 3_600_000_000


class CheckKind(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    HOLES = "holes"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown_segment"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing that is wrong, where, and in words."""

    kind: CheckKind
    path: Path
    text: str


def check(
    database: Database, roots: Sequence[Root], *, hashes: bool, tier: Tier = LOCAL
) -> Iterator[CheckFinding | int]:
    """Compares; yields findings, and in between the number of rows and files looked at so far, for progress. With
    ``hashes`` every byte is read. ``roots`` are those whose disks are here, and
    where: the catalogue may have them elsewhere."""
    here = {root.id: root.path for root in roots}
    seen = 0
    for listed in rows(database):
        if listed.root not in here:
            # Its disk is not here; that is told once, by whoever opened the roots.
            continue
        row = replace(listed, root_path=here[listed.root])
        seen += 1
        finding = _compare(database, tier, row, hashes)
        if finding is not None and _still_so(database, tier, row):
            yield finding
        if seen % _NEWS_EVERY == 0 or hashes:
            yield seen
    suspects: list[tuple[Root, SegmentName, Path]] = []
    for root in roots:
        for news in _files(database, tier, root, suspects):
            if isinstance(news, CheckFinding):
                yield news
            else:
                seen += news
                yield seen
    yield from _confirmed(database, tier, suspects)
    yield seen


def _compare(database: Database, tier: Tier, row: ListedSegment, hashes: bool) -> CheckFinding | None:
    path = row.path()
    try:
        if row.bytes is None:
            # In this order: it may get its final name in between, never lose it.
            path = row.path(growing=True)
            if tier.stat(path) is not None or tier.stat(row.path()) is not None:
                return None
            return CheckFinding(CheckKind.MISSING, path, "the catalogue takes it for growing, but it is not there")
        if not hashes:
            state = tier.stat(path)
            if state is None:
                return CheckFinding(CheckKind.MISSING, path, "the catalogue lists it, but it is not there")
            return None if state.size == row.bytes else _size(row, state.size)
        file = tier.open(path)
        try:
            size = file.size()
            if size != row.bytes:
                return _size(row, size)
            reason = altered(file, size, row.sha256)[1]
            if reason is not None:
                return CheckFinding(CheckKind.HASH, path, reason)
            return _holes(database, row, file)
        finally:
            file.close()
    except (FileNotFoundError, NotADirectoryError):
        return CheckFinding(CheckKind.MISSING, path, "the catalogue lists it, but it is not there")
    except OSError as error:
        return CheckFinding(CheckKind.UNREADABLE, path, unreadable(error))
    return None


def _holes(database: Database, row: ListedSegment, file: OpenFile) -> CheckFinding | None:
    """Whether the file has the holes that the catalogue says: coverage would be wrong without a byte being so."""
    try:
        segment = read(file)
        # One that begins where the footage ends is none.
        end = segment.index.media_end if segment.tail is None else segment.tail.media_end
        found = {(hole.start, hole.end, hole.loss) for hole in segment.index.holes if hole.start < end}
    except BoxError as error:
        return CheckFinding(CheckKind.UNREADABLE, row.path(), f"is damaged: {error}")
    with database.read() as conn:
        query = "SELECT media_start, media_end, loss FROM hole WHERE (camera, start_us, node, epoch) = (?, ?, ?, ?)"
        known = {tuple(each) for each in conn.execute(query, row.place)}
    if found == known:
        return None
    text = (
        f"has {len(found)} stretches without decodable frames, of which the catalogue has {len(found & known)},"
        f" and {len(known - found)} others"
    )
    return CheckFinding(CheckKind.HOLES, row.path(), text)


def _size(row: ListedSegment, size: int) -> CheckFinding:
    return CheckFinding(CheckKind.SIZE, row.path(), f"has {size} bytes, the catalogue says {row.bytes}")


def _still_so(database: Database, tier: Tier, row: ListedSegment) -> bool:
    """Whether the catalogue still says what it said: if not, the segment has just been deleted, or was given up by its
    recorder."""
    if row.bytes is not None:
        return still_listed(database, row)
    time.sleep(_LOOK_AGAIN_S)
    with database.read() as conn:
        query = "SELECT 1 FROM growing WHERE camera = ? AND start_us = ? AND node = ? AND epoch = ?"
        grows = conn.execute(query, row.place).fetchone() is not None
    return grows and _compare(database, tier, row, False) is not None


def _files(
    database: Database, tier: Tier, root: Root, suspects: list[tuple[Root, SegmentName, Path]]
) -> Iterator[CheckFinding | int]:
    """Goes through a root's files; yields findings and counts. Segments that no row seems to know become
    ``suspects``."""
    refused: list[OSError] = []
    for folder, names in tier.walk(root.path, refused.append):
        yield from (
            CheckFinding(CheckKind.UNREADABLE, Path(error.filename), f"can't be listed: {error.strerror}")
            for error in refused
            if not isinstance(error, FileNotFoundError)
        )
        refused.clear()
        known: dict[tuple[int, int, str], bool] | None = None
        for file in names:
            path = folder / file
            if folder == root.path and file in OWN_FILES:
                continue
            name = parse(path.relative_to(root.path).as_posix())
            if name is None:
                if path.is_symlink() or _is_there(tier, path):
                    yield CheckFinding(CheckKind.FOREIGN, path, "is not a segment of this server")
                continue
            if known is None:
                known = _known(database, root, name)
            if not _is_known(known, name):
                suspects.append((root, name, path))
        if names:
            yield len(names) - (len(OWN_FILES & set(names)) if folder == root.path else 0)
    yield from (
        CheckFinding(CheckKind.UNREADABLE, Path(error.filename), f"can't be listed: {error.strerror}")
        for error in refused
    )


def _known(database: Database, root: Root, name: SegmentName) -> dict[tuple[int, int, str], bool]:
    """Start (ms), epoch and node of all segments, garbage and copies that the catalogue has of this camera and root in
    this hour; and whether a file under the name of a growing segment is in order."""
    hour_us = name.start_ms * 1000 // _HOUR_US * _HOUR_US
    values = {"camera": name.camera, "root": root.id, "a": hour_us, "b": hour_us + _HOUR_US}
    scope = (
        " WHERE camera = (SELECT key FROM camera WHERE id = :camera) AND start_us >= :a AND start_us < :b"
        " AND root = (SELECT key FROM root WHERE id = :root)"
    )
    with database.read() as conn:
        found = conn.execute(
            "SELECT start_us, epoch, n.id AS node, end_us IS NULL AS grows"
            f" FROM segment JOIN node n ON n.key = node{scope}"
            f" UNION ALL SELECT start_us, epoch, n.id, 0 FROM garbage JOIN node n ON n.key = node{scope}"
            f" UNION ALL SELECT start_us, epoch, n.id, 0 FROM copied_file JOIN node n ON n.key = node{scope}",
            values,
        ).fetchall()
    return {(row["start_us"] // 1000, row["epoch"], row["node"]): bool(row["grows"]) for row in found}


def _is_known(known: dict[tuple[int, int, str], bool], name: SegmentName) -> bool:
    grows = known.get((name.start_ms, name.epoch, name.node))
    # A growing row with a final name is a file that has just been closed; a closed row's part file is a stray copy.
    return grows is not None and (grows or not name.growing)


def _is_there(tier: Tier, path: Path) -> bool:
    """Whether a file that was listed is still there, as far as can be told."""
    try:
        return tier.stat(path) is not None
    except OSError:
        return True


def _confirmed(
    database: Database, tier: Tier, suspects: list[tuple[Root, SegmentName, Path]]
) -> Iterator[CheckFinding]:
    """Looks again at files that no row seemed to know. Those just made are given time: the catalogue hears of them
    later."""
    deadline = time.monotonic() + _GRACE_S
    while suspects:
        waiting = []
        for root, name, path in suspects:
            try:
                state = tier.stat(path)
            except OSError as error:
                yield CheckFinding(CheckKind.UNREADABLE, path, unreadable(error))
                continue
            if state is None:
                # It went, or got its final name, which will be in the catalogue.
                continue
            age_s = time.time() - state.modified_us / 1e6
            if _is_known(_known(database, root, name), name):
                continue
            if abs(age_s) < _YOUNG_S and time.monotonic() < deadline:
                waiting.append((root, name, path))
                continue
            # Once more, since it may have been deleted between the two looks.
            if _is_there(tier, path):
                text = "is a segment that the catalogue does not list; the next start takes in recent ones"
                yield CheckFinding(CheckKind.UNKNOWN, path, text)
        suspects = waiting
        if suspects:
            time.sleep(_LOOK_AGAIN_S)
