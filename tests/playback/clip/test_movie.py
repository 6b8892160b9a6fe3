"""The moov itself: tables against what they stand for, and files beyond four gigabytes."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from nvr.playback.clip.movie import Lazy, MovieTrack, Pieces, Table, header, length, run_count, runs, track_boxes, u32
from nvr.playback.clip.timeline import Edit
from storage.format.boxes import BoxError, children
from tests.playback.footage import fragments
from tests.playback.frames import encode, sound


def find(data: bytes, *path: bytes) -> bytes:
    """The payload of a box inside boxes."""
    for kind in path:
        box = next(box for box in children(data, 0, len(data)) if box.kind == kind)
        data = data[box.payload : box.end]
    return data


def table(*rows: bytes, row_bytes: int) -> Table:
    """A table in shares of whole rows."""
    return Table([(len(data) // row_bytes, lambda data=data: data) for data in rows])  # type: ignore[misc]


def track(init: bytes, positions: list[int]) -> MovieTrack:
    def u4(*values: int) -> bytes:
        return u32(np.array(values, np.int64))

    return MovieTrack(
        track_boxes(init)[1],
        samples=4,
        times=table(runs(np.array([5, 5, 7, 7])), row_bytes=8),
        offsets=table(runs(np.array([0], np.int32)), runs(np.array([-3, 2, 2], np.int32)), row_bytes=8),
        has_negative_offsets=True,
        sync=table(u4(1), u4(4), row_bytes=4),
        chunk_runs=table(u4(1, 2, 1), row_bytes=12),
        sizes=table(u4(10, 20), u4(30, 40), row_bytes=4),
        positions=[(1, lambda at=at: np.array([at])) for at in positions],  # type: ignore[misc]
        edits=(Edit(5, 19),),
        duration=24,
    )


def data_of(pieces: Pieces) -> bytes:
    return b"".join(piece.data() if isinstance(piece, Lazy) else piece for piece in pieces)


@pytest.mark.parametrize("payload_bytes", [100, 5 << 30])
def test_tables(payload_bytes: int) -> None:
    init, _ = fragments(encode("h264", 30), None)
    wide = payload_bytes > 1 << 32
    second = 30 if not wide else (5 << 30) - 70
    pieces = header([track(init, [0, second])], 90_000, 19, 0, payload_bytes)
    head = data_of(pieces)
    assert length(pieces) == len(head)
    mdat = (
        struct.pack(">I4sQ", 1, b"mdat", payload_bytes + 16)
        if wide
        else struct.pack(">I4s", payload_bytes + 8, b"mdat")
    )
    assert head.endswith(mdat)
    moov = head[: -len(mdat)]
    stbl = find(moov, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    assert find(stbl, b"stts") == struct.pack(">I5I", 0, 2, 2, 5, 2, 7)
    # Something is negative, so version 1.
    assert find(stbl, b"ctts") == struct.pack(">IIIiIiIi", 1 << 24, 3, 1, 0, 1, -3, 2, 2)
    assert find(stbl, b"stss") == struct.pack(">4I", 0, 2, 1, 4)
    assert find(stbl, b"stsc") == struct.pack(">5I", 0, 1, 1, 2, 1)
    assert find(stbl, b"stsz") == struct.pack(">7I", 0, 0, 4, 10, 20, 30, 40)
    places = struct.unpack(">2Q" if wide else ">2I", find(stbl, b"co64" if wide else b"stco")[8:])
    assert places == (len(head), len(head) + second)
    elst = find(moov, b"moov", b"trak", b"edts", b"elst")
    assert elst == struct.pack(">IIQqI", 1 << 24, 1, 19, 5, 0x10000)


def test_streams_are_described_by_the_very_bytes_of_the_init() -> None:
    init, _ = fragments(encode("h265", 30), sound(3))
    for number, boxes in track_boxes(init).items():
        assert boxes.track_id == number
        assert boxes.stsd in init
        assert boxes.stsd[4:8] == b"stsd"
        assert len(boxes.tkhd_tail) == 52


@pytest.mark.parametrize("values", [[7], [7, 7], [7, 8], [1, 1, 2, 1, 1, 1], [-1, 3]])
def test_runs_are_counted_as_they_are_made(values: list[int]) -> None:
    array = np.array(values, np.int32)
    rows = np.frombuffer(runs(array), ">u4").reshape(-1, 2)
    assert len(rows) == run_count(array)
    assert [v for count, v in rows.tolist() for _ in range(count)] == [v & 0xFFFFFFFF for v in values]


def test_a_table_that_was_miscounted_is_told() -> None:
    with pytest.raises(ValueError, match="counted"):
        Lazy(3, lambda: b"12").data()


def test_a_damaged_init_is_told() -> None:
    init, _ = fragments(encode("h264", 30), None)
    with pytest.raises(BoxError):
        track_boxes(init.replace(b"stsd", b"nope"))
    with pytest.raises(BoxError):
        track_boxes(b"")
