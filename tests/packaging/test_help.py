"""The guides in the page: all of them, in both languages, and every link of them leads somewhere."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("make_help", TOP / "packaging/make_help.py")
assert _spec is not None and _spec.loader is not None
make_help = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_help)

# As if written by somebody who means harm: a page of help runs nothing.
_ALLOWED = {
    *("h1", "h2", "h3", "h4", "p", "a", "span", "ul", "ol", "li", "code", "pre", "strong", "em"),
    *("table", "thead", "tbody", "tr", "th", "td", "img", "hr", "blockquote", "br"),
}


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= given.keys()
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append(given["src"])


@pytest.fixture(scope="module")
def pages() -> dict[str, tuple[dict[str, str], Seen]]:
    found = {}
    for page in make_help.made()[0]:
        seen = Seen()
        seen.feed(page["html"])
        found[page["name"]] = (page, seen)
    return found


def test_every_guide_is_in_it_the_books_first(pages: dict[str, tuple[dict[str, str], Seen]]) -> None:
    assert list(pages)[:2] == ["operators-book", "buku-operator"]
    assert {path.stem for path in (TOP / "docs/guide").glob("*.md")} <= pages.keys()
    assert pages["buku-operator"][0]["lang"] == "id" and pages["operators-book"][0]["lang"] == "en"
    for page, seen in pages.values():
        assert page["title"] and len(page["html"]) > 500 and seen.ids


def test_every_link_leads_to_a_page_and_a_heading_of_it(pages: dict[str, tuple[dict[str, str], Seen]]) -> None:
    inside = 0
    for name, (_, seen) in pages.items():
        for link in seen.links:
            if link.startswith("https://"):
                continue
            match = re.fullmatch(r"#/help/([a-z0-9-]+)(?:\?at=(.+))?", link)
            assert match is not None, (name, link)
            assert match[1] in pages, (name, link)
            assert match[2] is None or match[2] in pages[match[1]][1].ids, (name, link)
            inside += 1
    assert inside > 100


def test_nothing_in_it_runs_or_comes_from_elsewhere(pages: dict[str, tuple[dict[str, str], Seen]]) -> None:
    for name, (_, seen) in pages.items():
        assert seen.tags <= _ALLOWED, (name, seen.tags - _ALLOWED)
        assert not [one for one in seen.attributes if one.startswith("on") or one == "style"], name
        for picture in seen.pictures:
            assert picture.startswith("help-") and (TOP / "docs/images" / picture.removeprefix("help-")).is_file()


def test_the_books_have_the_same_chapters_and_pictures(pages: dict[str, tuple[dict[str, str], Seen]]) -> None:
    english, indonesian = pages["operators-book"][1], pages["buku-operator"][1]
    numbers = [re.match(r"\d+", one) for one in sorted(english.ids)]
    others = [re.match(r"\d+", one) for one in sorted(indonesian.ids)]
    assert sorted(m[0] for m in numbers if m) == sorted(m[0] for m in others if m)
    assert len(english.pictures) == len(indonesian.pictures)
