"""Was every frame recorded once and whole? Reads segment files alone, and compares every sample byte for byte with what
its camera sent."""

from __future__ import annotations

import mmap
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storage.format.boxes import BoxError
from tests.bench.load.fleet import Sent
from tests.bench.load.material import Clip, read_camera, read_number
from tests.support.segments import read

__all__ = ["Verdict", "verify"]


@dataclass(slots=True)
class Verdict:
    """``frames`` were compared in ``segments``; the rest are faults. ``lost``: sent after a keyframe, to a recorder
    that was there, and not found. ``overlapping`` is no fault: the same frame in two epochs."""

    segments: int = 0
    frames: int = 0
    bytes: int = 0
    lost: int = 0
    twice: int = 0
    damaged: int = 0
    overlapping: int = 0
    unsent: int = 0
    unreadable: int = 0
    most_segments: int = 0
    least_segments: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """No fault at all."""
        return not (self.lost or self.twice or self.damaged or self.unsent or self.unreadable)

    def __str__(self) -> str:
        text = (
            f"{self.frames} frames in {self.segments} segments ({self.least_segments} to {self.most_segments} a camera,"
            f" {self.bytes / 1e9:.2f} GB) compared: {self.lost} lost, {self.twice} twice, {self.damaged} damaged"
        )
        for name in ("overlapping", "unsent", "unreadable"):
            if count := getattr(self, name):
                text += f", {count} {name}"
        return text + "".join(f"\n  {example}" for example in self.examples)

    def note(self, text: str) -> None:
        """Keeps the first few faults."""
        if len(self.examples) < 10:
            self.examples.append(text)


def verify(
    root: Path, sent: Iterable[Sent], clips: Sequence[Clip], *, patience_s: float = 2.5, until: float | None = None
) -> Verdict:
    """Compares. A connection that its recorder left may lack frames at its end, sent in the last ``patience_s``: those
    were still on their way. What was sent within ``patience_s`` before ``until`` (wall time, seconds) may be missing
    too: the recorder was told to end then."""
    verdict = Verdict()
    by_camera: dict[int, list[Sent]] = defaultdict(list)
    for stretch in sent:
        by_camera[stretch.camera].append(stretch)
    files: dict[int, list[Path]] = defaultdict(list)
    for path in root.glob("cam-*/*/*/*.mp4"):
        files[int(path.relative_to(root).parts[0].rpartition("-")[2])].append(path)
    for camera in sorted(by_camera.keys() | files.keys()):
        stretches = sorted(by_camera[camera], key=lambda stretch: stretch.first)
        found: dict[int, list[int]] = defaultdict(list)
        paths = sorted(files[camera])
        verdict.most_segments = max(verdict.most_segments, len(paths))
        verdict.least_segments = len(paths) if not verdict.segments else min(verdict.least_segments, len(paths))
        for path in paths:
            verdict.segments += 1
            _read(path, camera, stretches, clips, found, verdict)
        _compare(camera, stretches, found, clips, verdict, patience_s, until)
    return verdict


def _read(
    path: Path,
    camera: int,
    stretches: list[Sent],
    clips: Sequence[Clip],
    by_epoch: dict[int, list[int]],
    verdict: Verdict,
) -> None:
    """Adds the frame numbers of a segment to those of its epoch; each is compared."""
    fd = os.open(path, os.O_RDONLY)
    try:
        segment = read(path)
        index, found = segment.index, by_epoch[segment.head.epoch]
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as data:
            video = index.video
            for offset, size in zip(video.byte_offsets.tolist(), video.sizes.tolist(), strict=True):
                verdict.frames += 1
                verdict.bytes += size
                if not _compare_sample(data, offset, size, camera, stretches, clips, found, verdict):
                    verdict.note(f"{path.name}: the sample at {offset} is not what the camera sent")
    except (BoxError, OSError) as error:
        verdict.unreadable += 1
        verdict.note(f"{path}: {error}")
    finally:
        os.close(fd)


def _compare_sample(
    data: mmap.mmap,
    offset: int,
    size: int,
    camera: int,
    stretches: list[Sent],
    clips: Sequence[Clip],
    found: list[int],
    verdict: Verdict,
) -> bool:
    # The place of the number depends on the frame, the frame on the number: only keyframes have more in front, so look
    # for our mark.
    at = data.find(b"nvr-load-frame-1", offset, offset + min(size, 400))
    if at < 0 or at + 23 > offset + size:
        verdict.damaged += 1
        return False
    number, who = read_number(data[at + 16 : at + 20]), read_camera(data[at + 20 : at + 23])
    stretch = next((s for s in reversed(stretches) if s.first <= number <= s.last), None)
    if who != camera or stretch is None:
        verdict.unsent += 1
        return False
    which = next(clip for since, clip in reversed(stretch.clips) if since <= number)
    frame = clips[which].at(number)
    if (
        at + 16 - offset != len(frame.before)
        or data[offset : at + 16] != frame.before
        or data[at + 23 : offset + size] != frame.after
    ):
        verdict.damaged += 1
        return False
    found.append(number)
    return True


def _compare(
    camera: int,
    stretches: list[Sent],
    by_epoch: dict[int, list[int]],
    clips: Sequence[Clip],
    verdict: Verdict,
    patience_s: float,
    until: float | None,
) -> None:
    once: set[int] = set()
    for _, found in sorted(by_epoch.items()):
        in_epoch = set(found)
        verdict.twice += len(found) - len(in_epoch)
        # A camera that moves to another worker is recorded there before it is let go here.
        verdict.overlapping += len(once & in_epoch)
        once |= in_epoch
    if any(found != sorted(found) for found in by_epoch.values()):
        verdict.damaged += 1
        verdict.note(f"camera {camera}: frames are out of order")
    for stretch in stretches:
        first = next((n for n in range(stretch.first, stretch.last + 1) if clips[0].at(n).keyframe), None)
        if first is None:
            continue
        last = stretch.last
        left = stretch.end in ("peer", "") or (until is not None and stretch.ended > until - patience_s)
        if left:
            # What was on its way when its recorder left.
            last -= round(patience_s * clips[0].profile.frame_rate)
            while last < stretch.last and last + 1 in once:
                last += 1
        missing = [n for n in range(first, last + 1) if n not in once]
        if missing:
            verdict.lost += len(missing)
            verdict.note(
                f"camera {camera}: {len(missing)} of {stretch.first} to {stretch.last} ({stretch.end or 'open'}) lost,"
                f" the first is {missing[0]}"
            )
