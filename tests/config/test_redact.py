from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config import Redactor, redact

# Letters that occur nowhere in the frame around a password, so that finding one of them means a leak.
_HARD = st.text(st.sampled_from("QWZ@:/#%&?=+;,'\"<>[]"), min_size=1).filter(lambda text: set(text) & set("QWZ"))
# What userinfo and query values may hold without encoding by people who don't know better.
_RAW = st.text(st.sampled_from("QWZ@:/#%?=+;,'\"<>[]"), min_size=1).filter(lambda text: set(text) & set("QWZ"))


def leaks(text: str) -> bool:
    return bool(set(text) & set("QWZ"))


@given(_RAW, _RAW)
def test_raw_userinfo_goes(username: str, password: str) -> None:
    assert not leaks(redact(f"open rtsp://{username}:{password}@10.0.0.1:554/live failed"))


@given(_HARD)
def test_userinfo_with_anything_goes(password: str) -> None:
    assert not leaks(redact(f"rtsp://admin:{password}@10.0.0.1/live?x=1"))


@given(_RAW, st.sampled_from(["user", "username", "password", "pass", "pwd", "auth", "token", "access_token", "key"]))
def test_query_values_go(value: str, key: str) -> None:
    assert not leaks(redact(f"rtsp://10.0.0.1/live?channel=1&{key}={value}&stream=2"))
    assert not leaks(redact(f"rtsp://10.0.0.1/live?{key}={value}"))


@given(_RAW, _RAW, _RAW)
def test_both_go(username: str, password: str, value: str) -> None:
    assert not leaks(redact(f"rtsp://{username}:{password}@10.0.0.1/?password={value}&user={username}"))


@given(st.text(st.characters(codec="utf-8"), min_size=4), st.text(), st.text())
def test_known_secrets_go(secret: str, before: str, after: str) -> None:
    if not secret.strip("*"):
        return
    assert secret not in redact(before + secret + after, [secret])
    assert quote(secret, safe="") not in redact(f"{before}{quote(secret, safe='')}{after}", [secret])


@given(st.text())
def test_never_fails_and_is_stable(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing to hide", "nothing to hide"),
        ("rtsp://10.0.0.1:554/live?channel=1", "rtsp://10.0.0.1:554/live?channel=1"),
        ("Error opening rtsp://u:p@h/x: timeout", "Error opening rtsp://***@h/x: timeout"),
        ("rtsp://a:b@h/x rtsp://c:d@k/y", "rtsp://***@h/x rtsp://***@k/y"),
        ("rtsp://h/?user=a&password=b&ch=1", "rtsp://h/?user=***&password=***&ch=1"),
        ("rtsp://h/user=admin_password=x_channel=1.sdp", "rtsp://h/user=***"),
        ("user=alice signed in", "user=alice signed in"),
        ("GET /api?token=abc 200", "GET /api?token=*** 200"),
        ('{"password": "a\\"b", "x": 1}', '{"password": "***", "x": 1}'),
        ("{'api_token': 'abc', 'x': 1}", "{'api_token': \"***\", 'x': 1}"),
        ("Authorization: Basic dTpw\r\nCSeq: 2", "Authorization: Basic ***\r\nCSeq: 2"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_longest_secret_first() -> None:
    assert redact("hunter2hunter2", ["hunter2", "hunter2hunter2"]) == "***"


def test_short_secret_goes_only_as_a_word() -> None:
    assert redact("camera 10 password 1.", ["1"]) == "camera 10 password ***."


def test_learns() -> None:
    redactor = Redactor()
    assert redactor("correct horse") == "correct horse"
    redactor.learn(["correct horse"])
    assert redactor("correct horse, correct%20horse") == "***, ***"


def test_many_urls_take_linear_time() -> None:
    assert redact("://" * 50_000).startswith("://")
