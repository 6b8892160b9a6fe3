"""Names: what is written parses, nothing else does, and no id leaves its folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.format.layout import CAMERA_ID, NODE_ID, hour_folder, parse, segment_path

camera_ids = st.from_regex(rf"\A{CAMERA_ID}\Z")
node_ids = st.from_regex(rf"\A{NODE_ID}\Z")
starts = st.integers(0, 4_000_000_000_000_000)


@given(camera_ids, starts, st.integers(0, 10**17), node_ids, st.booleans())
def test_what_is_written_parses(camera: str, start_us: int, epoch: int, node: str, growing: bool) -> None:
    path = segment_path(camera, start_us, epoch, node, growing=growing)
    name = parse(str(path))
    assert name is not None
    assert (name.camera, name.start_ms, name.epoch, name.node, name.growing) == (
        camera,
        start_us // 1000,
        epoch,
        node,
        growing,
    )
    assert path.parent == hour_folder(camera, start_us)
    assert len(path.parts) == 4 and ".." not in path.parts


@given(st.one_of(st.text(), st.from_regex(r"[a-z./0-9-]+Z\.[0-9]+-[a-z0-9]+(\.part)?\.mp4\n?")))
def test_what_parses_is_what_is_written(text: str) -> None:
    name = parse(text)
    if name is not None:
        path = segment_path(name.camera, name.start_ms * 1000, name.epoch, name.node, growing=name.growing)
        assert str(path) == text


@pytest.mark.parametrize(
    "text",
    [
        "cam/2026-11-23/24/00-00.000Z.1-n1.mp4",
        "cam/2026-11-23/10/00-60.000Z.1-n1.mp4",
        "cam/2026-02-30/10/00-00.000Z.1-n1.mp4",
        "cam/2026-11-23/10/00-00.000Z.01-n1.mp4",
        "cam/2026-11-23/10/00-00.000Z.1-n1.mp4\n",
        "cam/2026-11-23/10/00-00.000Z.1-n1.MP4",
        "cam/2026-11-23/10/00-00.000Z.1-.mp4",
        "cam/2026-11-23/10/00-00.000Z.٣-n1.mp4",
        "../cam/2026-11-23/10/00-00.000Z.1-n1.mp4",
        "-cam/2026-11-23/10/00-00.000Z.1-n1.mp4",
        "cam/2026-11-23/10/../10/00-00.000Z.1-n1.mp4",
        "cam/2026-11-23/10/00-00.000Z.1-n1.part.part.mp4",
        "/cam/2026-11-23/10/00-00.000Z.1-n1.mp4",
    ],
)
def test_near_misses_are_foreign(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_no_id_leaves_its_folder(text: str) -> None:
    for camera, node in ((text, "n1"), ("cam", text)):
        try:
            path = segment_path(camera, 0, 1, node, growing=False)
        except ValueError:
            continue
        assert len(path.parts) == 4 and "/" not in text and ".." not in text and "\0" not in text
