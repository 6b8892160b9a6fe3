"""Catalogues and footage of every released version, made by its own server: this version takes them over whole.

A release adds its archive: the folder of a server that recorded a camera called gate-1, with a user anna, and a hold on
the first segment; without lock, reserve, exports and logs.
"""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvr.cli import main
from storage.catalogue import cameras, segments
from storage.catalogue.database import Database
from storage.disk.roots import register
from storage.retention import holds
from storage.upgrade.forward import bring_up
from storage.upgrade.standing import OWN_STEPS, standing
from tests.storage.world import assert_partition
from tests.support.server import frames

RELEASES = sorted((Path(__file__).parent / "released").glob("*.tar.xz"))
ALWAYS = (-(1 << 62), 1 << 62)


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_there_is_a_release_to_begin_with() -> None:
    assert "0.1.0.tar.xz" in [path.name for path in RELEASES]


def test_this_version_takes_it_over_whole(released: Path) -> None:
    from storage.coverage.one_camera import coverage

    database = Database(released / "data/catalogue.sqlite")
    bring_up(database, "9.9", say=lambda told: None)
    with database.write() as conn:
        assert standing(conn).applied == OWN_STEPS
        # It is elsewhere now, and known by its identity.
        (root,) = register(conn, [released / "data/footage"])
    with database.read() as conn:
        rows = segments.between(conn, "gate-1", *ALWAYS)
        assert len(rows) >= 3 and {row.root for row in rows} == {root.id}
        for row in rows:
            data = row.path.read_bytes()
            assert len(data) == row.bytes and row.sha256 in (None, hashlib.sha256(data).hexdigest())
        start_us, end_us = rows[0].key.start_us, rows[-1].end_us
        assert_partition(coverage(conn, "gate-1", start_us, end_us, now_us=end_us + 10**6))
        assert holds.keeps(conn, "gate-1", start_us, rows[0].end_us)
        camera = cameras.find(conn, "gate-1")
        assert camera is not None and camera.locked is None and camera.settings["password"] == "rahasia-kamera"
        assert conn.execute("SELECT count(*) FROM user WHERE name = 'anna'").fetchone()[0] == 1
    assert len(frames([row.path for row in rows], "h264")) == sum(row.frames for row in rows)
    database.close()


def test_commands_find_nothing_wrong_with_it(released: Path) -> None:
    config = str(released / "config.toml")
    for command in (["upgrade"], ["check", "--hash"], ["audit", "verify"], ["users", "list"], ["holds", "list"]):
        done = CliRunner().invoke(main, [*command, "--config", config])
        assert done.exit_code == 0, done.output
        if command[0] == "check":
            assert "root_moved" in done.stderr and done.stdout.endswith("nothing wrong\n")
