"""The cache of indexes: read once, extended as a file grows, bounded, and never an index of another file."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable

import numpy as np
import pytest

from nvr.playback import index_cache
from nvr.playback.errors import FootageDamaged, FootageGone
from nvr.playback.index_cache import IndexCache
from storage.catalogue import segments
from storage.catalogue.segments import Segment
from storage.format import segment_file
from storage.format.sample_index import SegmentIndex
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode, sound
from tests.support.segments import read


def rows(studio: Studio) -> list[Segment]:
    with studio.database.read() as conn:
        return segments.between(conn, CAMERA, START_US - 10**9, START_US + 10**12)


def same(one: SegmentIndex, two: SegmentIndex) -> bool:
    return np.array_equal(one.fragments, two.fragments) and all(
        a.track == b.track
        and all(
            np.array_equal(getattr(a, name), getattr(b, name))
            for name in ("fragments", "sizes", "durations", "offsets", "sync", "decode_times", "byte_offsets")
        )
        for a, b in zip(one.tracks, two.tracks, strict=True)
    )


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whole files read, by their size."""
    found: list[int] = []

    def read_counted(file: segment_file.Readable) -> segment_file.SegmentFile:
        found.append(file.size())
        return segment_file.read(file)

    monkeypatch.setattr(index_cache, "read", read_counted)
    return found


def test_a_closed_segment_is_read_once(studio: Studio, reads: list[int]) -> None:
    studio.record(encode("h264", 80), START_US)
    for _ in range(3):
        for row in rows(studio):
            assert same(studio.cache.get(row).index, read(row.path).index)
    assert len(reads) == 2


def test_samples_are_bounded_and_the_oldest_go(studio: Studio, reads: list[int]) -> None:
    studio.record(encode("h264", 120), START_US)
    cache = IndexCache(studio.database, most_samples=85)
    one, two, three = rows(studio)
    for row in (one, two, one, three):
        cache.get(row)
        assert cache.samples <= 85
    assert len(reads) == 3
    cache.get(one)
    assert len(reads) == 3
    cache.get(two)
    assert len(reads) == 4


def test_a_growing_segment_is_extended(studio: Studio, reads: list[int]) -> None:
    growing = studio.growing(encode("h264b", 60, jitter=500), START_US, audio=sound(6), segment_s=100)
    for _ in growing:
        (row,) = rows(studio)
        found = studio.cache.get(row)
        assert same(found.index, read(row.path).index)
        assert found.whole_bytes == row.path.stat().st_size
    assert len(reads) == 1
    growing.close()
    (row,) = rows(studio)
    found = studio.cache.get(row)
    assert found.tail is not None
    assert same(found.index, read(row.path).index)
    assert len(reads) == 2


def test_what_is_not_whole_waits(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 60), START_US, segment_s=100)
    steps = iter(growing)
    next(steps)
    (row,) = rows(studio)
    frames = []
    for number, _ in enumerate(steps):
        whole = bytes(growing.data)
        # The last fragment arrives in two halves.
        cut = len(whole) - 10 * (number + 1)
        growing.path.write_bytes(whole[:cut])
        assert studio.cache.get(row).whole_bytes <= cut
        growing.path.write_bytes(whole)
        frames.append(studio.cache.get(row).index.video.count)
    assert frames == sorted(frames)
    assert frames[-1] == 60


def test_a_file_that_was_renamed_before_the_catalogue_knew(studio: Studio) -> None:
    studio.record(encode("h264", 60), START_US, segment_s=100, closed=False)
    (row,) = rows(studio)
    final = row.path.with_name(row.path.name.replace(".part", ""))
    row.path.rename(final)
    assert studio.cache.get(row).index.video.count == 60


def test_a_row_older_than_the_file(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 60), START_US, segment_s=100)
    for _ in growing:
        pass
    (row,) = rows(studio)
    growing.close()
    assert row.growing
    opened = studio.cache.open(row)
    assert opened.file.index.video.count == 60
    opened.close()
    opened.close()


def _gone(row: Segment) -> None:
    row.path.unlink()


def _foreign(row: Segment) -> None:
    row.path.write_bytes(b"not a segment at all" * 10)


def _cut(row: Segment) -> None:
    os.truncate(row.path, 100)


def _other(row: Segment) -> None:
    shutil.copy(next(path for path in row.path.parent.iterdir() if path != row.path), row.path)


@pytest.mark.parametrize(
    ("spoil", "error", "code"),
    [
        (_gone, FootageGone, "footage_gone"),
        (_foreign, FootageDamaged, "footage_damaged"),
        (_cut, FootageDamaged, "footage_damaged"),
        (_other, FootageDamaged, "footage_damaged"),
    ],
)
def test_a_spoilt_file_is_told(
    studio: Studio, spoil: Callable[[Segment], None], error: type[FootageGone], code: str
) -> None:
    studio.record(encode("h264", 80), START_US)
    one, two = rows(studio)
    spoil(one)
    with pytest.raises(error) as caught:
        studio.cache.get(one)
    assert caught.value.code == code
    assert str(studio.root) not in str(caught.value)
    # The others are not concerned.
    assert studio.cache.get(two).index.video.count == 40


def test_many_threads(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 120), START_US)
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                for row in rows(studio):
                    index = studio.cache.get(row).index
                    assert index.video.count == int(index.video.fragments[:, 2].sum())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in growing:
        pass
    growing.close()
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert studio.cache.samples == sum(studio.cache.get(row).index.video.count for row in rows(studio))
