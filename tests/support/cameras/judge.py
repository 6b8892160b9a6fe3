"""The judge of a recorder: what an odd camera sent against what was recorded and what is claimed.

Frames are matched by their slices, times by the catalogue's mapping (what playback shows), and what is really there by
decoding both sides: a second that cannot be shown as it was filmed does not count as recorded, whatever the coverage
says.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from storage.catalogue.segments import Segment
from storage.causes import Cause
from storage.intervals import Interval
from tests.support.cameras.clips import ClipSpec, ClipUnit, clip
from tests.support.cameras.frames import is_vcl, split
from tests.support.cameras.odd.habit import Habit
from tests.support.cameras.odd.server import Journal, Sent
from tests.support.segments import read
from tests.support.server import Server

__all__ = ["Reader", "Recorded", "Verdict", "judge", "judge_file", "read_segments", "source_decoded"]

# A gap longer than this between frames may be told as a gap or as a frame that lasts.
_PAUSE_US = 2_000_000
# What may be claimed beside the truth: the rounding of a frame's time at each edge.
_EDGE_US = 150_000
#: Causes that no camera that is connected may have.
WRONG_CAUSES = frozenset({Cause.NOT_CONFIGURED, Cause.SERVER_DOWN, Cause.UNKNOWN})


def units_digest(codec: str, nals: Iterable[bytes]) -> str:
    """The hash of a frame's units, without parameter sets and delimiters."""
    sets = range(7, 10) if codec == "h264" else range(32, 36)
    found = hashlib.sha256()
    for nal in nals:
        if (nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F) not in sets:
            found.update(len(nal).to_bytes(4) + nal)
    return found.hexdigest()


def digest(codec: str, nals: Iterable[bytes]) -> str:
    """The hash of a frame's slices, without the zero bytes that a byte stream may have behind them."""
    found = hashlib.sha256()
    for nal in nals:
        if is_vcl(codec, nal):
            found.update(nal.rstrip(b"\0"))
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A frame that was found in a file: wall clock, hash of its slices, a checksum of what it decodes to (0: it does
    not), hash of all its units."""

    at_us: int
    hash: str
    decoded: int
    units: str


def _checksum(frame: av.VideoFrame) -> int:
    """Of the luma alone, without what pads its lines."""
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    return zlib.crc32(lines.tobytes()) or 1


@functools.cache
def source_decoded(spec: ClipSpec, count: int) -> dict[str, int]:
    """What the first `count` frames of a clip decode to, by the hash of their slices."""
    video = clip(spec).video
    context = av.VideoCodecContext.create("h264" if video.codec == "h264" else "hevc", "r")
    context.thread_count = 1
    by_pts = {unit.pts: digest(video.codec, unit.payload) for unit in video.units}
    sums: dict[str, int] = {}

    def take(frames: Iterable[av.VideoFrame]) -> None:
        for frame in frames:
            assert frame.pts is not None
            sums[by_pts[frame.pts]] = _checksum(frame)

    for number, unit in enumerate(video.units[:count]):
        nals = unit.payload if number else (*video.parameter_sets, *unit.payload)
        packet = av.Packet(b"".join(b"\0\0\0\1" + nal for nal in nals))
        packet.pts = unit.pts
        packet.dts = unit.pts
        packet.time_base = Fraction(1, video.clock_rate)
        take(context.decode(packet))
    take(context.decode(None))
    return sums


class Reader:
    """Reads the files of one run: they are decoded as one stream, since the frames behind a file's first keyframe may
    refer to the file before."""

    def __init__(self) -> None:
        self._context: av.VideoCodecContext | None = None
        self.sums: dict[int, int] = {}

    def file(self, path: Path, base: int) -> list[tuple[int, Fraction, str, str]]:
        """The video frames of an MP4 file, which begins at ``base`` of its run, in the order of decoding: pts in the
        run, time base, hash of slices, hash of units. What they decode to is in ``sums`` by pts, after ``end``."""
        found: list[tuple[int, Fraction, str, str]] = []
        with av.open(str(path)) as container:
            if not container.streams.video:
                return []
            stream = container.streams.video[0]
            codec = stream.codec_context.name
            if self._context is None:
                self._context = av.VideoCodecContext.create(codec, "r")
                self._context.extradata = stream.codec_context.extradata
                self._context.thread_count = 1
            for packet in container.demux(stream):
                if packet.size:
                    assert packet.pts is not None and packet.dts is not None
                    packet.pts, packet.dts = packet.pts + base, packet.dts + base
                    nals = split(bytes(packet), length_prefixed=True)
                    found.append((packet.pts, packet.time_base, digest(codec, nals), units_digest(codec, nals)))
                    self._decode(packet)
        return found

    def end(self) -> None:
        """Decodes what is still on its way."""
        self._decode(None)

    def _decode(self, packet: av.Packet | None) -> None:
        if self._context is None:
            return
        try:
            for frame in self._context.decode(packet):
                if frame.pts is not None and not frame.is_corrupt:
                    self.sums[frame.pts] = _checksum(frame)
        except av.FFmpegError:
            return


def read_segments(found: Sequence[Segment]) -> list[Recorded]:
    """The frames of closed segments, at the times that playback gives them."""
    frames = []
    for _, group in itertools.groupby(found, key=lambda segment: (segment.run_start_us, segment.init)):
        reader = Reader()
        whole = [(segment, reader.file(segment.path, read(segment.path).head.media_base)) for segment in group]
        reader.end()
        for segment, entries in whole:
            assert segment.media_end is not None
            slope = (segment.end_us - segment.key.start_us) / max(1, segment.media_end - segment.media_start)
            for pts, base, hash_, units in entries:
                since = float(pts * base * segment.timescale) - segment.media_start
                at_us = segment.key.start_us + round(since * slope)
                frames.append(Recorded(at_us, hash_, reader.sums.get(pts, 0), units))
    return frames


@dataclass(slots=True)
class Verdict:
    """What one source made of one habit. `sent`: decodable frames that the camera sent; `equal`: of those recorded, how
    many decode to what was filmed. `claimed_us`, `true_us`: what coverage claims, what can be shown. `over_us`:
    claimed, but not there; `under_us`: there, but not claimed."""

    name: str
    source: str
    connections: int = 0
    sent: int = 0
    recorded: int = 0
    equal: int = 0
    twice: int = 0
    foreign: int = 0
    lost: int = 0
    changed: int = 0
    worst_s: float = 0.0
    claimed_us: int = 0
    true_us: int = 0
    over_us: int = 0
    under_us: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    first_lost: str = ""
    faults: list[str] = field(default_factory=list)

    def row(self) -> str:
        """A line for a person."""
        gaps = " ".join(f"{cause} {us / 1e6:.1f} s" for cause, us in sorted(self.causes.items()))
        return (
            f"{self.name:32} {self.source:6} conn {self.connections:2} sent {self.sent:4} recorded {self.recorded:4}"
            f" equal {self.equal:4}"
            f" offset {self.worst_s:+.2f} s claimed {self.claimed_us / 1e6:5.1f} true {self.true_us / 1e6:5.1f} s"
            f"  {gaps}  {'; '.join(self.faults)}"
        )


def begins(codec: str, unit: ClipUnit) -> bool:
    """Whether decoding can begin at a frame: a keyframe, or H.264's recovery point (an SEI message of type 6)."""
    return unit.keyframe or (codec == "h264" and any(nal[:2] == b"\x06\x06" for nal in unit.payload))


def decodable(journal: Journal) -> dict[int, Sent]:
    """By number, the frames sent that a client could decode: from where decoding can begin up to where something of the
    group was lost. Frames behind a beginning that are shown before it refer to what came before."""
    video = journal.camera.clip().video
    whole: dict[int, Sent] = {}
    # By connection: what is shown before this can't be decoded. None: nothing can.
    since: dict[int, int | None] = {}
    for entry in journal.sent():
        unit = video.units[entry.number % len(video.units)]
        known = since.get(entry.connection)
        if entry.damaged:
            known = None
        elif begins(video.codec, unit) and known is None:
            known = unit.pts
        since[entry.connection] = known
        if known is not None and unit.pts >= known:
            whole.setdefault(entry.number, entry)
    return whole


def subtract(whole: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What is in `whole` and in none of `holes`."""
    result: list[Interval] = []
    cuts = union(holes)
    for start, end in union(whole):
        at = start
        for a, b in cuts:
            if b <= at or a >= end:
                continue
            if a > at:
                result.append((at, a))
            at = max(at, b)
        if at < end:
            result.append((at, end))
    return result


def union(parts: Iterable[Interval]) -> list[Interval]:
    """The parts joined."""
    joined: list[Interval] = []
    for start, end in sorted(part for part in parts if part[1] > part[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def length(parts: Iterable[Interval], longer_than_us: int = 0) -> int:
    """Of all parts together, those left out that are no longer than this."""
    return sum(b - a for a, b in parts if b - a > longer_than_us)


def match(
    verdict: Verdict, habit: Habit, journal: Journal, frames: Sequence[Recorded], end_us: int
) -> tuple[dict[int, Sent], dict[int, Recorded]]:
    """Counts what was sent up to `end_us` and found; returns both by number."""
    known = hashes(habit.camera.clip_spec)
    numbers = {hash_: number for number, hash_ in enumerate(known)}
    sent = decodable(journal)
    sums = decoded_sums(habit, sent)
    assert max(sent, default=0) < len(known), "the film is longer than its clip"
    found: dict[int, Recorded] = {}
    for frame in frames:
        number = numbers.get(frame.hash)
        if number is None:
            verdict.foreign += 1
        elif number in found:
            verdict.twice += 1
        else:
            found[number] = frame
    due = [number for number, entry in sorted(sent.items()) if entry.true_us < end_us and entry.at_us < end_us]
    verdict.connections = len({entry.connection for entry in journal.sent()})
    verdict.sent = len(due)
    got = [number for number in due if number in found]
    verdict.recorded = len(got)
    decodes = habit.camera.decodes
    verdict.equal = sum(found[n].decoded == sums.get(known[n]) or not decodes for n in got)
    if habit.camera.exact:
        verdict.changed = sum(found[number].units != _units(habit, number) for number in got)
    lost = [number for number in due if number not in found]
    verdict.lost = len(lost)
    verdict.first_lost = ", ".join(map(str, lost[:6])) + (" …" if len(lost) > 6 else "")
    return sent, found


def decoded_sums(habit: Habit, sent: dict[int, Sent]) -> dict[str, int]:
    """What the clip decodes to, as far as it was sent."""
    count = max(sent, default=0) + 10
    return source_decoded(habit.camera.clip_spec, -(-count // 100) * 100)


@functools.cache
def hashes(spec: ClipSpec) -> list[str]:
    """The hash of each frame's slices."""
    video = clip(spec).video
    return [digest(video.codec, unit.payload) for unit in video.units]


def _units(habit: Habit, number: int) -> str:
    """The hash of the units that a camera sends of a frame."""
    sender = habit.camera(None, "")  # type: ignore[arg-type]
    unit = habit.camera.clip().video.units[number]
    return units_digest(sender.codec, sender.nals(number, unit.payload))


def judge(server: Server, habit: Habit, source: str, camera: str, journal: Journal, end_us: int) -> Verdict:
    """The verdict on one camera of a server that has ended, about what happened before `end_us`."""
    verdict = Verdict(habit.name, source)
    sent, found = match(verdict, habit, journal, read_segments(server.closed(camera)), end_us)
    offsets(verdict, habit, sent, found)
    if sent:
        claims(verdict, habit, journal, sent, found, server, camera, end_us)
    find_faults(verdict, habit)
    return verdict


def judge_file(habit: Habit, file: Path, journal: Journal, end_us: int) -> Verdict:
    """The verdict on an MP4 file that another program recorded: what it has, without its times, and nothing claimed."""
    verdict = Verdict(habit.name, "ffmpeg")
    frames: list[Recorded] = []
    if file.exists() and file.stat().st_size:
        reader = Reader()
        try:
            entries = reader.file(file, 0)
        except av.FFmpegError:
            entries = []
        reader.end()
        frames = [Recorded(0, hash_, reader.sums.get(pts, 0), units) for pts, _, hash_, units in entries]
    match(verdict, habit, journal, frames, end_us)
    return verdict


def offsets(verdict: Verdict, habit: Habit, sent: dict[int, Sent], found: dict[int, Recorded]) -> None:
    """The worst difference between a recorded time and the true one. A frame that was sent late may have been recorded
    late."""
    for number, frame in found.items():
        if (entry := sent.get(number)) is None:
            continue
        early, late = sorted((entry.true_us, entry.at_us))
        off_s = (min(0, frame.at_us - early) + max(0, frame.at_us - late)) / 1e6
        if abs(off_s) > abs(verdict.worst_s):
            verdict.worst_s = off_s


def claims(
    verdict: Verdict,
    habit: Habit,
    journal: Journal,
    sent: dict[int, Sent],
    found: dict[int, Recorded],
    server: Server,
    camera: str,
    end_us: int,
) -> None:
    """Compares coverage with what can be shown, between the first frame sent and `end_us`."""
    sums, known = decoded_sums(habit, sent), hashes(habit.camera.clip_spec)
    start_us = min(entry.true_us for entry in journal.sent())
    start_us = max(start_us, min(entry.at_us for entry in journal.sent()))
    if start_us >= end_us:
        verdict.faults.append("the first frame came at the very end")
        return
    coverage = server.coverage(camera, start_us, end_us)
    film = itertools.islice(habit.camera.film(), max(found.keys() | sent.keys()) + 40)
    times = sorted((journal.began_us + round(shot.true_s * 1e6), shot.number) for shot in film)
    true: list[Interval] = []
    unclear: list[Interval] = []
    for (at_us, number), (next_us, following) in itertools.pairwise(times):
        frame = found.get(number)
        if frame is None or (habit.camera.decodes and frame.decoded != sums.get(known[number])):
            continue
        lasts_us = next_us - at_us
        until_us = frame.at_us + lasts_us
        if (after := found.get(following)) is not None and abs(after.at_us - until_us) < 1_000_000:
            until_us = max(after.at_us, frame.at_us + 1)
        true.append((frame.at_us, until_us))
        if lasts_us > _PAUSE_US:
            unclear.append((frame.at_us, until_us))
    window = [(start_us, coverage.as_of_us)]
    outside = subtract([(0, 1 << 62)], window)
    true = subtract(true, outside)
    verdict.claimed_us = length(coverage.spans)
    verdict.true_us = length(true)
    slack_us = _EDGE_US + round(abs(verdict.worst_s) * 1e6)
    verdict.over_us = length(subtract(coverage.spans, [*true, *unclear]), slack_us)
    verdict.under_us = length(subtract(true, [*coverage.spans, *unclear]), slack_us)
    for gap in coverage.gaps:
        verdict.causes[gap.cause.value] += gap.end_us - gap.start_us
        # The first frame is sent a moment before it is known to be there.
        if gap.cause in WRONG_CAUSES and gap.end_us > start_us + _EDGE_US:
            verdict.faults.append(f"{(gap.end_us - gap.start_us) / 1e6:.1f} s are {gap.cause.value}")
    if coverage.as_of_us < end_us - 3_000_000:
        verdict.faults.append(f"nothing is known of the last {(end_us - coverage.as_of_us) / 1e6:.0f} s")


def find_faults(verdict: Verdict, habit: Habit) -> None:
    """What of the verdict is wrong."""
    camera = habit.camera
    say = verdict.faults.append
    if not verdict.sent and camera.plays:
        say("not played")
    if verdict.lost > camera.may_lose:
        say(f"{verdict.lost} of {verdict.sent} frames lost ({verdict.first_lost})")
    if verdict.equal < verdict.recorded:
        say(f"{verdict.recorded - verdict.equal} frames do not decode to what was filmed")
    if verdict.changed:
        say(f"{verdict.changed} frames whose units were changed")
    if verdict.twice:
        say(f"{verdict.twice} frames recorded twice")
    if verdict.foreign:
        say(f"{verdict.foreign} recorded frames were never sent so")
    limit = 0.3 if camera.stamps_right else 1.0
    if verdict.source == "av":
        # FFmpeg gives a frame when it has seen the next begin.
        limit += 1 / camera.clip_spec.frame_rate
    if abs(verdict.worst_s) > limit:
        say(f"{verdict.worst_s:+.2f} s off (limit {limit:.1f} s)")
    if verdict.over_us:
        say(f"{verdict.over_us / 1e6:.1f} s claimed that are not there")
    if verdict.under_us:
        say(f"{verdict.under_us / 1e6:.1f} s are there and not claimed")
    if not camera.reconnects and verdict.connections > 1:
        say(f"{verdict.connections} connections")
