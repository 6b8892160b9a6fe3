"""From Annex B or lengths to NAL units: nothing is lost, and what was one unit is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.media.access_units import length_bytes, parameter_units, units_of
from tests.support.cameras.frames import split

SPS, PPS, IDR, SLICE = b"\x67\x42\x00\x1f\xaa", b"\x68\xce\x01", b"\x65\x88\x84\x55", b"\x41\x9a\x12"


def annexb(*units: bytes, code: bytes = b"\0\0\0\1") -> bytes:
    return b"".join(code + unit for unit in units)


def sei(payload: bytes, header: bytes = b"\x06", kind: int = 5) -> bytes:
    """One message of user data, as it is: nothing is protected against start codes."""
    size = b"\xff" * (len(payload) // 255) + bytes((len(payload) % 255,))
    return header + bytes((kind,)) + size + payload + b"\x80"


UNIT = st.binary(min_size=1, max_size=60).map(lambda rest: b"\x65" + rest.replace(b"\0", b"\1"))


@given(st.lists(UNIT, min_size=1, max_size=8), st.sampled_from([b"\0\0\1", b"\0\0\0\1"]))
def test_units_come_back(units: list[bytes], code: bytes) -> None:
    assert units_of("h264", annexb(*units, code=code), 0) == units
    assert split(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units), length_prefixed=True) == units


@pytest.mark.parametrize("size", [1, 2, 4])
@given(units=st.lists(UNIT, min_size=1, max_size=8))
def test_units_after_lengths(size: int, units: list[bytes]) -> None:
    data = b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)
    assert units_of("h264", data, size) == units
    assert units_of("h264", data + b"\0" * size, size) == units
    cut = units_of("h264", data[:-1], size)
    assert cut == units[: len(cut)] and len(cut) >= len(units) - 1


INSIDE = [b"\0\0\1", b"\0\0\0\1", b"\0\0\1\x06", b"\0\0\0\1\x65\x88\x84", b"\0\0\1\x41\x9a", b"\0\0\3\0\0\1\x67"]


@pytest.mark.parametrize("code", [b"\0\0\1", b"\0\0\0\1"], ids=["short", "long"])
@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_message_that_holds_a_start_code_is_one(codec: str, inside: bytes, code: bytes) -> None:
    """Signatures are put into user data as they are; what they hold is no beginning of anything."""
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    message = sei(b"signature" + inside + bytes(range(1, 200)) + inside + b"end", header)
    slice_ = IDR if codec == "h264" else b"\x26\x01\xaf\x08"
    assert units_of(codec, annexb(message, slice_, code=code), 0) == [message, slice_]
    assert units_of(codec, annexb(slice_, message, message, code=code), 0) == [slice_, message, message]


def test_a_protected_message_and_two_messages_in_a_unit() -> None:
    protected = b"\x06\x05\x08" + b"ab\0\0\3\1cde" + b"\x80"
    two = b"\x06\x01\x02ab\x05\x04c\0\0\1\x80"
    assert units_of("h264", annexb(protected, two, IDR), 0) == [protected, two, IDR]


def test_a_message_whose_size_lies_takes_no_slice_with_it() -> None:
    broken = b"\x06\x05\xf0short"
    assert units_of("h264", annexb(broken, IDR, SLICE), 0) == [broken, IDR, SLICE]


@given(
    st.lists(
        st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\x06", b"\x05\x04", b"\x65\x88", b"\x80", b"\xff"]), max_size=30
    )
)
def test_whatever_comes_every_byte_but_codes_is_kept_in_order(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    for codec in ("h264", "hevc"):
        at = 0
        for unit in units_of(codec, data, 0):
            assert unit
            at = data.index(unit, at) + len(unit)


def test_extradata() -> None:
    avcc = b"\x01\x42\x00\x1f\xff\xe1" + len(SPS).to_bytes(2, "big") + SPS + b"\x01" + len(PPS).to_bytes(2, "big") + PPS
    assert length_bytes("h264", avcc) == 4 and parameter_units("h264", avcc) == [SPS, PPS]
    assert length_bytes("h264", annexb(SPS, PPS)) == 0 and parameter_units("h264", annexb(SPS, PPS)) == [SPS, PPS]
    vps, sps, pps = b"\x40\x01v", b"\x42\x01s", b"\x44\x01p"
    hvcc = b"\x01" + bytes(20) + b"\xfd\x03"
    for unit in (vps, sps, pps):
        hvcc += bytes((unit[0] >> 1,)) + b"\0\1" + len(unit).to_bytes(2, "big") + unit
    assert length_bytes("hevc", hvcc) == 2 and parameter_units("hevc", hvcc) == [vps, sps, pps]
    for data in (avcc, hvcc):
        codec = "h264" if data is avcc else "hevc"
        for end in range(len(data)):
            parameter_units(codec, data[:end])


def test_a_slice_ends_at_any_start_code() -> None:
    """A slice is protected, so what follows a start code is another unit, also one of a type that nobody specified."""
    slice_, private = b"\x41\x9a\x02\x80", b"\x00\x7f\x7f"
    code = b"\x00\x00\x00\x01"
    assert units_of("h264", code + slice_ + code + private, 0) == [slice_, private]
