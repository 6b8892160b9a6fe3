"""Keeping sessions alive: media decides whether a camera lives, not what it does about a keep-alive."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtsp import keep_alive
from nvr.recorder.sources.rtsp.keep_alive import KeepAlive, session_timeout_s
from storage.causes import Cause
from tests.recorder.sources.harness import record
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera

METHODS = ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    keep_alive.forget()


@pytest.fixture(scope="module")
def long_clip() -> Clip:
    return clip(ClipSpec(frames=100))


def asked(served: ScriptedCamera) -> Counter[str]:
    """The requests after PLAY, by method."""
    methods = [request.method for request in served.requests]
    return Counter(methods[methods.index("PLAY") + 1 :])


def recorded(long_clip: Clip, faults: Faults, *, timeout_s: float = 1.0) -> tuple[Counter[str], int]:
    """Records four seconds of a camera with these faults: what it was asked meanwhile, and over how many
    connections."""
    served = ScriptedCamera(long_clip, faults=faults, session_timeout_s=timeout_s)
    with running(served) as url:
        ended, sink, _ = record(url)
    assert ended.cause is Cause.ENDED
    assert sink.hashes == [unit.hash for unit in long_clip.video.units]
    return asked(served), served.server.accepted


@pytest.mark.parametrize("status", [454, 405, 501, 451, 400, 500, 401])
def test_a_refused_keep_alive_costs_nothing(long_clip: Clip, status: int) -> None:
    """Checklist 6."""
    asked, connections = recorded(long_clip, Faults(status={"GET_PARAMETER": status}))
    assert asked["GET_PARAMETER"] == 1 and connections == 1
    # Who does not take the login for one of them is not asked again: each may count as a wrong password.
    assert (asked["OPTIONS"] >= 3) == (status != 401)


def test_all_of_them_refused(long_clip: Clip) -> None:
    faults = Faults(refused_while_playing=dict.fromkeys(METHODS, 454))
    asked, connections = recorded(long_clip, faults)
    assert connections == 1 and all(asked[method] == 1 for method in METHODS)


def test_never_answered(long_clip: Clip) -> None:
    """The session's timeout passes while nothing is answered."""
    asked, connections = recorded(long_clip, Faults(unanswered=frozenset({"GET_PARAMETER"})))
    assert connections == 1 and asked["GET_PARAMETER"] == 1 and asked["OPTIONS"] >= 3


def test_none_of_them_answered(long_clip: Clip) -> None:
    faults = Faults(unanswered_while_playing=frozenset(METHODS))
    asked, connections = recorded(long_clip, faults)
    assert connections == 1 and all(asked[method] for method in METHODS)


def test_what_ends_the_connection_is_no_fault_of_keeping_it_alive(
    long_clip: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    """Of thousands of cameras whose disk does not keep up each wrote a traceback."""
    served = ScriptedCamera(
        long_clip, faults=Faults(unanswered_while_playing=frozenset(METHODS)), session_timeout_s=2.0
    )
    with running(served) as url:
        # Between a request and the end of the wait for its answer.
        ended, _, _ = record(url, stop_after=35, stop_with=Ended(Cause.OVERLOAD))
    assert ended.cause is Cause.OVERLOAD and asked(served)["GET_PARAMETER"] == 1
    assert not caplog.records


def test_a_request_that_closes_the_connection_is_not_sent_again(long_clip: Clip) -> None:
    served = ScriptedCamera(long_clip, faults=Faults(closes_at=frozenset({"GET_PARAMETER"})), session_timeout_s=1.0)
    with running(served) as url:
        first, sink, _ = record(url)
        assert first.cause is Cause.ENDED and len(sink.video) < 100
        second, sink, _ = record(url)
    assert second.cause is Cause.ENDED and len(sink.video) == 100
    assert asked(served)["GET_PARAMETER"] == 1


@pytest.mark.parametrize("timeout_s", [0.0, 999_999.0])
def test_impossible_timeouts(long_clip: Clip, timeout_s: float) -> None:
    asked, connections = recorded(long_clip, Faults(), timeout_s=timeout_s)
    assert connections == 1 and not asked - Counter(TEARDOWN=1)


@pytest.mark.parametrize(
    ("parameters", "timeout_s"),
    [
        ("", 60),
        ("timeout=20", 20),
        ("timeout = 0", 60),
        ("timeout=0.0", 60),
        ("timeout=-1", 60),
        ("timeout=0x3c", 60),
        ("timeout=4294967295", 60),
        ("timeout=60000", 60),
        ("timeout=99999999999999999999", 60),
        ("Timeout=5.5;x=1", 5.5),
        ("timeout=nan", 60),
        ("timeout=1", 1),
    ],
)
def test_timeouts(parameters: str, timeout_s: float) -> None:
    assert session_timeout_s(parameters) == timeout_s


@given(
    st.frozensets(st.sampled_from([*METHODS, "PLAY"])),
    st.lists(st.lists(st.sampled_from(["answered", "unanswered", "refused"]), min_size=3, max_size=3), max_size=12),
)
def test_every_round_ends(offered: frozenset[str], rounds: list[list[str]]) -> None:
    """A round sends each method at most once, one that was refused never again, and after a method that is answered
    nothing."""
    keeping = KeepAlive("rtsp://x/", offered)
    refused: set[str] = set()
    for outcomes in rounds:
        sent = []
        for method, outcome in zip(keeping.attempts(), outcomes, strict=False):
            sent.append(method)
            assert method not in refused
            getattr(keeping, outcome)(method)
            if outcome == "answered":
                assert keeping.method == method
                break
            if outcome == "refused":
                refused.add(method)
        assert len(sent) == len(set(sent)) <= 3
        assert keeping.method is None or sent
