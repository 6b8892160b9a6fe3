"""Weekly hours against a clock, days of 23 and 25 hours included; and the language that chooses cameras."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.orders.weekly_hours import HoursError, parse
from storage.catalogue.selection import SelectionError, Spellings, select
from storage.catalogue.selection import parse as choose
from storage.intervals import merge
from storage.retention.policies import LabelRule, Policy

HOUR_US = 3_600_000_000


def us(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("hours", "day", "zone", "length_h"),
    [
        ("mon-sun 00:00-24:00", "2026-03-29", "Europe/Berlin", 23),
        ("mon-sun 00:00-24:00", "2026-10-25", "Europe/Berlin", 25),
        ("mon-sun 00:00-24:00", "2026-10-06", "Asia/Jakarta", 24),
        ("sun 02:30-04:00", "2026-03-29", "Europe/Berlin", 1.5),  # begins in the hour that is skipped: at its start
        ("sun 00:00-02:30", "2026-10-25", "Europe/Berlin", 3.5),  # ends when the clock shows it the second time
        ("tue 06:00-22:00", "2026-10-06", "Asia/Jakarta", 16),
        ("mon 22:00-06:00", "2026-10-06", "Asia/Jakarta", 6),
        ("fri-mon 12:00-13:00", "2026-10-06", "Asia/Jakarta", 0),
    ],
)
def test_hours_of_a_day(hours: str, day: str, zone: str, length_h: float) -> None:
    start = us(f"{day}T00:00", zone)
    end = us(f"{datetime.fromisoformat(day).date() + timedelta(days=1)}T00:00", zone)
    on, off = parse(hours).within(start, end, zone), parse(hours).outside(start, end, zone)
    assert sum(b - a for a, b in on) == length_h * HOUR_US
    assert sum(b - a for a, b in [*on, *off]) == end - start
    assert merge([*on, *off]) == [(start, end)]


@given(
    st.integers(us("2026-01-01T00:00"), us("2027-01-01T00:00")),
    st.sampled_from(["Asia/Jakarta", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
    st.sampled_from(["mon-fri 06:00-22:00", "sat 23:00-01:30, sun 12:00-24:00", "mon-sun 08:00-08:01"]),
)
def test_whether_a_moment_is_within(at: int, zone: str, text: str) -> None:
    local = datetime.fromtimestamp(at / 1e6, UTC).astimezone(ZoneInfo(zone))
    inside = any(a <= at < b for a, b in parse(text).within(at - HOUR_US, at + HOUR_US, zone))
    days = {"mon-fri 06:00-22:00": range(5), "mon-sun 08:00-08:01": range(7)}
    minute = local.hour * 60 + local.minute
    if text in days:
        bounds = (360, 1320) if "22:00" in text else (480, 481)
        expected = local.weekday() in days[text] and bounds[0] <= minute < bounds[1]
    else:
        weekday = local.weekday()
        expected = (weekday == 5 and minute >= 1380) or (weekday == 6 and (minute < 90 or minute >= 720))
    # Where clocks change, more is recorded, not less.
    changes = (local + timedelta(hours=2)).utcoffset() != (local - timedelta(hours=2)).utcoffset()
    assert inside == expected or (changes and inside)


@pytest.mark.parametrize(
    "text", ["", "always", "mon 6:00-7:00", "mon 06:00-06:00", "mon 24:00-01:00", "foo 06:00-07:00", "mon 06:60-07:00"]
)
def test_no_hours(text: str) -> None:
    with pytest.raises(HoursError):
        parse(text)


LABELS = {"district": "Tembalang", "isp": "Telkom", "owner": "Dinas A, B"}


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("", True),
        ("district=Tembalang,isp=Telkom", True),
        ("district = tembalang , isp=TELKOM", True),
        ("District:TEMBALANG,ISP:telkom|indosat", True),
        ("!ISP", False),
        ("district=Tembalang,isp=Indosat", False),
        ("isp=Indosat|Telkom", True),
        ("isp!=Telkom", False),
        ("isp!=Indosat|XL", True),
        ("kelurahan!=Bulusan", True),
        ("isp", True),
        ("!isp", False),
        ("!kelurahan", True),
        ('owner="Dinas A, B"', True),
        ("id=gate-1|gate-2", True),
        ("id!=gate-1", False),
    ],
)
def test_choosing(query: str, chosen: bool) -> None:
    assert choose(query).has("gate-1", LABELS) is chosen


@dataclass(frozen=True)
class Labelled:
    """A camera, as far as it is chosen by."""

    id: str
    labels: dict[str, str]


EVERY = [Labelled("a", {"district": "Tugu"}), Labelled("b", {"District": "tugu"}), Labelled("c", {"isp": "Telkom"})]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("district=TUGU", "ab"),
        ("!district", "c"),
        ("isp!=telkom", "ab"),
        ("kelurahan", ""),
        ("!kelurahan", "abc"),
        ("*", "abc"),
    ],
)
def test_one_rule_of_case_and_labels_that_are_known_to_the_product(query: str, ids: str) -> None:
    assert "".join(camera.id for camera in select(choose(query), EVERY)) == ids


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("district=Tuga", "no camera has district 'tuga': did you mean Tugu?"),
        ("distrikt", "no camera has a label 'distrikt': did you mean District?"),
        ("kelurahan=Bulusan", "no camera has a label 'kelurahan': there is District, isp"),
        ("isp!=Telkon", "did you mean Telkom?"),
        ("id=a|x", "there is no camera 'x': there is a, b, c"),
    ],
)
def test_what_no_camera_has_is_suggested(query: str, told: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(told)):
        select(choose(query), EVERY)


def test_values_that_are_the_same_are_spelt_as_most_are() -> None:
    spelt = Spellings(["tugu", "Tugu", "Tugu", "TUGU"])
    assert {spelt.of(value) for value in ("tugu", "TUGU", "Tugu")} == {"Tugu"}


def test_a_retention_rule_goes_by_the_same_rule() -> None:
    assert LabelRule({"District": "TUGU"}, Policy()).fits({"district": "Tugu", "isp": "x"})
    assert not LabelRule({"district": "Tugu"}, Policy()).fits({"isp": "Tugu"})


@pytest.mark.parametrize("query", ["district=", "=x", ",", "a=b,", 'owner="x', "a=b|"])
def test_queries_that_cannot_be_read(query: str) -> None:
    with pytest.raises(SelectionError):
        choose(query)
