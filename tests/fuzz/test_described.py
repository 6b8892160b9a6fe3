"""A few seconds in each role with every change, by the seed of the run (``NVR_SEED``). All that it found has a test of
its own as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from nvr.accounts.rows import Role
from tests.api import catalogue
from tests.api.http.test_process import running
from tests.fuzz.described import ask_as_described
from tests.nightly import SEED_NAME, examples, seed


@pytest.mark.parametrize("role", [None, *Role])
def test_the_server_answers_as_its_description_says(tmp_path: Path, role: Role | None) -> None:
    world = catalogue.make(tmp_path)
    with running(world, public=True) as api:
        token = None if role is None else world.tokens[role]
        port = api.hear()["port"]
        good, told = ask_as_described(port, token, world.tokens[Role.ADMIN], examples(10, 300), seed())
    assert good, f"{SEED_NAME}={seed()}\n{told}"
