"""Who watches a camera begins with a keyframe at once, and loses whole stretches if they are too slow."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import msgspec
import pytest

from nvr.playback.live import channel as channels
from nvr.playback.live.channel import LiveChannel, LiveFragment, LiveViewer
from nvr.playback.live.wire import LiveInit, LiveKind, NoPicture

INIT = LiveInit("live", "avc1.64001f", None, 640, 360)


def fragment(number: int, *, sync: bool = False, size: int = 100) -> LiveFragment:
    return LiveFragment(number * 500_000, (number + 1) * 500_000, sync, bytes([number % 256]) * size)


def read(data: bytes) -> list[tuple[int, LiveKind, Any]]:
    found, at = [], 0
    while at < len(data):
        tile, kind, zero, length = struct.unpack_from(">BBHI", data, at)
        assert zero == 0
        body = data[at + 8 : at + 8 + length]
        assert len(body) == length
        at += 8 + length
        what: Any = None
        if kind == LiveKind.INIT:
            told, _, what = body.partition(b"\0")
            assert msgspec.json.decode(told, type=LiveInit) == INIT
        elif kind == LiveKind.FRAGMENT:
            what = struct.unpack_from(">QQ", body)[0] // 500_000
        elif kind == LiveKind.AWAY:
            what = msgspec.json.decode(body)["cause"]
        found.append((tile, LiveKind(kind), what))
    return found


async def test_a_late_viewer_begins_with_the_last_keyframe() -> None:
    channel, early, late = LiveChannel(), LiveViewer(), LiveViewer()
    channel.add(fragment(0))  # nothing decodes it
    channel.join(early, 3)
    channel.begin(INIT, b"moov")
    for number in range(1, 8):
        channel.add(fragment(number, sync=number in (1, 5)))
    channel.join(late, 0)
    channel.add(fragment(8))
    assert read(await early.take()) == [
        (3, LiveKind.INIT, b"moov"), *((3, LiveKind.FRAGMENT, n) for n in range(1, 9)),
    ]  # fmt: skip
    assert read(await late.take()) == [
        (0, LiveKind.INIT, b"moov"), *((0, LiveKind.FRAGMENT, n) for n in (5, 6, 7, 8)),
    ]  # fmt: skip
    channel.away(NoPicture("unreachable", ""))
    channel.away(NoPicture("unreachable", ""))
    assert read(await early.take()) == [(3, LiveKind.AWAY, "unreachable")]
    another = LiveViewer()
    channel.join(another, 0)
    assert read(await another.take()) == [(0, LiveKind.INIT, b"moov"), (0, LiveKind.AWAY, "unreachable")]
    assert len(channel) == 3
    for viewer, tile in ((early, 3), (late, 0), (another, 0)):
        channel.leave(viewer, tile)
    assert len(channel) == 0


async def test_whoever_is_too_slow_loses_up_to_a_keyframe_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_MOST_WAITING_BYTES", 1_000)
    channel, slow, quick = LiveChannel(), LiveViewer(), LiveViewer()
    channel.begin(INIT, b"moov")
    channel.join(slow, 0)
    channel.join(quick, 0)
    seen: list[int] = []
    await quick.take()
    for number in range(30):
        channel.add(fragment(number, sync=number % 10 == 0))
        seen += [what for _, kind, what in read(await quick.take()) if kind is LiveKind.FRAGMENT]
    assert seen == list(range(30)) and quick.dropped == 0
    first = [what for _, kind, what in read(await slow.take()) if kind is LiveKind.FRAGMENT]
    assert first == list(range(len(first))) and 3 < len(first) < 10
    channel.add(fragment(30))
    channel.add(fragment(31))
    channel.add(fragment(40, sync=True))
    # What follows a lost fragment is of no use before the next keyframe.
    assert [what for _, _, what in read(await slow.take())] == [40]
    assert slow.dropped == 30 - len(first) + 2


async def test_silence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_PING_S", 0.01)
    assert read(await asyncio.wait_for(LiveViewer().take(), 5)) == [(0, LiveKind.PING, None)]
