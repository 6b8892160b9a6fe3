"""What is lost on the way is counted, and where nothing can be shown it is a gap that says so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

from storage.causes import Cause
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import frames, now_us, serving

Serve = Callable[[Startable], str]


def test_item_09_a_lost_packet_is_counted_and_a_gap(tmp_path: Path, serve: Serve) -> None:
    """Checklist 9: Frame 30 loses a packet and the group of 100 its rest: 2.8 s nobody can decode."""
    film = clip(ClipSpec(frames=160, group=100))
    camera = ScriptedCamera(film, at_end="stall", faults=Faults(drop=frozenset({(30, 0)})))
    with serving(tmp_path, {"id": "a", "url": serve(camera), "stall_timeout": "2s"}, workers=1) as server:
        start_us = now_us()
        server.until(lambda: server.stalled("a", start_us))
        server.stop()
        answer = server.coverage("a", start_us)
        # Not that before its first frame.
        first_us = answer.spans[0].start_us
        gap = next(gap for gap in answer.gaps if gap.cause is Cause.CORRUPT and gap.start_us > first_us)
    assert abs((gap.end_us - gap.start_us) / 1e6 - 2.8) < 0.1
    assert gap.fact is not None
    # The packet was all of its frame: nothing arrived in part.
    assert (gap.fact.detail["lost_packets"], gap.fact.detail["undecodable"]) == (1, 69)
    assert (gap.fact.detail["lost_frames"], gap.fact.detail["class"]) == (70, "network")
    found = server.closed("a")
    sent = [unit.hash for unit in film.video.units]
    assert frames([s.path for s in found], "h264") == sent[:30] + sent[100:]
    with sqlite3.connect(server.catalogue) as conn:
        runs = [json.loads(row[0])["counters"] for row in conn.execute("SELECT detail FROM run ORDER BY start_us")]
        (status,) = [json.loads(row[0]) for row in conn.execute("SELECT counters FROM status")]
        (clock,) = conn.execute("SELECT offset_us, source FROM clock_sample").fetchall()
    assert (runs[0]["lost_packets"], runs[0]["lost_frames"], runs[0]["frames"]) == (1, 70, 90), "a loss ends no run"
    assert status["lost_packets"] >= 1 and status["frames"] >= 90
    # A report can wait for a look at the sockets, which makes a clock seem behind.
    assert -1_500_000 < clock[0] < 100_000 and clock[1] == "rtcp"
