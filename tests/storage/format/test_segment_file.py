"""Segment files: index by tail and by scan, cut off anywhere, damaged anywhere, foreign."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.format.boxes import BoxError, Hole, parse_init, parse_moof
from storage.format.index_builder import IndexBuilder, scan
from storage.format.sample_index import SegmentIndex
from storage.format.sample_index_codec import decode, encode
from storage.format.segment_file import Head, Tail, head_box, tail_box
from tests.storage import mp4
from tests.support.segments import read

HEAD = Head("cam", "n1", 1, 0, 0, 0, mp4.TIMESCALE)


def build(count: int, *, audio: bool = False, tail: bool = True) -> tuple[bytes, list[int], IndexBuilder]:
    """A file, where each of its parts ends, and its index."""
    data = mp4.init_bytes(audio) + head_box(HEAD)
    ends = [len(data)]
    index = IndexBuilder(mp4.tracks(audio))
    for number in range(count):
        raw, fragment = mp4.fragment(number, audio=audio)
        index.add(len(data), len(raw), fragment)
        data += raw
        ends.append(len(data))
    if tail:
        data += tail_box(Tail(1, 2, 3, "test", "00"), index.packed())
    return data, ends, index


@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9])
def test_who_writes_makes_the_same_bytes_without_numpy(audio: bool, count: int) -> None:
    index = build(count, audio=audio)[2]
    if count:
        index.holes += [Hole(3, 5, "network"), Hole(7, 8, "")]
    assert index.packed() == encode(index.build())


def same(a: SegmentIndex, b: SegmentIndex) -> bool:
    return np.array_equal(a.fragments, b.fragments) and all(
        x.track == y.track
        and all(
            np.array_equal(getattr(x, name), getattr(y, name))
            for name in ("fragments", "sizes", "durations", "offsets", "sync", "decode_times", "byte_offsets")
        )
        for x, y in zip(a.tracks, b.tracks, strict=True)
    )


@pytest.mark.parametrize("audio", [False, True])
def test_index_from_the_tail_is_the_index_by_scan(tmp_path: Path, audio: bool) -> None:
    data, ends, index = build(7, audio=audio)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    closed = read(path)
    path.write_bytes(data[: ends[-1]])
    growing = read(path)
    assert closed.tail == Tail(1, 2, 3, "test", "00") and growing.tail is None
    assert same(closed.index, growing.index) and same(closed.index, index.build())
    assert closed.whole_bytes == growing.whole_bytes == ends[-1]
    assert closed.index.media_end == 7 * 500
    assert [row.start for row in closed.index.rows()] == [500 * n for n in range(7)]


def test_cut_off_at_every_byte_it_has_its_whole_fragments(tmp_path: Path) -> None:
    data, ends, _ = build(3)
    path = tmp_path / "a.mp4"
    for size in range(len(data)):
        path.write_bytes(data[:size])
        if size < ends[0]:
            with pytest.raises(BoxError):
                read(path)
            continue
        found = read(path)
        whole = max(end for end in ends if end <= size)
        assert (found.whole_bytes, found.tail) == (whole, None), size
        assert len(found.index.fragments) == ends.index(whole)


@pytest.mark.parametrize("zeros", [1, 8, 100, 5000])
def test_a_tail_of_zeros_is_not_footage(tmp_path: Path, zeros: int) -> None:
    data, ends, _ = build(3, tail=False)
    path = tmp_path / "a.mp4"
    for end in ends:
        path.write_bytes(data[:end] + bytes(zeros))
        assert read(path).whole_bytes == end


def test_a_damaged_tail_does_not_cost_the_fragments(tmp_path: Path) -> None:
    data, ends, _ = build(3)
    path = tmp_path / "a.mp4"
    for at in range(ends[-1], len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        path.write_bytes(damaged)
        found = read(path)
        assert len(found.index.fragments) == 3 and found.whole_bytes == ends[-1], at
    path.write_bytes(data[: ends[-1]] + bytes(len(data) - ends[-1] - 8) + data[-8:])
    assert read(path).whole_bytes == ends[-1]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_anywhere_is_a_box_error_or_whole_fragments(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    good, _, _ = build(2, audio=data.draw(st.booleans()))
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1))
        length = data.draw(st.integers(1, 8))
        bad[at : at + length] = data.draw(st.binary(min_size=0, max_size=8))
    path = tmp_path_factory.getbasetemp() / "fuzz.mp4"
    path.write_bytes(bad)
    try:
        found = read(path)
        assert found.index.media_end is not None
        assert found.end_us is not None
        for row in found.index.rows():
            assert row.offset >= 0 and row.offset + row.size <= len(bad)
    except BoxError:
        return
    assert (found.index.fragments.sum(axis=1) <= found.whole_bytes).all()


@given(st.binary(max_size=200))
def test_foreign_bytes_are_box_errors(data: bytes) -> None:
    for parse in (parse_init, parse_moof):
        with pytest.raises(BoxError):
            parse(data)
    with pytest.raises(BoxError):
        decode(data, mp4.tracks())


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_moof_is_a_box_error_or_a_fragment(data: st.DataObject) -> None:
    bad = bytearray(mp4.moof(1, [(1, 0, [(4, 100, 0, True), (5, 100, 0, False)])]))
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(8, len(bad) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BoxError):
        parse_moof(bytes(bad))


def test_a_small_file_can_not_fill_the_memory(tmp_path: Path) -> None:
    # Samples that take all their values from defaults, and a bomb in the tail's index.
    trun = mp4.full_box(b"trun", 0, 1, struct.pack(">Ii", 0xFFFFFFFF, 0))
    tfhd = mp4.full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1))
    moof = mp4.box(b"moof", mp4.box(b"traf", tfhd, mp4.full_box(b"tfdt", 0, 0, bytes(4)), trun))
    bomb = zlib.compress(bytes(300 << 20), 9)
    tracemalloc.start()
    try:
        with pytest.raises(BoxError):
            parse_moof(moof)
        with pytest.raises(BoxError):
            decode(bomb, mp4.tracks())
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "change",
    [
        {"camera": "../x"},
        {"camera": 5},
        {"node": ""},
        {"epoch": "1"},
        {"start_us": 1.5},
        {"timescale": 0},
        {"start_us": 1 << 80},
    ],
)
def test_a_head_of_impossible_values_is_a_box_error(tmp_path: Path, change: dict[str, object]) -> None:
    values = {name: getattr(HEAD, name) for name in Head.__dataclass_fields__} | change
    path = tmp_path / "a.mp4"
    path.write_bytes(mp4.init_bytes() + head_box(Head(**values)))
    with pytest.raises(BoxError):
        read(path)


def test_an_index_that_contradicts_itself_is_refused() -> None:
    _, _, builder = build(3)
    for table, row, column, value in (
        ("f", 0, 0, 1 << 40),
        ("t", 1, 1, 99),
        ("t", 2, 0, 7),
        ("t", 0, 3, 0),
        ("t", 0, 2, 0),
    ):
        index = decode(encode(builder.build()), mp4.tracks())
        (index.fragments if table == "f" else index.video.fragments)[row, column] = value
        with pytest.raises(BoxError):
            decode(encode(index), mp4.tracks())


def test_a_scan_stops_where_a_file_still_grows() -> None:
    data, ends, _ = build(3, tail=False)
    for limit in range(ends[0], len(data) + 1):
        builder = IndexBuilder(mp4.tracks())
        at = scan(lambda offset, size: data[offset : offset + size], ends[0], limit, builder)
        assert at == max(end for end in ends if end <= limit)


def test_runs_that_do_not_follow_one_another_are_refused() -> None:
    def trun(offset: int) -> bytes:
        return mp4.full_box(b"trun", 0, 0x201, struct.pack(">IiI", 1, offset, 10))

    tfhd = mp4.full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1))
    tfdt = mp4.full_box(b"tfdt", 0, 0, bytes(4))
    good = mp4.box(b"moof", mp4.box(b"traf", tfhd, tfdt, trun(100), trun(110)))
    assert len(parse_moof(good).tracks[0].samples) == 2
    with pytest.raises(BoxError):
        parse_moof(mp4.box(b"moof", mp4.box(b"traf", tfhd, tfdt, trun(100), trun(111))))
