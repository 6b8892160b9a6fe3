"""Power cuts, for real: the server records from RTSP cameras onto disks with volatile caches, loses power at any
moment, and starts again on what survived.

After each cut: catalogue and files agree to the last byte, nothing that had been closed is torn, one gap says
``server_down``, every frame that arrived ``sync_interval`` before the cut is there, and what coverage calls recorded
can be decoded.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import disk_usage as usage
from typing import Any

import av
import pytest

from storage.catalogue.segments import Segment
from storage.causes import Cause
from tests.nightly import IS_NIGHT
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera, Sent
from tests.support.server import NVR, Server, frames, now_us
from tests.support.volatile_disk import VolatileDisk, volatile_disk
from tests.support.waiting import until

Serve = Callable[[Startable], str]
PROMISED_US = 5_000_000
_PARTS = ("nvr.recorder", "nvr.api", "nvr.housekeeping", "nvr.evidence")


@dataclass
class Bench:
    """A server on its disks, the first of which has the catalogue, and its cameras by id."""

    server: Server
    disks: list[VolatileDisk]
    cameras: dict[str, ScriptedCamera]
    cuts_us: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    lost_us: list[int] = field(default_factory=list)
    """Of each cut and camera, how old the oldest frame was that it cost."""

    def cut(self, seed: int) -> None:
        """Power goes, for all disks and the machine, and comes again."""
        server = self.server
        assert server.process is not None
        pids = [server.process.pid, *(pid for part in _PARTS for pid in server.children(part))]
        self.told.append(self._told())
        at_us = max(disk.cut(seed and seed + number) for number, disk in enumerate(self.disks))
        for pid in pids:
            with_no_process(pid)
        server.process.wait(60)
        self.cuts_us.append(at_us)
        for disk in self.disks:
            disk.unplug()
        for disk in self.disks:
            disk.power_on()

    def risks(self) -> list[tuple[int, int, int, int, int]]:
        """What the server says that a cut would cost."""
        with closing(sqlite3.connect(f"file:{self.server.catalogue}?mode=ro", uri=True)) as conn:
            return conn.execute("SELECT oldest_us, worst_us, sync_us, syncs, late FROM at_risk").fetchall()

    def _told(self) -> str:
        """The same, for the message of a failure."""
        try:
            rows = self.risks()
        except sqlite3.OperationalError as error:
            return str(error)
        return "; ".join(
            f"oldest {a / 1e6:.2f} s, worst {b / 1e6:.2f} s, sync {c / 1e6:.2f} s, {d} syncs, {e} late"
            for a, b, c, d, e in rows
        )

    def recording(self) -> bool:
        """Whether the usual cameras have footage of the present connection; the slow ones take their time."""
        since_us = self.cuts_us[-1] if self.cuts_us else 0
        time.sleep(0.2)  # sleep: looking costs the server processor time
        try:
            # Reading only: looking costs the server less than by its own means.
            with closing(sqlite3.connect(f"file:{self.server.catalogue}?mode=ro", uri=True)) as conn:
                found = conn.execute(
                    "SELECT c.id FROM growing g JOIN camera c ON c.key = g.camera"
                    " WHERE g.start_us > ? AND g.until_us > g.start_us",
                    (since_us,),
                ).fetchall()
        except sqlite3.OperationalError:
            return False
        return {id_ for id_ in self.cameras if id_.startswith("usual")} <= {row[0] for row in found}


def with_no_process(pid: int) -> None:
    """Ends a process as a power cut does."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    until(lambda: not Path(f"/proc/{pid}/exe").exists() or "State:\tZ" in _status(pid), "the end of a killed process")


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "State:\tZ"


def run_of(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    for _, run in itertools.groupby(segments, key=lambda s: (s.run_start_us, s.key.epoch)):
        yield list(run)


def stretch(sent: list[Sent], start_us: int, recorded: list[str]) -> tuple[int, int]:
    """The client, and the place in what it was sent, at which this stretch of frames begins."""
    for at, entry in enumerate(sent):
        if entry.hash != recorded[0] or abs(entry.at_us - start_us) > 1_500_000:
            continue
        mine = [e for e in sent[at:] if e.client == entry.client]
        if [e.hash for e in mine[: len(recorded)]] == recorded:
            return entry.client, len([e for e in sent[:at] if e.client == entry.client])
    raise AssertionError(f"what was recorded from {start_us} on was never sent")


def assert_frames(bench: Bench, id_: str) -> None:
    """Every recorded frame was sent, in this order; every frame that arrived in time is recorded."""
    sent = bench.cameras[id_].journal.entries()
    found = bench.server.closed(id_)
    kept: dict[int, set[int]] = {}
    for run in run_of(found):
        for before, after in itertools.pairwise(run):
            assert before.end_us == after.key.start_us, (id_, before, after)
        recorded = frames([s.path for s in run], "h264")
        assert len(recorded) == sum(s.frames for s in run)
        client, first = stretch(sent, run[0].key.start_us, recorded)
        kept.setdefault(client, set()).update(range(first, first + len(recorded)))
    clients = {e.client: [f for f in sent if f.client == e.client] for e in sent}
    for cut_us in bench.cuts_us:
        for client, entries in clients.items():
            if not entries[0].at_us < cut_us <= entries[-1].at_us + 1_000_000:
                continue
            lost = [e.at_us for n, e in enumerate(entries) if n not in kept.get(client, ()) and e.at_us < cut_us]
            bench.lost_us.append(cut_us - min(lost, default=cut_us))
    for client, entries in clients.items():
        # Also where the connection ended for another reason than a cut.
        missing = [e for n, e in enumerate(entries) if n not in kept.get(client, ())]
        over_us = next((at for at in bench.cuts_us if entries[0].at_us < at), 0)
        for entry in missing:
            if entry.at_us < over_us - PROMISED_US:
                raise AssertionError(f"{id_}: a frame was lost {(cut_us - entry.at_us) / 1e6:.2f} s after it arrived")


def assert_story(bench: Bench, id_: str, start_us: int) -> None:
    """Spans and gaps partition the time, no cause is unknown, each cut is one gap, and spans are what files hold."""
    coverage = bench.server.coverage(id_, start_us)
    assert Cause.UNKNOWN not in {gap.cause for gap in coverage.gaps}, coverage.gaps
    pieces = sorted([*((a, b) for a, b in coverage.spans), *((g.start_us, g.end_us) for g in coverage.gaps)])
    for before, after in itertools.pairwise(pieces):
        assert before[1] == after[0], (id_, before, after)
    down = [gap for gap in coverage.gaps if gap.cause is Cause.SERVER_DOWN]
    for cut_us in bench.cuts_us:
        # Where a second cut came before any footage, its gap is the first one's.
        assert len([gap for gap in down if gap.start_us <= cut_us < gap.end_us]) == 1, (id_, cut_us, coverage.gaps)
    for segment in bench.server.closed(id_):
        with av.open(str(segment.path)) as container:
            decoded = sum(1 for _ in container.decode(video=0))
        assert decoded == segment.frames, segment


def assert_whole(bench: Bench, start_us: int) -> None:
    server = bench.server
    with closing(sqlite3.connect(server.catalogue)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    checked = subprocess.run([NVR, "check", "--hash", "--config", server.config], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for id_ in bench.cameras:
        assert not server.growing(id_)
        assert_frames(bench, id_)
        assert_story(bench, id_, start_us)


def closed_files(bench: Bench) -> dict[str, str]:
    """Hashes of what is closed now, by path: no cut may change that."""
    return {str(s.path): s.sha256 or "" for id_ in bench.cameras for s in bench.server.closed(id_)}


def clips() -> dict[str, Clip]:
    """What the cameras show: of usual frames, of small ones in fragments of a second, one frame a second, and one every
    three."""
    return {
        "usual": clip(ClipSpec()),
        "small": clip(ClipSpec(frames=40, frame_rate=10, group=10, width=160, height=96, bit_rate_bps=40_000)),
        "slow": clip(ClipSpec(frames=20, frame_rate=1, group=2, width=160, height=96, bit_rate_bps=20_000)),
        "rare": rare(3),
    }


def rare(seconds: int) -> Clip:
    """A frame every so many seconds."""
    film = clip(ClipSpec(frames=20, frame_rate=1, group=2, width=160, height=96, bit_rate_bps=20_000))
    units = tuple(replace(unit, pts=unit.pts * seconds, due_s=unit.due_s * seconds) for unit in film.video.units)
    return Clip((replace(film.video, units=units),), film.duration_s * seconds)


def run_cuts(
    folder: Path, serve: Serve, kinds: Sequence[str], *, cuts: int, again: int, many: int, wait_s: tuple[float, float]
) -> Bench:
    """``kinds``: of the file systems of its disks. At every ``again``-th cut power goes twice, the second time before
    or while what the first one left is adopted. ``many`` cameras are usual ones."""
    seed = time.time_ns()
    print(f"seed {seed}")
    chance = random.Random(seed)
    with ExitStack() as stack:
        disks = [stack.enter_context(volatile_disk(folder / f"disk{n}", kind)) for n, kind in enumerate(kinds)]
        names = [name for name in clips() for _ in range(many if name == "usual" else 1)]
        cameras = {f"{name}-{n}": ScriptedCamera(clips()[name], at_end="repeat") for n, name in enumerate(names)}
        tables: list[Mapping[str, Any]] = [{"id": id_, "url": serve(camera)} for id_, camera in cameras.items()]
        here = disks[0].folder / "server"
        here.mkdir()
        server = Server(here, tables, workers=1, segment_duration="4s")
        server.extra = f"roots = [{', '.join(repr(str(d.folder / 'footage')) for d in disks)}]"
        for disk in disks:
            (disk.folder / "footage").mkdir()
        # Segments go where most is free: so they go by turns.
        free = [usage(disk.folder).free for disk in disks]
        for disk, more in zip(disks, free, strict=True):
            with (disk.folder / "ballast").open("wb") as file:
                if more > min(free):
                    os.posix_fallocate(file.fileno(), 0, more - min(free))
        server.write_config()
        server.log = folder / "server.log"
        os.sync()
        bench = Bench(server, disks, cameras)
        start_us = now_us()
        server.start()
        try:
            server.until(bench.recording, what="recording")
            for number in range(cuts):
                time.sleep(chance.uniform(*wait_s))  # sleep: power goes at any moment
                before = closed_files(bench)
                bench.cut(0 if number == 0 else chance.randrange(1, 1 << 30))
                server.start()
                if number % again == again - 1:
                    time.sleep(chance.uniform(0.2, 2.0))  # sleep: and at any moment of the start
                    bench.cut(chance.randrange(1, 1 << 30))
                    server.start()
                server.until(bench.recording, what=f"recording after cut {number}")
                after = closed_files(bench)
                # A hash that was not known yet is told later, by who reads the footage again.
                assert not [path for path, hash_ in before.items() if hash_ and after.get(path, hash_) != hash_]
            assert server.stop() == 0
            assert_whole(bench, start_us)
        except BaseException:
            print(server.log.read_text(errors="replace")[-6000:])
            raise
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
                for part in _PARTS:
                    for pid in server.children(part):
                        with_no_process(pid)
        ages = sorted(bench.lost_us)
        print(
            f"{' and '.join(kinds)}: {len(bench.cuts_us)} cuts, oldest frame lost {ages[-1] / 1e6:.2f} s,"
            f" median {ages[len(ages) // 2] / 1e6:.2f} s; {bench.told}"
        )
        return bench


@pytest.mark.long
def test_a_cut_costs_less_than_sync_interval(tmp_path: Path, serve: Serve) -> None:
    """And a second one during adoption; more cameras than are synced singly, on an ext4 and an XFS."""
    bench = run_cuts(tmp_path, serve, ("ext4", "xfs"), cuts=1, again=1, many=8, wait_s=(5.5, 7.5))
    assert len(bench.cuts_us) == 2 and bench.lost_us and max(bench.lost_us) <= PROMISED_US


@pytest.mark.long
@pytest.mark.nightly
def test_a_frame_every_twelve_seconds(tmp_path: Path, serve: Serve) -> None:
    """Each cut comes 6 s after a frame, and 6 s before the next: the first of a connection, then one whose duration is
    not known either. None is lost."""
    camera = ScriptedCamera(rare(12), at_end="repeat")
    usual = ScriptedCamera(clips()["usual"], at_end="repeat")
    with volatile_disk(tmp_path / "disk", "ext4") as disk:
        here = disk.folder / "server"
        here.mkdir()
        tables: list[Mapping[str, Any]] = [
            {"id": "usual", "url": serve(usual)},
            {"id": "rare", "url": serve(camera), "expected_interval": "15s"},
        ]
        server = Server(here, tables, workers=1, segment_duration="1h")
        server.log = tmp_path / "server.log"
        server.write_config()
        os.sync()
        bench = Bench(server, [disk], {"usual": usual, "rare": camera})
        start_us = now_us()
        server.start()
        try:
            for number in (1, 2, 3):

                def has_come(number: int = number) -> bool:
                    sent = camera.journal.entries()
                    return bool(sent) and [entry.client for entry in sent].count(number - 1) >= number

                server.until(has_come, what=f"frame {number}")
                newest_us = camera.journal.entries()[-1].at_us
                while now_us() < newest_us + 6_000_000:
                    time.sleep(0.2)  # sleep: looking costs the server processor time
                    oldest_us = max((row[0] for row in bench.risks()), default=0)
                    assert oldest_us <= PROMISED_US, "what is told of a camera that sends a frame now and then"
                bench.cut(0)
                server.start()
            server.until(bench.recording, what="recording after the last cut")
            assert server.stop() == 0
            assert_whole(bench, start_us)
        except BaseException:
            print(server.log.read_text(errors="replace")[-6000:])
            raise
        assert sum(s.frames for s in server.closed("rare")) >= 1 + 2 + 3
    assert max(bench.lost_us) <= PROMISED_US


@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.parametrize("many", [1, 9])
@pytest.mark.parametrize("kinds", [("ext4",), ("xfs",), ("ext4", "ext4"), ("xfs", "ext4")], ids="-".join)
def test_many_cuts(tmp_path: Path, serve: Serve, kinds: tuple[str, ...], many: int) -> None:
    """Six cuts, every other of them twice, of each file system, number of disks and way to sync: 72 a night."""
    cuts = 6 if IS_NIGHT else 2
    bench = run_cuts(tmp_path, serve, kinds, cuts=cuts, again=2, many=many, wait_s=(3.0, 11.0))
    assert len(bench.cuts_us) == cuts + cuts // 2 and max(bench.lost_us) <= PROMISED_US
