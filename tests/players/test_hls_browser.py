"""Playlists with gaps in Chromium, by the hls.js that the page uses: what is shown where, over a gap, and from a range
that begins in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playback.footage import START_US, Studio
from tests.playback.frames import encode
from tests.support.chrome import Page, chromium
from tests.support.site import Site, served

pytestmark = pytest.mark.browser

S = 1_000_000
HLS = Path(__file__).parents[2] / "nvr/web/node_modules/hls.js/dist/hls.light.min.js"
SEE = b"""<!doctype html><body><script src="/hls.js"></script><video muted></video><script>
const video = document.querySelector('video');
const trouble = [];
function open(url, at) {
  const hls = new Hls({autoStartLoad: false, enableWorker: false});
  hls.on(Hls.Events.ERROR, (_, data) => trouble.push(`${data.type} ${data.details} ${data.fatal}`));
  hls.on(Hls.Events.LEVEL_LOADED, () => hls.startLoad(at));
  hls.loadSource(url);
  hls.attachMedia(video);
  window.hls = hls;
}
function look() {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  if (!canvas.width || video.seeking || video.readyState < 2) return {time: video.currentTime, number: null, trouble};
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const {data} = context.getImageData(0, canvas.height / 2, canvas.width, 1);
  let number = 0;
  for (let bit = 0; bit < 16; bit++) if (data[4 * (bit * 16 + 8)] > 125) number |= 1 << bit;
  return {time: video.currentTime, number, trouble, ended: video.ended, duration: video.duration};
}
</script></body>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not HLS.exists():
        pytest.skip(f"NOT TESTED in a browser: there is no {HLS}: make setup")
    studio = Studio(tmp_path_factory.mktemp("footage"))
    one = studio.record(encode("h264", 120), START_US)
    # A break of six seconds, then one that abuts.
    two = studio.record(encode("h264", 80, first=1000), one.end_us + 6 * S, epoch=2, first=1000, ppm=300)
    studio.record(encode("h264", 40, first=2000), two.end_us, epoch=3, first=2000)
    with served(studio, {"/see": (SEE, "text/html"), "/hls.js": (HLS.read_bytes(), "text/javascript")}) as made:
        yield made
    studio.database.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as made:
        yield made


def look(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.driver.execute_script("return look()")
    return found


def shows(page: Page, low: int, high: int) -> dict[str, Any]:
    """Waits until a frame of these numbers is shown."""
    return page.until(
        lambda: found if (found := look(page))["number"] is not None and low <= found["number"] <= high else None,
        what=f"a frame from {low} to {high}: {look(page)}",
    )


def test_a_gap_is_crossed_and_everything_is_where_it_was(page: Page, site: Site) -> None:
    page.driver.get(f"{site.base}/see")
    # It begins in a gap: there is nothing to wait for in front.
    page.driver.execute_script("open(arguments[0], 0)", site.address(START_US - 5 * S, START_US + 31 * S))
    first = shows(page, 0, 0)
    assert first["time"] < 0.2
    page.driver.execute_script("video.currentTime = 18.55")
    assert shows(page, 1005, 1005)["number"] >= 1005
    page.driver.execute_script("video.currentTime = 26.25")
    shows(page, 2002, 2002)
    # Over the gap at its own pace.
    page.driver.execute_script("video.currentTime = 11.2; video.play()")
    shows(page, 112, 119)
    after = shows(page, 1000, 1030)
    assert abs(after["time"] - 18 - (after["number"] - 1000) / 10) < 0.25
    end = page.until(lambda: found if (found := look(page))["ended"] else None, what="the end")
    assert end["number"] == 2039
    assert abs(end["duration"] - 30) < 0.2
    # Non-fatal ones are how hls.js says that it has passed over the gap.
    assert not [text for text in end["trouble"] if text.endswith("true")], end["trouble"]
    assert not [
        line
        for line in page.driver.get_log("browser")
        if line["level"] == "SEVERE" and "favicon" not in line["message"]
    ]
