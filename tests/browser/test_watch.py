"""Watching in a browser: the frame, the list, walls and the map, as an operator would use them. A picture of each
screen is kept, by day and by night, at a desk and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.fixtures import h264_clip, serve
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import Page, chromium
from tests.support.server import Server, serving

__all__ = ["h264_clip", "serve"]

# Many screens of one server, one after the other.
pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD: Final = "gerbang-tua-berlumut"
AXE: Final = Path(__file__).parents[2] / "nvr/web/node_modules/axe-core/axe.min.js"
DESK: Final = (1440, 900)
PHONE: Final = (390, 844)
STREETS: Final = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"class": "primary"},
            "geometry": {"type": "LineString", "coordinates": [[110.385, -6.985], [110.409, -6.984], [110.423, -6.99]]},
        },
        {
            "type": "Feature",
            "properties": {"class": "water"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[110.38, -6.95], [110.45, -6.944], [110.45, -6.93], [110.38, -6.93], [110.38, -6.95]]],
            },
        },
        {
            "type": "Feature",
            "properties": {"name": "Semarang Tengah"},
            "geometry": {"type": "Point", "coordinates": [110.418, -6.983]},
        },
    ],
}


@dataclass
class Desk:
    page: Page
    server: Server
    small: ScriptedCamera

    def open(self, path: str) -> None:
        self.page.driver.get("about:blank")
        self.page.driver.get(f"http://127.0.0.1:{self.server.port}/#{path}")

    def sized(self, size: tuple[int, int]) -> None:
        width, height = size
        self.page.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )

    def themed(self, theme: str, language: str = "en") -> None:
        self.page.driver.execute_script(
            f"localStorage.setItem('nvr.theme', '{theme}'); localStorage.setItem('nvr.lang', '{language}')"
        )

    def address(self) -> str:
        return str(self.page.driver.execute_script("return location.hash"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("watch")
    main = ScriptedCamera(clip(ClipSpec(width=640, height=384)), at_end="repeat")
    small = ScriptedCamera(clip(ClipSpec(width=320, height=192, frame_rate=10, group=10)), at_end="repeat")
    (folder / "streets.geojson").write_text(json.dumps(STREETS))
    with running(main) as url, running(small) as live_url:
        cameras: list[dict[str, Any]] = [
            {
                "id": f"pahlawan-{n:02}", "name": f"Jl. Pahlawan {n:02}", "url": url, "live_url": live_url,
                "labels": {
                    "district": "Semarang Selatan", "kelurahan": "Mugassari", "isp": "Telkom",
                    "latitude": str(-6.99 - n / 500), "longitude": str(110.42 + n / 700),
                },
            }
            for n in range(1, 5)
        ]  # fmt: skip
        cameras.append({
            "id": "tugu-muda", "name": "Tugu Muda Barat", "url": url,
            "labels": {"district": "Semarang Tengah", "isp": "Biznet", "latitude": "-6.984", "longitude": "110.409"},
        })  # fmt: skip
        cameras += [
            {
                "id": f"majapahit-{n:02}", "name": f"Jl. Majapahit {n:02}", "url": f"rtsp://127.0.0.1:9/{n}",
                "labels": {
                    "district": "Pedurungan", "isp": "Telkom", "latitude": "-7.01", "longitude": str(110.47 + n / 900),
                },
            }
            for n in range(1, 4)
        ]  # fmt: skip
        extra = '[map]\nstreets = "streets.geojson"'
        with (
            serving(folder, *cameras, workers=1, extra=extra) as server,
            chromium(tmp_path_factory.mktemp("chromium"), size="1440,1000") as page,
        ):
            server.log_in_at_page(page, PASSWORD)
            server.until(lambda: bool(server.closed("tugu-muda")), what="footage")
            made = Desk(page, server, small)
            made.sized(DESK)
            made.themed("light")
            yield made


def test_the_list_is_found_in_and_its_search_survives_the_way_back(desk: Desk) -> None:
    page = desk.page
    desk.open("/cameras")
    page.until(lambda: len(page.all("camera-row")) == 8, what="all cameras")
    page.until(lambda: page.get("count-recorded").get_attribute("data-count") == "5", what="five recorded")
    page.until(lambda: page.get("count-down").get_attribute("data-count") == "3", what="three away")
    page.get("search").send_keys("pahlawan")
    page.until(lambda: len(page.all("camera-row")) == 4, what="those of one street")
    assert "q=pahlawan" in desk.address()
    page.all("pick")[0].click()
    page.all("pick")[2].click()
    page.until(lambda: page.get("picked").get_attribute("data-count") == "2", what="two chosen")
    page.shoot("watch-cameras-picked")
    page.click("picked-clear")
    page.driver.execute_script("arguments[0].querySelector('a').click()", page.all("camera-row")[0])
    page.get("camera-page")
    page.driver.back()
    page.until(lambda: len(page.all("camera-row")) == 4, what="the search as it was")
    assert page.get("search").get_attribute("value") == "pahlawan"
    desk.open("/cameras?state=down&labels=district%3DPedurungan")
    page.until(lambda: len(page.all("camera-row")) == 3, what="what is away there")
    page.shoot("watch-cameras-down")


def test_everything_is_searched_from_one_line(desk: Desk) -> None:
    page = desk.page
    desk.open("/cameras")
    page.until(lambda: page.all("camera-row"), what="the list")
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("k").key_up(Keys.CONTROL).perform()
    page.get("palette-input").send_keys("pahlawan 14:05")
    page.until(lambda: len(page.all("palette-choice")) >= 5, what="a moment and cameras")
    assert "14:05" in page.all("palette-choice")[0].text
    page.shoot("watch-palette")
    page.get("palette-input").send_keys(Keys.ENTER)
    page.until(lambda: "at=" in desk.address() and "T" in desk.address(), what="playback there")


def test_a_wall_shows_what_comes_and_says_what_does_not(desk: Desk) -> None:
    page = desk.page
    desk.open("/wall?n=9")
    page.until(lambda: len(page.all("tile")) == 8, what="eight tiles")
    tiles = lambda: {str(t.get_attribute("data-camera")): t for t in page.all("tile")}  # noqa: E731
    page.until(
        lambda: sum(t.get_attribute("data-playing") == "true" for t in page.all("tile")) == 5, what="five pictures"
    )
    assert tiles()["pahlawan-01"].get_attribute("data-stream") == "live"
    assert tiles()["tugu-muda"].get_attribute("data-stream") == "main"
    away = page.until(lambda: [a.text for a in page.all("tile-away") if "2 more" in a.text], what="what else is away")
    assert "unreachable" in away[0] and "Telkom" in away[0]
    assert len(desk.small.server.connections) == 4
    page.shoot("watch-wall")
    # Enlarged it is the main stream, and back it is the wall again.
    page.driver.execute_script("arguments[0].querySelector('[data-testid=enlarge]').click()", tiles()["pahlawan-01"])
    page.until(
        lambda: len(page.all("tile")) == 1 and page.get("tile").get_attribute("data-stream") == "main", what="one tile"
    )
    page.until(lambda: page.get("tile").get_attribute("data-playing") == "true", what="its picture")
    page.shoot("watch-wall-one")
    page.driver.back()
    page.until(lambda: len(page.all("tile")) == 8, what="the wall again")
    # Kept, and found again by its name.
    page.click("size-4")
    page.click("walls")
    page.click("save-wall")
    page.get("wall-name").send_keys("Simpang utama")
    page.click("wall-save")
    page.until(lambda: "Simpang utama" in page.get("walls").text, what="its name")
    page.driver.refresh()
    page.until(lambda: "Simpang utama" in page.get("walls").text, what="the wall by its address")
    desk.open("/cameras")
    page.until(lambda: not desk.small.server.connections, what="nobody watches: nothing is read")


def test_the_map_is_by_cause_and_asks_nobody_else(desk: Desk) -> None:
    page = desk.page
    desk.open("/map")
    page.until(lambda: page.get("map-page").get_attribute("data-placed") == "8", what="eight places")
    page.until(lambda: len(page.all("map-row")) == 8, what="all in view")
    page.shoot("watch-map")
    page.click("legend-network")
    page.until(lambda: len(page.all("map-row")) == 3, what="those of one cause")
    assert "state=network" in desk.address()
    asked = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert asked and all(name.startswith(f"http://127.0.0.1:{desk.server.port}/") for name in asked), asked


def accessible(page: Page) -> list[str]:
    """What axe has against the page, by WCAG 2.1 A and AA."""
    page.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = page.driver.execute_async_script(
        # Not half way from one colour to another.
        "const done = arguments[0], changes = document.getAnimations().filter(a => a instanceof CSSTransition);"
        "Promise.allSettled(changes.map(a => a.finished))"
        ".then(() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}))"
        ".then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3)"
        ".map(n => n.target.join(' ') + ' ' + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(' | '))))"
    )
    return [str(one) for one in found]


PAGES: Final = {"cameras": "/cameras", "grid": "/cameras?view=grid", "wall": "/wall?n=9", "map": "/map"}


@pytest.mark.parametrize(("name", "path"), PAGES.items())
def test_screens_fit_their_screen(desk: Desk, name: str, path: str) -> None:
    page = desk.page
    wrong: list[str] = []
    try:
        for size, place in ((DESK, "desk"), (PHONE, "phone")):
            for theme, language in (("light", "id"), ("dark", "en")):
                desk.sized(size)
                desk.open(path)
                desk.themed(theme, language)
                page.driver.refresh()
                page.until(lambda: page.all("camera-row") or page.all("tile") or page.all("map-row"), what="cameras")
                page.until(lambda: page.all("find"), what="the frame")
                if name == "wall":
                    page.until(
                        lambda: any(t.get_attribute("data-playing") == "true" for t in page.all("tile")),
                        what="pictures",
                    )
                page.shoot(f"screen-{name}-{place}-{theme}-{language}")
                wide = page.driver.execute_script(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                wrong += [f"{place} {theme}: {wide} pixels too wide"] if wide > 0 else []
                wrong += [f"{place} {theme}: {one}" for one in accessible(page)]
    finally:
        desk.sized(DESK)
        desk.themed("light")
    assert not wrong, "\n".join([name, *wrong])
