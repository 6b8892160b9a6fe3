"""``nvr doctor``: each look at things as they are, good and bad, and the whole command."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cameras.present import CameraNow
from nvr.cli import main
from nvr.doctor import machine, service
from nvr.doctor.disks import RootState, catalogue_disk, footage_root
from nvr.doctor.finding import DoctorFinding
from nvr.doctor.finding import DoctorHealth as Health
from nvr.texts import say
from nvr.tls.authority import TlsFolder
from storage.catalogue.node import Lock
from storage.causes import Cause
from storage.disk.root_places import RootLook
from storage.disk.roots import IDENTITY_FILE, register
from storage.upgrade.standing import OWN_STEPS, SchemaStanding
from tests.support.catalogues import catalogue_of, new_catalogue
from tests.support.mounts import mounted

DISK = Path("/mnt/disk")
KNOWN = RootLook(DISK, "1", "1")
GB = 10**9


def shown(found: DoctorFinding) -> tuple[Health, str]:
    """What people see; what is not well says what to do, in every language."""
    if found.health is Health.WRONG:
        assert found.advice is not None
    for language in ("en", "id"):
        assert say(found.what, language) and (found.advice is None or say(found.advice, language))
    return found.health, str(found.what)


@pytest.mark.parametrize(
    ("release", "health"),
    [
        ("6.1.0-18-amd64", Health.GOOD),
        ("5.8.0", Health.GOOD),
        ("5.7.19", Health.NOTICE),
        ("4.19.0-6", Health.NOTICE),
    ],
)
def test_kernel(release: str, health: Health) -> None:
    assert shown(machine.kernel(release)) == (
        health,
        f"Linux {release}" + " does not report every write that a disk lost" * (health is Health.NOTICE),
    )


def test_clock() -> None:
    assert shown(machine.clock(True, is_kept=True))[0] is Health.GOOD
    assert shown(machine.clock(None, is_kept=True))[0] is Health.UNKNOWN
    kept, alone = machine.clock(False, is_kept=True), machine.clock(False, is_kept=False)
    assert shown(kept)[0] is shown(alone)[0] is Health.WRONG
    assert "timedatectl" in str(kept.advice) and "apt-get install chrony" in str(alone.advice)


def test_open_files() -> None:
    assert shown(machine.descriptors(1024, 80, of_server=True))[0] is Health.GOOD
    found = machine.descriptors(1024, 4470, of_server=True)
    assert shown(found) == (Health.WRONG, "the server may open 1024 files, and 4470 cameras may need 27332")
    assert "LimitNOFILE=27332" in str(found.advice)
    assert machine.descriptors(resource.RLIM_INFINITY, 10**6, of_server=False).health is Health.GOOD
    assert (
        machine.limit_of(os.getpid()) == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        or machine.limit_of(os.getpid()) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    )


def test_memory() -> None:
    assert shown(machine.memory("MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n"))[0] is Health.GOOD
    assert shown(machine.memory("MemTotal: 8000000 kB\nMemAvailable: 700000 kB\n"))[0] is Health.NOTICE
    assert shown(machine.memory("MemTotal: 8000000 kB\n"))[0] is Health.UNKNOWN


@pytest.mark.parametrize(
    ("look", "state", "health", "words"),
    [
        (KNOWN, RootState(500 * GB, 1000 * GB, 0.9, True, False), Health.GOOD, "500.0 GB of 1000.0 GB left"),
        (KNOWN, RootState(500 * GB, 1000 * GB, None, True, True), Health.NOTICE, "on the system disk"),
        (
            KNOWN,
            RootState(20 * GB, 1000 * GB, 0.9, True, False),
            Health.WRONG,
            "less than half of what must stay free",
        ),
        (KNOWN, RootState(500 * GB, 1000 * GB, 0.01, True, False), Health.WRONG, "few more files"),
        (KNOWN, RootState(500 * GB, 1000 * GB, 0.9, False, False), Health.WRONG, "can't be written"),
        (
            RootLook(DISK, None, "1"),
            RootState(1, 1, 1, True, False),
            Health.WRONG,
            "not the disk that the catalogue",
        ),
        (
            RootLook(DISK, None, None, unmounted=DISK),
            RootState(1, 1, 1, True, False),
            Health.WRONG,
            "is not mounted",
        ),
        (
            RootLook(DISK, "1", None, known_at=Path("/old"), still_there=True),
            RootState(1, 1, 1, True, False),
            Health.WRONG,
            "is a copy of /old",
        ),
    ],
)
def test_footage_roots(look: RootLook, state: RootState, health: Health, words: str) -> None:
    found = shown(footage_root(look, state, lambda total: total // 20))
    assert found[0] is health and words in found[1]


def test_the_disk_of_the_catalogue_has_room_for_a_copy() -> None:
    assert shown(catalogue_disk(DISK, 10 * GB, 31 * GB))[0] is Health.GOOD
    found = catalogue_disk(DISK, 10 * GB, 29 * GB)
    assert shown(found)[0] is Health.WRONG and "30.0 GB are needed" in str(found.advice)


def test_catalogue() -> None:
    path = Path("/c.sqlite")
    assert shown(service.catalogue(path, SchemaStanding(OWN_STEPS, service.__version__)))[0] is Health.GOOD
    assert shown(service.catalogue(path, SchemaStanding(OWN_STEPS, "0.0.1")))[0] is Health.NOTICE
    assert shown(service.catalogue(path, SchemaStanding(OWN_STEPS[:-1], "0.0.1")))[0] is Health.WRONG
    assert "newer" in shown(service.catalogue(path, SchemaStanding((*OWN_STEPS, "m900_x"), "9.0")))[1]


def test_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        assert shown(service.port("127.0.0.1", number, is_served=True))[0] is Health.GOOD
        assert "another program has port" in shown(service.port("127.0.0.1", number, is_served=False))[1]
    assert shown(service.port("127.0.0.1", number, is_served=False))[0] is Health.GOOD
    assert "nobody answers" in shown(service.port("127.0.0.1", number, is_served=True))[1]
    assert "no address of this machine" in shown(service.port("192.0.2.7", number, is_served=False))[1]
    assert "no address of this machine" in shown(service.port("no-such-host.invalid", number, is_served=False))[1]


def test_certificate(tmp_path: Path) -> None:
    made = TlsFolder(tmp_path)
    made.create("city", ["cctv.example"])
    ends_us = service.read_pair(made.certificate, made.key).ends_us
    day_us = 86_400_000_000

    def at(now_us: int) -> Health:
        return shown(service.certificate(made.certificate, made.key, now_us=now_us))[0]

    assert at(ends_us - 60 * day_us) is Health.GOOD
    assert at(ends_us - 10 * day_us) is Health.NOTICE
    assert at(ends_us + day_us) is Health.WRONG
    made.key.unlink()
    assert at(ends_us - 60 * day_us) is Health.WRONG


def test_cameras() -> None:
    def camera(number: int, *, down: bool, required: bool = True) -> CameraNow:
        cause = Cause.UNREACHABLE if down else None
        return CameraNow(number, f"c{number:02}", required, not down, 1, cause, {})

    def fleet(down: int, of: int) -> dict[str, CameraNow]:
        every = [camera(number, down=number < down) for number in range(of)]
        return {one.camera: one for one in [*every, camera(99, down=True, required=False)]}

    assert shown(service.cameras_recorded({}))[0] is Health.NOTICE
    assert shown(service.cameras_recorded(fleet(0, 20))) == (Health.GOOD, "20 of 20 cameras are recorded")
    assert shown(service.cameras_recorded(fleet(1, 20)))[0] is Health.NOTICE
    found = shown(service.cameras_recorded(fleet(12, 20)))
    assert found[0] is Health.WRONG
    assert found[1].startswith("8 of 20 cameras are recorded; not: c00, c01,") and "and 2 more (network 12)" in found[1]


# -- the command


def run(folder: Path, *options: str, language: str = "C") -> Result:
    return CliRunner(env={"LANG": language, "LC_ALL": language}).invoke(
        main, ["doctor", *options, "--config", str(folder / "config.toml")]
    )


def looked(done: Result) -> dict[str, str]:
    return {row["look"]: row["health"] for row in json.loads(done.stdout)}


def test_command_over_a_server_that_runs(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "2g") as disk, socket.create_server(("127.0.0.1", 0)) as page:
        port = page.getsockname()[1]
        (tmp_path / "config.toml").write_text(
            f'[server]\nport = {port}\n[storage]\nroots = ["{disk}/footage"]\ncatalogue = "c.sqlite"\n'
            'free_space_floor = "100MB"\n'
        )
        database = new_catalogue(tmp_path / "c.sqlite")
        with database.write() as conn:
            root = register(conn, [disk / "footage"])[0]
        database.close()
        lock = Lock([tmp_path / "c.lock"])
        try:
            done = run(tmp_path, "--json")
            found = looked(done)
            assert {name: found[name] for name in ("version", "server", "catalogue", "port", "root", "open_files")} == {
                "version": "good", "server": "good", "catalogue": "good", "port": "good", "root": "good",
                "open_files": "good",
            }  # fmt: skip
            assert f"the server runs (process {os.getpid()})" in done.stdout
            # Its disk goes.
            (root.path / IDENTITY_FILE).unlink()
            done = run(tmp_path)
            assert done.exit_code == 1 and "is not the disk that the catalogue knows" in done.stdout
            assert "      mount the right disk\n" in done.stdout
            assert "bukan disk yang dikenal katalog" in run(tmp_path, language="id_ID.UTF-8").stdout
        finally:
            lock.release()


def test_command_over_nothing_and_over_an_older_catalogue(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[storage]\nroots = ["footage"]\ncatalogue = "data/c.sqlite"\n')
    done = run(tmp_path)
    assert done.exit_code == 1 and "the server does not run" in done.stdout and "there is no catalogue" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml"], "it only looks"
    (tmp_path / "data").mkdir()
    catalogue_of(tmp_path / "data/c.sqlite", "m020_alert_state", "").close()
    assert looked(run(tmp_path, "--json"))["catalogue"] == "wrong"
    (tmp_path / "data/c.sqlite").write_bytes(b"no catalogue at all" * 1000)
    done = run(tmp_path, "--json")
    assert looked(done)["catalogue"] == "wrong" and {"root", "clock", "memory"} <= looked(done).keys()
    shutil.rmtree(tmp_path / "data")
