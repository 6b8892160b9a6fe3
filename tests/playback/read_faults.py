"""Every fault of reading at every step at which footage is read for whoever watches: clip, playlist, bytes of a
segment, snapshot. What is answered is what was recorded, or an error, or a gap; and the log names the file."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from nvr.playback.clip.clip import plan_clip
from nvr.playback.errors import PlaybackError
from nvr.playback.hls.hls import recorded_playlist
from nvr.playback.hls.names import GAP_URI
from nvr.playback.index_cache import IndexCache
from nvr.playback.media import open_media
from nvr.playback.snapshot import snapshot
from storage.tiers.local import LocalTier
from tests.playback.footage import CAMERA, START_US
from tests.playback.worlds import World
from tests.storage.faulty_reads import FaultyReads, ReadFault
from tests.storage.read_matrix import Log

__all__ = ["FAULTS", "OPERATIONS", "cells"]

# Where nothing is hashed a flipped bit can't be seen: exports and the scrub are there for that.
FAULTS: tuple[ReadFault, ...] = (
    "EIO", "EIO for good", "short read", "truncated", "gone", "EMFILE", "EACCES", "ESTALE", "slow",
)  # fmt: skip


@dataclass
class Reader:
    """A server that has just been started: no index is known."""

    world: World
    cache: IndexCache


def _clip(reader: Reader) -> list[bytes]:
    database = reader.world.studio.database
    clip = plan_clip(database, reader.cache, CAMERA, START_US + 1_230_000, reader.world.end_us - 500_000)
    try:
        return [clip.read(at, min(at + 60_000, clip.size) - 1) for at in range(0, clip.size, 60_000)]
    finally:
        clip.close()


def _sent(reader: Reader) -> list[bytes]:
    """The clip's recorded bytes, as a socket gets them that takes a little at a time."""
    database = reader.world.studio.database
    clip = plan_clip(database, reader.cache, CAMERA, START_US + 1_230_000, reader.world.end_us - 500_000)
    ours, theirs = socket.socketpair()
    found, at = bytearray(), clip.recorded_from
    with ours, theirs:
        ours.setblocking(False)
        try:
            while at < clip.size:
                sent = clip.send_some(ours.fileno(), at, min(at + 60_000, clip.size))
                at += sent
                # As much as was sent, or at least what makes room.
                while sent:
                    data = theirs.recv(sent)
                    found += data
                    sent -= len(data)
        finally:
            clip.close()
    return [bytes(found)]


def _media(reader: Reader) -> list[bytes]:
    found = []
    for piece in reader.world.pieces():
        with open_media(reader.world.studio.database, reader.cache, piece.segment.key, zero_us=START_US) as media:
            found.append(media.read(0, media.size - 1))
    return found


def _playlist(reader: Reader) -> list[bytes]:
    made = recorded_playlist(reader.world.studio.database, reader.cache, CAMERA, START_US, reader.world.end_us)
    return [line.encode() for line in made.text.splitlines()]


def _snapshot(reader: Reader) -> list[bytes]:
    return [snapshot(reader.world.studio.database, reader.cache, CAMERA, START_US + 3_456_000).jpeg]


OPERATIONS: dict[str, Callable[[Reader], list[bytes]]] = {
    "clip": _clip,
    "sent": _sent,
    "media": _media,
    "playlist": _playlist,
    "snapshot": _snapshot,
}


def _shown(lines: list[bytes]) -> set[tuple[bytes, bytes]]:
    """When what is shown begins, and which bytes that are."""
    found, at, part = set(), b"", b""
    for line in lines:
        if line.startswith(b"#EXT-X-PROGRAM-DATE-TIME:"):
            at = line
        elif line.startswith(b"#EXT-X-BYTERANGE:"):
            part = line
        elif not line.startswith(b"#") and GAP_URI.encode() not in line:
            found.add((at, part))
    return found


def _is_right(operation: str, answer: list[bytes], truth: list[bytes]) -> bool:
    if operation != "playlist" or answer == truth:
        return answer == truth
    # A gap in place of what could not be read; all that is shown is there otherwise too.
    return b"#EXT-X-GAP" in answer and _shown(answer) < _shown(truth)


def cells(
    operation: str, fault: ReadFault, world: World, *, first: int = 1, every: int = 1
) -> tuple[Counter[str], list[str]]:
    """Runs the fault at step ``first`` and at each ``every``-th after it; counts, and what failed."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    read = OPERATIONS[operation]

    def reader(disk: FaultyReads) -> Reader:
        return Reader(world, IndexCache(world.studio.database, tier=LocalTier(disk)))

    healthy = FaultyReads()
    truth = read(reader(healthy))
    logger = logging.getLogger("nvr.playback")
    for at in range(first, len(healthy.read_steps) + 1, every):
        disk, log = FaultyReads(at, fault), Log()
        where = f"{operation}, {fault} at step {at} ({healthy.read_steps[at - 1]})"
        logger.addHandler(log)
        told = reader(disk)
        try:
            answer = read(told)
        except PlaybackError as error:
            counts[error.code] += 1
            assert str(disk.path) not in str(error), "a path is shown to whoever asked"
            if error.code == "footage_damaged" and disk.path is not None and str(disk.path) not in log.text:
                failures.append(f"{where}: the log names no file: {log.text!r}")
            if not disk.has_struck or fault in ("short read", "slow"):
                failures.append(f"{where}: {error}")
        except OSError as error:
            counts["OSError"] += 1
            if fault != "EMFILE":
                failures.append(f"{where}: {error!r}")
        except Exception as error:
            failures.append(f"{where}: {error!r}")
        else:
            counts["answered"] += 1
            # A file that grows is as long as it is: what a cut off one lacks is found when it is adopted.
            is_growing = fault == "truncated" and disk.path is not None and disk.path.name.endswith(".part.mp4")
            if not is_growing and not _is_right(operation, answer, truth):
                failures.append(f"{where}: something else is answered")
        finally:
            logger.removeHandler(log)
            disk.restore()
        counts["runs"] += disk.has_struck
        # The rest goes on, with the same cache, as soon as the disk does.
        disk.read_fault = "none"
        if read(told) != truth:
            failures.append(f"{where}: afterwards something else is answered")
    return counts, failures
