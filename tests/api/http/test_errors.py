"""What an error repeats of a request does nothing to whoever reads it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.http.errors import ApiError, refusal
from storage.sentences import Sentence, quoted
from tests.api.catalogue import World

Client = AsyncTestClient[Litestar]


@pytest.mark.parametrize("wrong", ["\x1b[2J", "\x7f", "\u202e", "\u2066", "\x9b"])
async def test_paths_and_names_of_fields_are_escaped(client: Client, world: World, wrong: str) -> None:
    headers = world.bearer("admin")
    answers = [
        await client.get(f"/api/cameras/{quote(wrong)}", headers=headers),
        await client.post("/api/cameras", json={wrong: 1}, headers=headers),
    ]
    for answer in answers:
        problem = answer.json()
        assert 400 <= answer.status_code < 500
        assert wrong not in json.dumps(problem, ensure_ascii=False)
    assert problem["errors"][0]["message"].endswith("is no field of it")


@pytest.mark.parametrize(
    ("language", "title", "detail", "message"),
    [
        (None, "There is no camera with this id.", "there is no camera 'nowhere'", "must be `int`, not `str`"),
        ("id-ID,en;q=0.5", "Tidak ada kamera dengan id ini.", "tidak ada kamera 'nowhere'", "harus `int`, bukan `str`"),
        ("fr", "There is no camera with this id.", "there is no camera 'nowhere'", "must be `int`, not `str`"),
    ],
)
async def test_an_error_speaks_the_language_that_is_asked_for(
    client: Client, world: World, language: str | None, title: str, detail: str, message: str
) -> None:
    headers = world.bearer("admin") | ({} if language is None else {"Accept-Language": language})
    answer = await client.get("/api/cameras/nowhere", headers=headers)
    problem = answer.json()
    assert (problem["code"], problem["title"], problem["detail"]) == ("camera_not_found", title, detail)
    assert problem["parameters"] == {"camera": "nowhere"}
    assert answer.headers["content-language"] == ("id" if language and "id" in language else "en")
    # What the framework finds in a body is said in it too, and what a rule of the configuration says.
    body = {"id": "gate", "url": "rtsp://cam/x", "priority": "high"}
    wrong = (await client.post("/api/cameras", json=body, headers=headers)).json()
    assert wrong["errors"][0]["message"] == message.replace("`", "")
    unfit = (await client.post("/api/cameras", json={"id": "Gate 1", "url": "rtsp://cam/x"}, headers=headers)).json()
    begins = "bukan id kamera; pakailah" if language and "id" in language else "is not a camera id; use"
    assert [one["field"] for one in unfit["errors"]] == ["id"]
    assert unfit["errors"][0]["message"].startswith(begins)


def test_no_error_repeats_the_login_of_a_camera() -> None:
    """Whatever words it is made of: what is wrong with a setting may be said by somebody else's code."""
    url = "rtsp://tc:hunter2@10.0.0.1/1"
    mistakes = [{"field": quoted("url"), "message": Sentence("{what} can't be read", what=url)}]
    error = ApiError("invalid_camera", Sentence("{what} can't be read", what=url), extra={"errors": mistakes})
    answer = refusal(error, {"headers": [], "path": "/api/cameras"})
    assert b"hunter2" not in answer.content and answer.content.count(b"10.0.0.1") == 3
