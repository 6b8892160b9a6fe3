"""Every tier of the table does what is asked of one, and a new one is a file and a line: the tests walk the table, and
read footage from a tier that they add to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nvr.playback.clip.clip import plan_clip
from nvr.playback.index_cache import IndexCache
from storage import tiers
from storage.catalogue import segments
from storage.disk.files import Files
from storage.disk.reading import EndsEarlyError, FileState, exists, refuse_existing
from storage.recovery.check import CheckFinding, check
from storage.recovery.scrub import scrub
from storage.retention import deleting
from storage.retention.applying import apply
from storage.retention.plan import Candidate, Deletion
from storage.tiers.base import Folder, OpenFile, Tier
from storage.tiers.local import LocalTier
from tests.playback.footage import CAMERA as FILMED
from tests.playback.footage import START_US, Studio
from tests.playback.frames import encode
from tests.storage.world import CAMERA, T0_US, World

S = 1_000_000


class Away:
    """A file that is held in memory: footage that is not on this machine's disks."""

    def __init__(self, path: Path, data: bytes, number: int) -> None:
        self.path = path
        self._data, self._number = data, number

    def state(self) -> FileState:
        return FileState(len(self._data), (0, self._number), 0)

    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, count: int) -> bytes:
        if offset + count > len(self._data):
            raise EndsEarlyError(self.path, len(self._data))
        return self._data[offset : offset + count]

    def read_into(self, buffers: Sequence[memoryview], offset: int, size: int) -> None:
        for buffer in buffers:
            buffer[:] = self.read_at(offset, len(buffer))
            offset += len(buffer)

    def will_need(self, offset: int, count: int) -> None:
        pass

    def forget(self, offset: int, count: int) -> None:
        pass

    def close(self) -> None:
        pass


class Archive:
    """A tier as somebody would add it. It takes over the files of a folder."""

    name = "archive"

    def __init__(self, folder: Path) -> None:
        self.held: dict[Path, bytes] = {}
        for path in sorted(folder.rglob("*.mp4")):
            self.held[path] = path.read_bytes()
            path.unlink()

    def open(self, path: Path) -> OpenFile:
        if path not in self.held:
            raise FileNotFoundError(path)
        return Away(path, self.held[path], hash(path))

    def stat(self, path: Path) -> FileState | None:
        return FileState(len(self.held[path]), (0, hash(path)), 0) if path in self.held else None

    def delete(self, root: Path, paths: Sequence[Path]) -> list[Path]:
        for path in paths:
            self.held.pop(path, None)
        return list(paths)

    def walk(self, top: Path, refused: Callable[[OSError], None]) -> Iterator[Folder]:
        for folder in sorted({path.parent for path in self.held if path.is_relative_to(top)}):
            yield Folder(folder, sorted(path.name for path in self.held if path.parent == folder))


@pytest.fixture(params=[*tiers.TIERS, "archive"])
def tier_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Tier]:
    """The tier that holds what was recorded in a folder: each of the table, and one that is added to it."""

    def get(folder: Path) -> Tier:
        if request.param == "archive":
            archive = Archive(folder)
            monkeypatch.setattr(tiers, "TIERS", {**tiers.TIERS, archive.name: archive})
        return tiers.TIERS[request.param]

    return get


def test_the_table_names_each_tier_as_it_names_itself() -> None:
    assert {name: tier.name for name, tier in tiers.TIERS.items()} == {name: name for name in tiers.TIERS}
    assert tiers.TIERS["local"] is tiers.LOCAL


def test_a_tier_reads_what_was_recorded(tier_of: Callable[[Path], Tier], tmp_path: Path) -> None:
    path = tmp_path / "cam" / "2026-01-01" / "00" / "x.mp4"
    path.parent.mkdir(parents=True)
    data = bytes(range(256)) * 40
    path.write_bytes(data)
    tier = tier_of(tmp_path)
    state = tier.stat(path)
    assert state is not None and state.size == len(data)
    assert tier.stat(path.with_name("y.mp4")) is None
    with pytest.raises(FileNotFoundError):
        tier.open(path.with_name("y.mp4"))
    file = tier.open(path)
    assert (file.path, file.size(), file.state().identity) == (path, len(data), state.identity)
    assert file.read_at(0, 5) == data[:5] and file.read_at(len(data) - 3, 3) == data[-3:]
    assert file.read_at(len(data), 0) == b""
    for offset, count in ((len(data) - 3, 4), (len(data), 1)):
        with pytest.raises(EndsEarlyError) as caught:
            file.read_at(offset, count)
        assert caught.value.at == len(data) and caught.value.filename == str(path)
    views = [memoryview(bytearray(size)) for size in (1, 700, 0, 33)]
    file.read_into(views, 100, 734)
    assert b"".join(views) == data[100:834]
    with pytest.raises(EndsEarlyError):
        file.read_into([memoryview(bytearray(10))], len(data) - 9, 10)
    file.will_need(0, len(data))
    file.forget(0, len(data))
    assert [(folder.path, folder.names) for folder in tier.walk(tmp_path, lambda _: None) if folder.names] == [
        (path.parent, ["x.mp4"])
    ]
    assert tier.delete(tmp_path, [path]) == [path]
    # What is open stays readable.
    assert file.read_at(0, 5) == data[:5]
    file.close()
    file.close()
    assert tier.stat(path) is None and not [folder for folder in tier.walk(tmp_path, lambda _: None) if folder.names]
    # Deleted already: it will not come back either.
    assert tier.delete(tmp_path, [path]) == [path]


def test_a_clip_is_the_same_from_every_tier(tier_of: Callable[[Path], Tier], tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    run = studio.record(encode("h264", 90), START_US)

    def clip(cache: IndexCache) -> bytes:
        planned = plan_clip(studio.database, cache, FILMED, START_US + 700_000, run.end_us)
        try:
            return planned.read(0, planned.size - 1)
        finally:
            planned.close()

    truth = clip(studio.cache)
    assert clip(IndexCache(studio.database, tier=tier_of(studio.root))) == truth
    studio.database.close()


def test_scrub_check_and_retention_go_through_the_tier(tier_of: Callable[[Path], Tier], world: World) -> None:
    paths = [world.part(T0_US + n * 10 * S, [2 * n, 2 * n + 1], final_name=True, enter=True) for n in range(3)]
    sizes = [path.stat().st_size for path in paths]
    tier = tier_of(world.root.path)
    done = scrub(world.database, [world.root], 1 << 40, threading.Event(), tier)
    assert (done.segments, done.bytes, done.bad) == (3, sum(sizes), [])
    for hashes in (False, True):
        found = check(world.database, [world.root], hashes=hashes, tier=tier)
        assert not [each for each in found if isinstance(each, CheckFinding)]
    with world.database.read() as conn:
        row = segments.between(conn, CAMERA, T0_US, T0_US + S)[0]
    apply(
        world.database,
        [Deletion(Candidate(row.key, row.end_us, row.bytes, row.root), "max_age")],
        now_us=T0_US + 600 * S,
        tier=tier,
    )
    assert [tier.stat(path) is None for path in paths] == [True, False, False]
    assert deleting.sweep(world.database, tier) == 0


def test_a_disk_that_does_not_say_is_not_a_file_that_is_not_there(tmp_path: Path) -> None:
    class Silent(Files):
        def stat(self, path: Path) -> os.stat_result:
            raise OSError(5, "Input/output error")

    path = tmp_path / "x.mp4"
    assert exists(path, Silent()) is None and exists(path) is False
    with pytest.raises(OSError, match="does not say"):
        refuse_existing(path, Silent())
    refuse_existing(path)
    with pytest.raises(OSError, match="Input/output"):
        LocalTier(Silent()).stat(path)
    path.touch()
    with pytest.raises(FileExistsError):
        refuse_existing(path)
