"""Several cameras on one clock, over HTTP: what comes, of whose cameras, how much of it, and what the audit log has."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from storage.catalogue import audit
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode
from tests.playback.tile_messages import Message, messages, playable
from tests.playback.worlds import decoded
from tests.support.grants import bearer_with

Client = AsyncTestClient[Any]
S = 1_000_000


class Place:
    """30 seconds of footage, ten pictures a second, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.db = self.studio.database
        self.run: Recording = self.studio.record(encode("h264", 300, gop=10), START_US, segment_s=4.0)
        self.now_us = self.run.end_us + 10 * S

    def headers(self, name: str, role: Role = Role.INVESTIGATOR, *, seconds: tuple[int, int] | None = None,
                cameras: str = "*") -> dict[str, str]:  # fmt: skip
        footage = {} if seconds is None else {
            "footage": GrantedFootage(
                FootageKind.RANGE, start_us=START_US + seconds[0] * S, end_us=START_US + seconds[1] * S
            )
        }  # fmt: skip
        return bearer_with(self.db, name, role, cameras, at_us=START_US, **footage)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
async def client(place: Place) -> AsyncIterator[Client]:
    app = create_app(ApiSettings(catalogue=str(place.db.path), node="n1"), now_us=lambda: place.now_us)
    async with AsyncTestClient(app, base_url="http://nvr.test") as made:
        yield made


def times(start_s: float, end_s: float) -> dict[str, str]:
    return {"start": format_time(START_US + round(start_s * S)), "end": format_time(START_US + round(end_s * S))}


async def stream(client: Client, headers: dict[str, str], **more: Any) -> list[Message]:
    answer = await client.get("/api/playback/stream", params={"camera": CAMERA, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return list(messages(answer.content))


async def test_a_range_of_frames(client: Client, place: Place) -> None:
    headers = place.headers("ines")
    found = await stream(client, headers, **times(2.5, 5), origin=format_time(START_US))
    numbers = [number for number, _ in decoded(playable(found, 0))]
    assert numbers[0] == 20 and set(range(25, 50)) <= set(numbers)
    # What is not known yet is not there, and no reason to fail.
    assert [one.kind for one in await stream(client, headers, **times(100, 200))] == ["end"]


@pytest.mark.parametrize("path", ["stream", "keyframes", "coverage"])
async def test_a_camera_outside_of_ones_grants_is_one_that_never_was(client: Client, place: Place, path: str) -> None:
    headers = place.headers("sari", cameras="id=other")
    params: dict[str, Any] = {**times(0, 5), "at": format_time(START_US)}
    answers = [
        await client.get(f"/api/playback/{path}", params={**params, "camera": camera}, headers=headers)
        for camera in (CAMERA, "none")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text.replace(CAMERA, "none") == answers[1].text


async def test_of_what_was_granted_in_part_the_part_comes_and_is_said(client: Client, place: Place) -> None:
    headers = place.headers("sari", seconds=(10, 12))
    answer = await client.get("/api/playback/stream", params={"camera": CAMERA, **times(0, 30)}, headers=headers)
    numbers = [number for number, _ in decoded(playable(list(messages(answer.content)), 0))]
    assert min(numbers) == 100 and max(numbers) < 126
    (said,) = json.loads(answer.headers["x-cut"])[CAMERA]["X-Allowed"]
    assert said == times(10, 12)
    moments = [format_time(START_US + s * S) for s in (5, 11, 20)]
    answer = await client.get("/api/playback/keyframes", params={"camera": CAMERA, "at": moments}, headers=headers)
    assert [one.kind for one in messages(answer.content)] == ["gap", "init", "keyframe", "gap"]
    tracks = await client.get(
        "/api/playback/coverage", params={"camera": CAMERA, **times(0, 30), "columns": 30}, headers=headers
    )
    (track,) = tracks.json()["tracks"]
    assert track["granted"] == [times(10, 12)] and track["recorded_s"] == 2.0
    assert list(zip(track["lengths"], track["states"], strict=True)) == [
        (10, "unknown"), (2, "footage"), (18, "unknown")]  # fmt: skip
    outside = await client.get("/api/playback/stream", params={"camera": CAMERA, **times(20, 30)}, headers=headers)
    assert outside.status_code == 403 and outside.json()["code"] == "outside_grant"


async def test_a_look_at_several_cameras_is_one_entry_each(client: Client, place: Place) -> None:
    headers = place.headers("ines")
    for second in range(8):
        await stream(client, headers, **times(second, second + 2))
        await client.get(
            "/api/playback/keyframes",
            params={"camera": CAMERA, "at": format_time(START_US + second * S)},
            headers=headers,
        )
    with place.db.read() as conn:
        entries = [(entry.action, entry.camera) for entry in audit.entries(conn, action="playback")]
    assert entries == [("playback", CAMERA)]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("stream", {}, "missing_parameter"),
        ("stream", {"camera": [f"c{n}" for n in range(17)]}, "invalid_parameter"),
        ("stream", {"camera": CAMERA, "origin": format_time(START_US + S)}, "invalid_parameter"),
        ("keyframes", {"camera": CAMERA}, "missing_parameter"),
        ("keyframes", {"camera": CAMERA, "at": [format_time(START_US)] * 65}, "invalid_parameter"),
        ("coverage", {"camera": CAMERA, "columns": "0"}, "invalid_parameter"),
    ],
)
async def test_what_can_not_be_asked(client: Client, place: Place, path: str, params: Any, code: str) -> None:
    answer = await client.get(f"/api/playback/{path}", params={**times(0, 5), **params}, headers=place.headers("ines"))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_the_times_of_frames(client: Client, place: Place) -> None:
    answer = await client.get(f"/api/cameras/{CAMERA}/frames", params=times(1, 3), headers=place.headers("ines"))
    body = answer.json()
    walls = [frame.wall_us for frame in place.run.frames if START_US + S <= frame.wall_us < START_US + 3 * S]
    assert body["first"] == format_time(walls[0])
    assert body["steps_us"] == [b - a for a, b in itertools.pairwise(walls)]
    keys = await client.get(
        f"/api/cameras/{CAMERA}/frames", params={**times(0, 30), "keyframes": "true"}, headers=place.headers("inka")
    )
    assert len(keys.json()["steps_us"]) == 29
    nothing = await client.get(f"/api/cameras/{CAMERA}/frames", params=times(200, 210), headers=place.headers("iman"))
    assert nothing.json()["first"] is None and nothing.json()["steps_us"] == []
