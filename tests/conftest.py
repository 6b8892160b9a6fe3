"""What is printed at the end of a run, wherever its tests ran."""

from __future__ import annotations

from collections import Counter

import pytest

CELL = "cell of the fault matrix"
"""Under this name a test of the matrix records operation, fault and counts."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    matrix: dict[tuple[str, str], Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == CELL and getattr(report, "when", None) == "call":
                    operation, fault, counts = value
                    matrix[operation, fault] = Counter(counts)
    if matrix:
        from tests.storage.fault_matrix import table

        terminalreporter.section("storage: runs by fault and operation")
        terminalreporter.write_line(table(matrix))
