"""Parts of frames that are missing although no packet is, as behind a proxy that drops packets and numbers the others
anew: what is noticed for sure, what is only counted, and what nobody can see who does not decode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from nvr.demo.rtsp.rtp import h264_payloads, h265_payloads
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtp.pictures import Depacketiser
from tests.support.cameras.clips import ClipSpec, clip

FRAMES: Final = 120
SPOILED: Final = 95
CODECS = ("h264", "h265")
# What becomes of a frame's payloads.
Spoils = Callable[[list[bytes]], list[bytes]]


def played(
    codec: str, spoils: Spoils, *, slices: int = 1, marker: bool = True
) -> tuple[list[CodedFrame], Depacketiser]:
    """What comes out of a camera one frame of which is spoiled; ``marker``: what is left of it has one all the same."""
    h264 = codec == "h264"
    film = clip(
        ClipSpec(
            codec="h264" if h264 else "h265",
            frames=FRAMES,
            group=60,
            bit_rate_bps=600_000,
            encoder=f":slices={slices}" if slices > 1 else "",
        )
    )
    made = (H264Depacketiser if h264 else H265Depacketiser)(film.video.parameter_sets)
    found: list[CodedFrame] = []
    for number, unit in enumerate(film.video.units):
        payloads = (h264_payloads if h264 else h265_payloads)(unit.payload, 60)
        whole = len(payloads)
        if number == SPOILED:
            payloads = spoils(payloads)
        for at, payload in enumerate(payloads, 1):
            ends = at == len(payloads) and (marker or number != SPOILED)
            found += made.feed(memoryview(payload), unit.pts, ends, 0)
        assert number != SPOILED or whole >= 3, "there is something to leave out"
    return [*found, *made.end()], made


def fragments(payloads: list[bytes]) -> list[int]:
    """The numbers of the last slice's fragments."""
    h264 = payloads[-1][0] & 0x1F == 28
    flags = [payload[1 if h264 else 2] for payload in payloads]
    begin = max(at for at, flag in enumerate(flags) if flag & 0x80)
    return list(range(begin, len(payloads)))


def without(payloads: list[bytes], number: int) -> list[bytes]:
    return payloads[:number] + payloads[number + 1 :]


def assert_a_gap(found: list[CodedFrame]) -> None:
    """The frame and what refers to it is left out; the next group says why."""
    assert len(found) == SPOILED
    assert not any(picture.loss for picture in found)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("spoils", "marker"),
    [
        pytest.param(lambda payloads: without(payloads, fragments(payloads)[0]), True, id="first fragment"),
        pytest.param(lambda payloads: payloads[:-1], False, id="last fragment and marker"),
        pytest.param(lambda payloads: payloads[:1], False, id="all but the first fragment"),
    ],
)
def test_fragments_whose_lack_is_certain(codec: str, spoils: Spoils, marker: bool) -> None:
    found, made = played(codec, spoils, marker=marker)
    assert_a_gap(found)
    assert made.counts.damaged == 1


def slices(payloads: list[bytes]) -> list[list[bytes]]:
    """A frame's payloads slice by slice."""
    found: list[list[bytes]] = []
    for payload in payloads:
        is_fragment = payload[0] & 0x1F == 28
        if not found or not is_fragment or payload[1] & 0x80:
            found.append([])
        found[-1].append(payload)
    return found


def without_slice(number: int) -> Spoils:
    def spoil(payloads: list[bytes]) -> list[bytes]:
        parts = slices(payloads)
        del parts[number]
        return [payload for part in parts for payload in part]

    return spoil


@pytest.mark.parametrize(("number", "marker"), [(0, True), (-1, False)], ids=["first", "last and marker"])
def test_slices_whose_lack_is_certain(number: int, marker: bool) -> None:
    found, made = played("h264", without_slice(number), slices=4, marker=marker)
    assert_a_gap(found)
    assert made.counts.damaged == 1


@pytest.mark.parametrize("number", [-1, 1], ids=["last", "in the middle"])
def test_slices_that_may_be_missing_are_counted(number: int) -> None:
    """The first of a frame says that it begins one; how many there are nobody says. A camera whose frames all had as
    many is still one that may code a frame in fewer."""
    found, made = played("h264", without_slice(number), slices=4)
    assert len(found) == FRAMES
    assert (made.counts.doubtful, made.counts.damaged) == (1, 0)


@pytest.mark.parametrize("codec", CODECS)
def test_an_end_that_may_be_missing_is_counted(codec: str) -> None:
    """The last fragment is not there, and the one before has the marker."""
    found, made = played(codec, lambda payloads: payloads[:-1])
    assert len(found) == FRAMES
    assert (made.counts.doubtful, made.counts.damaged) == (1, 0)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "spoils",
    [
        pytest.param(lambda payloads: without(payloads, len(payloads) // 2), id="a fragment in the middle"),
        pytest.param(lambda payloads: [*payloads[:-1], payloads[-1][:5]], id="cut short"),
    ],
)
def test_what_is_not_seen_without_decoding(codec: str, spoils: Spoils) -> None:
    """Fragments have no numbers of their own, and a slice does not say how long it is. Recorded as it came; the
    reference (docs/reference/cameras.md) says so."""
    found, made = played(codec, spoils)
    assert len(found) == FRAMES
    assert (made.counts.doubtful, made.counts.damaged) == (0, 0)


@pytest.mark.parametrize("codec", CODECS)
def test_nothing_is_doubtful_of_a_camera_without_fault(codec: str) -> None:
    for count in (1, 4) if codec == "h264" else (1,):
        found, made = played(codec, list, slices=count)
        assert len(found) == FRAMES and made.counts.doubtful == 0


def test_a_camera_that_codes_in_fewer_slices_from_now_on_is_not_doubted_for_long() -> None:
    film = clip(ClipSpec(frames=FRAMES, group=60, bit_rate_bps=600_000, encoder=":slices=4"))
    made = H264Depacketiser(film.video.parameter_sets)
    for number, unit in enumerate(film.video.units):
        units = unit.payload if number < 80 else unit.payload[:-2]
        for at, nal in enumerate(units, 1):
            made.feed(memoryview(nal), unit.pts, at == len(units), 0)
    assert 1 <= made.counts.doubtful <= 5
