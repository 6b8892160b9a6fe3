"""The number in a picture survives encoding, and is never read wrong."""

from fractions import Fraction

import av
import numpy as np
import pytest

from nvr.demo import timecode


@pytest.mark.parametrize("value", [0, 1, 1_795_478_400_123, (1 << 44) - 1])
def test_what_was_burned_in_is_read_back(value: int) -> None:
    picture = np.full((180, 320, 3), 90, np.uint8)
    timecode.burn(picture, value)
    assert timecode.read(picture[:, :, 0]) == value


@pytest.mark.parametrize("size", [(256, 64), (640, 360), (1920, 1080)])
def test_it_survives_a_poor_encoding(size: tuple[int, int]) -> None:
    encoder = av.VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "40"}
    decoder = av.VideoCodecContext.create("h264", "r")
    noise = np.random.default_rng(1)
    values, read = [1_795_478_400_000 + 83 * number for number in range(10)], []
    for number, value in enumerate(values):
        picture = noise.integers(0, 255, (size[1], size[0], 3), np.uint8)
        timecode.burn(picture, value)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts = number
        for packet in encoder.encode(frame):
            read += [timecode.read(np.asarray(f.to_ndarray(format="gray"))) for f in decoder.decode(packet)]
    read += [timecode.read(np.asarray(f.to_ndarray(format="gray"))) for f in decoder.decode(None)]
    assert read == values


def test_a_damaged_code_is_not_read() -> None:
    picture = np.zeros((64, 256), np.uint8)
    timecode.burn(picture, 123_456)
    for column in range(timecode.COLUMNS):
        damaged = picture.copy()
        block = damaged[-8:, column * 8 : column * 8 + 8]
        block[...] = 255 - block
        assert timecode.read(damaged) is None


@pytest.mark.parametrize("picture", [np.zeros((90, 320)), np.full((90, 320), 255), np.full((90, 320), 128)])
def test_a_picture_without_code_has_no_number(picture: np.ndarray) -> None:
    assert timecode.read(picture) is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        timecode.burn(np.zeros((90, 160), np.uint8), 1)
    with pytest.raises(ValueError, match="44 bits"):
        timecode.strip(1 << 44)
