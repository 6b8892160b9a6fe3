"""The server's own words and formats."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.reports.figure_rows import ROWS
from nvr.texts import LANGUAGES, Formats, Language, words
from storage.causes import Cause, CauseClass

TABLES = [field.name for field in fields(words("en")) if isinstance(getattr(words("en"), field.name), dict)]
AT = 1_795_442_706_250_000  # 2026-11-23T14:05:06.25Z


@pytest.mark.parametrize("table", TABLES)
def test_languages_have_the_same_keys_and_blanks(table: str) -> None:
    english: dict[str, str] = getattr(words("en"), table)
    for language in LANGUAGES:
        other: dict[str, str] = getattr(words(language), table)
        assert list(other) == list(english)
        for key, text in other.items():
            assert text.strip()
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_and_class_has_words(language: Language) -> None:
    spoken = words(language)
    assert spoken.language == language
    assert set(spoken.causes) == set(Cause)
    assert set(spoken.classes) == set(CauseClass)
    assert (len(spoken.months), len(spoken.short_months), len(spoken.weekdays)) == (12, 12, 7)


def test_times_have_their_zone() -> None:
    indonesian, english = Formats("id", "Asia/Jakarta"), Formats("en", "Europe/Berlin")
    assert indonesian.both(AT) == "23 Nov 2026 21:05:06,25 WIB (2026-11-23 14:05:06.25 UTC)"
    assert english.both(AT) == "23 Nov 2026 15:05:06.25 CET (2026-11-23 14:05:06.25 UTC)"
    assert indonesian.long_date(AT) == "Senin, 23 November 2026"
    assert Formats("en", "Asia/Kathmandu").time(AT) == "23 Nov 2026 19:50:06.25 UTC+05:45"
    assert Formats("en", "UTC").both(AT) == "23 Nov 2026 14:05:06.25 UTC"
    assert indonesian.offset(AT) == "UTC+07:00"


@pytest.mark.parametrize(
    ("us", "english", "indonesian"),
    [
        (0, "0 s", "0 dtk"),
        (1, "0.000001 s", "0,000001 dtk"),
        (400_000, "0.4 s", "0,4 dtk"),
        (59_600_000, "1 min", "1 mnt"),
        (64_000_000, "1 min 4 s", "1 mnt 4 dtk"),
        (7_500_000_000, "2 h 5 min", "2 jam 5 mnt"),
        (90_000_000_000, "1 d 1 h", "1 hari 1 jam"),
    ],
)
def test_lengths(us: int, english: str, indonesian: str) -> None:
    assert (Formats("en", "UTC").length(us), Formats("id", "UTC").length(us)) == (english, indonesian)


def test_numbers() -> None:
    assert Formats("id", "UTC").number(1_234_567) == "1.234.567"
    assert Formats("en", "UTC").seconds(1_234_500_000) == "1,234.5 s"
    assert Formats("id", "UTC").percent(999_999, 1_000_000) == "99,99 %"
    assert Formats("en", "UTC").percent(1, 0) == "–"
    assert Formats("en", "UTC").percent(7, 7) == "100 %"


@given(
    st.integers(0, 7_000_000_000_000_000), st.sampled_from(["Asia/Jakarta", "Europe/Berlin", "Asia/Kathmandu", "UTC"])
)
def test_utc_can_be_read_back(at_us: int, zone: str) -> None:
    text = Formats("en", zone).utc(at_us).removesuffix(" UTC")
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S"
    back = datetime.strptime(text, form).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert (back.days * 86_400 + back.seconds) * 1_000_000 + back.microseconds == at_us


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_the_table_of_figures_with_the_same_words_in_the_same_order(language: Language) -> None:
    source = (Path(__file__).parents[2] / f"nvr/web/src/shared/i18n/{language}.ts").read_text()
    table = (Path(__file__).parents[2] / "nvr/web/src/features/gaps/coverage-table.tsx").read_text()
    body = table[table.index("function rows(") :]
    keys = re.findall(r"^    \[\s*r\.(\w+),", body[: body.index("];")], re.MULTILINE)
    own = {"coverage": "coverage", "recordedTime": "recorded", "notRecorded": "not_recorded",
           "noLongerThere": "no_longer_there",
           "notRequired": "not_required", "notKnownYet": "not_known_yet", "outages": "outages", "longest": "longest",
           "mtbf": "mtbf", "mttr": "mttr"}  # fmt: skip
    assert tuple(own[key] for key in keys) == ROWS
    for key in ("recordedTime", "notRecorded", "noLongerThere", "notRequired", "notKnownYet"):
        assert f"{key}: '{words(language).report[own[key]]}'" in source, key
