from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.catalogue import node
from storage.catalogue.database import Database
from tests.support.catalogues import new_catalogue


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("0.0.0.0", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def http_port() -> int:
    """A TCP port that is free at every address of this machine."""
    return _free_port(socket.SOCK_STREAM)


@pytest.fixture
def discovery_port() -> int:
    """A UDP port that is free at every address of this machine."""
    return _free_port(socket.SOCK_DGRAM)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "catalogue.sqlite", durable=False)
    with made.write() as conn:
        node.this_node(conn, "n1")
    yield made
    made.close()
