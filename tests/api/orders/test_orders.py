"""Orders, windows and schedules over HTTP: what is confirmed is what was shown, and what it says is in the gaps."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from nvr.cases import cases, requests
from nvr.orders import attachments
from storage.catalogue import audit
from storage.causes import Cause
from storage.retention import holds
from tests.api.catalogue import NOW, T0, S, World
from tests.support.people import person

Client = AsyncTestClient[Litestar]
HOUR = 3600 * S


@pytest.fixture
def app(world: World, heard: list[str]) -> Litestar:
    settings = ApiSettings(catalogue=str(world.db.path), node="n1", zone="Asia/Jakarta", price_per_mbit=30_000)
    return create_app(settings, now_us=world.read_clock, on_cameras_changed=lambda: heard.append("cameras_changed"))


async def ask(client: Client, world: World, method: str, path: str, body: Any = None, role: str = "admin") -> Any:
    answer = await client.request(method, f"/api{path}", json=body, headers=world.bearer(role))
    return answer.json() | {"_status": answer.status_code}


def order(**more: Any) -> dict[str, Any]:
    return {"letter": "500.12/1", "reason": "efisiensi", "approver": "Kepala Dinas", **more}


async def confirmed(client: Client, world: World, body: dict[str, Any]) -> Any:
    shown = await ask(client, world, "POST", "/orders/preview", body)
    assert shown["_status"] == 200, shown
    made = await ask(client, world, "POST", "/orders", {**body, "plan_hash": shown["plan_hash"]})
    assert made["_status"] == 201, made
    return made


async def test_a_dry_run_and_its_confirmation(client: Client, world: World, heard: list[str]) -> None:
    world.tick_us = 0
    with world.db.write() as conn:
        holds.place(conn, "gate", NOW, NOW + HOUR, reason="case 7", by=person("vera"), now_us=NOW)
        case = cases.open_case(conn, number="LP/9", legal_basis="KUHAP", title="", by=person("vera"), now_us=NOW)
        for end_us in (NOW + HOUR, NOW - HOUR):
            requests.ask(
                conn, case.id, cameras=["gate"], start_us=NOW - 2 * HOUR, end_us=end_us, purpose="theft",
                by=person("vera"), now_us=NOW
            )  # fmt: skip
        holds.place(conn, "yard", T0 - HOUR, T0, reason="before", by=person("vera"), now_us=NOW)
    body = order(where="owner=CITY", expected_end=format_time(NOW + 2 * HOUR))
    shown = await ask(client, world, "POST", "/orders/preview", body)
    assert shown["cameras"] == ["gate", "yard"] and shown["camera_hours"] == 4.0
    assert {(h["camera"], h["reason"]) for h in shown["holds"]} == {("gate", "case 7"), ("gate", "case LP/9: theft")}
    assert [c["number"] for c in shown["cases"]] == ["LP/9"]
    assert (shown["recording"], shown["measured"], shown["unknown"]) == (1, 1, 1)
    # The yard's rate is not known: it counts as the gate's, and the way adds its headers, as in the planner.
    assert (shown["mbit_per_s"], shown["uplink_mbit_per_s"], shown["cost_a_month"]) == (4.0, 4.2, 126_000)
    assert shown["cost_saved"] == pytest.approx(126_000 * 2 / 720)
    plan = await ask(client, world, "GET", "/plan?where=owner=CITY")
    assert plan["now"]["cost_a_month"] == shown["cost_a_month"] and plan["now"]["unknown"] == 1
    assert heard == [] and (await ask(client, world, "GET", "/orders"))["orders"] == []
    assert (await ask(client, world, "POST", "/orders", body))["code"] == "plan_changed"
    other = {**body, "plan_hash": shown["plan_hash"], "reason": "another"}
    assert (await ask(client, world, "POST", "/orders", other))["code"] == "plan_changed"
    world.now_us += 5 * S  # confirmed later: it begins then
    made = await ask(client, world, "POST", "/orders", {**body, "plan_hash": shown["plan_hash"]})
    assert made["_status"] == 201 and made["start"] == format_time(world.now_us) and made["state"] == "in_force"
    assert heard == ["cameras_changed"]
    found = await ask(client, world, "GET", f"/orders/{made['id']}", role="viewer")
    assert found["members"] == [{"camera": "gate", "revocation": None}, {"camera": "yard", "revocation": None}]
    assert found["selection"] == "owner=CITY"
    with world.db.read() as conn:
        entry = next(e for e in audit.entries(conn) if e.action == "order_entered")
    assert entry.actor == "token for admin" and "500.12/1" in entry.detail


async def test_what_is_off_already_saves_nothing_and_what_nobody_measured_is_not_free(
    client: Client, world: World
) -> None:
    world.tick_us = 0
    until = format_time(NOW + 720 * HOUR)
    hall = await ask(client, world, "POST", "/orders/preview", order(cameras=["hall"], expected_end=until))
    assert (hall["measured"], hall["unknown"]) == (0, 1)
    assert (hall["mbit_per_s"], hall["cost_a_month"], hall["cost_saved"]) == (None, None, None)
    alone = await ask(client, world, "POST", "/orders/preview", order(cameras=["gate"], expected_end=until))
    assert alone["cost_saved"] == pytest.approx(63_000)
    # For half of that time another order has it off.
    later = order(cameras=["gate"], start=format_time(NOW + 360 * HOUR))
    await confirmed(client, world, later)
    half = await ask(client, world, "POST", "/orders/preview", order(cameras=["gate"], expected_end=until))
    assert (half["cost_a_month"], half["cost_saved"]) == (63_000, pytest.approx(31_500))
    # And now it is off from the beginning.
    await confirmed(client, world, order(cameras=["gate"]))
    none = await ask(client, world, "POST", "/orders/preview", order(cameras=["gate"], expected_end=until))
    assert (none["disabled_before"], none["measured"], none["unknown"]) == (1, 0, 0)
    assert (none["mbit_per_s"], none["cost_a_month"], none["cost_saved"]) == (0.0, 0.0, 0.0)


async def test_labels_that_changed_since_the_dry_run_make_it_another(client: Client, world: World) -> None:
    body = order(where="district=south")
    shown = await ask(client, world, "POST", "/orders/preview", body)
    await ask(client, world, "PATCH", "/cameras/yard", {"labels": {}})
    answer = await ask(client, world, "POST", "/orders", {**body, "plan_hash": shown["plan_hash"]})
    assert (answer["_status"], answer["code"]) == (409, "plan_changed")


async def test_an_order_entered_late_in_the_gaps(client: Client, world: World) -> None:
    made = await confirmed(client, world, order(cameras=["yard"], start=format_time(T0)))
    path = f"/cameras/yard/coverage?start={format_time(T0)}&end={format_time(NOW)}"
    (gap,) = (await ask(client, world, "GET", path))["gaps"]
    assert (gap["cause"], gap["class"]) == ("disabled", "administrative")
    assert gap["detail"]["letter"] == "500.12/1" and gap["detail"]["order"] == made["id"]
    assert gap["detail"]["original_cause"] == "unreachable" and "entered" in gap["detail"]


async def test_revoking_in_part_and_as_a_whole(client: Client, world: World) -> None:
    made = await confirmed(client, world, order(csv="id;nama\ngate;A\nyard;B\nhall;C\n"))
    path = f"/orders/{made['id']}/revoke"
    world.now_us += S
    part = await ask(client, world, "POST", path, {"reason": "banjir", "where": "district=north", "letter": "500/2"})
    assert (part["cameras"], part["left"], part["state"]) == (3, 2, "in_force")
    assert [(r["cameras"], r["letter"]) for r in part["revocations"]] == [(1, "500/2")]
    world.now_us += S
    whole = await ask(client, world, "POST", path, {"reason": "wali kota"})
    assert (whole["left"], whole["state"], len(whole["revocations"])) == (0, "ended", 2)
    assert (await ask(client, world, "POST", path, {"reason": "again"}))["code"] == "invalid_directive"
    assert (await ask(client, world, "POST", "/orders/none/revoke", {"reason": "x"}))["code"] == "directive_not_found"


async def test_an_order_past_its_expected_end_is_shown_and_stays(client: Client, world: World) -> None:
    await confirmed(client, world, order(where="*", expected_end=format_time(NOW + S)))
    world.now_us += HOUR
    (found,) = (await ask(client, world, "GET", "/orders"))["orders"]
    assert found["overdue"] is True and found["state"] == "in_force"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (order(), "invalid_selection", "in one way"),
        (order(where="district=north", cameras=["gate"]), "invalid_selection", "in one way"),
        (order(where=""), "invalid_selection", "write *"),
        (order(where="district="), "invalid_selection", "no value"),
        (
            order(where="district=nowhere"),
            "invalid_selection",
            "no camera has district 'nowhere': there is north, south",
        ),
        (order(cameras=["gate", "x", "y"]), "invalid_selection", "no cameras x, y"),
        (order(csv="gate\nNo Such\n"), "invalid_selection", "line 2, id"),
        (order(where="*", letter_date="6/10/2025"), "invalid_directive", "letter_date"),
        (order(where="*", start="2026-10-06T00:00:00"), "naive_time", "zone"),
        (order(where="*", expected_end="2020-01-01T00:00:00Z"), "invalid_directive", "expected_end"),
        ({"where": "*"}, "invalid_request", "letter"),
    ],
)
async def test_what_is_refused(client: Client, world: World, body: dict[str, Any], code: str, says: str) -> None:
    answer = await ask(client, world, "POST", "/orders/preview", body)
    assert answer["code"] == code and says in answer["detail"], answer


async def test_a_dry_run_comes_before_its_letter_and_an_order_does_not(client: Client, world: World) -> None:
    unsigned = order(where="*", letter=" ", reason="", approver="")
    shown = await ask(client, world, "POST", "/orders/preview", unsigned)
    assert shown["_status"] == 200 and len(shown["cameras"]) == 3
    refused = await ask(client, world, "POST", "/orders", {**unsigned, "plan_hash": shown["plan_hash"]})
    assert refused["code"] == "invalid_directive"
    assert all(name in refused["detail"] for name in ("letter", "reason", "approver"))
    signed = {**order(where="*"), "plan_hash": shown["plan_hash"]}
    assert (await ask(client, world, "POST", "/orders", signed))["code"] == "plan_changed"


async def test_the_letter_comes_back_as_a_download_and_as_nothing_else(client: Client, world: World) -> None:
    page = b"<script>alert(1)</script>"
    headers = world.bearer("admin")
    sent = await client.post("/api/attachments", content=page, headers={**headers, "Content-Type": "text/html"})
    sha256 = sent.json()["sha256"]
    assert sent.status_code == 201 and sent.json()["bytes"] == len(page)
    name = 'surat "800"\u202e.html/../x'
    refused = await ask(
        client, world, "POST", "/orders/preview", order(where="*", attachment=sha256, attachment_name=name)
    )
    assert refused["code"] == "invalid_request"
    made = await confirmed(client, world, order(where="*", attachment=sha256, attachment_name="../surat 800.html"))
    answer = await client.get(f"/api/orders/{made['id']}/attachment", headers=headers)
    assert answer.content == page and answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''..%2Fsurat%20800.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    viewer = await client.get(f"/api/orders/{made['id']}/attachment", headers=world.bearer("viewer"))
    assert viewer.status_code == 403
    without = await ask(client, world, "POST", "/orders/preview", order(where="*", attachment="0" * 64))
    assert without["_status"] == 200
    wrong = await ask(
        client, world, "POST", "/orders", order(where="*", attachment="0" * 64, plan_hash=without["plan_hash"])
    )
    assert wrong["code"] == "invalid_directive" and "no such file" in wrong["detail"]


async def test_a_letter_of_many_parts_comes_back_whole_and_goes_when_nothing_names_it(
    client: Client, world: World
) -> None:
    def parts() -> int:
        with world.db.read() as conn:
            return int(conn.execute("SELECT count(*) FROM attachment_part").fetchone()[0])

    letter = random.Random(1).randbytes(2_500_000)
    headers = world.bearer("admin")
    for _ in range(2):
        sent = await client.post("/api/attachments", content=letter, headers=headers)
        assert sent.json()["sha256"] == hashlib.sha256(letter).hexdigest()
    assert parts() == 3
    made = await confirmed(client, world, order(where="*", attachment=sent.json()["sha256"], attachment_name="surat"))
    assert (await client.get(f"/api/orders/{made['id']}/attachment", headers=headers)).content == letter
    await client.post("/api/attachments", content=b"for nothing", headers=headers)
    assert parts() == 4
    world.now_us += 2 * 86_400 * 1_000_000
    await client.post("/api/attachments", content=b"another", headers=headers)
    assert parts() == 4, "what nothing named is gone, the letter is not"
    assert (await client.get(f"/api/orders/{made['id']}/attachment", headers=headers)).content == letter
    with world.db.write() as conn:
        # As it was kept before there were parts.
        sha256 = hashlib.sha256(b"old").hexdigest()
        conn.execute("INSERT INTO attachment VALUES (?, ?, ?)", (sha256, b"old", world.now_us))
    assert (await client.post("/api/attachments", content=b"old", headers=headers)).status_code == 201
    with world.db.read() as conn:
        assert attachments.load(conn, sha256) == b"old"


async def test_attachments_that_are_refused(client: Client, world: World) -> None:
    headers = world.bearer("admin")
    empty = await client.post("/api/attachments", content=b"", headers=headers)
    assert empty.json()["code"] == "invalid_attachment"
    large = await client.post("/api/attachments", content=bytes(attachments.MOST_BYTES + 1), headers=headers)
    assert large.status_code == 413


async def test_windows_and_schedules(client: Client, world: World, heard: list[str]) -> None:
    window = {"where": "district=south", "reason": "serat optik", "start": format_time(T0), "end": format_time(NOW)}
    made = await ask(client, world, "POST", "/maintenance", window)
    assert (made["_status"], made["cameras"], made["state"]) == (201, 2, "ended")
    path = f"/cameras/yard/coverage?start={format_time(T0)}&end={format_time(NOW)}"
    (gap,) = (await ask(client, world, "GET", path))["gaps"]
    assert (gap["cause"], gap["detail"]["original_cause"]) == ("maintenance", "unreachable")
    assert heard == [], "a window is nothing that a recorder must hear of"
    schedule = {"where": "id=gate", "reason": "jam sekolah", "hours": "mon-fri 06:00-18:00"}
    made = await ask(client, world, "POST", "/schedules", schedule)
    assert (made["_status"], made["zone"], made["state"]) == (201, "Asia/Jakarta", "in_force")
    world.now_us += S
    ended = await ask(client, world, "POST", f"/schedules/{made['id']}/end", {"reason": "libur"})
    assert ended["state"] == "ended"
    wrong = await ask(client, world, "POST", "/schedules", {**schedule, "hours": "weekdays"})
    assert wrong["code"] == "invalid_directive" and "hours" in wrong["detail"]
    assert (await ask(client, world, "POST", f"/maintenance/{made['id']}/end", {"reason": "x"}))["_status"] == 404
    assert len((await ask(client, world, "GET", "/maintenance"))["windows"]) == 1
    assert len((await ask(client, world, "GET", "/schedules"))["schedules"]) == 1


async def test_the_table_of_cameras(client: Client, world: World, heard: list[str]) -> None:
    headers = world.bearer("admin")
    answer = await client.get("/api/camera-table?where=owner=city", headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    assert "gate" in text and "hall" not in text and "s3cret" not in text
    with_passwords = await client.get("/api/camera-table?passwords=yes", headers=headers)
    assert "s3cret-s3cret" in with_passwords.text
    same = await client.post("/api/camera-table", content=answer.content, headers=headers)
    nothing = {"added": [], "changed": {}, "unchanged": 2, "sight": "changes nothing of who sees which camera"}
    assert same.json() == {"dry_run": False, **nothing} and heard == []
    new = b"id,url,district\ngate,,north\nkali-1,rtsp://192.0.2.9/s,Tembalang\n"
    mistaken = await client.post("/api/camera-table", content=new, headers=headers)
    assert mistaken.status_code == 400 and mistaken.json()["errors"][0]["field"] == "line 2, url"
    new = new.replace(b"gate,,north\n", b"")
    dry = await client.post("/api/camera-table?dry_run=yes", content=new, headers=headers)
    assert dry.json()["added"] == ["kali-1"] and heard == []
    assert (await ask(client, world, "GET", "/cameras/kali-1"))["_status"] == 404
    done = await client.post("/api/camera-table", content=new, headers=headers)
    assert done.json()["added"] == ["kali-1"] and heard == ["cameras_changed"]
    assert (await ask(client, world, "GET", "/cameras/kali-1"))["labels"] == {"district": "Tembalang"}
    latin = await client.post("/api/camera-table", content="id,name\na,caf\xe9".encode("latin-1"), headers=headers)
    assert latin.json()["code"] == "invalid_table" and "line 2" in latin.json()["detail"]


async def test_a_person_deletes_a_range(client: Client, world: World) -> None:
    span = {"start": format_time(T0 + 700 * S), "end": format_time(T0 + 701 * S)}
    with world.db.write() as conn:
        hold = holds.place(conn, "gate", T0, T0 + S, reason="case 7", by=person("vera"), now_us=NOW)
    held = await ask(client, world, "POST", "/cameras/gate/deletion/preview", {**span, "start": format_time(T0)})
    assert (held["segments"], held["held"]) == (1, 1) and hold.id
    shown = await ask(client, world, "POST", "/cameras/gate/deletion/preview", span)
    assert shown["ranges"] == [{"start": format_time(T0 + 601 * S), "end": format_time(T0 + 1200 * S)}]
    body = {**span, "reason": "permintaan warga", "plan_hash": shown["plan_hash"]}
    assert (await ask(client, world, "POST", "/cameras/gate/deletion", {**body, "reason": " "}))[
        "code"
    ] == "invalid_deletion"
    wrong = await ask(client, world, "POST", "/cameras/gate/deletion", {**body, "plan_hash": "0" * 64})
    assert wrong["code"] == "plan_changed"
    assert (await ask(client, world, "POST", "/cameras/gate/deletion", body))["segments"] == 1
    path = f"/cameras/gate/coverage?start={span['start']}&end={span['end']}"
    (gap,) = (await ask(client, world, "GET", path))["gaps"]
    assert gap["cause"] == Cause.DELETED
    assert gap["detail"]["reason"] == "permintaan warga" and gap["detail"]["by"].startswith("token")
    growing = {"start": format_time(NOW - 60 * S), "end": format_time(NOW)}
    shown = await ask(client, world, "POST", "/cameras/gate/deletion/preview", growing)
    assert (shown["segments"], shown["growing"]) == (0, True)
