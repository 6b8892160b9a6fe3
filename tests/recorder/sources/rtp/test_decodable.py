"""Where decoding can begin, and what a loss costs: no more than what refers to it, and never a frame that could not be
decoded."""

from __future__ import annotations

import base64
import struct

import pytest

from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtp.sdp import Media
from nvr.recorder.sources.rtp.units import recovery_frames, split_units
from tests.recorder.sources.odd import FRAME, H264, H265, Camera, Kind
from tests.support.cameras.frames import split


def recovery(kind: Kind, frames: int) -> bytes:
    """A SEI unit that announces pictures that are right after so many frames."""
    number = frames + 1 if kind is H264 else 2 * frames if frames else 1
    bits = "0" * (number.bit_length() - 1) + f"{number:b}" + ("1000" if kind is H264 else "10") + "1"
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return (b"\x06" if kind is H264 else b"\x4e\x01") + b"\x06" + bytes((len(body),)) + body + b"\x80"


@pytest.mark.parametrize("kind", [H264, H265])
@pytest.mark.parametrize("frames", [0, 1, 19, 250])
def test_recovery_points_are_read(kind: Kind, frames: int) -> None:
    assert recovery_frames("h264" if kind is H264 else "hevc", recovery(kind, frames)) == frames


@pytest.mark.parametrize("kind", [H264, H265])
@pytest.mark.parametrize("marks", [True, False])
def test_gradual_refresh_begins_at_recovery_points(kind: Kind, marks: bool) -> None:
    """One IDR picture at the very start, before the session; then a recovery point every ten frames."""
    camera = Camera(kind)
    for number in range(13, 60):
        before = [*kind.sets, recovery(kind, 9)] if number % 10 == 0 else []
        camera.send(number * FRAME, *before, kind.slice(number, size=60), marker=marks)
    camera.end()
    assert camera.numbers == list(range(20, 60)) and camera.losses == [""] * 40
    assert [came[0].keyframe for came in camera.came] == [number % 10 == 0 for number in range(20, 60)]


@pytest.mark.parametrize("kind", [H264, H265])
def test_recovery_points_beside_keyframes_are_none_but_where_one_is_needed(kind: Kind) -> None:
    """Keyframes every twenty frames, a recovery point in the middle: decoding begins there only if nothing else is
    left, after the start or a loss."""
    camera = Camera(kind)
    for number in range(5, 90):
        before = [*kind.sets] if number % 20 == 0 else [recovery(kind, 9)] if number % 20 == 10 else []
        payloads = [*before, kind.slice(number, key=number % 20 == 0, size=60)]
        if number == 63:
            camera.packets(number * FRAME, payloads)
        else:
            camera.send(number * FRAME, *payloads)
    camera.end()
    assert camera.numbers == [*range(10, 63), *range(70, 90)]
    assert [number for number, came in zip(camera.numbers, camera.came, strict=True) if came[0].keyframe] == [
        10,
        20,
        40,
        60,
        70,
        80,
    ]
    assert [number for number, came in zip(camera.numbers, camera.came, strict=True) if came[0].loss] == [70]


def test_intra_pictures_behind_parameter_sets_where_nothing_else_comes() -> None:
    camera = Camera(H264)
    for number in range(7, 40):
        first = b"\x61\x88" if number % 10 == 0 else b"\x41\x9a"
        unit = first + b"%08d" % number + b"\x5a" * 20
        camera.send(number * FRAME, *(H264.sets if number % 10 == 0 else ()), unit)
    camera.end()
    assert camera.numbers == list(range(10, 40))
    assert [came[0].keyframe for came in camera.came] == [number % 10 == 0 for number in range(10, 40)]


def test_parameter_sets_behind_which_no_intra_picture_comes_begin_nothing() -> None:
    camera = Camera(H264)
    for number in range(7, 40):
        camera.send(number * FRAME, *H264.sets, b"\x41\x9a%08d" % number)
    camera.end()
    assert camera.came == []


@pytest.mark.parametrize(
    ("type_", "lost", "dropped"), [(21, False, True), (21, True, True), (16, False, True), (19, False, False)]
)
def test_leading_pictures_that_refer_to_what_is_not_there(type_: int, lost: bool, dropped: bool) -> None:
    """RASL pictures behind a CRA picture with which decoding begins, or behind a BLA picture wherever; RADL pictures
    can be decoded."""
    camera = Camera(H265)

    def send(number: int, kind: int, shown: int) -> None:
        unit = bytes((kind << 1, 1)) + b"\x80%08d" % number + b"\x5a" * 20
        camera.send(shown * FRAME, *(H265.sets if kind >= 16 else ()), unit)

    if lost:
        for number in range(10):
            send(number, 19 if number == 0 else 1, number)
        camera.number += 1
    base = 20
    for number, kind, shown in (
        (20, type_, 3),
        (21, 9, 1),
        (22, 7, 2),
        (23, 1, 4),
        (24, 21, 8),
        (25, 8, 6),
        (26, 1, 9),
    ):
        send(number, kind, base + shown)
    camera.end()
    expected = [20, *([] if dropped else [21]), 22, 23, 24, 25, 26]
    assert camera.numbers == [*(range(10) if lost else ()), *expected]
    assert camera.receiver.depacketiser.counts.undecodable == lost


def test_leading_pictures_of_h264_by_their_time() -> None:
    """Behind a recovery point with which decoding begins, what is shown before it refers to what was never there."""
    camera = Camera(H264)
    for number, shown in ((0, 3), (1, 1), (2, 2), (3, 6), (4, 4), (5, 5), (10, 13), (11, 11), (12, 12)):
        before = [recovery(H264, 0)] if number % 10 == 0 else []
        camera.send(shown * FRAME, *before, H264.slice(number))
    camera.end()
    assert camera.numbers == [0, 3, 4, 5, 10, 11, 12]


def of_sublayer(number: int, kind: int, layer: int) -> bytes:
    return bytes((kind << 1, layer + 1)) + b"\x80%08d" % number + b"\x5a" * 20


@pytest.mark.parametrize("layers", [1, 3])
def test_the_loss_of_what_nothing_refers_to(layers: int) -> None:
    """H.265: sub-layer non-reference pictures of the highest sub-layer. The frame after it says that something is
    missing, and goes on."""
    camera = Camera(H265)
    vps, sps, pps = H265.sets
    sps = sps[:2] + bytes((layers - 1 << 1 | 1,)) + sps[3:]
    for number in range(40):
        key, other = number % 20 == 0, number % 2 == 1
        unit = of_sublayer(number, 19 if key else 0 if other else 1, layers - 1 if other else 0)
        parts = H265.fragments(unit, 14)
        made = camera.packets(number * FRAME, [*((vps, sps, pps) if key else ()), *parts])
        if number in (9, 14):
            del made[-2]
        camera.read(*made)
        camera.now_us += 40_000
    camera.end()
    # Of frame 9 nothing depends; frame 14 is a reference.
    assert camera.numbers == [*range(9), *range(10, 14), *range(20, 40)]
    assert [number for number, came in zip(camera.numbers, camera.came, strict=True) if came[0].loss] == [10, 20]


def test_h264_the_loss_of_what_nothing_refers_to() -> None:
    camera = Camera(H264)
    for number in range(20):
        unit = H264.slice(number, key=number == 0)
        unit = unit if number % 2 == 0 else bytes((unit[0] & 0x1F,)) + unit[1:]
        made = camera.packets(number * FRAME, [*(H264.sets if number == 0 else ()), *H264.fragments(unit, 14)])
        camera.read(*(made[:-2] + made[-1:] if number == 9 else made))
    camera.end()
    assert camera.numbers == [*range(9), *range(10, 20)]
    assert [number for number, came in zip(camera.numbers, camera.came, strict=True) if came[0].loss] == [10]


@pytest.mark.parametrize("kind", [H264, H265])
def test_parameter_sets_once_and_not_at_the_keyframe(kind: Kind) -> None:
    """They came with a frame that was left out; the keyframe has none, nor has the description: they are remembered."""
    camera = Camera(kind)
    camera.send(0, *kind.sets, kind.slice(1))
    for number in range(2, 12):
        camera.send(number * FRAME, kind.slice(number, key=number == 10))
    camera.end()
    assert camera.numbers == [10, 11] and tuple(camera.receiver.depacketiser.sets.values()) == kind.sets


@pytest.mark.parametrize("kind", [H264, H265])
@pytest.mark.parametrize("form", ["single", "fragmented", "aggregated", "stream"])
def test_a_message_with_a_start_code_in_it_stays_whole(kind: Kind, form: str) -> None:
    """As signed video has them: a vendor's message that is not escaped. What follows it in a byte stream is parted from
    it all the same."""
    head = b"\x06" if kind is H264 else b"\x4e\x01"
    message = b"\0\0\1\x65\x88abc\0\0\0\1\x67\x42" + bytes(range(1, 40))
    sei = head + b"\x05" + bytes((len(message),)) + message + b"\x80"
    camera = Camera(kind)
    for number in range(12):
        units = camera.units(number)
        units.insert(len(units) - 1, sei)
        payloads = {
            "single": units,
            "fragmented": [*units[:-2], *kind.fragments(sei, 11), units[-1]],
            "aggregated": [kind.pack(*units)],
            "stream": [b"".join(b"\0\0\0\1" + unit for unit in units)],
        }[form]
        camera.send(number * FRAME, *payloads)
    camera.end()
    assert camera.numbers == list(range(12))
    for number, came in enumerate(camera.came):
        assert split(came[0].data, length_prefixed=True)[-2] == sei, number


def test_units_are_split_where_a_unit_may_begin_and_nowhere_else() -> None:
    sps, pps = H264.sets
    idr = b"\x65\x88\x84abc"
    for data, parts in (
        (idr, [idr]),
        (b"\0\0\1" + idr, [idr]),
        (b"\x65\0\0\0\1" + idr, [idr]),
        (sps + b"\0\0\0\1" + pps, [sps, pps]),
        (sps + b"\0\0\1" + pps + b"\0\0\1" + idr, [sps, pps, idr]),
        # No unit has the forbidden bit, an IDR picture that nothing refers to, or a message that something refers to.
        (idr + b"\0\0\1\xe5ab", [idr + b"\0\0\1\xe5ab"]),
        (idr + b"\0\0\1\x05ab", [idr + b"\0\0\1\x05ab"]),
        (idr + b"\0\0\1\x66ab", [idr + b"\0\0\1\x66ab"]),
        (idr + b"\0\0\1\x1fab", [idr + b"\0\0\1\x1fab"]),
        # A start code behind which nothing follows ends the unit.
        (idr + b"\0\0\1", [idr]),
        (idr + b"\0\0\0\1", [idr]),
        (b"\0\0\0\0\0\1" + idr, [idr]),
        (idr + b"\0\0\1\x0b", [idr, b"\x0b"]),
        (b"\0\0\1\0\0\1" + idr, [b"\0\0\1" + idr]),
    ):
        assert split_units("h264", data) == parts, data


def test_parameter_sets_of_descriptions_as_cameras_write_them() -> None:
    sps, pps = H264.sets

    def read(text: str) -> tuple[bytes, ...]:
        return Media("video", 96, "H264", 90_000, parameters={"sprop-parameter-sets": text}).parameter_sets

    def code(data: bytes) -> str:
        return base64.b64encode(data).decode()

    both = (sps, pps)
    assert read(f"{code(sps)},{code(pps)}") == both
    assert read(",".join((code(bytes(3) + b"\x01" + sps), code(bytes(2) + b"\x01" + pps)))) == both
    assert read(code(b"\0\0\0\1" + sps + b"\0\0\0\1" + pps)) == both
    assert read(f"{code(sps + bytes(3))},{code(pps + bytes(1))},") == both
    assert read(f'"{code(sps)} , {code(pps)}"') == both
    assert read(f"{code(sps).rstrip('=')},{code(pps).replace('+', '-').replace('/', '_').rstrip('=')}") == both
    assert read(f"{code(sps)},{code(pps)},{code(sps)}") == both
    assert read(",".join((code(b"\xe9" + sps), "!!!", code(b"x"), code(b"\x65abc")))) == ()


def test_numbers_of_decoding_order_that_were_announced_and_do_not_come() -> None:
    """H.265 with sprop-max-don-diff, and aggregation packets that fit only without."""
    depacketiser = H265Depacketiser(donl=True)
    plain = b"\x60\x01" + b"".join(struct.pack("!H", len(unit)) + unit for unit in H265.sets)
    depacketiser.feed(memoryview(plain), 1, False, 0)
    depacketiser.feed(memoryview(H265.slice(1, key=True)), 1, True, 0)
    (picture,) = depacketiser.end()
    assert split(picture.data, length_prefixed=True) == [*H265.sets, H265.slice(1, key=True)]


@pytest.mark.parametrize("kind", [H264, H265])
def test_memory_is_bounded_whatever_comes_without_a_slice(kind: Kind) -> None:
    camera = Camera(kind)
    camera.frames(*range(12))
    message = kind.sei[:-4] + b"\xff" * 60_000 + b"\x80"
    for number in range(400):
        camera.send(12 * FRAME + number % 7, message, marker=False)
        assert sum(map(len, camera.receiver.depacketiser._parts)) < 17 << 20
    camera.frames(20, 21)
    camera.end()
    assert camera.numbers == [*range(12), 20, 21] and camera.losses == [""] * 14
