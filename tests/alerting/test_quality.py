"""Cameras that are recorded, and not well: which, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.alerting.conditions import AlertKind
from nvr.alerting.quality import LastHour, unwell
from nvr.alerting.watch import read_last_hour
from nvr.network import hours as network_hours
from nvr.network.hours import HOUR_US, Hour
from storage.catalogue import cameras, facts, node
from storage.catalogue.database import Database
from storage.causes import Cause, Layer
from tests.support.catalogues import new_catalogue

H0 = 480_000
S = 1_000_000


def kinds(*hours: LastHour, least: int = 90) -> dict[str, tuple[str, ...]]:
    return {found.kind.value: found.cameras for found in unwell(hours, least_percent=least, since_us=H0 * HOUR_US)}


def test_what_is_well_is_no_condition() -> None:
    assert kinds(LastHour("a", 1.0, 99, 2, 9 * S, 1 * S), LastHour("b"), LastHour("c", 0.9)) == {}


def test_each_kind_names_its_cameras() -> None:
    assert kinds(
        LastHour("d", 0.12, 5_000, 0, 90 * S, 4 * S),
        LastHour("c", 0.89),
        LastHour("b", 1.0, 0, 3),
        LastHour("a", 0.0),
    ) == {
        "recorded_little": ("c", "d"),
        "frames_lost": ("d",),
        "time_stamps_off": ("b",),
        "keyframes_apart": ("d",),
    }, "of one of which nothing was recorded there is another alert"
    assert kinds(LastHour("c", 0.01), least=0) == {}
    assert kinds(LastHour("a", 1.0, 0, 0, 90 * S, 0)) == {}, "what is not known has not grown"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "c.db")
    with made.write() as conn:
        node.this_node(conn, "n1")
    yield made
    made.close()


def test_the_last_hour_of_each_camera(db: Database) -> None:
    """Twelve minutes of the hour are missing, of which six were planned."""
    start_us = H0 * HOUR_US
    with db.write() as conn:
        for id_, at_us in (("a", start_us - 30 * HOUR_US), ("new", start_us + S)):
            cameras.add(
                conn, camera=id_, name=id_, source="catalogue", settings={"url": "rtsp://h"}, labels={}, node="n1",
                epoch=1, at_us=at_us,
            )  # fmt: skip
            facts.resume(conn, id_, at_us)
        minute = 60 * S
        known = {"node": "n1", "epoch": 1, "layer": Layer.RECORDER}
        facts.insert(conn, "a", Cause.STALLED, start_us - 30 * HOUR_US, start_us + 54 * minute, {}, **known)
        facts.insert(conn, "a", Cause.MAINTENANCE, start_us + 54 * minute, None, {}, **known)
        key = conn.execute("SELECT key FROM camera WHERE id = 'a'").fetchone()[0]
        for hour, apart_us in ((H0 - 3, 2 * S), (H0 - 1, 4 * S), (H0, 30 * S)):
            row = Hour(key, lost_frames=7, time_faults=1, keyframe_most_us=apart_us)
            network_hours.add(conn, [row], now_us=hour * HOUR_US)
    with db.read() as conn:
        (only,) = read_last_hour(conn, H0, now_us=start_us + 2 * HOUR_US)
    assert only == LastHour("a", 0.0, 7, 1, 30 * S, 3 * S)
    (found,) = unwell([only], least_percent=90, since_us=start_us)
    assert (found.kind, found.cameras, found.since_us) == (AlertKind.KEYFRAMES_APART, ("a",), start_us)
