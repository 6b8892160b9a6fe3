"""What citizens see: only public cameras, only where it is switched on, always a named status, and no picture while the
view is cut."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.cameras.public_words import public_state, public_text
from nvr.api.http.times import format_time
from nvr.cameras import public_view
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
