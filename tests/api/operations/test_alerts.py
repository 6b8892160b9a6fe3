"""Alerts and metrics over HTTP."""

from __future__ import annotations

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from prometheus_client.parser import text_string_to_metric_families

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertRow
from storage.catalogue import status
from storage.catalogue.counters import LEVELS, NAMES
from storage.catalogue.status import Status
from storage.writing import at_risk
from storage.writing.at_risk import Risk
from tests.api.catalogue import NOW, T0, World

Client = AsyncTestClient[Litestar]


def opened(world: World, id_: str, *, resolved_us: int | None = None) -> None:
    with world.db.write() as conn:
        row = AlertRow(
            id_, "camera_down", "yard", T0, T0 + 1, T0 + 2, resolved_us, 0, ("yard",), {"cause": "unreachable"}
        )
        alerts.put(conn, row)
        deliveries.set_recipients(conn, ["email:room@example.org"], now_us=T0)
        deliveries.queue(conn, id_, "opened", {}, at_us=T0)
        (delivery,) = [n for n in deliveries.waiting(conn, "email:room@example.org") if n.alert == id_]
        deliveries.failed(conn, delivery, "mail.example.org:587: no route", is_refusal=False, now_us=T0 + 7)


async def test_listing_and_acknowledging(client: Client, world: World) -> None:
    opened(world, "one")
    opened(world, "two", resolved_us=T0 + 5)
    body = (await client.get("/api/alerts", headers=world.bearer("viewer"))).json()
    listed = body["alerts"]
    assert body["recipients"] == [
        {
            "channel": "email",
            "recipient": None,
            "waiting": 2,
            "failing_since": "2026-11-23T14:00:00.000007Z",
            "error": None,
            "accepted": None,
            "dropped": 0,
        }
    ]
    assert [(a["id"], a["resolved"] is None) for a in listed] == [("one", True), ("two", False)]
    assert listed[0]["undelivered"] == ["email"]
    for_admin = (await client.get("/api/alerts", headers=world.bearer("admin"))).json()
    assert for_admin["recipients"][0]["recipient"] == "room@example.org"
    assert for_admin["recipients"][0]["error"] == "mail.example.org:587: no route"
    whole = for_admin["alerts"]
    assert whole[0]["undelivered"] == ["email:room@example.org: mail.example.org:587: no route"]
    only = (await client.get("/api/alerts?open=true", headers=world.bearer("viewer"))).json()["alerts"]
    assert [a["id"] for a in only] == ["one"]
    path = "/api/alerts/one/acknowledge"
    assert (await client.post(path, json={}, headers=world.bearer("viewer"))).status_code == 403
    answer = await client.post(path, json={"note": "cable crew is out"}, headers=world.bearer("investigator"))
    assert answer.status_code == 200
    assert (answer.json()["acknowledged_by"], answer.json()["note"]) == ("token for investigator", "cable crew is out")
    gone = await client.post("/api/alerts/none/acknowledge", json={}, headers=world.bearer("admin"))
    assert (gone.status_code, gone.json()["code"]) == (404, "alert_not_found")
    assert (await client.get("/api/alerts?limit=0", headers=world.bearer("viewer"))).status_code == 400


async def test_what_failed_together_is_known_together(client: Client, world: World) -> None:
    for id_ in ("one", "two", "three"):
        opened(world, id_)
    path, wanted = "/api/alerts/acknowledge", {"alerts": ["one", "two", "two"], "note": "STO Majapahit"}
    assert (await client.post(path, json=wanted, headers=world.bearer("viewer"))).status_code == 403
    answer = await client.post(path, json=wanted, headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()) == (200, {"alerts": 2})
    gone = await client.post(path, json={"alerts": ["three", "none"]}, headers=world.bearer("admin"))
    assert (gone.status_code, gone.json()["code"]) == (404, "alert_not_found")
    listed = (await client.get("/api/alerts", headers=world.bearer("viewer"))).json()["alerts"]
    assert {one["id"]: one["note"] for one in listed} == {"one": "STO Majapahit", "two": "STO Majapahit", "three": None}


async def test_metrics_are_what_the_catalogue_says(client: Client, world: World) -> None:
    world.tick_us = 0
    opened(world, "one")
    root = "r1"
    with world.db.write() as conn:
        at_risk.put(conn, 1, [(root, Risk(1.5, 4.5, 0.25, 7, 0, 5.0))], at_us=NOW)
    assert (await client.get("/metrics")).status_code == 401
    answer = await client.get("/metrics", headers=world.bearer("viewer"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["nvr_camera_recording", "gate"] == 1
    assert found["nvr_camera_recording", "yard"] == 0
    assert found["nvr_camera_footage_age_seconds", "gate"] == 1
    assert found["nvr_camera_bitrate_bits_per_second", "gate"] == 2_000_000
    assert found["nvr_cameras", "recording"] == 2
    assert found["nvr_cameras", "waiting"] == 1
    assert found["nvr_cameras_not_recording", "unreachable"] == 1
    assert found["nvr_cameras_not_recording", "unknown"] == 0
    assert found[("nvr_unknown_causes",)] == 0
    assert found["nvr_power_cut_seconds", root] == found[("nvr_power_cut_oldest_seconds",)] == 1.5
    assert found["nvr_power_cut_worst_seconds", root] == 4.5 and found[("nvr_power_cut_limit_seconds",)] == 5
    assert (found["nvr_sync_seconds", root], found["nvr_syncs_total", root], found["nvr_syncs_late_total", root]) == (
        0.25,
        7,
        0,
    )
    assert found["nvr_alerts_open", "camera_down"] == 1
    assert found["nvr_camera_required", "yard"] == 1
    assert found["nvr_camera_outage_start_timestamp_seconds", "yard"] == T0 / 1e6
    assert ("nvr_camera_outage_start_timestamp_seconds", "gate") not in found
    assert found["nvr_alert_messages_waiting", "email:1"] == 1
    assert found["nvr_alert_recipient_failing", "email:1"] == 1
    assert found["nvr_alert_messages_dropped_total", "email:1"] == 0
    labels = {
        name for family in text_string_to_metric_families(answer.text) for s in family.samples for name in s.labels
    }
    assert labels <= {"camera", "cause", "state", "kind", "root", "version", "node", "recipient", "work", "code"}


async def test_metrics_have_what_recorders_count(client: Client, world: World) -> None:
    counters = {"lost_packets": 7, "connections": 3, "recorded_us": 2_500_000, "interarrival_jitter_us": 1_500}
    with world.db.write() as conn:
        status.put(conn, [Status("gate", "recording", T0, updated_us=NOW, counters=counters)])
    text = (await client.get("/metrics", headers=world.bearer("viewer"))).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    found = {
        (sample.name, sample.labels.get("camera")): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert found["nvr_camera_lost_packets_total", "gate"] == 7
    assert found["nvr_camera_connections_total", "gate"] == 3
    assert found["nvr_camera_recorded_seconds_total", "gate"] == 2.5
    assert found["nvr_camera_damaged_total", "gate"] == 0
    assert found["nvr_camera_interarrival_jitter_seconds", "gate"] == pytest.approx(0.0015)
    assert families["nvr_camera_interarrival_jitter_seconds"].type == "gauge"
    # A name for each count there is, and nothing said of a camera whose recorder never spoke.
    for name in NAMES:
        base = f"nvr_camera_{name.removesuffix('_us')}{'_seconds' if name.endswith('_us') else ''}"
        assert families[base].type == ("gauge" if name in LEVELS else "counter")
        assert families[base].documentation
