"""What a start finds and makes of it: adoption, files without rows, rows without files, roots, the lock."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from storage.catalogue import facts, segments
from storage.catalogue.node import Lock
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import IDENTITY_FILE, Root, open_root, register
from storage.errors import RootError, StorageError
from storage.retention import deleting as garbage
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera, assert_consistent, assert_partition

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US


def recording(world: World) -> None:
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US)


def test_cut_off_at_every_byte_whole_fragments_are_adopted(world: World) -> None:
    recording(world)
    path = world.part(T0_US, [0, 1, 2], row=False)
    data = path.read_bytes()
    header = len(data) - sum(len(mp4.fragment(n)[0]) for n in range(3))
    for size in [*range(header, len(data), 7), len(data)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[:size])
        report = world.reconcile(NOW_US)
        whole, at = 0, header
        while whole < 3 and at + len(mp4.fragment(whole)[0]) <= size:
            at += len(mp4.fragment(whole)[0])
            whole += 1
        assert_consistent(world, report)
        assert report.adopted == (whole > 0) and report.foreign == []
        answer = world.coverage(T0_US, NOW_US, NOW_US)
        assert_partition(answer)
        assert answer.recorded_us == whole * mp4.FRAGMENT_US
        with world.database.write() as conn:
            segments.discard(conn, Key(CAMERA, T0_US, NODE, 1))
        for left in world.files_on_disk():
            left.unlink()


def test_foreign_files_are_left_alone_and_reported(world: World) -> None:
    recording(world)
    good = world.part(T0_US, [0])
    world.part(T0_US + SECOND_US, [1], row=False, camera="other")
    folder = good.parent
    foreign = {
        folder / "notes.txt": b"x",
        folder / "10-00.000Z.1-n1.mp4": b"not ours",
        folder / "11-00.000Z.1-n1.part.mp4": good.read_bytes()[:200],
        folder / "12-00.000Z.1-n1.part.mp4": good.read_bytes(),
        folder / "13-00.000Z.1-n1.part.mp4": os.urandom(3000),
    }
    for path, data in foreign.items():
        path.write_bytes(data)
    report = world.reconcile(NOW_US)
    assert report.adopted == 1 and set(report.foreign) == {str(path) for path in foreign}
    assert all(path.read_bytes() == data for path, data in foreign.items())


def test_adoption_does_not_replace_a_segment(world: World) -> None:
    """A part file of the same millisecond: somebody put one of them there."""
    recording(world)
    path = world.part(T0_US, [0], final_name=True, enter=True)
    before = path.read_bytes()
    part = world.part(T0_US + 900, [0, 1])
    report = world.reconcile(NOW_US)
    assert path.read_bytes() == before and part.exists() and report.foreign == [str(part)]
    with world.database.read() as conn:
        assert [segment.key.start_us for segment in segments.growing(conn)] == [T0_US + 900]


def test_a_growing_row_without_a_file_is_missing_and_old_ones_are_found(world: World) -> None:
    recording(world)
    old = T0_US + SECOND_US
    world.part(old, [0, 1]).unlink()
    finished = world.part(old + 10 * SECOND_US, [2, 3])
    closed = world.part(old + 10 * SECOND_US, [2, 3], row=False, final_name=True)
    finished.unlink()
    late = old + 30 * 86_400 * SECOND_US
    report = world.reconcile(late, alive_us=late - 5)
    assert (report.missing, report.entered) == (1, 1) and closed.exists()
    assert_consistent(world, report)
    answer = world.coverage(old, late, late)
    assert_partition(answer)
    assert [(g.start_us, g.end_us) for g in answer.gaps if g.cause is Cause.MISSING] == [(old, old + SECOND_US)]


def test_an_unreadable_part_file_is_not_counted_as_footage(world: World) -> None:
    recording(world)
    path = world.part(T0_US, [0, 1])
    path.write_bytes(bytes(path.stat().st_size))
    report = world.reconcile(NOW_US)
    assert report.missing == 1 and report.foreign == [str(path)]
    answer = world.coverage(T0_US, NOW_US, NOW_US)
    assert_partition(answer)
    assert answer.recorded_us == 0


@pytest.mark.parametrize("zeros", [(0, 1 << 20), (0, 512), (512, 1024)])
@pytest.mark.parametrize("row", [True, False])
def test_a_file_whose_beginning_a_power_cut_took_goes(world: World, zeros: tuple[int, int], row: bool) -> None:
    """As ext4 leaves it: its length is there, and sectors of it are zero. A check finds nothing wrong afterwards."""
    part = world.part(T0_US, [0, 1, 2], row=row)
    data = bytearray(part.read_bytes())
    data[zeros[0] : min(zeros[1], len(data))] = bytes(min(zeros[1], len(data)) - zeros[0])
    part.write_bytes(data)
    os.utime(part, (T0_US / 1e6 + 2, T0_US / 1e6 + 2))
    report = world.reconcile(T0_US + 10_000_000)
    assert not part.exists() and not report.foreign and not report.adopted
    with world.database.read() as conn:
        assert not segments.growing(conn)
    assert_consistent(world)


def test_what_is_behind_a_block_that_a_power_cut_took_is_not_claimed(world: World) -> None:
    part = world.part(T0_US, range(40))
    data = bytearray(part.read_bytes())
    at = len(data) // 2 // 4096 * 4096
    data[at : at + 4096] = bytes(4096)
    part.write_bytes(data)
    report = world.reconcile(T0_US + 60_000_000)
    assert report.adopted == 1
    with world.database.read() as conn:
        (segment,) = segments.between(conn, CAMERA, T0_US, T0_US + 60_000_000)
    assert T0_US < segment.end_us < T0_US + 40 * mp4.FRAGMENT_US


def test_a_root_that_is_away_makes_nothing_missing_and_unlinks_nothing(world: World) -> None:
    recording(world)
    growing = world.part(T0_US, [0, 1])
    gone = world.part(T0_US + 10 * SECOND_US, [4], final_name=True, enter=True)
    with world.database.write() as conn:
        garbage.discard(
            conn, [Key(CAMERA, T0_US + 10 * SECOND_US, NODE, 1)], cause=Cause.PRUNED, detail={}, now_us=NOW_US
        )
    away = world.root.path.with_name("away")
    world.root.path.rename(away)
    world.root.path.mkdir()
    for _ in range(2):
        report = world.reconcile(NOW_US)
        assert (report.missing, report.unlinked) == (0, 0)
    (world.root.path / IDENTITY_FILE).write_text(json.dumps({"id": "another"}))
    assert world.reconcile(NOW_US).unlinked == 0
    (world.root.path / IDENTITY_FILE).unlink()
    world.root.path.rmdir()
    away.rename(world.root.path)
    report = world.reconcile(NOW_US)
    assert (report.missing, report.unlinked, report.adopted) == (0, 1, 1)
    assert not growing.exists() and not gone.exists()
    assert_consistent(world, report)


def test_footage_that_retention_gave_up_does_not_come_back(world: World) -> None:
    world.part(T0_US, [0], final_name=True, enter=True)
    with world.database.write() as conn:
        garbage.discard(conn, [Key(CAMERA, T0_US, NODE, 1)], cause=Cause.DELETED, detail={}, now_us=NOW_US)
    report = world.reconcile(NOW_US, only=[CAMERA])
    assert report.entered == 0
    with world.database.read() as conn:
        assert segments.get(conn, Key(CAMERA, T0_US, NODE, 1)) is None


def test_a_hole_between_segments_of_one_run_has_a_cause(world: World) -> None:
    """Two disks: the slower one lost the end of its segment, the next segment was already on the other."""
    recording(world)
    world.part(T0_US, [0, 1])
    world.part(T0_US + 5 * SECOND_US, [10, 11])
    world.reconcile(NOW_US, alive_us=T0_US + 6 * SECOND_US, cause=Cause.RECORDER_CRASHED)
    answer = world.coverage(T0_US, T0_US + 8 * SECOND_US, NOW_US)
    assert_partition(answer)
    assert {gap.cause for gap in answer.gaps} == {Cause.RECORDER_CRASHED}


def test_footage_the_catalogue_never_heard_of_moves_the_story(world: World) -> None:
    with world.database.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US - SECOND_US, Cause.UNREACHABLE, {}, node=NODE, epoch=1)
    world.part(T0_US, [0, 1], row=False)
    world.reconcile(NOW_US)
    answer = world.coverage(T0_US - SECOND_US, NOW_US, NOW_US)
    assert [(g.start_us - T0_US, g.cause) for g in answer.gaps] == [
        (-SECOND_US, Cause.UNREACHABLE),
        (SECOND_US, Cause.SERVER_DOWN),
    ]


@pytest.mark.parametrize("alive_us", [None, 5, NOW_US + 10**14])
def test_clocks_from_1970_and_from_the_future(world: World, alive_us: int | None) -> None:
    recording(world)
    world.part(T0_US, [0, 1])
    report = world.reconcile(NOW_US, alive_us=alive_us)
    assert report.adopted == 1
    assert_partition(world.coverage(T0_US - 10, NOW_US, NOW_US))


def test_a_start_in_1970_loses_nothing(world: World) -> None:
    recording(world)
    world.part(T0_US, [0, 1])
    assert world.reconcile(60 * SECOND_US, alive_us=NOW_US).adopted == 1
    assert_partition(world.coverage(T0_US - 10, NOW_US, NOW_US))


def test_an_unlistable_folder_does_not_keep_the_server_from_starting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(world)
    path = world.part(T0_US, [0])
    with world.database.write() as conn:
        add_camera(conn, "second")
    world.part(T0_US, [1], camera="second")
    listed = Path.iterdir

    def refusing(folder: Path) -> object:
        if folder == path.parent:
            raise PermissionError(13, "no", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert world.reconcile(NOW_US).adopted == 2, "a growing row names its file without a listing"


def test_a_fault_of_one_camera_is_not_anothers(world: World) -> None:
    with world.database.write() as conn:
        add_camera(conn, "second")
    recording(world)
    world.part(T0_US, [0, 1])
    world.part(T0_US, [2, 3], camera="second")
    report = world.reconcile(NOW_US, only=["second"])
    assert report.adopted == 1
    with world.database.read() as conn:
        assert [s.key.camera for s in segments.growing(conn)] == [CAMERA]


def test_root_identity(world: World, tmp_path: Path) -> None:
    path = world.root.path
    known = world.root.id
    assert open_root(path, known=known) == Root(known, path)
    with pytest.raises(RootError, match="expects other"):
        open_root(path, known="other")
    (path / IDENTITY_FILE).rename(path / "x")
    with pytest.raises(RootError, match="no identity file"), world.database.write() as conn:
        register(conn, [path])
    assert sorted(p.name for p in path.iterdir()) == ["x"], "something was written to it"
    for damaged in ("", "{}", "[]", "nonsense"):
        (path / IDENTITY_FILE).write_text(damaged)
        with pytest.raises(RootError, match="damaged"):
            open_root(path, known=known)
    (path / "x").rename(path / IDENTITY_FILE)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / IDENTITY_FILE).write_bytes((path / IDENTITY_FILE).read_bytes())
    with pytest.raises(RootError, match="copied"), world.database.write() as conn:
        register(conn, [path, copy])
    moved = path.with_name("moved")
    path.rename(moved)
    with world.database.write() as conn:
        assert register(conn, [moved]) == [Root(known, moved)]


def test_the_lock_keeps_a_second_server_out(tmp_path: Path) -> None:
    first = Lock([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(StorageError, match="locked"):
        Lock([tmp_path / "b"], patience_s=0.1)
    inherited = os.dup(first.fds[0])
    first.release()
    with pytest.raises(StorageError):
        Lock([tmp_path / "a"], patience_s=0.1)
    os.close(inherited)
    Lock([tmp_path / "a", tmp_path / "b"]).release()
