"""Byte ranges of segment files."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.playback.errors import FootageDamaged, FootageGone, RangeNotSatisfiable
from nvr.playback.hls.names import parse_segment_name, parse_zero, segment_uri
from nvr.playback.media import open_media, parse_range
from storage.catalogue.segments import Key
from storage.format.boxes import children, parse_moof
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode, sound
from tests.support.segments import read


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 99)),
        ("bytes=10-19", (10, 19)),
        ("Bytes = 10 - 19 ", (10, 19)),
        ("bytes=10-1000", (10, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=-1000", (0, 99)),
        ("bytes=99-", (99, 99)),
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("items=0-1", None),
        ("bytes=٣-", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_parse_range(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_beyond_the_end(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        parse_range(header, size)
    assert caught.value.fields == {"size": size}


@given(st.text(max_size=40), st.integers(0, 1000))
def test_whatever_a_client_sends(header: str, size: int) -> None:
    try:
        found = parse_range("bytes=" + header, size)
    except RangeNotSatisfiable:
        return
    assert found is None or 0 <= found[0] <= found[1] < size


def test_names() -> None:
    key = Key(CAMERA, START_US, "n1", 12)
    uri = segment_uri(key)
    assert uri == f"segments/{START_US}-12-n1.m4s"
    assert parse_segment_name(CAMERA, uri.removeprefix("segments/")) == key
    assert parse_zero(uri) is None and parse_zero(uri.removeprefix("segments/")) == 0
    later = segment_uri(key, START_US - 5).removeprefix("segments/")
    assert (parse_segment_name(CAMERA, later), parse_zero(later)) == (key, START_US - 5)
    assert parse_zero(later.replace(f"-{START_US - 5}.m4s", ".mp4")) is None
    for name in (
        later.replace(".m4s", ".mp4"),
        "gap.mp4",
        "",
        "1-2-3",
        f"{START_US}-12-../x.mp4",
        f"{'9' * 30}-1-n1.mp4",
        f"{START_US}-12-n1.mp4\n",
    ):
        assert parse_segment_name(CAMERA, name) is None


def times_of(data: bytes) -> list[tuple[int, int]]:
    """Track and decode time of all there is in some fragments."""
    boxes = [box for box in children(data, 0, len(data)) if box.kind == b"moof"]
    return [
        (track.track_id, track.decode_time) for box in boxes for track in parse_moof(data[box.start : box.end]).tracks
    ]


@pytest.mark.parametrize("audio", [False, True])
def test_in_a_playlist_time_goes_on_and_in_a_file_it_begins(studio: Studio, audio: bool) -> None:
    """Read in pieces of any size: nothing but decode times is another, and they are those of the index."""
    run = studio.record(encode("h264", 80), START_US, audio=sound(8.0) if audio else None)
    chance = random.Random(5)
    begins = []
    for part in run.parts:
        data = part.path.read_bytes()
        with open_media(studio.database, studio.cache, part.key, zero_us=run.start_us - 7_000_003) as media:
            assert media.size == len(data)
            pieces, at = [], 0
            while at < len(data):
                last = min(at + chance.choice([1, 7, 100, 700, 5000]), len(data)) - 1
                pieces.append(media.read(at, last))
                at = last + 1
            served = b"".join(pieces)
            assert served == media.read(0, len(data) - 1)
        assert len(served) == len(data)
        file = read(part.path)
        tracks = [track for track in file.index.tracks if track.count]
        added = {t.track.track_id: 7_000_003 * t.track.timescale // 1_000_000 for t in tracks}
        wanted = sorted(
            (t.track.track_id, int(row[4]) + added[t.track.track_id]) for t in tracks for row in t.fragments
        )
        assert sorted(times_of(served)) == wanted
        bases = {track.track.track_id: file.bases.get(track.track.track_id, 0) for track in tracks}
        assert sorted((track, time + bases[track] + added[track]) for track, time in times_of(data)) == wanted
        # Times aside they are the same.
        assert sum(a != b for a, b in zip(served, data, strict=True)) <= 8 * len(wanted)
        begins.append(
            min(time / next(t.track.timescale for t in tracks if t.track.track_id == i) for i, time in times_of(data))
        )
    assert len(run.parts) > 1
    assert all(0 <= begin <= 1.2 for begin in begins), begins


def test_files_of_older_servers_are_served_alike(studio: Studio, tmp_path: Path) -> None:
    """Their decode times count from the run's beginning already."""
    studio.in_file_time = False
    run = studio.record(encode("h264", 80), START_US)
    for part in run.parts:
        data = part.path.read_bytes()
        assert read(part.path).bases == {}
        with open_media(studio.database, studio.cache, part.key, zero_us=run.start_us) as media:
            assert media.read(0, media.size - 1) == data
        with open_media(studio.database, studio.cache, part.key, zero_us=run.start_us - 1_000_000) as media:
            served = media.read(0, media.size - 1)
        assert times_of(served) == [(track, time + 90_000) for track, time in times_of(data)]


def test_a_closed_segment_is_its_whole_file(studio: Studio) -> None:
    run = studio.record(encode("h264", 80), START_US)
    for part in run.parts:
        data = part.path.read_bytes()
        with open_media(studio.database, studio.cache, part.key) as media:
            assert not media.growing
            assert media.etag is not None
            assert media.read(0, media.size - 1) == data

            async def streamed(first: int, last: int) -> bytes:
                return b"".join([chunk async for chunk in media.chunks(first, last)])

            assert asyncio.run(streamed(100, 2000)) == data[100:2001]


def test_a_growing_segment_ends_where_it_is_whole(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 60), START_US, segment_s=100)
    for _ in growing:
        with growing.path.open("ab") as file:
            file.write(b"\x00\x00\x10\x00moof")
        assert growing.key is not None
        with open_media(studio.database, studio.cache, growing.key) as media:
            assert media.growing
            assert media.etag is None
            assert media.read(0, media.size - 1) == bytes(growing.data)
        os.truncate(growing.path, len(growing.data))


def test_a_file_that_shrinks_is_never_sent_short(studio: Studio) -> None:
    part = studio.record(encode("h264", 40), START_US).parts[0]
    media = open_media(studio.database, studio.cache, part.key)
    os.truncate(part.path, 1000)

    async def consume() -> None:
        async for _ in media.chunks():
            pass

    with pytest.raises(FootageDamaged):
        asyncio.run(consume())
    media.close()
    with pytest.raises(ValueError, match="closed"):
        media.read(0, 1)


def test_no_such_segment(studio: Studio) -> None:
    with pytest.raises(FootageGone):
        open_media(studio.database, studio.cache, Key(CAMERA, START_US, "n1", 1))
