"""Random exports, clips and playlists over random histories, compared with a plain reference: every byte delivered, and
every figure.

A history has gaps, overlaps, clocks that are set forward and back, several formats, recorders that take over, and a
segment that still grows. The reference knows only what was recorded, frame by frame, and the rules in words: it shares
no code with what it judges.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nvr.evidence.making.package import make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.package import copying
from nvr.evidence.seal.errors import NothingToExport
from nvr.evidence.seal.signing import Signer
from nvr.evidence.seal.times import parse_iso
from nvr.evidence.verify import verify
from nvr.playback.clip.clip import not_in, plan_clip, plan_clips
from nvr.playback.errors import NoFootage, SeveralInits
from nvr.playback.hls.hls import recorded_playlist
from nvr.playback.hls.names import GAP_URI, parse_segment_name
from nvr.playback.index_cache import IndexCache
from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.coverage import one_camera
from storage.coverage.runs import NotShown
from storage.format.boxes import children
from storage.tiers.local import LocalTier
from tests.evidence.made import UNIT, request_of
from tests.evidence.package.test_copying import _Slow, fragments_of
from tests.evidence.synthetic import FRAME_TICKS, Recorded, record
from tests.nightly import examples
from tests.playback.footage import CAMERA, START_US, Studio

S = 1_000_000
MS = 1_000


@dataclass(frozen=True)
class RunPlan:
    """A run to be recorded: how far after (or, set back, before) the end of the one before it begins, how many segments
    and fragments it has, whether another recorder makes it, in which format, and how fast the camera's clock runs."""

    after_us: int
    is_step: bool
    segments: int
    fragments: int
    frames: int
    takes_over: bool
    codec: str
    ppm: int


run_plans = st.builds(
    RunPlan,
    # On a grid that no two names share, whatever is added up: a file's name tells milliseconds.
    after_us=st.integers(-12_000, 9_000).map(lambda ms: ms * MS),
    is_step=st.booleans(),
    segments=st.integers(1, 3),
    fragments=st.integers(1, 3),
    frames=st.integers(1, 6),
    takes_over=st.booleans(),
    codec=st.sampled_from(["h264", "h264", "h265"]),
    ppm=st.sampled_from([0, 200, -300]),
)

# Ends of a range: near which of all frames, and how far from it.
range_ends = st.tuples(st.integers(0, 200), st.sampled_from([-S, -1, 0, 1, S]))


@dataclass
class Run:
    """What was recorded of it, and which recorder's it is."""

    parts: list[Recorded]
    epoch: int
    number: int

    @property
    def extent(self) -> tuple[int, int]:
        return self.parts[0].key.start_us, self.parts[-1].end_us


def make_history(
    studio: Studio, plans: list[RunPlan], seed: int, grows: bool
) -> tuple[list[Run], list[tuple[int, int]]]:
    """Records it; returns the runs in the order in which they were made, and the clock's steps (from, to)."""
    runs: list[Run] = []
    steps: list[tuple[int, int]] = []
    epoch, before_us = 1, START_US
    names: set[int] = set()
    for number, plan in enumerate(plans):
        at_us = before_us + plan.after_us
        is_back = plan.after_us < 0
        # No recorder goes back in time by itself: its clock was set, or another has taken over.
        takes_over = runs and plan.takes_over
        if takes_over:
            epoch += 1
        elif runs and (is_back or plan.is_step):
            last = runs[-1]
            steps.append((last.extent[1], at_us))
            with studio.database.write() as conn:
                segments.end_run(
                    conn, Key(CAMERA, last.extent[0], "n1", last.epoch), end_us=last.extent[1], cause=Cause.CLOCK_STEP,
                    detail={"step_us": at_us - last.extent[1]},
                )  # fmt: skip
        parts: list[Recorded] = []
        media = 0
        start_us = at_us
        chance = random.Random(seed + number)
        for which in range(plan.segments):
            here_us = parts[-1].end_us if parts else at_us
            while here_us // 1000 in names and not parts:
                here_us -= 1000
                start_us = here_us
            if here_us // 1000 in names:
                break
            names.add(here_us // 1000)
            sizes = [[chance.randint(1, 3_000) for _ in range(plan.frames)] for _ in range(plan.fragments)]
            is_last = number == len(plans) - 1 and which == plan.segments - 1
            parts.append(
                record(
                    studio, here_us, sizes, seed=seed * 1000 + number * 10 + which, epoch=epoch, run_start_us=start_us,
                    media_start=media, codec=plan.codec, ppm=plan.ppm, closed=not (grows and is_last),
                    frame_ticks=FRAME_TICKS * 5,
                )
            )  # fmt: skip
            media = parts[-1].media_end
        if parts:
            runs.append(Run(parts, epoch, number))
            before_us = parts[-1].end_us
    return runs, steps


def recorded_us(runs: list[Run], start_us: int, end_us: int) -> int:
    """How much of a range there is footage of, by counting: no interval is merged."""
    edges = sorted(
        {
            start_us,
            end_us,
            *(min(max(at, start_us), end_us) for run in runs for p in run.parts for at in (p.key.start_us, p.end_us)),
        }
    )
    return sum(
        b - a
        for a, b in itertools.pairwise(edges)
        if any(p.key.start_us <= a and b <= p.end_us for run in runs for p in run.parts)
    )


def frames_between(run: Run, start_us: int, end_us: int) -> list[bytes]:
    return [s.data for p in run.parts for s in p.samples if start_us <= p.wall_us(s.pts) < end_us]


def fragments_needed(run: Run, start_us: int, end_us: int) -> Counter[bytes]:
    """Every sample of the fragments of a run that an export of the range has: from the keyframe that decodes the first
    frame on."""
    needed: Counter[bytes] = Counter()
    for part in run.parts:
        shown = [s for s in part.samples if start_us <= part.wall_us(s.pts) < end_us]
        if shown:
            first = max(s.fragment for s in part.samples if s.sync and s.pts <= shown[0].pts)
            needed.update(s.data for s in part.samples if first <= s.fragment <= shown[-1].fragment)
    return needed


def payload_of(data: bytes) -> bytes:
    return b"".join(data[box.payload : box.end] for box in children(data, 0, len(data)) if box.kind == b"mdat")


@settings(
    max_examples=examples(40, 10_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    plans=st.lists(run_plans, min_size=1, max_size=4),
    seed=st.integers(0, 1 << 20),
    grows=st.booleans(),
    ends=st.tuples(range_ends, range_ends),
)
# A short run of a recorder that took over, within one group of pictures of the older one, which goes on.
@example(
    plans=[
        RunPlan(0, False, 1, 1, 1, False, "h264", 0),
        RunPlan(0, False, 2, 3, 4, False, "h264", 0),
        RunPlan(0, False, 2, 2, 5, True, "h264", 0),
        RunPlan(-8_400_000, False, 1, 1, 1, False, "h264", 0),
    ],
    seed=0,
    grows=False,
    ends=((0, -S), (3, 0)),
)
def test_what_is_delivered_is_what_was_recorded(
    plans: list[RunPlan],
    seed: int,
    grows: bool,
    ends: tuple[tuple[int, int], tuple[int, int]],
    signer: Signer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("history")
    studio = Studio(folder)
    try:
        _judge(studio, folder, plans, seed, grows, ends, signer)
    finally:
        studio.database.close()
        # Ten thousand of them would be some ten gigabytes.
        shutil.rmtree(folder)


def _judge(
    studio: Studio,
    folder: Path,
    plans: list[RunPlan],
    seed: int,
    grows: bool,
    ends: tuple[tuple[int, int], tuple[int, int]],
    signer: Signer,
) -> None:
    runs, steps = make_history(studio, plans, seed, grows)
    walls = sorted(p.wall_us(s.pts) for run in runs for p in run.parts for s in p.samples)
    start_us, end_us = sorted(walls[number % len(walls)] + by for number, by in ends)
    end_us += 1
    now_us = max(walls) + 100 * S
    with studio.database.read() as conn:
        known = one_camera.coverage(conn, CAMERA, start_us, end_us, now_us=now_us)
    as_of_us = known.as_of_us
    # Figures: together what was asked for; footage as counted.
    assert known.recorded_us + known.missing_us + known.not_known_us == end_us - start_us
    assert known.recorded_us == recorded_us(runs, start_us, as_of_us)
    touching = [
        (a, b)
        for a, b in steps
        if start_us <= a < as_of_us or start_us <= b < as_of_us or (b < as_of_us and a > start_us and b < a)
    ]
    assert [(s.at_us, s.to_us) for s in known.clock_steps] == (touching if as_of_us > start_us else [])
    in_range = [frames for run in runs if (frames := frames_between(run, start_us, end_us))]

    # A sealed export: every run's own frames, in files of their own, none twice, from disks of any kind.
    request = request_of(start_us, end_us)
    try:
        plan = plan_export(studio.database, studio.cache, request, now_us=now_us)
    except NothingToExport:
        assert not in_range
    else:
        chance = random.Random(seed)
        slow = _Slow(chance, most_bytes=chance.choice([700, 50_000]), stalls=0)
        with pytest.MonkeyPatch.context() as patch:
            if seed % 4 == 0:
                patch.setattr(copying, "os", slow)
                studio.cache = IndexCache(studio.database, tier=LocalTier(slow.disk()))
            # The pages for people cost more than all the rest; other tests look at them.
            patch.setattr("nvr.evidence.package.statement.make_statement", lambda manifest, stills: b"%PDF-")
            patch.setattr("nvr.evidence.package.statement.first_picture", lambda path: None)
            package = make_package(plan, studio.cache, signer, UNIT, folder / "package")
        assert verify(package.path).outcome == "valid"
        expected: Counter[bytes] = Counter()
        for run in runs:
            expected += fragments_needed(run, start_us, end_us)
        found: Counter[bytes] = Counter()
        for movie in package.path.glob("*.mp4"):
            found.update(sample for samples, _ in fragments_of(movie) for _, sample in samples)
        assert found == expected
        (camera,) = json.loads((package.path / "manifest.json").read_bytes())["cameras"]
        assert camera["recorded_us"] + camera["missing_us"] + camera["not_known_us"] == end_us - start_us
        assert camera["recorded_us"] == known.recorded_us
        assert camera["not_delivered"] == []

    if as_of_us <= start_us:
        return

    def check(delivered: Collection[bytes], hidden: Iterable[NotShown]) -> None:
        """Every frame of the range is delivered, or declared by its run and time."""
        declared = [(h.run.start_us, h.run.epoch, h.start_us, h.end_us) for h in hidden]
        for run in runs:
            for p in run.parts:
                for s in p.samples:
                    at_us = p.wall_us(s.pts)
                    if start_us <= at_us < as_of_us and len(s.data) > 3 and s.data not in delivered:
                        assert any(
                            (p.run_start_us, run.epoch) == (run_us, epoch) and a <= at_us < b
                            for run_us, epoch, a, b in declared
                        ), (at_us, run.number, declared)

    def within(payload: bytes) -> set[bytes]:
        return {s.data for run in runs for p in run.parts for s in p.samples if s.data in payload}

    # Clips of an archive: what is shown, and each run that it is shown instead of, if a clock was set; the frames
    # themselves, once.
    try:
        clips = plan_clips(studio.database, studio.cache, CAMERA, start_us, as_of_us)
    except NoFootage:
        clips = []
    delivered: set[bytes] = set()
    hidden = not_in(studio.database, clips, CAMERA, start_us, as_of_us)
    for clip in clips:
        with clip:
            delivered |= within(payload_of(clip.read(0, clip.size - 1)))
    check(delivered, hidden)
    # Of every run something is there.
    for run in runs:
        own = [p.wall_us(s.pts) for p in run.parts for s in p.samples if start_us <= p.wall_us(s.pts) < as_of_us]
        assert not own or any(s.data in delivered for p in run.parts for s in p.samples)

    # A single clip; each run that it does not show can be had.
    try:
        clip = plan_clip(studio.database, studio.cache, CAMERA, start_us, as_of_us)
    except (NoFootage, SeveralInits):
        pass
    else:
        with clip:
            delivered = within(payload_of(clip.read(0, clip.size - 1)))
        check(delivered, clip.hidden)
        for part in clip.hidden:
            try:
                one = plan_clip(studio.database, studio.cache, CAMERA, part.start_us, part.end_us, only={part.run})
            except NoFootage:
                continue
            with one:
                delivered |= within(payload_of(one.read(0, one.size - 1)))
        check(delivered, ())

    # A playlist names bytes of recorded files: whole fragments, which begin with a keyframe.
    try:
        playlist = recorded_playlist(studio.database, studio.cache, CAMERA, start_us, as_of_us)
    except NoFootage:
        return
    text = playlist.text
    delivered = set()
    paths = {p.key: p for run in runs for p in run.parts}
    times = [parse_iso(at) for at in re.findall(r"DATE-TIME:(\S+)", text)]
    assert times == sorted(times)
    for size, offset, uri in re.findall(r"BYTERANGE:(\d+)@(\d+)\n(\S+)", text):
        key = parse_segment_name(CAMERA, uri.removeprefix("segments/"))
        if key is None:
            assert uri == GAP_URI
            continue
        starts = {at: at + length for at, length in paths[key].places}
        assert int(offset) in starts
        assert int(offset) + int(size) in starts.values()
        inside = {
            number for number, (at, length) in enumerate(paths[key].places)
            if int(offset) <= at < int(offset) + int(size)
        }  # fmt: skip
        delivered |= {s.data for s in paths[key].samples if s.fragment in inside}
    check(delivered, playlist.hidden)
