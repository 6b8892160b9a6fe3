"""What an error repeats of a request does nothing to whoever reads it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

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
    assert problem["errors"][0]["message"].startswith("Object contains unknown field")
