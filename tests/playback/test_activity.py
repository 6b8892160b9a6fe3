"""When something moved, by keyframes alone: found where it was, in the region where it was, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from nvr.playback.activity import Region, blocks_of, changed, shares
from nvr.playback.activity_slices import SLICE_US, ActivitySlice, ActivitySlices
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import Encoded, encoded
from tests.support.waiting import until

S = 1_000_000
WIDTH, HEIGHT, FPS = 320, 192, 5
PASSES = ((40, 60), (100, 130))
"""Seconds in which something crosses the left half."""


def scene(seconds: int) -> Encoded:
    """A street that gets darker, with noise, and what passes."""
    chance = np.random.default_rng(3)
    ground = (chance.random((HEIGHT // 8, WIDTH // 8)) * 90 + 80).repeat(8, 0).repeat(8, 1)

    def add(container: Any) -> Any:
        # At a rate that is kept whatever is seen: sizes of frames say nothing.
        options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0", "nal-hrd": "cbr",
                   "b": "300k", "maxrate": "300k", "bufsize": "300k"}  # fmt: skip
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = FPS * 2
        return stream

    def pictures() -> Iterator[Any]:
        for number in range(seconds * FPS):
            at_s = number / FPS
            luma = ground - 30 * at_s / seconds + chance.normal(0, 2, ground.shape)
            for begin, end in PASSES:
                if begin <= at_s < end:
                    x = int((at_s - begin) / (end - begin) * (WIDTH // 2 - 40))
                    luma[100:140, x : x + 40] = 230
            yield av.VideoFrame.from_ndarray(np.clip(luma, 0, 255).astype(np.uint8), "gray").reformat(format="yuv420p")

    return encoded(pictures(), add, None)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("activity"))
    made.record(scene(160), START_US, segment_s=60)
    yield made
    made.database.close()


def the_slice(slices: ActivitySlices, start_us: int) -> ActivitySlice:
    made = until(lambda: slices.of(CAMERA, start_us), "the slice")
    assert made is not None
    return made


def test_it_is_found_when_and_where_it_was(studio: Studio) -> None:
    slices = ActivitySlices(studio.database, studio.cache)
    begin = START_US // SLICE_US * SLICE_US
    try:
        found = [the_slice(slices, begin), the_slice(slices, begin + SLICE_US)]
        times = np.concatenate([one.times_us for one in found])
        assert len(times) == 80 and (np.diff(times) == 2 * S).all(), "every keyframe, each once"

        def moving(region: Region | None = None) -> set[int]:
            share = np.concatenate([shares(grid, region) for one in found for grid in one.grids()])
            return {
                round((at - START_US) / S) for at, value in zip(times.tolist(), share.tolist(), strict=True) if value
            }

        expected = {second for a, b in PASSES for second in range(a, b, 2)}
        assert len(expected - moving()) <= 1 and len(moving() - expected) <= 1, moving()
        assert moving(Region(0, 0.4, 0.5, 0.9)) >= moving()
        assert moving(Region(0.6, 0, 1, 1)) == set()
        assert slices.of(CAMERA, begin) is found[0], "kept"
    finally:
        slices.close()
    assert slices.pid is None


def test_where_nothing_was_recorded_nothing_moved(tmp_path: Path, studio: Studio) -> None:
    slices = ActivitySlices(studio.database, studio.cache)
    try:
        made = the_slice(slices, START_US // SLICE_US * SLICE_US - 10 * SLICE_US)
        assert len(made.times_us) == 0 and list(made.grids()) == []
    finally:
        slices.close()


def test_a_lamp_that_is_switched_on_is_background_after_a_while() -> None:
    dark, light = np.full((10, 20), 40, np.uint8), np.full((10, 20), 140, np.uint8)
    grid = changed(np.stack([dark] * 30 + [light] * 30))
    share = shares(grid)
    assert share[:18].max() == 0 and share[-18:].max() == 0
    assert shares(changed(np.stack([dark, light]))).max() == 0, "of two nobody knows which stands still"


def test_blocks_are_means() -> None:
    luma = np.zeros((24, 32), np.uint8)
    luma[8:16, 16:24] = 100
    assert blocks_of(luma).tolist() == [[0, 0, 0, 0], [0, 0, 100, 0], [0, 0, 0, 0]]
