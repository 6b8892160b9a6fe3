"""The session description says what RFC 4566 and the payload formats ask for."""

from nvr.demo.rtsp import LiveStream
from nvr.demo.rtsp.sdp import describe

H264 = LiveStream("h264", 90_000, (b"\x67\x42\xc0\x1e\xda", b"\x68\xce\x3c\x80"))
H265 = LiveStream("h265", 90_000, (b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1"))


def test_h264_and_aac() -> None:
    text = describe([H264, LiveStream("aac", 16_000, (b"\x14\x08",))], "Camera", 7)
    assert text.endswith("\r\n")
    assert text.split("\r\n") == [
        "v=0",
        "o=- 7 1 IN IP4 127.0.0.1",
        "s=Camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHto=,aM48gA==",
        "a=control:trackID=0",
        "m=audio 0 RTP/AVP 97",
        "a=rtpmap:97 mpeg4-generic/16000/1",
        (
            "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;"
            "config=1408"
        ),
        "a=control:trackID=1",
        "",
    ]


def test_h265() -> None:
    text = describe([H265], "Camera", 7)
    assert "a=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-vps=QAEM;sprop-sps=QgEB;sprop-pps=RAHB\r\n" in text


def test_g711_has_its_static_payload_types() -> None:
    text = describe([LiveStream("pcmu", 8_000), LiveStream("pcma", 8_000)], "Camera", 7)
    assert "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000/1\r\n" in text
    assert "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000/1\r\n" in text


def test_unknown_parameter_sets_are_not_announced() -> None:
    text = describe([LiveStream("h264", 90_000), LiveStream("h265", 90_000)], "Camera", 7)
    assert "a=fmtp:96 packetization-mode=1\r\n" in text
    assert "a=fmtp:97" not in text
