"""The guides in the page, as who has no internet reads them, in both languages; and the pictures of the book,
taken of the demo (``make pictures``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browser.test_demo import Demo, demo
from tests.support.chrome import Page, chromium

pytestmark = pytest.mark.browser
__all__ = ["demo"]

# Of the book, by the link that leads there.
PICTURES = ("cameras", "grants")


def log_in(page: Page, demo: Demo) -> None:
    page.driver.get(demo.base)
    page.get("login-user").send_keys("admin")
    page.get("login-password").send_keys(demo.password)
    page.click("login-submit")
    page.click("nav-cameras")
    page.until(lambda: len(page.all("camera-row")) == 9, what="nine cameras")


@pytest.mark.parametrize(
    ("language", "title", "search", "chapter"),
    [
        ("en", "The operator's book", "worn taken out", "10. A disk is full, replaced, gone"),
        ("id", "Buku operator", "aus dilepas", "10. Disk penuh, diganti, hilang"),
    ],
)
def test_the_book_is_in_the_page_and_found_in(
    demo: Demo, tmp_path: Path, language: str, title: str, search: str, chapter: str
) -> None:
    with chromium(tmp_path / "chromium", language=language) as page:
        log_in(page, demo)
        for name in PICTURES:
            page.click(f"nav-{name}")
            page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "main h1, main h2, main table"), what=name)
            page.shoot(f"book-{name}-{language}")
        page.click("nav-help")
        text = page.get("help-text")
        assert text.get_attribute("lang") == language
        assert page.driver.find_element(By.CSS_SELECTOR, ".help-text h1").text == title
        assert page.driver.title.startswith(title)
        # All its pictures are the server's own, and there.
        page.until(
            lambda: page.driver.execute_script(
                "return [...document.querySelectorAll('.help-text img')].every((i) => {"
                " i.loading = 'eager'; return i.complete && i.naturalWidth > 0 })"
            ),
            what="its pictures",
        )
        page.get("help-search").send_keys(search)
        page.until(lambda: chapter in page.get("help-found").text, what="the chapter")
        page.driver.find_element(By.LINK_TEXT, chapter).click()
        page.get("help-text")
        heading = page.driver.find_element(By.XPATH, f'//h2[text()="{chapter}"]')
        page.until(lambda: heading.rect["y"] >= 0 and heading.is_displayed(), what="the heading")
        # Another guide, by a link within the text.
        page.driver.find_element(By.CSS_SELECTOR, '.help-text a[href^="#/help/install"]').click()
        page.until(lambda: page.driver.find_element(By.CSS_SELECTOR, ".help-text h1").text == "Install", what="a guide")
        page.shoot(f"help-{language}")
        # Before the login it is asked who is there.
        assert [line for line in page.complaints() if "/api/me" not in line] == []
