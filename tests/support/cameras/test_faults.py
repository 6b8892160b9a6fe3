"""Every misbehaviour shows on the wire what it claims, and PyAV reports it as the recorder will see it."""

import time
from collections.abc import Callable
from itertools import pairwise

import av
import pytest

from nvr.demo.rtsp import Auth
from tests.support.cameras.clips import Clip
from tests.support.cameras.faults import GARBAGE, OPENING, Faults
from tests.support.cameras.reading import packets
from tests.support.cameras.running import Startable, refusing
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.cameras.wire import WireClient, parse_rtp

Serve = Callable[[Startable], str]


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_wrong_password(serve: Serve, h264_clip: Clip, scheme: str) -> None:
    auth = Auth("operator", "right", scheme="basic" if scheme == "basic" else "digest")
    url = serve(ScriptedCamera(h264_clip, auth=auth))
    with WireClient(url) as client:
        answer = client.request("DESCRIBE")
        assert answer.status == 401
        assert answer.header("www-authenticate").lower().startswith(scheme)
    with pytest.raises(av.error.HTTPUnauthorizedError):
        packets(url.replace("//", "//operator:wrong@"))


def test_both_schemes_are_offered(serve: Serve, h264_clip: Clip) -> None:
    with WireClient(serve(ScriptedCamera(h264_clip, auth=Auth("a", "b", scheme="both")))) as client:
        offers = client.request("DESCRIBE").headers["www-authenticate"]
    assert [offer.split()[0] for offer in offers] == ["Digest", "Basic"]


def test_a_used_up_nonce_is_stale(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, speed=8.0, auth=Auth("operator", "right", nonce_uses=1))
    assert len(packets(serve(camera).replace("//", "//operator:right@"))) == 50
    # DESCRIBE is asked for twice by every client; SETUP and PLAY only because the nonce was used up.
    assert [request.method for request in camera.requests].count("SETUP") == 2


@pytest.mark.parametrize(
    ("fault", "method", "status"),
    [("not_found", "DESCRIBE", 404), ("unavailable", "DESCRIBE", 503), ("unsupported_transport", "SETUP", 461)],
)
def test_a_refusing_status(serve: Serve, h264_clip: Clip, fault: str, method: str, status: int) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING[fault]))
    with WireClient(url) as client:
        target = f"{url}/trackID=0" if method == "SETUP" else url
        assert client.request(method, target, Transport="RTP/AVP/TCP;unicast;interleaved=0-1").status == status
    with pytest.raises(av.error.FFmpegError):
        packets(url)


def test_udp_is_answered_461_by_every_camera(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip))
    with WireClient(url) as client:
        assert (
            client.request("SETUP", f"{url}/trackID=0", Transport="RTP/AVP;unicast;client_port=5000-5001").status == 461
        )


def test_mute(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING["mute"]))
    with WireClient(url, timeout_s=0.3) as client, pytest.raises(TimeoutError):
        client.request("OPTIONS")
    began = time.monotonic()
    with pytest.raises(av.error.FFmpegError):
        packets(url, options={"timeout": "300000"})
    assert time.monotonic() - began < 20


def test_garbage(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING["garbage"]))
    with WireClient(url) as client:
        assert client.read(len(GARBAGE)) == GARBAGE
    with pytest.raises(av.error.FFmpegError):
        packets(url, options={"timeout": "500000"})


def test_garbage_description(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING["garbage_sdp"]))
    with WireClient(url) as client:
        assert b"not a session description" in client.request("DESCRIBE").body
    with pytest.raises((av.error.FFmpegError, IndexError)):
        packets(url, options={"timeout": "500000"})


@pytest.mark.parametrize(("fault", "codec"), [("jpeg", "mjpeg"), ("vp8", "vp8")])
def test_a_codec_that_is_not_recorded(serve: Serve, h264_clip: Clip, fault: str, codec: str) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING[fault]))
    with WireClient(url) as client:
        assert f"{fault.upper()}/90000" in client.request("DESCRIBE").body.decode()
    options = {"rtsp_transport": "tcp", "timeout": "5000000", "analyzeduration": "100000"}
    with av.open(url, options=options) as container:
        assert container.streams.video[0].codec_context.name == codec


def test_refused() -> None:
    with refusing() as url, pytest.raises(ConnectionRefusedError):
        packets(url)


def test_closed_after_play(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, faults=Faults(close_after_play=True))
    with WireClient(serve(camera)) as client:
        assert client.play().status == 200
        assert list(client.packets()) == []
    assert camera.journal.entries() == []


def test_closed_after_frames(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, speed=8.0, faults=Faults(close_after=20))
    got = [read.hash for read in packets(serve(camera))]
    assert got == [entry.hash for entry in camera.journal.entries()]
    assert len(got) == 20


def test_stalled_after_frames(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, speed=8.0, faults=Faults(stall_after=20))
    url = serve(camera)
    with WireClient(url, timeout_s=2.0) as client:
        client.play()
        frames = 0
        with pytest.raises(TimeoutError):
            for channel, packet in client.packets():
                frames += channel == 0 and parse_rtp(packet).marker
        assert frames == 20
        # The connection is alive: it is only the media that stopped.
        client.socket.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 99\r\n\r\n")
        assert client.socket.recv(4096).startswith(b"RTSP/1.0 200")


@pytest.mark.parametrize("seconds", [-40.0, 40.0])
def test_a_jump_of_timestamps(serve: Serve, h264_clip: Clip, seconds: float) -> None:
    url = serve(ScriptedCamera(h264_clip.with_jump(25, seconds), speed=8.0))
    with WireClient(url) as client:
        client.play()
        found = [parse_rtp(packet) for channel, packet in client.packets() if channel == 0]
    times = [packet.timestamp for packet in found if packet.marker]
    steps = {(b - a + (1 << 31)) % (1 << 32) - (1 << 31) for a, b in pairwise(times)}
    assert steps == {3600, 3600 + round(seconds * 90_000)}


def test_lost_and_repeated_packets(serve: Serve, h264_clip: Clip) -> None:
    faults = Faults(drop=frozenset({(12, None)}), duplicate=frozenset({15}))
    url = serve(ScriptedCamera(h264_clip, speed=8.0, faults=faults))
    with WireClient(url) as client:
        client.play()
        found = [parse_rtp(packet) for channel, packet in client.packets() if channel == 0]
    steps = [(b.sequence - a.sequence) % 65536 for a, b in pairwise(found)]
    assert max(steps) > 1
    assert 0 in steps
    first = found[0].timestamp
    frames = {(packet.timestamp - first) % (1 << 32) // 3600 for packet in found}
    assert frames == set(range(50)) - {12}


def test_slow_answers(serve: Serve, h264_clip: Clip) -> None:
    with WireClient(serve(ScriptedCamera(h264_clip, faults=Faults(answer_delay_s=0.3)))) as client:
        began = time.monotonic()
        assert client.request("OPTIONS").status == 200
        assert time.monotonic() - began >= 0.3
