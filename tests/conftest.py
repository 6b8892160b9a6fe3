"""What holds wherever tests run: which code they run, and what is printed at the end.

With ``NVR_COMPILED=1`` it is the compiled modules that are tested, where they are made (``python -m nvr.compiled``).
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from nvr import compiled

if os.environ.get("NVR_COMPILED") == "1" and not compiled.use():
    pytest.exit("the compiled modules are not those of these sources: run make setup", returncode=2)

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
