"""What a camera does wrong is the cause that the coverage states; and nothing it does leaves a stretch unexplained."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nvr.demo.rtsp import Auth
from storage.causes import Cause
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import OPENING, Faults
from tests.support.cameras.running import Startable, refusing
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, now_us, serving

Serve = Callable[[Startable], str]

EXPECTED = {
    "not_found": Cause.REJECTED,
    "unavailable": Cause.REJECTED,
    "unsupported_transport": Cause.REJECTED,
    "mute": Cause.UNREACHABLE,
    "garbage": Cause.REJECTED,
    "garbage_sdp": Cause.REJECTED,
    "jpeg": Cause.REJECTED,
    "vp8": Cause.REJECTED,
}


def stated(server: Server, camera: str, cause: Cause, start_us: int) -> bool:
    return cause in server.causes(camera, start_us)


def test_every_way_to_fail(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """Checklist 3."""
    secret = "p@ss:w/rd#1%"
    tables: list[dict[str, Any]] = []
    expected: dict[str, Cause] = {}

    def camera(name: str, url: str, cause: Cause, **keys: Any) -> None:
        for source in ("native", "av"):
            id_ = f"{name.replace('_', '-')}-{source}"
            tables.append({"id": id_, "url": url, "stall_timeout": "2s", "source": source, **keys})
            expected[id_] = cause

    for name, faults in OPENING.items():
        camera(name, serve(ScriptedCamera(h264_clip, faults=faults)), EXPECTED[name])
    for scheme in ("basic", "digest"):
        auth = Auth(username="admin", password="other", scheme=scheme)
        url = serve(ScriptedCamera(h264_clip, auth=auth))
        camera(f"wrong_password_{scheme}", url, Cause.UNAUTHORIZED, username="admin", password=secret)
    camera("no_such_name", "rtsp://no-such-host.invalid/stream", Cause.UNREACHABLE)
    camera("closes", serve(ScriptedCamera(h264_clip, at_end="close")), Cause.ENDED)
    camera("stalls", serve(ScriptedCamera(h264_clip, at_end="stall")), Cause.STALLED)
    camera("closes_after_play", serve(ScriptedCamera(h264_clip, faults=Faults(close_after_play=True))), Cause.ENDED)
    with refusing() as url:
        camera("refuses", url, Cause.UNREACHABLE)
        with serving(tmp_path, *tables, workers=2) as server:
            start_us = now_us()
            for id_, cause in expected.items():
                server.until(partial(stated, server, id_, cause, start_us), what=f"{id_}: {cause}")
            for id_ in expected:
                coverage = server.coverage(id_, start_us)
                parts = sorted([*coverage.spans, *((gap.start_us, gap.end_us) for gap in coverage.gaps)])
                assert parts[0][0] == start_us and parts[-1][1] == coverage.as_of_us
                assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))
                assert Cause.UNKNOWN not in server.causes(id_, start_us)
    assert secret not in server.log.read_text()
    assert "other" not in [
        gap.fact.detail.get("error") for i in expected for gap in server.coverage(i, start_us).gaps if gap.fact
    ]


@pytest.mark.parametrize("source", ["native", "av"])
def test_change_of_resolution_is_a_new_run_without_a_gap(tmp_path: Path, serve: Serve, source: str) -> None:
    changing = clip(ClipSpec(frames=100, change_to=(480, 288)))
    camera = ScriptedCamera(changing, at_end="stall")
    table = {"id": "a", "url": serve(camera), "stall_timeout": "2s", "source": source}
    with serving(tmp_path, table, workers=1) as server:
        start_us = now_us()
        server.until(lambda: server.stalled("a", start_us))
        server.stop()
    found = server.closed("a")
    first, second = (segments for segments in _runs(found))
    assert first[-1].init != second[0].init
    assert first[-1].end_us == second[0].key.start_us
    assert sum(s.frames for s in [*first, *second]) == len(changing.video.units)


def _runs(found: list[Any]) -> list[list[Any]]:
    runs: dict[int, list[Any]] = {}
    for segment in found:
        runs.setdefault(segment.run_start_us, []).append(segment)
    # The camera plays again from its beginning at each reconnect: the first connection's two runs count.
    return [runs[key] for key in sorted(runs)][:2]


@pytest.mark.nightly
def test_timestamps_that_jump_end_the_run(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    jumping = clip(ClipSpec(frames=100)).with_jump(50, 3600.0)
    with serving(
        tmp_path, {"id": "a", "url": serve(ScriptedCamera(jumping, at_end="stall")), "stall_timeout": "2s"}, workers=1
    ) as server:
        start_us = now_us()
        server.until(lambda: server.stalled("a", start_us))
        server.stop()
    for segment in server.closed("a"):
        assert segment.end_us - segment.key.start_us < 5_000_000, "a jump must not make a segment last an hour"
