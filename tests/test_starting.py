"""What a start reads: no library that only some requests need."""

from __future__ import annotations

import subprocess
import sys

import pytest

# fpdf draws reports and statements, and brings fontTools; jinja2 fills in reports as HTML; httpx posts to webhooks, and
# brings rich.
LATER = ("fpdf", "fontTools", "httpx", "jinja2", "rich")
PROGRAM = "import sys; import {module}; print(*[name for name in {later} if name in sys.modules])"


@pytest.mark.parametrize("module", ["nvr.api.app", "nvr.evidence.jobs.exporter", "nvr.alerting.watch", "nvr.recorder"])
def test_a_start_reads_nothing_that_it_may_never_need(module: str) -> None:
    command = [sys.executable, "-c", PROGRAM.format(module=module, later=LATER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
