"""Byte ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.api.answers.ranges import select
from nvr.playback.errors import RangeNotSatisfiable

ETAG = '"e"'


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=10-", 10, 99),
        ("bytes=90-1000", 90, 99),
        ("bytes=-1", 99, 99),
        ("bytes=-1000", 0, 99),
        ("BYTES = 5 - 6", 5, 6),
    ],
)
def test_a_part(header: str, first: int, last: int) -> None:
    part = select({"range": header}, size=100, etag=ETAG)
    assert (part.first, part.last, part.status) == (first, last, 206)
    assert part.headers()["Content-Range"] == f"bytes {first}-{last}/100"
    assert part.headers()["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("header", ["bytes=-", "bytes=6-5", "items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=٠-١", ""])
def test_what_is_no_single_range_gets_the_whole(header: str) -> None:
    assert select({"range": header}, size=100, etag=ETAG).status == 200


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_beyond_the_end(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        select({"range": header}, size=100, etag=ETAG)
    assert refused.value.size == 100


@pytest.mark.parametrize(
    ("condition", "status"), [(ETAG, 206), ('"other"', 200), ('W/"e"', 200), ("Mon, 23 Nov 2026", 200)]
)
def test_if_range(condition: str, status: int) -> None:
    assert select({"range": "bytes=1-2", "if-range": condition}, size=100, etag=ETAG).status == status


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(0, 1000))
def test_a_part_lies_within(header: str, size: int) -> None:
    try:
        part = select({"range": header}, size=size, etag=None)
    except RangeNotSatisfiable as error:
        assert error.size == size
    else:
        assert part.length == size if not part.partial else 0 <= part.first <= part.last < size
