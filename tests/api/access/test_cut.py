"""Footage that was granted in part, or is closed for privacy: exactly that part is answered, and it is said to be a
part; over HTTP, with real footage."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import pytest
from litestar.testing import AsyncTestClient

from nvr.access.closures import close_footage
from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time
from storage.catalogue.actors import SERVER_ACTOR
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode, number_of
from tests.support.grants import bearer_with, give

Client = AsyncTestClient[Any]
S = 1_000_000
BASE = f"/api/cameras/{CAMERA}"


class Place:
    """30 seconds of footage, a picture in ten, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.db = self.studio.database
        self.run: Recording = self.studio.record(encode("h264", 300), START_US, segment_s=4.0)
        self.now_us = self.run.end_us + 10 * S

    def headers(self, name: str, start_s: int, end_s: int, role: Role = Role.INVESTIGATOR) -> dict[str, str]:
        """Of somebody to whom these seconds were granted."""
        footage = GrantedFootage(FootageKind.RANGE, start_us=START_US + start_s * S, end_us=START_US + end_s * S)
        return bearer_with(self.db, name, role, "*", at_us=START_US, footage=footage)

    def wanted(self, start_s: float, end_s: float) -> list[int]:
        start_us, end_us = START_US + round(start_s * S), START_US + round(end_s * S)
        return [frame.number for frame in self.run.frames if start_us <= frame.wall_us < end_us]

    def close(self, start_s: int | None, end_s: int | None) -> str:
        start_us, end_us = (None if at is None else START_US + at * S for at in (start_s, end_s))
        with self.db.write() as conn:
            made = close_footage(
                conn, CAMERA, reason="a home", by=SERVER_ACTOR, at_us=self.now_us - S, start_us=start_us, end_us=end_us
            )
        return made.id


def query(start_s: int, end_s: int) -> dict[str, str]:
    return {"start": format_time(START_US + start_s * S), "end": format_time(START_US + end_s * S)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
async def client(place: Place) -> AsyncIterator[Client]:
    settings = ApiSettings(catalogue=str(place.db.path), node="n1")
    app = create_app(settings, now_us=lambda: place.now_us)
    async with AsyncTestClient(app, base_url="http://nvr.test") as made:
        yield made


async def played(client: Client, headers: dict[str, str], text: str) -> list[int]:
    """The numbers of the pictures that the playlist's entries show."""
    data, _numbers = b"", []
    for before, line in itertools.pairwise(text.splitlines()):
        if line.startswith("#EXT-X-MAP:") and not data:
            _, uri, _, size, *_ = line.split('"')
            range_ = f"bytes=0-{int(size.removesuffix('@0')) - 1}"
        elif before.startswith("#EXT-X-BYTERANGE:") and "gap" not in line:
            size, _, offset = before.removeprefix("#EXT-X-BYTERANGE:").partition("@")
            uri, range_ = line, f"bytes={offset}-{int(offset) + int(size) - 1}"
        else:
            continue
        part = await client.get(urljoin(f"{BASE}/", uri), headers={**headers, "Range": range_})
        assert part.status_code == 206, part.text
        data += part.content
    with av.open(io.BytesIO(data)) as container:
        return [number_of(frame) for frame in container.decode(video=0)]


async def test_a_range_beyond_what_was_granted_is_cut_and_said_to_be(client: Client, place: Place) -> None:
    sari = place.headers("sari", 5, 12)
    answer = await client.get(f"{BASE}/playlist.m3u8", params=query(0, 30), headers=sari)
    assert answer.status_code == 200, answer.text
    granted = [query(5, 12)]
    assert json.loads(answer.headers["x-allowed"]) == granted
    shown = await played(client, sari, answer.text)
    # From the keyframe before on: what can't be decoded otherwise.
    assert set(place.wanted(5, 12)) <= set(shown) <= set(place.wanted(4, 13))
    clip = await client.get(f"{BASE}/clip.mp4", params=query(0, 30), headers=sari)
    assert json.loads(clip.headers["x-allowed"]) == granted
    with av.open(io.BytesIO(clip.content)) as container:
        assert [number_of(frame) for frame in container.decode(video=0)] == place.wanted(5, 12)
    known = (await client.get(f"{BASE}/coverage", params=query(0, 30), headers=sari)).json()
    assert known["granted"] == granted and known["start"] == granted[0]["start"] and known["end"] == granted[0]["end"]
    whole = await client.get(f"{BASE}/playlist.m3u8", params=query(6, 8), headers=sari)
    assert whole.status_code == 200 and "x-allowed" not in whole.headers
    for path in ("frames", "clock"):
        part = await client.get(f"{BASE}/{path}", params=query(0, 30), headers=sari)
        assert part.status_code == 200 and json.loads(part.headers["x-allowed"]) == granted, path
    marks = await client.get("/api/bookmarks", params={"camera": CAMERA, **query(0, 30)}, headers=sari)
    assert json.loads(marks.headers["x-cut"]) == {CAMERA: {"X-Allowed": granted}}
    for path in ("playlist.m3u8", "clip.mp4", "clip.zip", "coverage", "clock", "frames"):
        outside = await client.get(f"{BASE}/{path}", params=query(20, 30), headers=sari)
        assert (outside.status_code, outside.json()["code"]) == (403, "outside_grant"), path
    # Live view shows what is not within it.
    assert (await client.get(f"{BASE}/live.m3u8", headers=sari)).json()["code"] == "outside_grant"


async def test_no_byte_beside_what_was_granted(client: Client, place: Place) -> None:
    sari = place.headers("sari", 5, 7)
    for part in place.run.parts:
        name = f"{part.key.start_us}-1-n1.mp4"
        whole = await client.get(f"{BASE}/segments/{name}", headers=sari)
        assert whole.json()["code"] == "outside_grant", name
        beside = await client.get(f"{BASE}/segments/{name}", headers={**sari, "Range": "bytes=0-9"})
        assert beside.json()["code"] == "outside_grant"
    for at_s, status in ((5, 200), (6, 200), (7, 403), (4, 403), (20, 403)):
        at = format_time(START_US + at_s * S)
        picture = await client.get(f"{BASE}/snapshot.jpg", params={"at": at}, headers=sari)
        assert picture.status_code == status, (at_s, picture.text)
    assert (await client.get(f"{BASE}/snapshot.jpg", headers=sari)).json()["code"] == "outside_grant", "the last one"
    body = {"start": query(5, 9)["start"], "end": query(5, 9)["end"]}
    assert (await client.post(f"{BASE}/addresses", json=body, headers=sari)).json()["code"] == "outside_grant"
    hold = {"camera": CAMERA, **query(5, 9), "reason": "x"}
    assert (await client.post("/api/holds", json=hold, headers=sari)).json()["code"] == "outside_grant"
    export = {"cameras": [CAMERA], **query(5, 9), "case": "1", "legal_basis": "x", "purpose": "x"}
    assert (await client.post("/api/exports", json=export, headers=sari)).json()["code"] == "outside_grant"


async def test_several_grants_add_up(client: Client, place: Place) -> None:
    sari = place.headers("sari", 5, 8)
    more = GrantedFootage(FootageKind.RANGE, start_us=START_US + 8 * S, end_us=START_US + 10 * S)
    give(place.db, "sari", Role.VIEWER, "*", at_us=START_US, footage=more)
    answer = await client.get(f"{BASE}/playlist.m3u8", params=query(5, 10), headers=sari)
    assert answer.status_code == 200 and "x-allowed" not in answer.headers
    # Playing back is granted for both, taking away for the first alone.
    clip = await client.get(f"{BASE}/clip.mp4", params=query(5, 10), headers=sari)
    assert json.loads(clip.headers["x-allowed"]) == [query(5, 8)]


async def test_what_is_closed_is_a_gap_to_all_but_who_is_named(client: Client, place: Place) -> None:
    tono = bearer_with(place.db, "tono", Role.INVESTIGATOR, "*", at_us=START_US)
    named = bearer_with(place.db, "nina", Role.INVESTIGATOR, "*", at_us=START_US, sees_closed=True)
    closure = place.close(10, 20)
    answer = await client.get(f"{BASE}/playlist.m3u8", params=query(0, 30), headers=tono)
    assert answer.status_code == 200 and "#EXT-X-GAP" in answer.text
    assert [one["reason"] for one in json.loads(answer.headers["x-closed"])] == ["a home"]
    assert json.loads(answer.headers["x-allowed"]) == [query(0, 10), query(20, 30)]
    shown = await played(client, tono, answer.text)
    # After it, from the keyframe before on.
    assert set(place.wanted(0, 10)) | set(place.wanted(20, 30)) <= set(shown)
    assert not set(shown) & set(place.wanted(10.1, 19))
    refused = await client.get(f"{BASE}/clip.mp4", params=query(0, 30), headers=tono)
    assert (refused.status_code, refused.json()["code"]) == (403, "closed_for_privacy")
    inside = await client.get(f"{BASE}/playlist.m3u8", params=query(12, 15), headers=tono)
    assert inside.json()["code"] == "closed_for_privacy" and "closed for privacy since" in inside.json()["detail"]
    assert "a home" in inside.json()["detail"]
    assert (await client.get(f"{BASE}/coverage", params=query(0, 30), headers=tono)).status_code == 200
    clip = await client.get(f"{BASE}/clip.mp4", params=query(0, 30), headers=named)
    assert clip.status_code == 200 and "x-closed" not in clip.headers
    # And open again.
    admin = bearer_with(place.db, "boss", Role.ADMIN, "*", at_us=START_US)
    assert (await client.post(f"/api/closures/{closure}/end", headers=admin)).status_code == 200
    clip = await client.get(f"{BASE}/clip.mp4", params=query(0, 30), headers=tono)
    assert clip.status_code == 200
    assert (await client.post(f"/api/closures/{closure}/end", headers=admin)).json()["code"] == "grant_not_found"


async def test_a_camera_that_is_closed_shows_nothing(client: Client, place: Place) -> None:
    admin = bearer_with(place.db, "boss", Role.ADMIN, "*", at_us=START_US)
    made = await client.post(f"{BASE}/closures", json={"reason": "stored at a home"}, headers=admin)
    assert made.status_code == 201, made.text
    for path in ("live.m3u8", "snapshot.jpg", "playlist.m3u8", "clip.mp4"):
        params = query(0, 10) if path in ("playlist.m3u8", "clip.mp4") else None
        answer = await client.get(f"{BASE}/{path}", params=params, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (403, "closed_for_privacy"), path
    for part in place.run.parts:
        name = f"{part.key.start_us}-1-n1.mp4"
        assert (await client.get(f"{BASE}/segments/{name}", headers=admin)).json()["code"] == "closed_for_privacy"
    listed = (await client.get("/api/closures", headers=admin)).json()["closures"]
    assert [(one["camera"], one["reason"], one["in_force"]) for one in listed] == [(CAMERA, "stored at a home", True)]


async def test_the_last_seconds_move_on(client: Client, place: Place) -> None:
    footage = GrantedFootage(FootageKind.LAST, last_us=25 * S)
    sari = bearer_with(place.db, "sari", Role.VIEWER, "*", at_us=START_US, footage=footage)
    at = {"at": format_time(place.now_us - 20 * S)}
    assert (await client.get(f"{BASE}/snapshot.jpg", params=at, headers=sari)).status_code == 200
    place.now_us += 10 * S
    assert (await client.get(f"{BASE}/snapshot.jpg", params=at, headers=sari)).json()["code"] == "outside_grant"
