"""What holds wherever tests run: which code they run, and what is printed at the end.

With ``NVR_COMPILED=1`` it is the compiled modules that are tested, where they are made (``python -m nvr.compiled``).
Of the tests marked ``nightly`` a random tenth runs, by a seed that is printed; all of them with ``NVR_NIGHTLY=1``.
Tests that share what a fixture made for their module run in one worker (``tests.support.sharing``); those marked
``long`` begin first, so that no worker ends with one while the others have nothing left to do.
A test that fails while the machine's clock is set or the machine stands still runs once more, which is printed.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from nvr import compiled
from tests.nightly import IS_NIGHT, SEED_NAME, seed, tenth
from tests.support.disturbance import Disturbances
from tests.support.sharing import UnitScheduling, in_units, unit_of

if os.environ.get("NVR_COMPILED") == "1" and not compiled.use():
    pytest.exit("the compiled modules are not those of these sources: run make setup", returncode=2)

# A busy machine is not a defect: neither of an example nor of how examples are made.
settings.register_profile("nvr", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nvr")


def pytest_configure(config: pytest.Config) -> None:
    # Before the workers of xdist begin: they inherit it, and so choose the same tests.
    seed()
    config.pluginmanager.register(Disturbances())


def pytest_report_header(config: pytest.Config) -> str:
    return f"{SEED_NAME}={seed()}: " + ("every nightly test" if IS_NIGHT else "a tenth of the nightly tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Who names the marker or a test itself gets all that were named.
    if not (IS_NIGHT or config.option.markexpr or any("::" in name for name in config.args)):
        nightly = {item.nodeid: item for item in items if item.get_closest_marker("nightly")}
        left_out = nightly.keys() - tenth(list(nightly), seed())
        if left_out:
            config.hook.pytest_deselected(items=[nightly[name] for name in left_out])
            items[:] = [item for item in items if item.nodeid not in left_out]
    items[:] = in_units(
        items, lambda item: unit_of(item.nodeid), lambda item: item.get_closest_marker("long") is not None
    )


# There is no such hook where tests run in one process by choice (-p no:xdist).
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> UnitScheduling:
    # Units with many tests would begin before long ones.
    config.option.loadscopereorder = False
    return UnitScheduling(config, log)


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
