"""Packets lost between frames of real encoders: what can be decoded without them goes on, what can't is left out."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.media.nal import annex_b
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.frames import prefixed

FILMS = {
    "h264": lambda: clip(ClipSpec(frames=60)),
    "h265": lambda: clip(ClipSpec(codec="h265", frames=60)),
}


def sent(film: Clip, codec: str) -> list[list[tuple[bytes, int, bool]]]:
    """Each frame's packets: (payload, time, marker); a message of the camera's own before the frame."""
    sei = b"\x06\x05\x03abc\x80" if codec == "h264" else b"\x4e\x01\x05\x03abc\x80"
    frames: list[list[tuple[bytes, int, bool]]] = []
    for unit in film.video.units:
        payloads = [sei, *unit.payload]
        frames.append([(payload, unit.pts, at == len(payloads) - 1) for at, payload in enumerate(payloads)])
    return frames


def received(
    film: Clip, codec: str, frames: Sequence[Sequence[tuple[bytes, int, bool]]], lost: set[int]
) -> list[CodedFrame]:
    """What comes out if the packets of these numbers are lost."""
    sets = film.video.parameter_sets
    depacketiser = H264Depacketiser(sets) if codec == "h264" else H265Depacketiser(sets)
    found: list[CodedFrame] = []
    number = missing = 0
    for frame in frames:
        for payload, time, marker in frame:
            if number in lost:
                missing += 1
            else:
                found += depacketiser.feed(memoryview(payload), time, marker, missing)
                missing = 0
            number += 1
    return [*found, *depacketiser.end()]


def decoded(codec: str, samples: Sequence[bytes]) -> list[bytes]:
    """The pictures of these samples, as pixels."""
    data = b"".join(annex_b(sample) for sample in samples)
    with av.open(io.BytesIO(data), format="h264" if codec == "h264" else "hevc") as container:
        return [frame.to_ndarray(format="gray").tobytes() for frame in container.decode(video=0)]


@pytest.mark.parametrize("codec", FILMS)
def test_what_lies_between_frames_may_be_lost(codec: str) -> None:
    """Messages that come in packets of their own: no frame is missing, none is left out, and nothing is claimed to be
    lost."""
    film = FILMS[codec]()
    frames = sent(film, codec)
    starts, at = [], 0
    for frame in frames:
        starts.append(at)
        at += len(frame)
    lost = {starts[number] for number in (5, 6, 13, 25, 26, 27, 44)}
    found = received(film, codec, frames, lost)
    assert [picture.timestamp for picture in found] == [unit.pts for unit in film.video.units]
    assert not any(picture.loss for picture in found)


@pytest.mark.parametrize("codec", FILMS)
def test_a_frame_that_is_lost_whole_costs_its_group(codec: str) -> None:
    film = FILMS[codec]()
    frames = sent(film, codec)
    before = sum(map(len, frames[:24]))
    found = received(film, codec, frames, set(range(before, before + len(frames[24]))))
    assert [picture.timestamp for picture in found] == [
        unit.pts for number, unit in enumerate(film.video.units) if not 24 <= number < 30
    ]
    assert [picture.loss for picture in found if picture.loss] == ["network"]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(FILMS)), st.sets(st.integers(0, 190), max_size=12))
def test_what_comes_out_after_any_loss_decodes_to_what_was_sent(codec: str, lost: set[int]) -> None:
    film = FILMS[codec]()
    frames = sent(film, codec)
    found = received(film, codec, frames, lost)
    numbers = {unit.pts: number for number, unit in enumerate(film.video.units)}
    whole = _whole(codec)
    pictures = decoded(codec, [picture.data for picture in found])
    assert len(pictures) == len(found)
    for picture, pixels in zip(found, pictures, strict=True):
        assert pixels == whole[numbers[picture.timestamp]], numbers[picture.timestamp]
    # And what was not touched by any loss is there.
    got = {numbers[picture.timestamp] for picture in found}
    at = 0
    ends: list[int] = []
    for frame in frames:
        at += len(frame)
        ends.append(at)
    for group in range(0, 60, 10):
        first = next(
            (n for n in sorted(lost) if (ends[group - 1] if group else 0) <= n < ends[min(group + 9, 59)]), None
        )
        good = 10 if first is None else next(n for n in range(group, 60) if first < ends[n]) - group
        # The packet before a frame's first one may have been its own.
        assert got >= set(range(group, group + max(0, good - 1)))


_KEPT: dict[str, list[bytes]] = {}


def _whole(codec: str) -> list[bytes]:
    if codec not in _KEPT:
        _KEPT[codec] = decoded(codec, [prefixed(*unit.payload) for unit in FILMS[codec]().video.units])
    return _KEPT[codec]
