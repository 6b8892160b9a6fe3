"""Stretches within a segment in which nothing could be decoded: the file, the catalogue and coverage say the same of
them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause, Layer
from storage.coverage import closed_days
from storage.coverage.fleet import read_batch
from storage.coverage.one_camera import pieces
from storage.format.boxes import BoxError, Hole, hole_box, parse_moof
from storage.format.sample_index_codec import decode, encode
from storage.intervals import DAY_US
from storage.recovery.check import CheckFinding, CheckKind, check
from storage.recovery.rebuild import rebuild
from storage.retention import deleting as garbage
from storage.writing.disk_writer import DiskWriter
from tests.storage import mp4
from tests.storage.world import (
    CAMERA,
    NODE,
    T0_US,
    InlineCatalogue,
    Recorder,
    World,
    assert_consistent,
    assert_partition,
)
from tests.support.segments import read

HALF_US = mp4.FRAGMENT_US
START_US = T0_US + 10_000_000
NOW_US = T0_US + 600_000_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def recorder(world: World, epoch: int = 1) -> Recorder:
    catalogue = InlineCatalogue(world.database)
    made = Recorder(world, DiskWriter(world.root, catalogue, sync_interval_s=60), catalogue, START_US, epoch)
    made.begin()
    return made


def halves(*numbers: int) -> list[tuple[int, int]]:
    """Half seconds since the start, as intervals: each two numbers are one."""
    return [(START_US + a * HALF_US, START_US + b * HALF_US) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def footage(world: World, now_us: int = NOW_US) -> list[tuple[int, int]]:
    answer = world.coverage(T0_US, NOW_US, now_us)
    assert_partition(answer)
    with world.database.read() as conn:
        batch = read_batch(conn, [(1, CAMERA)], T0_US, NOW_US, now_us=now_us)
    gaps = list(zip(batch.gaps.start_us.tolist(), batch.gaps.end_us.tolist(), strict=True))
    assert gaps == [(gap.start_us, gap.end_us) for gap in answer.gaps], "the fleet's gaps are the camera's"
    return [tuple(span) for span in answer.spans]  # type: ignore[misc]


def causes(world: World) -> list[tuple[Cause, str | None]]:
    answer = world.coverage(START_US, NOW_US, NOW_US)
    return [(gap.cause, gap.detail.get("class")) for gap in answer.gaps]


def rebuilt(world: World) -> World:
    world.database.close()
    world.database = Database(world.folder / "again.db")
    world.database.migrate()
    for _ in rebuild(world.database, world.roots):
        pass
    return world


def test_a_hole_in_a_fragment_comes_back_from_its_bytes() -> None:
    raw, fragment = mp4.fragment(3, loss="camera")
    assert fragment.hole == Hole(2000, 2500, "camera")
    samples = fragment.tracks[0].samples
    # Players show the last frame until the next one comes.
    assert samples[:, 1].tolist() == [100, 100, 100, 100, 600]
    box = hole_box(Hole(2000, 2500, "camera"))
    at = raw.index(box)
    for bad in (Hole(2500, 2500, ""), Hole(2500, 2000, "")):
        broken = raw[:at] + hole_box(bad) + raw[at + len(box) :]
        with pytest.raises(BoxError):
            parse_moof(broken[: broken.index(b"mdat") - 4])
    with pytest.raises(BoxError):
        parse_moof((raw[: at + len(box) - 1] + b"\x09" + raw[at + len(box) :])[: raw.index(b"mdat") - 4])


def test_while_it_grows_closed_and_from_the_files_it_is_the_same(world: World) -> None:
    made = recorder(world)
    made.append()
    made.append("network")
    made.append()
    assert footage(world) == halves(0, 2, 3, 4)
    made.append("")
    made.append()
    made.rotate()
    made.append("camera")
    expected = halves(0, 2, 3, 5, 6, 8)
    assert footage(world) == expected
    made.append()
    # Lost at the very end: the next segment begins with what follows.
    made.append("server")
    made.rotate()
    made.append()
    expected = halves(0, 2, 3, 5, 6, 8, 9, 11, 12, 13)
    assert footage(world) == expected
    made.close()
    made.end(Cause.ENDED)
    assert footage(world) == expected
    told = [
        (Cause.CORRUPT, "network"),
        (Cause.STALLED, None),
        (Cause.CORRUPT, "camera"),
        (Cause.CORRUPT, "server"),
        (Cause.ENDED, None),
    ]
    assert causes(world) == told
    with world.database.read() as conn:
        spans = conn.execute("SELECT start_us, end_us, segments, bytes > 0 FROM span ORDER BY 1").fetchall()
        shown = pieces(conn, CAMERA, T0_US, NOW_US)
    # A segment counts where it starts.
    assert [row[2:] for row in map(tuple, spans)] == [(1, 1), (0, 0), (1, 1), (0, 0), (1, 1)]
    # The second begins where the first, without a break, ends.
    assert [(p.start_us, p.end_us) for p in shown] == halves(0, 2, 3, 5, 6, 7, 7, 8, 9, 11, 12, 13)
    assert_consistent(world)
    for path in world.files_on_disk():
        found = read(path)
        scanned = decode(encode(found.index), found.tracks)
        assert scanned.holes == found.index.holes
    again = rebuilt(world)
    assert footage(again) == expected
    assert causes(again)[:-1] == told[:-1]


def test_tail_and_scan_say_the_same(world: World) -> None:
    made = recorder(world)
    for loss in (None, "network", "", None):
        made.append(loss)
    growing = read(world.files_on_disk()[0])
    made.close()
    closed = read(world.files_on_disk()[0])
    assert growing.tail is None and closed.tail is not None
    assert growing.index.holes == closed.index.holes == (Hole(1000, 1500, "network"), Hole(2000, 2500, ""))


@pytest.mark.parametrize("keep", [0, 1, 2, 3, 4, 5, 6, 99])
def test_killed_while_it_grows(world: World, keep: int) -> None:
    """Whatever the catalogue had heard, the file tells its holes."""
    made = recorder(world)
    made.catalogue.given, made.catalogue.keep = 0, keep
    made.append("network")
    made.append()
    made.append("camera")
    until_us = made.until_us - HALF_US
    report = world.reconcile(NOW_US, alive_us=until_us)
    assert report.adopted == 1
    assert_consistent(world, report)
    # The last hole is known, though nothing came after it.
    assert footage(world) == halves(0, 1, 2, 4)
    assert causes(world)[:2] == [(Cause.CORRUPT, "network"), (Cause.CORRUPT, "camera")]


def test_killed_and_what_was_written_last_is_lost(world: World) -> None:
    """The file ends before a hole that the catalogue knows of."""
    made = recorder(world)
    made.append()
    for loss in ("network", "camera", None):
        made.append(loss)
    path = world.files_on_disk()[0]
    end = int(read(path).index.fragments[0].sum())
    path.write_bytes(path.read_bytes()[:end])
    world.reconcile(NOW_US, alive_us=made.until_us)
    assert footage(world) == halves(0, 1)
    # Of a hole in what is gone nothing is told: all of it went with the server.
    assert {cause for cause, _ in causes(world)} == {Cause.SERVER_DOWN}


@pytest.mark.parametrize("late_us", [-150_000, 90_000])
def test_a_clock_that_drifts_moves_facts_with_their_holes(world: World, late_us: int) -> None:
    """A closed segment's media time is stretched to when it ended; the facts of its holes were told by the run's clock
    of then."""
    made = recorder(world)
    for loss in (None, None, "network", None, "", None, None):
        made.append(loss)
    assert footage(world) == halves(0, 3, 4, 6, 7, 9)
    handle = made.handles[-1]
    ticks = made.number * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
    end_us = made.until_us + late_us
    made.catalogue.put(
        lambda conn: segments.finish(
            conn,
            handle.key,
            end_us=end_us,
            media_end=ticks,
            frames=1,
            bytes_=1,
            sha256=None,
            found=handle.index.holes,
        )
    )
    made.end(Cause.ENDED, end_us)

    def wall(half: int) -> int:
        return START_US + half * 500 * (end_us - START_US) // ticks

    assert footage(world) == [(wall(a), wall(b)) for a, b in ((0, 3), (4, 6), (7, 9))]
    assert causes(world) == [(Cause.CORRUPT, "network"), (Cause.STALLED, None), (Cause.ENDED, None)]


def test_what_is_pruned_was_only_what_was_there(world: World) -> None:
    made = recorder(world)
    made.append("network")
    made.append()
    made.rotate()
    made.append()
    made.append("camera")
    made.append()
    made.close()
    made.end(Cause.ENDED)
    keys = [handle.key for handle in made.handles]
    for gone, left in ((keys[:1], halves(3, 5, 6, 7)), (keys[1:], [])):
        with world.database.write() as conn:
            garbage.discard(conn, gone, cause=Cause.PRUNED, detail={}, now_us=NOW_US)
        assert footage(world) == left
    assert causes(world) == [
        (Cause.PRUNED, None),
        (Cause.CORRUPT, "network"),
        (Cause.PRUNED, None),
        (Cause.CORRUPT, "camera"),
        (Cause.PRUNED, None),
        (Cause.ENDED, None),
    ]
    ledger = [fact for fact in world.facts() if fact.layer is Layer.FOOTAGE]
    assert sum(fact.detail["segments"] for fact in ledger) == 2
    with world.database.read() as conn:
        assert conn.execute("SELECT count(*) FROM hole").fetchone()[0] == 0


def test_a_growing_row_whose_file_is_gone(world: World) -> None:
    made = recorder(world)
    made.append("network")
    made.append()
    world.files_on_disk()[0].unlink()
    world.reconcile(NOW_US, alive_us=made.until_us)
    assert footage(world) == []
    assert [cause for cause, _ in causes(world)] == [
        Cause.MISSING,
        Cause.CORRUPT,
        Cause.MISSING,
        Cause.SERVER_DOWN,
    ]


def test_another_recorder_shows_what_one_has_lost(world: World) -> None:
    """Where two overlap, a hole of the one that wins is filled by the other."""
    first, second = recorder(world, epoch=1), recorder(world, epoch=2)
    for _ in range(5):
        first.append()
    second.append()
    second.append("network")
    second.append()
    for made in (first, second):
        made.close()
    with world.database.read() as conn:
        shown = pieces(conn, CAMERA, T0_US, NOW_US)
    assert [(p.segment.key.epoch, p.start_us, p.end_us) for p in shown] == [
        (epoch, *part) for epoch, part in zip((2, 1, 2, 1), halves(0, 2, 2, 3, 3, 4, 4, 5), strict=True)
    ]
    with world.database.write() as conn:
        facts.set_cause(conn, CAMERA, first.until_us, Cause.ENDED, {}, node=NODE, epoch=2)
    assert footage(world) == halves(0, 5)


def test_a_day_is_computed_again_when_a_class_changes(world: World) -> None:
    made = recorder(world)
    made.append("network")
    made.append()
    made.close()
    made.end(Cause.ENDED)
    tomorrow_us = (T0_US // DAY_US + 1) * DAY_US + DAY_US // 2
    closed_days.refresh(world.database, now_us=tomorrow_us)

    def dirty() -> int:
        with world.database.read() as conn:
            return int(conn.execute("SELECT sum(dirty) FROM coverage_day").fetchone()[0])

    assert dirty() == 0
    with world.database.write() as conn:
        conn.execute('UPDATE fact SET detail = \'{"class": "network", "lost_frames": 5}\' WHERE cause = \'corrupt\'')
    assert dirty() == 0
    with world.database.write() as conn:
        conn.execute("UPDATE fact SET detail = '{\"class\": \"camera\"}' WHERE cause = 'corrupt'")
    assert dirty() == 1


def test_check_compares_them_with_the_files(world: World) -> None:
    made = recorder(world)
    for loss in ("network", None, "", None):
        made.append(loss)
    made.close()
    made.end(Cause.ENDED)

    def found() -> list[CheckKind]:
        return [item.kind for item in check(world.database, world.roots, hashes=True) if isinstance(item, CheckFinding)]

    assert found() == []
    for statement in ("UPDATE hole SET loss = 'camera' WHERE loss = 'network'", "DELETE FROM hole"):
        with world.database.write() as conn:
            conn.execute(statement)
        assert found() == [CheckKind.HOLES]


def test_thousands_of_holes_cost_little(world: World) -> None:
    """A camera that loses a frame in each second of five minutes."""
    made = recorder(world)
    for _ in range(300):
        made.append("network")
    made.append()
    made.close()
    made.end(Cause.ENDED)
    assert len(footage(world)) == 301
    with world.database.read() as conn:
        (found,) = segments.between(conn, CAMERA, T0_US, NOW_US)
        assert segments.get(conn, Key(CAMERA, START_US, NODE, 1)) == found
    assert len(found.holes) == 300 and found.footage == footage(world)
