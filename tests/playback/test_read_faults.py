"""Every fault of reading at every step of what people watch: see ``tests.playback.read_faults``."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.nightly import IS_NIGHT, seed
from tests.playback.read_faults import FAULTS, OPERATIONS, cells
from tests.playback.worlds import World
from tests.storage.faulty_reads import ReadFault

EVERY = 1 if IS_NIGHT else 4


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_answered_is_what_was_recorded_or_an_error(
    operation: str, fault: ReadFault, world_of: Callable[..., World]
) -> None:
    first = 1 + random.Random(f"{seed()} {operation} {fault}").randrange(EVERY)
    counts, failures = cells(operation, fault, world_of("h264"), first=first, every=EVERY)
    assert not failures, "\n".join(failures[:5])
    if fault in ("EIO", "EIO for good", "ESTALE"):
        assert counts["runs"], "no step was struck"
