"""The API's process, as the supervisor runs it: settings on its stdin, events on its stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["ApiProcess"]


class ApiProcess:
    """``python -m nvr.api`` over a catalogue, on a port of its own unless ``settings`` name one. Where it logs to:
    ``stderr``, as ``Popen`` takes it."""

    def __init__(self, catalogue: Path, *, stderr: int | None = None, **settings: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nvr.api"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        self.pid = self.process.pid
        self.tell({"catalogue": str(catalogue), "node": "n1", "port": 0, **settings})

    def tell(self, line: object) -> None:
        """Writes a line."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """The next line that it writes."""
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    @property
    def cpu_s(self) -> float:
        """Processor time so far, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self, name: str) -> int:
        """Of its status: ``VmRSS``, what is resident now, or ``VmHWM``, the most that ever was."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition(f"{name}:")[2].split()[0]) * 1024

    def stop(self) -> None:
        """Ends it as the supervisor does: it hears no more."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
