"""Some seconds of the fuzzer with every change, by a new seed each time."""

from __future__ import annotations

import random

import pytest

from nvr.accounts import passwords
from tests.fuzz.http import fuzz
from tests.nightly import IS_NIGHT


def test_nothing_fails_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    # Put back after: the fuzzer sets one that is quick.
    monkeypatch.setattr(passwords, "_HASHER", passwords._HASHER)
    seed = random.SystemRandom().randrange(1 << 31)
    found = fuzz(seed, 600 if IS_NIGHT else 10, most_faults=3)
    passwords._nobodys_hash.cache_clear()
    assert found.faults == [], f"seed {seed}"
    assert found.requests > 50
