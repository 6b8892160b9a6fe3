"""Sealed exports over HTTP: asked for, made by the exporter, fetched whole and in parts, verified; and who may."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.api import ApiSettings, create_app
from nvr.evidence.jobs import Exporter, ExportSettings
from nvr.evidence.signing import read_certificate
from nvr.evidence.times import iso
from nvr.evidence.verify import verify
from storage import audit, cases, exports
from storage.accounts import Role
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode

Client = AsyncTestClient[Any]


class Office:
    """Real footage, the application over it, and the exporter."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.run = self.studio.record(encode("h264", 60, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
        self.range = {"start": iso(self.run.start_us), "end": iso(self.run.end_us)}
        self.now_us = self.run.end_us + 10**6
        db = self.studio.database
        self.tokens = {role: accounts.create_token(db, f"a {role}", role, at_us=START_US) for role in Role}
        path = str(db.path)
        self.exporter = Exporter(
            ExportSettings(
                catalogue=path, keys=str(folder / "keys"), exports=str(folder / "exports"), name="Test", node="n1",
                zone="Asia/Jakarta", version="0", budget_bytes=10**9, keep_us=10**9, rate_bytes_per_s=10**9,
            ),
            threading.Event(),
        )  # fmt: skip

    def app(self, *, second_person: bool = False) -> Any:
        settings = ApiSettings(catalogue=str(self.studio.database.path), node="n1", second_person=second_person)
        return create_app(settings, now_us=lambda: self.now_us)

    def headers(self, role: Role = Role.INVESTIGATOR) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


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
    made = await make(client, office, case="LP/7/2026", requester="Budi")
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
        assert exports.every(conn) == []


async def test_of_an_approved_request_and_only_of_one(office: Office) -> None:
    def ask(state: cases.State | None) -> str:
        with office.studio.database.write() as conn:
            open_ones = cases.every(conn)
            case = open_ones[0] if open_ones else cases.open_case(
                conn, number="LP/9", legal_basis="KUHAP 39", title="", by="budi", now_us=office.now_us
            )  # fmt: skip
            made = cases.request(
                conn,
                case.id,
                [CAMERA],
                office.run.start_us,
                office.run.end_us,
                purpose="plate",
                by="budi",
                now_us=office.now_us,
            )
            if state is not None:
                cases.decide(conn, made.id, state, reason="yes", by="sri", now_us=office.now_us, second_person=True)
        return made.id

    async with AsyncTestClient(office.app(second_person=True), base_url="http://nvr.test") as client:

        async def post(body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post("/api/exports", json=body, headers=office.headers())
            found = answer.json()
            assert isinstance(found, dict)
            return found

        assert (await post({"cameras": [CAMERA], **office.range}))["code"] == "approval_needed"
        assert (await post({"request": ask(None)}))["code"] == "approval_needed"
        assert (await post({"request": ask(cases.State.REFUSED)}))["code"] == "approval_needed"
        approved = ask(cases.State.APPROVED)
        made = await post({"request": approved})
        assert (made["case"], made["requester"], made["approver"], made["purpose"]) == ("LP/9", "budi", "sri", "plate")
        assert (await post({"request": approved}))["code"] == "invalid_export"
        with office.studio.database.read() as conn:
            linked = cases.request_of_export(conn, made["id"])
            assert linked is not None and linked.id == approved
        office.exporter.work()
        job = (await client.get(f"/api/exports/{made['id']}", headers=office.headers())).json()
        assert job["state"] == "done"
    with office.studio.database.read() as conn:
        done = exports.find(conn, made["id"])
    assert done is not None
    report = verify(office.studio.database.path.parent / "exports" / str(done.folder))
    assert [step["event"] for step in report.about["custody"]] == ["requested", "approved", "exported"]
    assert report.about["request"]["holds"]
