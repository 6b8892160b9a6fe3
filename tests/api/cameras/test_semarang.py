"""The case that the product must serve: a city's 4,470 cameras, a letter that switches them off, what citizens see
meanwhile, the revocation, and the report of that week. docs/guide/semarang.md tells it with the figures of this test.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from nvr.cases import cases, requests
from nvr.orders import in_force
from storage.catalogue import node, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from storage.causes import Cause
from tests.support.people import create_token, person

Client = AsyncTestClient[Litestar]
S: Final = 1_000_000
DAY: Final = 86_400 * S
COUNT: Final = 4_470
DISTRICTS: Final = (
    "Banyumanik", "Candisari", "Gajahmungkur", "Gayamsari", "Genuk", "Gunungpati", "Mijen", "Ngaliyan",
    "Pedurungan", "Semarang Barat", "Semarang Selatan", "Semarang Tengah", "Semarang Timur", "Semarang Utara",
    "Tembalang", "Tugu",
)  # fmt: skip
ISPS: Final = ("Telkom", "Indosat", "Biznet")


def wib(text: str) -> int:
    return round(datetime.fromisoformat(f"{text}+07:00").timestamp()) * S


MONDAY: Final = wib("2025-10-06T00:00")
OFF: Final = wib("2025-10-07T16:00")
FLOOD: Final = wib("2025-10-08T09:30")
ON: Final = wib("2025-10-10T11:00")
SUNDAY: Final = wib("2025-10-13T00:00")


def table() -> str:
    """The city's list of cameras, as its office keeps it in a spreadsheet."""
    lines = ["id;name;url;district;kelurahan;isp;owner;latitude;longitude;public"]
    for n in range(1, COUNT + 1):
        district = DISTRICTS[n % len(DISTRICTS)]
        name = f"{district} {n}"
        place = f"{-6.99 - n / 1e5:.5f};{110.4 + n / 1e5:.5f}"
        public = ("yes", "status", "no")[n % 3]
        lines.append(
            f"smg-{n:04};{name};rtsp://10.{n // 250}.{n % 250}.2/s;{district};{district} Lor;{ISPS[n % 3]};Diskominfo;"
            f"{place};{public}"
        )
    return "\n".join(lines)


class City:
    """A server of whose clock the test is the master. Its recorders are spoken for: each camera's footage and facts are
    what a recorder would have entered."""

    def __init__(self, folder: Path) -> None:
        self.db = Database(folder / "catalogue.sqlite")
        self.db.migrate()
        self.now_us = MONDAY - DAY
        with self.db.write() as conn:
            node.this_node(conn, "n1")
            conn.execute("INSERT INTO root (id, path) VALUES ('r1', '/footage')")
        self.bearer = {"Authorization": f"Bearer {create_token(self.db, 'office', 'admin', at_us=1)}"}

    def record(self, start_us: int, end_us: int) -> None:
        """Every camera records without a break: spans, as its closed segments make them, cut at UTC midnight."""
        with self.db.write() as conn:
            conn.execute("UPDATE fact SET end_us = ? WHERE layer = 'recorder' AND end_us IS NULL", (start_us,))
            at = start_us
            while at < end_us:
                until = min(end_us, (at // DAY + 1) * DAY)
                conn.execute(
                    "INSERT INTO span SELECT key, ?, 1, 1, ?, 1, ?, 0 FROM camera", (at, until, (until - at) // 4)
                )
                at = until

    def stop(self, at_us: int, cause: Cause) -> None:
        """Every recorder says why it has stopped."""
        with self.db.write() as conn:
            conn.execute(
                "INSERT INTO fact SELECT key, 'recorder', ?, 1, 1, NULL, ?, '{}', 0 FROM camera", (at_us, cause)
            )

    def say(self, state: str, since_us: int, cause: Cause | None, bitrate_bps: int | None) -> None:
        """What the recorders report now."""
        with self.db.write() as conn:
            ids = [row[0] for row in conn.execute("SELECT id FROM camera")]
            status.put(
                conn,
                [
                    Status(id_, state, since_us, cause, {}, bitrate_bps=bitrate_bps, updated_us=self.now_us)
                    for id_ in ids
                ],
            )


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    settings = ApiSettings(
        catalogue=str(city.db.path), node="n1", zone="Asia/Jakarta", public=True, price_per_mbit=25_000
    )
    async with AsyncTestClient(create_app(settings, now_us=lambda: city.now_us), base_url="http://nvr.test") as made:
        yield made


async def ask(client: Client, city: City, method: str, path: str, body: Any = None) -> Any:
    answer = await client.request(method, f"/api{path}", json=body, headers=city.bearer)
    assert answer.status_code < 400, answer.text
    return answer.json()


async def public(client: Client, city: City) -> tuple[dict[str, int], dict[str, Any]]:
    """States of the citizens' page, counted; and one camera of it."""
    city.now_us += 10 * S
    answer = await client.get("/api/public/cameras")
    found = {camera["id"]: camera for camera in answer.json()["cameras"]}
    counts: dict[str, int] = {}
    for camera in found.values():
        counts[camera["state"]] = counts.get(camera["state"], 0) + 1
    return counts, found["smg-0001"]


async def test_the_week_of_the_letter(client: Client, city: City) -> None:
    # The office imports its list.
    sent = await client.post("/api/camera-table", content=table().encode(), headers=city.bearer)
    assert len(sent.json()["added"]) == COUNT
    # All record; an investigator has asked for footage of Friday to come.
    city.record(MONDAY - DAY, OFF)
    city.now_us = OFF - 3600 * S
    city.say("recording", MONDAY - DAY, None, 2_000_000)
    with city.db.write() as conn:
        case = cases.open_case(
            conn, number="LP/B/77", legal_basis="KUHAP", title="", by=person("penyidik"), now_us=city.now_us
        )
        friday = wib("2025-10-10T00:00")
        requests.ask(
            conn,
            case.id,
            ["smg-0001"],
            friday,
            friday + DAY,
            purpose="curanmor",
            by=person("penyidik"),
            now_us=city.now_us,
        )
    # The letter's dry run, then the order, an hour ahead.
    order = {
        "letter": "B/4112/500.12/X/2025", "letter_date": "2025-10-06", "reason": "efisiensi anggaran",
        "approver": "Kepala Diskominfo",
        "where": "owner=Diskominfo", "start": format_time(OFF), "expected_end": format_time(wib("2026-01-01T00:00")),
        "local_copy_until": format_time(OFF + 7 * DAY),
    }  # fmt: skip
    began = time.process_time()
    shown = await ask(client, city, "POST", "/orders/preview", order)
    dry_run_s = time.process_time() - began
    assert len(shown["cameras"]) == COUNT
    assert shown["mbit_per_s"] == 8_940, "4,470 × 2 Mbit/s"
    assert shown["camera_hours"] == pytest.approx(COUNT * 24 * (85 + 1 / 3), abs=1)
    assert shown["cost_a_month"] == pytest.approx(223_500_000 * 1.05), "with headers, as in the planner"
    assert [c["number"] for c in shown["cases"]] == ["LP/B/77"] and len(shown["holds"]) == 1
    began = time.process_time()
    made = await ask(client, city, "POST", "/orders", {**order, "plan_hash": shown["plan_hash"]})
    enter_s = time.process_time() - began
    assert (made["state"], made["cameras"]) == ("planned", COUNT)
    assert (await public(client, city))[0] == {"recording": 2980}
    # It takes effect. The public page names it.
    with city.db.read() as conn:
        assert in_force.off(conn, OFF - 1) == {} and len(in_force.off(conn, OFF)) == COUNT
        assert in_force.next_change_us(conn, city.now_us) == OFF
    city.stop(OFF, Cause.DISABLED)
    city.now_us = OFF + 3600 * S
    city.say("off", OFF, Cause.DISABLED, None)
    counts, camera = await public(client, city)
    assert counts == {"disabled": 2980}
    assert camera["since"] == format_time(OFF) and camera["order"]["letter"] == order["letter"]
    assert order["letter"] in camera["text"]["id"] and "dinonaktifkan" in camera["text"]["id"]
    # A flood: one district comes back at once.
    city.now_us = FLOOD
    path = f"/orders/{made['id']}/revoke"
    part = await ask(client, city, "POST", path, {"reason": "banjir", "where": "district=Genuk", "letter": "B/4120"})
    genuk = part["revocations"][0]["cameras"]
    assert part["left"] == COUNT - genuk and part["state"] == "in_force"
    # The mayor has all others switched on again.
    city.now_us = ON
    whole = await ask(
        client, city, "POST", path, {"reason": "instruksi wali kota", "letter": "B/4155", "approver": "Wali Kota"}
    )
    assert (whole["left"], whole["state"], len(whole["revocations"])) == (0, "ended", 2)
    with city.db.write() as conn:
        query = (
            "UPDATE fact SET end_us = ? WHERE layer = 'recorder' AND end_us IS NULL"
            " AND camera IN (SELECT key FROM camera WHERE labels {} '%Genuk%')"
        )
        conn.execute(query.format("LIKE"), (FLOOD,))
        conn.execute(query.format("NOT LIKE"), (ON,))
        for start, like in ((FLOOD, "LIKE"), (ON, "NOT LIKE")):
            at = start
            while at < SUNDAY:
                until = min(SUNDAY, (at // DAY + 1) * DAY)
                conn.execute(
                    f"INSERT INTO span SELECT key, ?, 1, 2, ?, 1, ?, 0 FROM camera WHERE labels {like} '%Genuk%'",
                    (at, until, (until - at) // 4),
                )
                at = until
    city.now_us = SUNDAY
    city.say("recording", ON, None, 2_000_000)
    assert (await public(client, city))[0] == {"recording": 2980}
    # The report of that week.
    week = f"start={format_time(MONDAY)}&end={format_time(SUNDAY)}"
    began = time.process_time()
    report = await ask(client, city, "GET", f"/gaps?{week}")
    report_s = time.process_time() - began
    total = report["total"]
    off_s = ((COUNT - genuk) * (ON - OFF) + genuk * (FLOOD - OFF)) / S
    assert (total["cameras"], total["gaps"]) == (COUNT, COUNT)
    assert list(total["by_cause"]) == ["disabled"] and list(total["by_class"]) == ["administrative"]
    assert total["missing_s"] == off_s
    assert total["recorded_s"] == COUNT * 7 * 86_400 - off_s, "footage and gaps are all of the week"
    gap = random.Random(7).choice(report["gaps"])
    assert gap["detail"]["letter"] == order["letter"] and gap["detail"]["order"] == made["id"]
    assert gap["detail"]["local_copy_until"] == format_time(OFF + 7 * DAY)
    assert "original_cause" not in gap["detail"]
    print(
        f"\nSemarang: dry run {dry_run_s:.2f} s, entering {enter_s:.2f} s,"
        f" report of {COUNT} cameras {report_s:.2f} s of CPU;"
        f" {off_s / 3600:,.0f} camera-hours off, {genuk} cameras back early"
    )
