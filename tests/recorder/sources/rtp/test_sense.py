"""When the native source is said to make no sense of a camera: never of one that only waits, loses packets,
or is slow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp.sense import SENSELESS_S, Seen, SenseCheck


def looks(each_s: list[Seen], every_s: float = 1.0) -> list[str | None]:
    """The verdicts on a connection on which so much more was counted with each step."""
    sense, seen, found = SenseCheck(0.0), Seen(), []
    for number, more in enumerate(each_s, 1):
        seen = Seen(*(a + b for a, b in zip(seen, more, strict=True)))
        found.append(sense.judge(seen, number * every_s))
    return found


def first(found: list[str | None]) -> int | None:
    return next((number for number, reason in enumerate(found, 1) if reason is not None), None)


USUAL = Seen(packets=40, units=12, begun=10, frames=10, keyframes_begun=1, keyframes=1)


def test_no_unit_of_a_known_type() -> None:
    found = looks([USUAL] * 5 + [Seen(packets=40, begun=10)] * 12)
    assert first(found) == 15
    assert found[14] == "no unit of a known type in 400 packets within 10 s"


def test_a_keyframe_that_cant_be_put_together() -> None:
    """All other frames can: without that one none of them is ever shown."""
    found = looks([USUAL._replace(keyframes=0, frames=9)] * 12)
    assert first(found) == 10 and "none of 10 keyframes" in str(found[9])


def test_far_fewer_frames_than_began() -> None:
    found = looks([USUAL._replace(frames=1, keyframes_begun=0, keyframes=0)] * 12)
    assert first(found) == 10 and found[9] == "10 frames could be put together of 100 that began within 10 s"


def test_waiting_for_a_keyframe_is_no_reason() -> None:
    assert first(looks([USUAL._replace(keyframes_begun=0, keyframes=0)] * 200)) is None


def test_loss_is_no_reason() -> None:
    lossy = Seen(packets=36, lost=4, units=12, begun=10, frames=3, keyframes_begun=1)
    assert first(looks([lossy] * 60)) is None


def test_a_slow_camera_is_no_reason() -> None:
    """A frame every twelve seconds, and a keyframe with each."""
    slow = [Seen()] * 11 + [Seen(packets=4, units=3, begun=1, frames=1, keyframes_begun=1, keyframes=1)]
    assert first(looks(slow * 10)) is None
    assert first(looks([Seen()] * 100)) is None


@given(
    st.lists(
        st.builds(
            lambda whole, keys, packets: Seen(packets + whole, 0, whole, whole, whole, keys, keys),
            st.integers(0, 60),
            st.integers(0, 2),
            st.integers(0, 300),
        ),
        max_size=60,
    )
)
def test_whole_frames_are_never_nonsense(each_s: list[Seen]) -> None:
    """Whatever else comes beside them, as long as some come within each ten seconds."""
    at, found = 0.0, looks(each_s)
    for number, reason in enumerate(found, 1):
        if each_s[number - 1].frames:
            at = number
        assert reason is None or number - at >= SENSELESS_S
