"""What AAC says of itself."""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.media.audio_config import aac_format, adts_frames, lc_config
from nvr.recorder.media.inits import describe_audio


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_configuration_of_an_encoder(rate: int, channels: int) -> None:
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono" if channels == 1 else "stereo", "fltp"  # type: ignore[attr-defined]
    encoder.open()
    config = bytes(encoder.extradata or b"")
    found = aac_format(config)
    assert found is not None
    assert (found.rate, found.channels, found.unit_samples) == (rate, channels, 1024)
    # What FFmpeg adds says that there is no band replication.
    assert lc_config(rate, channels) == config[:2]


def test_forms_of_configurations() -> None:
    # AAC-LC 24 kHz with band replication said in front, behind, and only by the clock
    explicit = aac_format(bytes.fromhex("2b118800"))
    assert explicit is not None and (explicit.rate, explicit.unit_samples) == (48_000, 2048)
    by_clock = aac_format(bytes.fromhex("1308"), 48_000)
    assert by_clock is not None and (by_clock.rate, by_clock.unit_samples) == (48_000, 2048)
    plain = aac_format(bytes.fromhex("1308"), 24_000)
    assert plain is not None and (plain.rate, plain.unit_samples) == (24_000, 1024)
    # A clock that has nothing to do with it (cameras write 90000, or 8000)
    odd = aac_format(bytes.fromhex("1408"), 90_000)
    assert odd is not None and odd.rate == 16_000
    short = aac_format(bytes.fromhex("140c"))
    assert short is not None and short.unit_samples == 960
    open_ = aac_format(bytes.fromhex("1400"), 16_000, 2)
    assert open_ is not None and open_.channels == 2
    for bad in ("", "14", "ffff", "0000", "16a8", "1478", "f800"):
        assert aac_format(bytes.fromhex(bad)) is None, bad


@given(st.binary(max_size=70), st.sampled_from([0, 8000, 16_000, 90_000]), st.integers(0, 9))
def test_what_is_accepted_has_a_place_in_mp4(config: bytes, rate: int, channels: int) -> None:
    found = aac_format(config, rate, channels)
    if found is not None:
        describe_audio(found)
        assert found.unit_samples > 0


def adts(config: bytes, data: bytes) -> bytes:
    bits = int.from_bytes(config[:2], "big")
    size = len(data) + 7
    head = 0xFFF1 << 40 | ((bits >> 11) - 1) << 38 | (bits >> 7 & 15) << 34 | (bits >> 3 & 15) << 30
    return (head | size << 13 | 0x7FF << 2).to_bytes(7, "big") + data


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(0, 20))
def test_adts(frames: list[bytes], cut: int) -> None:
    config = lc_config(16_000, 1)
    assert config is not None
    data = b"".join(adts(config, frame) for frame in frames)
    found = adts_frames(data)
    assert [raw for _, raw in found] == frames
    assert {form.config for form, _ in found} <= {config}
    assert [raw for _, raw in adts_frames(data[: max(0, len(data) - cut)])] == frames[
        : len(adts_frames(data[: max(0, len(data) - cut)]))
    ]


@given(st.binary(max_size=60))
def test_what_is_not_adts_is_nothing(data: bytes) -> None:
    adts_frames(b"\xff\xf1" + data)
