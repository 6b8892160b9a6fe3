"""Jitter tells networks apart, and only networks: over lines that delay frames, what is read is what the lines did, at
any frame rate and by either source."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.delaying import Delaying
from tests.support.cameras.running import LoopThread
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, serving

# A connection's first five seconds are left out.
_BURST_S = 6.0
# The kernel's clock of what came, and what a busy machine adds.
_ROUGH_S = 0.006


class Lines:
    """Cameras behind lines that delay them, in a thread of their own."""

    def __init__(self, names: list[tuple[str, int, int]]) -> None:
        self.thread = LoopThread()
        self.cameras: list[ScriptedCamera] = []
        self.of: dict[str, Delaying] = {}
        self.tables: list[dict[str, str]] = []
        for source, rate, most_ms in names:
            film = clip(ClipSpec(frames=4 * rate, frame_rate=rate, group=2 * rate))
            camera = ScriptedCamera(film, at_end="repeat")
            self.cameras.append(camera)
            line = Delaying(self.thread.call(camera.start()), most_ms / 1000, seed=rate + most_ms)
            id_ = f"{source}-{rate}-{most_ms}"
            self.of[id_] = line
            self.tables.append({"id": id_, "url": self.thread.call(line.start()), "source": source})

    def close(self) -> None:
        for line in self.of.values():
            self.thread.call(line.stop())
        for camera in self.cameras:
            self.thread.call(camera.stop())
        self.thread.close()


def read_jitters(server: Server) -> dict[str, float]:
    """Seconds."""
    with closing(sqlite3.connect(server.catalogue)) as conn:
        rows = conn.execute("SELECT c.id, s.counters FROM status s JOIN camera c ON c.key = s.camera").fetchall()
    counted = {id_: json.loads(counters) for id_, counters in rows}
    return {id_: c["jitter_sum_us"] / c["jitter_readings"] / 1e6 for id_, c in counted.items()}


def measured(folder: Path, names: list[tuple[str, int, int]], seconds: float) -> list[tuple[str, float, float]]:
    """Of each camera what its line did, and what was read, seconds."""
    with ExitStack() as stack:
        lines = Lines(names)
        stack.callback(lines.close)
        server = stack.enter_context(serving(folder, *lines.tables, workers=1, segment_duration="60s"))
        server.until(lambda: all(len(line.delays_s) > 10 for line in lines.of.values()))
        time.sleep(_BURST_S)  # sleep: what lines do at first counts for nothing
        since_s = time.monotonic()
        time.sleep(seconds)  # sleep: the stretch of time that is judged
        read = read_jitters(server)
        return [(id_, line.jitter_s(since_s), read[id_]) for id_, line in lines.of.items()]


@pytest.mark.long
@pytest.mark.nightly
def test_a_frame_rate_is_no_jitter_and_a_bad_line_is(tmp_path: Path) -> None:
    names = [("native", 5, 0), ("native", 15, 0), ("av", 5, 0), ("native", 15, 200), ("av", 15, 200)]
    found = {id_: (line_s, read_s) for id_, line_s, read_s in measured(tmp_path, names, 12)}
    for id_, (line_s, read_s) in found.items():
        if id_.endswith("-0"):
            assert read_s < line_s + 3 * _ROUGH_S, found
        else:
            assert line_s / 2 < read_s < 2 * line_s, found


@pytest.mark.long
@pytest.mark.nightly
def test_jitter_reads_what_the_line_does(tmp_path: Path) -> None:
    names = [(source, rate, ms) for source in ("native", "av") for rate in (5, 15, 25) for ms in (0, 20, 50, 200)]
    found = measured(tmp_path, names, 45)
    print("\n".join(f"{id_}: {line_s * 1e3:.1f} ms, read {read_s * 1e3:.1f} ms" for id_, line_s, read_s in found))
    wrong = [one for one in found if not is_right(*one[1:])]
    if wrong:
        # What a busy machine spoils holds when it is measured by itself.
        (tmp_path / "again").mkdir()
        ids = {id_ for id_, *_ in wrong}
        names = [(source, rate, ms) for source, rate, ms in names if f"{source}-{rate}-{ms}" in ids]
        wrong = [one for one in measured(tmp_path / "again", names, 45) if not is_right(*one[1:])]
    assert not wrong


def is_right(line_s: float, read_s: float) -> bool:
    return abs(read_s - line_s) < _ROUGH_S + 0.35 * line_s
