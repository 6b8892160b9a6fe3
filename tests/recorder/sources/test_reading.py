"""Which transport FFmpeg is asked for, and which settings say what is tried first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config import CameraSettings
from nvr.recorder.sources.reading import Reading, Transports, by_settings, settings_digest
from storage.causes import Cause


def camera(**keys: Any) -> CameraSettings:
    return CameraSettings.model_validate({"id": "cam", "url": "rtsp://c/x", **keys})


@pytest.mark.parametrize(
    ("keys", "source", "transport"),
    [
        ({}, "native", "tcp"),
        ({"source": "native"}, "native", "tcp"),
        ({"source": "av"}, "av", "tcp"),
        ({"transport": "udp"}, "av", "udp"),
        ({"source": "native", "transport": "udp"}, "av", "udp"),
        ({"url": "rtsps://c/x"}, "native", "tcp"),
    ],
)
def test_by_the_settings(keys: dict[str, Any], source: str, transport: str) -> None:
    assert by_settings(camera(**keys)) == Reading(source=source, transport=transport)


def test_only_settings_that_matter_are_in_the_digest() -> None:
    known = settings_digest(camera())
    assert settings_digest(camera(name="Gate", priority=3, password="x", stall_timeout="20s")) == known
    assert known not in {
        settings_digest(camera(**keys)) for keys in ({"audio": True}, {"source": "av"}, {"url": "rtsp://c/y"})
    }


def ended(transports: Transports, cause: Cause = Cause.REJECTED, *, footage: bool = False, now_s: float = 0.0) -> bool:
    return transports.ended(cause, refused_address=False, had_footage=footage, now_s=now_s)


def test_udp_after_tcp_was_refused_and_it_is_remembered() -> None:
    transports = Transports("tcp", "tcp", worked=False)
    assert ended(transports) is True and transports.asked == "udp" and transports.worked is None
    assert ended(transports, Cause.ENDED, footage=True) is False
    assert transports.asked == transports.worked == "udp"


def test_both_in_turn_as_long_as_nothing_worked() -> None:
    transports = Transports("tcp", "tcp", worked=False)
    asked = [(transports.asked, ended(transports, Cause.STALLED)) for _ in range(4)]
    # After each pair the camera is left alone for the usual wait.
    assert asked == [("tcp", True), ("udp", False), ("tcp", True), ("udp", False)]


def test_what_worked_is_left_for_an_attempt_an_hour() -> None:
    transports = Transports("tcp", "udp", worked=True)
    asked = []
    for minute in range(121):
        asked.append(transports.asked)
        ended(transports, Cause.STALLED, now_s=minute * 60.0)
    assert [minute for minute, one in enumerate(asked) if one == "tcp"] == [3, 63]


@given(st.sampled_from(["tcp", "udp"]), st.lists(st.sampled_from([Cause.REJECTED, Cause.STALLED, Cause.UNREACHABLE])))
def test_a_setting_is_kept_to(first: str, causes: list[Cause]) -> None:
    """``transport = "udp"`` means UDP; an address where nobody answers says nothing of transports."""
    transports = Transports("udp", first, worked=False)
    for cause in causes:
        assert ended(transports, cause) is False and transports.asked == "udp"
    nobody = Transports("tcp", "tcp", worked=False)
    for cause in causes:
        assert nobody.ended(cause, refused_address=True, had_footage=False, now_s=0.0) is False
        assert nobody.asked == "tcp"
