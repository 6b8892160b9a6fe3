"""Adopting the file of a segment that its writer did not close: cut off what is not whole, add the tail, give it its
final name. ``adopted_rows`` has the catalogue's part.

Idempotent: killed at any step and begun again, it ends the same. Invariants: no whole fragment is ever cut off, unless
a sync of it failed; nothing is changed before it is sure that the file is ours and the catalogue knows its camera.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.files import Files
from storage.disk.reading import RecordedFile, refuse_existing
from storage.disk.roots import Root
from storage.errors import SyncError
from storage.format.boxes import BoxError
from storage.format.layout import parse, segment_path
from storage.format.spare import last_spare

if TYPE_CHECKING:
    from storage.format.segment_file import Head, SegmentFile

__all__ = [
    "Brought",
    "Loss",
    "bring",
    "check_name",
    "described",
]

log = logging.getLogger(__name__)

# Bytes read at once when an adopted file is hashed.
_CHUNK_BYTES = 1 << 20
# A disk writes a sector or does not. Init and head fit into so much.
_SECTOR_BYTES = 512
_HEAD_BYTES = 4096
_BLOCK_BYTES = 4096
# The longest sync_interval.
_UNSYNCED_US = 60_000_000
# A run's clock leaves its media time by no more than this (and 500 ppm of the segment); more means that bytes were
# lost.
_CLOCK_DRIFT_US = 400_000
_SLEW_DIVISOR = 2_000


@dataclass(frozen=True, slots=True)
class Loss:
    """Why there is no footage where a file holds less than was believed, and who says so."""

    cause: Cause
    detail: Mapping[str, Any]
    node: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that was given its final name and is not in the catalogue yet. Without ``frames`` it is still the ``part``
    that it was: there is nothing to keep."""

    key: Key
    part: Path
    found: SegmentFile | None
    init: bytes
    end_us: int
    frames: int
    size: int
    sha256: str
    cut_bytes: int


def check_name(root: Root, path: Path, head: Head) -> Key:
    """The identity that both a file's head and its name give it.

    Raises:
        BoxError: they differ: it is a copy of some segment, and nothing that was recorded here.
    """
    name = parse(path.relative_to(root.path).as_posix())
    given = (head.camera, head.start_us // 1000, head.epoch, head.node)
    if name is None or given != (name.camera, name.start_ms, name.epoch, name.node):
        raise BoxError("its head and its name contradict each other")
    return Key(head.camera, head.start_us, head.node, head.epoch)


def bring(
    files: Files, root: Root, part: Path, *, end_us: int | None = None, trusted_bytes: int | None = None
) -> Brought:
    """Gives a ``.part`` file its tail and its final name. ``end_us`` is when its footage ended by the run's clock, if
    that is still known; ``trusted_bytes`` what an earlier sync confirmed, if a later one failed.

    Raises:
        BoxError: it is not a segment of ours; it is left alone.
        SyncError: what was read back may not be on the disk.
        OSError: the disk refused a step; it stays a ``.part`` file.
    """
    # A start that adopts nothing does without what reads files.
    from storage.format.sample_index_codec import encode
    from storage.format.segment_file import Tail, init_of, read, tail_box

    fd = files.open_existing(part)
    file = RecordedFile(part, fd, files)
    try:
        actual = file.size()
        if not actual or trusted_bytes == 0:
            return _nothing(root, part, actual)
        try:
            found = read(file, trusted_bytes=trusted_bytes)
        except BoxError:
            name = parse(part.relative_to(root.path).as_posix())
            if name is not None and _is_lost(file, name.start_ms * 1000):
                return _nothing(root, part, actual)
            raise
        key = check_name(root, part, found.head)
        if found.tail is not None:
            content = _sha256(file, found.whole_bytes)
            if content.hexdigest() != found.tail.content_sha256:
                # Power loss kept the tail and lost what it speaks of.
                log.warning("%s: its bytes are not those that its end speaks of; what is whole of it is kept", part)
                found = read(file, trust_tail=False)
        trusted = actual if trusted_bytes is None else min(actual, trusted_bytes)
        if found.tail is None and (lost := _first_lost_block(file, found.whole_bytes)) is not None:
            found, trusted = read(file, trusted_bytes=lost), lost
        final = root.path / segment_path(key.camera, key.start_us, key.epoch, key.node, growing=False)
        refuse_existing(final, files)
        cut_to = found.whole_bytes
        if found.tail is None and (spare := last_spare(file.read_at, found.whole_bytes, trusted)) is not None:
            # Of a camera that sends a frame now and then: its newest frames, of which no fragment could be made yet.
            # Only added to: killed at any step, the spare is still there, or the fragment is.
            cut_to = spare.end
            if actual > cut_to:
                files.truncate(fd, cut_to)
            files.write_all(fd, [spare.fragment])
            found = read(file, trust_tail=False)
            # What is known of the run's clock was before these frames.
            end_us = None
        init = init_of(file, found)
        frames = found.index.video.count
        slack_us = _CLOCK_DRIFT_US + (found.end_us - key.start_us) // _SLEW_DIVISOR
        if end_us is None or found.tail is not None or abs(end_us - found.end_us) > slack_us:
            end_us = found.end_us
        if not frames:
            return Brought(key, part, found, init, end_us, 0, 0, "", actual)
        if found.tail is None:
            if cut_to == found.whole_bytes < actual:
                files.truncate(fd, cut_to)
            content = _sha256(file, found.whole_bytes)
            tail = Tail(end_us, found.index.media_end, frames, "adopted", content.hexdigest())
            box = tail_box(tail, encode(found.index))
            files.write_all(fd, [box])
            content.update(box)
            size, cut_bytes = found.whole_bytes + len(box), actual - cut_to
        else:
            content.update(file.read_at(found.whole_bytes, actual - found.whole_bytes))
            size, cut_bytes = actual, 0
        try:
            # Also where the tail was there: its writer may have been killed between writing and syncing it.
            files.sync(fd)
        except OSError as error:
            if found.tail is None:
                # Written anew the next time, it is synced anew; left there, it would be taken for synced.
                with contextlib.suppress(OSError):
                    files.truncate(fd, cut_to)
            raise SyncError(error.errno, error.strerror) from error
    finally:
        file.close()
    files.rename(part, final)
    files.sync_folder(final.parent)
    return Brought(key, part, found, init, end_us, frames, size, content.hexdigest(), cut_bytes)


def described(files: Files, final: Path, root: Root) -> Brought:
    """A file that has its final name already, as ``bring`` would have returned it. Its hash is that of what is there.

    Raises:
        BoxError: it is not a segment of ours.
        OSError: it can't be read.
    """
    from storage.format.segment_file import init_of, read

    with RecordedFile.open(final, files) as file:
        found = read(file)
        key = check_name(root, final, found.head)
        init = init_of(file, found)
        sha256 = _sha256(file, found.size).hexdigest()
    frames = found.index.video.count
    return Brought(key, final, found, init, found.end_us, frames, found.size, sha256, 0)


def _is_lost(file: RecordedFile, start_us: int) -> bool:
    """Whether what a file should begin with never reached the disk: after a power cut ext4 has files of some length
    whose bytes are zero, sector by sector. No sync of it had ended, and nothing in it can be decoded. One that was
    written for longer had been synced, so that it is damaged."""
    state = file.state()
    if state.modified_us - start_us > _UNSYNCED_US:
        return False
    head = file.read_at(0, min(_HEAD_BYTES, state.size))
    return any(not any(head[at : at + _SECTOR_BYTES]) for at in range(0, len(head), _SECTOR_BYTES))


def _first_lost_block(file: RecordedFile, size: int) -> int | None:
    """Where the first block lies that a power cut took out of the middle: ext4 may keep a file's length and what is
    around it. No coded video has so many zeros."""
    for at in range(0, size, _CHUNK_BYTES):
        data = file.read_at(at, min(_CHUNK_BYTES, size - at))
        for block in range(0, len(data) - _BLOCK_BYTES + 1, _BLOCK_BYTES):
            if not any(data[block : block + _BLOCK_BYTES]):
                return at + block
    return None


def _nothing(root: Root, part: Path, size: int) -> Brought:
    """An empty file, or one of which no byte was ever confirmed: only its name says what it was to be, to the
    millisecond."""
    name = parse(part.relative_to(root.path).as_posix())
    if name is None:
        raise BoxError("is empty")
    key = Key(name.camera, name.start_ms * 1000, name.node, name.epoch)
    return Brought(key, part, None, b"", key.start_us, 0, 0, "", size)


def _sha256(file: RecordedFile, size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    for at in range(0, size, _CHUNK_BYTES):
        digest.update(file.read_at(at, min(_CHUNK_BYTES, size - at)))
    return digest
