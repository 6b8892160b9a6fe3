"""``python -m tests.bench.load.odd``: odd cameras beside a load, in a process of their own, until stdin closes.

Told how many by a JSON line on stdin, answers with the tables of their configuration on stdout. Habits repeat when
there are more cameras than habits.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import subprocess
import sys
from types import TracebackType
from typing import Any

from tests.support.cameras.odd import HABITS, Camera, OddCameras

__all__ = ["Odd"]


def light(camera: type[Camera], frame_rate: int, bit_rate_bps: int) -> type[Camera]:
    """The camera with so many frames and bits a second."""
    spec = dataclasses.replace(camera.clip_spec, frame_rate=frame_rate, bit_rate_bps=bit_rate_bps, frames=300)
    return type(camera.__name__, (camera,), {"clip_spec": spec})


class Odd:
    """A process with so many odd cameras; `tables` are their sections of the configuration, with ids that begin with
    «odd-»."""

    def __init__(self, count: int, frame_rate: int = 10, bit_rate_bps: int = 120_000) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load.odd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        order = {"count": count, "frame_rate": frame_rate, "bit_rate_bps": bit_rate_bps}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self.tables: list[dict[str, Any]] = json.loads(self._process.stdout.readline())

    def __enter__(self) -> Odd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def serve(order: dict[str, int]) -> None:
    """Serves until stdin closes."""
    habits = list(itertools.islice(itertools.cycle(HABITS.values()), order["count"]))
    rates = order["frame_rate"], order["bit_rate_bps"]
    made = {habit.name: light(habit.camera, *rates) for habit in habits}
    for camera in made.values():
        camera.clip()
    cameras = OddCameras({f"{number}-{habit.name}": made[habit.name] for number, habit in enumerate(habits)})
    await cameras.start()
    tables = [
        {"id": f"odd-{number}-{habit.name}", "url": cameras.url(f"{number}-{habit.name}"), **habit.camera.settings}
        for number, habit in enumerate(habits)
    ]
    sys.stdout.write(json.dumps(tables) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    await cameras.stop()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.stdin.buffer.raw.readline())))
