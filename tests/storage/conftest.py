"""A world for each test, and the fault matrix's table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.world import World

MATRIX: dict[tuple[str, str], Counter[str]] = {}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MATRIX:
        from tests.storage.fault_matrix import table

        terminalreporter.section("storage: runs by fault and operation")
        terminalreporter.write_line(table(MATRIX))
