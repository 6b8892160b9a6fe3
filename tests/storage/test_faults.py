"""Every fault at every step: see ``tests.storage.fault_matrix``."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import CELL
from tests.storage.fault_matrix import OPERATIONS, cells, scratch, steps_of
from tests.storage.faulty_files import FAULTS, Fault


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
    try:
        counts, failures = cells(operation, fault, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    # For the table at the end, which may be printed by another process.
    record_property(CELL, [operation, fault, dict(counts)])
    assert not failures, "\n".join(failures[:5])
    steps = steps_of_operation(operation)
    writes_only = fault in ("short write", "short ENOSPC", "kill torn")
    least = steps.count("write") if writes_only else len(steps)
    assert counts["runs"] >= least


def steps_of_operation(operation: str) -> list[str]:
    base = scratch()
    try:
        return steps_of(operation, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
