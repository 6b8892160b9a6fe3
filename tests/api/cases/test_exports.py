"""Sealed exports over HTTP: asked for, made by the exporter, fetched whole and in parts, verified; and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.cases import cases, exports, requests
from nvr.cases.requests import RequestState
from nvr.evidence.seal.signing import read_certificate
from nvr.evidence.verify import verify
from storage.catalogue import audit
from storage.integrity import audit_log as audit_check
from tests.api.office import Office
from tests.playback.footage import CAMERA
from tests.support.people import person

Client = AsyncTestClient[Any]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.studio.database.close()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[Client]:
    async with AsyncTestClient(office.app(), base_url="http://nvr.test") as made:
        yield made


async def make(client: Client, office: Office, **more: Any) -> dict[str, Any]:
    answer = await client.post(
        "/api/exports", json={"cameras": [CAMERA], **office.range, **more}, headers=office.headers()
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert isinstance(made, dict)
    return made


async def test_asked_for_made_fetched_and_verified(client: Client, office: Office, tmp_path: Path) -> None:
    made = await make(client, office, case="LP/7/2026", requester="Budi", approver="Kapolres")
    assert (made["state"], made["download"], made["requested_by"]) == ("queued", None, "token a investigator")
    answer = await client.get(f"/api/exports/{made['id']}/download", headers=office.headers())
    assert answer.json()["code"] == "export_not_ready"
    assert office.exporter.work()
    answer = await client.get(f"/api/exports/{made['id']}", headers=office.headers())
    done = answer.json()
    assert (done["state"], done["done_bytes"]) == ("done", done["total_bytes"])
    whole = await client.get(done["download"], headers=office.headers())
    assert whole.status_code == 200
    assert len(whole.content) == done["bytes"] == int(whole.headers["content-length"])
    path = tmp_path / "fetched.zip"
    path.write_bytes(whole.content)
    certificate = await client.get("/api/certificates/current.der")
    report = verify(path, [read_certificate(certificate.content)])
    assert report.outcome == "valid"
    assert report.about["request"]["case"] == "LP/7/2026"
    assert report.about["audit_head"]
    # What whoever exports typed is their word, and signed as no more; who they are is known.
    typed = dict.fromkeys(("case", "requester", "approver"), "token a investigator")
    assert report.about["request"]["stated_by"] == done["stated_by"] == typed
    size = len(whole.content)
    for first, last in ((0, 0), (25, 90), (size // 3, size // 2), (size - 40, size - 1), (0, size - 1)):
        headers = office.headers() | {"Range": f"bytes={first}-{last}", "If-Range": whole.headers["etag"]}
        part = await client.get(done["download"], headers=headers)
        assert part.status_code == 206
        assert part.content == whole.content[first : last + 1]
    with office.studio.database.read() as conn:
        looks = [e for e in audit.entries(conn) if e.action == "export_downloaded"]
    assert looks and all(made["id"] in entry.detail for entry in looks)


async def test_certificates_are_public(client: Client, office: Office) -> None:
    assert (await client.get("/api/certificates")).json() == {"certificates": []}
    assert (await client.get("/api/certificates/current.der")).json()["code"] == "certificate_not_found"
    await make(client, office)
    office.exporter.work()
    (told,) = (await client.get("/api/certificates")).json()["certificates"]
    assert told["current"] and told["bits"] == 3072
    for form in ("der", "pem"):
        answer = await client.get(f"/api/certificates/{told['certificate_sha256']}.{form}")
        assert read_certificate(answer.content).fingerprint == told["certificate_sha256"]
    for name in ("current.key", "current", told["certificate_sha256"][:20] + ".der", "..%2Fcurrent.der", "current.exe"):
        assert (await client.get(f"/api/certificates/{name}")).status_code == 404
    assert b"PRIVATE" not in (await client.get(f"/api/certificates/{told['certificate_sha256']}.pem")).content


async def test_cancelled_and_listed(client: Client, office: Office) -> None:
    made = await make(client, office)
    path = f"/api/exports/{made['id']}/cancel"
    answer = await client.post(path, headers=office.headers())
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await client.post(path, headers=office.headers())).json()["code"] == "export_ended"
    listed = (await client.get("/api/exports", headers=office.headers())).json()["exports"]
    assert [(e["id"], e["state"]) for e in listed] == [(made["id"], "cancelled")]
    for language, begins in (("en", "cancelled by "), ("id", "dibatalkan oleh ")):
        headers = {**office.headers(), "Accept-Language": language}
        said = (await client.get(f"/api/exports/{made['id']}", headers=headers)).json()["reason"]
        assert said.startswith(begins) and len(said) > len(begins)
    assert (await client.get("/api/exports", headers=office.headers(Role.VIEWER))).status_code == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_parameter"),
        ({"cameras": []}, "invalid_export"),
        ({"cameras": ["nobody"]}, "camera_not_found"),
        ({"cameras": [CAMERA, CAMERA]}, "invalid_export"),
        ({"cameras": [CAMERA], "case": "a\nb"}, "invalid_export"),
        ({"cameras": [CAMERA], "end": "2026-01-01T00:00:00Z"}, "empty_range"),
        ({"cameras": [CAMERA], "start": "2026-11-01T00:00:00"}, "naive_time"),
        ({"cameras": [CAMERA], "end": "2027-11-01T00:00:00Z"}, "range_too_long"),
        ({"request": "000000000000"}, "request_not_found"),
        ({"request": "000000000000", "case": "x"}, "invalid_export"),
    ],
)
async def test_what_cannot_be(client: Client, office: Office, body: dict[str, Any], code: str) -> None:
    if body and "request" not in body:
        body = office.range | body
    answer = await client.post("/api/exports", json=body, headers=office.headers())
    assert answer.json()["code"] == code
    with office.studio.database.read() as conn:
        assert exports.list_all(conn) == []


async def test_of_an_approved_request_and_only_of_one(office: Office) -> None:
    def ask(state: RequestState | None) -> str:
        with office.studio.database.write() as conn:
            open_ones = cases.list_all(conn)
            case = open_ones[0] if open_ones else cases.open_case(
                conn, number="LP/9", legal_basis="KUHAP 39", title="", by=person("budi"), now_us=office.now_us
            )  # fmt: skip
            made = requests.ask(
                conn,
                case.id,
                [CAMERA],
                office.run.start_us,
                office.run.end_us,
                purpose="plate",
                by=person("budi"),
                now_us=office.now_us,
            )
            if state is not None:
                requests.decide(
                    conn, made.id, state, reason="yes", by=person("sri"), now_us=office.now_us, second_person=True
                )
        return made.id

    async with AsyncTestClient(office.app(second_person=True), base_url="http://nvr.test") as client:

        async def post(body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post("/api/exports", json=body, headers=office.headers())
            found = answer.json()
            assert isinstance(found, dict)
            return found

        assert (await post({"cameras": [CAMERA], **office.range}))["code"] == "approval_needed"
        assert (await post({"request": ask(None)}))["code"] == "approval_needed"
        assert (await post({"request": ask(RequestState.REFUSED)}))["code"] == "approval_needed"
        approved = ask(RequestState.APPROVED)
        made = await post({"request": approved})
        assert (made["case"], made["requester"], made["approver"], made["purpose"]) == ("LP/9", "budi", "sri", "plate")
        assert (await post({"request": approved}))["code"] == "invalid_export"
        with office.studio.database.read() as conn:
            linked = requests.find(conn, approved)
            assert linked is not None and linked.export == made["id"]
        office.exporter.work()
        job = (await client.get(f"/api/exports/{made['id']}", headers=office.headers())).json()
        assert job["state"] == "done"
    with office.studio.database.read() as conn:
        done = exports.find(conn, made["id"])
    assert done is not None
    report = verify(office.studio.database.path.parent / "exports" / str(done.folder))
    custody = report.about["custody"]
    assert [step["event"] for step in custody] == ["requested", "approved", "exported"]
    with office.studio.database.read() as conn:
        log = {f"{entry.seq}:{entry.hash}": entry for entry in audit.entries(conn)}
        head = audit.AuditHead.parse(report.about["audit_head"])
        assert audit_check.verify(conn, [head]).faults == ()
    assert [log[step["audit"]].action for step in custody] == ["request_made", "request_approved", "export_made"]
    assert head.seq >= audit.AuditHead.parse(custody[-1]["audit"]).seq
    assert report.about["request"]["holds"]
    # That they asked and approved is in the log; what for, and by which law, remains their word.
    assert report.about["request"]["stated_by"] == dict.fromkeys(("case", "legal_basis", "purpose"), "budi")
