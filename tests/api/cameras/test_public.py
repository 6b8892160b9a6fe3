"""What citizens see: only public cameras, only where it is switched on, always a named status, and no picture while the
view is cut."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.cameras.public_words import public_state, public_text
from nvr.api.http.times import format_time
from nvr.cameras import citizen_reports, public_view
from nvr.cameras.citizen_reports import FaultKind
from nvr.orders import register
from nvr.orders.model import DirectiveKind, Draft
from storage.causes import Cause
from tests.api.catalogue import NOW, T0, S, World, add_camera
from tests.support.people import person

Client = AsyncTestClient[Litestar]


@pytest.fixture
def public(app: Litestar, world: World) -> World:
    """Gate shows its picture, yard its status, hall nothing."""
    services = app.state.services
    services.settings = msgspec.structs.replace(services.settings, public=True)
    with world.db.write() as conn:
        conn.execute("""UPDATE camera SET labels = '{"public": "yes", "district": "north"}' WHERE id = 'gate'""")
        conn.execute("""UPDATE camera SET labels = '{"public": "status"}' WHERE id = 'yard'""")
    return world


async def seen(client: Client, world: World) -> dict[str, Any]:
    """The public cameras, after what was kept is old."""
    world.now_us += 6 * S
    answer = await client.get("/api/public/cameras")
    assert answer.status_code == 200
    return {camera["id"]: camera for camera in answer.json()["cameras"]}


async def test_nothing_is_public_before_it_is_switched_on(client: Client, world: World) -> None:
    for path in ("", "/gate", "/gate/picture.jpg"):
        answer = await client.get(f"/api/public/cameras{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "public_off")


async def test_only_what_is_labelled_and_no_more_than_citizens_may_know(client: Client, public: World) -> None:
    found = await seen(client, public)
    assert set(found) == {"gate", "yard"}
    gate, yard = found["gate"], found["yard"]
    assert gate["state"] == "recording" and gate["text"]["id"] == "Kamera bekerja."
    assert gate["picture"] == "/api/public/cameras/gate/picture.jpg" and gate["picture_time"] == format_time(NOW - S)
    assert (yard["state"], yard["since"], yard["picture"]) == ("network", format_time(T0), None)
    answer = await client.get("/api/public/cameras/hall")
    assert answer.json()["code"] == "public_off", "that there is such a camera is not told"
    everything = (await client.get("/api/public/cameras")).text
    for secret in ("no route", "192.0.2", "s3cret", "timeout"):
        assert secret not in everything


async def test_answers_may_be_kept_by_any_cache_and_cost_one_question(client: Client, public: World) -> None:
    first = await client.get("/api/public/cameras")
    assert first.headers["cache-control"].startswith("public, max-age=5")
    again = await client.get("/api/public/cameras", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    add_camera(public, "new", public="yes")
    assert (await client.get("/api/public/cameras")).json() == first.json(), "made once in five seconds"
    assert "new" in await seen(client, public)


async def test_an_order_is_named_with_its_letter(client: Client, public: World) -> None:
    draft = Draft(
        kind=DirectiveKind.ORDER, reason="internal words", letter="500.12/1", letter_date="2026-10-06",
        approver="Kepala", start_us=NOW, expected_end_us=NOW + 3600 * S,
    )  # fmt: skip
    with public.db.write() as conn:
        made = register.add(conn, draft, ["gate"], node_id="n1", by=person("x"), now_us=NOW)
    gate = (await seen(client, public))["gate"]
    assert (gate["state"], gate["since"]) == ("disabled", format_time(NOW))
    assert gate["order"] == {
        "letter": "500.12/1", "letter_date": "2026-10-06", "expected_end": format_time(NOW + 3600 * S),
    }  # fmt: skip
    assert "500.12/1" in gate["text"]["id"] and "500.12/1" in gate["text"]["en"]
    assert "internal words" not in str(gate) and "Kepala" not in str(gate)
    assert gate["picture"] is not None, "the last picture, with its time, stays"
    with public.db.write() as conn:
        register.revoke(conn, made.id, reason="x", by=person("x"), now_us=public.now_us)
    assert (await seen(client, public))["gate"]["state"] != "disabled"


async def test_a_view_is_cut_at_once_while_recording_goes_on(client: Client, public: World) -> None:
    assert (await seen(client, public))["gate"]["picture"]
    viewer, investigator = public.bearer("viewer"), public.bearer("investigator")
    path = "/api/cameras/gate/public-cut"
    assert (await client.post(path, json={"reason": "x"}, headers=viewer)).status_code == 403
    cut = await client.post(path, json={"reason": "jendela rumah"}, headers=investigator)
    assert cut.status_code == 201
    answer = await client.get("/api/public/cameras/gate")
    body = answer.json()
    assert (body["state"], body["picture"], body["picture_time"]) == ("privacy", None, None)
    assert "jendela" not in answer.text
    assert (await client.get(body["id"].join(["/api/public/cameras/", "/picture.jpg"]))).status_code == 404
    assert (await client.get("/api/cameras/gate", headers=viewer)).json()["status"]["state"] == "recording"
    (listed,) = (await client.get("/api/public-cuts", headers=viewer)).json()["cuts"]
    assert (listed["camera"], listed["reason"]) == ("gate", "jendela rumah")
    assert (await client.post(path, json={"reason": "x"}, headers=investigator)).json()["code"] == "invalid_cut"
    admin = public.bearer("admin")
    assert (await client.post(f"{path}/end", json={"reason": "selesai"}, headers=admin)).status_code == 204
    assert (await client.get("/api/public/cameras/gate")).json()["state"] == "recording"
    assert (await client.post(f"{path}/end", json={"reason": "x"}, headers=admin)).json()["code"] == "invalid_cut"


async def test_whoever_is_silent_has_a_status_too(client: Client, public: World) -> None:
    public.now_us += 60 * S
    found = await seen(client, public)
    assert found["gate"]["state"] == "server" and found["gate"]["text"]["id"]


async def test_no_picture_is_a_problem_and_not_a_page(client: Client, public: World) -> None:
    # The footage of this catalogue's camera is no video.
    answer = await client.get("/api/public/cameras/gate/picture.jpg")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_footage")
    assert (await client.get("/public")).status_code in (200, 404)


def test_every_cause_has_words_in_both_languages() -> None:
    for cause in [*Cause, None]:
        for state in ("waiting", "off"):
            text = public_text(public_state(state, cause), {"letter": "1"})
            assert set(text) == {"id", "en"} and all(text.values())
    assert public_state("recording", None) == "recording"


def test_labels() -> None:
    assert public_view.is_public({"public": "Yes"}) and public_view.shows_picture({"public": "yes"})
    assert public_view.is_public({"public": "status"}) and not public_view.shows_picture({"public": "status"})
    assert not public_view.is_public({"public": "no"}) and not public_view.is_public({})
    assert public_view.shows_live({"public": "live"}) and public_view.shows_picture({"public": "LIVE"})
    assert public_view.is_public({"public": "live"}) and not public_view.shows_live({"public": "yes"})


async def test_what_has_to_go_off_the_screen_is_said_each_second(client: Client, public: World) -> None:
    """Whatever the list said a moment ago, and still says from a cache."""
    answer = await client.get("/api/public/hidden")
    assert answer.json()["hidden"] == []
    assert answer.headers["cache-control"] == "public, max-age=1, must-revalidate"
    path = "/api/cameras/gate/public-cut"
    assert (await client.post(path, json={"reason": "x"}, headers=public.bearer("investigator"))).status_code == 201
    assert (await client.get("/api/public/hidden")).json()["hidden"] == ["gate"]
    again = await client.get("/api/public/hidden", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 200


async def test_only_named_pages_may_show_it_within_theirs(app: Litestar, client: Client, public: World) -> None:
    def frames(answer: Any) -> str:
        return str(re.search(r"frame-ancestors ([^;]*)", answer.headers["content-security-policy"])[1])  # type: ignore[index]

    assert frames(await client.get("/embed")) == "'none'"
    services = app.state.services
    services.settings = msgspec.structs.replace(services.settings, public_embed=["https://city.example"])
    assert frames(await client.get("/embed")) == "https://city.example"
    for path in ("/", "/public"):
        assert frames(await client.get(path)) == "'none'"


async def test_live_is_for_cameras_whose_label_says_so_and_that_send_no_sound(client: Client, public: World) -> None:
    def labelled(value: str, **settings: Any) -> None:
        with public.db.write() as conn:
            conn.execute("UPDATE camera SET labels = ? WHERE id = 'gate'", (json.dumps({"public": value}),))
            row = conn.execute("SELECT settings FROM camera WHERE id = 'gate'").fetchone()
            conn.execute(
                "UPDATE camera SET settings = ? WHERE id = 'gate'", (json.dumps(json.loads(row[0]) | settings),)
            )
            # Its recorder goes on.
            conn.execute("UPDATE status SET updated_us = ?", (public.now_us,))

    path = "/api/public/cameras/gate/live.m3u8"
    assert (await seen(client, public))["gate"]["live"] is None
    assert (await client.get(path)).json()["code"] == "not_live"
    labelled("live")
    assert (await seen(client, public))["gate"]["live"] == path
    labelled("live", audio=True)
    assert (await seen(client, public))["gate"]["live"] is None
    labelled("live", audio=True, live_url="rtsp://192.0.2.7/small")
    found = (await seen(client, public))["gate"]
    assert found["live"] == path and "192.0.2.7" not in str(found)
    cut = await client.post("/api/cameras/gate/public-cut", json={"reason": "x"}, headers=public.bearer("investigator"))
    assert cut.status_code == 201
    for name in (path, "/api/public/cameras/gate/live/1-1.m4s"):
        assert (await client.get(name)).json()["code"] == "not_live", "at once"


async def test_what_citizens_report_stands_beside_the_camera_s_history(client: Client, public: World) -> None:
    path, day = "/api/public/cameras/gate/report", {"start": format_time(NOW - S), "end": format_time(NOW + 9000 * S)}
    for note in ("", "pohon menutupi kamera", "sejak kemarin"):
        answer = await client.post(path, json={"kind": "blocked", "note": note})
        assert answer.status_code == 204, answer.text
        public.now_us += 60 * S
    public.now_us += 3600 * S
    await client.post(path, json={"kind": "blocked"})
    await client.post(path, json={"kind": "dark"})
    viewer = public.bearer("viewer")
    listed = (await client.get("/api/cameras/gate/citizen-reports", params=day, headers=viewer)).json()["reports"]
    assert [(one["kind"], one["count"], one["note"]) for one in listed] == [
        ("blocked", 3, "pohon menutupi kamera"), ("blocked", 1, ""), ("dark", 1, ""),
    ]  # fmt: skip
    assert (await client.get("/api/cameras/gate/citizen-reports", params=day)).status_code == 401
    for camera, body, code in (
        ("hall", {"kind": "dark"}, "public_off"),
        ("gate", {"kind": "theft"}, "invalid_request"),
        ("gate", {"kind": "dark", "note": "x" * 301}, "invalid_request"),
        ("gate", {"kind": "dark", "note": "\u202egnirts"}, "invalid_request"),
    ):
        answer = await client.post(f"/api/public/cameras/{camera}/report", json=body)
        assert answer.json()["code"] == code, answer.text


async def test_who_reports_too_often_waits(client: Client, public: World) -> None:
    path = "/api/public/cameras/gate/report"
    answers = [(await client.post(path, json={"kind": "other"})) for _ in range(14)]
    assert [answer.status_code for answer in answers] == [204] * 12 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 3000


def test_the_table_of_reports_has_a_bound(public: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(citizen_reports, "MOST_OF_CAMERA", 20)
    monkeypatch.setattr(citizen_reports, "MOST", 30)
    with public.db.write() as conn:
        for number in range(300):
            for camera in ("gate", "yard"):
                citizen_reports.report(conn, camera, FaultKind.OTHER, str(number), now_us=NOW + number * 3601 * S)
    with public.db.read() as conn:
        kept = {camera: citizen_reports.between(conn, camera, 0, NOW * 2) for camera in ("gate", "yard")}
    assert sum(map(len, kept.values())) == 30 and all(found[-1].note == "299" for found in kept.values())
