"""Clips in a foreign player: GStreamer shows the frames of the range, from time zero on, at their times."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.playback.clip.clip import Gaps, plan_clip
from tests.playback.footage import CAMERA
from tests.playback.worlds import GAP_US, GOP, World, decoded
from tests.support.cameras.gst import PYTHON

pytestmark = pytest.mark.gstreamer
Worlds = Callable[..., World]
SCRIPT = Path(__file__).with_name("gst_play.py")


def shown_by_gstreamer(path: Path) -> list[tuple[int, float]]:
    """Numbers and times (seconds) of the pictures that GStreamer shows."""
    if not Path(PYTHON).exists():
        pytest.skip(f"NOT TESTED with GStreamer: there is no {PYTHON}")
    done = subprocess.run([PYTHON, SCRIPT, path], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 3:
        pytest.skip(
            "NOT TESTED with GStreamer: apt-get install python3-gi gstreamer1.0-plugins-good gstreamer1.0-libav"
        )
    assert done.returncode == 0, done.stderr
    return [(int(number), int(at) / 1e9) for at, number in map(str.split, done.stdout.splitlines())]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("gaps", ["collapse", "keep"])
def test_gstreamer_plays_it(world_of: Worlds, codec: str, gaps: Gaps, tmp_path: Path) -> None:
    world = world_of(codec)
    # From a keyframe, or the middle of its group, over a file's end and the gap, into the next run.
    run = world.runs[0]
    for first in (3 * GOP, 3 * GOP + 5):
        start_us, end_us = run.frames[first].wall_us, run.end_us + GAP_US + 2_345_678
        path = tmp_path / "clip.mp4"
        with plan_clip(world.studio.database, world.studio.cache, CAMERA, start_us, end_us, gaps=gaps) as clip:
            path.write_bytes(clip.read(0, clip.size - 1))
        shown = shown_by_gstreamer(path)
        expected = [frame.number for frame in world.expected(start_us, end_us)]
        assert expected[0] == first
        # The one before may peep in: GStreamer takes it to last as long as the average frame.
        if first % GOP and shown[0][0] == first - 1:
            del shown[0]
        numbers = [number for number, _ in shown]
        # With frames to hide, version 1.22 stops when the hidden ones and the shown ones together are as long as what
        # is to be shown.
        assert len(numbers) >= len(expected) - first % GOP
        assert numbers == expected[: len(numbers)]
        assert max(abs(a - b) for (_, a), (_, b) in zip(shown, decoded(path), strict=False)) < 0.001
