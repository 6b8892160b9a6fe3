"""Times at the edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.api.http.errors import ApiError
from nvr.api.http.times import compact_time, format_time, parse_range, parse_time

DAY_US = 86_400_000_000
AT = 1_795_442_706_123_456


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T14:05:06.123456Z",
        "2026-11-23t14:05:06.123456z",
        "2026-11-23T14:05:06,123456Z",
        "2026-11-23T14:05:06.123456789Z",
        "2026-11-23T21:05:06.123456+07:00",
        "2026-11-23T21:05:06.123456+0700",
        "2026-11-23 21:05:06.123456+07:00",
        "2026-11-23 14:05:06.123456Z",
        "2026-11-23T21:05:06.123456+07",
        "2026-11-23T10:35:06.123456-03:30",
        "2026-11-23T10:35:06.123456\u221203:30",
        "2026-11-23T19:50:06.123456+05:45",
        "2026-11-24T13:05:06.123456+23:00",
    ],
)
def test_one_time_in_many_ways(text: str) -> None:
    assert parse_time("at", text) == AT


@given(st.integers(0, 7_258_118_400_000_000 - 1))
def test_what_is_written_is_read_again(at_us: int) -> None:
    assert parse_time("at", format_time(at_us)) == at_us
    assert datetime.fromisoformat(format_time(at_us)) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        microseconds=at_us
    )


@given(
    st.datetimes(
        min_value=datetime(1971, 1, 1),
        max_value=datetime(2199, 12, 30),
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_agrees_with_the_standard_library(at: datetime) -> None:
    expected = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time("at", at.isoformat(timespec="microseconds")) == expected


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("2026-11-23T14:05:06", "naive_time", "add Z or an offset"),
        ("2026-11-23 14:05", "naive_time", "%2B"),
        ("2026-11-23", "naive_time", "add Z"),
        ("2026-11-23T21:05:06 07:00", "naive_time", "write + as %2B"),
        ("2026-11-23T21:05:06.123 0700", "naive_time", "write + as %2B"),
        ("", "missing_parameter", "give a time"),
        (None, "missing_parameter", "give a time"),
        ("yesterday", "invalid_time", "ISO 8601"),
        ("1795442706", "invalid_time", "ISO 8601"),
        ("2026-02-29T00:00:00Z", "invalid_time", "no day"),
        ("0000-01-01T00:00:00Z", "invalid_time", "no day"),
        ("2026-11-23T24:00:00Z", "invalid_time", "hours go to 23"),
        ("2026-11-23T23:59:60Z", "invalid_time", "seconds to 59"),
        ("2026-11-23T14:05:06+24:00", "invalid_time", "hours"),
        ("1969-12-31T23:59:59.999999Z", "time_out_of_range", "1970"),
        ("1970-01-01T00:00:00+00:01", "time_out_of_range", "1970"),
        ("0001-01-01T00:00:00+23:59", "time_out_of_range", "1970"),
        ("2200-01-01T00:00:00Z", "time_out_of_range", "2199"),
        ("9999-12-31T23:59:59-23:59", "time_out_of_range", "2199"),
        ("٢٠٢٦-11-23T14:05:06Z", "invalid_time", "ISO 8601"),
        ("2026-11-23T14:05:06.1234567890Z", "invalid_time", "ISO 8601"),
    ],
)
def test_what_is_refused_says_what_to_do(text: str | None, code: str, hint: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_time("start", text)
    assert refused.value.code == code
    assert refused.value.status == 400
    assert hint in str(refused.value)
    assert str(refused.value).startswith("start")


@given(st.text(max_size=40))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        parse_time("at", text)
    except ApiError as error:
        assert error.status == 400


def test_ranges() -> None:
    day = parse_range("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", longest_us=DAY_US)
    assert day.end_us - day.start_us == DAY_US
    with pytest.raises(ApiError) as refused:
        parse_range("2026-11-23T00:00:00Z", "2026-11-24T00:00:00.000001Z", longest_us=DAY_US)
    assert refused.value.code == "range_too_long"
    assert "24 hours" in str(refused.value)
    for end in ("2026-11-23T00:00:00Z", "2026-11-22T00:00:00Z"):
        with pytest.raises(ApiError) as refused:
            parse_range("2026-11-23T00:00:00Z", end, longest_us=DAY_US)
        assert refused.value.code == "empty_range"


def test_names_of_files_have_no_colons() -> None:
    assert compact_time(AT) == "20261123T140506.123456Z"
    assert compact_time(AT // 1_000_000 * 1_000_000) == "20261123T140506Z"
