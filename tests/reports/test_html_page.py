"""The report as HTML: whatever people and cameras write is text in it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.reports.document import Reader
from nvr.reports.html_page import TEMPLATES, html_report
from nvr.reports.query import GapQuery, chosen
from storage.causes import Cause
from storage.intervals import Interval
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S, World, add_camera, enter

HOSTILE = """"><script>alert('1')</script><img src=x onerror="a()"></title></style> {{ 7 * 7 }} {% raw %} & </td>"""


class Elements(HTMLParser):
    """The elements of a document, their attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = catalogue.make(tmp_path)
    yield made
    made.db.close()


def report(world: World, reader: Reader, query: GapQuery) -> str:
    with world.db.read() as conn:
        return b"".join(html_report(conn, chosen(conn, query), query, reader, now_us=NOW)).decode()


@pytest.mark.parametrize("cameras", [(), ("odd",)], ids=["of all", "of one"])
def test_what_is_filled_in_is_never_markup(world: World, cameras: tuple[str, ...]) -> None:
    query = GapQuery(Interval(T0, NOW), fold_us=2 * S, cameras=cameras)
    reader = Reader("en", "Asia/Jakarta", "ines", "1.2.3")
    add_camera(world, "odd", district="north")
    enter(world, "odd", T0 + 60 * S, Cause.UNREACHABLE, error="timed out")
    harmless = Elements(report(world, reader, query))
    with world.db.write() as conn:
        conn.execute("UPDATE camera SET name = ? WHERE id = 'odd'", (f"name {HOSTILE}",))
    enter(world, "odd", T0 + 90 * S, Cause.UNREACHABLE, error=f"error {HOSTILE}", **{f"key {HOSTILE}": "1"})
    hostile = Elements(report(world, Reader("en", "Asia/Jakarta", f"by {HOSTILE}", f"version {HOSTILE}"), query))
    assert (hostile.names, hostile.attributes) == (harmless.names, harmless.attributes)
    assert hostile.open == [] and "script" not in hostile.names
    text = "".join(hostile.text)
    for place in ("name", "error", "key", "by", "version"):
        assert f"{place} {HOSTILE}" in text, place


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(str.strip).filter(bool))
def test_any_name_can_be_read(world: World, name: str) -> None:
    with world.db.write() as conn:
        conn.execute("UPDATE camera SET name = ? WHERE id = 'gate'", (name,))
    text = report(world, Reader("id", "UTC", "ines", "1.2.3"), GapQuery(Interval(T0, NOW), cameras=("gate",)))
    assert name in "".join(Elements(text).text)


def test_no_template_leaves_escaping_out() -> None:
    templates = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir()}
    assert {"gaps.html", "picture.html", "table.html", "style.css"} == set(templates)
    for name, text in templates.items():
        assert "safe" not in text and "autoescape" not in text, name
        assert "url(" not in text and "http" not in text, f"{name}: a report needs nothing else"
