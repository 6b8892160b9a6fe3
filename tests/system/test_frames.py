"""Every frame that an independent camera sent is in the files, once, over many rotations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest

from storage.catalogue.segments import Segment
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.gst import GstCamera, Logged
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import frames, now_us, serving, whole

Serve = Callable[[Startable], str]

ROTATIONS = 6


def assert_once(recorded: Sequence[str], sent: Sequence[str]) -> None:
    """The recorded frames are one unbroken stretch of those sent."""
    assert recorded, "nothing was recorded"
    first = sent.index(recorded[0])
    assert list(recorded) == list(sent[first : first + len(recorded)])


def assert_abut(segments: Sequence[Segment]) -> None:
    for before, after in itertools.pairwise(segments):
        assert before.end_us == after.key.start_us
        assert before.media_end == after.media_start
        assert before.run_start_us == after.run_start_us


@pytest.mark.long
@pytest.mark.gstreamer
@pytest.mark.parametrize(
    ("mount", "codec", "source"),
    [
        pytest.param("h264", "h264", "av", marks=pytest.mark.nightly),
        pytest.param("h265", "hevc", "av", marks=pytest.mark.nightly),
        ("h264-aac", "h264", "av"),
        pytest.param("h264", "h264", "native", marks=pytest.mark.nightly),
        ("h265", "hevc", "native"),
        ("h264-aac", "h264", "native"),
    ],
)
def test_every_frame_exactly_once(tmp_path: Path, gst: GstCamera, mount: str, codec: str, source: str) -> None:
    """Checklist 14."""
    camera = {"id": "cam", "url": gst.urls[mount], "audio": mount == "h264-aac", "source": source}
    with serving(tmp_path, camera, workers=1) as server:
        server.until(lambda: bool(server.closed("cam")), what="the first segment")
        server.until(lambda: len(server.closed("cam")) > ROTATIONS, what="rotations")
    found = server.closed("cam")
    assert len(found) > ROTATIONS
    assert_abut(found)
    for segment in found:
        file = whole(segment.path)
        assert bool(file.index.video.sync[0]), "a segment starts on a keyframe"
        assert file.index.video.count == segment.frames
    recorded = frames([segment.path for segment in found], codec)
    logged = gst.sent(mount)
    sent = [frame.hash for frame in logged]
    assert_once(recorded, sent)
    if mount == "h264-aac":
        assert len(frames([segment.path for segment in found], "aac", "audio")) > 10 * ROTATIONS
    if codec == "hevc":
        assert b"hvc1" in found[0].path.read_bytes()[:2000]
    # The camera's frames and the server's clock agree on how long it was: 15 frames a second, or fewer where its
    # encoder does not keep pace. The first segment has what waited until the camera was asked to play.
    rate, first = segment_rate(found[1:]), sent.index(recorded[0]) + found[0].frames
    sent_rate = rate_of(logged[first : first + sum(s.frames for s in found[1:])])
    assert abs(rate - (15 if sent_rate > 14.5 else sent_rate)) < 0.75, (rate, sent_rate)


def segment_rate(found: Sequence[Segment]) -> float:
    return sum(s.frames for s in found) / ((found[-1].end_us - found[0].key.start_us) / 1e6)


def rate_of(sent: Sequence[Logged]) -> float:
    return (len(sent) - 1) / ((sent[-1].at_ns - sent[0].at_ns) / 1e9)


@pytest.mark.nightly
@pytest.mark.parametrize("source", ["native", "av"])
@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc")])
def test_reordered_pictures_from_the_first_on(
    tmp_path: Path, serve: Serve, codec: Literal["h264", "h265"], name: str, source: str
) -> None:
    """Checklist 13: FFmpeg gives the first packets of a stream with B-frames no decode times; they are frames all the
    same."""
    camera = ScriptedCamera(clip(ClipSpec(codec=codec, frames=150, b_frames=2, group=25)), at_end="stall")
    table = {"id": "cam", "url": serve(camera), "stall_timeout": "2s", "source": source}
    with serving(tmp_path, table, workers=1) as server:
        start_us = now_us()
        server.until(lambda: server.stalled("cam", start_us))
        server.stop()
    found = server.closed("cam")
    first = [segment for segment in found if segment.run_start_us == found[0].run_start_us]
    assert_abut(first)
    assert frames([s.path for s in first], name) == [entry.hash for entry in camera.journal.entries(client=0)]
