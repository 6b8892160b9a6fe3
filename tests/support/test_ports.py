"""A port that a test was given is nobody else's, though nobody listens there yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import PORTS, free_port

ASKS = """
import sys
from tests.support.ports import free_port
port = int(sys.argv[1])
try:
    free_port(range(port, port + 1))
except AssertionError:
    print("taken")
"""


def test_a_port_is_given_once() -> None:
    port = free_port()
    assert port in PORTS
    with pytest.raises(AssertionError, match="no port is free"):
        free_port(range(port, port + 1))
    command = [sys.executable, "-c", ASKS, str(port)]
    asked = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert asked.stdout == "taken\n"
