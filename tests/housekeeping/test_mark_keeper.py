"""Marks are removed once their footage is."""

from __future__ import annotations

import threading
from pathlib import Path

from nvr.cameras import marks
from nvr.housekeeping.mark_keeper import MarkKeeper
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S

DAY_US = 86_400 * S


def test_what_has_no_footage_any_more_has_no_marks(tmp_path: Path) -> None:
    world = catalogue.make(tmp_path)
    # Gate has footage since T0; yard never had any.
    for camera, at_us in (("gate", T0 - S), ("gate", T0 + S), ("yard", NOW - DAY_US - S), ("yard", NOW - DAY_US + S)):
        with world.db.write() as conn:
            marks.put(
                conn, f"{camera} {at_us}", camera, "motion", at_us, at_us,
                is_on=False, count=1, detail={}, now_us=NOW,
            )  # fmt: skip
    keeper = MarkKeeper(world.db.path, threading.Event())
    keeper.poll(now_us=NOW)
    with world.db.read() as conn:
        left = {one.id for one in marks.between(conn, 0, 1 << 60)}
    assert left == {f"gate {T0 + S}", f"yard {NOW - DAY_US + S}"}
    world.db.close()
