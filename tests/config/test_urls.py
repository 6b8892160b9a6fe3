from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config.urls import parse_camera_url

_CREDENTIAL = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"]), min_size=1)


@given(_CREDENTIAL, st.none() | st.just("") | _CREDENTIAL)
def test_credentials_survive_a_url(username: str, password: str | None) -> None:
    userinfo = quote(username, safe="") + ("" if password is None else ":" + quote(password, safe=""))
    url = f"rtsp://{userinfo}@10.0.0.1:554/live?x=@1#a"
    parts = parse_camera_url(url)
    assert (parts.username, parts.password) == (username, password)
    assert parts.address == "rtsp://10.0.0.1:554/live?x=@1#a"


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
        ("rtsp://300.1.1.1/x", "host 300.1.1.1, which is no address"),
        ("rtsp://u:p@10.0.0/x", "no address"),
        ("rtsp://10.0.0.0.1:554/x", "no address"),
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
