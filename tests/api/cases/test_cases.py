"""From a case to what becomes of a request in it, over HTTP; and what holds and the audit log have of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from storage.catalogue import audit
from storage.integrity import audit_log as audit_check
from storage.retention import holds
from tests.api.catalogue import T0, World

Client = AsyncTestClient[Litestar]
S = 1_000_000
CASE = {"number": "LP/B/112/XI/2026", "legal_basis": "KUHAP art. 39", "title": "Hit and run, Jl. Pemuda"}
FOOTAGE = {
    "cameras": ["gate", "hall"],
    "start": "2026-11-23T14:00:00Z",
    "end": "2026-11-23T14:05:00Z",
    "purpose": "number plate",
}


class Person:
    """Somebody with a role, and the requests they make."""

    def __init__(self, client: Client, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = await self._client.post(path, json=body, headers=self._headers)
        return answer.status_code, answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self._client.get(path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found


@pytest.fixture
def ines(client: Client, world: World) -> Person:
    return Person(client, world.bearer("investigator"))


@pytest.fixture
def anna(client: Client, world: World) -> Person:
    return Person(client, world.bearer("admin"))


async def asked(person: Person) -> dict[str, Any]:
    status, case = await person.post("/api/cases", CASE)
    assert status == 201
    status, made = await person.post(f"/api/cases/{case['id']}/requests", FOOTAGE)
    assert status == 201
    return made


def actions(world: World) -> list[str]:
    with world.db.read() as conn:
        assert audit_check.verify(conn).faults == ()
        return [e.action for e in reversed(list(audit.entries(conn))) if e.actor_id != "server"]


async def test_asking_holds_at_once_and_approval_follows(ines: Person, anna: Person, world: World) -> None:
    made = await asked(ines)
    assert (made["state"], made["cameras"], made["requester"]) == (
        "asked",
        ["gate", "hall"],
        "token for investigator",
    )
    with world.db.read() as conn:
        assert holds.active(conn) == {
            "gate": [(T0, T0 + 300 * S)],
            "hall": [(T0, T0 + 300 * S)],
        }
        assert holds.keeps(conn, "gate", T0 - S, T0 + S)
        hold = holds.find(conn, made["holds"][0])
    assert hold is not None
    assert hold.reason == "case LP/B/112/XI/2026: number plate"
    status, decided = await anna.post(f"/api/requests/{made['id']}/approve", {"reason": "in order"})
    assert status == 200
    assert (decided["state"], decided["decided_by"], decided["decision"]) == (
        "approved",
        "token for admin",
        "in order",
    )
    listed = (await ines.get("/api/cases"))["cases"]
    assert [(case["number"], [r["state"] for r in case["requests"]]) for case in listed] == [
        ("LP/B/112/XI/2026", ["approved"])
    ]
    assert actions(world)[:5] == ["case_opened", "hold_placed", "hold_placed", "request_made", "request_approved"]
    # The approval queues the export, which holds on its own.
    assert [one for one in actions(world)[5:] if one != "grant_given"] == [
        "hold_placed",
        "hold_placed",
        "export_made",
        "export_made",
    ]
    assert actions(world).count("grant_given") == 1, "to who asked"
    (queued,) = (await anna.get("/api/exports"))["exports"]
    assert (queued["id"], queued["case"], queued["requester"], queued["approver"]) == (
        decided["export"],
        "LP/B/112/XI/2026",
        "token for investigator",
        "token for admin",
    )


async def test_a_request_is_whole_or_not_at_all(ines: Person, world: World) -> None:
    _, case = await ines.post("/api/cases", CASE)
    wrong = {**FOOTAGE, "cameras": ["gate", "nowhere"]}
    status, problem = await ines.post(f"/api/cases/{case['id']}/requests", wrong)
    assert (status, problem["code"]) == (404, "camera_not_found")
    with world.db.read() as conn:
        assert holds.list_all(conn) == []
    assert (await ines.get(f"/api/cases/{case['id']}"))["requests"] == []
    assert actions(world) == ["case_opened"]


async def test_a_second_person_decides_where_one_is_asked_for(app: Litestar, client: Client, world: World) -> None:
    ines, anna = (Person(client, world.bearer_of(name)) for name in ("ines", "anna"))
    services = app.state.services
    services.configure(msgspec.structs.replace(services.settings, second_person=True))
    made = await asked(ines)
    status, problem = await ines.post(f"/api/requests/{made['id']}/approve", {})
    assert (status, problem["code"]) == (403, "second_person_needed")
    assert (await anna.post(f"/api/requests/{made['id']}/approve", {}))[0] == 200
    status, problem = await anna.post(f"/api/requests/{made['id']}/approve", {})
    assert (status, problem["code"]) == (409, "request_decided")


async def test_refusing_needs_a_reason_and_keeps_the_holds(ines: Person, anna: Person, world: World) -> None:
    made = await asked(ines)
    assert (await anna.post(f"/api/requests/{made['id']}/refuse", {"reason": " "}))[1]["code"] == "invalid_case"
    status, problem = await ines.post(f"/api/requests/{made['id']}/refuse", {"reason": "no", "release": True})
    assert (status, problem["code"]) == (403, "forbidden")
    status, refused = await anna.post(f"/api/requests/{made['id']}/refuse", {"reason": "no ground"})
    assert (status, refused["state"], refused["decision"]) == (200, "refused", "no ground")
    with world.db.read() as conn:
        assert len(holds.active(conn)) == 2


async def test_withdrawing_is_for_who_asked(ines: Person, anna: Person, world: World) -> None:
    made = await asked(ines)
    status, problem = await anna.post(f"/api/requests/{made['id']}/withdraw", {"reason": "x"})
    assert (status, problem["code"]) == (403, "not_your_request")
    assert (await ines.post(f"/api/requests/{made['id']}/withdraw", {"reason": "wrong day"}))[0] == 200


async def test_closing_a_case(ines: Person, anna: Person, world: World) -> None:
    made = await asked(ines)
    path = f"/api/cases/{made['case']}/close"
    assert (await anna.post(path, {"reason": "done"}))[1]["code"] == "case_undecided"
    await anna.post(f"/api/requests/{made['id']}/refuse", {"reason": "no ground"})
    assert (await ines.post(path, {"reason": "done", "release": True}))[0] == 403
    status, closed = await anna.post(path, {"reason": "done", "release": True})
    assert (status, closed["close_reason"]) == (200, "done")
    with world.db.read() as conn:
        assert holds.active(conn) == {}
        assert {hold.release_reason for hold in holds.list_all(conn)} == {"case LP/B/112/XI/2026 closed: done"}
    assert (await anna.post(path, {"reason": "again"}))[1]["code"] == "case_closed"
    assert (await ines.post(f"/api/cases/{made['case']}/requests", FOOTAGE))[1]["code"] == "case_closed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**CASE, "number": " "}, "invalid_case"),
        ({**CASE, "legal_basis": ""}, "invalid_case"),
        ({**CASE, "title": "x" * 2_001}, "invalid_case"),
        ({"number": "1"}, "invalid_request"),
    ],
)
async def test_cases_that_can_not_be(ines: Person, body: dict[str, Any], code: str) -> None:
    status, problem = await ines.post("/api/cases", body)
    assert (status, problem["code"]) == (400, code)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"cameras": []}, 400, "invalid_case"),
        ({"cameras": ["gate"] * 501}, 201, None),
        ({"purpose": ""}, 400, "invalid_case"),
        ({"end": FOOTAGE["start"]}, 400, "invalid_case"),
        ({"start": "2026-11-23T14:00:00"}, 400, "naive_time"),
    ],
)
async def test_requests_that_can_not_be(
    ines: Person, world: World, change: dict[str, Any], status: int, code: str | None
) -> None:
    _, case = await ines.post("/api/cases", CASE)
    found, answer = await ines.post(f"/api/cases/{case['id']}/requests", {**FOOTAGE, **change})
    assert (found, answer.get("code")) == (status, code)
    again, problem = await ines.post("/api/cases", CASE)
    assert (again, problem["code"]) == (409, "case_exists")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("LP/9/É", "lp/9/é"),
        ("LP/9/\u00e9", "LP/9/e\u0301"),
        ("LP/9", "ＬＰ／９"),
        ("ＬＰ／９", "lp/9"),
        ("LP 9", "LP\u00a0\u2003 9"),
        ("LP/9", "LP/9"),
    ],
)
async def test_no_two_cases_look_the_same(ines: Person, first: str, second: str) -> None:
    assert (await ines.post("/api/cases", {**CASE, "number": first}))[0] == 201
    for number in (second, first):
        status, problem = await ines.post("/api/cases", {**CASE, "number": number})
        assert (status, problem.get("code")) == (409, "case_exists"), number
    assert (await ines.post("/api/cases", {**CASE, "number": f"{second}0"}))[0] == 201


async def test_who_there_is_not(ines: Person) -> None:
    for path, code in (
        ("/api/cases/none/requests", "case_not_found"),
        ("/api/cases/none/close", "case_not_found"),
        ("/api/requests/none/approve", "request_not_found"),
        ("/api/requests/none/refuse", "request_not_found"),
    ):
        body = FOOTAGE if path.endswith("requests") else {} if path.endswith("approve") else {"reason": "x"}
        assert (await ines.post(path, body))[1]["code"] == code


async def test_an_approval_before_the_range_is_over_makes_an_export_that_waits(
    ines: Person, anna: Person, world: World
) -> None:
    _, case = await ines.post("/api/cases", CASE)
    later = {**FOOTAGE, "end": "2027-01-01T00:00:00Z"}
    _, made = await ines.post(f"/api/cases/{case['id']}/requests", later)
    status, decided = await anna.post(f"/api/requests/{made['id']}/approve", {})
    assert (status, decided["state"]) == (200, "approved")
    (job,) = (await ines.get("/api/exports"))["exports"]
    assert (job["id"], job["state"], job["begins"]) == (
        decided["export"],
        "queued",
        # It is being recorded: with the first rotation after its end.
        "2027-01-01T00:03:40.824566Z",
    )
    assert (await ines.get(f"/api/cases/{case['id']}"))["requests"][0]["export"] == job["id"]
    status, ended = await ines.post(f"/api/exports/{job['id']}/cancel", {})
    assert (status, ended["state"]) == (200, "cancelled")


async def test_an_approval_whose_export_can_not_be_queued_is_none(
    ines: Person, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await asked(ines)
    monkeypatch.setattr("nvr.api.cases.export_requests._MOST_OPEN", 0)
    status, problem = await anna.post(f"/api/requests/{made['id']}/approve", {})
    assert (status, problem["code"]) == (409, "too_many_exports")
    (case,) = (await ines.get("/api/cases"))["cases"]
    assert (case["requests"][0]["state"], case["requests"][0]["export"]) == ("asked", None)


async def test_only_who_may_decide_is_offered_it(app: Litestar, client: Client, world: World) -> None:
    """What the list says of a request is what happens when it is decided."""
    services = app.state.services
    for second in (False, True):
        services.configure(msgspec.structs.replace(services.settings, second_person=second))
        ines, anna = (Person(client, world.bearer_of(name)) for name in ("ines", "anna"))
        viewer = world.bearer("viewer")
        case = (await ines.post("/api/cases", {**CASE, "number": f"LP/{second}"}))[1]
        made = (await ines.post(f"/api/cases/{case['id']}/requests", FOOTAGE))[1]
        assert made["names"] == made["cameras"] or len(made["names"]) == len(made["cameras"])
        said = {}
        for name, person in (("ines", ines), ("anna", anna)):
            (seen,) = (await person.get(f"/api/cases/{case['id']}"))["requests"]
            said[name] = seen["may_decide"]
            me = await person.get("/api/me")
            assert me["second_person"] is second
        assert said == {"ines": not second, "anna": True}
        status, _ = await ines.post(f"/api/requests/{made['id']}/approve", {})
        assert (status == 200) == said["ines"]
        if not said["ines"]:
            assert (await anna.post(f"/api/requests/{made['id']}/approve", {}))[0] == 200
        assert not (await anna.get(f"/api/cases/{case['id']}"))["requests"][0]["may_decide"]
        assert (await client.get(f"/api/cases/{case['id']}", headers=viewer)).status_code in (403, 404)
