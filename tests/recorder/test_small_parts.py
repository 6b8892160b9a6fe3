"""NAL units, back-off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.camera import RetryWait
from nvr.recorder.media.nal import parameter_sets

SPS, PPS, SEI, IDR = b"\x67sps", b"\x68pps", b"\x06sei", b"\x65slice"


def annexb(*units: bytes, code: bytes = b"\x00\x00\x00\x01") -> bytes:
    return b"".join(code + unit for unit in units)


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda b: b"\0" not in b), max_size=8), st.booleans())
def test_parameter_sets_come_back(rests: list[bytes], short: bool) -> None:
    sets = [b"\x67" + rest for rest in rests]
    code = b"\0\0\1" if short else b"\0\0\0\1"
    assert list(parameter_sets("h264", annexb(*sets, IDR, code=code))) == sets


def test_parameter_sets_stand_before_the_picture() -> None:
    assert parameter_sets("h264", annexb(SEI, SPS, PPS, IDR, b"\x67late")) == (SPS, PPS)
    assert parameter_sets("h264", annexb(IDR)) == ()
    vps, sps, pps, idr = b"\x40\x01v", b"\x42\x01s", b"\x44\x01p", b"\x26\x01i"
    assert parameter_sets("hevc", annexb(vps, sps, pps, idr)) == (vps, sps, pps)
    assert parameter_sets("h264", b"garbage without a start code") == ()


def test_backoff_doubles_to_half_a_minute_and_forgets_after_ten_seconds_of_footage() -> None:
    backoff = RetryWait(jitter=lambda: 0.5)
    assert [backoff.after(0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(9.9) == 30
    assert backoff.after(10) == 1
    assert backoff.after(0) == 2


def test_backoff_is_jittered() -> None:
    waits = {RetryWait(jitter=lambda j=j: j / 100).after(0) for j in range(100)}  # type: ignore[misc]
    assert min(waits) == 0.75 and max(waits) < 1.25 and len(waits) == 100
