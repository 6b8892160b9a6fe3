"""Snapshots: the frame that was shown then, of that footage, and no other."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import datetime

import av
import numpy as np
import pytest
from PIL import ExifTags, Image

from nvr.playback.errors import FootageDamaged, NoFootage
from nvr.playback.hls.names import picture_name
from nvr.playback.snapshot import Snapshot, snapshot
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import HEIGHT, WIDTH, encode, number_of
from tests.playback.worlds import GOP, World


def shot(world: World, at_us: int, width: int | None = None) -> Snapshot:
    return snapshot(world.studio.database, world.studio.cache, CAMERA, at_us, width=width)


def number_in(found: Snapshot) -> int:
    picture = np.asarray(Image.open(io.BytesIO(found.jpeg)).convert("L"))
    return number_of(av.VideoFrame.from_ndarray(picture, "gray"))


@pytest.mark.parametrize("codec", ["h264", "h264b", "h264open", "h265", "h265b"])
def test_the_frame_shown_at_any_moment(world_of: Callable[..., World], codec: str) -> None:
    world = world_of(codec)
    chance = random.Random(5)
    moments = [chance.randint(START_US, world.end_us - 1) for _ in range(40)]
    moments += [chance.choice(world.frames).wall_us + chance.choice((-1, 0)) for _ in range(40)]
    for at_us in moments:
        run = next((run for run in world.runs if run.start_us <= at_us < run.end_us), None)
        if run is None:
            with pytest.raises(NoFootage):
                shot(world, at_us)
            continue
        if codec in ("h264open", "h265b") and any(0 < part.end_us - at_us <= 400_000 for part in run.parts):
            # A known limit: leading pictures of an open group stand in the next file, and the one before them is
            # answered.
            continue
        expected = [frame for frame in run.frames if frame.wall_us <= at_us][-1]
        found = shot(world, at_us)
        assert (number_in(found), found.frame_time_us) == (expected.number, expected.wall_us)


def test_the_keyframe_shown_at_any_moment(world_of: Callable[..., World]) -> None:
    world, chance = world_of("h264b"), random.Random(9)
    run = world.runs[0]
    for at_us in [chance.randint(run.start_us, run.end_us - 1) for _ in range(20)]:
        keys = [frame for frame in run.frames if frame.number % GOP == 0 and frame.wall_us <= at_us]
        found = snapshot(world.studio.database, world.studio.cache, CAMERA, at_us, keyframe=True)
        assert (number_in(found), found.frame_time_us) == (keys[-1].number, keys[-1].wall_us)


def test_a_picture_says_of_itself_what_it_is(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    found = shot(world, START_US + 1_234_567, 100)
    exif = Image.open(io.BytesIO(found.jpeg)).getexif()
    said = exif.get_ifd(ExifTags.IFD.Exif)
    assert exif[ExifTags.Base.ImageDescription] == CAMERA
    text = (
        f"{said[ExifTags.Base.DateTimeOriginal]}.{said[ExifTags.Base.SubsecTimeOriginal]}"
        f"{said[ExifTags.Base.OffsetTimeOriginal]}"
    )
    at = datetime.strptime(text, "%Y:%m:%d %H:%M:%S.%f%z")
    assert round(at.timestamp() * 1_000_000) == found.frame_time_us
    assert picture_name(CAMERA, found.frame_time_us) == f"{CAMERA}_{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z.jpg"


def test_sizes(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    for width, expected in ((None, WIDTH), (10_000, WIDTH), (WIDTH // 2, WIDTH // 2), (101, 100), (1, 16)):
        found = shot(world, START_US + 1_000_000, width)
        size = Image.open(io.BytesIO(found.jpeg)).size
        assert size == (found.width, found.height)
        assert found.width == expected
        assert abs(found.height - HEIGHT * expected / WIDTH) <= 2


def test_no_footage(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    for at_us in (START_US - 1, world.runs[0].end_us, world.end_us + 1):
        with pytest.raises(NoFootage):
            shot(world, at_us)


@pytest.mark.parametrize(("width", "height"), [(16_384, 16_384), (65_535, 2_000), (1, 1)])
def test_a_picture_without_end_is_not_decoded(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    """By what the camera declared, or, where that is modest, by what comes."""
    studio.record(encode("h264", 20), START_US)
    with studio.database.write() as conn:
        conn.execute("UPDATE init SET width = ?, height = ?", (width, height))
    if width == 1:
        monkeypatch.setattr("nvr.playback.snapshot.MOST_PIXELS", 1_000)
    with pytest.raises(FootageDamaged):
        snapshot(studio.database, studio.cache, CAMERA, START_US + 100_000)


def test_damage_is_told(studio: Studio) -> None:
    part = studio.record(encode("h264", 40), START_US).parts[0]
    data = bytearray(part.path.read_bytes())
    at = data.index(b"mdat")
    data[at + 4 : at + 1200] = bytes(len(data[at + 4 : at + 1200]))
    part.path.write_bytes(data)
    with pytest.raises(FootageDamaged) as caught:
        snapshot(studio.database, studio.cache, CAMERA, START_US + 100_000)
    assert str(studio.root) not in str(caught.value)
