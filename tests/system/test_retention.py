"""A file system that really fills up: recording goes on by pruning what may go; with everything held it stops, least
important first, and resumes when there is room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.catalogue.database import Database
from storage.causes import Cause
from storage.retention import holds
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.mounts import mounted
from tests.support.people import person
from tests.support.server import Server, now_us, whole

Serve = Callable[[Startable], str]

FLOOR_BYTES = 2_400_000
# Free at the start: some ten seconds of three cameras above the floor.
FREE_BYTES = 4_500_000
# Least important first.
CAMERAS = {"yard": -5, "gate": 0, "vault": 5}


def leave_free(folder: Path, bytes_: int) -> Path:
    """Takes all but so many bytes, as a file of somebody else."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as ballast:
        ballast.write(bytes(max(0, free(folder) - bytes_)))
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of its own, filled but for ``FREE_BYTES``."""
    with mounted(tmp_path / "disk", "60m") as folder:
        leave_free(folder, FREE_BYTES)
        yield folder


class SmallServer(Server):
    """Records on that disk."""

    def write_config(self) -> None:
        super().write_config()
        text = self.config.read_text().replace(
            'free_space_floor = "100MB"', f'free_space_floor = "{FLOOR_BYTES}B"\nroots = ["disk/footage"]'
        )
        for id_, priority in CAMERAS.items():
            text = text.replace(f'id = "{id_}"', f'id = "{id_}"\npriority = {priority}')
        self.config.write_text(text)


def free(disk: Path) -> int:
    info = os.statvfs(disk)
    return info.f_bavail * info.f_frsize


def causes_now(server: Server) -> dict[str, str | None]:
    """The cause of each camera's open gap."""
    found: dict[str, str | None] = {}
    # Up to the future: a gap that is open reaches beyond the range, and is no open one within a range that has ended.
    for id_ in CAMERAS:
        gaps = server.coverage(id_, now_us() - 3600 * 10**6, now_us() + 10**9).gaps
        found[id_] = gaps[-1].cause.value if gaps and gaps[-1].open else None
    return found


@pytest.mark.long
def test_a_full_disk(tmp_path: Path, disk: Path, serve: Serve, h264_clip: Clip) -> None:
    tables = [
        {"id": id_, "url": serve(ScriptedCamera(h264_clip, at_end="repeat")), "stall_timeout": "3s", "source": "av"}
        for id_ in CAMERAS
    ]
    server = SmallServer(tmp_path, tables, segment_duration="1s", workers=2)
    start_us = now_us()
    server.start()
    try:
        # 1. It prunes, and every camera goes on recording.
        for id_ in CAMERAS:
            server.until(lambda i=id_: Cause.PRUNED in server.causes(i, start_us), what="pruning")  # type: ignore[misc]
        at_us = now_us()
        for id_ in CAMERAS:
            server.until(lambda i=id_: server.closed(i)[-1].key.start_us > at_us, what="recording goes on")  # type: ignore[misc]
        assert not set(causes_now(server).values()) & {"disk_full", "disk_error"}
        # 2. Everything is held: it stops, least important first, and loses nothing.
        database = Database(server.catalogue)
        with database.write() as conn:
            placed = [
                holds.place(
                    conn,
                    id_,
                    now_us() - 10**12,
                    now_us() + 10**12,
                    reason="test",
                    by=person("test"),
                    now_us=now_us(),
                )
                for id_ in CAMERAS
            ]
        held = {id_: {s.key for s in server.closed(id_)} for id_ in CAMERAS}
        stopped: list[str] = []

        def all_stopped() -> bool:
            for id_, cause in causes_now(server).items():
                if cause == "disk_full" and id_ not in stopped:
                    stopped.append(id_)
            return len(stopped) == len(CAMERAS)

        server.until(all_stopped, what="all cameras stop for want of space")
        assert stopped == list(CAMERAS)
        assert "DISK FULL" in server.log.read_text() and "least important first: yard" in server.log.read_text()
        assert free(disk) < FLOOR_BYTES / 2
        for id_ in CAMERAS:
            segments = server.closed(id_)
            assert held[id_] <= {s.key for s in segments}, "held footage was lost"
            assert all(whole(s.path) for s in segments)
        # 3. There is room: all resume by themselves.
        (disk / "ballast").unlink()
        at_us = now_us()
        for id_ in CAMERAS:
            server.until(lambda i=id_: server.closed(i)[-1].key.start_us > at_us, what="recording resumes")  # type: ignore[misc]
        server.until(lambda: set(causes_now(server).values()) == {None}, what="no camera waits for room any more")
        assert "there is room again" in server.log.read_text()
        for id_ in CAMERAS:
            assert held[id_] <= {s.key for s in server.closed(id_)}
            assert Cause.UNKNOWN not in server.causes(id_, start_us)
            assert Cause.DISK_FULL in server.causes(id_, start_us)
        with database.write() as conn:
            for hold in placed:
                holds.release(conn, hold.id, reason="test", by=person("test"), now_us=now_us())
        database.close()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


class FullServer(Server):
    """Has its catalogue on the disk that it records to."""

    def write_config(self) -> None:
        super().write_config()
        self.config.write_text(
            self.config.read_text().replace('free_space_floor = "100MB"', 'free_space_floor = "3MB"')
        )


@pytest.mark.nightly
def test_a_start_without_a_free_byte_for_the_catalogue(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """Somebody else has filled the disk that also holds the catalogue: the server starts all the same, makes room by
    pruning, and records."""
    cameras = [{"id": id_, "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))} for id_ in ("a", "b", "c")]
    with mounted(tmp_path / "disk", "200m") as folder:
        server = FullServer(folder, cameras, segment_duration="2s", workers=1)
        server.log = tmp_path / "server.log"
        start_us = now_us()
        server.start()
        reserve = server.catalogue.with_suffix(".reserve")
        try:
            server.until(
                lambda: sum(s.bytes for camera in ("a", "b", "c") for s in server.closed(camera)) > 3_000_000,
                what="footage",
            )
            assert reserve.exists()
            server.stop()
            ballast = leave_free(folder, 0)
            assert free(folder) == 0
            at_us = now_us()
            server.start()
            server.until(lambda: "its reserve was given up" in server.log.read_text(), what="the start")
            server.until(
                lambda: all(server.closed(id_)[-1].key.start_us > at_us for id_ in ("a", "b", "c")), what="recording"
            )
            server.until(lambda: Cause.PRUNED in server.causes("a", start_us), what="pruning")
            for id_ in ("a", "b", "c"):
                assert Cause.UNKNOWN not in server.causes(id_, start_us)
            ballast.unlink()
            server.until(reserve.exists, what="the reserve is there again")
        finally:
            if server.process is not None and server.process.poll() is None:
                server.stop()
