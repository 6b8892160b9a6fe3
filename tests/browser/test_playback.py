"""Playing several cameras on one clock, in Debian's Chromium, against footage whose every picture says its number."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys

from tests.support.chrome import Page, chromium
from tests.support.gallery import Gallery, gallery

# Many looks at one player, one after the other.
pytestmark = [pytest.mark.browser, pytest.mark.long]

S = 1_000_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with gallery(tmp_path_factory.mktemp("gallery")) as made:
        yield made


@pytest.fixture(scope="module")
def page(place: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium"), size="1440,900") as page:
        place.log_in(page)
        yield page


def all_right(page: Page, place: Gallery, cameras: list[str], *, what: str, timeout_s: float = 60) -> float:
    """Waits until every tile shows the frame of the clock's moment; how long that took, in seconds."""
    began = time.monotonic()

    def right() -> bool:
        seen = place.look(page)
        return len(seen) == len(cameras) and all(
            place.is_right(camera, one) for camera, one in zip(cameras, seen, strict=True)
        )

    page.until(right, timeout_s=timeout_s, what=f"{what}: {place.look(page)}")
    return time.monotonic() - began


def press(page: Page, *keys: str) -> None:
    ActionChains(page.driver).send_keys(*keys).perform()


def test_every_step_shows_the_next_frame_there_and_back(page: Page, place: Gallery) -> None:
    camera = place.cameras[0]
    frames = place.frames(camera)
    place.open(page, [camera], frames[100].wall_us + 2000)
    all_right(page, place, [camera], what="the first picture")
    for step, key in [(1, ".")] * 30 + [(-1, ",")] * 45:
        number = place.look(page)[0][1]
        press(page, key)
        page.until(lambda number=number: place.look(page)[0][1] not in (number, -1), what="another picture")  # type: ignore[misc]
        at_us, shown, _ = place.look(page)[0]
        assert shown == number + step
        assert abs(at_us - frames[shown].wall_us) < 1000, "the clock is not that frame's"


def test_nine_cameras_show_the_same_moment_after_a_seek(page: Page, place: Gallery) -> None:
    cameras = place.cameras
    place.open(page, cameras, place.start_us + 5 * S)
    all_right(page, place, cameras, what="nine pictures")
    page.shoot("playback-nine")
    for key in ("l", "l", "j", "l"):  # into the second camera's gap, and out
        press(page, key)
        all_right(page, place, cameras, what=f"nine pictures after {key}")


def test_nine_cameras_keep_to_the_clock_and_over_gaps(page: Page, place: Gallery) -> None:
    cameras = place.cameras
    place.open(page, cameras, place.start_us + 16 * S)
    all_right(page, place, cameras, what="nine pictures")
    press(page, " ")
    page.until(lambda: page.get("stage").get_attribute("data-playing") == "true", what="playing")
    seen = place.watch(page, 16)
    press(page, " ")
    first, last = seen[0][0][0], seen[-1][0][0]
    assert last - first > 10 * S, "the clock stood for long"
    late = sorted(
        place.distance_us(camera, one)
        for tiles in seen[20:]
        for camera, one in zip(cameras, tiles, strict=True)
        if place.shown_at(camera, one[0]) is not None and one[2] == "picture"
    )
    # How near is measured by bench_playback on a quiet machine; here it must not run away.
    assert late[len(late) // 2] < 0.25 * S
    gap = [tiles[1][2] for tiles in seen if place.shown_at(cameras[1], tiles[1][0]) is None]
    assert gap and gap.count("gap") > 0.8 * len(gap), "the gap is not said"
    all_right(page, place, cameras, what="nine pictures at the end")


def test_what_the_browser_fails_at_comes_from_the_server_and_holds_nobody_up(page: Page, place: Gallery) -> None:
    cameras = place.cameras[2:4]
    place.open(page, cameras, place.start_us + 5 * S)
    all_right(page, place, cameras, what="two pictures")
    page.driver.execute_script("document.querySelector('[data-testid=tile] video').dispatchEvent(new Event('error'))")
    page.until(lambda: page.all("tile")[0].get_attribute("data-how") == "server", what="the server's picture")
    begin_us = place.look(page)[0][0]
    press(page, " ")
    page.until(lambda: place.look(page)[0][0] > begin_us + 2 * S, what="the clock goes on")
    assert page.all("tile")[1].get_attribute("data-how") == "frames"
    press(page, " ")


def test_backwards_and_fast_by_keyframes(page: Page, place: Gallery) -> None:
    cameras = place.cameras[:4]
    place.open(page, cameras, place.start_us + 50 * S)
    all_right(page, place, cameras, what="four pictures")
    page.click("speed--4")
    press(page, " ")
    page.until(lambda: page.get("stage").get_attribute("data-way") == "keyframes", what="keyframes")
    assert "pictures a second" in page.get("playback-words").text
    seen = place.watch(page, 5)
    press(page, " ")
    moments = [tiles[0][0] for tiles in seen]
    assert moments[-1] < moments[0] - 5 * S and moments == sorted(moments, reverse=True)
    numbers = [tiles[2][1] for tiles in seen if tiles[2][1] >= 0]
    assert numbers[-1] < numbers[0] and all(number % 30 == 0 for number in numbers[10:])
    all_right(page, place, cameras, what="exact pictures again")


def test_a_range_by_hand_and_by_word(page: Page, place: Gallery) -> None:
    place.open(page, place.cameras[:2], place.start_us + 10 * S)
    all_right(page, place, place.cameras[:2], what="two pictures")
    box = page.get("tracks-box")
    chain = ActionChains(page.driver)
    chain.move_to_element_with_offset(box, 0, 10).click_and_hold().move_by_offset(120, 0).release().perform()
    page.get("tracks-range")
    assert "2 cameras" in page.get("range-length").text
    page.click("range-clear")
    page.until(lambda: not page.all("tracks-range"), what="no range")
    press(page, "i", "l")
    page.until(lambda: page.all("range-start"), what="a range by key")
    field = page.get("range-end")
    field.send_keys(Keys.CONTROL, "a")
    local = time.strftime("%d/%m/%Y %H:%M:%S", time.gmtime(place.start_us // S + 7 * 3600 - 7200))
    page.get("range-start").send_keys(Keys.CONTROL, "a")
    page.get("range-start").send_keys(local, Keys.ENTER)
    page.until(lambda: page.all("tracks-range"), what="a range outside the view is drawn")


def test_a_bookmark_is_kept_with_its_note(page: Page, place: Gallery) -> None:
    place.open(page, place.cameras[:1], place.start_us + 12 * S)
    all_right(page, place, place.cameras[:1], what="a picture")
    press(page, "b")
    page.get("bookmark-note").send_keys("sepeda motor ke selatan", Keys.ENTER)
    page.until(lambda: "sepeda motor" in page.get("bookmark-row").text, what="the bookmark")
    page.until(lambda: page.all("track-mark"), what="its mark on the track")
    page.click("bookmark-remove")
    page.until(lambda: not page.all("bookmark-row"), what="no bookmark")


def test_full_screen_has_its_controls(page: Page, place: Gallery) -> None:
    place.open(page, place.cameras[:1], place.start_us + 12 * S)
    page.click("fullscreen")
    page.until(lambda: page.driver.execute_script("return document.fullscreenElement !== null"), what="full screen")
    assert page.get("play").is_displayed() and page.get("tracks-box").is_displayed()
    page.click("fullscreen")
    page.until(lambda: page.driver.execute_script("return document.fullscreenElement === null"), what="the page again")


def test_a_preview_follows_the_pointer(page: Page, place: Gallery) -> None:
    place.open(page, place.cameras[:2], place.start_us + 33 * S)
    all_right(page, place, place.cameras[:2], what="two pictures")
    box = page.get("tracks-box")
    ActionChains(page.driver).move_to_element_with_offset(box, -3, 2).perform()
    page.until(
        lambda: "is-empty" not in str(page.get("preview-picture").get_attribute("class")), what="a preview's picture"
    )
    tip, view = page.get("tracks-preview").rect, page.driver.execute_script("return innerHeight")
    assert tip["y"] >= 0 and tip["y"] + tip["height"] <= view, "the preview is beneath the fold"
    page.shoot("playback-preview")


def test_find_leads_to_playback(page: Page, place: Gallery) -> None:
    page.driver.get(f"http://127.0.0.1:{place.port}/#/find")
    page.get("find-where").send_keys("pandanaran")
    local = time.strftime("%d/%m/%Y %H:%M", time.gmtime(place.start_us // S + 7 * 3600))
    page.get("find-when").send_keys(local, Keys.ENTER)
    page.until(lambda: len(page.all("find-camera")) == len(place.cameras) - 1, what="all cameras of the street")
    page.shoot("find")
    page.click("find-play")
    page.until(lambda: len(page.all("tile")) == 4, what="four together")


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_console_is_silent(page: Page, place: Gallery, language: str) -> None:
    page.driver.execute_script("localStorage.setItem('nvr.lang', arguments[0])", language)
    page.complaints()
    place.open(page, place.cameras[:4], place.start_us + 8 * S)
    page.driver.refresh()
    all_right(page, place, place.cameras[:4], what="four pictures")
    page.shoot(f"playback-four-{language}")
    assert page.complaints() == []
    page.driver.execute_script("localStorage.setItem('nvr.lang', 'en')")


def test_on_a_phone(place: Gallery, tmp_path: Path) -> None:
    with chromium(tmp_path / "chromium", size="390,844") as phone:
        place.log_in(phone)
        place.open(phone, place.cameras[:4], place.start_us + 8 * S)
        all_right(phone, place, place.cameras[:4], what="four pictures")
        phone.shoot("playback-phone")
        wide = json.loads(
            phone.driver.execute_script(
                "return JSON.stringify([document.documentElement.scrollWidth, document.documentElement.clientWidth])"
            )
        )
        assert wide[0] <= wide[1], "the page is wider than the phone"


POINTER = """
const [kind, x] = arguments, box = document.querySelector('[data-testid="tracks-box"]');
const {left, top, width} = box.getBoundingClientRect();
box.dispatchEvent(new PointerEvent(kind, {pointerId: 1, button: 0, buttons: 1, bubbles: true,
  clientX: left + width * x, clientY: top + 4}));
"""


@pytest.mark.nightly
def test_a_hand_that_is_taken_away_and_a_day_that_is_looked_at_while_it_plays(page: Page, place: Gallery) -> None:
    cameras = place.cameras[:2]
    place.open(page, cameras, place.start_us + 10 * S)
    all_right(page, place, cameras, what="two pictures")
    # No such pointer is down for the browser, and what has none can't be captured.
    page.driver.execute_script("Element.prototype.setPointerCapture = () => undefined")
    begin, end = (int(float(part)) for part in str(page.get("tracks-box").get_attribute("data-view")).split())
    share = (place.start_us / 1000 + 20_000 - begin) / (end - begin)
    page.driver.execute_script(POINTER, "pointerdown", share + 0.05)
    page.driver.execute_script(POINTER, "pointermove", share)
    page.driver.execute_script(POINTER, "pointercancel", 0.0)
    all_right(page, place, cameras, what="exact pictures where the hand had come to")
    assert abs(place.look(page)[0][0] - place.start_us - 20 * S) < 10 * S
    press(page, " ")
    page.until(lambda: page.get("stage").get_attribute("data-playing") == "true", what="playing")
    days = [day for day in page.all("month-day") if day.is_enabled() and day.get_attribute("aria-pressed") == "false"]
    if days:  # on the first of a month there is no other day to look at
        chosen = days[0].get_attribute("data-day")
        days[0].click()
        place.watch(page, 3)
        shown = [
            day.get_attribute("data-day")
            for day in page.all("month-day")
            if day.get_attribute("aria-pressed") == "true"
        ]
        assert shown == [chosen], "the day that is looked at stays"
    press(page, " ")


@pytest.mark.nightly
def test_what_moved_is_found_and_a_still_is_saved(page: Page, place: Gallery) -> None:
    cameras = place.cameras[2:4]
    place.open(page, cameras, place.start_us + 10 * S)
    all_right(page, place, cameras, what="two pictures")
    page.click("tab-activity")
    page.click("zoom-hour")
    page.click("activity-find")
    page.until(lambda: page.all("activity-row"), what="a passage: the numbers change in each picture")
    page.until(lambda: int(page.get("track-activity").get_attribute("data-lines") or 0) > 0, what="its curve")
    page.shoot("playback-activity")
    page.click("activity-region")
    layer = page.get("region-layer")
    chain = ActionChains(page.driver)
    chain.move_to_element_with_offset(layer, -40, 40).click_and_hold().move_by_offset(90, 30).release().perform()
    page.until(lambda: page.all("activity-whole"), what="a region")
    page.until(lambda: page.get("activity-words").get_attribute("data-pending") == "0", what="its answer")
    page.click("tab-details")
    for kind, begins in (("still-png", [0x89, 0x50]), ("still-pdf", [0x25, 0x50])):
        found = page.driver.execute_async_script(
            "const [url, done] = arguments; fetch(url).then((r) => r.arrayBuffer()).then((b) => done("
            "[...new Uint8Array(b).slice(0, 2)]));",
            page.get(kind).get_attribute("href"),
        )
        assert found == begins, kind
