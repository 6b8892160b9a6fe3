"""``nvr rebuild``: the catalogue that the files make is the one that was lost, as far as files can know."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nvr.cli import main
from storage.catalogue import facts, node
from storage.catalogue.database import Database
from storage.catalogue.node import Lock
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.coverage.one_camera import Coverage
from storage.disk.roots import IDENTITY_FILE, register
from storage.recovery.rebuild import Progress, rebuild
from storage.retention import deleting as garbage
from storage.writing.disk_writer import DiskWriter
from tests.storage import mp4
from tests.storage.world import (
    CAMERA,
    DAY0_US,
    NODE,
    T0_US,
    InlineCatalogue,
    Recorder,
    World,
    add_camera,
    assert_consistent,
    assert_partition,
    pump,
)

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US


class Recording(Recorder):
    """A recorder that gives its reasons as the real one does."""

    def close(self, reason: str = "rotation") -> None:
        handle = self.handles[-1]
        media_end = self.number * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
        frames = len(handle.index.build().fragments) * mp4.FRAMES_A_FRAGMENT
        self.writer.close_segment(handle, end_us=self.until_us, media_end=media_end, frames=frames, reason=reason)
        pump(self.writer)


def record(world: World, start_us: int, lengths: Sequence[int], cause: Cause | None, epoch: int = 1) -> Recording:
    """A run of segments of so many fragments; ``cause`` None leaves it growing, as a kill does."""
    catalogue = InlineCatalogue(world.database)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=60)
    recorder = Recording(world, writer, catalogue, start_us, epoch)
    recorder.begin()
    for number, length in enumerate(lengths):
        if number:
            recorder.rotate()
        for _ in range(length):
            recorder.append()
    if cause is not None:
        recorder.close(cause)
        recorder.end(cause)
    return recorder


def again(world: World) -> tuple[Database, Progress]:
    database = Database(world.folder / "again.db")
    database.migrate()
    *_, last = rebuild(database, world.roots)
    return database, last


def table(database: Database, columns: str) -> list[tuple[Any, ...]]:
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(f"SELECT {columns}")]


SEGMENTS = (
    "c.id, s.start_us, n.id, s.epoch, s.end_us, r.id, s.init, run_start_us, timescale, media_start, media_end, frames,"
    " bytes"
    " FROM segment s JOIN camera c ON c.key = s.camera JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root"
    " ORDER BY 1, 2"
)
SPANS = (
    "c.id, s.start_us, n.id, s.epoch, s.end_us, s.segments, s.bytes FROM span s JOIN camera c ON c.key = s.camera"
    " JOIN node n ON n.key = s.node ORDER BY 1, 2"
)
RUNS = (
    "c.id, r.start_us, n.id, r.epoch, r.end_us, r.cause FROM run r JOIN camera c ON c.key = r.camera"
    " JOIN node n ON n.key = r.node ORDER BY 1, 2"
)
INITS = "id, bytes, video_codec, audio_codec, width, height FROM init ORDER BY id"


def parts(answer: Coverage) -> tuple[list[tuple[int, int]], list[tuple[int, int, Cause]]]:
    assert_partition(answer)
    return [(a, b) for a, b in answer.spans], [(gap.start_us, gap.end_us, gap.cause) for gap in answer.gaps]


def covered(database: Database, world: World, camera: str = CAMERA, start_us: int = T0_US - SECOND_US) -> Any:
    with database.read() as conn:
        from storage.coverage.one_camera import coverage

        return parts(coverage(conn, camera, start_us, NOW_US, now_us=NOW_US))


def test_the_same_as_the_lost_one(world: World) -> None:
    with world.database.write() as conn:
        add_camera(conn, "second")
    record(world, T0_US, [4, 3, 5], Cause.ENDED)
    record(world, T0_US + 10 * SECOND_US, [2, 2], Cause.STALLED)
    record(world, T0_US + 20 * SECOND_US, [1], Cause.CLOCK_STEP)
    # Killed; the next start adopted it, and recorded on with the next epoch.
    record(world, T0_US + 30 * SECOND_US, [3, 3], None)
    world.reconcile(T0_US + 40 * SECOND_US, alive_us=T0_US + 33 * SECOND_US)
    record(world, T0_US + 41 * SECOND_US, [2, 2], Cause.SERVER_DOWN, epoch=2)
    # Over midnight, and of a second camera, which was removed from the configuration since.
    world.part(DAY0_US - SECOND_US, range(4), final_name=True, enter=True, camera="second")
    made, last = again(world)
    assert (last.entered, last.left_alone) == (11, 0)
    for columns in (SEGMENTS, SPANS, RUNS[: RUNS.index(" ORDER")] + " WHERE c.id = 'cam' ORDER BY 2", INITS):
        assert table(made, columns) == table(world.database, columns), columns
    assert covered(made, world) == covered(world.database, world)
    causes = [cause for _, _, cause in covered(made, world)[1]]
    assert causes == [
        Cause.NOT_CONFIGURED, Cause.ENDED, Cause.STALLED, Cause.CLOCK_STEP, Cause.SERVER_DOWN, Cause.SERVER_DOWN
    ]  # fmt: skip
    # Epochs go on behind the highest, under this node's name.
    with made.write() as conn:
        assert node.this_node(conn, None) == NODE and node.next_epoch(conn) == 3
        assert node.last_heartbeat(conn, NODE) == T0_US + 43 * SECOND_US
    made.close()


def test_files_that_were_removed_are_missing_whatever_ended_the_run_before(world: World) -> None:
    record(world, T0_US, [2, 2, 2], Cause.ENDED)
    record(world, T0_US + 10 * SECOND_US, [2], Cause.ENDED)
    starts = [T0_US + SECOND_US, T0_US + 2 * SECOND_US]
    with world.database.write() as conn:
        keys = [Key(CAMERA, starts[0], NODE, 1)]
        garbage.discard(conn, keys, cause=Cause.PRUNED, detail={}, now_us=NOW_US)
    garbage.sweep(world.database)
    made, _ = again(world)
    assert covered(made, world)[1][1] == (starts[0], starts[1], Cause.MISSING)
    made.close()
    (world.folder / "again.db").unlink()
    with world.database.write() as conn:
        keys = [Key(CAMERA, starts[1], NODE, 1)]
        garbage.discard(conn, keys, cause=Cause.PRUNED, detail={}, now_us=NOW_US)
    garbage.sweep(world.database)
    made, _ = again(world)
    # The first file ends with a rotation: its run had gone on.
    assert covered(made, world)[1][1] == (starts[0], T0_US + 10 * SECOND_US, Cause.MISSING)
    made.close()


def test_part_files_are_closed_and_entered_in_their_place(world: World) -> None:
    record(world, T0_US, [2, 3, 4], None)
    broken = world.part(T0_US + 100 * SECOND_US, [0, 1], extra=b"\0\0\1\0moof", row=False)
    made, last = again(world)
    assert (last.entered, last.left_alone) == (4, 0)
    assert not broken.exists() and not [path for path in world.files_on_disk() if ".part" in path.name]
    assert len(table(made, SPANS)) == 2, "segments of one run are one span"
    with made.read() as conn:
        assert conn.execute("SELECT count(*) FROM growing").fetchone()[0] == 0
    assert covered(made, world)[1][-1] == (T0_US + 101 * SECOND_US, NOW_US, Cause.SERVER_DOWN)
    before = world.database
    world.database = made
    assert_consistent(world)
    world.database = before
    made.close()


def test_strangers_and_damage_are_left_alone(world: World) -> None:
    recorder = record(world, T0_US, [2, 4, 2], Cause.ENDED)
    first, cut, _ = world.files_on_disk()
    data = cut.read_bytes()
    # Whole fragments of a file that lost its end are footage; what was behind them is missing.
    cut.write_bytes(data[: len(data) - len(mp4.fragment(5)[0]) - (len(data) - _content(cut))])
    strangers = {
        world.root.path / "notes.txt": b"hello",
        first.parent / "video.mp4": data,
        first.with_name("00-59.000Z.1-n1.mp4"): data,  # a copy under another name
        first.with_name("00-58.000Z.1-n1.mp4"): b"not a movie",
        first.with_name("00-57.000Z.1-n1.part.mp4"): b"",
        first.with_name(first.name.replace(".mp4", ".part.mp4")): first.read_bytes(),
    }
    for path, content in strangers.items():
        path.write_bytes(content)
    made, last = again(world)
    assert (last.files, last.entered, last.left_alone) == (9, 3, 6)
    assert {path: path.read_bytes() for path in strangers} == strangers
    spans, gaps = covered(made, world)
    lost_us = T0_US + SECOND_US + 3 * mp4.FRAGMENT_US
    assert gaps[1] == (lost_us, T0_US + 3 * SECOND_US, Cause.MISSING)
    assert spans[-1] == (T0_US + 3 * SECOND_US, recorder.until_us)
    made.close()


def _content(path: Path) -> int:
    from tests.support.segments import read

    return read(path).whole_bytes


def test_the_same_segment_on_two_roots_counts_once(world: World) -> None:
    record(world, T0_US, [2], Cause.ENDED)
    with world.database.write() as conn:
        world.roots = register(conn, [world.root.path, world.folder / "second"])
    shutil.copytree(world.root.path / CAMERA, world.folder / "second" / CAMERA)
    made, last = again(world)
    assert (last.entered, last.left_alone) == (1, 1)
    assert table(made, SPANS) == table(world.database, SPANS)
    made.close()


def test_runs_and_files_on_several_roots(world: World) -> None:
    """Rotation puts neighbours on different disks; the story is one all the same."""
    record(world, T0_US, [2, 2, 2, 2], Cause.ENDED)
    with world.database.write() as conn:
        world.roots = register(conn, [world.root.path, world.folder / "second"])
        for path in world.files_on_disk()[::2]:
            target = world.roots[1].path / path.relative_to(world.roots[0].path)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        conn.execute("UPDATE segment SET root = 2 WHERE (start_us - ?) % 2000000 = 0", (T0_US,))
    made, _ = again(world)
    assert table(made, SEGMENTS) == table(world.database, SEGMENTS)
    assert table(made, SPANS) == table(world.database, SPANS)
    made.close()


def test_a_start_goes_on_from_it(world: World) -> None:
    recorder = record(world, T0_US, [4, 3], Cause.ENDED)
    made, _ = again(world)
    world.database.close()
    world.database = made
    report = world.reconcile(NOW_US, alive_us=recorder.until_us + 5 * SECOND_US)
    assert (report.adopted, report.entered, report.missing, report.foreign) == (0, 0, 0, [])
    _, gaps = covered(made, world)
    end_us = recorder.until_us
    assert gaps[1:] == [
        (end_us, end_us + 5 * SECOND_US, Cause.ENDED),
        (end_us + 5 * SECOND_US, NOW_US, Cause.SERVER_DOWN),
    ]
    with made.read() as conn:
        assert facts.open_fact(conn, CAMERA) is not None


# -- the command


@pytest.fixture
def config(world: World) -> Path:
    path = world.folder / "config.toml"
    path.write_text(f'[storage]\nroots = ["{world.root.path}"]\ncatalogue = "{world.folder / "new.db"}"\n')
    return path


def run(config: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["rebuild", "--config", str(config)])
    return done.exit_code, done.output


def test_command(world: World, config: Path) -> None:
    record(world, T0_US, [2, 2], Cause.ENDED)
    code, output = run(config)
    assert code == 0 and "2 segments from 2 files" in output and "0 files left alone" in output
    made = world.folder / "new.db"
    assert made.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(made) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert conn.execute("SELECT count(*) FROM segment").fetchone()[0] == 2
    conn.close()
    assert not [path for path in world.folder.iterdir() if "rebuilding" in path.name]


def test_command_refuses(world: World, config: Path) -> None:
    record(world, T0_US, [2], Cause.ENDED)
    new = world.folder / "new.db"
    new.write_bytes(b"precious")
    code, output = run(config)
    assert code == 1 and f"{new} exists: move it away first" in output
    assert new.read_bytes() == b"precious"
    # The journal of a catalogue that was lost would be applied to the new one.
    journal = new.rename(world.folder / "new.db-wal")
    code, output = run(config)
    assert code == 1 and f"{journal} exists" in output and not new.exists()
    journal.unlink()
    for locked in (world.folder / "new.lock", world.root.path / IDENTITY_FILE):
        server = Lock([locked])
        code, output = run(config)
        assert code == 1 and "another server records into this place" in output
        server.release()
    (world.root.path / IDENTITY_FILE).rename(world.folder / "identity")
    code, output = run(config)
    assert code == 1 and "is its disk mounted?" in output
    assert not new.exists()


def test_command_begins_anew_after_it_was_interrupted(world: World, config: Path) -> None:
    record(world, T0_US, [2], Cause.ENDED)
    for suffix in ("", "-wal", "-shm"):
        (world.folder / f"new.db.rebuilding{suffix}").write_bytes(b"half of a catalogue")
    code, output = run(config)
    assert code == 0, output
    assert sorted(path.name for path in world.folder.glob("new.db*")) == ["new.db"]
