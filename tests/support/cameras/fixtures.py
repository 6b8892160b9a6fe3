"""Fixtures for tests that need cameras: import them in a conftest.py, or name this module in `pytest_plugins`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .clips import Clip, ClipSpec, clip
from .gst import GstCamera, NotInstalledError, gst_camera
from .running import Startable, running

__all__ = ["gst", "h264_aac_clip", "h264_clip", "h265_clip", "serve"]


@pytest.fixture(scope="session")
def h264_clip() -> Clip:
    """Two seconds of H.264, 25 frames a second, a keyframe every ten."""
    return clip(ClipSpec())


@pytest.fixture(scope="session")
def h265_clip() -> Clip:
    """Two seconds of H.265."""
    return clip(ClipSpec(codec="h265"))


@pytest.fixture(scope="session")
def h264_aac_clip() -> Clip:
    """Two seconds of H.264 and AAC."""
    return clip(ClipSpec(audio="aac"))


@pytest.fixture
def serve() -> Iterator[Callable[[Startable], str]]:
    """Runs a camera until the end of the test: `url = serve(ScriptedCamera(...))`."""
    with ExitStack() as stack:
        yield lambda camera: stack.enter_context(running(camera))


@pytest.fixture(scope="session")
def gst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GstCamera]:
    """GStreamer's RTSP server with the mounts h264, h265 and h264-aac."""
    with ExitStack() as stack:
        try:
            camera = stack.enter_context(gst_camera(tmp_path_factory.mktemp("gst")))
        except NotInstalledError as error:
            pytest.skip(f"NOT TESTED against GStreamer, which is not installed here: {error}")
        yield camera
