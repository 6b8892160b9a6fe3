"""What lies beside the video costs no frame: sound that is refused, badly described or wrongly timed; addresses that do
not fit; and a goodbye."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtsp.audio import SampleRatio
from nvr.recorder.sources.rtsp.framing import Framing
from nvr.recorder.sources.rtsp.message import Message
from nvr.recorder.sources.rtsp.urls import base_url
from storage.causes import Cause
from tests.recorder.sources.harness import Sink
from tests.recorder.sources.odd import BUFFER, FRAME, H264, H265, Camera, Kind, packet
from tests.recorder.sources.rtsp.test_hostile import SDP, against, media, ok, usual
from tests.support.cameras.clips import Clip

AAC = (
    b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\n"
    b"a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\r\n"
    b"a=control:t1\r\n"
)
BACK = b"m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:t9\r\na=sendonly\r\n"


def sounds(
    body: bytes, refused: bytes | None = None, refused_play: bytes | None = None
) -> Callable[..., Callable[[str, str, int], bytes]]:
    """A camera with this description that refuses the sound's SETUP, or PLAY with sound, with these words (or hangs up:
    none at all)."""

    def of(film: Clip) -> Callable[[str, str, int], bytes]:
        asked = [False]

        def answer(method: str, url: str, cseq: int) -> bytes:
            if method == "DESCRIBE":
                asked[0] = False
                return ok(cseq, "Content-Type: application/sdp", body=body)
            if method == "SETUP" and not url.endswith("/t0"):
                asked[0] = True
                if refused is not None:
                    return b"RTSP/1.0 " + refused + b"\r\nCSeq: %d\r\n\r\n" % cseq
                return ok(cseq, "Session: 12", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3")
            if method == "PLAY":
                if asked[0] and refused_play is not None:
                    return b"RTSP/1.0 " + refused_play + b"\r\nCSeq: %d\r\n\r\n" % cseq
                return ok(cseq) + media(film, 0, 5)
            return usual(method, url, cseq)

        return answer

    return of


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (sounds(SDP + AAC, b"500 Internal Error"), "500"),
        (sounds(SDP + AAC, b"461 Unsupported transport"), "461"),
        (sounds(SDP + AAC, b"200 OK\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1"), "channels"),
        (sounds(SDP + AAC, refused_play=b"455 Method Not Valid"), "455"),
        (sounds(SDP + b"m=audio 0 RTP/AVP 98\r\na=rtpmap:98 opus/48000/2\r\na=control:t1\r\n"), "OPUS"),
        (sounds(SDP + b"m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\na=control:t1\r\n"), "G726-32"),
        (sounds(SDP + BACK), None),
        (sounds(SDP + BACK + AAC + b"a=recvonly\r\n"), None),
        (sounds(BACK + SDP + AAC), None),
    ],
)
async def test_sound_that_can_not_be_had_costs_no_frame(
    h264_clip: Clip, made: Callable[..., Callable[[str, str, int], bytes]], why: str | None
) -> None:
    sink = Sink()
    ended, _, heard = await against(made(h264_clip), sink, audio=True)
    assert ended.cause is Cause.STALLED and sink.hashes == [unit.hash for unit in h264_clip.video.units[:5]]
    assert not any(line.startswith("SETUP") and "/t9" in line for line in heard), "the back channel is none of ours"
    assert len(sink.refused) == (why is not None) and all(why is not None and why in said for said in sink.refused)


async def test_a_camera_that_hangs_up_when_asked_for_sound(h264_clip: Clip) -> None:
    """Asked again without, it plays."""
    times = [0]

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "DESCRIBE":
            times[0] += 1
            return ok(cseq, body=SDP + AAC)
        if method == "SETUP" and url.endswith("/t1"):
            raise ConnectionError("hangs up")
        return ok(cseq) + media(h264_clip, 0, 5) if method == "PLAY" else usual(method, url, cseq)

    sink = Sink()
    await against(answer, sink, audio=True)
    assert times == [2] and len(sink.video) == 5 and len(sink.refused) == 1


def test_what_the_camera_wants_to_hear_is_no_sound_of_its_own() -> None:
    description = sdp.parse(SDP + BACK + AAC)
    picked = sdp.pick_audio(description)
    assert picked is not None and picked.encoding == "MPEG4-GENERIC"
    assert sdp.pick_audio(sdp.parse(SDP + BACK)) is None and sdp.refused_audio(sdp.parse(SDP + BACK)) == ""


def test_another_clock_of_telephone_sound() -> None:
    """Counted at 90 kHz although the description says 8 kHz; a packet that is missing changes nothing."""
    ratio = SampleRatio(True)
    assert [ratio.learn(160 * number, 160) for number in (*range(10), *range(12, 20))] == [False] * 18
    assert ratio.ticks == ratio.samples
    ratio = SampleRatio(True)
    learnt = [ratio.learn(1800 * number, 160) for number in (*range(10), *range(12, 20))]
    assert sum(learnt) == 1 and learnt.index(True) <= 4 and ratio.ticks / ratio.samples == 11.25


@pytest.mark.parametrize(
    ("value", "base"),
    [
        ("192.168.1.10:554/stream0/", "rtsp://192.168.1.10:554/stream0/"),
        ("cam.example/stream0/", "rtsp://cam.example/stream0/"),
        ("CAM.example:8554/stream0", "rtsp://CAM.example:8554/stream0"),
        ("[fe80::1]:554/x/", "rtsp://[fe80::1]:554/x/"),
        ("stream0/", "rtsp://cam.example/live/stream0/"),
        ("/stream0/", "rtsp://cam.example/stream0/"),
        ("rtsp://10.0.0.1/x/", "rtsp://10.0.0.1/x/"),
    ],
)
def test_a_base_without_scheme_is_absolute_if_it_begins_with_a_host(value: str, base: str) -> None:
    assert base_url("rtsp://cam.example/live", {"content-base": value}) == base


async def test_a_base_that_leads_nowhere(h264_clip: Clip) -> None:
    """Relative to it there is nothing; relative to the address that was asked there is."""

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "DESCRIBE":
            return ok(cseq, "Content-Base: rtsp://10.1.2.3:554/elsewhere/", body=SDP)
        if method == "SETUP" and not url.endswith("/live/t0"):
            return b"RTSP/1.0 404 Not Found\r\nCSeq: %d\r\n\r\n" % cseq
        return ok(cseq) + media(h264_clip, 0, 5) if method == "PLAY" else usual(method, url, cseq)

    sink = Sink()
    await against(answer, sink)
    assert len(sink.video) == 5


def bye(ssrc: int) -> bytes:
    """A sender report and a goodbye."""
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 0x83AA7E80, 0, 1, 1, 1000)
    return report + struct.pack("!BBHI", 0x81, 203, 1, ssrc)


@pytest.mark.parametrize("kind", [H264, H265])
@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("says", [True, False])
def test_the_last_frame_before_the_end(kind: Kind, marks: bool, says: bool) -> None:
    """It has no marker, since its end was not known; a goodbye or the connection's end follows."""
    camera = Camera(kind)
    for number in range(12):
        camera.send(number * FRAME, *camera.payloads(number), marker=marks)
    camera.send(12 * FRAME, *camera.payloads(12), marker=False)
    if says:
        camera.read(bye(7), channel=1)
        assert camera.numbers == list(range(13)) and camera.byes == 1
    camera.end()
    assert camera.numbers == list(range(13)) and camera.whole


@pytest.mark.parametrize("kind", [H264, H265])
def test_a_last_frame_that_was_cut_off_is_none(kind: Kind) -> None:
    camera = Camera(kind)
    camera.frames(*range(12))
    camera.send(12 * FRAME, *camera.payloads(12)[:-1], marker=False)
    camera.end()
    assert camera.numbers == list(range(12))
    # Nor is one of which a slice is missing that its frames have.
    camera = Camera(kind)
    for number in range(12):
        more = kind.slice(number, key=number % 10 == 0, first=False)
        camera.send(number * FRAME, *camera.payloads(number), more)
    camera.send(12 * FRAME, *camera.payloads(12), marker=False)
    camera.end()
    assert camera.numbers == list(range(12))


def test_a_frame_waits_no_longer_than_it_takes_to_see_its_end() -> None:
    """What is said of when a frame came is when its last packet did, although only the next one ended it."""
    camera = Camera()
    for number in range(6):
        camera.send(number * FRAME, *camera.payloads(number), marker=False)
        camera.now_us += 460_000
    assert [(arrived_us, waited_us) for _, _, arrived_us, waited_us in camera.came] == [
        (1_000_000 + 500_000 * number, 500_000) for number in range(5)
    ]
    camera = Camera()
    camera.frames(*range(20))
    assert [waited_us for _, _, _, waited_us in camera.came[5:]] == [0] * 15


def test_what_was_held_back_came_when_it_came() -> None:
    """Another sender is believed with its third frame; the first two did not come with that one."""
    camera = Camera()
    camera.frames(*range(20))
    camera.ssrc, camera.number = 8, 17
    camera.frames(*range(20, 30))
    assert camera.numbers == list(range(30)) and camera.losses == [""] * 30
    arrived = [arrived_us for _, _, arrived_us, _ in camera.came]
    assert arrived == [1_000_000 + 40_000 * number for number in range(30)]
    assert packet(b"x", 1, 1)[12:] == b"x"


async def test_a_description_without_length(h264_clip: Clip) -> None:
    """Its lines follow the answer's head, in pieces; the next answer comes behind them."""

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "DESCRIBE":
            return b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Type: application/sdp\r\n\r\n" % cseq + SDP
        return ok(cseq) + media(h264_clip, 0, 5) if method == "PLAY" else usual(method, url, cseq)

    sink = Sink()
    await against(answer, sink)
    assert len(sink.video) == 5


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_lines_without_length_in_pieces(size: int) -> None:
    heard: list[Message] = []
    framing = Framing(BUFFER, heard.append)
    data = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n\r\n" + SDP
    for at in range(0, len(data), size):
        part = data[at : at + size]
        framing.get_buffer()[: len(part)] = part
        framing.received(len(part))
    assert len(heard) == 1 and framing.loose == SDP and framing.junk_bytes == 0


def test_what_is_not_the_track_has_come_all_the_same() -> None:
    """A camera that sends nothing but what can't be its video is not silent: it makes no sense, which another source
    may."""
    camera = Camera()
    for number in range(50):
        camera.read(packet(b"<xml/>", number, number * FRAME, True, kind=112))
    receiver = camera.receiver
    assert receiver.packets == 50 and receiver.taken == 0
    assert receiver.depacketiser.sense.units == receiver.depacketiser.sense.frames == 0
