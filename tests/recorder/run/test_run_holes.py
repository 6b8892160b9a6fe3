"""What a run that lost frames claims, against what can be decoded of its files: to the frame, closed or killed, and
again from the files alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.playback.mapping import TimeMap
from storage.catalogue.database import Database
from storage.catalogue.node import next_epoch, this_node
from storage.catalogue.segments import Segment
from storage.causes import Cause
from storage.coverage.fleet import read_batch
from storage.coverage.one_camera import Coverage
from storage.disk.files import FILES
from storage.intervals import Interval, merge
from storage.recovery.at_start import reconcile
from storage.recovery.rebuild import rebuild
from tests.nightly import IS_NIGHT
from tests.playback.frames import TICKS
from tests.playback.lossy import CAMERA, FPS, FRAME, GOP, START_US, Lossy, decoded
from tests.support.segments import read

COUNT = 150
# Rounding of two borders.
CLOSE_US = 4

losses = st.lists(st.integers(2, COUNT - 1), max_size=14).map(frozenset)
pauses = st.dictionaries(st.integers(3, COUNT - 1), st.integers(5, 80).map(lambda n: n * 100_000), max_size=4)
worlds = st.tuples(losses, pauses, st.sampled_from([0, 0, 400, -400]), st.sampled_from(["network", "camera", "server"]))


@contextmanager
def recorded(
    lost: frozenset[int], stops: dict[int, int], ppm: int, loss: str, *, codec: str = "h264", ends: bool = True
) -> Iterator[Lossy]:
    with tempfile.TemporaryDirectory() as folder:
        made = Lossy(Path(folder), COUNT, codec, lost, stops, ppm, loss=loss)
        made.record(ends=ends)
        try:
            yield made
        finally:
            made.close()


def frames_of(segments: Sequence[Segment]) -> list[tuple[int, Segment, int]]:
    """Every frame that can be decoded: its number, its segment, and when it is shown, in ticks."""
    return [(number, segment, pts) for segment in segments for number, pts in decoded(segment.path)]


def truth(segments: Sequence[Segment], steps: int = FRAME) -> list[Interval]:
    """Footage by what can be decoded: a frame lasts as long as frames do, or until the next one that
    follows at once."""
    frames = sorted((pts, segment.key.start_us, segment) for _, segment, pts in frames_of(segments))
    found: list[Interval] = []
    for number, (pts, _, segment) in enumerate(frames):
        clock = TimeMap.of(segment)
        end_us = clock.wall_us(pts + steps)
        if number + 1 < len(frames):
            later, _, other = frames[number + 1]
            if later - pts <= steps + steps // 2:
                end_us = TimeMap.of(other).wall_us(later)
        found.append(Interval(clock.wall_us(pts), end_us))
    return merge(found)


def assert_true(answer: Coverage, segments: Sequence[Segment]) -> None:
    """Claimed and true are the same to the frame, and everything else has a cause."""
    assert not [gap for gap in answer.gaps if gap.cause is Cause.UNKNOWN]
    expected = truth(segments)
    assert len(answer.spans) == len(expected), (answer.spans, expected)
    for mine, real in zip(answer.spans, expected, strict=True):
        assert abs(mine.start_us - real.start_us) <= CLOSE_US and abs(mine.end_us - real.end_us) <= CLOSE_US


def assert_fleet(made: Lossy, database: Database, answer: Coverage) -> None:
    with database.read() as conn:
        key = conn.execute("SELECT key FROM camera").fetchone()[0]
        batch = read_batch(conn, [(key, CAMERA)], answer.start_us, answer.end_us, now_us=made.now_us)
    gaps = list(zip(batch.gaps.start_us.tolist(), batch.gaps.end_us.tolist(), strict=True))
    assert gaps == [(gap.start_us, gap.end_us) for gap in answer.gaps]


@settings(max_examples=300 if IS_NIGHT else 12, deadline=None)
@given(worlds)
def test_what_is_claimed_is_what_can_be_decoded(world: tuple[frozenset[int], dict[int, int], int, str]) -> None:
    lost, stops, ppm, loss = world
    with recorded(lost, stops, ppm, loss) as made:
        answer, segments = made.coverage(), made.segments()
        # All that the camera gave is there, once, and can be decoded.
        assert sorted(number for number, _, _ in frames_of(segments)) == [frame.number for frame in made.shown]
        assert_true(answer, segments)
        assert_fleet(made, made.database, answer)
        # And it is what was sent: nothing is claimed that never came.
        assert answer.recorded_us <= len(made.shown) * 1_000_000 // FPS * (1 + 1e-3) + 1000
        for gap in answer.gaps:
            named = gap.detail.get("class")
            assert (gap.cause is Cause.CORRUPT) == (named is not None) and named in (None, loss)
        before = rows(made.database)
        again = Database(made.folder / "again.db", durable=False)
        again.migrate()
        for _ in rebuild(again, made.roots):
            pass
        assert rows(again) == before
        again.close()


def rows(database: Database) -> tuple[list[Interval], list[int], list[tuple[object, ...]]]:
    """Spans, what they hold in all, and holes, as the catalogue has them. Segments that are closed in another order
    leave other rows of the same spans."""
    with database.read() as conn:
        spans = merge(Interval(*row) for row in conn.execute("SELECT start_us, end_us FROM span"))
        sums = list(conn.execute("SELECT sum(segments), sum(bytes) FROM span").fetchone())
        holes = conn.execute("SELECT start_us, from_us, until_us, media_start, media_end, loss FROM hole ORDER BY 1, 2")
        return spans, sums, [tuple(row) for row in holes]


@settings(max_examples=150 if IS_NIGHT else 8, deadline=None)
@given(worlds, st.booleans())
def test_killed_at_any_time(world: tuple[frozenset[int], dict[int, int], int, str], hears: bool) -> None:
    """The last segment grows: it says the same while it does, adopted, and adopted by a server whose catalogue heard
    nothing of holes."""
    lost, stops, ppm, loss = world
    with recorded(lost, stops, ppm, loss, ends=False) as made:
        growing = made.segments()
        assert growing[-1].growing
        with made.database.read() as conn:
            assert not conn.execute("SELECT 1 FROM hole WHERE until_us <= from_us").fetchone()
        answer = made.coverage()
        found = truth(growing)
        # The end by the run's clock, which the slew may have moved from the growing file's.
        for mine, real in zip(answer.spans[:-1], found[:-1], strict=True):
            assert abs(mine.start_us - real.start_us) <= CLOSE_US and abs(mine.end_us - real.end_us) <= CLOSE_US
        if not hears:
            with made.database.write() as conn:
                since = (growing[-1].key.start_us,)
                conn.execute("DELETE FROM fact WHERE cause IN ('corrupt', 'stalled') AND start_us >= ?", since)
                conn.execute("DELETE FROM hole WHERE start_us >= ?", since)
        with made.database.write() as conn:
            this_node(conn, "n1")
            epoch = next_epoch(conn) + 1
        reconcile(
            made.database,
            made.roots,
            node="n1",
            epoch=epoch,
            cause=Cause.SERVER_DOWN,
            detail={},
            alive_us=answer.as_of_us,
            now_us=made.now_us,
            files=FILES,
        )
        segments = made.segments()
        assert not any(segment.growing for segment in segments)
        after = made.coverage()
        assert_true(after, segments)
        assert_fleet(made, made.database, after)


@pytest.mark.parametrize("codec", ["h264b", "h265"])
def test_other_codecs(codec: str) -> None:
    """Reordered frames: what is lost may belong between frames that came, of which then the later ones count as lost as
    well, never more."""
    with recorded(frozenset({14, 15, 37, 61, 62, 63, 99}), {}, 0, "network", codec=codec) as made:
        answer, segments = made.coverage(), made.segments()
        numbers = [number for number, _, _ in frames_of(segments)]
        assert set(numbers) == {frame.number for frame in made.shown} and len(numbers) == len(made.shown)
        real = truth(segments)
        claimed_us, real_us = answer.recorded_us, sum(b - a for a, b in real)
        # Three reordered frames for each of four losses.
        assert real_us - 4 * 3 * 1_000_000 // FPS <= claimed_us <= real_us + CLOSE_US
        assert not [gap for gap in answer.gaps if gap.cause is Cause.UNKNOWN]


def test_a_frame_lasts_as_long_as_frames_do() -> None:
    """A loss right behind a still scene: the frame before it did not last as long as the one that stood still."""
    with recorded(frozenset({31}), {30: 300_000}, 0, "network") as made:
        answer = made.coverage()
        hole = next(gap for gap in answer.gaps if gap.cause is Cause.CORRUPT)
        lost_us = (30 + 1) * 1_000_000 // FPS + 300_000
        assert hole.start_us == pytest.approx(START_US + lost_us, abs=CLOSE_US)
        assert hole.end_us == pytest.approx(START_US + 40 * 1_000_000 // FPS + 300_000, abs=CLOSE_US)
        assert GOP == 10 and TICKS == 90_000 and read(made.segments()[0].path).index.holes


@pytest.mark.parametrize("count", [1, 7, 25, 130])
def test_a_run_before_reaches_beyond_a_short_one(tmp_path: Path, count: int) -> None:
    """By the clock all of it was before it may begin: it lasts as long as its frames do, in files and catalogue."""
    not_before_us = START_US + 20_000_000
    made = Lossy(tmp_path, count, not_before_us=not_before_us)
    made.record()
    try:
        segments = made.segments()
        assert segments and segments[0].key.start_us == not_before_us
        for segment in segments:
            head = read(segment.path)
            assert head.end_us == segment.end_us > segment.key.start_us
        # How long frames last is not known of a single one.
        lasts_us = count * 1_000_000 // FPS if count > 1 else 40_000
        assert sum(segment.end_us - segment.key.start_us for segment in segments) == lasts_us
        assert sum(segment.frames for segment in segments) == count
    finally:
        made.close()
