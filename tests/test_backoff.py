"""Waits that double, in one place."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nvr.backoff import Backoff
from tests.test_imports import TOP, sources


@given(st.floats(0.01, 10), st.floats(10, 1000))
def test_a_wait_doubles_up_to_the_last(first_s: float, last_s: float) -> None:
    waits = [Backoff(first_s, last_s).after(failures) for failures in range(1, 60)]
    assert waits[0] == first_s
    assert all(b == min(2 * a, last_s) for a, b in pairwise(waits))
    assert waits[-1] == Backoff(first_s, last_s).after(10**9) == last_s


def test_nobody_doubles_waits_of_their_own() -> None:
    own = re.compile(r"min\(.*(2 \* (self\.)?_?\w*(wait|retry|next|delay)\w*_s|2\.0 \*\*)")
    found = [path.relative_to(TOP).as_posix() for path in sources() if own.search(path.read_text(encoding="utf-8"))]
    assert found == ["nvr/backoff.py"]
