"""GStreamer's server logs exactly the frames that a client gets."""

import pytest

from tests.support.cameras.gst import GstCamera
from tests.support.cameras.reading import packets


@pytest.mark.gstreamer
@pytest.mark.parametrize("mount", ["h264", "h265", "h264-aac"])
def test_the_log_is_what_a_client_gets(gst: GstCamera, mount: str) -> None:
    read = packets(gst.urls[mount], limit=50)
    video = min(r.stream for r in read) if mount != "h264-aac" else 0
    got = [r.hash for r in read if r.stream == video]
    sent = gst.sent(mount)
    assert len(got) > 15
    assert [frame.hash for frame in sent][: len(got)] == got
    assert [frame.index for frame in sent] == list(range(len(sent)))
    assert {frame.index for frame in sent if frame.keyframe} == set(range(0, len(sent), 15))
    assert {r.stream for r in read} == ({0, 1} if mount == "h264-aac" else {0})
