"""The footage that benches make is footage: nobody runs them with every change."""

from __future__ import annotations

from pathlib import Path

from tests.bench.long_footage import SEGMENT_S, Maker
from tests.support.segments import read


def test_it_can_be_made_and_read(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    made = maker.make("gate", 2 * SEGMENT_S, holes=True)
    maker.database.close()
    first, second = (read(path) for path in made.paths)
    assert first.tail is not None and first.end_us == second.head.start_us and second.end_us == made.end_us
    assert first.index.media_end == second.index.video.decode_times[0]
