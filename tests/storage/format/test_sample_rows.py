"""An index that is being built: as much as it was given, in little memory."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.format.boxes import BoxError
from storage.format.sample_rows import SampleRows

_VALUES = st.integers(-(1 << 31) + 1, (1 << 31) - 1)


def packed(rows: list[tuple[int, int, int, int]]) -> bytes:
    return b"".join(struct.pack("=4q", *row) for row in rows)


@given(st.lists(st.lists(st.tuples(_VALUES, _VALUES, _VALUES, st.integers(0, 1)), max_size=4), max_size=40))
def test_what_was_added_comes_out(fragments: list[list[tuple[int, int, int, int]]]) -> None:
    made, first = SampleRows(), 0
    expected = []
    for number, samples in enumerate(fragments):
        made.add(number, len(samples), 1000 * number, 7 * number, packed(samples))
        expected.append([number, first, len(samples), 1000 * number, 7 * number])
        first += len(samples)
    flat = [list(row) for samples in fragments for row in samples]
    for _ in range(2):
        assert made.rows().tolist() == expected and made.samples().tolist() == flat
    assert made.count == len(flat)


@pytest.mark.parametrize("value", [1 << 31, -(1 << 31)])
def test_what_no_sample_can_be_is_refused(value: int) -> None:
    made = SampleRows()
    with pytest.raises(BoxError, match="larger or longer"):
        made.add(0, 1, 0, 0, packed([(value, 1, 0, 1)]))
    assert made.count == 0 and not len(made.rows()) and not len(made.samples())


def test_five_minutes_of_a_small_camera_take_little() -> None:
    """A worker holds one for each of thousands of cameras."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = SampleRows()
        for number in range(300):
            made.add(number, 5, 8_000 * number, 90_000 * number, packed([(1600 + number, 18_000, 0, 0)] * 5))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < 52_000
    assert np.array_equal(made.samples()[:, 0], np.repeat(np.arange(1600, 1900), 5))
