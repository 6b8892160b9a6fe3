"""Making a catalogue from footage files alone.

What the files know comes back: cameras by id, runs, segments, spans, and why each run ended. What only the catalogue
knew (users, names, the ledger of deletions, why a camera was out of reach) does not: a hole within a run is
``missing``, as nothing says who removed it. Invariant: what could not be read is not said to be missing. Its time is
``disk_error``, by the file's name, and it is counted.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.catalogue.segments import Init
from storage.disk.draining import OWN_FILES
from storage.disk.files import FILES, Files
from storage.disk.roots import Root
from storage.format.boxes import BoxError, parse_init
from storage.format.layout import SegmentName, parse
from storage.format.segment_file import init_of, read
from storage.recovery.adopt import bring, check_name
from storage.recovery.story import ALWAYS_US, CameraStory, Found, Unread
from storage.tiers.local import LocalTier

__all__ = ["Progress", "rebuild"]

log = logging.getLogger(__name__)

_BATCH: Final = 1_000
# Enough for a disk to sort its seeks; the work between them is one core's all the same.
_READERS: Final = 8
_HOUR_US: Final = 3_600_000_000
_WHAT_TO_DO: Final = "it is not in the new catalogue: put the disk right, and rebuild again"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: files found and entered so far, those that are no segments of ours, damaged, or without a picture,
    and files and folders that could not be read."""

    files: int
    entered: int
    left_alone: int
    unreadable: int


def rebuild(database: Database, roots: Sequence[Root], *, files: Files = FILES) -> Iterator[Progress]:
    """Fills an empty catalogue; yields progress. No recorder may be running.

    Files are entered camera by camera in the order of time, so spans and facts come out as they were. Part files are
    closed, as a start would do; everything else stays as it is.
    """
    seen = entered = left_alone = unreadable = 0
    _register(database, roots)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="rebuild") as readers:
        for camera in _folders(roots, files):
            paths, strangers, unread = _segments(roots, camera, files)
            story = CameraStory(camera, unread)
            seen += strangers
            left_alone += strangers
            unreadable += len(unread)
            for start in range(0, len(paths), _BATCH):
                batch = paths[start : start + _BATCH]
                told = list(readers.map(lambda item: _read(files, *item), batch))
                found = [each for each in told if isinstance(each, Found)]
                refused = [each for each in told if isinstance(each, Unread)]
                story.unread += refused
                with database.write() as conn:
                    for each in found:
                        story.add(conn, each)
                seen += len(batch)
                entered += len(found)
                left_alone += len(batch) - len(found) - len(refused)
                unreadable += len(refused)
                yield Progress(seen, entered, left_alone, unreadable)
            with database.write() as conn:
                story.end(conn)
    with database.write() as conn:
        _settle_node(conn)
    yield Progress(seen, entered, left_alone, unreadable)


def _folders(roots: Sequence[Root], files: Files) -> list[str]:
    """Names at the top of the roots: cameras, and perhaps strangers."""
    return sorted({name for root in roots for name in files.names(root.path) if name not in OWN_FILES})


def _segments(
    roots: Sequence[Root], folder: str, files: Files
) -> tuple[list[tuple[SegmentName, Root, Path]], int, list[Unread]]:
    """The segments of one camera in the order of time; how many other files are among them; and the folders that can't
    be listed."""
    found: list[tuple[SegmentName, Root, Path]] = []
    unread: list[Unread] = []
    strangers = 0
    for root in roots:
        for path in _files(root, root.path / folder, files, unread):
            name = parse(path.relative_to(root.path).as_posix())
            if name is None:
                strangers += 1
                log.warning("%s is not a segment of this server; left alone", path)
            else:
                found.append((name, root, path))
    # A part file beside its closed segment comes after it.
    found.sort(key=lambda item: (item[0].start_ms, item[0].epoch, item[0].node, item[0].growing))
    single: list[tuple[SegmentName, Root, Path]] = []
    for item in found:
        if single and _same(single[-1][0], item[0]):
            strangers += 1
            log.warning("%s is there already as %s; left alone", item[2], single[-1][2])
        else:
            single.append(item)
    return single, strangers, unread


def _same(a: SegmentName, b: SegmentName) -> bool:
    return (a.start_ms, a.epoch, a.node) == (b.start_ms, b.epoch, b.node)


def _files(root: Root, top: Path, files: Files, unread: list[Unread]) -> Iterator[Path]:
    refused: list[OSError] = []
    for folder in LocalTier(files).walk(top, refused.append):
        for name in folder.names:
            yield folder.path / name
    for error in refused:
        path = Path(error.filename)
        if isinstance(error, NotADirectoryError):
            yield path
        elif not isinstance(error, FileNotFoundError):
            # A root need not have footage of every camera.
            log.error("%s can't be listed: %s; %s", path, error.strerror, _WHAT_TO_DO)
            unread.append(Unread(path, _within(path.relative_to(root.path).parts[1:])))


def _within(folders: Sequence[str]) -> tuple[int, int]:
    """When what lies in a camera's folder of this day, or of this day and hour, begins: all of time if it is
    neither."""
    try:
        day = datetime.strptime(folders[0], "%Y-%m-%d").replace(tzinfo=UTC)
        hours = [int(folders[1])] if len(folders) > 1 else [0, 23]
    except (ValueError, IndexError):
        return 0, ALWAYS_US
    start_us = int(day.timestamp()) * 1_000_000
    return start_us + hours[0] * _HOUR_US, start_us + (hours[-1] + 1) * _HOUR_US


def _register(database: Database, roots: Sequence[Root]) -> None:
    with database.write() as conn:
        for root in roots:
            conn.execute("INSERT OR IGNORE INTO root (id, path) VALUES (?, ?)", (root.id, str(root.path)))


def _settle_node(conn: sqlite3.Connection) -> None:
    """Epochs go on behind the highest; this machine is the one that used it, and was last known to be alive when its
    footage ended: so the next start says ``server_down`` from then on."""
    conn.execute(
        "UPDATE meta SET value = max(value, (SELECT coalesce(max(epoch), 0) FROM segment)) WHERE key = 'epoch'"
    )
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) SELECT 'node', n.id FROM segment s JOIN node n ON n.key = s.node"
        " ORDER BY s.epoch DESC LIMIT 1"
    )
    conn.execute("UPDATE node SET watermark_us = (SELECT max(end_us) FROM segment WHERE node = node.key)")


@lru_cache(maxsize=256)
def _init(data: bytes) -> Init:
    return Init.of(data, parse_init(data))


def _read(files: Files, name: SegmentName, root: Root, path: Path) -> Found | Unread | None:
    try:
        return _read_segment(files, root, path)
    except BoxError as error:
        log.warning("%s: %s; left alone", path, error)
    except FileNotFoundError:
        log.warning("%s went while it was looked at", path)
    except FileExistsError as error:
        log.warning("%s: %s; left alone", path, error.strerror)
    except OSError as error:
        log.error("%s can't be read: %s; %s", path, error.strerror, _WHAT_TO_DO)
        return Unread(path, (name.start_ms * 1000, (name.start_ms + 1) * 1000))
    return None


def _read_segment(files: Files, root: Root, path: Path) -> Found:
    if path.name.endswith(".part.mp4"):
        brought = bring(files, root, path)
        file = brought.found
        if file is None or not brought.frames:
            raise BoxError("holds no picture")
        tail = file.tail
        reason = "adopted" if tail is None else tail.reason
        media_end = file.index.media_end if tail is None else tail.media_end
        return Found(
            brought.key,
            root,
            file,
            _init(brought.init),
            brought.end_us,
            media_end,
            reason,
            brought.size,
            brought.sha256,
        )
    with LocalTier(files).open(path) as opened:
        file = read(opened)
        init = init_of(opened, file)
    key = check_name(root, path, file.head)
    if not file.index.video.count:
        raise BoxError("holds no picture")
    tail = file.tail
    media_end = file.index.media_end if tail is None else tail.media_end
    reason = "" if tail is None else tail.reason
    return Found(key, root, file, _init(init), file.end_us, media_end, reason, file.size, None)
