"""Recording odd cameras with the real server, many at once, for the judge."""

from __future__ import annotations

import time
from pathlib import Path

from tests.cameras.judge import Verdict, judge
from tests.cameras.odd import Camera, Habit, OddCameras
from tests.cameras.running import running
from tests.system.server import now_us, serving

__all__ = ["MARGIN_US", "record"]

#: How long before the recorder is told to end frames must be recorded for sure.
MARGIN_US = 2_500_000


def record(folder: Path, habits: dict[str, tuple[str, Habit]], seconds: float, *, workers: int = 1) -> list[Verdict]:
    """Records habits, each with its source by the id of its camera, for so long, and judges."""
    classes: dict[str, type[Camera]] = {id_: habit.camera for id_, (_, habit) in habits.items()}
    for camera in set(classes.values()):
        camera.clip()
    cameras = OddCameras(classes)
    with running(cameras):
        tables = [
            {"id": id_, "url": cameras.url(id_), "source": source, **habit.camera.settings}
            for id_, (source, habit) in habits.items()
        ]
        with serving(folder, *tables, workers=workers, segment_duration="10s") as server:
            server.until(lambda: all(j.requests for j in cameras.journals.values()), timeout_s=60, what="requests")
            time.sleep(seconds)
            end_us = now_us() - MARGIN_US
            assert server.stop(60) == 0
    return [judge(server, habit, source, id_, cameras.journals[id_], end_us) for id_, (source, habit) in habits.items()]
