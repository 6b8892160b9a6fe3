from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import argon2
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts import passwords
from nvr.api import ApiSettings, create_app
from tests.api import catalogue
from tests.api.catalogue import World
from tests.support.cameras.fixtures import h264_clip, serve

Client = AsyncTestClient[Litestar]

__all__ = ["h264_clip", "serve"]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys_hash.cache_clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = catalogue.make(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
def heard() -> list[str]:
    """What the application told its supervisor."""
    return []


@pytest.fixture
def app(world: World, heard: list[str]) -> Litestar:
    settings = ApiSettings(
        catalogue=str(world.db.path), node="n1", zone="Asia/Jakarta", web_dist=str(world.folder / "dist")
    )
    made = create_app(settings, now_us=world.read_clock, on_cameras_changed=lambda: heard.append("cameras_changed"))
    # The world's clock goes its own way.
    made.state.services.health_reading.fresh_s = 0
    return made


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[Client]:
    async with AsyncTestClient(app, base_url="http://nvr.test") as made:
        yield made
