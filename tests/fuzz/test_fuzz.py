"""Some seconds of the fuzzer with every change, by the seed of the run (``NVR_SEED``)."""

from __future__ import annotations

import pytest

from nvr.accounts import passwords
from nvr.playback.hls import live_window
from tests.fuzz.http import fuzz
from tests.nightly import IS_NIGHT, SEED_NAME
from tests.nightly import seed as run_seed


def test_nothing_fails_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    # Put back after: the fuzzer sets one that is quick.
    monkeypatch.setattr(passwords, "_HASHER", passwords._HASHER)
    monkeypatch.setattr(live_window, "_LEAST_TARGET_S", live_window._LEAST_TARGET_S)
    seed = run_seed()
    # A busy machine takes seconds to make a world to ask in.
    found = fuzz(seed, 600 if IS_NIGHT else 10, most_faults=3, least=51)
    passwords._nobodys_hash.cache_clear()
    assert found.faults == [], f"{SEED_NAME}={seed}"
    assert found.requests > 50
