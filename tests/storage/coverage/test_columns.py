"""Coverage folded to columns: nothing that happened vanishes, however short, and nothing is made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.causes import Cause
from storage.coverage.columns import folded
from storage.coverage.one_camera import Coverage, Gap
from storage.intervals import Interval, subtract

CAUSES = [Cause.UNREACHABLE, Cause.STALLED, Cause.DISABLED, Cause.PRUNED, Cause.DISK_FULL]


@st.composite
def coverages(draw: st.DrawFn) -> Coverage:
    length = draw(st.integers(1, 5_000))
    as_of = draw(st.integers(0, length))
    edges = sorted(draw(st.sets(st.integers(0, as_of), max_size=20)))
    gaps = [
        Gap(a, b, draw(st.sampled_from(CAUSES)), False, None)
        for a, b in zip(edges[::2], edges[1::2], strict=False)
        if b > a
    ]
    spans = subtract(0, as_of, [Interval(gap.start_us, gap.end_us) for gap in gaps]) if as_of else []
    return Coverage("gate", 0, length, as_of, spans, gaps)


@given(coverages(), st.integers(1, 400))
def test_runs_are_the_columns_and_every_gap_is_seen(coverage: Coverage, columns: int) -> None:
    runs = folded(coverage, columns)
    assert sum(run.columns for run in runs) == columns
    assert all(run.columns > 0 for run in runs)
    kinds = [kind for run in runs for kind in [run] * run.columns]
    for gap in coverage.gaps:
        at = gap.start_us * columns // coverage.end_us
        assert kinds[at].cause is not None, "a gap is not seen where it begins"
    for number, kind in enumerate(kinds):
        low, high = number * coverage.end_us / columns, (number + 1) * coverage.end_us / columns
        if kind.footage:
            assert any(a < high and b > low for a, b in coverage.spans)
        elif kind.cause is None:
            assert high > coverage.as_of_us
        else:
            assert any(g.cause is kind.cause and g.start_us < high and g.end_us > low - 1 for g in coverage.gaps)


def test_the_worst_of_a_column_is_shown() -> None:
    gaps = [Gap(10, 20, Cause.DISABLED, False, None), Gap(20, 21, Cause.UNREACHABLE, False, None),
            Gap(21, 30, Cause.DISK_FULL, False, None)]  # fmt: skip
    coverage = Coverage("gate", 0, 1000, 1000, [Interval(0, 10), Interval(30, 1000)], gaps)
    assert [(run.columns, run.cause) for run in folded(coverage, 10)] == [(1, Cause.DISK_FULL), (9, None)]
    assert folded(coverage, 1)[0].cause_class == "server"


def test_no_column_is_no_drawing() -> None:
    with pytest.raises(ValueError, match="one column"):
        folded(Coverage("gate", 0, 10, 10, [Interval(0, 10)], []), 0)
