"""Copies of backups in a store that speaks S3: moto's server, over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nvr.alerting.conditions import AlertKind, backups
from nvr.backups.remote import RemoteBackups, RemotePlace
from nvr.backups.sets import CATALOGUE, MANIFEST, BackupError, list_sets, stamp
from nvr.backups.state import BackupState, note_copy, read_state
from nvr.doctor.backups import backup_copy
from nvr.housekeeping.backups import BackupKeeper, copy_due
from tests.backups.test_backups import DAY_US, NOW_US, PASSPHRASE, made, run, verified, world
from tests.storage.world import World
from tests.support.apart import program
from tests.support.ports import free_port
from tests.support.waiting import until

pytest.importorskip("obstore", reason="obstore is not installed: pip install 'nvr[s3]'")
__all__ = ["world"]

BUCKET = "cctv-backup"
# moto looks at who asks, and at no signature.
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=who/20260101/us-east-1/s3/aws4_request, Signature=x"}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [program("moto", "moto_server"), "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        assert server.poll() is None, "moto's server ended"
        try:
            return httpx.get(f"{url}/moto-api/data.json").status_code == 200
        except httpx.HTTPError:
            return False

    until(answers, what="moto's server")
    yield url
    server.terminate()
    server.wait(20)


@pytest.fixture
def endpoint(store: str) -> Iterator[str]:
    assert httpx.put(f"{store}/{BUCKET}").status_code == 200
    yield store
    httpx.post(f"{store}/moto-api/reset")


@pytest.fixture
def place(endpoint: str) -> RemotePlace:
    return RemotePlace(f"s3://{BUCKET}/city/nvr", endpoint, None, "who", "hush-hush")


def keys(endpoint: str) -> set[str]:
    text = httpx.get(f"{endpoint}/{BUCKET}?list-type=2").text
    return {part.partition("</Key>")[0] for part in text.split("<Key>")[1:]}


def test_what_goes_there_comes_back_the_same(world: World, tmp_path: Path, place: RemotePlace, endpoint: str) -> None:
    path = made(world, tmp_path / "backups")
    remote = RemoteBackups(place)
    assert remote.names() == []
    size = remote.put(list_sets(tmp_path / "backups")[0])
    assert size == sum(file.stat().st_size for file in path.iterdir())
    assert remote.names() == [path.name]
    assert {key.rpartition("/")[0] for key in keys(endpoint)} == {f"city/nvr/{path.name}"}
    (tmp_path / "fetched").mkdir()
    for name in (path.name, "latest"):
        fetched = remote.fetch(name, tmp_path / "fetched")
        assert {f.name: f.read_bytes() for f in fetched.iterdir()} == {f.name: f.read_bytes() for f in path.iterdir()}
        assert all(not file.stat().st_mode & 0o077 for file in fetched.iterdir())
        assert verified(fetched, tmp_path / f"scratch-{name}") == []
        shutil.rmtree(fetched)


def test_one_without_its_manifest_is_none(world: World, tmp_path: Path, place: RemotePlace, endpoint: str) -> None:
    made(world, tmp_path / "backups")
    remote, one = RemoteBackups(place), list_sets(tmp_path / "backups")[0]
    remote.put(one)
    httpx.delete(f"{endpoint}/{BUCKET}/city/nvr/{one.path.name}/{MANIFEST}", headers=SIGNED)
    assert remote.names() == []
    with pytest.raises(BackupError, match="no backup"):
        remote.fetch("latest", tmp_path)
    with pytest.raises(BackupError, match="no such backup"):
        remote.fetch(one.path.name, tmp_path)
    assert not (tmp_path / one.path.name).exists()
    for strange in ("../../etc", "", "20260101"):
        with pytest.raises(BackupError, match="no name of a backup"):
            remote.fetch(strange, tmp_path)


def test_a_manifest_that_names_other_files_is_not_followed(
    world: World, tmp_path: Path, place: RemotePlace, endpoint: str
) -> None:
    path = made(world, tmp_path / "backups")
    remote = RemoteBackups(place)
    remote.put(list_sets(tmp_path / "backups")[0])
    text = (path / MANIFEST).read_text().replace(f'"{CATALOGUE}"', '"../../evil"')
    httpx.put(f"{endpoint}/{BUCKET}/city/nvr/{path.name}/{MANIFEST}", headers=SIGNED, content=text.encode())
    with pytest.raises(BackupError, match="damaged"):
        remote.fetch(path.name, tmp_path)


def test_only_the_last_ones_stay(world: World, tmp_path: Path, place: RemotePlace, endpoint: str) -> None:
    remote = RemoteBackups(place)
    for day in range(5):
        made(world, tmp_path / "backups", now_us=NOW_US + day * DAY_US)
    for one in list_sets(tmp_path / "backups"):
        remote.put(one)
    httpx.put(f"{endpoint}/{BUCKET}/city/nvr/notes.txt", headers=SIGNED, content=b"somebody's")
    names = [stamp(NOW_US + day * DAY_US) for day in range(5)]
    assert remote.prune(2) == names[:3] and remote.names() == names[3:]
    left = {key.removeprefix("city/nvr/").partition("/")[0] for key in keys(endpoint)}
    assert left == {*names[3:], "notes.txt"}
    assert remote.prune(2) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [("s3://no-such-bucket/x", "no such bucket"), ("file:///etc", "is no place"), ("s3://", "is no place")],
)
def test_a_place_that_is_none_says_so(endpoint: str, url: str, why: str) -> None:
    with pytest.raises(BackupError, match=why):
        RemoteBackups(RemotePlace(url, endpoint, None, "who", "hush-hush")).names()


def test_a_store_that_is_away_says_so_without_the_key() -> None:
    place = RemotePlace(f"s3://{BUCKET}/x", f"http://127.0.0.1:{free_port()}", None, "who", "hush-hush")
    with pytest.raises(BackupError) as caught:
        RemoteBackups(place).names()
    assert "hush-hush" not in str(caught.value) and len(str(caught.value)) < 400


def settings(world: World, tmp_path: Path, place: RemotePlace) -> dict[str, object]:
    return {
        "catalogue": str(world.database.path),
        "started_us": NOW_US,
        "roots": [[root.id, str(root.path)] for root in world.roots],
        "backup": {
            "folder": str(tmp_path / "backups"),
            "every_us": DAY_US,
            "keep": 2,
            "drill_every_us": 3 * DAY_US,
            "passphrase": PASSPHRASE,
            "config": str(world.folder / "config.toml"),
            "keys": str(world.folder / "keys"),
            "s3": place.url,
            "s3_endpoint": place.endpoint,
            "s3_region": None,
            "s3_access_key": place.access_key,
            "s3_secret_key": place.secret_key,
            "s3_keep": 3,
        },
    }


def test_the_server_copies_prunes_and_drills_from_there(
    world: World, tmp_path: Path, place: RemotePlace, endpoint: str
) -> None:
    now = [NOW_US + DAY_US]
    keeper = BackupKeeper(settings(world, tmp_path, place), threading.Event(), clock=lambda: now[0])
    remote = RemoteBackups(place)

    def state() -> BackupState:
        with world.database.read() as conn:
            return read_state(conn)

    for day in range(1, 6):
        now[0] = NOW_US + day * DAY_US
        keeper.look()
        assert state().copied_us == now[0] and state().copy_failed is None
        assert state().drill_failed is None
    assert len(list_sets(tmp_path / "backups")) == 2 and len(remote.names()) == 3
    # The store's own copy is what a drill tries.
    httpx.put(f"{endpoint}/{BUCKET}/city/nvr/{remote.names()[-1]}/{CATALOGUE}", headers=SIGNED, content=b"not that")
    keeper._drill(tmp_path / "backups", keeper.settings["backup"])
    assert state().drill_failed is not None


def test_a_copy_that_failed_is_tried_again_and_told(world: World, tmp_path: Path, place: RemotePlace) -> None:
    now = [NOW_US + DAY_US]
    told = settings(world, tmp_path, place)
    backup = told["backup"]
    assert isinstance(backup, dict)
    backup["s3"] = "s3://no-such-bucket/x"
    keeper = BackupKeeper(told, threading.Event(), clock=lambda: now[0])
    keeper.look()
    with world.database.read() as conn:
        state = read_state(conn)
    assert state.made_us == now[0] and state.copied_us is None and "no such bucket" in (state.copy_failed or "")
    assert not copy_due(state, now[0] + 60_000_000) and copy_due(state, now[0] + 900_000_000)
    # Of a folder's backup alone nobody hears; of the copy that is missing somebody does.
    late_us = now[0] + DAY_US
    assert backups(state, DAY_US, started_us=NOW_US - 3 * DAY_US, now_us=late_us) == []
    (condition,) = backups(state, DAY_US, started_us=NOW_US - 3 * DAY_US, now_us=late_us, copied=True)
    assert condition.kind is AlertKind.BACKUP_LATE and "no such bucket" in str(condition.detail["reason"])
    assert backup_copy(state, DAY_US, late_us).advice is not None
    backup["s3"] = place.url
    now[0] += 900_000_000
    keeper.look()
    with world.database.read() as conn:
        state = read_state(conn)
    assert state.copied_us == state.made_us != now[0] and len(list_sets(tmp_path / "backups")) == 1, (
        "no second backup was made for it"
    )
    assert backups(state, DAY_US, started_us=NOW_US, now_us=late_us, copied=True) == []
    assert backup_copy(state, DAY_US, now[0]).advice is None


def test_by_commands_made_listed_and_restored_on_another_machine(
    world: World, tmp_path: Path, place: RemotePlace, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.folder / "config.toml"
    config.write_text(
        config.read_text()
        + f's3 = "{place.url}"\ns3_endpoint = "{endpoint}"\ns3_access_key = "who"\ns3_secret_key = "hush-hush"\n'
    )
    config.chmod(0o600)
    done = run(config, "backup", "now")
    assert done.exit_code == 0 and f"{place.url}/" in done.output and "hush-hush" not in done.output
    listed = run(config, "backup", "list")
    assert listed.exit_code == 0 and listed.output.rstrip().endswith("yes")
    shutil.rmtree(tmp_path / "backups")
    assert "only there" in run(config, "backup", "list").output
    # Another machine, after a fire: nothing but the passphrase and the keys of the store.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "who")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    new = tmp_path / "new" / "config.toml"
    new.parent.mkdir()
    options = ["--endpoint", endpoint, "--passphrase-file", str(tmp_path / "passphrase")]
    restored = run(new, "restore", f"{place.url}/latest", *options)
    assert restored.exit_code == 0, restored.output
    assert new.read_bytes() == config.read_bytes() and (tmp_path / "new" / "catalogue.db").exists()
    missing = run(new, "restore", f"{place.url}/20200101T000000Z", *options)
    assert missing.exit_code == 1 and "no such" in missing.output, missing.output
    assert run(new, "restore", str(tmp_path / "nowhere")).exit_code == 2


def test_how_a_copy_went_is_kept(world: World) -> None:
    with world.database.write() as conn:
        note_copy(conn, 5, None)
        note_copy(conn, 7, "why")
        state = read_state(conn)
        assert (state.copied_us, state.copy_failed, state.copy_failed_us) == (5, "why", 7)
        note_copy(conn, 9, None)
        state = read_state(conn)
        assert (state.copied_us, state.copy_failed, state.copy_failed_us) == (9, None, None)
