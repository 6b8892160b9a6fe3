"""Every format of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from nvr.cli.gaps import gaps
from nvr.reports import formats
from nvr.reports.document import Reader
from nvr.reports.formats import FORMATS
from nvr.reports.query import GapQuery, chosen
from storage.intervals import Interval
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S

BEGINS = {"json": b'{"start":', "csv": b"camera,", "html": b"<!doctype html>", "pdf": b"%PDF-"}


def test_each_file_is_a_format_of_the_table() -> None:
    files = {path.stem for path in Path(formats.__file__).parent.glob("[a-z]*.py")}
    assert files - {"base"} == set(FORMATS) == set(BEGINS)
    assert all(name == one.name for name, one in FORMATS.items())


def test_the_command_offers_them_all() -> None:
    (option,) = (one for one in gaps.params if one.name == "format_")
    assert set(option.to_info_dict()["type"]["choices"]) == {"text", *FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_each_makes_a_report_in_every_language(tmp_path: Path, name: str) -> None:
    world = catalogue.make(tmp_path)
    query = GapQuery(Interval(T0 - 3600 * S, T0 + 3600 * S))
    made = []
    with world.db.read() as conn:
        for language in ("en", "id"):
            reader = Reader(language, "Asia/Jakarta", "ines", "1.2.3")
            made.append(b"".join(FORMATS[name].make(conn, chosen(conn, query), query, reader, now_us=NOW)))
    world.db.close()
    assert all(document.lower().startswith(BEGINS[name].lower()) for document in made)
    assert (made[0] == made[1]) is (name in ("json", "csv")), "programs read these: they have no language"
