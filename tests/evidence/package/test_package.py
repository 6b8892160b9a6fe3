"""What is in a package: the footage as it was recorded, at the right times, and nothing unsaid. Judged also by programs
that are not ours."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nvr.evidence.making.package import make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.package.copying import write_sealed
from nvr.evidence.package.manifest import _detail
from nvr.evidence.package.request import ExportRequest
from nvr.evidence.package.statement import make_statement
from nvr.evidence.seal.errors import ExportRefused, NothingToExport, SourceChanged
from nvr.evidence.seal.oeff import parse_meta, signed_view
from nvr.evidence.seal.signing import Signer, read_certificate
from nvr.evidence.seal.times import parse_iso
from nvr.evidence.verify import verify
from storage.catalogue import clock_samples
from storage.format.boxes import children, parse_init, parse_moof
from storage.format.dating import undated
from tests.evidence.made import UNIT, Made, make, request_of
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.playback.worlds import World, decoded, ffmpeg_complaints, make_world


def boxes_of(data: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for box in children(data, 0, len(data)):
        found.setdefault(box.kind, []).append(data[box.start : box.end])
    return found


def times_of(data: bytes) -> list[int]:
    """The UTC time of each video frame, by the file's own word: time zero of its seal, and its decode times."""
    boxes = boxes_of(data)
    zero_us = parse_meta(boxes[b"meta"][0]).start_us
    video = next(t for t in parse_init(boxes[b"ftyp"][0] + boxes[b"moov"][0]) if t.kind == "video")
    times = []
    for moof in boxes[b"moof"]:
        for part in parse_moof(moof).tracks:
            if part.track_id == video.track_id:
                before = part.samples[:, 1].cumsum() - part.samples[:, 1]
                pts = part.decode_time + before + part.samples[:, 2]
                times += [zero_us + round(int(p) * 1_000_000 / video.timescale) for p in pts]
    return sorted(times)


def test_untouched_is_valid_and_the_signer_is_shown(whole: Made, signer: Signer) -> None:
    report = verify(whole.path, [signer.certificate])
    assert (report.outcome, report.exit_code, report.findings, report.signer_known) == ("valid", 0, [], True)
    assert [s.fingerprint for s in report.signatures] == [signer.certificate.fingerprint]
    unpinned = verify(whole.path)
    assert unpinned.outcome == "valid"
    assert not unpinned.signer_known


def test_every_frame_of_the_range_is_there_once_at_its_time(world: World, whole: Made) -> None:
    expected = world.expected(whole.request.start_us, whole.request.end_us)
    numbers, times = [], []
    for movie in whole.movies:
        found = [number for number, _ in decoded(movie)]
        at = times_of(movie.read_bytes())
        assert len(found) == len(at)
        numbers += found
        times += at
    first = numbers.index(expected[0].number)
    of_range = list(zip(numbers, times, strict=True))[first : first + len(expected)]
    assert [n for n, _ in of_range] == [f.number for f in expected]
    # A fragment is half a second, the recorder's clock was off by 300 ppm: the middle of it is right to a fraction of a
    # millisecond.
    assert max(abs(t - f.wall_us) for (_, t), f in zip(of_range, expected, strict=True)) < 400
    # No more before it than from the keyframe on, no more after it than the fragment.
    assert whole.request.start_us - times[0] < 1_000_000 + 100_000
    stated = [file for file in whole.package.manifest["files"] if file["kind"] == "video"]
    assert abs(whole.request.start_us - stated[0]["preroll_us"] - times[0]) < 400
    assert abs(whole.request.end_us + stated[-1]["postroll_us"] - parse_iso(stated[-1]["delivered"]["end"])) < 2
    assert all(file["preroll_us"] == 0 for file in stated[1:])
    assert times[-1] - whole.request.end_us < 600_000


@pytest.mark.parametrize("codec", ["h264b", "h265"])
def test_other_codecs(codec: str, tmp_path: Path, signer: Signer) -> None:
    world = make_world(tmp_path, codec)
    made = make(world, signer, tmp_path / "package")
    assert verify(made.path).outcome == "valid"
    for movie in made.movies:
        assert ffmpeg_complaints(movie) == ""
    world.studio.database.close()


def test_players_and_probes_take_the_files(whole: Made) -> None:
    for movie in whole.movies:
        assert ffmpeg_complaints(movie) == ""
        command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-count_frames", str(movie)]
        done = subprocess.run(command, capture_output=True, check=True)
        streams = {stream["codec_type"]: stream for stream in json.loads(done.stdout)["streams"]}
        entry = next(f for f in whole.package.manifest["files"] if f["name"] == movie.name)
        assert int(streams["video"]["nb_read_frames"]) == entry["frames"]
        assert set(streams) == {"video", "audio"}


def test_recorded_samples_are_copied_byte_for_byte(world: World, whole: Made) -> None:
    recorded = [part.path.read_bytes() for run in world.runs for part in run.parts]
    for movie in whole.movies:
        boxes = boxes_of(movie.read_bytes())
        for mdat in boxes[b"mdat"]:
            assert any(mdat in data for data in recorded)
        init = undated(boxes[b"ftyp"][0] + boxes[b"moov"][0])
        assert all(undated(data[: len(init)]) == init for data in recorded)
        moofs = [parse_moof(moof) for moof in boxes[b"moof"]]
        decode_times = [next(p.decode_time for p in moof.tracks if p.track_id == 1) for moof in moofs]
        assert all(a < b for a, b in itertools.pairwise(decode_times))
        assert min(p.decode_time for p in moofs[0].tracks) < 5
        assert [moof.sequence for moof in moofs] == list(range(1, len(moofs) + 1))


def test_files_say_when_they_begin_and_how_long_they_are(whole: Made) -> None:
    for movie in whole.movies:
        entry = next(f for f in whole.package.manifest["files"] if f["name"] == movie.name)
        begin_us, end_us = (parse_iso(entry["delivered"][key]) for key in ("start", "end"))
        said = json.loads(
            subprocess.run(
                ["ffprobe", "-v", "error", "-of", "json", "-show_format", str(movie)], capture_output=True, check=True
            ).stdout
        )
        assert parse_iso(said["format"]["tags"]["creation_time"]) == begin_us // 1_000_000 * 1_000_000
        if shutil.which("exiftool"):
            command = ["exiftool", "-j", "-n", "-api", "QuickTimeUTC=1", str(movie)]
            (tags,) = json.loads(
                subprocess.run(
                    command, capture_output=True, check=True, env={"TZ": "UTC", "PATH": os.environ["PATH"]}
                ).stdout
            )
            assert tags["CreateDate"].startswith(
                f"{datetime.fromtimestamp(begin_us // 1_000_000, UTC):%Y:%m:%d %H:%M:%S}"
            )
            assert abs(tags["Duration"] - (end_us - begin_us) / 1e6) < 0.01
        if shutil.which("mediainfo"):
            told = subprocess.run(
                ["mediainfo", "--Inform=General;%Encoded_Date%", str(movie)], capture_output=True, text=True, check=True
            ).stdout
            assert f"{datetime.fromtimestamp(begin_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}" in told


def test_openssl_verifies_the_seal_and_the_manifest(whole: Made, signer: Signer, tmp_path: Path) -> None:
    def openssl(data: bytes, signature: bytes, certificate: bytes) -> bool:
        for name, content in (("data", data), ("sig", signature), ("cert.der", certificate)):
            (tmp_path / name).write_bytes(content)
        command = ["openssl", "x509", "-inform", "DER", "-in", "cert.der", "-noout", "-pubkey"]
        key = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        (tmp_path / "pub.pem").write_bytes(key.stdout)
        command = ["openssl", "dgst", "-sha256", "-verify", "pub.pem", "-signature", "sig", "-sigopt"]
        command += ["rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:20", "-sigopt", "rsa_mgf1_md:sha256", "data"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    path = whole.path
    manifest, sig, der = ((path / name).read_bytes() for name in ("manifest.json", "manifest.1.sig", "manifest.1.der"))
    assert der == signer.certificate.der
    assert openssl(manifest, sig, der)
    assert not openssl(manifest + b" ", sig, der)
    for movie in whole.movies:
        data = movie.read_bytes()
        meta = boxes_of(data)[b"meta"][0]
        assert data.endswith(meta)
        found = parse_meta(meta)
        begin, end = found.signatures[0].signature
        sealed = data[: -len(meta)] + signed_view(meta, found, 0)
        assert openssl(sealed, meta[begin:end], found.signatures[0].certificate)


def test_the_manifest_accounts_for_all_of_the_range(world: World, whole: Made) -> None:
    manifest = json.loads((whole.path / "manifest.json").read_bytes())
    assert manifest["request"]["case"] == "LP/1/2026"
    assert manifest["operation"].startswith("stream copy")
    (camera,) = manifest["cameras"]
    parts = sorted((parse_iso(i["start"]), parse_iso(i["end"])) for i in [*camera["spans"], *camera["gaps"]])
    assert parts[0][0] == whole.request.start_us
    assert parts[-1][1] == whole.request.end_us
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    for file in manifest["files"]:
        data = (whole.path / file["name"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    segments = [s for f in manifest["files"] for s in f.get("segments", ())]
    closed = [part.path for run in world.runs for part in run.parts if ".part." not in part.path.name]
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in closed}
    assert {s["recorded_sha256"] for s in segments if s["matches"]} <= hashes
    # The one that still grows has no hash yet, and says so.
    assert [s["matches"] for s in segments] == [True] * (len(segments) - 1) + [None]


def test_what_is_known_of_the_cameras_clock_is_stated(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    run = studio.record(encode("h264", 20, first=0, gop=10, jitter=0), START_US)
    with studio.database.write() as conn:
        sample = clock_samples.Sample(run.start_us - 5, run.start_us + 9, -1_250_000, 4_000, "rtcp")
        clock_samples.record(conn, CAMERA, sample, node="n1")
    plan = plan_export(studio.database, studio.cache, request_of(run.start_us, run.end_us), now_us=run.end_us)
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    (told,) = package.manifest["cameras"][0]["clock_offset_samples"]
    assert (told["offset_us"], told["uncertainty_us"], told["source"]) == (-1_250_000, 4_000, "rtcp")
    assert parse_iso(told["at"]) == run.start_us - 5
    assert set(package.manifest["server_clock_at_export"]) == {"synchronized", "estimated_error_us", "max_error_us"}


def test_recorded_footage_that_changed_is_delivered_and_told(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    run = studio.record(encode("h264", 80, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
    damaged = run.parts[0].path
    data = bytearray(damaged.read_bytes())
    data[data.rfind(b"mdat") + 50] ^= 1
    damaged.write_bytes(data)
    request = request_of(run.start_us, run.end_us)
    plan = plan_export(studio.database, studio.cache, request, now_us=run.end_us)
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert len(package.warnings) == 1
    segments = package.manifest["files"][0]["segments"]
    assert [s["matches"] for s in segments] == [False, True]
    report = verify(package.path)
    assert report.outcome == "valid"
    assert [code for _, code, _ in report.notes] == ["not_as_recorded"]


def test_footage_that_is_gone_is_named_and_the_rest_delivered(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    run = studio.record(encode("h264", 120, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
    run.parts[1].path.unlink()
    request = request_of(run.start_us, run.end_us)
    plan = plan_export(studio.database, studio.cache, request, now_us=run.end_us)
    package = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert [e["code"] for e in package.manifest["cameras"][0]["not_delivered"]] == ["footage_gone"]
    assert len([f for f in package.manifest["files"] if f["kind"] == "video"]) == 2
    assert verify(package.path).notes[0][1] == "not_delivered"


def test_footage_that_ends_too_early_makes_no_file(studio: Studio, signer: Signer, tmp_path: Path) -> None:
    run = studio.record(encode("h264", 80, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
    request = request_of(run.start_us, run.end_us)
    plan = plan_export(studio.database, studio.cache, request, now_us=run.end_us)
    path = run.parts[1].path
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceChanged):
        make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_an_interrupted_export_goes_on_behind_the_last_finished_file(
    world: World, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    written: list[str] = []

    def counting(path: Path, *args: Any, **more: Any) -> Any:
        written.append(path.name)
        return write_sealed(path, *args, **more)

    def until_second(done: int, total: int) -> None:
        if len(written) == 2:
            raise Killed

    monkeypatch.setattr("nvr.evidence.making.package.write_sealed", counting)
    studio = world.studio
    request = request_of(START_US, world.runs[2].end_us)
    plan = plan_export(studio.database, studio.cache, request, now_us=world.end_us)
    with pytest.raises(Killed):
        make_package(plan, studio.cache, signer, UNIT, tmp_path / "package", progress=until_second)
    before = list(written)
    made = make_package(plan, studio.cache, signer, UNIT, tmp_path / "package")
    assert before[0] not in written[2:]
    assert sorted(written[2:] + before[:1]) == sorted(f.name for f in plan.files)
    assert verify(made.path).outcome == "valid"
    assert not list(tmp_path.glob("*.part"))


def test_what_cannot_be_exported_is_refused(world: World, signer: Signer, whole: Made) -> None:
    studio = world.studio

    def plan(start_us: int, end_us: int, *cameras: str) -> None:
        request = ExportRequest("id", cameras or (CAMERA,), start_us, end_us, "ines")
        plan_export(studio.database, studio.cache, request, now_us=world.end_us)

    with pytest.raises(ExportRefused, match="empty"):
        plan(START_US, START_US)
    with pytest.raises(NothingToExport):
        plan(START_US - 2_000_000, START_US - 1_000_000)
    with pytest.raises(ExportRefused, match="never was a camera"):
        plan(START_US, START_US + 1, "nobody")
    with pytest.raises(ExportRefused, match="twice"):
        plan(START_US, START_US + 1_000_000, CAMERA, CAMERA)
    again = plan_export(studio.database, studio.cache, whole.request, now_us=world.end_us)
    with pytest.raises(ExportRefused, match="exists"):
        make_package(again, studio.cache, signer, UNIT, whole.path)


def test_the_statement_is_a_short_pdf(whole: Made) -> None:
    data = (whole.path / "statement.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert 1 <= data.count(b"/Type /Page\n") <= 2


def test_a_seal_tells_who_and_what(whole: Made, signer: Signer) -> None:
    found = parse_meta(boxes_of(whole.movies[0].read_bytes())[b"meta"][0])
    assert read_certificate(found.signatures[0].certificate) == signer.certificate
    assert found.unit.name == "Test recorder"
    assert [s.name for s in found.unit.sources] == ["Gate", "Gate"]


def words_of(pdf: bytes) -> str:
    """The text of a PDF whose streams are compressed, piece by piece."""
    found = []
    for stream in pdf.split(b"stream\n")[1:]:
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(stream).decode("latin-1"))
    return " ".join(found)


def test_the_statement_marks_what_was_only_stated(whole: Made) -> None:
    manifest = json.loads((whole.path / "manifest.json").read_bytes())
    manifest["request"] |= {"approver": "Kapolres", "stated_by": {"approver": "ines"}}
    text = words_of(make_statement(manifest, {}))
    assert "menurut ines / as stated by ines" in text
    manifest["request"]["stated_by"] = {}
    text = words_of(make_statement(manifest, {}))
    assert "Kapolres" in text and "as stated by" not in text


def test_what_people_typed_of_a_gap_is_stated_not_said() -> None:
    order = {"order": "o1", "letter": "500/1", "approver": "Kepala", "reason": "thrift", "entered": "2026-10-06"}
    assert _detail(order) == {
        "order": "o1",
        "entered": "2026-10-06",
        "stated": {"letter": "500/1", "approver": "Kepala", "reason": "thrift"},
    }
    # The server's own reason stays its own.
    assert _detail({"reason": "sleeping", "error": "words of a camera"}) == {"reason": "sleeping"}
