"""Descriptions, URLs and logins, as cameras write them and as nobody should."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import NativeError, ProtocolError, UnsupportedError
from nvr.recorder.sources.rtp.sps import reorder_depth
from nvr.recorder.sources.rtsp.auth import Authenticator, Challenge, choose, parse_challenges
from nvr.recorder.sources.rtsp.message import parse_head
from nvr.recorder.sources.rtsp.urls import base_url, control_url

H264 = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\na=control:track1\n"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n", "\r\r\n"])
def test_line_ends(end: str) -> None:
    """Checklist 7."""
    text = ("v=0\ns=x\na=control:*\n" + H264).replace("\n", end)
    found = sdp.parse(text.encode())
    video = sdp.pick_video(found)
    assert (found.control, video.control, video.codec, video.parameter_sets) == ("*", "track1", "h264", ())


def test_sprop_without_padding_and_with_nonsense() -> None:
    """Checklist 7."""
    sets = base64.b64encode(b"\x67abcd").decode().rstrip("=")
    media = sdp.pick_video(sdp.parse(H264.replace("mode=1", f"mode=1; sprop-parameter-sets={sets},?!,").encode()))
    assert media.parameter_sets == (b"\x67abcd",)


def test_several_tracks_and_metadata() -> None:
    """Checklist 7."""
    metadata = "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:meta\n"
    audio = "m=audio 0 RTP/AVP 0\na=control:sound\n"
    found = sdp.parse((metadata + audio + H264 + H264.replace("track1", "track2")).encode())
    assert [media.kind for media in found.media] == ["application", "audio", "video", "video"]
    assert found.control is None
    assert sdp.pick_video(found).control == "track1"
    sound = sdp.pick_audio(found)
    assert sound is not None and (sound.encoding, sound.clock_rate) == ("PCMU", 8000)
    with pytest.raises(UnsupportedError, match="PCMU"):
        sound.aac()


def test_sound_without_a_clock_is_described_incompletely() -> None:
    """Found by bending sessions: it ended in a division by zero."""
    form = "a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\n"
    for rate, spoken in (("/16000", True), ("/0", False), ("", False)):
        text = f"{H264}m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic{rate}\n{form}"
        if spoken:
            assert sdp.pick_audio(sdp.parse(text.encode())) is not None
        else:
            with pytest.raises(UnsupportedError, match="incompletely"):
                sdp.pick_audio(sdp.parse(text.encode()))


def test_latm_is_for_ffmpeg_where_that_reads_it() -> None:
    """Else the camera is recorded without sound by this source, and not handed on for nothing."""
    text = f"{H264}m=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/16000/1\na=fmtp:97 cpresent=0;config=400028103fc0\n"
    with pytest.raises(UnsupportedError, match="MP4A-LATM"):
        sdp.pick_audio(sdp.parse(text.encode()))
    for parameters in ("cpresent=1", "object=2"):
        in_band = sdp.parse(text.replace("cpresent=0;config=400028103fc0", parameters).encode())
        assert sdp.pick_audio(in_band) is None and sdp.refused_audio(in_band) == "MP4A-LATM"


def test_packetisation_modes() -> None:
    """Checklist 7."""
    for mode in ("0", "1", "2"):
        sdp.pick_video(sdp.parse(H264.replace("mode=1", f"mode={mode}").encode()))
    with pytest.raises(UnsupportedError, match="packetization-mode 3"):
        sdp.pick_video(sdp.parse(H264.replace("mode=1", "mode=3").encode()))
    # A second track that can be read is better than none.
    both = H264.replace("mode=1", "mode=3") + H264.replace("track1", "track2")
    assert sdp.pick_video(sdp.parse(both.encode())).control == "track2"


def test_nothing_to_record() -> None:
    with pytest.raises(ProtocolError):
        sdp.parse(b"not a description")
    with pytest.raises(UnsupportedError, match="no video"):
        sdp.pick_video(sdp.parse(b"m=audio 0 RTP/AVP 0\r\n"))
    with pytest.raises(UnsupportedError, match="JPEG"):
        sdp.pick_video(sdp.parse(b"m=video 0 RTP/AVP 26\r\n"))


lines = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.builds("{}={}".format, st.sampled_from("vmac"), st.text(max_size=30)),
        st.sampled_from([*H264.splitlines(), "m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/16000"]),
        st.builds("a=fmtp:96 {}={}".format, st.sampled_from(["packetization-mode", "sprop-parameter-sets"]), st.text()),
    ),
    max_size=20,
)


@given(st.one_of(st.binary(max_size=300), lines.map(lambda ls: "\n".join(ls).encode("utf-8", "surrogatepass"))))
def test_description_fuzz(body: bytes) -> None:
    try:
        found = sdp.parse(body)
        if (sound := sdp.pick_audio(found)) is not None:
            sound.channels.bit_length()
        video = sdp.pick_video(found)
        assert all(video.parameter_sets) and isinstance(video.donl, bool)
        assert sound is None or sound.aac().config
    except NativeError:
        pass


@pytest.mark.parametrize(
    ("headers", "control", "expected"),
    [
        ({}, "trackID=1", "rtsp://c/live/trackID=1"),
        ({"content-base": "rtsp://c/live/"}, "trackID=1", "rtsp://c/live/trackID=1"),
        ({"content-base": "rtsp://c/live"}, "trackID=1", "rtsp://c/live/trackID=1"),
        ({"content-location": "rtsp://c/other/"}, "t", "rtsp://c/other/t"),
        ({"content-base": "rtsp://c/a/", "content-location": "rtsp://c/b/"}, "t", "rtsp://c/a/t"),
        ({}, "rtsp://u:p@c/abs?x=1", "rtsp://c/abs?x=1"),
        ({}, "*", "rtsp://c/live"),
        ({}, None, "rtsp://c/live"),
        ({}, "/root/track1", "rtsp://c/root/track1"),
    ],
)
def test_control_urls(headers: dict[str, str], control: str | None, expected: str) -> None:
    """Checklist 7."""
    assert control_url(base_url("rtsp://c/live", headers), control) == expected


def test_query_strings() -> None:
    """Checklist 7."""
    base = base_url("rtsp://c/cam/realmonitor?channel=1&subtype=0", {})
    assert control_url(base, "trackID=0") == "rtsp://c/cam/realmonitor?channel=1&subtype=0/trackID=0"


@given(st.text(max_size=40), st.text(max_size=40))
def test_url_fuzz(base: str, control: str) -> None:
    try:
        made = control_url(base_url("rtsp://camera/live", {"content-base": base}), control)
    except NativeError:
        return
    assert "\r" not in made and "\n" not in made and " " not in made


def chosen(headers: list[str], *, basic: bool = True) -> Challenge | None:
    return choose(parse_challenges(headers), basic=basic)


def challenged(auth: Authenticator, headers: list[str]) -> bool:
    found = chosen(headers)
    assert found is not None
    return auth.take(found)


def hashed(name: str, *parts: str) -> str:
    return hashlib.new(name, ":".join(parts).encode()).hexdigest()


def test_digest_by_the_rfc() -> None:
    """Checklist 5; the example of RFC 7616 3.9.1."""
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        auth = Authenticator("Mufasa", "Circle of Life", lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
        nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
        assert challenged(
            auth,
            [f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}"'],
        )
        header = auth.header("GET", "/dir/index.html")
        assert header is not None and f'response="{expected}"' in header and "nc=00000001" in header
        assert "nc=00000002" in (auth.header("GET", "/dir/index.html") or "")


def test_the_stronger_offer_is_taken() -> None:
    auth = Authenticator("u", "p")
    challenged(
        auth,
        [
            'Basic realm="Digest, Basic "',
            'Digest realm="r", nonce="1"',
            'Digest realm="r", nonce="2", algorithm=SHA-256',
        ],
    )
    assert "algorithm=SHA-256" in (auth.header("PLAY", "x") or "")
    one_line = parse_challenges(['Digest realm="a, b", nonce="n", Basic realm="c"'])
    assert [offer.scheme for offer in one_line] == ["digest", "basic"]
    assert one_line[0].parameters["realm"] == "a, b"
    assert chosen(["Negotiate abc", 'Digest realm="r", nonce="1", algorithm=MD5-sess']) is None
    assert chosen(['Basic realm="r"'], basic=False) is None


def test_when_a_nonce_is_new() -> None:
    """Checklist 5."""
    auth = Authenticator("u", "p")
    assert challenged(auth, ['Digest realm="r", nonce="1"'])
    assert not challenged(auth, ['Digest realm="r", nonce="1", stale=TRUE'])
    assert challenged(auth, ['Digest realm="r", nonce="2"'])
    basic = Authenticator("u", "p@ss:w/rd#1%")
    assert challenged(basic, ['Basic realm="r"']) and not challenged(basic, ['Basic realm="r"'])
    assert basic.header("PLAY", "x") == "Basic " + base64.b64encode(b"u:p@ss:w/rd#1%").decode()
    assert "p@ss" not in repr(basic)


@given(st.lists(st.text(max_size=200), max_size=4), st.text(max_size=20))
def test_challenge_fuzz(headers: list[str], uri: str) -> None:
    auth = Authenticator("u", "pässwörd")
    found = chosen(["Digest " + header for header in headers] + headers)
    if found is None:
        return
    auth.take(found)
    assert auth.header("PLAY", uri)


@given(st.binary(max_size=200))
def test_message_fuzz(data: bytes) -> None:
    for start in (b"", b"RTSP/1.0 200 OK\r\n", b"OPTIONS * RTSP/1.0\r\n"):
        message = parse_head(start + data)
        if message is not None:
            assert message.cseq is None or message.cseq >= 0
            with contextlib.suppress(ProtocolError):
                assert message.length >= 0


@given(st.sampled_from(["h264", "hevc"]), st.lists(st.binary(max_size=60), max_size=3))
def test_parameter_set_fuzz(codec: str, sets: list[bytes]) -> None:
    heads = {"h264": b"\x67", "hevc": b"\x42\x01"}
    depth = reorder_depth(codec, [heads[codec] + unit for unit in sets] + sets)
    assert depth is None or 0 <= depth <= 16
