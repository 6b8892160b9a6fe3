"""The server's clock is set back: a time is recorded twice, by two runs of one recorder. Nothing is left out, and
nothing in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nvr.evidence.making.package import make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from nvr.playback.clip.clip import not_in, plan_clip, plan_clips
from nvr.playback.hls.hls import recorded_playlist
from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.coverage import one_camera, runs
from tests.evidence.made import UNIT, request_of
from tests.evidence.package.test_copying import fragments_of
from tests.evidence.synthetic import FRAME_TICKS, Recorded, record
from tests.playback.footage import CAMERA, START_US, Studio

S = 1_000_000


def run_of(
    studio: Studio, start_us: int, count: int, *, seed: int, then_us: int | None = None, segment_s: int = 4
) -> list[Recorded]:
    """A run of ``count`` segments, a fragment a second. With ``then_us`` it ended since the server's clock was set to
    that."""
    made: list[Recorded] = []
    media = 0
    for number in range(count):
        at_us = made[-1].end_us if made else start_us
        sizes = [[900] * 25 for _ in range(segment_s)]
        made.append(
            record(studio, at_us, sizes, seed=seed * 100 + number, run_start_us=start_us, media_start=media, epoch=1)
        )
        media += segment_s * 25 * FRAME_TICKS
    if then_us is not None:
        step_us = then_us - made[-1].end_us
        with studio.database.write() as conn:
            segments.end_run(
                conn,
                Key(CAMERA, start_us, "n1", 1),
                end_us=made[-1].end_us,
                cause=Cause.CLOCK_STEP,
                detail={"error": "the clock was set", "step_us": step_us},
            )
    return made


def samples_in(folder: Path) -> list[bytes]:
    return [data for movie in folder.glob("*.mp4") for samples, _ in fragments_of(movie) for _, data in samples]


# (how far the clock is set, what is then recorded): a little back; back to before the first run began; to and fro,
# twice.
MS = 1_000
STEPS = [
    [-5 * S - 8 * MS],
    [-90 * S],
    [-6 * S + 12 * MS, -4 * S + 20 * MS],
    [-7 * S + 4 * MS, 5 * S],
    [-3 * S - 20 * MS, -30 * S + 8 * MS, 25 * S],
]


@pytest.mark.parametrize("steps", STEPS)
def test_every_run_is_delivered_whole_shown_or_declared(
    steps: list[int], studio: Studio, signer: Signer, tmp_path: Path
) -> None:
    made = []
    at_us = START_US
    for number, step_us in enumerate([*steps, None]):
        end_us = at_us + 12 * S
        made.append(run_of(studio, at_us, 3, seed=number, then_us=None if step_us is None else end_us + step_us))
        at_us = end_us + (step_us or 0)
    start_us = min(one.key.start_us for run in made for one in run)
    end_us = max(one.end_us for run in made for one in run)
    everything = [sample.data for run in made for one in run for sample in one.samples]

    with studio.database.read() as conn:
        found = segments.between(conn, CAMERA, start_us, end_us)
        shown = one_camera.pieces(conn, CAMERA, start_us, end_us)
        known = one_camera.coverage(conn, CAMERA, start_us, end_us, now_us=end_us + S)
    hidden = runs.not_shown(found, shown, start_us, end_us)
    # The newest run as a whole is shown, then what the one before has besides, and so on.
    free = [(start_us, end_us)]
    for run in reversed(made):
        own = [(p.start_us, p.end_us) for p in shown if p.segment.run_start_us == run[0].run_start_us]
        a, b = run[0].key.start_us, run[-1].end_us
        expected = sum(max(0, min(b, y) - max(a, x)) for x, y in free)
        assert sum(y - x for x, y in own) == expected
        free = [(x, y) for u, v in free for x, y in ((u, min(v, a)), (max(u, b), v)) if x < y]
    # Shown and declared are all that was recorded, to the microsecond.
    recorded = sum(one.end_us - one.key.start_us for run in made for one in run)
    assert sum(p.end_us - p.start_us for p in shown) + sum(h.end_us - h.start_us for h in hidden) == recorded
    assert [step.by_us for step in known.clock_steps] == steps

    # A sealed export has all of it: files of their own, none twice.
    plan = plan_export(studio.database, studio.cache, request_of(start_us, end_us), now_us=end_us + S)
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert verify(package.path).outcome == "valid"
    assert sorted(samples_in(package.path)) == sorted(everything)
    (camera,) = json.loads((package.path / "manifest.json").read_bytes())["cameras"]
    assert [step["by_us"] for step in camera["clock_steps"]] == steps
    assert camera["not_delivered"] == []
    assert camera["recorded_us"] + camera["missing_us"] + camera["not_known_us"] == end_us - start_us

    # So have the clips of an archive, and one of each run.
    def frames_of(only: set[Key] | None) -> int:
        with plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us, only=only) as clip:
            return clip.frames

    clips = plan_clips(studio.database, studio.cache, CAMERA, start_us, end_us)
    assert sum(clip.frames for clip in clips) == len(everything)
    assert len(clips) > 1 or not hidden
    for clip in clips:
        clip.close()
    by_run = [frames_of({runs.run_of(one) for one in found if one.run_start_us == run[0].run_start_us}) for run in made]
    assert by_run == [300] * len(made)
    # Where one run gives way to another in the middle of a group, the change-over is moved to the keyframe before.
    frames_hidden = sum(h.end_us - h.start_us for h in hidden) * 25 // S
    assert abs(frames_of(None) - len(everything) + frames_hidden) <= 25 * len(made)
    playlist = recorded_playlist(studio.database, studio.cache, CAMERA, start_us, end_us).text
    assert playlist.endswith("#EXT-X-ENDLIST\n")


def test_a_recorder_that_takes_over_is_shown_and_the_other_is_delivered_too(
    studio: Studio, signer: Signer, tmp_path: Path
) -> None:
    # A camera is moved: for two seconds both record it.
    first = record(studio, START_US, [[900] * 25] * 6, seed=1, epoch=1)
    second = record(studio, START_US + 4 * S, [[900] * 25] * 6, seed=2, epoch=2)
    plan = plan_export(studio.database, studio.cache, request_of(START_US, second.end_us), now_us=second.end_us)
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert sorted(samples_in(package.path)) == sorted(s.data for one in (first, second) for s in one.samples)
    # It is no second piece of an archive: nobody's clock was set.
    clips = plan_clips(studio.database, studio.cache, CAMERA, START_US, second.end_us)
    assert len(clips) == 1
    clips[0].close()


def test_a_short_run_within_a_group_of_another_recorder_is_declared_and_can_be_had(studio: Studio) -> None:
    # The older recorder goes on; its group of pictures reaches over all that the newer one has.
    first = record(studio, START_US, [[900] * 25] * 6, seed=1, epoch=1, gop=3)
    second = record(studio, START_US + 4 * S, [[900] * 10], seed=2, epoch=2)
    start_us, end_us = START_US, first.end_us
    run = runs.run_of(next(s for s in segments_of(studio, start_us, end_us) if s.key.epoch == 2))
    own = runs.NotShown(run, second.key.start_us, second.end_us)
    with plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us) as clip:
        assert (clip.frames, clip.hidden) == (150, (own,))
    assert recorded_playlist(studio.database, studio.cache, CAMERA, start_us, end_us).hidden == (own,)
    with plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us, only={run}) as clip:
        assert clip.frames == 10
    clips = plan_clips(studio.database, studio.cache, CAMERA, start_us, end_us)
    assert [clip.frames for clip in clips] == [150, 10]
    assert not_in(studio.database, clips, CAMERA, start_us, end_us) == []
    for clip in clips:
        clip.close()


def segments_of(studio: Studio, start_us: int, end_us: int) -> list[segments.Segment]:
    with studio.database.read() as conn:
        return segments.between(conn, CAMERA, start_us, end_us)


def test_a_range_within_the_overlap_has_both(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    first = run_of(studio, START_US, 3, seed=1, then_us=START_US + 2 * S)
    second = run_of(studio, START_US + 2 * S, 3, seed=2)
    plan = plan_export(
        studio.database, studio.cache, request_of(START_US + 5 * S, START_US + 6 * S), now_us=START_US + 60 * S
    )
    assert len(plan.files) == 2
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    names = [file.name for file in plan.files]
    assert len(set(names)) == 2
    wanted = {s.data for run in (first, second) for one in run for s in one.samples
              if START_US + 5 * S <= one.wall_us(s.pts) < START_US + 6 * S}  # fmt: skip
    assert wanted <= set(samples_in(package.path))
