"""Marks over HTTP: seen with their footage alone, searched by kind, and added by analyses with their name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.access import closures
from nvr.cameras import marks
from nvr.cameras.marks import MarkError, NewMark
from storage.catalogue.actors import SERVER_ACTOR
from tests.api.catalogue import T0, S, World

Client = AsyncTestClient[Litestar]
RANGE = {"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T15:00:00Z"}


def reported(world: World, camera: str, kind: str, start_s: int, end_s: int, *, is_on: bool = False) -> None:
    with world.db.write() as conn:
        marks.put(
            conn, f"{camera}-{kind}-{start_s}", camera, kind, T0 + start_s * S, T0 + end_s * S,
            is_on=is_on, count=1, detail={"topic": "VideoSource/MotionAlarm"}, now_us=T0,
        )  # fmt: skip


def seen(**more: object) -> dict[str, object]:
    mark = {"camera": "gate", "kind": "smoke", "start": "2026-11-23T14:05:00Z", **more}
    return {"source": "smoke detector", "version": "2.1", "marks": [mark]}


async def test_marks_are_found_by_camera_kind_and_time(client: Client, world: World) -> None:
    reported(world, "gate", "motion", 60, 90)
    reported(world, "gate", "tamper", 120, 120)
    reported(world, "yard", "motion", 30, 3000, is_on=True)
    reported(world, "hall", "motion", 4000, 4010)
    headers = world.bearer("viewer")

    async def ids(**asked: object) -> list[str]:
        answer = await client.get("/api/marks", params={**RANGE, **asked}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["is_whole"]
        return [one["id"] for one in answer.json()["marks"]]

    assert await ids() == ["gate-tamper-120", "gate-motion-60", "yard-motion-30"]
    assert await ids(kind="motion") == ["gate-motion-60", "yard-motion-30"]
    assert await ids(camera=["gate"], kind=["motion", "tamper"]) == ["gate-tamper-120", "gate-motion-60"]
    assert await ids(start="2026-11-23T14:20:00Z") == ["yard-motion-30"], "what goes on is found"
    (one,) = (await client.get("/api/marks", params={**RANGE, "kind": "tamper"}, headers=headers)).json()["marks"]
    assert one == {
        "id": "gate-tamper-120", "camera": "gate", "kind": "tamper", "start": "2026-11-23T14:02:00.000000Z",
        "end": "2026-11-23T14:02:00.000000Z", "is_on": False, "count": 1, "source": "camera", "version": "",
        "topic": "VideoSource/MotionAlarm", "label": "", "score": None,
    }  # fmt: skip


async def test_an_analysis_adds_what_it_saw(client: Client, world: World) -> None:
    headers = world.bearer("viewer")
    body = seen(end="2026-11-23T14:05:12Z", label="north roof", score=0.81)
    added = await client.post("/api/marks", json=body, headers=headers)
    assert added.status_code == 201, added.text
    (one,) = (await client.get("/api/marks", params=RANGE, headers=headers)).json()["marks"]
    assert (one["id"], one["source"], one["version"], one["kind"]) == (
        added.json()["added"][0], "smoke detector", "2.1", "smoke",
    )  # fmt: skip
    assert (one["label"], one["score"], one["end"]) == ("north roof", 0.81, "2026-11-23T14:05:12.000000Z")
    log = (await client.get("/api/audit?action=marks_added", headers=world.bearer("admin"))).json()["entries"]
    assert log[0]["camera"] == "gate" and "smoke detector" in log[0]["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (seen(kind="Smoke"), 400, "invalid_mark"),
        (seen(end="2026-11-23T14:04:00Z"), 400, "invalid_mark"),
        (seen(start="2026-11-23T18:05:00Z"), 400, "invalid_mark"),
        (seen(end="2026-11-25T14:04:00Z"), 400, "invalid_mark"),
        (seen(score=1.5), 400, "invalid_mark"),
        (seen(label="a\nb"), 400, "invalid_mark"),
        (seen(start="2026-11-23T14:05:00"), 400, "naive_time"),
        (seen(camera="nowhere"), 404, "camera_not_found"),
        ({**seen(), "source": "camera"}, 400, "invalid_mark"),
        ({**seen(), "source": ""}, 400, "invalid_mark"),
        ({**seen(), "marks": []}, 400, "invalid_mark"),
        ({**seen(), "marks": seen()["marks"] * 1001}, 400, "invalid_mark"),  # type: ignore[operator]
    ],
)
async def test_with_one_mistake_nothing_is_added(
    client: Client, world: World, body: dict[str, object], status: int, code: str
) -> None:
    good = seen()["marks"]
    assert isinstance(good, list)
    if body["marks"] and isinstance(body["marks"], list) and len(body["marks"]) == 1:
        body = {**body, "marks": [*good, *body["marks"]]}
    answer = await client.post("/api/marks", json=body, headers=world.bearer("admin"))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await client.get("/api/marks", params=RANGE, headers=world.bearer("admin"))).json()["marks"] == []


async def test_marks_are_seen_with_their_footage_alone(client: Client, world: World) -> None:
    reported(world, "gate", "motion", 60, 90)
    reported(world, "gate", "motion", 1300, 1310)
    for role in ("auditor", "technician"):
        answer = await client.get("/api/marks", params=RANGE, headers=world.bearer(role))
        assert answer.json()["code"] == "forbidden", role
        assert (await client.post("/api/marks", json=seen(), headers=world.bearer(role))).json()["code"] == "forbidden"
    with world.db.write() as conn:
        closures.close_footage(
            conn, "gate", start_us=T0, end_us=T0 + 600 * S, reason="a home", by=SERVER_ACTOR, at_us=T0
        )
    answer = await client.get("/api/marks", params=RANGE, headers=world.bearer("viewer"))
    assert [one["id"] for one in answer.json()["marks"]] == ["gate-motion-1300"]
    refused = await client.post("/api/marks", json=seen(), headers=world.bearer("viewer"))
    assert refused.json()["code"] == "closed_for_privacy"


def test_an_analysis_gone_wrong_is_bounded(world: World) -> None:
    one = NewMark("gate", "smoke", T0, T0, "detector", "1")
    with world.db.write() as conn:
        marks.add(conn, [one] * 1000, by="user-a", now_us=T0 + S)
        marks.add(conn, [NewMark("gate", "smoke", T0, T0, "another", "1")], by="user-a", now_us=T0 + S)
        # By whatever name it calls itself; a space is none.
        for source in ("detector", " detector", "detector  "):
            with pytest.raises(MarkError, match="1000 marks of 'detector'"):
                marks.add(conn, [replace(one, source=source)], by="user-a", now_us=T0 + S)
        for number in range(2):
            marks.add(conn, [replace(one, source=f"other-{number}")] * 1000, by="user-a", now_us=T0 + S)
        marks.add(conn, [replace(one, source="other-3")] * 999, by="user-a", now_us=T0 + S)
        with pytest.raises(MarkError, match="merge them"):
            marks.add(conn, [replace(one, source="one more")], by="user-a", now_us=T0 + S)
        for source in ("camera", " camera", "camera "):
            with pytest.raises(MarkError, match="the cameras' own"):
                marks.add(conn, [replace(one, source=source)], by="user-a", now_us=T0 + S)


def test_marks_go_with_their_footage(world: World) -> None:
    reported(world, "gate", "motion", -60, -30)
    reported(world, "gate", "motion", -60 - 1, 30)
    reported(world, "gate", "motion", 60, 90)
    with world.db.write() as conn:
        assert marks.prune(conn, "gate", T0) == 1
        assert len(marks.between(conn, 0, 1 << 60)) == 2
