"""What is sent to a camera, and when: at most ten moves a second, the latest, and a stop in time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.ptz.steps import DEAD_MAN_S, STILL, PtzStep, PtzVelocity, next_step

LEFT, UP = PtzVelocity(pan=-1.0), PtzVelocity(tilt=0.5)


def test_nothing_is_sent_to_a_camera_that_stands() -> None:
    assert next_step(STILL, 0.0, STILL, 0.0, 100.0) == (PtzStep.WAIT, None)
    assert next_step(LEFT, 99.0, STILL, 0.0, 100.0) == (PtzStep.WAIT, None), "what was said is over"


def test_a_move_is_sent_at_once_and_again_each_second() -> None:
    assert next_step(LEFT, 100.7, STILL, 0.0, 100.0)[0] is PtzStep.MOVE
    step, wait_s = next_step(LEFT, 100.7, LEFT, 100.0, 100.0)
    assert step is PtzStep.WAIT and wait_s is not None and round(wait_s, 6) == DEAD_MAN_S
    assert next_step(LEFT, 101.5, LEFT, 100.0, 101.0)[0] is PtzStep.MOVE
    assert next_step(UP, 100.7, LEFT, 100.0, 100.05)[0] is PtzStep.WAIT
    assert next_step(UP, 100.7, LEFT, 100.0, 100.101)[0] is PtzStep.MOVE


@given(st.lists(st.tuples(st.floats(0.001, 2.0), st.sampled_from([LEFT, UP, STILL, None])), max_size=60))
def test_it_stands_in_time_whatever_is_wanted(acts: list[tuple[float, PtzVelocity | None]]) -> None:
    """A camera and its clock, by steps of 1 ms at most; None: nobody says anything."""
    now_s, wanted, until_s, sent, sent_s = 0.0, STILL, 0.0, STILL, -10.0
    moves: list[float] = []
    for pause_s, said in acts:
        if said is not None:
            wanted, until_s = said, now_s + DEAD_MAN_S
        end_s = now_s + pause_s
        while True:
            step, wait_s = next_step(wanted, until_s, sent, sent_s, now_s)
            if step is PtzStep.MOVE:
                moves.append(now_s)
                sent, sent_s = wanted, now_s
                continue
            if step is PtzStep.STOP:
                wanted = sent = STILL
                continue
            assert sent.is_still or (now_s < until_s and not wanted.is_still), "it moves, and nobody wants it to"
            if wait_s is None or now_s + wait_s > end_s:
                break
            now_s += wait_s
        now_s = end_s
    assert all(sum(at <= other < at + 0.999 for other in moves) <= 11 for at in moves)
