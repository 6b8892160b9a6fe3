"""A live picture in parts that caches keep: each begins with a keyframe, all of them play as one, and nothing that came
while it might not be seen is ever shown."""

from __future__ import annotations

import asyncio
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import av
import pytest

from nvr.playback.live import parts
from nvr.playback.live.channel import LiveChannel, LiveFragment, LiveViewer
from nvr.playback.live.cutter import PartCutter
from nvr.playback.live.parts import LiveParts, TooManyLive
from nvr.playback.live.streams import WatchedCamera
from nvr.playback.live.wire import LiveInit, NoPicture
from tests.playback.footage import fragments
from tests.playback.frames import encode, sound
from tests.playback.worlds import decoded
from tests.support.waiting import until_async

S = 1_000_000
START_US = 1_796_000_000 * S
INIT = LiveInit("live", "avc1.64001f", None, 640, 360)
TICKS = 90_000


def footage(frames: int, *, first: int = 0, gop: int = 10) -> tuple[bytes, list[LiveFragment]]:
    """Ten frames a second, as a stream for watching gives them."""
    init, found = fragments(encode("h264", frames, fps=10, gop=gop, first=first), None)
    made = []
    for data, fragment in found:
        (video,) = fragment.tracks
        begin = (video.decode_time + int(video.samples[0, 2])) * S // TICKS
        end = begin + int(video.samples[:, 1].sum()) * S // TICKS
        made.append(LiveFragment(START_US + begin, START_US + end, bool(video.samples[0, 3]), data))
    return init, made


def fed(channel: LiveChannel, cutter: PartCutter, init: bytes, found: Sequence[LiveFragment]) -> None:
    channel.join(cutter, 0)
    channel.begin(INIT, init)
    for fragment in found:
        channel.add(fragment)


def names(text: str) -> list[str]:
    return re.findall(r"^live/(\S+\.m4s)$", text, re.MULTILINE)


def test_parts_begin_with_a_keyframe_and_play_as_one() -> None:
    channel, cutter = LiveChannel(), PartCutter()
    init, found = footage(155)
    fed(channel, cutter, init, found[1:])  # whoever comes late begins with the next keyframe
    text = cutter.text()
    assert "#EXT-X-TARGETDURATION:2\n" in text and "DISCONTINUITY\n" not in text
    (first,) = re.findall(r"MEDIA-SEQUENCE:(\d+)", text)
    listed = names(text)
    assert len(listed) == 6 and listed[0].startswith(f"{first}-")
    (named,) = re.findall(r'MAP:URI="live/([^"]+)"', text)
    assert cutter.bytes_of(named) == init
    pieces = [cutter.bytes_of(name) for name in listed]
    assert all(pieces)
    for piece in pieces:
        numbers = [number for number, _ in decoded(init + (piece or b""))]
        assert numbers[0] % 10 == 0 and len(numbers) == 20
    played = decoded(init + b"".join(piece or b"" for piece in pieces))
    assert [number for number, _ in played] == list(range(played[0][0], played[0][0] + 120))
    steps = {round(b - a, 3) for (_, a), (_, b) in itertools.pairwise(played)}
    assert steps == {0.1}, "media time is wall time"
    assert cutter.bytes_of("x.m4s") is None and cutter.bytes_of("1-1.m4s") is None


def test_what_is_not_whole_is_no_part_and_a_hole_is_said() -> None:
    channel, cutter = LiveChannel(), PartCutter()
    init, found = footage(200)
    fed(channel, cutter, init, found)
    before = len(cutter.parts)
    channel.away(NoPicture("unreachable", ""))
    later = [LiveFragment(one.start_us + 60 * S, one.end_us + 60 * S, one.sync, one.data) for one in found[:14]]
    for fragment in later:
        channel.add(fragment)
    text = cutter.text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1 and before == 6
    new = next(one for one in cutter.parts if one.breaks)
    assert new.start_us == later[0].start_us
    with av.open(io.BytesIO(init + new.data)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times[0] == pytest.approx((new.start_us - cutter.began_us) / S, abs=0.001)


def test_nothing_with_sound_is_cut() -> None:
    init, found = fragments(encode("h264", 60, fps=10, gop=10), sound(6.0))
    channel, cutter = LiveChannel(), PartCutter()
    fed(channel, cutter, init, [LiveFragment(START_US, START_US + S, True, data) for data, _ in found])
    assert cutter.has_sound and not cutter.parts


class Feed:
    """Channels by hand, in the place of cameras."""

    def __init__(self) -> None:
        self.channels: dict[str, LiveChannel] = {}
        self.opened: list[str] = []

    @contextmanager
    def watching(self, viewer: LiveViewer, cameras: Sequence[WatchedCamera]) -> Iterator[None]:
        (one,) = cameras
        channel = self.channels.setdefault(one.camera, LiveChannel())
        self.opened.append(one.camera)
        channel.join(viewer, 0)
        try:
            yield
        finally:
            channel.leave(viewer, 0)

    def say(self, camera: str, init: bytes, found: Sequence[LiveFragment]) -> None:
        channel = self.channels.setdefault(camera, LiveChannel())
        channel.begin(INIT, init)
        for fragment in found:
            channel.add(fragment)


async def may() -> bool:
    return True


async def test_many_who_watch_are_one_connection_and_a_cut_forgets_what_came() -> None:
    feed = Feed()
    shown = LiveParts(feed)
    init, found = footage(60)

    async def watched() -> WatchedCamera:
        return WatchedCamera("gate", None)

    asked = [asyncio.create_task(shown.playlist("gate", watched, may)) for _ in range(20)]
    await until_async(lambda: bool(feed.opened), "the connection")
    feed.say("gate", init, found)
    texts = await asyncio.gather(*asked)
    assert len(set(texts)) == 1 and feed.opened == ["gate"] and texts[0]
    (name, *_) = names(texts[0])
    assert shown.bytes_of("gate", name) and shown.bytes_of("other", name) is None
    shown.forget()
    assert shown.bytes_of("gate", name) is None and len(feed.channels["gate"]) == 0
    again = asyncio.create_task(shown.playlist("gate", watched, may))
    await until_async(lambda: len(feed.opened) == 2, "another connection")
    feed.say("gate", init, [LiveFragment(f.start_us + 90 * S, f.end_us + 90 * S, f.sync, f.data) for f in found])
    text = await again
    assert text and name not in names(text)
    await shown.close()
    assert not shown.cameras and len(feed.channels["gate"]) == 0


async def test_what_may_not_go_on_or_is_not_asked_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LOOK_S", 0.01)
    monkeypatch.setattr(parts, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(parts, "_MOST_CAMERAS", 2)
    feed = Feed()
    shown = LiveParts(feed, linger_s=60)
    allowed = {"gate": True, "yard": True}

    def of(camera: str) -> Any:
        async def watched() -> WatchedCamera:
            return WatchedCamera(camera, None)

        async def is_allowed() -> bool:
            return allowed[camera]

        return shown.playlist(camera, watched, is_allowed)

    assert await of("gate") is None, "nothing came"
    assert await of("yard") is None
    with pytest.raises(TooManyLive):
        await of("hall")
    allowed["gate"] = False
    await until_async(lambda: shown.cameras == {"yard"}, "the end of what may not go on")
    await shown.close()
    idle = LiveParts(feed, linger_s=0)

    async def watched() -> WatchedCamera:
        return WatchedCamera("yard", None)

    assert await idle.playlist("yard", watched, may) is None
    await until_async(lambda: not idle.cameras, "the end of what nobody asks for")
    await idle.close()
