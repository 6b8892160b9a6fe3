"""Stills over HTTP: the picture untouched, what it is below it, and a hash that a clip's own bytes have too."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from litestar.testing import AsyncTestClient
from PIL import Image

from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import Role
from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time, parse_time
from nvr.playback.snapshot import picture_of, shown_frame
from storage.catalogue import audit
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import HEIGHT, WIDTH, encode, number_of
from tests.support.grants import bearer_with

Client = AsyncTestClient[Any]
S = 1_000_000
PATH = f"/api/cameras/{CAMERA}/still"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    made.record(encode("h264", 60, gop=10), START_US)
    yield made
    made.database.close()


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[Client]:
    settings = ApiSettings(catalogue=str(studio.database.path), node="n1", zone="Asia/Jakarta")
    async with AsyncTestClient(create_app(settings, now_us=lambda: START_US + 60 * S)) as made:
        made.headers.update(bearer_with(studio.database, "ines", Role.INVESTIGATOR, "*", at_us=START_US))
        yield made


def at(seconds: float) -> dict[str, str]:
    return {"at": format_time(START_US + round(seconds * S))}


async def test_the_picture_is_untouched_and_the_hash_is_that_of_the_clip_s_bytes(
    client: Client, studio: Studio
) -> None:
    answer = await client.get(f"{PATH}.png", params={**at(2.34), "lang": "id"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png" and answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].endswith('.png"')
    whole = np.asarray(Image.open(io.BytesIO(answer.content)))
    frame = shown_frame(studio.database, studio.cache, CAMERA, START_US + 2_340_000)
    assert whole.shape[1] == WIDTH and whole.shape[0] > HEIGHT
    assert (whole[:HEIGHT] == np.asarray(picture_of(frame))).all()
    assert len(np.unique(whole[HEIGHT:])) > 2, "the band says nothing"
    shown_us = parse_time("at", answer.headers["x-frame-time"])
    assert shown_us <= START_US + 2_340_000 < shown_us + 100_001
    # As whoever has the clip would look.
    clip = await client.get(
        f"/api/cameras/{CAMERA}/clip.mp4",
        params={"start": format_time(START_US), "end": format_time(START_US + 5 * S)},
    )
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(whole[:HEIGHT]), "rgb24").reformat(format="gray")
    with av.open(io.BytesIO(clip.content)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda packet: packet.pts)
        frames = [bytes(packet) for packet in packets]
    assert answer.headers["x-frame-sha256"] == hashlib.sha256(frames[number_of(picture)]).hexdigest()
    again = await client.get(f"{PATH}.png", params={**at(2.34), "lang": "id"})
    assert again.content == answer.content
    other = await client.get(f"{PATH}.png", params={**at(2.34), "lang": "en"})
    assert other.content != answer.content


async def test_a_page_to_print(client: Client, studio: Studio) -> None:
    made = []
    for language in ("en", "id"):
        answer = await client.get(f"{PATH}.pdf", params={**at(1), "lang": language})
        assert answer.content.startswith(b"%PDF-") and answer.headers["content-type"] == "application/pdf"
        made.append(answer.content)
    assert made[0] != made[1]
    with studio.database.read() as conn:
        (entry,) = list(audit.entries(conn, action="still"))
    assert (entry.camera, json.loads(entry.detail)["at"]) == (CAMERA, at(1)["at"])


async def test_only_of_what_was_granted(client: Client, studio: Studio) -> None:
    part = GrantedFootage(FootageKind.RANGE, start_us=START_US, end_us=START_US + S)
    sari = bearer_with(studio.database, "sari", Role.INVESTIGATOR, "*", at_us=START_US, footage=part)
    assert (await client.get(f"{PATH}.png", params=at(0.5), headers=sari)).status_code == 200
    outside = await client.get(f"{PATH}.pdf", params=at(2), headers=sari)
    assert (outside.status_code, outside.json()["code"]) == (403, "outside_grant")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "missing_parameter"),
        ({"at": "2026-11-23T14:00:00"}, "naive_time"),
        ({"at": format_time(START_US + 50 * S)}, "no_footage"),
        ({"at": format_time(START_US + S), "lang": "xx"}, "invalid_parameter"),
    ],
)
async def test_what_can_not_be_had(client: Client, params: dict[str, str], code: str) -> None:
    assert (await client.get(f"{PATH}.png", params=params)).json()["code"] == code
