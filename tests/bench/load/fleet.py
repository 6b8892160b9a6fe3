"""Starting and steering a load generator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.bench.load.material import Profile

__all__ = ["Fleet", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Frames that a camera sent one behind the other on one connection, numbered ``first`` to ``last``; wall times in
    seconds. ``end``: ``peer`` (the recorder left), ``drop``, ``stall``, ``overrun`` (nobody read), empty while it goes
    on. ``clips``: from which frame on, which."""

    camera: int
    first: int
    last: int
    began: float
    ended: float
    end: str
    clips: tuple[tuple[int, int], ...]


class Fleet:
    """A generator process. All its cameras have one frame rate; the second profile is what they may change to."""

    def __init__(self, *profiles: Profile) -> None:
        self.profiles = profiles
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._write({"profiles": [asdict(profile) for profile in profiles]})
        first = self._read()
        self.port: int = first["port"]
        self.bit_rate_bps: int = first["bit_rate_bps"]

    @property
    def pid(self) -> int:
        """The generator's process."""
        return self._process.pid

    def url(self, camera: int) -> str:
        """A camera's address."""
        return f"rtsp://127.0.0.1:{self.port}/{camera}"

    def tell(self, do: str, cameras: Iterable[int] = (), **more: Any) -> dict[str, Any]:
        """Gives an order; returns the generator's counts."""
        self._write({"do": do, "cameras": list(cameras), **more})
        return self._read()

    def log(self, path: Path) -> list[Sent]:
        """What was sent so far."""
        self.tell("log", path=str(path))
        found = []
        for line in path.read_text().splitlines():
            camera, first, last, began, ended, end, clips = json.loads(line)
            found.append(Sent(camera, first, last, began, ended, end, tuple((a, b) for a, b in clips)))
        return found

    def close(self) -> None:
        """Ends the generator."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer
