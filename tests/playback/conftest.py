"""Footage shared by the tests of playback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.playback.footage import Studio
from tests.playback.worlds import World, make_world


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty catalogue with a camera."""
    studio = Studio(tmp_path)
    yield studio
    studio.database.close()


@pytest.fixture(scope="module")
def world_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., World]]:
    """Worlds, each made once a module: nothing may be changed in them."""
    made: dict[tuple[str, bool, bool], World] = {}

    def get(codec: str, *, audio: bool = False, overlap: bool = False) -> World:
        key = (codec, audio, overlap)
        if key not in made:
            made[key] = make_world(tmp_path_factory.mktemp(codec), codec, audio=audio, overlap=overlap)
        return made[key]

    yield get
    for world in made.values():
        world.studio.database.close()
