from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config import SpaceFloor, format_duration, format_size, parse_duration_us, parse_size_bytes


@pytest.mark.parametrize(
    ("text", "expected_us"),
    [
        ("30d", 30 * 86_400_000_000),
        ("5m", 300_000_000),
        ("500ms", 500_000),
        ("1.5s", 1_500_000),
        ("0.1s", 100_000),
        ("1h 30m", 5_400_000_000),
        ("1h30m", 5_400_000_000),
        (" 2w ", 14 * 86_400_000_000),
        ("7us", 7),
    ],
)
def test_duration(text: str, expected_us: int) -> None:
    assert parse_duration_us(text) == expected_us


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not a duration"),
        ("5", "not a duration"),
        ("-5m", "not a duration"),
        ("5 minutes", '"minutes"'),
        ("5M", '"M"'),
        ("0.5us", "finer than a microsecond"),
        ("101000w", "hundred years"),
        ("٣d", "not a duration"),
    ],
)
def test_no_duration(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        parse_duration_us(text)
    assert "; write" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected_bytes"),
    [
        ("500GB", 500 * 10**9),
        ("1.5TB", 1_500_000_000_000),
        ("1GiB", 2**30),
        ("1.5 tib", 3 * 2**39),
        ("17B", 17),
        ("2kb", 2000),
        ("0B", 0),
    ],
)
def test_size(text: str, expected_bytes: int) -> None:
    assert parse_size_bytes(text) == expected_bytes


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("500", "not a size"),
        ("G", "not a size"),
        ("5GBit", "not a size"),
        ("1.5B", "whole number"),
        ("9999999PB", "any disk"),
    ],
)
def test_no_size(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_size_bytes(text)


@given(st.integers(0, 36_525 * 86_400_000_000))
def test_duration_round_trip(duration_us: int) -> None:
    assert parse_duration_us(format_duration(duration_us)) == duration_us


@given(st.integers(0, 2**62))
def test_size_round_trip(size_bytes: int) -> None:
    assert parse_size_bytes(format_size(size_bytes)) == size_bytes


def test_formats_are_short() -> None:
    assert format_duration(30 * 86_400_000_000) == "30d"
    assert format_size(5 * 10**9) == "5GB"
    assert format_size(2**30) == "1GiB"


def test_space_floor() -> None:
    assert SpaceFloor.parse("5GB").of(10**15) == 5 * 10**9
    assert SpaceFloor.parse("2.5 %").of(1000) == 25
    for text in ("5GB", "2.5%", "0.0000001%", "0B"):
        floor = SpaceFloor.parse(text)
        assert SpaceFloor.parse(str(floor)) == floor


@pytest.mark.parametrize("value", ["100%", "-1%", "five", 5, None])
def test_no_space_floor(value: object) -> None:
    with pytest.raises(ValueError, match="; "):
        SpaceFloor.parse(value)
