"""A camera that begins new runs all the time: so many are made, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.media.packets import Ended
from nvr.recorder.run.changes import MOST_SET_BYTES, Changes
from storage.causes import Cause
from tests.recorder.frames_made import picture
from tests.recorder.run.test_pipeline import Rig, causes
from tests.support.cameras.clips import ClipSpec, clip


@given(st.lists(st.integers(0, 10_000_000), max_size=300), st.integers(1, 50))
def test_no_more_than_the_burst_and_one_every_two_seconds_property(steps: list[int], burst: int) -> None:
    changes, now_us, taken = Changes(burst), 5, 0
    for step_us in steps:
        now_us += step_us
        taken += changes.take(now_us)
        assert taken <= burst + now_us / 2e6 + 1


def test_every_two_seconds_is_never_refused() -> None:
    changes = Changes(3)
    assert all(changes.take(number * 2_000_000) for number in range(10_000))


def test_parameters_that_change_all_the_time_end_the_connection(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    film = clip(ClipSpec(frames=200, group=25, change_to=(480, 288)))
    rig.open(film)
    rig.pipeline.changes = Changes(10)
    keys = [unit for unit in film.video.units if unit.keyframe]
    one, other = keys[0], keys[-1]
    sent = 0
    with pytest.raises(Ended) as ended:
        for number in range(200):
            unit = (one, other)[number % 2]
            rig.pipeline.packet(picture(unit.payload, number * 9_000, True))
            rig.wait(100_000)
            sent += 1
    assert ended.value.cause is Cause.CORRUPT
    assert 10 <= sent < 20
    found = rig.done(ended.value.cause)
    assert causes(found) == ["not_configured", "corrupt"]
    assert 10 <= len(rig.segments) <= 13
    # All that it sent until then is footage, and the next connection may not begin anew at once.
    assert found.recorded_us == pytest.approx(sent * 100_000, abs=200_000)
    assert not rig.pipeline.changes.take(rig.monotonic_us)


def test_parameters_of_any_length_are_not_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    film = clip(ClipSpec(frames=50, group=25))
    rig.open(film)
    rig.send(film, 0, 25)
    key = film.video.units[25]
    long = [*key.payload[:-1], b"\x68" + bytes(MOST_SET_BYTES), key.payload[-1]]
    with pytest.raises(Ended) as ended:
        rig.pipeline.packet(picture(long, 25 * 3_600, True))
    assert ended.value.cause is Cause.CORRUPT
    rig.done(ended.value.cause)
