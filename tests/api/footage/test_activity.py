"""Activity over HTTP: made when it is asked for, of what was granted and is still there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time, parse_time
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.support.grants import bearer_with

Client = AsyncTestClient[Any]
S = 1_000_000


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    # Pictures that carry their numbers: something differs in nearly each keyframe.
    made.record(encode("h264", 300, gop=10), START_US)
    yield made
    made.database.close()


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[Client]:
    app = create_app(ApiSettings(catalogue=str(studio.database.path), node="n1"), now_us=lambda: START_US + 3600 * S)
    async with AsyncTestClient(app) as made:
        made.headers.update(bearer_with(studio.database, "ines", Role.INVESTIGATOR, "*", at_us=START_US))
        yield made


def params(start_s: float, end_s: float, **more: str) -> dict[str, str]:
    return {
        "start": format_time(START_US + round(start_s * S)),
        "end": format_time(START_US + round(end_s * S)),
        **more,
    }


async def whole(client: Client, asked: dict[str, str], headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The answer, once nothing is being made any more."""

    deadline = time.monotonic() + 60
    while True:
        answer = await client.get(f"/api/cameras/{CAMERA}/activity", params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if not body["pending"]:
            return body
        assert time.monotonic() < deadline, body


async def test_every_keyframe_has_its_share_of_the_range_that_was_asked_for(client: Client) -> None:
    body = await whole(client, params(0, 30))
    assert len(body["shares"]) == 30 and body["apart_s"] == 1.0
    assert body["steps_ms"] == [1000] * 29
    assert parse_time("first", body["first"]) == START_US
    assert max(body["shares"]) > 0
    of_region = await whole(client, params(10, 20, region="0,0,0.5,1"))
    assert of_region["apart_s"] == 1.0


async def test_only_what_was_granted(client: Client, studio: Studio) -> None:
    part = GrantedFootage(FootageKind.RANGE, start_us=START_US + 5 * S, end_us=START_US + 9 * S)
    sari = bearer_with(studio.database, "sari", Role.INVESTIGATOR, "*", at_us=START_US, footage=part)
    body = await whole(client, params(0, 30), sari)
    assert len(body["shares"]) == 4 and parse_time("first", body["first"]) == START_US + 5 * S
    outside = await client.get(f"/api/cameras/{CAMERA}/activity", params=params(10, 20), headers=sari)
    assert outside.json()["code"] == "outside_grant"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (params(0, 7201), "range_too_long"),
        *((params(0, 10, region=text), "invalid_parameter") for text in ("", "1", "0,0,1", "a,b,c,d", "0.5,0,0.2,1",
          "0,0,2,1", "nan,0,1,1", "0,0,1,1,1")),
    ],
)  # fmt: skip
async def test_what_can_not_be_asked(client: Client, asked: dict[str, str], code: str) -> None:
    answer = await client.get(f"/api/cameras/{CAMERA}/activity", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
