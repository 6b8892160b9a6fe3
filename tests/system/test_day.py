"""A scripted day: real cameras, a real server, and each cause made to happen in turn. The report names every one, to
the second, in order.

The clock's step, overload and a failing disk are not made here: they would need the machine's clock or disks. They are
in tests/recorder/run/test_pipeline.py, tests/storage/writing/test_writers.py and tests/system/test_retention.py.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nvr.orders import model as directives
from storage.catalogue import status
from storage.catalogue.database import Database
from storage.catalogue.segments import Segment
from storage.causes import Cause
from storage.disk.roots import Root
from storage.intervals import merge
from storage.recovery.scrub import scrub
from storage.times import iso
from tests.support.cameras.clips import Clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import LoopThread
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, now_us
from tests.support.unexplained import unknown_gaps

S = 1_000_000
# Begins of gaps are known to a second of when the cause was made: the camera's last frame, and the machine's load. The
# command prints whole seconds, so a gap may seem to begin up to one earlier; and a kill takes the fragment that was
# being filled.
NEAR_US = 1_500_000
KILLED_US = 2_500_000
CAMERAS = ("north", "east", "south", "west", "codec", "hall", "pool", "lane", "attic", "vault", "cellar", "ruin")


@dataclass
class Expected:
    """A cause that was made to happen on a camera, at a time."""

    camera: str
    cause: str
    at_us: int


@dataclass
class Day:
    """The script's world. ``expected`` grows in the order in which things were made to happen."""

    server: Server
    cameras: dict[str, ScriptedCamera]
    loop: LoopThread
    start_us: int = 0
    expected: list[Expected] = field(default_factory=list)

    def expect(self, camera: str, cause: str, at_us: int | None = None) -> None:
        self.expected.append(Expected(camera, cause, now_us() if at_us is None else at_us))

    def until_cause(self, camera: str, cause: str) -> None:
        self.server.until(lambda: cause in self.server.causes(camera, self.start_us), what=f"{camera}: {cause}")

    def recording(self, *cameras: str, after_us: int = 0) -> bool:
        """Whether each has footage that began after a time."""
        return all(
            any(s.end_us > s.key.start_us >= after_us for s in [*self.server.growing(c), *self.server.closed(c)])
            for c in cameras
        )

    def recorded(self, camera: str) -> Segment:
        """A closed segment of this day."""
        return next(s for s in self.server.closed(camera) if s.key.start_us > self.start_us)

    def nvr(self, *arguments: str) -> str:
        done = subprocess.run(
            [NVR, *arguments, "--config", self.server.config], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self, camera: str, then: Faults) -> None:
        """The camera closes the connection, and behaves like this from then on."""
        self.expect(camera, "ended")
        self.cameras[camera].faults = Faults(close_after=0)
        self.until_cause(camera, "ended")
        self.cameras[camera].faults = then

    def heal(self, *cameras: str) -> None:
        for camera in cameras:
            self.cameras[camera].faults = Faults()


def state(day: Day, camera: str) -> str:
    database = Database(day.server.catalogue)
    with database.read() as conn:
        found = status.find(conn, camera)
    database.close()
    return found.state if found is not None else ""


def began(day: Day, id_: str) -> int:
    """When a decision took effect: a command takes a second or two to start."""
    database = Database(day.server.catalogue)
    with database.read() as conn:
        found = directives.find(conn, id_)
    database.close()
    assert found is not None
    return found.start_us


def turned_away(day: Day) -> None:
    """Refused in four ways, after it closed the connection each time; and gone from the network."""
    for camera, faults, cause in (
        ("north", Faults(status={"DESCRIBE": 404}), "rejected"),
        ("west", Faults(status={"DESCRIBE": 401}), "unauthorized"),
        ("codec", Faults(status={"SETUP": 461}), "rejected"),
    ):
        day.close(camera, faults)
        day.expect(camera, cause)
        day.until_cause(camera, cause)
        day.heal(camera)
    day.expect("east", "ended")
    day.loop.call(day.cameras["east"].go_away())
    day.until_cause("east", "ended")
    day.expect("east", "unreachable")
    day.until_cause("east", "unreachable")
    day.loop.call(day.cameras["east"].start())
    day.expect("south", "stalled")
    day.cameras["south"].faults = Faults(stall_after=0)
    day.until_cause("south", "stalled")
    day.heal("south")


def decided(day: Day) -> None:
    """By letter, by schedule, by a planned window."""
    order = ["--where", "id=hall", "--letter", "800/17", "--reason", "efisiensi", "--approver", "Kepala"]
    hash_ = day.nvr("orders", "add", *order, "--dry-run").rpartition("hash: ")[2].strip()
    id_ = day.nvr("orders", "add", *order, "--confirm", hash_).split()[-5]
    day.expect("hall", "disabled", began(day, id_))
    day.server.until(lambda: state(day, "hall") == "off", what="the order takes effect")
    day.nvr("orders", "revoke", id_, "--reason", "wali kota")
    weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now_us() // (86_400 * S) + 6) % 7]
    hours = ["--hours", f"{weekday} 01:00-01:01", "--reason", "musim hujan"]
    id_ = day.nvr("schedules", "add", "--camera", "pool", *hours).split()[1]
    day.expect("pool", "schedule", began(day, id_))
    day.server.until(lambda: state(day, "pool") == "off", what="the schedule takes effect")
    day.nvr("schedules", "end", id_, "--reason", "selesai")
    now = time.time()
    window = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 1, now + 3600)]
    window_id = day.nvr(
        "maintenance", "add", "--camera", "lane", "--reason", "serat", "--start", window[0], "--end", window[1]
    ).split()[1]
    day.expect("lane", "maintenance")
    day.cameras["lane"].faults = Faults(stall_after=0)
    day.until_cause("lane", "maintenance")
    healed_us = now_us()
    day.heal("lane")
    day.server.until(partial(day.recording, "lane", after_us=healed_us), what="the camera under maintenance is back")
    day.nvr("maintenance", "end", window_id, "--reason", "selesai")


def removed(day: Day, token: str) -> None:
    """By rule, and by a person. Footage that was there: the gap begins where it began."""
    # By age, from the first: all that the report can show.
    day.expect("attic", "pruned", day.start_us)
    body = {"cameras": {"attic": {"max_age_s": 1}}}
    plan = day_api(day, token, "/api/retention/preview", body)
    assert plan["cameras"] == 1 and plan["segments"] >= 1
    day_api(day, token, "/api/retention/apply", {"plan_hash": plan["plan_hash"]})
    segment = day.recorded("vault")
    span = ["--start", iso(segment.key.start_us), "--end", iso(segment.end_us)]
    delete = ["delete", "vault", *span, "--reason", "permintaan warga"]
    hash_ = day.nvr(*delete, "--dry-run").rpartition("hash: ")[2].strip()
    day.expect("vault", "deleted", segment.key.start_us)
    day.nvr(*delete, "--confirm", hash_)


def day_api(day: Day, token: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{day.server.port}{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def broken(day: Day) -> None:
    """A recorder is killed; a file goes; the server is stopped; and everything is killed at once, as a
    power cut does."""
    pid = min(day.server.children("nvr.recorder"))
    killed_us = now_us()
    os.kill(pid, signal.SIGKILL)
    day.server.until(
        lambda: [c for c in CAMERAS if "recorder_crashed" in day.server.causes(c, day.start_us)], what="a crash is told"
    )
    lost = [c for c in CAMERAS if "recorder_crashed" in day.server.causes(c, day.start_us)]
    for camera in lost:
        day.expect(camera, "recorder_crashed", killed_us)
    day.server.until(lambda: day.recording(*lost, after_us=killed_us), what="the next recorder records")
    gone = day.recorded("cellar")
    day.expect("cellar", "missing", gone.key.start_us)
    gone.path.unlink()
    find_missing(day, gone)
    stopped_us = now_us()
    day.server.stop()
    # Frames of the last moments are no sign of the new start.
    over_us = now_us()
    day.server.start()
    day.server.until(lambda: day.recording(*CAMERAS, after_us=over_us), what="all record again")
    for camera in CAMERAS:
        day.expect(camera, "server_down", stopped_us)
    killed_us = now_us()
    day.server.kill_all()
    over_us = now_us()
    day.server.start()
    day.server.until(lambda: day.recording(*CAMERAS, after_us=over_us), what="all record again")
    for camera in CAMERAS:
        day.expect(camera, "server_down", killed_us)


def find_missing(day: Day, gone: Segment) -> None:
    """Reads all footage again, as the server does a minute after each start: it may have been the first to find it, or
    be under way, and then a pass goes on where that one is."""
    database = Database(day.server.catalogue)
    wrong: set[tuple[Path, str]] = set()

    def missed() -> list[tuple[int, int]]:
        wrong.update(scrub(database, [Root(gone.root, gone.root_path)], 10**9, threading.Event()).bad)
        gaps = day.server.coverage("cellar", gone.key.start_us, gone.end_us).gaps
        return [(gap.start_us, gap.end_us) for gap in gaps if gap.cause is Cause.MISSING]

    try:
        missing = day.server.until(missed, what="the file is missed")
    finally:
        database.close()
    assert missing == merge(gone.footage), "all of it, and nothing else"
    assert wrong <= {(gone.path, "is missing")}


def added_late(day: Day) -> None:
    """Not set up before it was added."""
    day.expect("ruin", "not_configured", day.start_us)
    day.server.cameras.append({"id": "ruin", "url": day.cameras["ruin"].url, "stall_timeout": "2s"})
    day.server.write_config()
    assert day.server.process is not None
    day.server.process.send_signal(signal.SIGHUP)
    day.server.until(partial(day.recording, "ruin"), what="the new camera records")


@pytest.mark.long
@pytest.mark.nightly
def test_a_day(tmp_path: Path, h264_clip: Clip) -> None:
    loop = LoopThread()
    cameras = {name: ScriptedCamera(h264_clip, at_end="repeat") for name in CAMERAS}
    try:
        urls = {name: loop.call(camera.start()) for name, camera in cameras.items()}
        tables = [{"id": name, "url": urls[name], "stall_timeout": "2s"} for name in CAMERAS[:-1]]
        server = Server(tmp_path, tables, workers=2, segment_duration="2s")
        server.start()
        day = Day(server, cameras, loop)
        try:
            server.until(partial(day.recording, *CAMERAS[:-1]), what="all record")
            day.start_us = now_us()
            token = day.nvr("tokens", "create", "--role", "admin").split()[-1]
            turned_away(day)
            decided(day)
            removed(day, token)
            added_late(day)
            broken(day)
            check(day)
        finally:
            if server.process is not None and server.process.poll() is None:
                server.stop()
    finally:
        for camera in cameras.values():
            loop.call(camera.stop())
        loop.close()


def check(day: Day) -> None:
    """The report against the script."""
    end_us = now_us()
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(day.start_us // S))
    found: list[dict[str, Any]] = json.loads(day.nvr("gaps", "--start", start, "--format", "json"))["gaps"]
    for gap in found:
        gap["start_us"] = micro(gap["start"])
    ours: dict[str, list[dict[str, Any]]] = {}
    for gap in found:
        ours.setdefault(gap["camera"], []).append(gap)
    # What was made to happen is told with its cause, at its time; and what is told was made to happen.
    for expected in day.expected:
        near = [
            gap
            for gap in ours.get(expected.camera, [])
            if gap["cause"] == expected.cause
            and expected.at_us - early(expected) <= gap["start_us"] <= expected.at_us + slack(expected)
        ]
        assert near, (expected, [(g["cause"], g["start"]) for g in ours.get(expected.camera, [])])
    causes = {expected.cause for expected in day.expected}
    strange = [(gap["camera"], gap["cause"], gap["start"], gap["end"]) for gap in found if gap["cause"] not in causes]
    assert not strange, "nothing else happened"
    assert {gap["cause"] for gap in found} == causes
    for camera, gaps in ours.items():
        made = sorted((e for e in day.expected if e.camera == camera), key=lambda e: e.at_us)
        # A cause that came back within its own gap (a second attempt refused) is not told twice.
        # Between being set up and its first frame a camera plays and has shown nothing yet.
        gaps = [
            gap
            for n, gap in enumerate(gaps)
            if not (n and gap["cause"] == "stalled" and gaps[n - 1]["cause"] == "not_configured")
        ]
        # On a busy machine a camera, which is a thread of this process, can really be silent for the two seconds that
        # it may be.
        if "stalled" not in {e.cause for e in made}:
            gaps = [gap for gap in gaps if gap["cause"] != "stalled" or not was_silent(day.cameras[camera], gap)]
        order = [gap["cause"] for n, gap in enumerate(gaps) if n == 0 or gaps[n - 1]["cause"] != gap["cause"]]
        wanted = [e.cause for n, e in enumerate(made) if n == 0 or made[n - 1].cause != e.cause]
        assert order == wanted, f"{camera}: {order} instead of {wanted}"
    database = Database(day.server.catalogue)
    with database.read() as conn:
        assert unknown_gaps(conn, day.start_us - 3600 * S, end_us, now_us=end_us) == 0
    database.close()
    for camera in CAMERAS:
        answer = day.server.coverage(camera, day.start_us, end_us)
        parts: list[Any] = [*answer.spans, *((g.start_us, g.end_us) for g in answer.gaps)]
        assert merge(parts) == [(day.start_us, answer.as_of_us)]


def was_silent(camera: ScriptedCamera, gap: dict[str, Any]) -> bool:
    """Whether the camera's own journal shows that it sent nothing for that long."""
    sent_us = [entry.at_us for entry in camera.journal.entries()]
    begin_us, end_us = (micro(gap[name]) if gap[name] else now_us() for name in ("start", "end"))
    return any(
        after_us - before_us >= NEAR_US and before_us < end_us + S and after_us > begin_us - S
        for before_us, after_us in itertools.pairwise(sent_us)
    )


def early(expected: Expected) -> int:
    """How much before it was made to happen a cause may be told to begin."""
    return KILLED_US if expected.cause in ("recorder_crashed", "server_down") else NEAR_US


def slack(expected: Expected) -> int:
    """An outcome of an attempt comes with the attempt, up to some seconds after the camera began to refuse."""
    return 6 * S if expected.cause in ("rejected", "unauthorized", "unreachable", "server_down") else NEAR_US


def micro(text: str) -> int:
    """Microseconds of a time as the command prints it: whole seconds."""
    from datetime import datetime

    return round(datetime.fromisoformat(text).timestamp() * S)
