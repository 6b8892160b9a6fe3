"""A server whose clock is really set, back and forward, while it records (libfaketime): nothing is lost, nothing is
told twice, and the steps are said."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.evidence.seal.times import iso
from nvr.evidence.verify import verify
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.coverage import runs
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, now_us, serving

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
S = 1_000_000


@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here: apt-get install faketime")
def test_a_clock_that_is_set_to_and_fro(
    tmp_path: Path, serve: Callable[[Startable], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    monkeypatch.setenv("LD_PRELOAD", str(LIBRARY))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    monkeypatch.setenv("NO_FAKE_STAT", "1")
    camera = ScriptedCamera(clip(ClipSpec(frames=150)), at_end="repeat")
    with serving(tmp_path, {"id": "cam", "url": serve(camera)}, segment_duration="4s", workers=1) as server:

        def runs_there() -> int:
            return len({runs.run_of(s) for s in server.closed("cam") + server.growing("cam")})

        server.until(lambda: server.growing("cam"), what="footage")
        # Back twice, the second time within a segment; then forward again.
        for number, seconds in enumerate((-5, -8, -4), 1):
            time.sleep(4)  # sleep: footage between two steps of the clock
            offset.write_text(f"{seconds:+d}\n")
            server.until(lambda number=number: runs_there() == number + 1, what=f"run {number + 1}")
        time.sleep(3)  # sleep: footage after the last step
        server.stop()
    monkeypatch.delenv("LD_PRELOAD")
    recorded = server.closed("cam")
    assert len({runs.run_of(s) for s in recorded}) == 4
    start_us, end_us = min(s.key.start_us for s in recorded), max(s.end_us for s in recorded)
    found = server.coverage("cam", start_us, end_us)
    assert found.recorded_us + found.missing_us + found.not_known_us == end_us - start_us
    assert [round(step.by_us / S) for step in found.clock_steps] == [-5, -3, 4]
    database = Database(server.catalogue)
    with database.read() as conn:
        recorded_then = segments.between(conn, "cam", start_us, end_us)
    shown = runs.shown(recorded_then, start_us, end_us)
    hidden = runs.not_shown(recorded_then, shown, start_us, end_us)
    database.close()
    assert sum(h.end_us - h.start_us for h in hidden) > 5 * S
    command = [
        NVR,
        "export",
        "--camera",
        "cam",
        "--start",
        iso(start_us),
        "--end",
        iso(end_us),
        "--out",
        tmp_path / "out",
    ]
    subprocess.run([*command, "--config", server.config], check=True, capture_output=True)
    (package,) = (tmp_path / "out").iterdir()
    assert verify(package).outcome == "valid"
    manifest = json.loads((package / "manifest.json").read_bytes())
    delivered = sum(file["frames"] for file in manifest["files"] if file["kind"] == "video")
    assert delivered == sum(s.frames for s in recorded)
    assert [round(step["by_us"] / S) for step in manifest["cameras"][0]["clock_steps"]] == [-5, -3, 4]
    assert now_us() > end_us - 10 * S


@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here: apt-get install faketime")
@pytest.mark.parametrize("booted_s", [2 * 86_400, 2_100_000_000], ids=["1970", "2036"])
def test_a_machine_that_boots_in_another_year(
    booted_s: int, tmp_path: Path, serve: Callable[[Startable], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no battery; the time comes from the network while it records, by one leap."""
    offset = tmp_path / "offset"
    offset.write_text(f"{booted_s - int(time.time()):+d}\n")
    for name, value in (
        ("LD_PRELOAD", str(LIBRARY)),
        ("FAKETIME_TIMESTAMP_FILE", str(offset)),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ):
        monkeypatch.setenv(name, value)
    camera = ScriptedCamera(clip(ClipSpec(frames=150)), at_end="repeat")
    with serving(tmp_path, {"id": "cam", "url": serve(camera)}, segment_duration="2s", workers=1) as server:

        def all_of_it() -> list[segments.Segment]:
            database = Database(server.catalogue)
            try:
                with database.read() as conn:
                    return segments.between(conn, "cam", 0, 1 << 52)
            finally:
                database.close()

        server.until(lambda: server.prepared() and len(all_of_it()) >= 2, what="footage of another year")
        before_us = now_us()
        offset.write_text("+0\n")
        server.until(
            lambda: sum(before_us <= s.key.start_us < now_us() for s in all_of_it()) >= 2,
            what="footage of today",
        )
        server.stop()
    monkeypatch.delenv("LD_PRELOAD")
    recorded = [s for s in all_of_it() if before_us <= s.key.start_us < now_us()]
    start_us, end_us = recorded[0].key.start_us, recorded[-1].end_us
    found = server.coverage("cam", start_us - 2 * S, end_us)
    (step,) = found.clock_steps
    assert abs(step.at_us - booted_s * S) < 120 * S
    assert start_us - 2 * S < step.to_us < start_us + 2 * S
    command = [
        NVR,
        "export",
        "--camera",
        "cam",
        "--start",
        iso(start_us),
        "--end",
        iso(end_us),
        "--out",
        tmp_path / "out",
    ]
    subprocess.run([*command, "--config", server.config], check=True, capture_output=True)
    (package,) = (tmp_path / "out").iterdir()
    assert verify(package).outcome == "valid"
    manifest = json.loads((package / "manifest.json").read_bytes())
    assert sum(f["frames"] for f in manifest["files"] if f["kind"] == "video") == sum(s.frames for s in recorded)
