from __future__ import annotations

import base64
import socket
import threading

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config import CameraSettings, Secret, rtsp_url_with_credentials
from nvr.config.urls import add_credentials, parse_camera_url

_CREDENTIAL = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"]), min_size=1)


@given(_CREDENTIAL, st.none() | st.just("") | _CREDENTIAL)
def test_credentials_survive_a_url(username: str, password: str | None) -> None:
    url = add_credentials("rtsp://10.0.0.1:554/live?x=@1#a", username, password)
    parts = parse_camera_url(url)
    assert (parts.username, parts.password) == (username, password)
    assert parts.address == "rtsp://10.0.0.1:554/live?x=@1#a"


def test_no_credentials() -> None:
    assert add_credentials("rtsp://h/x", None, None) == "rtsp://h/x"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("10.0.0.1/live", "not a URL"),
        ("http://h/x", "scheme http"),
        ("rtsp:///x", "no host"),
        ("rtsp://u:p@/x", "no host"),
        ("rtsp://:554/x", "no host"),
        ("rtsp://h:/x", "port"),
        ("rtsp://h:0/x", "port"),
        ("rtsp://h:65536/x", "port"),
        ("rtsp://h:٥/x", "port"),
        ("rtsp://[::g]/x", "IPv6"),
        ("rtsp://::1/x", "no host"),
        ("rtsp://u:TOPSECRET/x@h/x", "password"),
        ("rtsp://h/x y", "space"),
        ("rtsp://h/x\r\nCSeq: 1", "control"),
    ],
)
def test_bad_urls(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        parse_camera_url(url)
    assert "TOPSECRET" not in str(caught.value)


@pytest.mark.parametrize("url", ["rtsp://h", "rtsps://h:322/x", "RTSP://[::1]:8554/x", "rtsp://cam_1.lan/a/b?c=d"])
def test_good_urls(url: str) -> None:
    assert parse_camera_url(url).username is None


@pytest.mark.parametrize("password", ["p@ss:w/ord#1%41", "a b&c=d+e", "größe", ""])
def test_ffmpeg_sends_the_password_that_was_meant(password: str) -> None:
    """Percent-encoding as FFmpeg understands it, asked of FFmpeg itself."""
    camera = CameraSettings(id="a", url="rtsp://placeholder", username="us@er", password=Secret(password))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen: list[bytes] = []
        thread = threading.Thread(target=_ask_for_credentials, args=(server, seen))
        thread.start()
        url = rtsp_url_with_credentials(camera.model_copy(update={"url": f"rtsp://127.0.0.1:{port}/x"}))
        with pytest.raises(av.FFmpegError):
            av.open(url, options={"rtsp_transport": "tcp", "timeout": "5000000"})
        thread.join(10)
    assert [base64.b64decode(value).decode() for value in seen[:1]] == [f"us@er:{password}"]


def _ask_for_credentials(server: socket.socket, seen: list[bytes]) -> None:
    """An RTSP server that wants Basic credentials, notes them, and says 403 to whoever brings some."""
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as stream:
        while line := stream.readline():
            cseq = b"0"
            authorized = False
            while line.strip():
                name, _, value = line.strip().partition(b": ")
                if name == b"CSeq":
                    cseq = value
                elif name == b"Authorization":
                    authorized = True
                    seen.append(value.removeprefix(b"Basic "))
                line = stream.readline()
            status = b"403 Forbidden" if authorized else b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"'
            stream.write(b"RTSP/1.0 " + status + b"\r\nCSeq: " + cseq + b"\r\n\r\n")
            stream.flush()
