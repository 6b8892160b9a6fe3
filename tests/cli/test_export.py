"""``nvr export``, ``verify``, ``countersign`` and ``keys``, as a person uses them."""

from __future__ import annotations

import errno
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cases import export_queue, exports, links
from nvr.cases.errors import LinkError
from nvr.cli import main
from nvr.evidence.jobs.exporter import Exporter, ExportSettings
from nvr.evidence.package.request import new_export_id
from nvr.evidence.seal.keys import KeyFolder
from nvr.evidence.seal.times import iso
from storage.catalogue import audit, segments
from storage.retention import holds
from tests.evidence.made import request_of
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode
from tests.support.people import person


@dataclass
class Place:
    """A configuration with footage."""

    folder: Path
    studio: Studio
    run: Recording

    def nvr(self, *args: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [*args, "--config", str(self.folder / "config.toml")])
        assert result.exit_code == code, result.output
        return result

    def export(self, *more: str) -> Path:
        times = ["--start", iso(self.run.start_us + 1_500_000), "--end", iso(self.run.end_us)]
        self.nvr("export", "--camera", CAMERA, *times, "--out", str(self.folder / "out"), *more)
        return max((self.folder / "out").iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    # Otherwise the tests that follow would run with it.
    monkeypatch.setattr("nvr.evidence.jobs.priority.give_way", lambda: None)
    studio = Studio(tmp_path)
    run = studio.record(encode("h264", 80, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
    (tmp_path / "config.toml").write_text(
        '[storage]\nroots = ["footage"]\ncatalogue = "catalogue.sqlite"\n[evidence]\nname = "CCTV Kota"\n'
    )
    yield Place(tmp_path, studio, run)
    studio.database.close()


def test_exported_verified_counter_signed(place: Place) -> None:
    package = place.export("--case", "LP/3/2026", "--requester", "Budi")
    certificate = place.folder / "exporter.der"
    place.nvr("keys", "certificate", "--out", str(certificate))
    told = place.nvr("verify", str(package), "--certificate", str(certificate), "--language", "id").output
    assert told.splitlines()[-1].startswith("SAH:")
    assert "LP/3/2026" in told
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k.pem",
        "-out",
        "c.pem",
        "-subj",
        "/CN=Sri",
        "-days",
        "9",
    ]
    subprocess.run(command, cwd=place.folder, check=True, capture_output=True)
    key = ["--key", str(place.folder / "k.pem"), "--certificate", str(place.folder / "c.pem")]
    place.nvr("countersign", str(package), *key, "--remark", "seen")
    answer = json.loads(
        place.nvr("verify", str(package), "--json", "--certificate", str(place.folder / "c.pem")).output
    )
    assert (answer["outcome"], answer["signer_known"]) == ("valid", True)
    assert [(s["subject"], s["known"]) for s in answer["signatures"]] == [("CCTV Kota", False), ("Sri", True)]
    assert "signed it already" in place.nvr("countersign", str(package), *key, code=1).output


def test_the_verdict_is_plain_and_its_exit_code_its_own(place: Place) -> None:
    package = place.export("--zip")
    assert package.suffix == ".zip"
    told = place.nvr("verify", str(package), "--language", "en").output
    assert "NOT KNOWN to this machine" in told
    assert told.splitlines()[-1].startswith("INTACT:")
    data = bytearray(package.read_bytes())
    data[2000] ^= 1
    package.write_bytes(data)
    told = place.nvr("verify", str(package), code=10).output
    assert told.splitlines()[-1].startswith("MODIFIED:")
    assert "can't be read" in place.nvr("verify", str(package) + "x", code=1).output


def test_an_export_leaves_a_released_hold_and_an_entry(place: Place) -> None:
    place.export("--case", "LP/4")
    with place.studio.database.read() as conn:
        (hold,) = holds.list_all(conn)
        made = [entry for entry in audit.entries(conn) if entry.action == "export_made"]
    assert hold.released_us is not None
    assert [(entry.camera, "LP/4" in entry.detail) for entry in made] == [(CAMERA, True)]


def test_what_cannot_be_exported_says_why(place: Place) -> None:
    out = ["--out", str(place.folder / "out")]
    times = ["--start", iso(START_US), "--end", iso(START_US + 10)]
    assert "there is no camera nobody" in place.nvr("export", "--camera", "nobody", *times, *out, code=1).output
    empty = ["--start", iso(START_US), "--end", iso(START_US)]
    assert "the range is empty" in place.nvr("export", "--camera", CAMERA, *empty, *out, code=2).output
    before = ["--start", iso(START_US - 9_000_000), "--end", iso(START_US - 1)]
    assert "nothing of the range was recorded" in place.nvr("export", "--camera", CAMERA, *before, *out, code=1).output
    with place.studio.database.read() as conn:
        assert all(hold.released_us is not None for hold in holds.list_all(conn))


def test_keys_are_listed_rotated_and_supplied(place: Place) -> None:
    first = place.export()
    place.nvr("keys", "rotate")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k.pem",
        "-out",
        "c.pem",
        "-subj",
        "/CN=HSM",
        "-days",
        "9",
    ]
    subprocess.run(command, cwd=place.folder, check=True, capture_output=True)
    place.nvr("keys", "supply", "--key", str(place.folder / "k.pem"), "--certificate", str(place.folder / "c.pem"))
    lines = place.nvr("keys", "list").output.splitlines()
    assert len(lines) == 4
    assert "HSM" in lines[1] and "in use" in lines[1]
    old = next(
        path
        for path in (place.folder / "keys").glob("*.der")
        if path.read_bytes() == (first / "manifest.1.der").read_bytes()
    )
    place.nvr("keys", "certificate", old.stem[:12], "--out", str(place.folder / "old.pem"))
    assert (place.folder / "old.pem").read_text().startswith("-----BEGIN CERTIFICATE")
    place.nvr("verify", str(first), "--certificate", str(place.folder / "old.pem"))
    place.nvr("verify", str(first), "--certificate", str(place.folder / "c.pem"), code=13)
    assert "there is no one certificate" in place.nvr("keys", "certificate", "00ff", "--out", "x", code=1).output


def test_a_range_that_is_not_over_is_refused_with_the_time_to_come_back(place: Place) -> None:
    growing = place.studio.growing(encode("h264", 40, first=500), place.run.end_us, epoch=2)
    for _, _ in zip(range(3), growing, strict=False):
        pass
    times = ["--start", iso(place.run.start_us), "--end", iso(place.run.end_us + 60_000_000)]
    out = ["--out", str(place.folder / "out")]
    said = place.nvr("export", "--camera", CAMERA, *times, *out, code=1).output
    assert "Come back at" in said and "--wait" in said
    assert not (place.folder / "out").exists()
    with place.studio.database.read() as conn:
        assert not [hold for hold in holds.list_all(conn) if hold.released_us is None]
    said = place.nvr("clip", "--camera", CAMERA, *times, *out, code=1).output
    assert "Come back at" in said and "--so-far" in said
    (place.folder / "out").mkdir()
    place.nvr("clip", "--camera", CAMERA, *times, *out, "--so-far")
    (saved,) = (place.folder / "out").iterdir()
    assert saved.name.endswith("_so-far.mp4")


def test_a_zip_is_its_makers_alone_and_a_full_disk_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = place.export("--zip")
    assert package.stat().st_mode & 0o777 == 0o600
    package.unlink()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in (
        "nvr.evidence.package.hashed_files.HashedOutput.write",
        "nvr.evidence.making.package.FILES.sync_folder",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(broken, full)
            times = ["--start", iso(place.run.start_us), "--end", iso(place.run.end_us)]
            said = place.nvr("export", "--camera", CAMERA, *times, "--out", str(place.folder / "out"), code=1).output
        assert "No space left on device" in said
        assert list((place.folder / "out").iterdir()) == []


def test_what_was_exported_before_is_read_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    package = place.export()
    said = place.nvr("exports", "recheck", str(package)).output
    assert "good" in said and "bytes of footage are what was recorded" in said
    # A sound signature over bytes that were never recorded: what an earlier version could make.
    recorded = place.run.parts[-1].path
    data = bytearray(recorded.read_bytes())
    data[data.rfind(b"mdat") + 60] ^= 1
    recorded.write_bytes(data)
    said = place.nvr("exports", "recheck", str(package), code=10).output
    assert "wrong" in said and "of the recorded file differ" in said
    with place.studio.database.write() as conn:
        segments.discard(conn, place.run.parts[-1].key)
    said = place.nvr("exports", "recheck", str(package)).output
    assert "partly" in said and "no longer recorded here" in said
    monkeypatch.setenv("LC_ALL", "id_ID.UTF-8")
    assert "tidak lagi terekam di sini" in place.nvr("exports", "recheck", str(package)).output


def test_the_servers_exports_are_read_back_and_marked(place: Place) -> None:
    keys = KeyFolder(place.folder / "keys", "CCTV Kota")
    settings = ExportSettings(
        catalogue=str(place.studio.database.path), keys=str(keys.path), exports=str(place.folder / "exports"),
        name="CCTV Kota", node="n1", zone="UTC", version="0", budget_bytes=10**9, keep_us=10**12,
        rate_bytes_per_s=10**9,
    )  # fmt: skip
    exporter = Exporter(settings, threading.Event())
    ids = []
    for number in range(3):
        id_ = new_export_id()
        request = request_of(place.run.start_us, place.run.end_us - number * 1_000_000).to_json() | {"id": id_}
        with place.studio.database.write() as conn:
            export_queue.queue(conn, id_, request, by=person("ines"), now_us=place.run.end_us + number)
        assert exporter.work()
        ids.append(id_)
    # As if an earlier version had made them.
    with place.studio.database.write() as conn:
        conn.execute("UPDATE export SET checked_us = NULL, check_outcome = NULL")

    def found(id_: str) -> exports.Export:
        with place.studio.database.read() as conn:
            job = exports.find(conn, id_)
        assert job is not None
        return job

    changed = place.folder / "exports" / str(found(ids[1]).folder)
    movie = next(changed.glob("*.mp4"))
    data = bytearray(movie.read_bytes())
    data[data.rfind(b"mdat") + 60] ^= 1
    movie.write_bytes(data)
    with place.studio.database.write() as conn:
        exports.expire(conn, ids[2])
    assert "never" in place.nvr("exports", "list").output
    said = place.nvr("exports", "recheck", code=10).output
    assert [found(id_).check_outcome for id_ in ids] == ["good", "wrong", None]
    assert "give a copy of it" in said
    with place.studio.database.read() as conn:
        actions = [entry.action for entry in audit.entries(conn)]
    assert actions.count("export_checked") == 2
    with place.studio.database.write() as conn, pytest.raises(LinkError, match="not what was recorded"):
        links.make(conn, ids[1], recipient="Sari", until_us=10**15 + 3600 * 10**6, by=person("ines"), now_us=10**15)
