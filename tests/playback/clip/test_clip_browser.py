"""Clips in a browser: the first frame it shows is the first of the range."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nvr.playback.clip.clip import Gaps, plan_clip
from tests.playback.footage import CAMERA, START_US
from tests.playback.worlds import World

pytestmark = pytest.mark.browser

# Seeks, and reads the number of the picture from its blocks.
_LOOK = """
const [url, at, done] = [arguments[0], arguments[1], arguments[2]];
const video = document.createElement('video');
video.muted = true;
video.onerror = () => done({error: video.error.message});
let tries = 0;
const read = () => {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const {data} = context.getImageData(0, canvas.height / 2, canvas.width, 1);
  let number = 0;
  for (let bit = 0; bit < 16; bit++) if (data[4 * (bit * 16 + 8)] > 125) number |= 1 << bit;
  // All dark is no picture of these tests: on a busy machine data is loaded before anything is painted.
  if (number === 0 && ++tries < 50) { setTimeout(read, 100); return; }
  done({number, duration: video.duration});
};
video.onloadeddata = () => {
  if (at === 0) { read(); return; }
  video.onseeked = read;
  video.currentTime = at;
};
video.src = url;
document.body.append(video);
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which it is served."""
    (tmp_path / "index.html").write_text("<!doctype html><body></body>")
    handler = partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("codec", "audio"), [("h264", False), ("h264b", False), ("h264", True)])
@pytest.mark.parametrize("gaps", ["collapse", "keep"])
def test_from_its_first_frame_right(
    world_of: Callable[..., World], browser: Any, site: tuple[Path, str], codec: str, audio: bool, gaps: Gaps
) -> None:
    folder, address = site
    world = world_of(codec, audio=audio)
    # The middle of a group, a moment after a frame, and the end of a file.
    for number, start_us in enumerate((START_US + 2_350_000, START_US + 5_010_001, START_US + 3_950_000)):
        end_us = start_us + 24_000_000
        expected = world.expected(start_us, end_us)
        with plan_clip(world.studio.database, world.studio.cache, CAMERA, start_us, end_us, gaps=gaps) as clip:
            (folder / f"{number}.mp4").write_bytes(clip.read(0, clip.size - 1))
        browser.get(f"{address}/index.html")
        url = f"{address}/{number}.mp4"
        shown = browser.execute_async_script(_LOOK, url, 0)
        assert shown.get("number") == expected[0].number, shown
        times = [frame.wall_us - expected[0].wall_us for frame in expected]
        if gaps == "keep":
            # Well after the gap, in the middle of a frame: wall time it is.
            index = next(i for i, frame in enumerate(expected) if frame.number >= 1020)
            seen = browser.execute_async_script(_LOOK, url, times[index] / 1e6 + 0.05)
            assert seen.get("number") == expected[index].number, seen
            assert seen["duration"] == pytest.approx((times[-1] + 100_000) / 1e6, abs=0.2)
        else:
            seen = browser.execute_async_script(_LOOK, url, times[25] / 1e6 + 0.05)
            assert seen.get("number") == expected[25].number, seen
            assert seen["duration"] == pytest.approx(len(expected) / 10, abs=0.2)
