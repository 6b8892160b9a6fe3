"""What is said where frames are missing: to the frame, with its cause and whose it is; and of connections that bring
nothing. Clocks are simulated, disk and catalogue real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.recorder.camera import Growth
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.waiting import Waiting
from storage.causes import Cause
from storage.coverage.one_camera import Coverage, Gap
from tests.recorder.frames_made import picture
from tests.recorder.run.test_pipeline import FRAME_US, START_US, Rig, causes
from tests.support.cameras.clips import Clip, ClipSpec, clip

S = 1_000_000


@pytest.fixture
def film() -> Clip:
    return clip(ClipSpec(frames=100, group=25))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.database.close()


def frames_of(rig: Rig) -> int:
    return sum(segment.frames for segment in rig.segments)


def only_gap(found: Coverage) -> Gap:
    (gap,) = (gap for gap in found.gaps if gap.cause not in (Cause.NOT_CONFIGURED, Cause.SERVER_DOWN))
    return gap


def after_loss(rig: Rig, film: Clip, number: int, loss: str, count: int = 1) -> None:
    """The next frames, before the first of which others are missing."""
    unit = film.video.units[number % len(film.video.units)]
    made = picture(unit.payload, number * FRAME_US * 9 // 100, unit.keyframe)
    made.loss = loss
    rig.pipeline.packet(made)
    rig.wait(FRAME_US)
    rig.send(film, number + 1, count - 1)


def test_a_pause_in_a_group_costs_no_frame(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 110)
    rig.wait(3 * S - FRAME_US)
    rig.send(film, 110, 90, media_shift_us=3 * S - FRAME_US)
    found = rig.done()
    assert frames_of(rig) == 200
    gap = only_gap(found)
    assert gap.cause is Cause.STALLED
    assert gap.end_us - gap.start_us == pytest.approx(3 * S - FRAME_US, abs=1000), "no longer than nothing came"
    assert len({segment.run_start_us for segment in rig.segments}) == 1


def test_a_pause_that_is_expected_is_none(rig: Rig, film: Clip) -> None:
    rig.pipeline.expected_us = 5 * S
    rig.open(film)
    rig.send(film, 0, 110)
    rig.wait(3 * S - FRAME_US)
    rig.send(film, 110, 90, media_shift_us=3 * S - FRAME_US)
    found = rig.done()
    assert (frames_of(rig), causes(found)) == (200, ["not_configured", "server_down"])


def test_a_slow_camera_has_no_gaps_once_that_is_usual(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 50)
    for number in range(50, 80):
        rig.wait(6 * S - FRAME_US)
        rig.send(film, number, 1, media_shift_us=(number - 49) * (6 * S - FRAME_US))
    found = rig.done()
    assert frames_of(rig) == 80
    assert causes(found).count("stalled") <= 3


def test_a_loss_among_the_first_frames_ends_no_more_than_the_run(rig: Rig, film: Clip) -> None:
    """A camera that sends a frame now and then: what comes behind the loss has waited, with the first frames, for the
    run to begin, and is of another."""
    rig.pipeline.expected_us = 15 * S
    rig.open(film)
    rig.send(film, 0, 1)
    rig.wait(12 * S - FRAME_US)
    key = picture(film.video.units[25].payload, 12 * 90_000, True)
    key.loss = "camera"
    rig.pipeline.packet(key)
    rig.wait(FRAME_US)
    rig.send(film, 26, 60, media_shift_us=12 * S - 25 * FRAME_US)
    found = rig.done()
    assert frames_of(rig) == 62
    assert len({segment.run_start_us for segment in rig.segments}) == 2
    gap = only_gap(found)
    assert gap.cause is Cause.CORRUPT and gap.end_us - gap.start_us <= 12 * S


@pytest.mark.parametrize("loss", ["network", "camera"])
def test_a_loss_is_a_gap_to_the_frame(rig: Rig, film: Clip, loss: str) -> None:
    """Frames 110 to 124 can't be decoded; 125 is the next keyframe."""
    rig.open(film)
    rig.send(film, 0, 110)
    rig.wait(15 * FRAME_US)
    after_loss(rig, film, 125, loss, 75)
    found = rig.done()
    gap = only_gap(found)
    assert gap.cause is Cause.CORRUPT
    assert gap.end_us - gap.start_us == pytest.approx(15 * FRAME_US, abs=1000)
    assert (gap.detail["class"], gap.detail["lost_frames"]) == (loss, 15)
    assert frames_of(rig) == 185
    assert found.recorded_us == pytest.approx(185 * FRAME_US, abs=2000)
    assert rig.pipeline.counted()["lost_frames"] == 15
    assert len({segment.run_start_us for segment in rig.segments}) == 1


def test_the_loss_of_one_frame_that_nothing_refers_to(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 110)
    rig.wait(FRAME_US)
    after_loss(rig, film, 111, "network", 89)
    gap = only_gap(rig.done())
    assert gap.end_us - gap.start_us == pytest.approx(FRAME_US, abs=1000)
    assert frames_of(rig) == 199


def test_a_long_loss_ends_the_run(rig: Rig, film: Clip) -> None:
    """Frames come that can't be decoded: after ten seconds that is said, before the next keyframe tells it."""
    spoilt = 0
    rig.pipeline.connected()
    rig.pipeline.counting.source = lambda: {"undecodable": spoilt, "lost_packets": 1 if spoilt else 0}
    rig.open(film)
    rig.send(film, 0, 110)
    rig.pipeline.poll()
    for _ in range(12):
        rig.wait(S)
        spoilt += 25
        assert rig.pipeline.poll() is None
    assert rig.pipeline.run is None and rig.pipeline.idle is not None
    assert rig.pipeline.idle.cause is Cause.CORRUPT
    assert "waiting for a keyframe since 2027-01-15T08:00:04.360000Z" in rig.pipeline.idle.detail["error"]
    after_loss(rig, film, 425, "network", 75)
    found = rig.done()
    gap = only_gap(found)
    assert (gap.cause, gap.detail["class"]) == (Cause.CORRUPT, "network")
    assert frames_of(rig) == 185


@pytest.mark.parametrize("step_us", [5 * S, -1_500_000, 3600 * S])
def test_a_step_of_the_cameras_clock_costs_nothing(rig: Rig, film: Clip, step_us: int) -> None:
    rig.open(film)
    rig.send(film, 0, 110)
    rig.send(film, 110, 90, media_shift_us=step_us)
    found = rig.done()
    assert causes(found) == ["not_configured", "server_down"]
    assert (frames_of(rig), found.recorded_us) == (200, 200 * FRAME_US)
    assert max(segment.end_us for segment in rig.segments) <= rig.realtime_us, "nothing lies after now"
    with rig.database.read() as conn:
        ends = [(row[0], json.loads(row[1])) for row in conn.execute("SELECT cause, detail FROM run ORDER BY start_us")]
    assert ends[0][0] == "clock_step" and ends[0][1]["clock"] == "camera"
    assert f"{step_us / S:+.1f} s" in ends[0][1]["error"]


def test_a_step_in_a_pause_leaves_the_pause_its_cause(rig: Rig, film: Clip) -> None:
    """The clock stood still while nothing came for five seconds, and the next frame is a keyframe."""
    rig.open(film)
    rig.send(film, 0, 125)
    rig.wait(5 * S - FRAME_US)
    rig.send(film, 125, 75)
    found = rig.done()
    gap = only_gap(found)
    assert gap.cause is Cause.STALLED
    assert gap.end_us - gap.start_us == pytest.approx(5 * S - FRAME_US, abs=50_000)
    assert frames_of(rig) == 200


def test_stamps_that_say_nothing(rig: Rig, film: Clip) -> None:
    rig.open(film)
    for number in range(300):
        rig.send(film, number, 1, media_shift_us=-number * FRAME_US)
    found = rig.done()
    assert causes(found) == ["not_configured", "server_down"]
    assert frames_of(rig) == 300
    assert found.recorded_us == pytest.approx(300 * FRAME_US, abs=2 * FRAME_US)
    with rig.database.read() as conn:
        assert json.loads(conn.execute("SELECT detail FROM run").fetchone()[0])["media_time"] == "counted"


# Connections that bring nothing ---------------------------------------------------------------------------------------


def classes(found: Coverage) -> list[tuple[str, str]]:
    return [(gap.cause.value, gap.cause_class.value) for gap in found.gaps]


def test_a_camera_that_plays_and_sends_nothing_is_not_unconfigured(rig: Rig) -> None:
    rig.pipeline.journal.began_us = rig.realtime_us
    rig.wait(3 * S)
    rig.pipeline.poll()
    rig.pipeline.connected()
    plays_us = rig.realtime_us
    rig.wait(30 * S)
    rig.pipeline.poll()
    assert rig.pipeline.idle is not None
    assert rig.pipeline.idle.detail == {"error": "connected, no picture yet"}
    found = rig.done()
    assert classes(found) == [
        ("not_configured", "administrative"), ("stalled", "server"), ("stalled", "camera"), ("server_down", "server"),
    ]  # fmt: skip
    assert found.gaps[1].start_us == START_US, "since a recorder has it"
    assert found.gaps[2].start_us == plays_us, "the camera's from its answer on, not before"
    assert found.gaps[3].start_us == rig.realtime_us, "what was known before stays"


@pytest.mark.parametrize("polled", [False, True])
def test_beginning_to_record_is_no_fault_of_the_cameras(rig: Rig, film: Clip, polled: bool) -> None:
    """Connecting takes 2.4 s, and the first keyframe comes 1.2 s after PLAY."""
    rig.pipeline.journal.began_us = rig.realtime_us
    rig.wait(2_400_000)
    if polled:
        rig.pipeline.poll()
    rig.pipeline.connected()
    rig.wait(1_200_000)
    rig.pipeline.poll()
    rig.open(film)
    rig.send(film, 0, 100)
    found = rig.done()
    assert classes(found) == [("not_configured", "administrative"), ("stalled", "server"), ("server_down", "server")]
    assert found.gaps[1].detail["error"] == "starting to record"
    assert found.gaps[1].end_us - found.gaps[1].start_us == pytest.approx(3_600_000, abs=2 * FRAME_US)


@pytest.mark.parametrize(
    ("waited_s", "because", "whose"), [(6, "server", "server"), (6, "network", "network"), (14, "server", "camera")]
)
def test_whose_the_wait_for_the_first_keyframe_is(
    rig: Rig, film: Clip, waited_s: int, because: str, whose: str
) -> None:
    """To join in the middle of a group is usual: that it had to be is no fault of the camera's, a group of over ten
    seconds is."""
    received = 0
    rig.pipeline.because(because)
    rig.pipeline.journal.began_us = rig.realtime_us
    rig.pipeline.counting.source = lambda: {"received": received}
    rig.wait(S)
    rig.pipeline.connected()
    for _ in range(waited_s):
        rig.wait(S)
        received += 25
        rig.pipeline.poll()
    rig.open(film)
    rig.send(film, 0, 100)
    found = rig.done()
    assert classes(found)[1:-1] == [("stalled", "server"), ("corrupt", whose)]
    assert found.gaps[2].end_us - found.gaps[2].start_us == pytest.approx(waited_s * S, abs=2 * FRAME_US)


def test_the_first_failure_counts_from_the_beginning(rig: Rig) -> None:
    rig.pipeline.journal.began_us = rig.realtime_us
    rig.wait(5 * S)
    rig.pipeline.poll()
    rig.wait(5 * S)
    found = rig.done(Cause.UNREACHABLE)
    assert causes(found) == ["not_configured", "unreachable"]
    assert found.gaps[1].start_us == START_US


def test_frames_that_lack_a_keyframe_are_waited_for(rig: Rig, film: Clip) -> None:
    received = 0
    rig.pipeline.connected()
    rig.pipeline.counting.source = lambda: {"received": received}
    rig.pipeline.keyframe_wait_us = 200 * S
    given_up: Ended | None = None
    waited_s = 0
    while given_up is None and waited_s < 300:
        rig.wait(S)
        received += 25
        waited_s += 1
        given_up = rig.pipeline.poll()
        if waited_s == 20:
            assert rig.pipeline.idle is not None
            assert rig.pipeline.idle.detail["error"].startswith("waiting for a keyframe since ")
    assert waited_s == 200 and given_up is not None and given_up.cause is Cause.CORRUPT
    assert given_up.detail["class"] == "camera"
    found = rig.done(given_up.cause)
    assert causes(found)[-1] == "corrupt"


def test_a_stop_leaves_what_is_known(rig: Rig, film: Clip) -> None:
    """Nothing came for twenty seconds before the server was stopped."""
    rig.pipeline.connected()
    rig.open(film)
    rig.send(film, 0, 100)
    rig.pipeline.poll()
    rig.wait(20 * S)
    found = rig.done()
    assert causes(found) == ["not_configured", "stalled", "server_down"]
    assert found.gaps[1].end_us - found.gaps[1].start_us == 20 * S


def test_the_last_frame_of_a_slow_camera_lasts_until_it_is_stopped(rig: Rig, film: Clip) -> None:
    rig.pipeline.expected_us = 10 * S
    rig.open(film)
    rig.send(film, 0, 1)
    for number in range(1, 20):
        rig.wait(6 * S - FRAME_US)
        rig.send(film, number, 1, media_shift_us=number * (6 * S - FRAME_US))
    rig.wait(4 * S - FRAME_US)
    found = rig.done()
    assert causes(found) == ["not_configured", "server_down"]
    assert found.recorded_us == 19 * 6 * S + 4 * S


def test_waiting() -> None:
    waiting = Waiting(0)
    assert waiting.poll(S, 0, 0) == ""
    assert waiting.poll(3 * S, 0, 0) == "connecting"
    waiting.connected(4 * S)
    assert waiting.poll(5 * S, 0, 0) == ""
    assert waiting.poll(7 * S, 0, 0) == "silent"
    assert waiting.poll(8 * S, 3, 0) == "keyframe"
    waiting.frame(9 * S)
    assert waiting.poll(12 * S, 4, 0) == "", "one came since"
    assert waiting.poll(14 * S, 4, 0) == "silent"
    assert waiting.poll(14 * S, 4, 1) == "keyframe"


def test_footage_that_does_not_grow_as_time_does() -> None:
    growth = Growth()
    assert growth.judge(0, 40_000, 0.0) is None
    assert all(growth.judge(s * S, 40_000, float(s)) is None for s in range(1, 200))
    assert all(growth.judge(200 * S, 40_000, 200.0 + s) is None for s in range(15))
    stands = growth.judge(200 * S, 40_000, 216.0)
    assert stands is not None and stands.cause is Cause.OVERLOAD
    assert growth.judge(200 * S, 10 * S, 216.0) is None, "a slow camera's stands still between two frames"


def test_footage_that_grows_at_another_rate() -> None:
    growth = Growth()
    said = [growth.judge(s * S // 2, 40_000, float(s)) for s in range(200)]
    assert all(what is None for what in said[:119])
    assert said[-1] is not None and "0.50 s a second" in said[-1].detail["error"]
    again = [growth.judge(100 * S + s * S, 40_000, 200.0 + s) for s in range(130)]
    assert again[-1] is None


@pytest.mark.parametrize("count", [1, 10, 20])
def test_frames_held_when_a_camera_falls_silent_are_footage(rig: Rig, film: Clip, count: int) -> None:
    """Fewer than tell when the run began came, and then nothing: they are recorded, and the silence begins
    behind them."""
    rig.pipeline.connected()
    rig.open(film)
    rig.send(film, 0, count)
    assert rig.pipeline.run is None
    for _ in range(8):
        rig.wait(S)
        assert rig.pipeline.poll() is None
    assert rig.pipeline.run is not None
    found = rig.done(Cause.STALLED)
    assert frames_of(rig) == count
    assert found.recorded_us == pytest.approx(count * FRAME_US, abs=FRAME_US)
    gap = next(gap for gap in found.gaps if gap.cause is Cause.STALLED)
    assert START_US <= gap.start_us <= START_US + (count + 1) * FRAME_US
    assert gap.end_us - gap.start_us > 7 * S
