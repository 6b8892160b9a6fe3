"""One frame has one hash, however it is wrapped."""

import pytest

from tests.support.cameras.frames import frame_hash, prefixed, vcl_hash

SPS, PPS, SEI, IDR = b"\x67\x42\x00\x1e", b"\x68\xce\x3c", b"\x06\x05\x01\x80", b"\x65\x88\x84\x00\x03"


def _annexb(*nals: bytes) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + nal for nal in nals)


def test_wrapping_and_parameter_sets_do_not_matter() -> None:
    expected = vcl_hash("h264", _annexb(IDR), False)
    assert vcl_hash("h264", _annexb(SPS, PPS, SEI, IDR), False) == expected
    assert vcl_hash("h264", prefixed(SPS, PPS, IDR), True) == expected
    assert vcl_hash("h264", b"\x00\x00\x01" + IDR + b"\x00\x00", False) == expected


def test_picture_data_and_its_order_matter() -> None:
    other = b"\x41\x9a\x02"
    assert vcl_hash("h264", _annexb(IDR, other), False) != vcl_hash("h264", _annexb(other, IDR), False)
    assert vcl_hash("h264", _annexb(IDR), False) != vcl_hash("h264", _annexb(IDR[:-1] + b"\x04"), False)


def test_a_truncated_sample_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer than the sample"):
        vcl_hash("h264", prefixed(IDR)[:-1], True)


def test_audio_is_hashed_whole() -> None:
    assert frame_hash("aac", b"\x01\x02") != frame_hash("aac", b"\x01")
