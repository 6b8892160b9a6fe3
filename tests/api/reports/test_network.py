"""What the network carried, and plans, as they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api import ApiSettings, create_app
from nvr.network.hours import HOUR_US, Hour, add
from storage.catalogue import cameras
from storage.disk.roots import open_root
from tests.api.catalogue import NOW, T0, World

Client = AsyncTestClient[Litestar]
RANGE = "start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"


@pytest.fixture
def measured(world: World) -> World:
    """An hour of gate (1 Mbit/s, a hundredth lost) and hall (3 Mbit/s); an hour of gate the day before, in Jakarta."""
    with world.db.write() as conn:
        gate, hall = cameras.key_of(conn, "gate"), cameras.key_of(conn, "hall")
        rows = [
            Hour(gate, recorded_us=HOUR_US // 2, bytes=225_000_000, packets=990, lost_packets=10, reconnects=2,
                 jitter_sum_us=900, jitter_readings=3, jitter_most_us=400),
            Hour(hall, recorded_us=HOUR_US, bytes=1_350_000_000),
        ]  # fmt: skip
        add(conn, rows, now_us=T0)
        add(conn, [Hour(gate, recorded_us=HOUR_US, bytes=450_000_000)], now_us=T0 + 4 * HOUR_US)
    return world


async def asked(client: Client, world: World, path: str, role: str = "investigator") -> Any:
    answer = await client.get(path, headers=world.bearer(role))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_by_camera(client: Client, measured: World) -> None:
    body = await asked(client, measured, f"/api/network?{RANGE}")
    gate, hall = body["rows"]
    assert gate == {
        "group": "gate", "start": "2026-11-23T14:00:00.000000Z", "end": "2026-11-23T15:00:00.000000Z", "cameras": 1,
        "recorded_s": 1800.0, "bytes": 225_000_000, "received_bytes": 225_000_000, "bitrate_bps": 1e6,
        "carried_bps": 5e5, "packets": 990,
        "lost_packets": 10, "loss": 0.01, "damaged": 0, "undecodable": 0, "reconnects": 2, "jitter_us": 300.0,
        "jitter_most_us": 400, "lost_frames": 0, "time_faults": 0, "keyframe_most_us": None,
    }  # fmt: skip
    # The av source counts no packets: nothing is said of them.
    assert (hall["bitrate_bps"], hall["loss"], hall["jitter_us"], hall["jitter_most_us"]) == (3e6, None, None, None)
    only = await asked(client, measured, f"/api/network?{RANGE}&where=district=north")
    assert [row["group"] for row in only["rows"]] == ["gate"]


async def test_by_label_and_day_of_the_zone(client: Client, measured: World) -> None:
    """18:00 UTC is the next day in Jakarta."""
    measured.now_us = T0 + 24 * HOUR_US
    path = "/api/network?start=2026-11-23T00:00:00Z&end=2026-11-24T00:00:00Z&by=owner&step=day"
    rows = (await asked(client, measured, path))["rows"]
    assert [(row["group"], row["start"], row["cameras"], row["bytes"]) for row in rows] == [
        ("city", "2026-11-23T00:00:00.000000Z", 1, 225_000_000),
        ("city", "2026-11-23T17:00:00.000000Z", 1, 450_000_000),
        (None, "2026-11-23T00:00:00.000000Z", 1, 1_350_000_000),
    ]
    hours = (await asked(client, measured, f"{path.replace('step=day', 'step=hour')}&where=id=gate"))["rows"]
    assert [row["start"][11:16] for row in hours] == ["14:00", "18:00"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{RANGE}&step=week", "invalid_parameter"),
        (f"{RANGE}&by=", "invalid_parameter"),
        (f"{RANGE}&where=a%3D", "invalid_selection"),
        ("", "missing_parameter"),
        ("start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z", "range_too_long"),
        ("start=2026-11-01T00:00:00Z&end=2026-11-20T00:00:00Z&step=hour", "range_too_long"),
    ],
)
async def test_wrong_questions(client: Client, world: World, query: str, code: str) -> None:
    answer = await client.get(f"/api/network?{query}", headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_the_plan_as_measured_and_as_if(client: Client, measured: World) -> None:
    measured.now_us = T0 + 2 * HOUR_US
    body = await asked(client, measured, "/api/plan?days=10&overhead=0&price_per_mbit=1000", "admin")
    # Yard was never measured: it counts as the mean of 1 and 3 Mbit/s.
    assert body["planned"] == body["now"]
    assert (body["now"]["cameras"], body["now"]["measured"], body["now"]["bitrate_bps"]) == (3, 2, 6e6)
    assert (body["now"]["disk_bytes"], body["now"]["cost_a_month"]) == (6e6 / 8 * 864_000, 6_000)
    assert (body["capacity_bytes"], body["now"]["disk_days"]) == (None, None)
    less = await asked(client, measured, "/api/plan?bitrate_bps=512000&where=id=gate|hall&overhead=0.1")
    assert (less["now"]["bitrate_bps"], less["planned"]["bitrate_bps"]) == (4e6, 1_024_000)
    assert less["planned"]["uplink_mbit_per_s"] == pytest.approx(1.1264)
    assert (less["price_per_mbit"], less["planned"]["cost_a_month"]) == (None, None)
    city = await asked(client, measured, "/api/plan?cameras=4470&bitrate_bps=2000000&overhead=0")
    assert (city["planned"]["uplink_mbit_per_s"], city["planned"]["bytes_a_day"]) == (8940, 96.552e12)


async def test_the_plan_knows_the_disks(measured: World, tmp_path: Path) -> None:
    root = open_root(tmp_path / "disk", known=None)
    settings = ApiSettings(
        catalogue=str(measured.db.path), node="n1", roots=[(root.id, str(root.path))], price_per_mbit=25_000
    )
    async with AsyncTestClient(create_app(settings, now_us=lambda: NOW), base_url="http://nvr.test") as client:
        body = await asked(client, measured, "/api/plan?bitrate_bps=1000000&overhead=0")
    assert body["capacity_bytes"] > 0
    assert body["planned"]["disk_days"] == pytest.approx(body["capacity_bytes"] / body["planned"]["bytes_a_day"])
    assert body["planned"]["cost_a_month"] == 3 * 25_000


@pytest.mark.parametrize(
    "query", ["cameras=-1", "cameras=1.5", "bitrate_bps=fast", "days=nan", "overhead=11", "price_per_mbit=-1"]
)
async def test_wrong_plans(client: Client, world: World, query: str) -> None:
    answer = await client.get(f"/api/plan?{query}", headers=world.bearer("admin"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_without_any_bitrate_a_plan_asks_for_one(client: Client, world: World) -> None:
    answer = await client.get("/api/plan?where=id=yard", headers=world.bearer("admin"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert "bitrate_bps=" in answer.json()["detail"]
