"""A headless Chromium of Debian's, driven as a person would use the page."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.ports import free_port

T = TypeVar("T")

ARTIFACTS = Path(__file__).parents[2] / "artifacts"

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    # Containers often have too little of it for a browser.
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


# A page that is drawn anew meanwhile.
_NOT_YET = (
    NoSuchElementException,
    StaleElementReferenceException,
    ElementClickInterceptedException,
    ElementNotInteractableException,
)


class Page:
    """The page in a browser. Elements are found by their ``data-testid``."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def all(self, testid: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, f'[data-testid="{testid}"]')

    def until(self, question: Callable[[], T], *, timeout_s: float = 60.0, what: str = "") -> T:
        """The first true answer."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                answer = question()
            except (*_NOT_YET, IndexError):
                answer = None  # type: ignore[assignment]
            if answer:
                return answer
            if time.monotonic() >= deadline:
                self.shoot("failed")
                raise AssertionError(
                    f"not within {timeout_s} s: {what}; see {ARTIFACTS / 'failed.png'}\n{self.console()}"
                )
            time.sleep(0.1)  # sleep: between two looks at the page

    def get(self, testid: str, *, timeout_s: float = 60.0) -> WebElement:
        """The first such element, once it is there."""
        return self.until(lambda: self.all(testid)[0], timeout_s=timeout_s, what=f"element {testid}")

    def click(self, testid: str) -> None:
        """Clicks the first such element, once it is there and nothing is in front of it."""

        def clicked() -> bool:
            element = self.all(testid)[0]
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.until(clicked, what=f"a click on {testid}")

    def video(self) -> dict[str, Any]:
        """What the video element says of itself, and a number that changes with its picture."""
        result: dict[str, Any] = self.driver.execute_script(
            """
            const v = document.querySelector('video');
            if (!v) return {time: 0, ready: 0, picture: 0};
            const c = document.createElement('canvas'); c.width = 64; c.height = 36;
            const x = c.getContext('2d'); x.drawImage(v, 0, 0, 64, 36);
            let sum = 0; \
for (const [i, b] of x.getImageData(0, 0, 64, 36).data.entries()) sum = (sum * 31 + b * (i + 1)) % 1000000007;
            return {time: v.currentTime, ready: v.readyState, picture: sum, width: v.videoWidth, paused: v.paused};
            """
        )
        return result

    def plays(self, *, timeout_s: float = 90.0) -> None:
        """Asserts that time advances and the picture changes."""
        first = self.until(
            lambda: (v := self.video())["ready"] >= 2 and v["width"] and v, timeout_s=timeout_s, what="a picture"
        )
        self.until(
            lambda: (v := self.video())["time"] > first["time"] + 1 and v["picture"] != first["picture"],
            timeout_s=timeout_s,
            what=f"time and picture going on from {first}",
        )

    def shoot(self, name: str) -> Path:
        """Keeps a screenshot."""
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def complaints(self) -> list[str]:
        """Errors and warnings in the browser's console since it was read last."""
        lines = self.driver.get_log("browser")
        return [f"{line['level']} {line['message'][:300]}" for line in lines if line["level"] in ("SEVERE", "WARNING")]

    def console(self) -> str:
        return "\n".join(f"{line['level']} {line['message'][:300]}" for line in self.driver.get_log("browser"))


def _started(options: webdriver.ChromeOptions, chromedriver: str) -> webdriver.Chrome:
    """On a busy machine a browser may take longer to start than its driver waits: then once more."""
    try:
        return webdriver.Chrome(options=options, service=Service(chromedriver, port=free_port()))
    except WebDriverException as error:
        warnings.warn(f"the browser did not start at first: {error}", stacklevel=2)
        return webdriver.Chrome(options=options, service=Service(chromedriver, port=free_port()))


@contextmanager
def chromium(
    profile: Path, *, language: str = "en", size: str = "1280,1200", more: Sequence[str] = ()
) -> Iterator[Page]:
    """A browser; the test is skipped, loudly, where there is none."""
    binary, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or chromedriver is None:
        pytest.skip("NOT TESTED in a browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={size}", f"--lang={language}", *more):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = binary
    driver = _started(options, chromedriver)
    try:
        yield Page(driver)
    finally:
        driver.quit()
