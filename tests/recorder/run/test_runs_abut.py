"""Two runs of one connection abut, whatever the camera's clock and its frames' distances are: nothing is recorded
twice, and nothing lies between."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.catalogue.segments import between
from tests.nightly import examples
from tests.recorder.frames_made import picture
from tests.recorder.run.test_pipeline import START_US, Rig
from tests.support.cameras.clips import ClipSpec, clip

TICK = 90_000


@given(
    b_frames=st.sampled_from([0, 2]),
    step=st.sampled_from([3600, 3003, 3001, 1500, 6000]),
    ppm=st.integers(-450, 450),
    jitter=st.lists(st.integers(-1400, 1400), min_size=1, max_size=40),
    origin=st.integers(-10_000_000, 10_000_000),
    late_us=st.lists(st.integers(0, 120_000), min_size=1, max_size=9),
)
@example(b_frames=0, step=3600, ppm=-400, jitter=[0], origin=-1, late_us=[0])
@example(b_frames=0, step=3003, ppm=400, jitter=[0, 0, -1], origin=7, late_us=[0, 90_000])
@example(b_frames=2, step=3003, ppm=400, jitter=[0, 700, -1400], origin=7, late_us=[0, 90_000])
@example(b_frames=0, step=3600, ppm=0, jitter=[0, -1400, 0], origin=0, late_us=[0])
@settings(max_examples=examples(6, 300), deadline=None)
def test_runs_of_one_connection_abut(
    b_frames: int, step: int, ppm: int, jitter: list[int], origin: int, late_us: list[int]
) -> None:
    """Parameters change every hundred frames, so a run ends there and the next one begins; meanwhile the clock is
    slewed."""
    film = clip(ClipSpec(frames=200, group=25, b_frames=b_frames, change_to=(480, 288)))
    shown = [round(unit.pts / 3600) for unit in film.video.units]
    times = [origin]
    for number in range(960):
        times.append(times[-1] + step + jitter[number % len(jitter)] * step // 3600)
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        try:
            rig.open(film)
            for number in range(950):
                ticks = times[number]
                # With B-frames all are shown two later than they are decoded, or so.
                later = number // 200 * 200 + shown[number % 200] + min(b_frames, 1) - number
                unit = film.video.units[number % 200]
                now_us = START_US + (ticks - origin) * 100 // 9
                now_us += now_us % 1_000_000_000 * ppm // 1_000_000 + late_us[number % len(late_us)]
                moved_us = max(0, now_us - rig.realtime_us)
                rig.wait(moved_us)
                rig.pipeline.packet(picture(unit.payload, ticks, unit.keyframe, offset=times[number + later] - ticks))
            rig.done()
            with rig.database.read() as conn:
                found = between(conn, "a", 0, 1 << 62)
                ends = [json.loads(row[0]) for row in conn.execute("SELECT detail FROM run ORDER BY start_us")]
        finally:
            rig.database.close()
    runs = [list(segments) for _, segments in itertools.groupby(found, key=lambda segment: segment.run_start_us)]
    assert len(runs) >= 9, ends
    for before, after in itertools.pairwise(runs):
        gap_us = after[0].key.start_us - before[-1].end_us
        assert gap_us == 0, f"{gap_us} µs between two runs"
    for before, after in itertools.pairwise(found):
        assert before.end_us <= after.key.start_us
    assert sum(segment.frames for segment in found) == 950
