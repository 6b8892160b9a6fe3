"""Live playlists: every frame once from part to part, over file borders and new runs; waiting, numbers, and who is not
live."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nvr.playback.errors import LiveTooFarAhead, NotLive
from nvr.playback.hls import camera_watch
from nvr.playback.hls import live as live_module
from nvr.playback.hls.live import Live
from nvr.playback.hls.live_window import LivePart, LiveWindow
from nvr.playback.hls.names import parse_segment_name, parse_zero
from nvr.playback.media import open_media
from storage.catalogue import segments, status
from storage.catalogue.segments import Key
from storage.catalogue.status import Status
from storage.causes import Cause
from tests.playback.footage import CAMERA, START_US, Growing, Studio
from tests.playback.frames import encode
from tests.playback.playlists import Parsed, parse
from tests.playback.rfc8216 import Listed, check, check_reload
from tests.playback.worlds import decoded


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue is asked, and files looked at, more often than a viewer could notice."""
    monkeypatch.setattr(camera_watch, "_ASK_S", 0.0)
    monkeypatch.setattr(live_module, "_POLL_S", 0.005)


class Clock:
    """The server's clock, which the tests set."""

    def __init__(self) -> None:
        self.us = START_US

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def live(studio: Studio, clock: Clock) -> AsyncIterator[Live]:
    live = Live(studio.database, studio.cache, wall_us=clock, linger_s=5)
    yield live
    await live.close()


class Viewer:
    """A player: waits for one part after the other and keeps their bytes. Says if a number ever names other bytes."""

    def __init__(self, studio: Studio, live: Live) -> None:
        self.studio, self.live = studio, live
        self.parts: dict[tuple[int, int], tuple[str, int, int]] = {}
        self.runs: list[bytes] = []
        self.inits: list[str] = []
        self.at: tuple[int, int] | None = None
        self.listed: Listed | None = None

    def take(self, text: str) -> Parsed:
        listed = check(text)
        if self.listed is not None:
            check_reload(self.listed, listed)
        self.listed = listed
        playlist = parse(text)
        first = int(playlist.head["EXT-X-MEDIA-SEQUENCE"])
        assert len(playlist.items) <= 7
        for number, item in enumerate(playlist.items):
            for index, part in enumerate(item.parts):
                place = (first + number, index)
                named = (part.uri, part.offset, part.size)
                assert self.parts.setdefault(place, named) == named
                if self.at is None or place > self.at:
                    # Nothing may be passed over.
                    assert self.at is None or place in ((self.at[0], self.at[1] + 1), (self.at[0] + 1, 0))
                    self.at = place
                    self.append(item.init, item.discontinuity and index == 0, named)
            if item.duration_us is not None and item.parts:
                assert item.duration_us == sum(part.duration_us for part in item.parts)
                assert item.size == sum(part.size for part in item.parts)
                assert item.offset == item.parts[0].offset
                assert item.parts[0].independent
        return playlist

    async def drain(self) -> None:
        """Takes what a file's end has left waiting: it answers one wait without a new part, so the last part may not
        have been waited for."""
        for _ in range(20):
            self.take(await self.live.playlist(CAMERA))
            await asyncio.sleep(0.01)  # sleep: a turn of the watcher

    def append(self, init: str, is_new: bool, named: tuple[str, int, int]) -> None:
        uri, offset, size = named
        if not self.runs or is_new or self.inits[-1] != init:
            sha = re.fullmatch(r"inits/([0-9a-f]{64})\.mp4", init)
            assert sha
            with self.studio.database.read() as conn:
                found = segments.init(conn, sha[1])
            assert found is not None
            self.runs.append(found.data)
            self.inits.append(init)
        key = parse_segment_name(CAMERA, uri.removeprefix("segments/"))
        assert key is not None
        with open_media(
            self.studio.database, self.studio.cache, key, zero_us=parse_zero(uri.removeprefix("segments/"))
        ) as media:
            self.runs[-1] += media.read(offset, offset + size - 1)

    async def next(self) -> Parsed:
        """Waits for the part after the last."""
        if self.at is None:
            return self.take(await self.live.playlist(CAMERA))
        return self.take(await self.live.playlist(CAMERA, msn=self.at[0], part=self.at[1] + 1))

    def numbers(self, folder: Path) -> list[int]:
        """The pictures seen."""
        found: list[int] = []
        for data in self.runs:
            (folder / "seen.mp4").write_bytes(data)
            found += [number for number, _ in decoded(folder / "seen.mp4")]
        return found


async def step(steps: Iterator[None], growing: Growing, clock: Clock) -> bool:
    """The recorder writes a fragment."""
    more = await asyncio.to_thread(lambda: next(steps, "end") is None)
    clock.us = growing.end_us
    return more


@pytest.mark.parametrize("codec", ["h264", "h264b", "h265"])
async def test_every_frame_once_across_files(
    studio: Studio, live: Live, clock: Clock, codec: str, tmp_path: Path
) -> None:
    growing = studio.growing(encode(codec, 300, jitter=500), START_US, segment_s=6, ppm=300)
    steps = iter(growing)
    viewer = Viewer(studio, live)
    await step(steps, growing, clock)
    first = await viewer.next()
    numbers = []
    while True:
        waiting = asyncio.create_task(viewer.next())
        await asyncio.sleep(0.005)  # sleep: the request is under way
        if not await step(steps, growing, clock):
            waiting.cancel()
            await viewer.drain()
            break
        playlist = await asyncio.wait_for(waiting, 5)
        numbers.append(int(playlist.head["EXT-X-MEDIA-SEQUENCE"]))
    assert viewer.numbers(tmp_path) == list(range(300))
    assert len(viewer.runs) == 1
    assert numbers == sorted(numbers)
    assert numbers[-1] > numbers[0] == int(first.head["EXT-X-MEDIA-SEQUENCE"])
    assert {name for name, _, _ in viewer.parts.values()} == {
        f"segments/{key.start_us}-1-n1.m4s" for key in (part.key for part in growing.so_far().parts)
    }
    for name, value in (
        ("EXT-X-VERSION", "9"),
        ("EXT-X-DISCONTINUITY-SEQUENCE", first.head["EXT-X-DISCONTINUITY-SEQUENCE"]),
    ):
        assert playlist.head[name] == value
    assert playlist.head["EXT-X-SERVER-CONTROL"].startswith("CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=")
    target_us = round(float(playlist.head["EXT-X-PART-INF"].removeprefix("PART-TARGET=")) * 1e6)
    assert all(part.duration_us <= target_us for item in playlist.items for part in item.parts)


async def test_a_new_run_is_a_discontinuity(studio: Studio, live: Live, clock: Clock, tmp_path: Path) -> None:
    viewer = Viewer(studio, live)
    start_us = START_US
    for epoch in (1, 2, 3):
        growing = studio.growing(encode("h264", 50, first=epoch * 100), start_us, epoch=epoch, first=epoch * 100)
        steps = iter(growing)
        while await step(steps, growing, clock):
            await asyncio.wait_for(viewer.next(), 5)
        start_us = growing.close().end_us + 2_000_000
    await viewer.drain()
    seen = viewer.numbers(tmp_path)
    assert seen == [*range(100, 150), *range(200, 250), *range(300, 350)]
    assert len(viewer.runs) == 3
    playlist = parse(await live.playlist(CAMERA))
    changes = sum(item.discontinuity for item in playlist.items)
    assert 1 <= changes <= 2


async def test_a_late_viewer_begins_near_the_end(studio: Studio, live: Live, clock: Clock) -> None:
    growing = studio.growing(encode("h264", 400), START_US, segment_s=100)
    for _ in growing:
        pass
    clock.us = growing.end_us
    playlist = parse(await live.playlist(CAMERA))
    assert growing.end_us - 14_000_000 < playlist.items[0].time_us < growing.end_us - 11_000_000


async def test_a_request_waits_and_many_share_one_watcher(studio: Studio, live: Live, clock: Clock) -> None:
    growing = studio.growing(encode("h264", 100), START_US, segment_s=100)
    steps = iter(growing)
    for _ in range(6):
        await step(steps, growing, clock)
    first = parse(await live.playlist(CAMERA))
    msn = int(first.head["EXT-X-MEDIA-SEQUENCE"]) + len(first.items) - 1
    part = len(first.items[-1].parts)
    waiting = [asyncio.create_task(live.playlist(CAMERA, msn=msn, part=part)) for _ in range(20)]
    whole = asyncio.create_task(live.playlist(CAMERA, msn=msn))
    await asyncio.sleep(0.2)  # sleep: time enough to answer wrongly
    assert not any(task.done() for task in waiting)
    assert len([task for task in asyncio.all_tasks() if task.get_name() == f"live-{CAMERA}"]) == 1
    await step(steps, growing, clock)
    began = time.monotonic()
    texts = await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert time.monotonic() - began < 3
    assert len(set(texts)) == 1
    # The whole segment takes longer.
    assert not whole.done()
    while not whole.done():
        await step(steps, growing, clock)
        await asyncio.sleep(0.02)  # sleep: a turn of the watcher
    assert parse(whole.result()).items[len(first.items) - 1].duration_us is not None
    # What is there already is answered at once; what can't come next is refused.
    await asyncio.wait_for(live.playlist(CAMERA, msn=msn - 5, part=0), 1)
    with pytest.raises(LiveTooFarAhead):
        await live.playlist(CAMERA, msn=msn + 50)


async def test_a_wait_ends(studio: Studio, live: Live, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveWindow, "target_s", 0.1)
    growing = studio.growing(encode("h264", 100), START_US, segment_s=100)
    steps = iter(growing)
    for _ in range(6):
        await step(steps, growing, clock)
    text = await live.playlist(CAMERA)
    playlist = parse(text)
    msn = int(playlist.head["EXT-X-MEDIA-SEQUENCE"]) + len(playlist.items)
    assert await asyncio.wait_for(live.playlist(CAMERA, msn=msn, part=0), 3) == text


@pytest.mark.parametrize("segment_s", [7, 100])
async def test_numbers_survive_a_restart(studio: Studio, clock: Clock, segment_s: float) -> None:
    growing = studio.growing(encode("h264", 400), START_US, segment_s=segment_s)
    steps = iter(growing)
    named: dict[int, tuple[str, int]] = {}
    first, sequence = -1, -1
    for count in (30, 6, 6, 10, 20):
        # Three seconds and more, then the API starts again.
        for _ in range(count):
            await step(steps, growing, clock)
        restarted = Live(studio.database, studio.cache, wall_us=clock)
        playlist = parse(await restarted.playlist(CAMERA))
        assert int(playlist.head["EXT-X-MEDIA-SEQUENCE"]) >= first
        first = int(playlist.head["EXT-X-MEDIA-SEQUENCE"])
        assert int(playlist.head["EXT-X-DISCONTINUITY-SEQUENCE"]) >= sequence
        sequence = int(playlist.head["EXT-X-DISCONTINUITY-SEQUENCE"])
        for number, item in enumerate(playlist.items):
            begin = (item.uri, item.offset) if item.uri else (item.parts[0].uri, item.parts[0].offset)
            # A number, once given, names the same bytes, whoever gave it.
            assert named.setdefault(first + number, begin) == begin
        await restarted.close()


async def test_nobody_watches_nothing_is_polled(studio: Studio, clock: Clock) -> None:
    growing = studio.growing(encode("h264", 100), START_US, segment_s=100)
    steps = iter(growing)
    for _ in range(4):
        await step(steps, growing, clock)
    live = Live(studio.database, studio.cache, wall_us=clock, linger_s=0.05)
    before = parse(await live.playlist(CAMERA))
    assert live.watched == {CAMERA}
    async with asyncio.timeout(5):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == f"live-{CAMERA}"))
    assert not live.watched
    await step(steps, growing, clock)
    after = parse(await live.playlist(CAMERA))
    # It goes on where it was.
    assert after.head["EXT-X-MEDIA-SEQUENCE"] == before.head["EXT-X-MEDIA-SEQUENCE"]
    assert sum(len(item.parts) for item in after.items) > sum(len(item.parts) for item in before.items)
    await live.close()


async def _is_live(live: Live) -> bool:
    try:
        await live.playlist(CAMERA)
    except NotLive:
        return False
    return True


async def test_not_recording(studio: Studio, live: Live, clock: Clock) -> None:
    with pytest.raises(NotLive) as caught:
        await live.playlist(CAMERA)
    assert caught.value.fields == {"camera": CAMERA, "cause": None, "since_us": None}
    growing = studio.growing(encode("h264", 50), START_US)
    steps = iter(growing)
    await step(steps, growing, clock)
    for _ in range(500):
        # It is looked at again within a moment of its beginning.
        if await _is_live(live):
            break
        await asyncio.sleep(0.01)  # sleep: between two questions
    while await step(steps, growing, clock):
        parse(await live.playlist(CAMERA))
    end_us = growing.close().end_us
    with studio.database.write() as conn:
        status.put(conn, [Status(CAMERA, "waiting", end_us, Cause.UNREACHABLE, updated_us=end_us)])
    # A short loss is waited out with the last picture.
    clock.us = end_us + 3_000_000
    parse(await live.playlist(CAMERA))
    clock.us = end_us + 60_000_000
    async with asyncio.timeout(5):
        while True:
            try:
                await live.playlist(CAMERA)
            except NotLive as error:
                assert (error.cause, error.since_us, error.code) == (Cause.UNREACHABLE, end_us, "not_live")
                break
            await asyncio.sleep(0.01)  # sleep: between two questions


def test_the_window_slides() -> None:
    window = LiveWindow()
    for file in range(5):
        key = Key(CAMERA, START_US + file * 60_000_000, "n1", 1)
        run = (file // 2,)
        parts = [
            LivePart(key.start_us + index * 500_000, 500_000, 1000 + 100 * index, 100, index % 4 == 0)
            for index in range(40)
        ]
        for part in parts:
            before = window.segments[0].msn if window.segments else None
            window.add(key, "a" * 64, 700, run, [part])
            playlist = parse(window.text())
            assert len(playlist.items) <= 7
            assert before is None or window.segments[0].msn in (before, before + 1)
            assert all(item.parts[0].independent for item in playlist.items if item.parts)
        window.end_file(key)
    hint = parse(window.text()).head["EXT-X-PRELOAD-HINT"]
    assert hint.endswith("BYTERANGE-START=5000")


def test_runs_of_one_init_without_discontinuities() -> None:
    """For VLC: there only another init is one, and only those are counted."""
    window = LiveWindow()
    for file in range(12):
        key = Key(CAMERA, START_US + file * 4_000_000, "n1", 1)
        init = "ab"[file >= 6] * 64
        parts = [LivePart(key.start_us + n * 500_000, 500_000, 1000 + 100 * n, 100, n == 0) for n in range(6)]
        window.add(key, init, 700, (file,), parts)
        window.end_file(key)
        plain, usual = (parse(window.text(breaks=breaks)) for breaks in (False, True))
        assert [item.uri for item in plain.items] == [item.uri for item in usual.items]
        assert sum(item.discontinuity for item in plain.items) == len({item.init for item in plain.items}) - 1
        assert sum(item.discontinuity for item in usual.items) == len(usual.items) - 1
    sequences = [int(playlist.head["EXT-X-DISCONTINUITY-SEQUENCE"]) for playlist in (plain, usual)]
    assert sequences[1] - sequences[0] == 12 - len(usual.items) - (len({item.init for item in plain.items}) == 1)


def test_a_window_begins_with_a_keyframe() -> None:
    window = LiveWindow()
    key = Key(CAMERA, START_US, "n1", 1)
    window.add(key, "a" * 64, 700, (1,), [LivePart(START_US, 500_000, 100, 100, False)])
    assert window.segments == []
    window.add(key, "a" * 64, 700, (1,), [LivePart(START_US + 500_000, 500_000, 200, 100, True)])
    assert len(window.segments) == 1


async def test_a_clock_that_was_set_back_shows_the_newer_run_as_a_whole(
    studio: Studio, live: Live, clock: Clock, tmp_path: Path
) -> None:
    """Who watches sees every frame of both runs; who comes then sees the newer one alone, and is told what lies behind
    it."""
    viewer = Viewer(studio, live)
    ends: list[int] = []
    for start_us in (START_US, START_US + 1_500_000):
        first = 100 + 100 * len(ends)
        growing = studio.growing(encode("h264", 100, first=first), start_us, first=first, segment_s=2)
        steps = iter(growing)
        while await step(steps, growing, clock):
            await asyncio.wait_for(viewer.next(), 5)
            if ends and growing.end_us > START_US + 3_500_000 and live.not_shown(CAMERA):
                late = Live(studio.database, studio.cache, wall_us=clock, linger_s=5)
                items = parse(await late.playlist(CAMERA)).items
                hidden = late.not_shown(CAMERA)
                await late.close()
                assert abs(items[0].time_us - start_us) < 1_000
                assert {part.run.start_us for part in hidden} == {START_US}
                assert max(part.end_us for part in hidden) == ends[0] and hidden[0].start_us == start_us
                assert [part.end_us for part in live.not_shown(CAMERA)][-1] == ends[0]
        await viewer.drain()
        ends.append(growing.close().end_us)
    await viewer.drain()
    assert viewer.numbers(tmp_path) == list(range(100, 300))
    assert len(viewer.runs) == 2


async def test_an_older_recorder_that_goes_on_is_shown_again(
    studio: Studio, live: Live, clock: Clock, tmp_path: Path
) -> None:
    """Another recorder takes over for a few seconds and ends, and the one before never stopped: who watches sees the
    newer one while it records, and then goes on with the older, from a keyframe behind it."""
    older = studio.growing(encode("h264", 160, gop=10), START_US, segment_s=30)
    newer = studio.growing(
        encode("h264", 30, first=500, gop=10), START_US + 4_000_000, epoch=2, first=500, segment_s=30
    )
    viewer = Viewer(studio, live)
    old, new = iter(older), iter(newer)
    is_new_over = False
    while await step(old, older, clock):
        await viewer.drain()
        if not is_new_over and older.end_us > START_US + 4_500_000:
            is_new_over = not await asyncio.to_thread(lambda: next(new, "end") is None)
            if is_new_over:
                newer.close()
            await asyncio.sleep(0.1)  # sleep: turns of the watcher
            await viewer.drain()
    await asyncio.sleep(0.2)  # sleep: turns of the watcher
    await viewer.drain()
    seen = viewer.numbers(tmp_path)
    again = seen.index(529) + 1
    before = seen[: seen.index(500)]
    assert before == list(range(len(before))) and 35 <= len(before) <= 60
    assert seen[again - 30 : again] == list(range(500, 530))
    after = seen[again:]
    assert after == list(range(after[0], 160)), "from a keyframe behind the newer one to the end"
    assert after[0] % 10 == 0 and 70 <= after[0] <= 100
    assert len(viewer.runs) == 3
