"""Every codec of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from nvr.recorder.sources.rtp import codecs
from nvr.recorder.sources.rtp.codec import VideoCodec
from nvr.recorder.sources.rtp.codecs import BY_ENCODING, CODECS
from nvr.recorder.sources.rtp.errors import UnsupportedError
from nvr.recorder.sources.rtp.pictures import Depacketiser
from nvr.recorder.sources.rtp.sdp import parse, pick_video

REFUSED = {"h264": "packetization-mode=3", "hevc": "sprop-depack-buf-nalus=4"}


def described(encoding: str, parameters: str = "") -> bytes:
    lines = ["v=0", "m=video 0 RTP/AVP 96", f"a=rtpmap:96 {encoding}/90000", "a=control:t"]
    return "\r\n".join([*lines, *([f"a=fmtp:96 {parameters}"] if parameters else []), ""]).encode()


def test_each_file_of_a_codec_is_in_the_table() -> None:
    files = [path.stem for path in Path(codecs.__file__).parent.glob("h26*.py")]
    assert len(files) == len(CODECS)
    assert all(name == codec.name for name, codec in CODECS.items())


@pytest.mark.parametrize("encoding", BY_ENCODING)
def test_each_is_found_by_its_names_in_a_description(encoding: str) -> None:
    media = pick_video(parse(described(encoding.lower())))
    codec = CODECS[media.codec]
    assert codec is BY_ENCODING[encoding]
    assert (media.parameter_sets, codec.refuses(media.parameters)) == ((), "")
    made = codec.depacketiser(media.parameter_sets, media.donl)
    assert isinstance(made, Depacketiser)
    assert made.codec == codec.name


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_each_says_what_of_it_cannot_be_read(codec: VideoCodec) -> None:
    with pytest.raises(UnsupportedError, match=r"packetization-mode 3|interleaved"):
        pick_video(parse(described(codec.encodings[0], REFUSED[codec.name])))


def test_another_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedError, match="codec AV1"):
        pick_video(parse(described("AV1")))
