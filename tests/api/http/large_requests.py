"""Everything that a person can ask for that writes to the catalogue, as large as it can be; and what SQLite tells of
the transactions meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.orders import attachments
from storage.catalogue import audit, segments
from storage.catalogue.cameras import MOST_LABELS
from storage.catalogue.database import Database
from storage.times import iso
from tests.api.catalogue import INIT, T0, World
from tests.api.http.test_access import declared
from tests.api.http.test_texts import bodies

__all__ = ["Held", "Watch", "ask_for_all", "table"]

S = 1_000_000
STEP = 500


@dataclass
class Held:
    """What a hold did."""

    work: str
    rows: int = 0
    statements: int = 0
    steps: int = 0


class Watch:
    """Follows a writer's transactions by what SQLite itself tells of them."""

    def __init__(self, db: Database) -> None:
        self.holds: list[Held] = []
        self._conn = db._write_connection()
        self._rows = 0
        self._conn.set_trace_callback(self._statement)
        self._conn.set_progress_handler(self._step, STEP)

    def _step(self) -> int:
        if self.holds:
            self.holds[-1].steps += STEP
        return 0

    def _statement(self, text: str) -> None:
        if text.startswith("BEGIN"):
            act = audit.current()
            self.holds.append(Held("server" if act is None else act.action))
            self._rows = self._conn.total_changes
        elif self.holds:
            self.holds[-1].statements += 1
            self.holds[-1].rows = self._conn.total_changes - self._rows

    def most(self) -> dict[str, Held]:
        """By work, the most of each that one hold did."""
        found: dict[str, Held] = {}
        for one in self.holds:
            most = found.setdefault(one.work, Held(one.work))
            for name in ("rows", "statements", "steps"):
                setattr(most, name, max(getattr(most, name), getattr(one, name)))
        return found


def table(count: int, name: str = "Camera", **more: str) -> str:
    heads = "".join(f",{head}" for head in more)
    return f"id,url,name,district{heads}\n" + "".join(
        f"cam-{n},rtsp://192.0.2.1/{n},{name} {n},d{n % 9}{''.join(f',{value}' for value in more.values())}\n"
        for n in range(count)
    )


def _first_us(count: int) -> int:
    return T0 - (count + 12) * 300 * S


def footage(world: World, count: int) -> None:
    with world.db.write() as conn:
        for number in range(count):
            key = segments.Key("cam-1", _first_us(count) + number * 300 * S, "n1", 1)
            segments.begin(
                conn, key, root="r1", init=INIT.id, run_start_us=key.start_us, timescale=90_000, media_start=0
            )
            segments.finish(
                conn, key, end_us=key.start_us + 300 * S, media_end=27_000_000, frames=1, bytes_=9, sha256=None
            )


async def unused_files(client: AsyncTestClient[Litestar], world: World, headers: dict[str, str]) -> None:
    """A letter of the largest size is uploaded while twenty lie there that no order took up."""
    for number in range(20):
        data = bytes([number]) * attachments.MOST_BYTES
        attachments.add(world.db, attachments.checked(data), now_us=T0 - 7 * 86_400 * S)
    answer = await client.post("/api/attachments", content=b"x" * attachments.MOST_BYTES, headers=headers)
    assert answer.status_code == 201
    with world.db.read() as conn:
        assert 180 < conn.execute("SELECT count(*) FROM attachment_part").fetchone()[0] < 201


async def ask_for_all(
    app: Litestar, client: AsyncTestClient[Litestar], world: World, count: int, segments_: int
) -> None:
    """Each route that writes, with ``count`` cameras or rows, or so many segments; then every route of the application
    with a body of its shape."""
    headers, start = world.bearer(Role.ADMIN), iso(_first_us(segments_))
    asked: set[tuple[str, str]] = set()

    async def ask(path: str, body: Any = None, *, method: str = "POST", route: str = "", **more: Any) -> Any:
        answer = await client.request(method, path, json=body, headers=headers, **more)
        assert answer.status_code < 300, (path, answer.text)
        asked.add((method, route or path))
        return answer.json() if answer.content else None

    for text in (table(count), table(count, "Other"), table(count, "Other", owner="city", max_age="20d")):
        answer = await client.post("/api/camera-table", content=text, headers=headers)
        assert answer.status_code == 200
    bad = "id,url,audio\n" + "".join(f"new-{n},nonsense{n},maybe\n" for n in range(10 * count))
    answer = await client.post("/api/camera-table", content=bad, headers=headers)
    assert answer.json()["code"] == "invalid_table"
    assert len(answer.json()["errors"]) <= 101
    labels = {f"label-{n}": f"{n} " + "x" * 100 for n in range(10_000)}
    for count_, status in ((10_000, 400), (MOST_LABELS, 200), (0, 200)):
        some = dict(list(labels.items())[:count_]) if count_ != 10_000 else dict.fromkeys(labels, "x")
        answer = await client.patch("/api/cameras/yard", json={"labels": some, "name": "N" * 200}, headers=headers)
        assert answer.status_code == status, answer.text
    await unused_files(client, world, headers)
    order = {"where": "*", "reason": "r", "letter": "1", "approver": "m"}
    for ended in ({}, {"where": "district=d1"}):
        hash_ = (await ask("/api/orders/preview", order))["plan_hash"]
        made = await ask("/api/orders", {**order, "plan_hash": hash_})
        assert made["cameras"] > count
        revoke = f"/api/orders/{made['id']}/revoke"
        ended_order = await ask(revoke, {"reason": "r", **ended}, route="/api/orders/{order}/revoke")
        assert ended_order["left"] == (0 if not ended else made["cameras"] - len(range(1, count, 9)))
    window = {"where": "*", "reason": "r", "start": "2026-11-23T16:00:00Z", "end": "2026-11-24T16:00:00Z"}
    made = await ask("/api/maintenance", window)
    await ask(f"/api/maintenance/{made['id']}/end", {"reason": "r"}, route="/api/maintenance/{window}/end")
    schedule = {"cameras": [f"cam-{n}" for n in range(100)], "reason": "r"}
    made = await ask("/api/schedules", {**schedule, "hours": "mon-sun 01:00-02:00, mon-sun 06:00-07:00"})
    await ask(f"/api/schedules/{made['id']}/end", {"reason": "r"}, route="/api/schedules/{schedule}/end")
    footage(world, segments_)
    hold = {"camera": "cam-1", "start": start, "end": "2026-11-23T14:00:00Z", "reason": "r"}
    made = await ask("/api/holds", hold)
    await ask(f"/api/holds/{made['id']}/release", {"reason": "r"}, route="/api/holds/{hold}/release")
    shown = await ask("/api/retention/preview", {"cameras": {"cam-1": {"max_age_s": 3600}}})
    assert shown["segments"] == segments_
    applied = await ask("/api/retention/apply", {"plan_hash": shown["plan_hash"]})
    assert applied["deleted"]["segments"] == segments_
    footage(world, segments_)
    range_ = {"start": start, "end": "2026-11-23T14:00:00Z"}
    deletion = "/api/cameras/cam-1/deletion"
    shown = await ask(f"{deletion}/preview", range_, route="/api/cameras/{camera}/deletion/preview")
    assert shown["segments"] == segments_
    await ask(
        deletion, {**range_, "reason": "r", "plan_hash": shown["plan_hash"]}, route="/api/cameras/{camera}/deletion"
    )
    assert (await ask(f"{deletion}/preview", range_))["segments"] == 0
    seen = [{"camera": f"cam-{n % min(count, 500)}", "kind": "smoke", "start": range_["start"]} for n in range(1_000)]
    await ask("/api/marks", {"source": "detector", "version": "1", "marks": seen})
    case = await ask("/api/cases", {"number": "1", "legal_basis": "x"})
    many = {"cameras": [f"cam-{n}" for n in range(min(count, 500))], "purpose": "p", **range_}
    requests = "/api/cases/{case}/requests"
    for ending in ("approve", "refuse", "approve", "approve", "approve"):
        made = await ask(f"/api/cases/{case['id']}/requests", many, route=requests)
        body = {"reason": "r"} if ending == "approve" else {"reason": "r", "release": True}
        await ask(f"/api/requests/{made['id']}/{ending}", body, route=f"/api/requests/{{id}}/{ending}")
    made = (await ask("/api/exports", method="GET"))["exports"][0]
    await ask(f"/api/exports/{made['id']}/cancel", route="/api/exports/{export}/cancel")
    await ask(f"/api/cases/{case['id']}/close", {"reason": "r", "release": True}, route="/api/cases/{case}/close")
    for number in range(segments_):
        with world.db.write() as conn:
            conn.execute(
                "INSERT INTO session (hash, user, created_us, expires_us)"
                " SELECT ?, id, 1, 2 FROM user WHERE name = 'vera'",
                (f"{number:064x}",),
            )
    await ask("/api/users/vera", method="DELETE", route="/api/users/{user}")
    # The rest, each with what it takes: some of it is refused, which writes too.
    shapes = {(method, path): body for method, path, body in bodies(app)}
    for method, route in sorted(declared(app), key=str):
        if (method, route) in asked or "live.m3u8" in route or "/probe" in route or route.endswith("/logout"):
            continue
        path = re.sub(r"\{camera\}", "gate", route)
        path = re.sub(r"\{\w+\}", "x", path)
        query = "?start=2026-11-23T14:00:00Z&end=2026-11-23T14:00:30Z&at=2026-11-23T14:00:05Z"
        body = shapes.get((method, re.sub(r"\{[^}]*\}", "x", route)))
        await client.request(method, path + (query if method == "GET" else ""), json=body, headers=headers)
