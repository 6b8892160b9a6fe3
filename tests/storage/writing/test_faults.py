"""Every fault at every step: see ``tests.storage.fault_matrix``.

All of the steps at night; with every change a sixth of those of each operation and fault, by the run's seed.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import CELL
from tests.nightly import IS_NIGHT, seed
from tests.storage.fault_matrix import OPERATIONS, cells, scratch, steps_of
from tests.storage.faulty_files import FAULTS, Fault

EVERY = 1 if IS_NIGHT else 6


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_after_any_fault_at_any_step_a_restart_makes_all_right(
    operation: str, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    """Checklist 16."""
    base = scratch()
    # Not the same sixth of each cell.
    first = 1 + random.Random(f"{seed()} {operation} {fault}").randrange(EVERY)
    try:
        counts, failures = cells(operation, fault, base, first=first, every=EVERY)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    # For the table at the end, which may be printed by another process.
    record_property(CELL, [operation, fault, dict(counts)])
    assert not failures, "\n".join(failures[:5])
    steps = steps_of_operation(operation)
    writes_only = fault in ("short write", "short ENOSPC", "kill torn")
    chosen = steps[first - 1 :: EVERY]
    assert counts["runs"] >= (chosen.count("write") if writes_only else len(chosen))


def steps_of_operation(operation: str) -> list[str]:
    base = scratch()
    try:
        return steps_of(operation, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
