"""Whose name is shown over which picture."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.api.http.services import Services
from tests.api.catalogue import T0, World
from tests.support.grants import bearer_with, give

Client = AsyncTestClient[Litestar]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, []),
        ({"name_over_picture": ["viewer"]}, ["sari gate"]),
        ({"name_over_picture": ["*"]}, ["sari gate", "sari hall"]),
        ({"name_over_picture": ["*"], "name_over_cameras": "district=south"}, ["sari hall"]),
        ({"name_over_picture": ["admin"]}, []),
    ],
)
async def test_by_the_role_with_which_one_sees_it_and_by_label(
    app: Litestar, client: Client, world: World, settings: dict[str, Any], shown: list[str]
) -> None:
    services: Services = app.state.services
    services.configure(msgspec.structs.replace(services.settings, **settings))
    sari = bearer_with(world.db, "sari", "viewer", "id=gate", at_us=T0)
    give(world.db, "sari", "investigator", "id=hall", at_us=T0)
    found = []
    for camera in ("gate", "hall"):
        answer = await client.get(f"/api/cameras/{camera}/name-over-picture", headers=sari)
        assert answer.status_code == 200, answer.text
        if answer.json()["name"] is not None:
            found.append(f"{answer.json()['name'].partition(' ')[0]} {camera}")
    assert found == shown
    assert (await client.get("/api/cameras/yard/name-over-picture", headers=sari)).status_code == 404
