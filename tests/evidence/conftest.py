"""Packages for the tests, made once, of real footage; tests that change one take a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvr.evidence.seal.signing import Signer, make_signer
from tests.evidence.made import Made, make
from tests.playback.footage import Studio
from tests.playback.worlds import World, make_world

NOW_US = 1_795_442_400_000_000


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The exporter's key. 2,048 bits: quickly made."""
    return make_signer("Test recorder", now_us=NOW_US, bits=2048)


@pytest.fixture(scope="session")
def other_signer() -> Signer:
    """Somebody else's key, of another size."""
    return make_signer("Second person", now_us=NOW_US, bits=3072)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty catalogue with a camera."""
    studio = Studio(tmp_path)
    yield studio
    studio.database.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Footage of a day in small, with sound."""
    made = make_world(tmp_path_factory.mktemp("world"), "h264", audio=True)
    yield made
    made.studio.database.close()


@pytest.fixture(scope="session")
def whole(world: World, signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A package of most of that footage. Nobody may change it."""
    return make(world, signer, tmp_path_factory.mktemp("packages") / "whole")


@pytest.fixture(scope="session")
def small(world: World, signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A package of two small files. Nobody may change it."""
    end_us = world.runs[0].end_us
    return make(world, signer, tmp_path_factory.mktemp("packages") / "small", end_us - 1_500_000, end_us + 7_900_000)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Made], Path]:
    """Copies a package, to be changed."""

    def copy(made: Made) -> Path:
        return shutil.copytree(made.path, tmp_path / "copy", dirs_exist_ok=True)

    return copy
