"""Every fault of reading at every step: see ``tests.storage.read_matrix``. All steps at night; with every change a
sixth of those of each operation and fault, by the run's seed."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Iterator

import pytest

from tests.nightly import IS_NIGHT, seed
from tests.storage.fault_matrix import scratch
from tests.storage.faulty_reads import ReadFault
from tests.storage.read_matrix import OPERATIONS, cells, faults

EVERY = 1 if IS_NIGHT else 6


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    root = logging.getLogger()
    before, root.handlers = root.handlers, [logging.NullHandler()]
    yield
    root.handlers = before


@pytest.mark.parametrize(("operation", "fault"), [(name, fault) for name in OPERATIONS for fault in faults(name)])
def test_a_fault_of_reading_costs_nothing_that_was_recorded(operation: str, fault: ReadFault) -> None:
    base = scratch()
    first = 1 + random.Random(f"{seed()} {operation} {fault}").randrange(EVERY)
    try:
        counts, failures = cells(operation, fault, base, first=first, every=EVERY)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    assert not failures, "\n".join(failures[:5])
    if fault in ("EIO", "EIO for good", "ESTALE"):
        assert counts["runs"], "no step was struck"
