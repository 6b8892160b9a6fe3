"""How long anything that a person asks for keeps others from writing to the catalogue."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.cameras import OvertakenError, csv_import, read
from storage.catalogue import cameras, segments
from storage.catalogue.slices import in_slices
from tests.api.catalogue import INIT, T0, World
from tests.nightly import examples

Client = AsyncTestClient[Litestar]
S = 1_000_000
MOST_S = 0.05
COUNT = examples(300, 3000)


def table(name: str = "Camera") -> str:
    return "id,url,name,district\n" + "".join(
        f"cam-{n},rtsp://192.0.2.1/{n},{name} {n},d{n % 9}\n" for n in range(COUNT)
    )


async def test_no_route_holds_the_lock_for_long(app: Litestar, client: Client, world: World) -> None:
    """With many rows, by each route that writes many; computing is measured, which others' load does not lengthen."""
    headers = world.bearer(Role.ADMIN)

    async def post(path: str, body: Any) -> Any:
        answer = await client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    for text in (table(), table("Other")):
        answer = await client.post("/api/camera-table", content=text, headers=headers)
        assert answer.status_code == 200
    bad = "id,url,audio\n" + "".join(f"new-{n},nonsense{n},maybe\n" for n in range(10 * COUNT))
    answer = await client.post("/api/camera-table", content=bad, headers=headers)
    assert answer.json()["code"] == "invalid_table"
    assert len(answer.json()["errors"]) <= 101
    order = {"where": "*", "reason": "r", "letter": "1", "approver": "m"}
    hash_ = (await post("/api/orders/preview", order))["plan_hash"]
    made = await post("/api/orders", {**order, "plan_hash": hash_})
    await post(f"/api/orders/{made['id']}/revoke", {"reason": "r"})
    window = {"where": "*", "reason": "r", "start": "2026-11-23T16:00:00Z", "end": "2026-11-24T16:00:00Z"}
    made = await post("/api/maintenance", window)
    await post(f"/api/maintenance/{made['id']}/end", {"reason": "r"})
    with world.db.write() as conn:
        for number in range(300):
            key = segments.Key("cam-1", T0 - 3 * 86_400 * S + number * 300 * S, "n1", 1)
            segments.begin(
                conn, key, root="r1", init=INIT.id, run_start_us=key.start_us, timescale=90_000, media_start=0
            )
            segments.finish(
                conn, key, end_us=key.start_us + 300 * S, media_end=27_000_000, frames=1, bytes_=9, sha256=None
            )
    asked = {"start": "2026-11-20T14:00:00Z", "end": "2026-11-23T14:00:00Z"}
    shown = await post("/api/cameras/cam-1/deletion/preview", asked)
    assert shown["segments"] == 300
    await post("/api/cameras/cam-1/deletion", {**asked, "reason": "r", "plan_hash": shown["plan_hash"]})
    assert (await post("/api/cameras/cam-1/deletion/preview", asked))["segments"] == 0
    await post(
        "/api/holds", {"camera": "gate", "start": "2026-11-23T14:00:00Z", "end": "2026-11-23T14:10:00Z", "reason": "r"}
    )
    await post("/api/users", {"name": "new", "password": "a-fine-long-password", "role": "viewer"})
    await post("/api/tokens", {"name": "new", "role": "viewer"})
    held = app.state.services.db.holdings
    assert {
        "import_cameras",
        "enter_order",
        "revoke_order",
        "enter_window",
        "delete_range",
        "place_hold",
    } <= held.keys()
    assert {work: one.longest_cpu_s for work, one in held.items() if one.longest_cpu_s > MOST_S} == {}
    assert held["import_cameras"].count > 4
    text = (await client.get("/metrics", headers=headers)).text
    assert 'nvr_write_lock_longest_seconds{work="import_cameras"}' in text
    assert f'nvr_write_locks_total{{work="import_cameras"}} {held["import_cameras"].count}.0' in text


def test_a_camera_that_changes_meanwhile_is_looked_at_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read("id,url,name\nyard,rtsp://192.0.2.9/1,New\n")
    plans = []

    def change(name: str) -> None:
        with world.db.write() as conn:
            old = cameras.find(conn, "yard")
            assert old is not None
            values = {"source": old.source, "settings": old.settings, "labels": old.labels}
            cameras.change(conn, camera="yard", name=name, **values)  # type: ignore[arg-type]

    real = csv_import.plan_import

    def once(conn: sqlite3.Connection, given: Any) -> Any:
        plans.append(real(conn, given))
        if len(plans) == 1 or always:
            change(f"Somebody's {len(plans)}")
        return plans[-1]

    always = False
    monkeypatch.setattr(csv_import, "plan_import", once)
    csv_import.import_table(world.db, parsed, node="n1", at_us=T0)
    assert len(plans) == 2
    with world.db.read() as conn:
        found = cameras.find(conn, "yard")
        assert found is not None
        assert found.name == "New"
    always = True
    with pytest.raises(OvertakenError):
        csv_import.import_table(world.db, read("id,url,name\nyard,rtsp://192.0.2.9/1,Newer\n"), node="n1", at_us=T0)


def test_others_write_in_between(world: World) -> None:
    """Each item takes 10 ms: whoever waits for the lock has it after a slice, not after all."""
    written: list[int] = []

    def write(conn: sqlite3.Connection, item: int) -> None:
        time.sleep(0.01)
        written.append(item)

    def first(conn: sqlite3.Connection) -> None:
        assert not written

    in_slices(world.db, range(20), write, first=first)
    assert written == list(range(20))
    assert world.db.holdings["server"].count >= 8
