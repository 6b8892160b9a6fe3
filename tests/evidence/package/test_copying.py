"""What is copied is what was recorded, however slow the disks are, whatever the fragments' sizes, wherever the range
ends: byte for byte."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.evidence.making.package import make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.package import copying, hashed_files, rebasing
from nvr.evidence.package.copying import write_sealed
from nvr.evidence.seal.errors import SourceChanged, WronglyWritten
from nvr.evidence.seal.oeff import ExportUnit, SealSource
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from nvr.playback.index_cache import IndexCache
from storage.disk.files import Files
from storage.format.boxes import Track, children, parse_moof
from storage.tiers.local import LocalTier
from tests.evidence.made import UNIT, request_of
from tests.evidence.synthetic import Recorded, record
from tests.nightly import IS_NIGHT
from tests.playback.footage import START_US, Studio

MIB = 1 << 20


def fragments_of(path: Path) -> list[tuple[list[tuple[int, bytes]], int]]:
    """The samples (duration, bytes) of each fragment of a sealed file, and its number."""
    data = path.read_bytes()
    found, moof = [], b""
    for box in children(data, 0, len(data)):
        if box.kind == b"moof":
            moof = data[box.start : box.end]
        elif box.kind == b"mdat":
            fragment = parse_moof(moof)
            at, samples = box.payload, []
            for size, duration, *_ in fragment.tracks[0].samples.tolist():
                samples.append((duration, data[at : at + size]))
                at += size
            assert at == box.end
            found.append((samples, fragment.sequence))
    return found


def assert_same(recorded: Recorded, folder: Path, start_us: int, end_us: int) -> None:
    """The package's only file holds exactly the fragments that the range needs."""
    shown = [s for s in recorded.samples if start_us <= recorded.wall_us(s.pts) < end_us]
    first = max((s.fragment for s in recorded.samples if s.sync and s.pts <= shown[0].pts), default=0)
    last = shown[-1].fragment
    expected = [
        [sample.data for sample in recorded.samples if sample.fragment == number] for number in range(first, last + 1)
    ]
    (movie,) = folder.glob("*.mp4")
    found = fragments_of(movie)
    assert [number for _, number in found] == list(range(1, len(expected) + 1))
    assert [[data for _, data in samples] for samples, _ in found] == expected


def export(
    studio: Studio,
    signer: Signer,
    folder: Path,
    start_us: int,
    end_us: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    plan = plan_export(studio.database, studio.cache, request_of(start_us, end_us), now_us=START_US + 10**12)
    package = make_package(plan, studio.cache, signer, UNIT, folder, progress=progress)
    assert not package.warnings
    return package.path


def test_a_slow_writer_loses_nothing_to_a_fast_reader(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    # Behind the range's end there is more in the segment than could ever wait: it is read, for the hash, as fast as the
    # disk gives it.
    recorded = record(studio, START_US, [[60_000] * 10] * 40)
    end_us = START_US + 4_000_000 - 1
    calls = itertools.count()

    def progress(done: int, total: int) -> None:
        if next(calls) < 12:
            time.sleep(0.05)  # sleep: the writer is slow

    path = export(studio, signer, tmp_path / "package", START_US, end_us, progress)
    assert_same(recorded, path, START_US, end_us)
    assert verify(path).outcome == "valid"


class _Slow:
    """``os`` as the copying sees it when it writes, with a disk that stalls and takes less than it is given."""

    def __init__(self, chance: random.Random, *, most_bytes: int, stalls: float) -> None:
        self._chance, self._most, self._stalls = chance, most_bytes, stalls

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def _wait(self) -> None:
        if self._chance.random() < self._stalls:
            time.sleep(self._chance.choice([0.0, 0.001, 0.005]))  # sleep: the disk is slow

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        self._wait()
        return os.write(fd, memoryview(data)[: self._chance.randint(1, self._most)])

    def disk(self) -> Files:
        """A disk that stalls and gives less than it is asked for."""

        class Slow(Files):
            def read(_, fd: int, count: int, offset: int) -> bytes:
                self._wait()
                return os.pread(fd, self._chance.randint(1, min(count, self._most)) if count else 0, offset)

        return Slow()


shapes = st.one_of(
    # Small ones, of which many fit into a block, and large ones, none of which does.
    st.lists(st.lists(st.integers(0, 40_000), min_size=1, max_size=8), min_size=2, max_size=60),
    st.lists(st.lists(st.integers(1, 900_000), min_size=1, max_size=4), min_size=2, max_size=12),
    st.lists(st.sampled_from([[MIB - 200], [MIB], [MIB + 1], [3 * MIB], [10]]), min_size=2, max_size=8),
)


@settings(
    max_examples=1_000 if IS_NIGHT else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), sizes=shapes, gop=st.integers(1, 4), seed=st.integers(0, 1 << 30), ppm=st.integers(-500, 500))
def test_any_shape_any_range_any_disk(
    data: st.DataObject,
    sizes: list[list[int]],
    gop: int,
    seed: int,
    ppm: int,
    signer: Signer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    studio = Studio(folder)
    try:
        recorded = record(studio, START_US, sizes, seed=seed, gop=gop, ppm=ppm)
        walls = [recorded.wall_us(sample.pts) for sample in recorded.samples]
        near = st.builds(lambda wall, by: wall + by, st.sampled_from(walls), st.sampled_from([-1, 0, 1]))
        start_us = data.draw(near)
        end_us = data.draw(near.filter(lambda at: any(start_us <= wall < at for wall in walls)))
        chance = random.Random(seed)
        slow = _Slow(chance, most_bytes=chance.choice([1_000, 70_000, 4 * MIB]), stalls=chance.choice([0.0, 0.2]))
        with pytest.MonkeyPatch.context() as patch:
            if sum(map(sum, sizes)) < 200 * 1_000 or slow._most > 1_000:
                patch.setattr(hashed_files, "os", slow)
                studio.cache = IndexCache(studio.database, tier=LocalTier(slow.disk()))
            path = export(studio, signer, folder / "package", start_us, end_us)
        assert_same(recorded, path, start_us, end_us)
    finally:
        studio.database.close()


@pytest.mark.parametrize("by", [-1, 0, 1])
def test_ranges_that_end_at_every_boundary_of_a_block(
    by: int, studio: Studio, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = 64 << 10
    monkeypatch.setattr(copying, "_BLOCK_BYTES", block)
    # What is around the data of a fragment of one frame; four of them fill a block, or miss it by one.
    around = record(studio, START_US - 10**9, [[0]]).places[0][1]
    sizes = [[block // 4 - around + (by if number % 4 == 3 else 0)] for number in range(24)]
    recorded = record(studio, START_US, sizes)
    begin = recorded.places[0][0]
    at_ends = [(offset + size - begin) % block for offset, size in recorded.places]
    assert len([at for at in at_ends if at in (0, 1, block - 1)]) >= (6 if by == 0 else 1)
    for number in range(len(sizes)):
        for more in (-1, 0, 1):
            end_us = recorded.wall_us(recorded.samples[number].pts) + more
            if end_us <= START_US:
                continue
            plan = plan_export(studio.database, studio.cache, request_of(START_US, end_us), now_us=START_US + 10**12)
            folder = tmp_path / f"{number} {more}"
            folder.mkdir()
            write_sealed(folder / "a.mp4", plan.files[0], studio.cache, signer, unit_of, progress=slowly)
            assert_same(recorded, folder, START_US, end_us)


def unit_of(tracks: Sequence[Track]) -> ExportUnit:
    return ExportUnit("Test", 1, "ines", tuple(SealSource(track.track_id, "Gate") for track in tracks))


def slowly(count: int) -> None:
    time.sleep(0.0005)  # sleep: the writer is slow


def test_a_disk_that_gives_other_bytes_the_second_time_makes_no_package(
    studio: Studio, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = record(studio, START_US, [[5_000] * 5] * 10)

    def write(fd: int, data: bytes | bytearray | memoryview) -> int:
        wrong = bytearray(data)
        if len(wrong) > 100_000:
            wrong[len(wrong) // 2] ^= 1
        return os.write(fd, wrong)

    class Lying(_Slow):
        def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
            return write(fd, data)

    monkeypatch.setattr(hashed_files, "os", Lying(random.Random(0), most_bytes=1 << 30, stalls=0))
    with pytest.raises(WronglyWritten, match="not what was recorded"):
        export(studio, signer, tmp_path / "package", START_US, recorded.end_us)
    assert not (tmp_path / "package").exists()


def test_a_copier_that_mixes_blocks_up_is_found_out(
    studio: Studio, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What it writes is hashed and signed as it is: only the comparison with the recorded file can tell.
    recorded = record(studio, START_US, [[300_000] * 2] * 10)
    whole = hashed_files.HashedOutput.write
    done: list[int] = []

    def swapping(self: hashed_files.HashedOutput, data: bytes | bytearray) -> None:
        if len(data) > MIB and not done:
            done.append(1)
            data = bytearray(data)
            data[300_000:300_010] = b"x" * 10
        whole(self, data)

    monkeypatch.setattr(hashed_files.HashedOutput, "write", swapping)
    with pytest.raises(WronglyWritten, match="of the recorded file differ"):
        export(studio, signer, tmp_path / "package", START_US, recorded.end_us)


def test_a_disk_that_ends_early_or_fails_makes_no_package(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    recorded = record(studio, START_US, [[200_000] * 2] * 10)

    class Ends(Files):
        least = 0

        def read(self, fd: int, count: int, offset: int) -> bytes:
            # Its index is at its end.
            return b"" if offset > 2 * MIB and count > self.least else super().read(fd, count, offset)

    disk = Ends()
    studio.cache = IndexCache(studio.database, tier=LocalTier(disk))
    # Not "nothing was recorded".
    with pytest.raises(SourceChanged, match=r"none of what was recorded .* ends at byte"):
        export(studio, signer, tmp_path / "package", START_US, recorded.end_us)
    # Fragments are read one by one to plan, and a megabyte at a time to copy.
    disk.least = 500_000
    with pytest.raises(SourceChanged, match="earlier than it did"):
        export(studio, signer, tmp_path / "package", START_US, recorded.end_us)
    assert not (tmp_path / "package").exists()


def test_fragments_that_are_not_numbered_in_order_are_no_export(
    studio: Studio, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = record(studio, START_US, [[200] * 2] * 10)
    patch = copying.patch

    def forgetful(data: memoryview, at: int, end: int, sequence: int, rebase: rebasing.Rebase) -> None:
        patch(data, at, end, 77 if sequence == 3 else sequence, rebase)

    monkeypatch.setattr(copying, "patch", forgetful)
    with pytest.raises(WronglyWritten, match="fragment 3 has the number 77"):
        export(studio, signer, tmp_path / "package", START_US, recorded.end_us)
