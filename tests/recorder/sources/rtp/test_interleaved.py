"""Units that are numbered, and that come in another order than they are decoded in: they come out in order, each frame
whole and at its time; after a loss no frame is claimed to be whole that was hit."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import UnsupportedError
from tests.nightly import examples
from tests.recorder.sources.odd import FRAME, H264, H265, Camera, Kind, packet
from tests.support.cameras.frames import split

COUNT = 60
# Decoding order number, timestamp, unit.
Unit = tuple[int, int, bytes]


def camera_of(kind: Kind, depth: int) -> Camera:
    if kind is H264:
        return Camera(parameters=f"packetization-mode=2;sprop-interleaving-depth={depth}")
    return Camera(H265, parameters=f"sprop-max-don-diff={depth + 1};sprop-depack-buf-nalus={max(1, depth)}")


def film(camera: Camera) -> list[Unit]:
    """All units in the order of decoding, numbered from close to where numbers wrap."""
    found: list[Unit] = []
    for number in range(COUNT):
        found += [
            (65_480 + len(found) + at & 0xFFFF, number * FRAME, unit) for at, unit in enumerate(camera.units(number))
        ]
    return found


def shuffled(units: Sequence[Unit], chance: random.Random, window: int) -> list[Unit]:
    """In another order, in which nothing comes more than ``window`` places before its turn."""
    found: list[Unit] = []
    for at in range(0, len(units), window):
        block = list(units[at : at + window])
        chance.shuffle(block)
        found += block
    return found


def h264_payloads(camera: Camera, units: Sequence[Unit], chance: random.Random) -> Iterator[tuple[int, bytes]]:
    """Payloads of all kinds with their packets' timestamps; units in this order."""
    at = 0
    while at < len(units):
        don, timestamp, unit = units[at]
        form = chance.choice(("stap", "mtap16", "mtap24", "fu"))
        at += 1
        if form == "fu":
            first, *others = camera.kind.fragments(unit, 25)
            if others:
                yield timestamp, bytes((first[0] & 0xE0 | 29, first[1])) + struct.pack("!H", don) + first[2:]
                for other in others:
                    yield timestamp, other
                continue
            form = "stap"
        if form == "stap":
            yield timestamp, b"\x79" + struct.pack("!HH", don, len(unit)) + unit
            continue
        together = [(don, timestamp, unit), *units[at : at + chance.randrange(4)]]
        at += len(together) - 1
        base = min(together, key=lambda one: one[0] - don + 0x8000 & 0xFFFF)[0]
        earliest = min(one[1] for one in together)
        latest = max(one[1] for one in together)
        size = 2 if form == "mtap16" and latest - earliest < 0x10000 else 3
        text = b"".join(
            struct.pack("!HB", len(one[2]), one[0] - base & 0xFFFF) + (one[1] - earliest).to_bytes(size, "big") + one[2]
            for one in together
        )
        yield earliest, bytes((0x60 | (26 if size == 2 else 27),)) + struct.pack("!H", base) + text


def h265_payloads(camera: Camera, units: Sequence[Unit], chance: random.Random) -> Iterator[tuple[int, bytes]]:
    """The same of H.265: numbers rise within an aggregation packet, whose units are of one time."""
    at = 0
    while at < len(units):
        don, timestamp, unit = units[at]
        form = chance.choice(("single", "ap", "fu"))
        at += 1
        first, *others = camera.kind.fragments(unit, 25)
        if form == "fu" and others:
            yield timestamp, first[:3] + struct.pack("!H", don) + first[3:]
            for other in others:
                yield timestamp, other
        elif form == "ap":
            text = struct.pack("!HH", don, len(unit)) + unit
            while at < len(units) and units[at][1] == timestamp and 0 < (units[at][0] - don & 0xFFFF) <= 256:
                text += bytes((units[at][0] - don - 1 & 0xFF,)) + struct.pack("!H", len(units[at][2])) + units[at][2]
                don = units[at][0]
                at += 1
            yield timestamp, b"\x60\x01" + text
        else:
            yield timestamp, unit[:2] + struct.pack("!H", don) + unit[2:]


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
@settings(max_examples=examples(25, 1_000), deadline=None)
@example(1, 0, None)
@example(12, 5, None)
@example(12, 5, 70)
@given(st.integers(1, 16), st.integers(0, 1 << 30), st.none() | st.integers(0, 150))
def test_units_come_out_in_order(kind: Kind, window: int, seed: int, lost: int | None) -> None:
    chance = random.Random(seed)
    # The description says how many come before their turn at most.
    camera = camera_of(kind, window - 1)
    units = shuffled(film(camera), chance, window)
    payloads = (h264_payloads if kind is H264 else h265_payloads)(camera, units, chance)
    # A camera's first packet tells where its numbers begin.
    for number, (timestamp, payload) in enumerate(payloads):
        if lost is None or number != lost + 1:
            camera.read(packet(payload, number + 65_500, timestamp))
            camera.now_us += 10_000
    camera.now_us += 10_000_000
    camera.end()
    found = camera.numbers
    if lost is None:
        assert camera.whole and found == camera.times == list(range(COUNT)) and not any(camera.losses)
        return
    for (picture, *_), number in zip(camera.came, found, strict=True):
        # Of a keyframe parameter sets may be lost, which others have had.
        assert split(picture.data, length_prefixed=True)[-1] == camera.units(number)[-1]
    # What comes out is decodable: a keyframe, or right behind its predecessor.
    for before, after in zip([-1, *found], found, strict=False):
        assert after == before + 1 or after % 10 == 0, found


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
@settings(max_examples=examples(15, 500), deadline=None)
@example(2, 0, 1)
@example(8, 0, 4)
@given(st.integers(2, 30), st.integers(0, 2), st.integers(0, 1 << 30))
def test_more_come_before_their_turn_than_is_said(kind: Kind, window: int, depth: int, seed: int) -> None:
    """As no packet is missing, what is missing by the numbers is waited for: nothing is lost, and nothing is given out
    without what it refers to."""
    chance = random.Random(seed)
    camera = camera_of(kind, depth)
    units = film(camera)
    # A camera's first packets tell where its numbers begin.
    mixed = [*units[:3], *shuffled(units[3:], chance, window)]
    payloads = (h264_payloads if kind is H264 else h265_payloads)(camera, mixed, chance)
    for number, (timestamp, payload) in enumerate(payloads):
        camera.read(packet(payload, number + 65_500, timestamp))
        camera.now_us += 10_000
    camera.end()
    assert camera.whole and camera.numbers == list(range(COUNT)) and not any(camera.losses)


def test_numbers_with_gaps_cost_nothing() -> None:
    """Numbers may have gaps (RFC 6184 5.5); the first is waited for in vain."""
    camera = camera_of(H264, 2)
    for number, (don, timestamp, unit) in enumerate(film(camera)):
        camera.read(packet(b"\x79" + struct.pack("!HH", 3 * don & 0xFFFF, len(unit)) + unit, number, timestamp))
        camera.now_us += 20_000
    camera.end()
    assert camera.whole and camera.numbers == list(range(COUNT)) and not any(camera.losses)


def test_modes_that_nobody_knows_are_refused() -> None:
    text = b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=3\r\n"
    with pytest.raises(UnsupportedError, match="packetization-mode 3"):
        sdp.pick_video(sdp.parse(text))


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_since_when_units_wait_is_known(kind: Kind) -> None:
    """What a power cut would cost counts from the oldest unit that is not handed out, from the first packet on."""
    depth = 9
    camera = camera_of(kind, depth)
    camera.now_us = began_us = 5_000_000_000
    units = film(camera)
    chance = random.Random(1)
    for number, (timestamp, payload) in enumerate(
        (h264_payloads if kind is H264 else h265_payloads)(camera, units, chance)
    ):
        camera.read(packet(payload, number, timestamp))
        since_us = camera.receiver.open_us
        # A window of units, and the frame that is being put together, arrive in less than a second.
        assert since_us is None or max(began_us, camera.now_us - 1_000_000) <= since_us <= camera.now_us
        assert since_us is not None or number == 0
        camera.now_us += 20_000
    camera.end()
    assert camera.receiver.open_us is None
