"""What clips hold until they are loaded is bounded, and given back however they end."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from nvr.api.footage.held import hold
from nvr.api.http.errors import ApiError
from nvr.api.http.pools import Shares, asker
from nvr.api.http.services import Services
from nvr.playback.clip.archive import ClipArchive, ClipMember
from nvr.playback.clip.clip import Clip, plan_clip
from storage.sentences import Sentence
from tests.api.office import Office
from tests.playback.footage import CAMERA

Client = AsyncTestClient[Any]
TOO_MUCH = Sentence("too much")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.studio.database.close()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[Client]:
    async with AsyncTestClient(office.app(), base_url="http://nvr.test") as made:
        yield made


def planned(office: Office, services: Services) -> Clip:
    return plan_clip(services.db, services.indexes, CAMERA, office.run.start_us, office.run.end_us)


async def test_who_loads_many_slowly_leaves_room_for_others(client: Client, office: Office) -> None:
    services: Services = client.app.state.services
    first = planned(office, services)
    cost = first.cost
    assert cost.files == len(office.run.parts) > 0
    assert 10_000 < cost.bytes < 1_000_000
    for name, amount in (("clip_files", cost.files), ("clip_bytes", cost.bytes)):
        setattr(services, name, Shares(3 * amount, 2 * amount, TOO_MUCH))
        asker.set("ines")
        held = [hold(services, clip) for clip in (planned(office, services), planned(office, services))]
        refused = planned(office, services)
        with pytest.raises(ApiError) as told:
            hold(services, refused)
        assert (told.value.code, told.value.headers["Retry-After"]) == ("busy", "30")
        with pytest.raises(ValueError, match="closed"):
            refused.read(refused.size - 1, refused.size - 1)
        asker.set("vera")
        held.append(hold(services, planned(office, services)))
        asker.set("anna")
        with pytest.raises(ApiError):
            hold(services, planned(office, services))
        for clip in held:
            clip.close()
            clip.close()
        assert (services.clip_files.taken, services.clip_bytes.taken) == (0, 0)
        # One that was never sent gives its share back too.
        hold(services, planned(office, services))
        gc.collect()
        assert (services.clip_files.taken, services.clip_bytes.taken) == (0, 0)
    archive = ClipArchive([ClipMember("a.mp4", first), ClipMember("b.mp4", planned(office, services))])
    assert (archive.cost.files, archive.cost.bytes) == (2 * cost.files, 2 * cost.bytes)
    archive.close()


@pytest.mark.parametrize("kind", ["mp4", "zip"])
async def test_each_way_to_a_clip(client: Client, office: Office, kind: str) -> None:
    services: Services = client.app.state.services
    path = f"/api/cameras/{CAMERA}/clip.{kind}?start={office.range['start']}&end={office.range['end']}"
    whole = await client.get(path, headers=office.headers())
    assert whole.status_code == 200, whole.text
    etag = whole.headers["etag"]
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"Range": "bytes=0-9"}, 206 if kind == "mp4" else 200),
        ({"Range": f"bytes={len(whole.content)}-"}, 416 if kind == "mp4" else 200),
    ):
        answer = await client.get(path, headers={**office.headers(), **headers})
        assert answer.status_code == status
    gc.collect()
    assert (services.clip_files.taken, services.clip_bytes.taken) == (0, 0)
    services.clip_files = Shares(1, 1, TOO_MUCH)
    others = services.clip_files.take(1)
    answer = await client.get(path, headers=office.headers())
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    others()
    assert (await client.get(path, headers=office.headers())).status_code == 200
