"""Programs that tests need beside the product, each in an environment of its own: what they ask for must not decide
what the product has. Made once a checkout, by the locks in ``requirements/``."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

__all__ = ["program"]

_TOP: Final = Path(__file__).parent.parent.parent


def program(lock: str, name: str) -> Path:
    """The program of this name, by ``requirements/<lock>.txt``; the test is skipped where that can't be had."""
    home, file = _TOP / "build" / f"{lock}-environment", _TOP / "requirements" / f"{lock}.txt"
    home.parent.mkdir(exist_ok=True)
    with (home.parent / f"{lock}.lock").open("w") as held:
        # One makes it, the others wait.
        fcntl.flock(held, fcntl.LOCK_EX)
        whole = home / "whole"
        if not whole.exists() or whole.read_bytes() != file.read_bytes():
            for command in (
                [sys.executable, "-m", "venv", "--clear", home],
                [home / "bin/python", "-m", "pip", "install", "-q", "--require-hashes", "-r", file],
            ):
                done = subprocess.run(["nice", "-n", "10", *command], capture_output=True, text=True)
                if done.returncode:
                    pytest.skip(f"NOT TESTED: {lock} can't be installed: {done.stderr.strip()[-300:]}")
            whole.write_bytes(file.read_bytes())
    return home / "bin" / name
