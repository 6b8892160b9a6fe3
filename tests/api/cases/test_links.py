"""Who may have an export, and links by which others fetch one, over HTTP: real packages, a real catalogue, a clock that
can be set."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.accounts.rows import Role
from nvr.api.http.services import Services
from nvr.cases import exports, links
from nvr.evidence.verify import verify
from nvr.log import PerMinute
from storage.catalogue import audit
from storage.integrity import audit_log as audit_check
from tests.api.office import Office
from tests.playback.footage import CAMERA
from tests.support.people import create_token

Client = AsyncTestClient[Any]
S = 1_000_000
RECIPIENT = "Bripka Sari, Polrestabes Semarang"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.studio.database.close()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[Client]:
    async with AsyncTestClient(office.app(), base_url="http://nvr.test") as made:
        yield made


def another(office: Office, name: str = "another") -> dict[str, str]:
    token = create_token(office.studio.database, name, Role.INVESTIGATOR, at_us=office.now_us)
    return {"Authorization": f"Bearer {token}"}


async def exported(client: Client, office: Office) -> dict[str, Any]:
    """An export that is done, made by the office's investigator."""
    answer = await client.post("/api/exports", json={"cameras": [CAMERA], **office.range}, headers=office.headers())
    assert office.exporter.work()
    found = (await client.get(f"/api/exports/{answer.json()['id']}", headers=office.headers())).json()
    assert found["state"] == "done"
    assert isinstance(found, dict)
    return found


async def linked(client: Client, office: Office, export: str, **more: Any) -> dict[str, Any]:
    body = {"recipient": RECIPIENT, "expires_s": 7200, **more}
    answer = await client.post(f"/api/exports/{export}/links", json=body, headers=office.headers())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert isinstance(made, dict)
    return made


def text_of(link: dict[str, Any]) -> str:
    assert link["path"].startswith("/#/link/")
    return str(link["path"].removeprefix("/#/link/"))


def log(office: Office, *actions: str) -> list[tuple[str, str, dict[str, Any]]]:
    with office.studio.database.read() as conn:
        assert audit_check.verify(conn).faults == ()
        found = reversed(list(audit.entries(conn)))
        return [(e.actor, e.action, json.loads(e.detail)) for e in found if e.action in actions]


async def test_an_export_is_for_who_made_it_and_administrators(client: Client, office: Office) -> None:
    done = await exported(client, office)
    assert (await client.get(done["download"], headers=office.headers())).status_code == 200
    assert (await client.get(done["download"], headers=office.headers(Role.ADMIN))).status_code == 200
    other = another(office)
    refused = await client.get(done["download"], headers=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_export")
    body = {"recipient": "me", "expires_s": 3600}
    refused = await client.post(f"/api/exports/{done['id']}/links", json=body, headers=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_export")
    await linked(client, office, done["id"])
    (seen,) = (await client.get("/api/exports", headers=other)).json()["exports"]
    assert (seen["id"], seen["download"], seen["may_download"], seen["links"]) == (done["id"], None, False, [])
    told = log(office, "export_downloaded", "refused")
    assert [(actor, action) for actor, action, _ in told] == [
        ("token a investigator", "export_downloaded"),
        ("token a admin", "export_downloaded"),
        ("token another", "refused"),
    ]


async def test_an_export_of_a_request_is_for_who_asked_whoever_approved(client: Client, office: Office) -> None:
    asks, approves = another(office, "asks"), office.headers()
    case = {"number": "LP/9", "legal_basis": "KUHAP 39"}
    id_ = (await client.post("/api/cases", json=case, headers=asks)).json()["id"]
    wanted = {"cameras": [CAMERA], "purpose": "plate", **office.range}
    made = (await client.post(f"/api/cases/{id_}/requests", json=wanted, headers=asks)).json()
    approved = (await client.post(f"/api/requests/{made['id']}/approve", json={}, headers=approves)).json()
    assert office.exporter.work()
    path = f"/api/exports/{approved['export']}/download"
    assert (await client.get(path, headers=approves)).json()["code"] == "not_your_export"
    assert (await client.get(path, headers=asks)).status_code == 200
    assert (await client.get(path, headers=office.headers(Role.ADMIN))).status_code == 200


async def test_a_recipient_opens_and_downloads(client: Client, office: Office, tmp_path: Path) -> None:
    done = await exported(client, office)
    link = await linked(client, office, done["id"])
    secret = text_of(link).partition(".")[2]
    kept = b"".join(path.read_bytes() for path in office.studio.database.path.parent.glob("*.sqlite*"))
    assert len(secret) >= 43 and secret.encode() not in kept
    opened = await client.post("/api/links/open", json={"link": text_of(link)})
    assert opened.status_code == 200, opened.text
    cookie = opened.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", f"Path=/api/links/{link['id']};")), cookie
    assert 0 < int(cookie.partition("Max-Age=")[2].partition(";")[0]) <= 3600
    told = opened.json()
    assert (told["recipient"], told["bytes"], [c["id"] for c in told["cameras"]]) == (
        RECIPIENT,
        done["bytes"],
        [CAMERA],
    )
    assert (told["start"], told["end"], told["until"]) == (done["start"], done["end"], link["until"])
    whole = await client.get(told["download"])
    assert whole.status_code == 200 and f'filename="{told["name"]}"' in whole.headers["content-disposition"]
    path = tmp_path / "fetched.zip"
    path.write_bytes(whole.content)
    assert verify(path).outcome == "valid"
    half = len(whole.content) // 2
    part = await client.get(told["download"], headers={"Range": f"bytes={half}-", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[half:])
    (seen,) = (await client.get(f"/api/exports/{done['id']}", headers=office.headers())).json()["links"]
    assert (seen["openings"], seen["downloads"], seen["state"], "path" in seen) == (1, 1, "valid", False)
    actor = f"recipient {RECIPIENT}"
    story = log(office, "link_made", "link_opened", "export_downloaded")
    assert [(who, what) for who, what, _ in story] == [
        ("token a investigator", "link_made"),
        (actor, "link_opened"),
        (actor, "export_downloaded"),
    ]
    assert all(detail["recipient"] == RECIPIENT and detail["link"] == link["id"] for _, _, detail in story)


async def test_what_opens_nothing_is_answered_alike(client: Client, office: Office) -> None:
    done = await exported(client, office)
    good, over, revoked = [await linked(client, office, done["id"], expires_s=3600 + i) for i in range(3)]
    with office.studio.database.write() as conn:
        conn.execute("UPDATE export_link SET until_us = made_us + 1 WHERE id = ?", (over["id"],))
    office.now_us += S
    path = f"/api/exports/{done['id']}/links/{revoked['id']}/revoke"
    assert (await client.post(path, headers=another(office))).status_code == 403
    assert (await client.post(path, headers=office.headers())).json()["state"] == "revoked"
    wrong = [
        text_of(over),
        text_of(revoked),
        f"{good['id']}.{'x' * 43}",
        f"{good['id']}.",
        good["id"],
        "",
        "0123456789ab." + "x" * 43,
        "é." + "y" * 10_000,
    ]
    answers = [await client.post("/api/links/open", json={"link": text}) for text in wrong]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert answers[0].json()["code"] == "link_not_valid"
    assert not any("set-cookie" in answer.headers for answer in answers)
    told = log(office, "link_refused", "link_opened")
    assert [(actor, action) for actor, action, _ in told] == [("nobody", "link_refused")] * len(wrong)
    assert [detail.get("link") for _, _, detail in told] == [
        over["id"], revoked["id"], good["id"], good["id"], good["id"], None, None, None
    ]  # fmt: skip
    # Only the cookie opens the download, and only that of its own link.
    other = await linked(client, office, done["id"])
    assert (await client.post("/api/links/open", json={"link": text_of(good)})).status_code == 200
    cookie = client.cookies.get("nvr_link", path=f"/api/links/{good['id']}")
    for id_, value in ((other["id"], cookie), (good["id"], "x"), (good["id"], None), ("nothing", cookie)):
        client.cookies.clear()
        headers = {} if value is None else {"Cookie": f"nvr_link={value}"}
        answer = await client.get(f"/api/links/{id_}/download", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "link_not_valid")


async def test_what_was_opened_ends_with_its_hour_its_link_and_its_export(client: Client, office: Office) -> None:
    done = await exported(client, office)
    link = await linked(client, office, done["id"], expires_s=86_400)

    async def opened() -> str:
        return str((await client.post("/api/links/open", json={"link": text_of(link)})).json()["download"])

    path = await opened()
    assert (await client.get(path)).status_code == 200
    office.now_us += links.OPENING_US
    assert (await client.get(path)).json()["code"] == "link_not_valid"
    path = await opened()
    assert (await client.get(path)).status_code == 200
    with office.studio.database.write() as conn:
        exports.expire(conn, done["id"])
    assert (await client.get(path)).json()["code"] == "link_not_valid"
    assert (await client.post("/api/links/open", json={"link": text_of(link)})).json()["code"] == "link_not_valid"
    with office.studio.database.read() as conn:
        (ended,) = links.list_all(conn, office.now_us, done["id"])[done["id"]]
    assert ended.state is links.LinkState.ENDED


async def test_a_revoked_link_ends_what_was_opened_with_it(client: Client, office: Office) -> None:
    done = await exported(client, office)
    link = await linked(client, office, done["id"])
    path = (await client.post("/api/links/open", json={"link": text_of(link)})).json()["download"]
    revoke = f"/api/exports/{done['id']}/links/{link['id']}/revoke"
    assert (await client.post(revoke, headers=office.headers(Role.ADMIN))).status_code == 200
    assert (await client.get(path)).json()["code"] == "link_not_valid"
    again = await client.post(revoke, headers=office.headers())
    assert (again.status_code, again.json()["revoked_by"]) == (200, "token a admin")
    assert len(log(office, "link_revoked")) == 1


@pytest.mark.parametrize("of_user", [True, False])
async def test_a_link_ends_with_who_made_it(client: Client, office: Office, of_user: bool) -> None:
    """Who leaves takes no way in along: a user by their token, or a token of nobody's."""
    db = office.studio.database
    user = accounts.create_user(db, "ines", "ines-ines-ines", Role.INVESTIGATOR, at_us=office.now_us)
    token, text = accounts.issue_token(db, "t", Role.INVESTIGATOR, user=user.id if of_user else None)
    maker = {"Authorization": f"Bearer {text}"}
    answer = await client.post("/api/exports", json={"cameras": [CAMERA], **office.range}, headers=maker)
    assert office.exporter.work()
    export = answer.json()["id"]
    body = {"recipient": RECIPIENT, "expires_s": 7200}
    link = (await client.post(f"/api/exports/{export}/links", json=body, headers=maker)).json()
    path = (await client.post("/api/links/open", json={"link": text_of(link)})).json()["download"]
    assert (await client.get(path)).status_code == 200
    if of_user:
        accounts.remove_user(db, "ines")
        # Whoever is called so now is somebody else.
        accounts.create_user(db, "ines", "ines-ines-ines", Role.INVESTIGATOR, at_us=office.now_us)
    else:
        accounts.remove_token(db, token.id)
    assert (await client.get(path)).json()["code"] == "link_not_valid"
    assert (await client.post("/api/links/open", json={"link": text_of(link)})).json()["code"] == "link_not_valid"
    (seen,) = (await client.get(f"/api/exports/{export}", headers=office.headers(Role.ADMIN))).json()["links"]
    assert seen["state"] == "ended"


async def test_a_recipient_fills_no_table(client: Client, office: Office) -> None:
    done = await exported(client, office)
    link, other = [await linked(client, office, done["id"], expires_s=86_400) for _ in range(2)]
    for number in range(300):
        answer = await client.post("/api/links/open", json={"link": text_of(link)})
        assert answer.status_code == (200 if number < 30 else 429), answer.text
    assert answer.headers["retry-after"] == "60"
    assert (await client.post("/api/links/open", json={"link": text_of(other)})).status_code == 200
    assert len(log(office, "link_opened")) == 31
    office.now_us += 61 * S
    assert (await client.post("/api/links/open", json={"link": text_of(link)})).status_code == 200
    office.now_us += 2 * links.OPENING_US
    assert (await client.post("/api/links/open", json={"link": text_of(other)})).status_code == 200
    with office.studio.database.read() as conn:
        assert conn.execute("SELECT count(*) FROM link_opening").fetchone()[0] == 1


async def test_guessing_gets_slower_and_does_not_stop_logins(client: Client, office: Office) -> None:
    for _ in range(5):
        answer = await client.post("/api/links/open", json={"link": "0123456789ab.guess"})
        assert answer.status_code == 404
    answer = await client.post("/api/links/open", json={"link": "0123456789ab.guess"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) >= 1
    login = await client.post("/api/login", json={"username": "nobody", "password": "x"})
    assert login.json()["code"] == "bad_credentials"


async def test_who_guesses_does_not_take_the_lock_that_recording_waits_for(client: Client, office: Office) -> None:
    services: Services = client.app.state.services
    services.links_refused_entered = PerMinute(1)
    for number in range(3):
        answer = await client.post("/api/links/open", json={"link": f"0123456789a{number}.guess"})
        assert answer.json()["code"] == "link_not_valid"
        if number == 0:
            before = sum(held.count for held in services.db.holdings.values())
    assert sum(held.count for held in services.db.holdings.values()) == before > 0
    assert len(log(office, "link_refused")) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"recipient": RECIPIENT}, "invalid_link"),
        ({"recipient": RECIPIENT, "expires_s": 3600, "until": "2026-12-01T00:00:00Z"}, "invalid_link"),
        ({"recipient": " ", "expires_s": 3600}, "invalid_link"),
        ({"recipient": "x" * 201, "expires_s": 3600}, "invalid_link"),
        ({"recipient": "a\x00b", "expires_s": 3600}, "invalid_request"),
        ({"recipient": RECIPIENT, "expires_s": -(10**30)}, "invalid_request"),
        ({"recipient": RECIPIENT, "expires_s": -5}, "invalid_link"),
        ({"recipient": RECIPIENT, "expires_s": 10**12}, "invalid_link"),
        ({"recipient": RECIPIENT, "until": "2026-12-01T00:00:00"}, "naive_time"),
        ({"recipient": RECIPIENT, "until": "2020-01-01T00:00:00Z"}, "invalid_link"),
        ({"expires_s": 3600}, "invalid_request"),
    ],
)
async def test_a_link_that_cannot_be(client: Client, office: Office, body: dict[str, Any], code: str) -> None:
    answer = await client.post("/api/exports", json={"cameras": [CAMERA], **office.range}, headers=office.headers())
    with office.studio.database.write() as conn:
        # What a link can be does not depend on the package's files.
        conn.execute("UPDATE export SET state = 'done', folder = 'x' WHERE id = ?", (answer.json()["id"],))
    answer = await client.post(f"/api/exports/{answer.json()['id']}/links", json=body, headers=office.headers())
    assert answer.json()["code"] == code, answer.text


async def test_no_link_before_it_is_done(client: Client, office: Office) -> None:
    made = await client.post("/api/exports", json={"cameras": [CAMERA], **office.range}, headers=office.headers())
    body = {"recipient": RECIPIENT, "expires_s": 3600}
    answer = await client.post(f"/api/exports/{made.json()['id']}/links", json=body, headers=office.headers())
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")
    answer = await client.post("/api/exports/nothing/links", json=body, headers=office.headers())
    assert answer.json()["code"] == "export_not_found"


async def test_a_recipient_looks_at_the_videos(client: Client, office: Office) -> None:
    """The bytes of the package, from any byte on, only for the browser that has opened the link."""
    done = await exported(client, office)
    link = await linked(client, office, done["id"])
    told = (await client.post("/api/links/open", json={"link": text_of(link)})).json()
    assert told["videos"] and told["signer"] == "Test" and len(told["certificate_sha256"]) == 64
    folder = office.studio.database.path.parent / "exports"
    for video in told["videos"]:
        (path,) = folder.glob(f"*/{video['name']}")
        whole = await client.get(video["address"])
        assert (whole.status_code, whole.content) == (200, path.read_bytes())
        part = await client.get(video["address"], headers={"Range": "bytes=100-299"})
        assert (part.status_code, part.content) == (206, path.read_bytes()[100:300])
        assert part.headers["content-type"] == "video/mp4"
    (seen,) = log(office, "export_watched")
    assert seen[0] == f"recipient {RECIPIENT}" and seen[2]["export"] == done["id"]
    start = told["videos"][0]["address"].rpartition("/")[0]
    for name in ("manifest.json", "none.mp4", "..%2f..%2fx.mp4"):
        assert (await client.get(f"{start}/{name}")).status_code == 404
    client.cookies.clear()
    assert (await client.get(told["videos"][0]["address"])).status_code == 404
