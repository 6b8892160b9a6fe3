"""How times, lengths and numbers are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.texts import Formats

AT = 1_795_442_706_250_000  # 2026-11-23T14:05:06.25Z


def test_times_have_their_zone() -> None:
    indonesian, english = Formats("id", "Asia/Jakarta"), Formats("en", "Europe/Berlin")
    assert indonesian.both(AT) == "23 Nov 2026 21:05:06,25 WIB (2026-11-23 14:05:06.25 UTC)"
    assert english.both(AT) == "23 Nov 2026 15:05:06.25 CET (2026-11-23 14:05:06.25 UTC)"
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
