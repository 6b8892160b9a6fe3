"""A wall clock that is wrong, for a real process and its children: ahead, behind, and set while they run. Their other
clocks go on as ever."""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

__all__ = ["ShiftedClock", "needs_compiler"]

needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="a wrong clock needs a C compiler (apt-get install gcc libc6-dev)"
)


@functools.cache
def _library() -> Path:
    made = Path(tempfile.mkdtemp(prefix="nvr-clock-")) / "shifted_clock.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True, timeout=120)
    return made


class ShiftedClock:
    """A clock that is off by ``offset_s``; processes that are started with ``environment`` have it."""

    def __init__(self, folder: Path, offset_s: float = 0.0) -> None:
        self._path = folder / "clock"
        self._path.write_bytes(bytes(8))
        self.set(offset_s)

    @property
    def environment(self) -> dict[str, str]:
        """To add to a process's environment."""
        return {"LD_PRELOAD": str(_library()), "SHIFTED_CLOCK": str(self._path)}

    def set(self, offset_s: float) -> None:
        """Sets the clock of all that run with it."""
        # In place: they have the file in their memory.
        with self._path.open("r+b") as file:
            file.write(struct.pack("=q", round(offset_s * 1e9)))
